"""The shipped catalogue, or one in another folder, together with rows that a user imported."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import roundel_models
from roundel.catalogue import reading
from roundel.catalogue.model import Row
from roundel.catalogue.query import Catalogue
from roundel.errors import UsageError

SHIPPED = roundel_models.ROOT / "catalogue"


def load(folder: Path | None = None, imported: Sequence[Path] = ()) -> Catalogue:
    """The catalogue of a folder, or the shipped one, and imported rows such as a case's ``catalogue/sipri.csv``.

    An imported delivery takes the place of a shipped one with the same supplier, recipient, designation and year of the
    order: it is the same row of the register, perhaps as revised since, and must not count twice.

    Raises:
        UsageError: if the folder is no catalogue or a file in it cannot be read.
    """
    base = _shipped() if folder is None else _read(folder)
    if not imported:
        return base
    fresh: dict[str, Row] = {}
    for path in imported:
        fresh |= {row.id: row for row in reading.read_rows(path, str(path))}
    known = {reading.deal(row) for row in fresh.values()}
    kept = tuple(row for row in base.rows if row.relation != "transfer" or reading.deal(row) not in known)
    return Catalogue(base.types, base.classes, base.states, base.sources, (*kept, *fresh.values()))


@cache
def _shipped() -> Catalogue:
    return _read(SHIPPED)


def _read(folder: Path) -> Catalogue:
    if not (folder / reading.CLASSES).is_file():
        raise UsageError(f"{folder}: is no catalogue (it has no {reading.CLASSES}); give the folder that holds one")
    rows = tuple(
        row
        for path in reading.row_files(folder)
        if path.is_file()
        for row in reading.read_rows(path, path.relative_to(folder).as_posix())
    )
    return Catalogue(
        reading.read_types(folder),
        reading.read_classes(folder),
        reading.read_states(folder),
        reading.read_sources(folder),
        rows,
    )
