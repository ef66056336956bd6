"""Reading the keys of one mapping: what is wrong is noted with its place, and reading goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from roundel.claims.files.problems import (
    MOST_PROBLEMS,
    FileProblemsError,
    Place,
    Problem,
    Problems,
    did_you_mean,
    quoted,
)
from roundel.claims.files.yaml_lines import Items, Mapping, Node, Text
from roundel.errors import UsageError

MOST_TEXT = 10_000  # characters of one value
T = TypeVar("T")
D = TypeVar("D")
Reader = Callable[[Node], T]
"""Makes a value of a node, or raises FileProblemsError with all that is wrong in it."""


def wrong(place: Place, text: str) -> FileProblemsError:
    """One problem, to be raised."""
    return FileProblemsError([Problem(place, text)])


def as_text(node: Node) -> str:
    """A single text, which may not be empty."""
    if not isinstance(node, Text):
        kind = "a list stands here" if isinstance(node, Items) else "keys stand here"
        raise wrong(node.place, f"{kind} instead of a single text; write one value, in quotes if it has brackets")
    if node.empty or not node.value.strip():
        raise wrong(node.place, "nothing stands here; write a value, or delete the key")
    if len(node.value) > MOST_TEXT:
        raise wrong(node.place, f"a text of {len(node.value):,} characters stands here; write at most {MOST_TEXT:,}")
    return node.value.strip()


def as_mapping(node: Node, example: str) -> Mapping:
    """A mapping; the example says how one is written."""
    if not isinstance(node, Mapping):
        raise wrong(node.place, f"keys with values have to stand here; write {example}")
    return node


def via(convert: Callable[[str], T]) -> Reader[T]:
    """Reader of a text, which ``convert`` turns into the value or refuses with a UsageError."""

    def read(node: Node) -> T:
        text = as_text(node)
        try:
            return convert(text)
        except UsageError as error:
            raise wrong(node.place, str(error)) from error

    return read


def many(read: Reader[T]) -> Reader[tuple[T, ...]]:
    """Reader of a list that is not empty; one value may stand without brackets."""

    def read_all(node: Node) -> tuple[T, ...]:
        if not isinstance(node, Items):
            return (read(node),)
        if not node.items:
            raise wrong(node.place, "the list is empty; write at least one value, or delete the key")
        values: list[T] = []
        problems: list[Problem] = []
        for item in node.items:
            try:
                values.append(read(item))
            except FileProblemsError as error:
                problems.extend(error.problems)
            if len(problems) >= MOST_PROBLEMS:
                break
        if problems:
            raise FileProblemsError(problems)
        return tuple(values)

    return read_all


class Fields:
    """The entries of one mapping. ``what`` names it in messages, such as "a claim"."""

    def __init__(self, mapping: Mapping, keys: tuple[str, ...], what: str, problems: Problems) -> None:
        self._mapping, self._what, self._problems = mapping, what, problems
        for key, entry in mapping.entries.items():
            if problems.full:
                break
            if key not in keys:
                problems.add(entry.place, f"{quoted(key)} is no key of {what}; {did_you_mean(key, keys)}")

    @property
    def place(self) -> Place:
        """Where the mapping starts."""
        return self._mapping.place

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._mapping.entries

    def key_place(self, key: str) -> Place:
        """Where a key that is there stands."""
        return self._mapping.entries[key].place

    def complain(self, text: str, key: str = "") -> None:
        """Note a problem of the mapping, at one of its keys if it is there."""
        self._problems.add(self.key_place(key) if self.has(key) else self.place, text)

    def get(self, key: str, read: Reader[T], default: D) -> T | D:
        """The value of a key; the default if it is not there, or cannot be read, which is noted."""
        if not self.has(key):
            return default
        try:
            return read(self._mapping.entries[key].value)
        except FileProblemsError as error:
            self._problems.found.extend(error.problems)
            return default

    def need(self, key: str, read: Reader[T], default: D, example: str) -> T | D:
        """Like ``get`` for a key that has to be there; the example says how it is written."""
        if not self.has(key):
            self.complain(f"{self._what} needs {key}; write {example}")
        return self.get(key, read, default)
