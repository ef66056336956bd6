"""From words that a person types to a query for SQLite's FTS5, in which nothing that was typed is syntax.

``?`` stands for one letter or digit, ``*`` for any number of them; all words must be there.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from roundel.errors import UsageError
from roundel.index.folding import folded, pieces, plain

MOST_WORDS = 16
MOST_LETTERS = 100
MOST_TERMS = 256
_WILD = re.compile(r"[?*]")

FOLDS: dict[str, Callable[[str], str]] = {"words": plain, "folded": folded, "alternatives": folded}
"""How what is asked for is written, by the column in which it is looked up."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word that is asked for."""

    text: str

    @property
    def wild(self) -> bool:
        """Whether letters are left open elsewhere than at the end."""
        return bool(_WILD.search(self.text.rstrip("*")))

    def parts(self, column: str) -> list[str]:
        """The runs of letters and digits, as the column writes them."""
        return pieces(FOLDS[column](self.text))

    def pattern(self, column: str) -> re.Pattern[str]:
        """What a whole term of the column must look like."""
        fold = FOLDS[column]
        told = [
            item if _WILD.fullmatch(item) else "".join(pieces(fold(item))) for item in re.split(r"([?*])", self.text)
        ]
        return re.compile("".join({"?": ".", "*": ".*"}.get(item, re.escape(item)) for item in told))


def asked(text: str) -> list[Word]:
    """The words of a query.

    Raises:
        UsageError: if there is nothing to look for, or more than a person types.
    """
    words = [Word(word) for word in text.split()]
    if not words:
        raise UsageError('--text: is empty; give words, such as --text "226" or --text "T-72*"')
    if len(words) > MOST_WORDS:
        raise UsageError(f"--text: has {len(words)} words, more than {MOST_WORDS}; give the rarest of them")
    for word in words:
        if len(word.text) > MOST_LETTERS:
            raise UsageError(f"--text: has a word of more than {MOST_LETTERS} letters; give a part of it and *")
        if not word.parts("words"):
            raise UsageError(f"--text: {word.text!r} holds no letter and no digit, so it cannot be looked for")
    return words


def expression(words: list[Word], column: str, index: sqlite3.Connection) -> str | None:
    """The query for one column; ``None`` if nothing in it can match.

    Raises:
        UsageError: if open letters fit too many different words.
    """
    told = []
    for word in words:
        one = _any_of(_matching(word, column, index)) if word.wild else _phrases(word, column)
        if one is None:
            return None
        told.append(f"({one})")
    return f"{{{column}}} : ({' AND '.join(told)})"


def _phrases(word: Word, column: str) -> str:
    """The parts of a word one after the other, or written in one."""
    parts = word.parts(column)
    star = " *" if word.text.endswith("*") else ""
    return " OR ".join(f"{_quoted(item)}{star}" for item in dict.fromkeys([" ".join(parts), "".join(parts)]))


def _matching(word: Word, column: str, index: sqlite3.Connection) -> list[str]:
    """The terms of a column that a word with open letters fits."""
    pattern = word.pattern(column)
    index.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab('main', 'written', 'col')")
    rows = index.execute("SELECT term FROM temp.vocabulary WHERE col = ? ORDER BY term", (column,))
    found = [term for (term,) in rows if pattern.fullmatch(term)]
    if len(found) > MOST_TERMS:
        raise UsageError(f"--text: {word.text!r} fits {len(found)} different words; give more letters")
    return found


def _any_of(terms: list[str]) -> str | None:
    return " OR ".join(_quoted(term) for term in terms) if terms else None


def _quoted(text: str) -> str:
    """A string of FTS5, in which nothing is an operator."""
    return '"' + text.replace('"', '""') + '"'
