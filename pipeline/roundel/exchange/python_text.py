"""Reads values that Python has printed: dicts, lists, tuples, texts, numbers, True, False and None.

Anything else, such as ``datetime.datetime(2024, 1, 2)``, is read as ``None``. Nothing is run, and depth is limited.
"""

from __future__ import annotations

import re
import sys
from typing import Any, Final

MOST_DEPTH: Final = 30
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>b?(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"))"""
    r"""|(?P<number>[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?(?:[eE][+-]?[0-9]{1,3})?|inf|nan))"""
    r"""|(?P<name>[A-Za-z_][\w.]{0,200})"""
    r"""|(?P<sign>[][(){}:,=]))"""
)
_CLOSES = {"(": ")", "[": "]", "{": "}"}
_NAMES = {"True": True, "False": False, "None": None}


_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.?))", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "'": "'", '"': '"'}


def parse(text: str) -> Any:  # noqa: ANN401
    """The value that a text prints.

    Raises:
        ValueError: if it is none, or is nested too deeply.
    """
    reader = _Reader(text)
    value = reader.value(0)
    if not reader.is_at_end:
        raise ValueError("more stands behind the value")
    return value


class _Reader:
    def __init__(self, text: str) -> None:
        self._text, self._at = text.rstrip(), 0

    @property
    def is_at_end(self) -> bool:
        return self._at == len(self._text)

    def _next(self) -> tuple[str, str]:
        found = _TOKEN.match(self._text, self._at)
        if found is None or found.lastgroup is None:
            raise ValueError(f"character {self._at + 1} is no part of a value")
        self._at = found.end()
        return found.lastgroup, found[found.lastgroup]

    def _follows(self, sign: str) -> bool:
        """Whether a sign comes next; it is then passed."""
        found = _TOKEN.match(self._text, self._at)
        if found is None or found["sign"] != sign:
            return False
        self._at = found.end()
        return True

    def value(self, depth: int) -> Any:  # noqa: ANN401
        if depth > MOST_DEPTH:
            raise ValueError("it is nested too deeply")
        kind, found = self._next()
        if kind == "text":
            return _unquoted(found)
        if kind == "number":
            return float(found)
        if kind == "name":
            if self._follows("("):
                self._items(")", depth)
            return _NAMES.get(found)
        if found in _CLOSES:
            return self._dict(depth) if found == "{" else self._items(_CLOSES[found], depth)
        raise ValueError(f"{found} stands where a value should")

    def _items(self, end: str, depth: int) -> list[Any]:
        items: list[Any] = []
        while not self._follows(end):
            items.append(self.value(depth + 1))
            if self._follows("="):  # the name of an argument
                items[-1] = self.value(depth + 1)
            if not self._follows(","):
                if not self._follows(end):
                    raise ValueError(f"{end} is missing")
                break
        return items

    def _dict(self, depth: int) -> dict[str, Any]:
        """A dict, or a set, of which nothing is kept."""
        found: dict[str, Any] = {}
        while not self._follows("}"):
            key = self.value(depth + 1)
            if self._follows(":"):
                found[str(key)] = self.value(depth + 1)
            if not self._follows(","):
                if not self._follows("}"):
                    raise ValueError("} is missing")
                break
        return found


def _unquoted(text: str) -> str | bytes:
    """The text, or the bytes, that is printed in quotes."""
    plain = _ESCAPE.sub(_escaped, text[2:-1] if text.startswith("b") else text[1:-1])
    if not text.startswith("b"):
        return plain
    try:
        return plain.encode("latin-1")
    except UnicodeEncodeError as error:
        raise ValueError("bytes hold what is no byte") from error


def _escaped(found: re.Match[str]) -> str:
    digits = found[1] or found[2] or found[3]
    if digits:
        if int(digits, 16) > sys.maxunicode:
            raise ValueError(f"{found[0]} is no character")
        return chr(int(digits, 16))
    if found[4] not in _ESCAPED:
        raise ValueError(f"{found[0]} is no way to write a character")
    return _ESCAPED[found[4]]
