"""Mappings: which node of the class tree each class of a weights file stands for.

A mapping is YAML (``Tank: armoured_vehicle``) or TOML (the same lines in a table ``[classes]``), or one of those that
Roundel ships. Several classes may stand for one node; a class that is left out, or mapped to ``ignore``, is dropped.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

import roundel_models
from roundel.classes import tree
from roundel.disk import read_bounded
from roundel.errors import UsageError

IGNORE = "ignore"
YAML_SUFFIXES = {".yaml", ".yml"}
MOST_BYTES = 1024**2
MOST_DEPTH = 8  # of brackets in brackets; a mapping needs 2
TOO_DEEP = "it is nested too deeply"
FORM = (
    'something else than a table [classes] with lines such as Tank = "armoured_vehicle" (in YAML: classes, or lines '
    "such as Tank: armoured_vehicle alone) and, if wanted, a table [shown_as]"
)


@dataclass(frozen=True, slots=True)
class ClassMapping:
    """A mapping that was read: ``classes`` by name in the weights, ``shown_as`` by node of the class tree.

    ``shipped``: one of those that Roundel ships, which may name more classes than a weights file has.
    """

    source: str
    classes: Mapping[str, str]
    shown_as: Mapping[str, str]
    shipped: bool = False


@dataclass(frozen=True, slots=True)
class _Entry:
    table: str
    key: str
    value: object
    line: int


def read_mapping(wanted: str | Path) -> ClassMapping:
    """Read a mapping file, or the shipped mapping of this name.

    Raises:
        UsageError: naming the file, the line and what is wrong there.
    """
    shipped = roundel_models.mappings()
    path = shipped.get(str(wanted), Path(wanted))
    entries = list(
        _yaml_entries(path, _text(path)) if path.suffix in YAML_SUFFIXES else _toml_entries(path, _text(path))
    )
    tables: dict[str, dict[str, str]] = {"classes": {}, "shown_as": {}}
    for entry in entries:
        if entry.table == "shown_as":
            _node(path, entry, entry.key, may_ignore=False)
        tables[entry.table][entry.key] = _node(path, entry, entry.value, may_ignore=entry.table == "classes")
    return ClassMapping(str(wanted), tables["classes"], tables["shown_as"], str(wanted) in shipped)


def check_fit(mapping: ClassMapping, names: tuple[str, ...], weights: Path) -> None:
    """Whether a mapping fits the classes that a weights file names.

    Raises:
        UsageError: if the mapping names a class that the file does not have, or uses none that it has.
    """
    if not mapping.shipped:
        for name in mapping.classes:
            if name not in names:
                raise UsageError(
                    f"{mapping.source}: {name!r} is no class of {weights.name}{_suggestion(name, names)}; its classes "
                    f"are: {_listed(names)}"
                )
    if not any(mapping.classes.get(name, IGNORE) != IGNORE for name in names):
        raise UsageError(
            f"{mapping.source}: uses none of the classes of {weights.name}, which are: {_listed(names)}; map at least "
            "one of them to a node of the class tree"
        )


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names[:30]) + (f" and {len(names) - 30} more" if len(names) > 30 else "")


def _suggestion(word: str, among: tuple[str, ...]) -> str:
    lowered = {name.lower(): name for name in among}
    near = difflib.get_close_matches(word.lower().replace(" ", "_"), lowered, 1, 0.6)
    near = near or difflib.get_close_matches(word.lower(), lowered, 1, 0.6)
    return f" (did you mean {lowered[near[0]]!r}?)" if near else ""


def _node(path: Path, entry: _Entry, value: object, may_ignore: bool) -> str:
    """A node of the class tree, or ``ignore``."""
    if isinstance(value, str) and (value in tree() or (may_ignore and value == IGNORE)):
        return value
    if value == IGNORE and entry.key in tree():
        raise UsageError(
            f"{path}:{entry.line}: {entry.key!r} cannot be shown as {IGNORE!r}: a node of the class tree is wanted; to "
            f"drop a class, write {IGNORE!r} after its name in classes"
        )
    choices = (*tree(), IGNORE) if may_ignore else tuple(tree())
    suggestion = _suggestion(value, choices) if isinstance(value, str) else ""
    raise UsageError(
        f"{path}:{entry.line}: {value!r} is no node of the class tree{suggestion}; nodes are: {', '.join(tree())}"
        + (f"; or {IGNORE}" if may_ignore else "")
    )


def _text(path: Path) -> str:
    kind = "YAML" if path.suffix in YAML_SUFFIXES else "TOML"
    try:
        return read_bounded(path, MOST_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        ready = ", ".join(roundel_models.mappings())
        raise UsageError(
            f"{path}: cannot be read as a {kind} mapping: {reason}; give a file, or one of the shipped mappings: "
            f"{ready}"
        ) from error


def _toml_entries(path: Path, text: str) -> Iterator[_Entry]:
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        reason = TOO_DEEP if isinstance(error, RecursionError) else error
        raise UsageError(f"{path}: cannot be read as a TOML mapping: {reason}") from error
    if not data.keys() <= {"classes", "shown_as"} or not all(isinstance(table, dict) for table in data.values()):
        raise UsageError(f"{path}: holds {FORM}")
    lines = text.splitlines()
    for name, table in data.items():
        for key, value in table.items():
            line = next((number for number, line in enumerate(lines, 1) if key in line and "=" in line), 1)
            yield _Entry(name, key, value, line)


def _yaml_entries(path: Path, text: str) -> Iterator[_Entry]:
    """The entries of a YAML mapping, taken from its nodes: nothing is constructed, so no tag can ask for anything."""
    depth = 0
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MOST_DEPTH:
                line = event.start_mark.line + 1
                raise UsageError(f"{path}:{line}: cannot be read as a YAML mapping: {TOO_DEEP}")
            if getattr(event, "anchor", None) is not None:
                line = event.start_mark.line + 1
                raise UsageError(f"{path}:{line}: a mapping has no anchors or aliases (& and *); write the lines out")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UsageError(
            f"{path}:{line}: cannot be read as a YAML mapping: it holds the character U+{error.character:04X}, which "
            "no text has; save it as plain text"
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark is not None else f"{path}"
        reason = getattr(error, "problem", None) or TOO_DEEP
        raise UsageError(f"{place}: cannot be read as a YAML mapping: {reason}") from error
    if not isinstance(root, yaml.MappingNode):
        raise UsageError(f"{path}: holds {FORM}")
    pairs = [(_key(path, key), value) for key, value in root.value]
    tables = [(name, value) for (name, _), value in pairs if isinstance(value, yaml.MappingNode)]
    if not tables:
        yield from _yaml_table(path, "classes", root)
    elif len(tables) < len(pairs) or not {name for name, _ in tables} <= {"classes", "shown_as"}:
        raise UsageError(f"{path}: holds {FORM}")
    _refuse_repeats(path, pairs)
    for name, value in tables:
        yield from _yaml_table(path, name, value)


def _refuse_repeats(path: Path, pairs: Sequence[tuple[tuple[str, int], yaml.Node]]) -> None:
    seen: dict[str, int] = {}
    for (key, line), _ in pairs:
        if key in seen:
            raise UsageError(f"{path}:{line}: {key!r} stands in line {seen[key]} already; keep one of them")
        seen[key] = line


def _yaml_table(path: Path, table: str, node: yaml.MappingNode) -> Iterator[_Entry]:
    pairs = [(_key(path, key), value) for key, value in node.value]
    _refuse_repeats(path, pairs)
    for (key, line), value_node in pairs:
        is_text = value_node.id == "scalar" and value_node.tag == "tag:yaml.org,2002:str"
        if not is_text:
            shown = value_node.value if value_node.id == "scalar" else f"a {value_node.id}"
            raise UsageError(
                f"{path}:{value_node.start_mark.line + 1}: {shown or 'nothing'} is no node of the class tree: a name "
                f"is wanted after {key!r}" + (f", or {IGNORE}" if table == "classes" else "")
            )
        yield _Entry(table, key, value_node.value, line)


def _key(path: Path, node: yaml.Node) -> tuple[str, int]:
    """A key as it is written (a class may be called ``no`` or ``1``), and its line."""
    line = node.start_mark.line + 1
    if node.id != "scalar":
        raise UsageError(f"{path}:{line}: the name of a class is wanted before the colon")
    return str(node.value), line
