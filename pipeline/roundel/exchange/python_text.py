"""Reads values that Python has printed: dicts, lists, tuples, texts, numbers, True, False and None.

Anything else, such as ``datetime.datetime(2024, 1, 2)``, is read as ``None``. Nothing is run, and depth is limited.
"""

from __future__ import annotations

import ast
import re
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
            return ast.literal_eval(found)
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
