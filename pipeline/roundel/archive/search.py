"""Searches the index of a case for footage."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np

from roundel.archive.index import FOLDER, Renewal, renew
from roundel.archive.segment import Hashes, Near, Segment
from roundel.archive.state import Part, read_parts
from roundel.archive.stops import Stop, read_stops, stop_hashes
from roundel.archive.words import CERTAIN
from roundel.errors import IntegrityError
from roundel.matching.candidates import RADIUS, Hits, Table, far_from, tabulate, without
from roundel.matching.footage import Footage

Method = Literal["exact", "words"]
"""``exact`` compares all hashes. ``words`` does so only in videos that have a near hash with 16 bits in common."""


class CaseIndex:
    """The index of one case. It need not exist yet: then :meth:`refresh` makes it, and a search finds nothing."""

    def __init__(self, case: Path) -> None:
        self.case = case
        self.folder = case / FOLDER

    def refresh(self) -> Renewal:
        """Bring the index up to date with the packages of the case; see :func:`roundel.archive.index.renew`."""
        return renew(self.case)

    def packages(self) -> tuple[str, ...]:
        """The names of the packages in the index, sorted.

        Raises:
            IntegrityError: if the index is damaged.
        """
        return tuple(sorted(entry.package for part in self._parts() for entry in part.entries))

    def stops(self) -> tuple[Stop, ...]:
        """The stop-list that was learned (:func:`roundel.archive.learning.learn_stops`); empty if none was.

        Raises:
            IntegrityError: if it cannot be read.
        """
        return read_stops(self.folder)

    def search(self, footage: Footage, radius: int = RADIUS, method: Method = "exact") -> Iterator[tuple[str, Hits]]:
        """The packages with near hashes, by name, and all pairs of hashes at most ``radius`` bits apart.

        Pictures on the stop-list are left out of both. ``said_of`` has the words for the method.

        Raises:
            IntegrityError: if the index is damaged.
        """
        stop = stop_hashes(self.stops())
        asked = without(stop, tabulate([footage], mirrors=True))
        segments = self.opened()
        if not len(asked.hashes):
            return
        found: list[tuple[str, Hits]] = []
        for segment, entries in zip(segments, _chosen(segments, asked, radius, method), strict=True):
            with segment:
                found += _search(segment, asked, radius, entries, stop)
        yield from sorted(found, key=lambda item: item[0])

    def opened(self) -> list[Segment]:
        """The segments, opened. Renewals beside it do not disturb what is open.

        Raises:
            IntegrityError: if the index is damaged.
        """
        while True:
            parts = self._parts()
            try:
                return [Segment(self.folder / part.name, part.entries) for part in parts]
            except IntegrityError as error:
                if self._parts() == parts:
                    raise self._damaged(error) from error

    def _parts(self) -> tuple[Part, ...]:
        try:
            return read_parts(self.folder)
        except IntegrityError as error:
            raise self._damaged(error) from error

    def _damaged(self, error: IntegrityError) -> IntegrityError:
        return IntegrityError(f"{error}; refresh the index: it is made again from the packages")


def _chosen(segments: Sequence[Segment], asked: Table, radius: int, method: Method) -> Iterator[Sequence[int] | None]:
    """For each segment the numbers of the packages to search; ``None`` for all."""
    if method == "exact":
        yield from (None for _ in segments)
        return
    with ThreadPoolExecutor(_cores()) as pool:
        yield from pool.map(lambda segment: segment.sharing_words(asked.hashes, radius), segments)


def _search(
    segment: Segment, asked: Table, radius: int, entries: Sequence[int] | None, stop: Hashes
) -> list[tuple[str, Hits]]:
    near = _unstopped(segment, segment.scan(asked.hashes, radius, entries), stop)
    owner = segment.entry_of(near.row)
    return [
        (segment.entries[number].package, _hits(segment, near, owner == number, asked))
        for number in np.unique(owner).tolist()
    ]


def _unstopped(segment: Segment, near: Near, stop: Hashes) -> Near:
    """Leave out the pairs whose row is near a stop hash."""
    if not len(stop) or not len(near.row):
        return near
    rows = np.unique(near.row)
    kept = rows[far_from(stop, segment.hashes[rows])]
    keep = np.isin(near.row, kept)
    return Near(near.asked[keep], near.row[keep], near.distance[keep])


def open_index(case: Path) -> CaseIndex:
    """The index of a case."""
    return CaseIndex(case)


def search_cases(
    cases: Sequence[Path], footage: Footage, radius: int = RADIUS, method: Method = "exact"
) -> Iterator[tuple[Path, str, Hits]]:
    """Search several cases one after the other, each by its own stop-list: case, package and pairs.

    Raises:
        IntegrityError: if an index is damaged.
    """
    for case in cases:
        for name, hits in open_index(case).search(footage, radius, method):
            yield case, name, hits


def said_of(method: Method, radius: int) -> str:
    """What a result has to say of how it was found."""
    if method == "exact":
        return f"all hashes compared: every pair at most {radius} bits apart is found"
    return (
        f"all hashes compared (at most {radius} bits apart) in those videos that have one near hash with 16 successive "
        f"bits in common; a video whose nearest hash is {CERTAIN} bits away or less is always among them, one whose "
        "nearest hash is farther away may be missed"
    )


def _hits(segment: Segment, near: Near, keep: np.ndarray[tuple[int], np.dtype[np.bool_]], asked: Table) -> Hits:
    """The hits of one package, in the order of the asked hashes, then of the package's."""
    order = np.lexsort((near.row[keep], near.asked[keep]))
    mine, rows = near.asked[keep][order], near.row[keep][order]
    return Hits(
        asked.keyframe[mine],
        asked.form[mine],
        np.asarray(segment.keyframes[rows], np.int32),
        np.asarray(segment.forms[rows], np.int32),
        near.distance[keep][order],
        asked.mirrored[mine],
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
