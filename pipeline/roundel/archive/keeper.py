"""Changes the segments of an index: appends, merges, drops; after each change the index is whole.

New packages become a new segment; small segments are merged, so that there are few. A segment is written under
another name, flushed and renamed before the list of segments names it, so an interrupted run leaves the index as it
was, or with some of the changes.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from roundel.archive.segment import Entry, Segment, write
from roundel.archive.state import Part, check, write_parts
from roundel.disk import flush
from roundel.matching.candidates import Table
from roundel.media.identity import sha256_of

SEGMENT_ROWS: Final = 2**22
"""A segment gets no longer by merging: about 80 hours, 0.4 GiB on disk."""
_PARTIAL: Final = ".partial"


class Keeper:
    """Changes the segments of an index, one at a time; after each change the index is whole."""

    def __init__(self, folder: Path, parts: list[Part], segment_rows: int) -> None:
        self.folder, self.parts, self._segment_rows = folder, parts, segment_rows

    def drop(self, present: Mapping[str, str]) -> tuple[str, ...]:
        """Leave out the packages that are not present any more, or not as they were."""
        gone: list[str] = []
        for part in list(self.parts):
            kept = [entry for entry in part.entries if present.get(entry.package) == entry.manifest_sha256]
            if len(kept) < len(part.entries):
                gone += sorted({entry.package for entry in part.entries} - {entry.package for entry in kept})
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
        known = {path.name: (path.stat().st_size, sha256_of(path)) for path in files}
        partial.rename(self.folder / name)
        flush(self.folder)
        return Part(name, known, tuple(entry for entry, _ in tables))


def _read(folder: Path, part: Part, entries: Iterable[Entry]) -> list[tuple[Entry, Table]]:
    """Packages of a segment; raises IntegrityError if it was changed."""
    check(folder, part)
    wanted = set(entries)
    with Segment(folder / part.name, part.entries) as segment:
        return [(entry, segment.table(place)) for place, entry in enumerate(part.entries) if entry in wanted]


def tidy(folder: Path, parts: Iterable[Part]) -> None:
    """Remove what an interrupted run has left: folders that the index does not name."""
    wanted = {part.name for part in parts}
    for path in (*folder.glob(f"{_PARTIAL}-*"), *folder.glob("[0-9]*")):
        if path.name not in wanted:
            shutil.rmtree(path)
