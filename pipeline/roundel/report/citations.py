"""Codes of sources spelled out, and long texts cut into pieces that can be read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from roundel import words
from roundel.catalogue.model import Source

MOST_CHARACTERS = 3000
"""Of one text on the page; nothing that Roundel writes is as long."""
LEAST_LISTED = 3
"""So many items, divided by semicolons, make a list."""

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z“])")
_LISTING = re.compile(r"(?P<head>[^:;]+:) (?P<items>[^;]+(?:; [^;]+)+)")
_NAME_END = re.compile(r"[:;]\s|,\s(?=\D)| \(")
_CODE = re.compile(r"(?<![A-Za-z0-9_-])[A-Z][A-Za-z0-9-]*(?![A-Za-z0-9_-])")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text; ``anchor``: where its source is spelled out, and ``source``: the code with the source's name.

    Both are empty if it is no code of one.
    """

    text: str
    anchor: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Passage:
    """A sentence, or the head of a list and its items. Head and items together are the sentence, word for word."""

    head: tuple[Piece, ...]
    items: tuple[tuple[Piece, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A source spelled out: ``code``, ``what`` it is, ``where`` it was opened and how reliable it is (A to D)."""

    anchor: str
    code: str
    what: str
    where: str
    tier: str


class Citations:
    """The sources that one sheet cites, each spelled out once, in the order of the catalogue."""

    def __init__(self, prefix: str, sources: Mapping[str, Source], texts: Iterable[str]) -> None:
        cited = {word for text in texts for word in words_of(text)}
        known = [code for code in sources if code in cited]
        self._names = {code: f"{code}, {short_name(sources[code].what)}" for code in known}
        self._anchors = {code: f"{prefix}-s{number}" for number, code in enumerate(known, start=1)}
        self.lines = tuple(
            SourceLine(
                self._anchors[code], code, sources[code].what, sources[code].where, sources[code].tier or "not rated"
            )
            for code in known
        )

    def pieces(self, text: str) -> tuple[Piece, ...]:
        """A text with the codes in it linked to where they are spelled out."""
        whole = words.shorten(text, MOST_CHARACTERS)
        found, last = [], 0
        for match in _CODE.finditer(whole):
            anchor = self._anchors.get(match[0], "")
            if anchor:
                found += [Piece(whole[last : match.start()]), Piece(match[0], anchor, self._names[match[0]])]
                last = match.end()
        return tuple(piece for piece in (*found, Piece(whole[last:])) if piece.text)

    def passages(self, text: str) -> tuple[Passage, ...]:
        """A text sentence by sentence; a sentence that lists several things by semicolons becomes a list."""
        return tuple(self._passage(sentence) for sentence in sentences(words.shorten(text, MOST_CHARACTERS)))

    def _passage(self, sentence: str) -> Passage:
        match = _LISTING.fullmatch(sentence)
        items = match["items"].split("; ") if match else []
        if match is None or len(items) < LEAST_LISTED:
            return Passage(self.pieces(sentence))
        ends = [";"] * (len(items) - 1) + [""]
        return Passage(
            self.pieces(match["head"]),
            tuple(self.pieces(item + end) for item, end in zip(items, ends, strict=True)),
        )


def short_name(what: str) -> str:
    """The name of a source without what it says.

    >>> short_name("Oryx on Bellingcat: Tabqa captures incl. MiG-21 serials 1543 (MF)")
    'Oryx on Bellingcat'
    """
    return _NAME_END.split(what, maxsplit=1)[0]


def words_of(text: str) -> list[str]:
    """All in a text that has the form of a source's code.

    >>> words_of("P14 and MiG-21, S1 L4909")
    ['P14', 'MiG-21', 'S1', 'L4909']
    """
    return _CODE.findall(text)


def sentences(text: str) -> list[str]:
    """The sentences of a text.

    >>> sentences("At most 7 %. It is not complete.")
    ['At most 7 %.', 'It is not complete.']
    """
    return _SENTENCE_END.split(text.strip())
