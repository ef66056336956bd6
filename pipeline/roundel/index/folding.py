"""Writing reduced to what a reader cannot tell apart: O and 0, I and 1, Cyrillic letters that look like Latin ones.

Both what was read and what is asked for are folded, so that either may be written in either way.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Sequence

SHAPES = {
    "0": "oоο",
    "1": "iіlӏιı",
    "2": "zζ",
    "3": "з",
    "5": "sѕ",
    "6": "gб",
    "8": "bвβ",
    "a": "аα",
    "c": "сϲ",
    "e": "еε",
    "h": "нη",
    "j": "јϳ",
    "k": "кκ",
    "m": "мμ",
    "n": "ν",
    "p": "рρ",
    "t": "тτ",
    "x": "хχ",
    "y": "уυ",
}
"""One sign for each shape, and the small letters of Latin, Cyrillic and Greek whose capitals have that shape."""
_ONE_SHAPE = str.maketrans({letter: sign for sign, letters in SHAPES.items() for letter in letters})
WORTH_TRYING = 0.15
"""An alternative character counts from this share of the engine's weight on, as in the report."""
MOST_VARIANTS = 64
MOST_CHARACTERS = 4000

Alternatives = Sequence[Sequence[tuple[str, float]]]


def plain(text: str) -> str:
    """Small letters and European digits without accents.

    >>> plain("Ё-14"), plain("٢٢٦"), plain("Ｔ−72")
    ('е-14', '226', 't−72')
    """
    spelt = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return "".join(
        str(unicodedata.digit(sign)) if unicodedata.category(sign) == "Nd" else sign
        for sign in spelt
        if unicodedata.category(sign) not in {"Mn", "Me", "Cf"}
    )


def folded(text: str) -> str:
    """Small letters without accents, one sign for each shape.

    >>> folded("B-14") == folded("В-I4") == folded("8-l4")
    True
    """
    return plain(text).translate(_ONE_SHAPE)


def pieces(word: str) -> list[str]:
    """The runs of letters and digits in a word.

    >>> pieces("T-72B3.")
    ['T', '72B3']
    """
    spaced = "".join(sign if sign.isalnum() else " " for sign in word)
    return spaced.split()


def terms(text: str) -> str:
    """Words to be looked up: each run of letters and digits, and what was written in one word also as one.

    >>> terms(folded("T-72 226"))
    't 72 t72 226'
    """
    found: list[str] = []
    for word in text.replace("/", " ").split():
        parts = pieces(word)
        found += [*parts, "".join(parts)] if len(parts) > 1 else parts
    return " ".join(found)


def variants(text: str, alternatives: Alternatives) -> list[str]:
    """What a reading may say, if each character may be any of its alternatives; likeliest first, the text among them.

    >>> variants("22", [[("2", 0.9)], [("2", 0.6), ("7", 0.3), ("1", 0.01)]])
    ['22', '27']
    """
    if len(alternatives) != len(text):
        return [text]
    choices = []
    for sign, options in zip(text, alternatives, strict=True):
        total = sum(max(weight, 0.0) for _, weight in options) or 1.0
        others = [(other, weight / total) for other, weight in options if weight / total >= WORTH_TRYING]
        choices.append([(sign, 1.0), *((other, share) for other, share in others if other != sign)])
    while _count(choices) > MOST_VARIANTS:  # the least likely of all alternatives goes first
        longest = [row for row in choices if len(row) > 1]
        row = min(longest, key=lambda item: min(share for _, share in item[1:]))
        row.remove(min(row[1:], key=lambda item: (item[1], item[0])))
    found = {
        "".join(sign for sign, _ in combination): sum(share < 1 for _, share in combination)
        for combination in itertools.product(*choices)
    }
    return sorted(found, key=lambda item: (found[item], item != text, item))


def _count(choices: Sequence[Sequence[object]]) -> int:
    total = 1
    for row in choices:
        total *= len(row)
    return total
