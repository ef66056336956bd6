"""The fingerprints of all packages of a case, on disk: renewed as packages come and go, and searched.

The index lies in ``CASE/fingerprints/``. It is made from the packages and is no evidence: it can be removed at any time.
New packages become a new segment; small segments are merged, so that there are few. A segment is written under another
name, flushed and renamed before the list of segments names it, so an interrupted run leaves the index as it was, or with
some of the new packages; the next run goes on from there.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from roundel import case as cases
from roundel import package
from roundel.archive.segment import Entry, Segment, write
from roundel.archive.state import Part, flush, read_parts, write_parts, writing
from roundel.errors import IntegrityError
from roundel.fingerprint.storage import FINGERPRINTS, read_keyframes
from roundel.matching.candidates import Table, tabulate
from roundel.matching.footage import Footage
from roundel.media.identity import sha256_of

FOLDER: Final = "fingerprints"
SEGMENT_ROWS: Final = 2**22
"""A segment gets no longer by merging: about 80 hours, 0.4 GiB on disk."""
_PARTIAL: Final = ".partial"


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


def renew(case: Path, segment_rows: int = SEGMENT_ROWS) -> Renewal:
    """Bring the index of a case up to date with its packages.

    Only new packages are read. A damaged index is made anew.

    Raises:
        UsageError: if another run renews it.
        OSError: if it cannot be written; what was there before stays valid.
    """
    folder = case / FOLDER
    present = _packages(case)
    with writing(folder):
        rebuilt = None
        try:
            parts = read_parts(folder)
        except IntegrityError as error:
            parts, rebuilt = (), str(error)
            write_parts(folder, parts)
        _tidy(folder, parts)
        keeper = _Keeper(folder, list(parts), segment_rows)
        removed = keeper.drop({name: manifest for name, (_, manifest) in present.items()})
        known = {entry.package for part in keeper.parts for entry in part.entries}
        new = {name: present[name] for name in present if name not in known}
        without = tuple(name for name, (path, _) in new.items() if not (path / FINGERPRINTS).is_file())
        problems: list[str] = []
        readable = {name: found for name, found in new.items() if name not in without}
        added = keeper.add(_tables(readable, problems))
        _tidy(folder, tuple(keeper.parts))
    return Renewal(added, removed, without, tuple(problems), rebuilt)


def _packages(case: Path) -> dict[str, tuple[Path, str]]:
    """The folder and the hash of the manifest of each package, by its name in the case."""
    return {
        path.relative_to(case).as_posix(): (path, sha256_of(path / package.MANIFEST))
        for path in cases.packages(case)
        if (path / package.MANIFEST).is_file()
    }


def _tables(
    packages: Mapping[str, tuple[Path, str]], problems: list[str]
) -> Iterator[tuple[Entry, Table]]:
    for name, (path, manifest) in packages.items():
        try:
            keyframes = read_keyframes(path)
        except IntegrityError as error:
            problems.append(str(error))
            continue
        table = tabulate([Footage(name, keyframes, _no_pictures)], mirrors=False)
        yield Entry(name, manifest, len(table.hashes)), table


def _no_pictures(_: object) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    raise AssertionError("an index reads no pictures")


class _Keeper:
    """Changes the segments of an index, one at a time; after each change the index is whole."""

    def __init__(self, folder: Path, parts: list[Part], segment_rows: int) -> None:
        self.folder, self.parts, self._segment_rows = folder, parts, segment_rows

    def drop(self, present: Mapping[str, str]) -> tuple[str, ...]:
        """Leave out the packages that are not present any more, or not as they were."""
        gone: list[str] = []
        for part in list(self.parts):
            kept = [entry for entry in part.entries if present.get(entry.package) == entry.manifest_sha256]
            if len(kept) < len(part.entries):
                gone += (entry.package for entry in part.entries if entry not in kept)
                self._replace([part], [self._written(_read(self.folder, part, kept))] if kept else [])
        return tuple(gone)

    def add(self, tables: Iterable[tuple[Entry, Table]]) -> tuple[str, ...]:
        """Take in packages, and merge segments that have become small beside them."""
        added: list[str] = []
        waiting: list[tuple[Entry, Table]] = []
        rows = 0
        for entry, table in tables:
            if waiting and rows + entry.rows > self._segment_rows:
                self._take(waiting)
                waiting, rows = [], 0
            waiting.append((entry, table))
            rows += entry.rows
            added.append(entry.package)
        if waiting:
            self._take(waiting)
        return tuple(added)

    def _take(self, tables: list[tuple[Entry, Table]]) -> None:
        self._replace([], [self._written(tables)])
        while len(self.parts) > 1:
            older, newer = self.parts[-2:]
            if older.rows >= 2 * newer.rows or older.rows + newer.rows > self._segment_rows:
                break
            both = _read(self.folder, older, older.entries) + _read(self.folder, newer, newer.entries)
            self._replace([older, newer], [self._written(both)])

    def _replace(self, old: list[Part], new: list[Part]) -> None:
        place = self.parts.index(old[0]) if old else len(self.parts)
        self.parts[place : place + len(old)] = new
        write_parts(self.folder, tuple(self.parts))
        for part in old:
            shutil.rmtree(self.folder / part.name)

    def _written(self, tables: list[tuple[Entry, Table]]) -> Part:
        used = [int(path.name) for path in self.folder.glob("[0-9]*")]
        name = f"{max(used, default=0) + 1:06}"
        partial = self.folder / f"{_PARTIAL}-{name}"
        partial.mkdir()
        write(partial, [table for _, table in tables])
        files = sorted(partial.iterdir())
        for path in (*files, partial):
            flush(path)
        sizes = {path.name: path.stat().st_size for path in files}
        partial.rename(self.folder / name)
        flush(self.folder)
        return Part(name, sizes, tuple(entry for entry, _ in tables))


def _read(folder: Path, part: Part, entries: Iterable[Entry]) -> list[tuple[Entry, Table]]:
    with Segment(folder / part.name, part.entries) as segment:
        return [(entry, segment.table(part.entries.index(entry))) for entry in entries]


def _tidy(folder: Path, parts: tuple[Part, ...]) -> None:
    """Remove what an interrupted run has left: folders that the index does not name."""
    wanted = {part.name for part in parts}
    for path in (*folder.glob(f"{_PARTIAL}-*"), *folder.glob("[0-9]*")):
        if path.name not in wanted:
            shutil.rmtree(path)
