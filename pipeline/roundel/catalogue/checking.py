"""What is wrong in the files of a catalogue: one line for each problem, with the file and the place in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roundel import classes as detector
from roundel.catalogue import reading
from roundel.catalogue.loading import SHIPPED
from roundel.catalogue.model import ClassNode, Row, Source, State
from roundel.catalogue.states import GROUP, key
from roundel.errors import UsageError

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

SCHEMA = "equipment.schema.json"
ROOT = "object"
TIERS = ("A", "B", "C", "D", "")
AMBIGUOUS = ("CS", "SU", "YU", "DD", "YD")
"""Codes of ISO 3166-1 that past states had: each is withdrawn, and some are another state's in other lists."""
STATE_FACTS = ("design_origin", "produced_in")


def problems(folder: Path) -> Iterator[str]:
    """Everything that is wrong in a catalogue."""
    tables = _Tables(folder)
    yield from tables.problems
    if tables.problems:
        return
    types: dict[str, dict[str, Any]] = {}
    validator = _validator()
    for path in reading.type_files(folder):
        found = list(_type_problems(path, tables, validator))
        yield from found
        if not found:
            types[path.stem] = reading.read_json(path)
    yield from _tree_problems(folder, tables.classes, types)
    yield from _pair_problems(folder, types)
    yield from _shared_id_problems(folder, types)
    yield from _source_problems(folder, tables.sources)
    yield from _state_problems(folder, tables.states)
    yield from _row_problems(folder, tables, types)


class _Tables:
    """What the files of types refer to; ``problems`` if one of these tables cannot be read."""

    def __init__(self, folder: Path) -> None:
        self.problems: list[str] = []
        self.classes: Mapping[str, ClassNode] = self._read(reading.read_classes, folder, reading.CLASSES)
        self.states: Mapping[str, State] = self._read(reading.read_states, folder, reading.STATES)
        self.sources: Mapping[str, Source] = self._read(reading.read_sources, folder, reading.SOURCES)

    def _read(self, how: Callable[[Path], Mapping[str, Any]], folder: Path, name: str) -> Mapping[str, Any]:
        if not (folder / name).is_file():
            self.problems.append(f"{folder / name}: is missing")
            return {}
        try:
            return how(folder)
        except UsageError as error:
            self.problems.append(str(error))
        except (KeyError, TypeError, AttributeError) as error:
            self.problems.append(f"{folder / name}: an entry lacks something or has something of a wrong kind: {error}")
        return {}


def _validator() -> Validator:
    import jsonschema

    return jsonschema.Draft202012Validator(reading.read_json(SHIPPED / SCHEMA))


def _type_problems(path: Path, tables: _Tables, validator: Validator) -> Iterator[str]:
    try:
        data = reading.read_json(path)
    except UsageError as error:
        yield str(error)
        return
    invalid = sorted(validator.iter_errors(data), key=lambda item: str(item.json_path))
    yield from (f"{path}: {error.json_path}: {error.message}" for error in invalid)
    if invalid:
        return
    if data["id"] != path.stem:
        yield f"{path}: $.id: is {data['id']!r}, but the file is named {path.name}"
    for place, citation in _cited(data):
        if citation["code"] not in tables.sources:
            yield f"{path}: {place}: cites {citation['code']!r}, which {reading.SOURCES} does not list"
    for number, fact in enumerate(data["facts"]):
        if fact["prop"] in STATE_FACTS and fact["value"] not in tables.states:
            yield f"{path}: $.facts[{number}].value: {fact['value']!r} is no code of {reading.STATES}"
    for name in data["names"]:
        if name.startswith("local:") and name.removeprefix("local:") not in tables.states:
            yield f"{path}: $.names: {name!r} names no code of {reading.STATES}"


