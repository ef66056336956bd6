"""Tables of findings (CSV) in the same nodes as YAML, each with its line and the name of its column."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Final

from roundel.claims.files.problems import FileProblemsError, Place, Problem, Problems, did_you_mean, quoted
from roundel.claims.files.yaml_lines import Entry, Items, Mapping, Node, Text

SEVERAL: Final = ";"


def parse_table(
    text: str, path: Path, keys: tuple[str, ...], lists: tuple[str, ...], mappings: tuple[str, ...], problems: Problems
) -> tuple[Mapping, ...]:
    """The rows of a table whose header names the keys. Empty cells are as if they were not there.

    Args:
        text: The table.
        path: Its file, for messages.
        keys: The names that the header may use.
        lists: Columns whose cells hold several values, separated by semicolons.
        mappings: Columns whose cells hold ``name=value``, separated by semicolons.
        problems: Collects what is wrong.

    Raises:
        FileProblemsError: if the header is wrong, or the quotes are.
    """
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: list[Mapping] = []
    line = 1
    header: list[str] = []
    try:
        for row in rows:
            start, line = line, rows.line_num + 1
            if not any(cell.strip() for cell in row):
                continue
            if not header:
                header = _header(row, Place(path, start, 1), keys)
            elif len(row) != len(header):
                problems.add(
                    Place(path, start, 1),
                    f"the row has {len(row)} cells and the header {len(header)}; a comma is missing, or a text with "
                    "commas needs double quotes",
                )
            else:
                found.append(_row(row, header, path, start, (lists, mappings), problems))
    except csv.Error as error:
        raise FileProblemsError(
            [Problem(Place(path, line, 1), f"the table cannot be read ({error}); check the double quotes")]
        ) from error
    return tuple(found)


def _header(row: list[str], place: Place, keys: tuple[str, ...]) -> list[str]:
    names = [cell.strip() for cell in row]
    if len(names) == 1 and (SEVERAL in names[0] or "\t" in names[0]):
        raise FileProblemsError([Problem(place, "the columns are not separated by commas; save it as CSV with commas")])
    if len(names) > 2 * len(keys):
        raise FileProblemsError([Problem(place, f"there are {len(names)} columns; the columns are: {', '.join(keys)}")])
    wrong = [
        Problem(
            Place(place.file, place.line, number + 1, name), f"{quoted(name)} is no column; {did_you_mean(name, keys)}"
        )
        for number, name in enumerate(names)
        if name not in keys
    ]
    twice = [
        Problem(Place(place.file, place.line, number + 1, name), f"the column {quoted(name)} is there twice; keep one")
        for number, name in enumerate(names)
        if name in names[:number]
    ]
    if wrong or twice:
        raise FileProblemsError([*wrong, *twice])
    return names


def _row(
    row: list[str],
    header: list[str],
    path: Path,
    line: int,
    several: tuple[tuple[str, ...], tuple[str, ...]],
    problems: Problems,
) -> Mapping:
    lists, mappings = several
    entries: dict[str, Entry] = {}
    for number, (name, cell) in enumerate(zip(header, row, strict=True)):
        place = Place(path, line, number + 1, name)
        if not cell.strip():
            continue
        value: Node = Text(place, cell.strip())
        parts = [part.strip() for part in cell.split(SEVERAL) if part.strip()]
        if name in lists:
            value = Items(place, tuple(Text(place, part) for part in parts))
        elif name in mappings:
            value = _mapping(parts, place, problems)
        entries[name] = Entry(place, value)
    return Mapping(Place(path, line, 1), entries)


def _mapping(parts: list[str], place: Place, problems: Problems) -> Mapping:
    entries: dict[str, Entry] = {}
    for part in parts:
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            problems.add(place, f"{quoted(part)} has no equals sign; write mig-21=0.86; other=0.14")
        elif name in entries:
            problems.add(place, f"{quoted(name)} stands here twice; keep one")
        else:
            entries[name] = Entry(place, Text(place, value))
    return Mapping(place, entries)
