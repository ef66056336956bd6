"""Which keyframes may show the same: all pairs of hashes that are near each other, found exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from roundel.fingerprint.pdq import BYTES
from roundel.matching.footage import Footage

RADIUS = 64
"""Bits in which a copy's hash may differ. What is found so far apart is only a candidate; ``benchmarks/copies.py``."""
LEAST_QUALITY = 5
"""A picture of lower quality is too plain to be looked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """Pairs of fingerprints that are near each other, as parallel arrays.

    ``query`` and ``reference`` number the keyframes of both videos, ``query_form`` and ``reference_form`` the
    fingerprints of those keyframes; ``mirrored`` is true where the query's mirror image is near.
    """

    query: NDArray[np.int32]
    query_form: NDArray[np.int32]
    reference: NDArray[np.int32]
    reference_form: NDArray[np.int32]
    distance: NDArray[np.int32]
    mirrored: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.query)

    def select(self, keep: NDArray[np.bool_] | NDArray[np.intp]) -> Hits:
        """The pairs that ``keep`` (mask or indices) picks."""
        return Hits(*(getattr(self, name)[keep] for name in self.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The fingerprints of some videos: hashes (n, 32), and for each the video, keyframe and form it belongs to.

    ``form`` is the place among the fingerprints of the keyframe.
    """

    hashes: NDArray[np.uint8]
    video: NDArray[np.int32]
    keyframe: NDArray[np.int32]
    form: NDArray[np.int32]
    mirrored: NDArray[np.bool_]


class HashIndex:
    """The fingerprints of reference videos, searched exactly (faiss, IndexBinaryFlat)."""

    def __init__(self, references: Sequence[Footage], stop: NDArray[np.uint8] | None = None) -> None:
        """Take the references.

        Args:
            references: the videos that are searched.
            stop: hashes (n, 32) that many unrelated videos share; fingerprints within 31 bits of one are left out.
        """
        self.references = tuple(references)
        self._stop = stop
        self._table = without(self._stop, tabulate(self.references, mirrors=False))
        self._index = faiss.IndexBinaryFlat(8 * BYTES)
        self._index.add(self._table.hashes)

    def search(self, query: Footage, radius: int = RADIUS) -> dict[int, Hits]:
        """The pairs of fingerprints at most ``radius`` bits apart, by the number of the reference."""
        asked = without(self._stop, tabulate([query], mirrors=True))
        if not len(asked.hashes) or not len(self._table.hashes):
            return {}
        limits, distances, found = self._index.range_search(asked.hashes, radius + 1)
        rows = np.repeat(np.arange(len(asked.hashes)), np.asarray(np.diff(limits), np.int64))
        table = self._table
        hits = Hits(
            asked.keyframe[rows],
            asked.form[rows],
            table.keyframe[found],
            table.form[found],
            distances.astype(np.int32),
            asked.mirrored[rows],
        )
        videos = table.video[found]
        return {int(video): hits.select(videos == video) for video in np.unique(videos)}


STOP_RADIUS = 31
"""Meta's threshold for the same picture."""


def without(stop: NDArray[np.uint8] | None, table: Table) -> Table:
    """Leave out the rows of a table whose hashes are near one of the stop hashes (n, 32)."""
    if stop is None or not len(stop) or not len(table.hashes):
        return table
    keep = far_from(stop, table.hashes)
    return Table(*(getattr(table, name)[keep] for name in Table.__slots__))


def far_from(stop: NDArray[np.uint8], hashes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which hashes (n, 32) are near none of the stop hashes (m, 32)."""
    index = faiss.IndexBinaryFlat(8 * BYTES)
    index.add(np.ascontiguousarray(stop))
    distances, _ = index.search(np.ascontiguousarray(hashes), 1)
    return np.asarray(distances[:, 0] > STOP_RADIUS)


def tabulate(videos: Sequence[Footage], *, mirrors: bool) -> Table:
    """The fingerprints that are good enough to be looked for, and with ``mirrors`` those of the mirrored pictures."""
    rows: list[tuple[bytes, int, int, int, bool]] = []
    for number, video in enumerate(videos):
        for place, keyframe in enumerate(video.keyframes):
            for form, item in enumerate(keyframe.fingerprints):
                if item.quality >= LEAST_QUALITY:
                    rows.append((item.bits, number, place, form, False))
                    if mirrors:
                        rows.append((item.mirrored_bits, number, place, form, True))
    hashes = np.frombuffer(b"".join(row[0] for row in rows), np.uint8).reshape(-1, BYTES)
    numbers = np.array([row[1:4] for row in rows], np.int32).reshape(-1, 3)
    return Table(
        hashes.copy(),
        np.ascontiguousarray(numbers[:, 0]),
        np.ascontiguousarray(numbers[:, 1]),
        np.ascontiguousarray(numbers[:, 2]),
        np.array([row[4] for row in rows], np.bool_),
    )