def _cited(data: Any, place: str = "$") -> Iterator[tuple[str, Mapping[str, Any]]]:  # noqa: ANN401
    """All citations in a file, with their places."""
    if isinstance(data, dict):
        for name, value in data.items():
            if name == "sources":
                yield from ((f"{place}.sources[{number}]", item) for number, item in enumerate(value))
            else:
                yield from _cited(value, f"{place}.{name}")
    elif isinstance(data, list):
        for number, value in enumerate(data):
            yield from _cited(value, f"{place}[{number}]")


def _tree_problems(
    folder: Path, classes: Mapping[str, ClassNode], types: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Parents exist, nothing goes round in a circle, and the detector's classes keep their places."""
    parents: dict[str, str | None] = {name: node.parent for name, node in classes.items()}
    for name in sorted(parents.keys() & types.keys()):
        yield f"{_file(folder, name)}: $.id: {name!r} is the name of a class as well"
    parents |= {name: data["parent"] for name, data in types.items()}
    for name, parent in parents.items():
        where = f"{_file(folder, name)}: $.parent" if name in types else f"{folder / reading.CLASSES}: [{name}]"
        if parent is not None and parent not in parents:
            yield f"{where}: the parent {parent!r} does not exist"
        elif parent is None and name != ROOT:
            yield f"{where}: has no parent; only {ROOT} may have none"
        elif name in types and types[name]["kind"] == "variant" and parent not in types:
            yield f"{where}: a variant stands below a family, and {parent!r} is none"
        elif _circle(name, parents.get):
            yield f"{where}: has itself among its parents"
    designs = {name: [item["id"] for item in data.get("derived_from", ())] for name, data in types.items()}
    for name, origins in designs.items():
        where = f"{_file(folder, name)}: $.derived_from"
        for origin in origins:
            if origin not in types:
                yield f"{where}: {origin!r} is no type"
        if _reaches_itself(name, designs):
            yield f"{where}: has itself among the designs that it comes from"
    yield from _detector_problems(folder, classes)


def _detector_problems(folder: Path, classes: Mapping[str, ClassNode]) -> Iterator[str]:
    where = folder / reading.CLASSES
    for name, node in detector.tree().items():
        if name not in classes:
            yield f"{where}: lacks {name!r} of the detector's tree"
        elif node.parent is not None and node.parent not in _above(name, classes):
            yield f"{where}: [{name}]: is not below {node.parent!r}, as it is in the detector's tree"
    for name, item in classes.items():
        for child in item.from_detector:
            if child not in detector.tree() or name not in _above(child, classes):
                yield f"{where}: [{name}]: from_detector names {child!r}, which is no class of the detector below it"


def _above(name: str, classes: Mapping[str, ClassNode]) -> list[str]:
    found: list[str] = []
    while name in classes and (parent := classes[name].parent) is not None and parent not in found:
        found.append(parent)
        name = parent
    return found


def _circle(name: str, parent_of: Callable[[str], str | None]) -> bool:
    seen, node = set[str](), parent_of(name)
    while node is not None and node not in seen:
        if node == name:
            return True
        seen.add(node)
        node = parent_of(node)
    return False


def _reaches_itself(name: str, edges: Mapping[str, list[str]]) -> bool:
    waiting, seen = list(edges[name]), set[str]()
    while waiting:
        node = waiting.pop()
        if node == name:
            return True
        if node not in seen:
            seen.add(node)
            waiting += edges.get(node, [])
    return False


def _pair_problems(folder: Path, types: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Look-alikes are listed on both sides, with the same features the other way round."""
    pairs = {
        (name, item["with"]): (number, item)
        for name, data in types.items()
        for number, item in enumerate(data.get("lookalikes", ()))
    }
    for (name, other), (number, item) in pairs.items():
        where = f"{_file(folder, name)}: $.lookalikes[{number}]"
        if other not in types:
            yield f"{where}: {other!r} is no type"
        elif (other, name) not in pairs:
            yield f"{where}: {other!r} does not list {name!r} as a look-alike"
        elif not _mirrored(item, pairs[other, name][1]):
            yield f"{where}: does not say the same as the entry in {other}.json (with this and other swapped)"


def _mirrored(one: Mapping[str, Any], two: Mapping[str, Any]) -> bool:
    swapped = [{**part, "this": part["other"], "other": part["this"]} for part in two["features"]]
    return all(one[name] == two[name] for name in ("separable_in_video", "sources")) and one["features"] == swapped


def _shared_id_problems(folder: Path, types: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """An identifier belongs to one type, or every type that has it names the others."""
    holders: dict[tuple[str, str], list[str]] = {}
    for name, data in types.items():
        for kind in ("wikidata", "icao_8643"):
            if kind in data.get("external_ids", {}):
                holders.setdefault((kind, data["external_ids"][kind]["value"]), []).append(name)
    for (kind, value), names in holders.items():
        for name in names:
            said = set(types[name]["external_ids"][kind].get("shared_with", ()))
            if said != set(names) - {name}:
                others = ", ".join(sorted(set(names) - {name})) or "no other type"
                place = f"{_file(folder, name)}: $.external_ids.{kind}"
                yield f"{place}: {value} is shared with {others}; shared_with does not say so"


def _source_problems(folder: Path, sources: Mapping[str, Source]) -> Iterator[str]:
    for code, source in sources.items():
        if source.tier not in TIERS:
            yield f"{folder / reading.SOURCES}: {code}: the tier is {source.tier!r}; it must be A, B, C, D or empty"
        if not (source.what and source.where):
            yield f"{folder / reading.SOURCES}: {code}: what and where must not be empty"


def _state_problems(folder: Path, states: Mapping[str, State]) -> Iterator[str]:
    where, known = folder / reading.STATES, dict[str, str]()
    for code, state in states.items():
        if code in AMBIGUOUS:
            yield f"{where}: [{code}]: is the withdrawn code of a past state; past states have four letters"
        for successor in state.successors:
            if successor not in states:
                yield f"{where}: [{code}]: the successor {successor!r} does not exist"
        for name, first, last in state.names:
            if first is not None and last is not None and last < first:
                yield f"{where}: [{code}]: {name!r} ends before it begins"
        for name in {key(text) for text in (code, *(name for name, _, _ in state.names), *state.aliases)}:
            if known.setdefault(name, code) != code:
                yield f"{where}: [{code}]: {name!r} is a name of {known[name]} as well"


def _row_problems(folder: Path, tables: _Tables, types: Mapping[str, Any]) -> Iterator[str]:
    seen = set[str]()
    for path in reading.row_files(folder):
        if not path.is_file():
            yield f"{path}: is missing"
            continue
        try:
            rows = reading.read_rows(path, path.name)
        except UsageError as error:
            yield str(error)
            continue
        for row in rows:
            if not row.id or row.id in seen:
                yield f"{path}: row {row.id!r}: the id is empty or another row's"
            seen.add(row.id)
            yield from (f"{path}: row {row.id}: {problem}" for problem in _wrong_in(row, tables, types))


def _wrong_in(row: Row, tables: _Tables, types: Mapping[str, Any]) -> Iterator[str]:
    if row.type not in types:
        yield f"{row.type!r} is no type, or its file has a problem"
    for code in (row.supplier, row.recipient):
        if code and code not in tables.states and not code.startswith(GROUP):
            yield f"{code!r} is no code of {reading.STATES}"
    if not row.recipient or (row.relation != "operator" and not row.supplier):
        yield "names no supplier or no recipient"
    if not row.sources:
        yield "cites no source"
    for item in row.sources:
        if item.code not in tables.sources:
            yield f"cites {item.code!r}, which {reading.SOURCES} does not list"
    if row.least is not None and row.most is not None and row.most < row.least:
        yield f"at least {row.least} and at most {row.most} cannot both be"
    if row.first_year is not None and row.last_year is not None and row.last_year < row.first_year:
        yield "the last year is before the first"


def _file(folder: Path, type_id: str) -> Path:
    return folder / reading.TYPES / f"{type_id}.json"
