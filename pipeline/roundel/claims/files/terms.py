"""Readers of what claims and findings have in common: nodes, actors, dates, times, ids."""

from __future__ import annotations

import re
from typing import Final

from roundel.claims.files import grammar
from roundel.claims.files.fields import Fields, as_text, via, wrong
from roundel.claims.files.names import Names
from roundel.claims.files.problems import Place, Problems, nearest, quoted
from roundel.claims.files.yaml_lines import Mapping, Node
from roundel.claims.model import DateSpan
from roundel.errors import UsageError

VERSION: Final = "1"
VERSION_LINE: Final = f'schema_version: "{VERSION}"'
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_GROUP: Final = re.compile(r"group:[a-z0-9]+(-[a-z0-9]+)*")
UNKNOWN: Final = "unknown"
"""Code in the catalogue of one whom a source does not know."""
SPAN_KEYS: Final = ("first", "last")


def version(text: str) -> str:
    """The version of the file's form.

    Raises:
        UsageError: if it is not the one that this Roundel reads.
    """
    if text != VERSION:
        raise UsageError(f"{quoted(text)} is a form of file that this Roundel does not read; write {VERSION_LINE}")
    return text


def identifier(text: str) -> str:
    """The id of a claim or finding.

    Raises:
        UsageError: if it has other characters than it may.
    """
    if not _ID.fullmatch(text):
        raise UsageError(f"{quoted(text)} is no id; use up to 64 letters, digits, hyphens and points, as two-aircraft")
    return text


def node_of(names: Names, text: str) -> str:
    """The id of a node of the catalogue's tree.

    Raises:
        UsageError: if there is none; it names similar ones.
    """
    if names.is_node(text):
        return text
    found = [node for node in names.find(text[:60])[:3] if names.is_node(node)]
    near = found or [node for node in (nearest(text, names.nodes()),) if node]
    hint = f"did you mean {' or '.join(near)}?" if near else "look for it with roundel catalogue search"
    raise UsageError(f"{quoted(text)} is not in the catalogue; {hint}")


def actor_of(names: Names, text: str) -> str:
    """Code of a state, or ``group:name``.

    Raises:
        UsageError: if it is neither.
    """
    if text.startswith("group:"):
        if not _GROUP.fullmatch(text):
            raise UsageError(f"{quoted(text)}: write a group in small letters with hyphens, as group:free-army")
        return text
    return state_of(names, text)


def state_of(names: Names, text: str) -> str:
    """Code of a state or group that the catalogue knows.

    Raises:
        UsageError: if it knows none of that name, or the name says that it is not known.
    """
    code = names.state_code(text)
    if code == UNKNOWN:
        raise UsageError(f"{quoted(text)} names nobody; write a state, a group, or another claim")
    return code


def days_reader(problems: Problems, node: Node) -> DateSpan:
    """A span of days: a text, or the keys first and last."""
    if not isinstance(node, Mapping):
        return via(grammar.days)(node)
    fields = Fields(node, SPAN_KEYS, "a span of days", problems)
    first = fields.get("first", via(grammar.period), DateSpan()).first
    last = fields.get("last", via(grammar.period), DateSpan()).last
    if not (fields.has("first") or fields.has("last")):
        raise wrong(node.place, "a span of days needs first or last; write {first: 2014-08-24, last: 2014-08-31}")
    try:
        return grammar.ordered(first, last)
    except UsageError as error:
        raise wrong(node.place, str(error)) from error


def times(fields: Fields) -> tuple[float | None, float | None]:
    """The keys from and to, in seconds."""
    start = fields.get("from", via(grammar.seconds), None)
    end = fields.get("to", via(grammar.seconds), None)
    if start is not None and end is not None and end <= start:
        fields.complain("the time in to is not after the one in from; exchange or correct them", "to")
    return start, end


class Ids:
    """The ids used so far; a second use is a problem."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._seen: dict[str, Place] = {}

    def read(self, node: Node) -> str:
        """An id that was not used before."""
        text = via(identifier)(node)
        if text in self._seen:
            where = self._seen[text]
            here = f"line {where.line}" if where.file == node.place.file else f"{where.file}, line {where.line}"
            self._problems.add(node.place, f"the id {quoted(text)} was used before, in {here}; choose another")
        self._seen.setdefault(text, node.place)
        return text


def optional_text(fields: Fields, key: str) -> str:
    """A text that may be left out."""
    return fields.get(key, as_text, "")
