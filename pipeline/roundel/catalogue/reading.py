"""From the files of a catalogue to its facts; what is wrong in them is for ``checking`` to say."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from roundel.catalogue.model import (
    Basis,
    Citation,
    ClassNode,
    Clue,
    EquipmentType,
    Fact,
    Feature,
    Lookalike,
    Row,
    Source,
    State,
)
from roundel.disk import parse_toml, read_bounded
from roundel.errors import UsageError
from roundel.words import shorten

TYPES = "types"
CLASSES = "classes.toml"
STATES = "states.toml"
SOURCES = "sources.csv"
TRANSFERS = "transfers"
HOLDINGS = "holdings.csv"
ROW_COLUMNS = (
    "id", "relation", "type", "designation", "supplier", "recipient", "ordered_year", "least", "most",
    "first_year", "last_year", "hedged", "condition", "flags", "sources",
)  # fmt: skip
BETWEEN_CITATIONS = " ; "
DERIVED = "derived_from"
NATO = "nato_name"
WITH = " (with "
"""Begins the variants that shipped rows name after a designation."""
MOST_BYTES = 16 * 1024**2
MOST_TABLE_BYTES = 128 * 1024**2
RELATIONS = ("transfer", "captured", "operator")


def type_files(folder: Path) -> list[Path]:
    """The files of all types."""
    return sorted((folder / TYPES).glob("*.json"))


def row_files(folder: Path) -> list[Path]:
    """The files of deliveries, then the one of captures and holdings."""
    return [*sorted((folder / TRANSFERS).glob("*.csv")), folder / HOLDINGS]


def read_json(path: Path) -> Any:  # noqa: ANN401
    """What a JSON file holds.

    Raises:
        UsageError: if it cannot be read as JSON.
    """
    try:
        return json.loads(read_bounded(path, MOST_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: is no valid JSON ({_reason(error)}); correct the file") from error


def read_toml(path: Path) -> dict[str, dict[str, Any]]:
    """The tables of a TOML file.

    Raises:
        UsageError: if it cannot be read as TOML.
    """
    try:
        return parse_toml(read_bounded(path, MOST_BYTES).decode("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: is no valid TOML ({_reason(error)}); correct the file") from error


def read_table(path: Path, columns: Iterable[str]) -> list[dict[str, str]]:
    """The rows of a table with these columns, and no others.

    Raises:
        UsageError: if it is no table of these columns.
    """
    try:
        text = read_bounded(path, MOST_TABLE_BYTES).decode("utf-8")
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        found = list(reader.fieldnames or ())
        rows = list(reader) if found == list(columns) else []
    except (OSError, ValueError, csv.Error) as error:
        raise UsageError(f"{path}: is no table ({_reason(error)}); correct the file") from error
    if found != list(columns):
        raise UsageError(f"{path}: has the columns {shorten(', '.join(found))}; they must be {', '.join(columns)}")
    for number, row in enumerate(rows, 1):
        if None in row or None in row.values():
            raise UsageError(f"{path}: row {number} has more or fewer cells than there are columns; correct the file")
    return rows


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return shorten(str(error.strerror if isinstance(error, OSError) else error))


def read_types(folder: Path) -> dict[str, EquipmentType]:
    """All types by id.

    Raises:
        UsageError: if a file lacks what a type needs.
    """
    found = {}
    for path in type_files(folder):
        try:
            item = equipment_type(read_json(path))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise UsageError(f"{path}: is no type ({error!r}); see roundel catalogue check {folder}") from error
        found[item.id] = item
    return found


def equipment_type(data: Mapping[str, Any]) -> EquipmentType:
    """A type from its file.

    Whatever has a source of its own becomes a fact as well: the designs it comes from and its identifiers.
    """
    for key in ("id", "kind", "parent"):
        if not isinstance(data[key], str):
            raise ValueError(f"{key} is no text")
    ids = dict(data.get("external_ids", {}))
    designations = tuple(ids.pop("sipri_designations", ()))
    derived = data.get("derived_from", ())
    facts = (
        *(_fact(item) for item in data["facts"]),
        *(Fact(DERIVED, item["id"], _derived_basis(item), citations(item), how=item["how"]) for item in derived),
        *(Fact(name, item["value"], "stated", citations(item)) for name, item in ids.items()),
    )
    names = {key: tuple(texts) for key, texts in data["names"].items()}
    nato = tuple(fact.value for fact in facts if fact.prop == NATO)
    return EquipmentType(
        id=data["id"],
        kind=data["kind"],
        parent=data["parent"],
        names=MappingProxyType({**names, **({"nato": nato} if nato else {})}),
        facts=facts,
        derived_from=tuple((item["id"], item["how"]) for item in derived),
        lookalikes=tuple(_lookalike(item) for item in data.get("lookalikes", ())),
        clues=tuple(Clue(item["part"], item["text"], citations(item)) for item in data.get("id_features", ())),
        external_ids=MappingProxyType({name: item["value"] for name, item in ids.items()}),
        designations=designations,
    )


def _derived_basis(item: Mapping[str, Any]) -> Basis:
    """Where no source says how one design came from another, that it did is inferred, as from a shared name."""
    return "inferred" if item["how"] == "unknown" else "stated"


def citations(item: Mapping[str, Any]) -> tuple[Citation, ...]:
    """The sources of a part of a type's file."""
    return tuple(Citation(source["code"], source.get("locator", "")) for source in item.get("sources", ()))


