"""What is wrong in a file that a person wrote: every problem with its place, all of them in one error."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from roundel.errors import UsageError

LONGEST_WORD = 60
MOST_SHOWN = 40
MOST_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file; line and column from 1. In a table the column has a name."""

    file: Path
    line: int
    column: int
    column_name: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column_name or self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at a place, and what to write instead."""

    place: Place
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


class FileProblemsError(UsageError):
    """A file, or files, cannot be used; ``problems`` has all that is wrong, in the order of the lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.lines()))

    def lines(self) -> tuple[str, ...]:
        """One line for each problem."""
        return tuple(map(str, self.problems))


@dataclass(slots=True)
class Problems:
    """Collects problems while reading goes on."""

    found: list[Problem] = field(default_factory=list)

    def add(self, place: Place, text: str) -> None:
        """Note a problem."""
        self.found.append(Problem(place, text))

    @property
    def full(self) -> bool:
        """Whether there are so many that reading need not go on."""
        return len(self.found) >= MOST_PROBLEMS

    def stop_if_any(self) -> None:
        """End the reading of files that have problems.

        Raises:
            FileProblemsError: with all problems, file by file as they were opened, in the order of the lines. After
                very many, reading has ended before the end of the files, and the last problem says so.
        """
        if self.found:
            files = list(dict.fromkeys(problem.place.file for problem in self.found))
            found = sorted(
                self.found, key=lambda item: (files.index(item.place.file), item.place.line, item.place.column)
            )
            if self.full:
                found = found[:MOST_PROBLEMS]
                found.append(Problem(found[-1].place, "reading ended here, after many problems; correct these first"))
            raise FileProblemsError(found)


def quoted(text: str) -> str:
    """What somebody wrote, shortened, for a message.

    >>> print(quoted("a" * 50))
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…"
    """
    return f'"{text[:MOST_SHOWN]}{"…" * (len(text) > MOST_SHOWN)}"'


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is most like this one; empty if none is.

    >>> nearest("qantifier", ["quantifier", "subject"])
    'quantifier'
    """
    by_fold = {_fold(name): name for name in known}
    near = difflib.get_close_matches(_fold(word[:LONGEST_WORD]), by_fold, 1, 0.6)
    return by_fold[near[0]] if near else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown word: the nearest known word, or a list of all if there are few.

    >>> did_you_mean("vidoes", ["videos", "place"])
    'did you mean videos?'
    >>> did_you_mean("x", ["videos", "place"])
    'write one of: videos, place'
    """
    words = list(known)
    near = nearest(word, words)
    return f"did you mean {near}?" if near else f"write one of: {', '.join(words)}"


def _fold(word: str) -> str:
    return word.strip().casefold().replace(" ", "_").replace("-", "_")
