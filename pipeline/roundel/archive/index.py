"""The fingerprints of all packages of a case, on disk: renewed as packages come and go, and searched.

The index lies in ``CASE/fingerprints/``. It is made from the packages and is no evidence: it can be removed at any
time. Only new packages are read. An interrupted run leaves it whole, and the next one goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from roundel import case as cases
from roundel import package
from roundel.archive.keeper import SEGMENT_ROWS, Keeper, tidy
from roundel.archive.segment import Entry, Segment
from roundel.archive.state import Part, check, read_parts, write_parts, writing
from roundel.errors import IntegrityError
from roundel.fingerprint.storage import FINGERPRINTS, read_keyframes
from roundel.matching.candidates import Table, tabulate
from roundel.matching.footage import Footage
from roundel.media.identity import sha256_of

FOLDER: Final = "fingerprints"


@dataclass(frozen=True, slots=True)
class Renewal:
    """What a renewal did: names of packages, and what could not be read.

    ``rebuilt`` says what was wrong with the index if it was made anew.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    without_fingerprints: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    rebuilt: str | None = None


def renew(case: Path, segment_rows: int = SEGMENT_ROWS, thorough: bool = False) -> Renewal:
    """Bring the index of a case up to date with its packages.

    Only new packages are read. An index that is not whole is made anew.

    Args:
        case: the folder of the case.
        segment_rows: how many hashes a segment has at most, unless one package has more.
        thorough: read all of the index to find out whether it is whole, instead of the sizes of its files.

    Raises:
        UsageError: if another run renews it.
        OSError: if it cannot be written; what was there before stays valid.
    """
    folder = case / FOLDER
    present = _packages(case)
    with writing(folder):
        try:
            return _renewed(folder, present, list(_whole(folder, thorough)), segment_rows)
        except IntegrityError as error:
            write_parts(folder, ())
            return replace(_renewed(folder, present, [], segment_rows), rebuilt=str(error))


def _whole(folder: Path, thorough: bool) -> tuple[Part, ...]:
    """The segments of an index, if it is whole; raises IntegrityError otherwise."""
    parts = read_parts(folder)
    for part in parts:
        with Segment(folder / part.name, part.entries):
            if thorough:
                check(folder, part)
    return parts


def _renewed(folder: Path, present: Mapping[str, _Present], parts: list[Part], segment_rows: int) -> Renewal:
    tidy(folder, parts)
    keeper = Keeper(folder, parts, segment_rows)
    removed = keeper.drop({name: found.manifest_sha256 for name, found in present.items()})
    known = {entry.package for part in keeper.parts for entry in part.entries}
    new = {name: found for name, found in present.items() if name not in known}
    without = tuple(name for name, found in new.items() if not (found.folder / FINGERPRINTS).is_file())
    problems: list[str] = []
    added = keeper.add(_tables({name: found for name, found in new.items() if name not in without}, problems))
    tidy(folder, keeper.parts)
    return Renewal(added, removed, without, tuple(problems))


@dataclass(frozen=True, slots=True)
class _Present:
    """A package of the case."""

    folder: Path
    manifest_sha256: str


def _packages(case: Path) -> dict[str, _Present]:
    """The packages of a case by their names in it."""
    return {
        path.relative_to(case).as_posix(): _Present(path, sha256_of(path / package.MANIFEST))
        for path in cases.packages(case)
        if (path / package.MANIFEST).is_file()
    }


def _tables(packages: Mapping[str, _Present], problems: list[str]) -> Iterator[tuple[Entry, Table]]:
    for name, found in packages.items():
        try:
            keyframes = read_keyframes(found.folder)
        except IntegrityError as error:
            problems.append(str(error))
            continue
        table = tabulate([Footage(name, keyframes, _no_pictures)], mirrors=False)
        yield Entry(name, found.manifest_sha256, len(table.hashes)), table


def _no_pictures(_: object) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    raise AssertionError("an index reads no pictures")