def _fact(item: Mapping[str, Any]) -> Fact:
    return Fact(
        prop=item["prop"],
        value=str(item["value"]),
        basis=item["basis"],
        sources=citations(item),
        scope=item.get("scope", ""),
        how=item.get("how", ""),
        rank=item.get("rank", "normal"),
    )


def _lookalike(item: Mapping[str, Any]) -> Lookalike:
    features = tuple(
        Feature(part["part"], part["this"], part["other"], part["view"], part.get("forgeable", ""), citations(part))
        for part in item["features"]
    )
    return Lookalike(item["with"], item["separable_in_video"], features, citations(item))


def read_classes(folder: Path) -> dict[str, ClassNode]:
    """The classes above the types, by id."""
    return {
        name: ClassNode(name, data.get("parent"), data["title"], tuple(data.get("from_detector", ())))
        for name, data in read_toml(folder / CLASSES).items()
    }


def read_states(folder: Path) -> dict[str, State]:
    """States and groups by code, each with its names in the order of time."""
    found = {}
    for code, data in read_toml(folder / STATES).items():
        names = [(item["name"], item.get("from"), item.get("to")) for item in data["names"]]
        names.sort(key=lambda name: name[1] or date.min)
        found[code] = State(code, tuple(names), tuple(data.get("successors", ())), tuple(data.get("aliases", ())))
    return found


def read_sources(folder: Path) -> dict[str, Source]:
    """All sources by code."""
    rows = read_table(folder / SOURCES, ("code", "what", "where", "licence", "tier"))
    return {row["code"]: Source(**row) for row in rows}  # type: ignore[arg-type]  # the check of the files sees to it


def read_rows(path: Path, origin: str) -> list[Row]:
    """Deliveries, captures or holdings from a table. ``origin``: how the file is named in each row.

    Raises:
        UsageError: if a row cannot be read.
    """
    found = []
    for number, data in enumerate(read_table(path, ROW_COLUMNS), 1):
        try:
            found.append(_row(data, origin))
        except ValueError as error:
            raise UsageError(f"{path}: row {number}: {error}; correct the file") from error
    return found


def _row(data: Mapping[str, str], origin: str) -> Row:
    def number(column: str) -> int | None:
        return int(data[column]) if data[column] else None

    if data["relation"] not in RELATIONS:
        raise ValueError(f"the relation is {data['relation']!r}; it must be one of {', '.join(RELATIONS)}")
    if data["hedged"] not in ("", "yes"):
        raise ValueError("hedged must be yes or empty")
    return Row(
        id=data["id"],
        relation=data["relation"],  # type: ignore[arg-type]  # just checked
        type=data["type"],
        designation=data["designation"],
        supplier=data["supplier"],
        recipient=data["recipient"],
        ordered_year=number("ordered_year"),
        least=number("least"),
        most=number("most"),
        first_year=number("first_year"),
        last_year=number("last_year"),
        hedged=data["hedged"] == "yes",
        condition=data["condition"],
        flags=tuple(flag for flag in data["flags"].split("|") if flag),
        sources=tuple(parse_citation(text) for text in data["sources"].split(BETWEEN_CITATIONS) if text),
        origin=origin,
    )


def parse_citation(text: str) -> Citation:
    """A citation as tables write it.

    >>> parse_citation("S1:L24476")
    Citation(code='S1', locator='L24476')
    """
    code, _, locator = text.partition(":")
    return Citation(code.strip(), locator.strip())


def row_cells(row: Row) -> dict[str, str]:
    """A row as a table holds it: what ``read_rows`` makes the same row of."""
    cells = {name: "" if getattr(row, name) is None else str(getattr(row, name)) for name in ROW_COLUMNS}
    sources = BETWEEN_CITATIONS.join(f"{item.code}:{item.locator}".rstrip(":") for item in row.sources)
    return {**cells, "hedged": "yes" if row.hedged else "", "flags": "|".join(row.flags), "sources": sources}


def deal(row: Row) -> tuple[str, str, str, int | None]:
    """What tells one deal from another: supplier, recipient, designation and year of the order."""
    return row.supplier, row.recipient, row.designation.partition(WITH)[0], row.ordered_year
