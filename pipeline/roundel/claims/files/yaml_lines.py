"""YAML as a person writes it, every value kept as the text that stands there, with its place.

Scalars are not interpreted: 0:10 stays "0:10" (YAML 1.1 makes 10 of it) and ``no`` stays "no". Anchors, aliases, tags
and further documents are refused, so a small file cannot become a large one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from roundel.claims.files.problems import FileProblemsError, Place, Problem, Problems, quoted

DEEPEST: Final = 12


@dataclass(frozen=True, slots=True)
class Text:
    """A single value as written; ``empty``: nothing stands there, or ``null`` or ``~``."""

    place: Place
    value: str
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A list. ``flow``: written in square brackets."""

    place: Place
    items: tuple[Node, ...]
    flow: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A value and the place of its key."""

    place: Place
    value: Node


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values in their order. ``flow``: written in curly brackets."""

    place: Place
    entries: dict[str, Entry]
    flow: bool = False


Node = Text | Items | Mapping


def parse(text: str, path: Path, problems: Problems) -> Node:
    """The nodes of a YAML text. Duplicate keys are noted among the problems; the first one counts.

    Raises:
        FileProblemsError: if the text is no YAML, nests too deep, or uses anchors, aliases or tags.
    """
    try:
        return _Composer(yaml.parse(text, Loader=yaml.SafeLoader), path, problems).document()
    except yaml.MarkedYAMLError as error:
        mark, said = _plain(error)
        raise FileProblemsError([Problem(_place(path, mark), said)]) from error


def _place(path: Path, mark: Any) -> Place:  # noqa: ANN401
    return Place(path, mark.line + 1, mark.column + 1) if mark else Place(path, 1, 1)


class _Composer:
    """Builds nodes from the events of the parser, which come one by one: a limit ends the reading at once."""

    def __init__(self, events: Iterator[Any], path: Path, problems: Problems) -> None:
        self.events, self.path, self.problems = events, path, problems

    def document(self) -> Node:
        next(self.events)
        first = next(self.events)
        if isinstance(first, yaml.StreamEndEvent):
            return Text(Place(self.path, 1, 1), "", empty=True)
        node = self.node(next(self.events), 1)
        next(self.events)
        if isinstance(again := next(self.events), yaml.DocumentStartEvent):
            self.refuse(again, "a second document starts here (---); write all in one")
        return node

    def refuse(self, event: Any, text: str) -> None:  # noqa: ANN401
        raise FileProblemsError([Problem(_place(self.path, event.start_mark), text)])

    def node(self, event: Any, depth: int) -> Node:  # noqa: ANN401
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            self.refuse(
                event,
                "a name that starts with & or * is an anchor or alias of YAML, which is not used here; "
                "write the value out, or in quotes if it is a text",
            )
        if event.tag is not None:
            self.refuse(event, "a word that starts with ! is a tag of YAML, which is not used here; put it in quotes")
        if depth > DEEPEST:
            self.refuse(event, f"lists and mappings are nested deeper than {DEEPEST} levels; a bracket may be missing")
        place = _place(self.path, event.start_mark)
        if isinstance(event, yaml.ScalarEvent):
            return Text(place, event.value, event.style is None and event.value.lower() in ("", "null", "~"))
        flow = bool(event.flow_style)
        if isinstance(event, yaml.SequenceStartEvent):
            return Items(place, tuple(self.items(depth)), flow)
        return Mapping(place, self.entries(depth), flow)

    def items(self, depth: int) -> Iterator[Node]:
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            yield self.node(event, depth + 1)

    def entries(self, depth: int) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.node(event, depth + 1)
            value = self.node(next(self.events), depth + 1)
            if not isinstance(key, Text):
                self.problems.add(key.place, "a list or mapping stands where a key should; write a word and a colon")
            elif key.value in found:
                before = found[key.value].place.line
                self.problems.add(
                    key.place, f"{quoted(key.value)} stands here again (first in line {before}); keep one"
                )
            else:
                found[key.value] = Entry(key.place, value)
        return found


_PLAIN: Final = (
    (r"cannot start any token", "\\t", "a tab stands where spaces should; indent with spaces"),
    (
        "mapping values are not allowed",
        "",
        "a colon stands where none can; put the text in quotes, or check the indent",
    ),
    ("could not find expected ':'", "", "a colon after a key is missing; write key: value"),
    ("unexpected end of stream", "", "a quotation mark is opened here and never closed; close it"),
    ("unexpected document separator", "", "a quotation mark is opened here and never closed; close it"),
    ("unknown escape character", "", "a backslash stands in double quotes; use single quotes"),
    (
        "expected <block end>",
        "",
        "the indent is not that of the lines above, or a quotation mark ends too early; align",
    ),
    ("expected ',' or", "", "a comma or a closing bracket is missing"),
    ("did not find expected", "", "the indent or a bracket is wrong"),
    ("cannot start any token", "", "a character that means something in YAML starts this text; put the text in quotes"),
)


def _plain(error: Any) -> tuple[Any, str]:  # noqa: ANN401
    """Place and plain words of a parser's error."""
    problem = error.problem or ""
    for known, also, said in _PLAIN:
        if known in problem and also in problem:
            unclosed = "opened here" in said
            return (error.context_mark or error.problem_mark if unclosed else error.problem_mark), said
    return error.problem_mark or error.context_mark, f"this is no YAML ({problem}); check indents, quotes and brackets"
