"""One part of an index of fingerprints: arrays on disk that never change once they are written.

Hashes of one package are neighbours. Beside the hashes lies a table of their words (:mod:`roundel.archive.words`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Final, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from roundel.archive.words import Words
from roundel.errors import IntegrityError
from roundel.fingerprint.pdq import BYTES
from roundel.matching.candidates import Table

Hashes = NDArray[np.uint8]
Rows = NDArray[np.int64]

BLOCK_ROWS: Final = 2**18
"""Rows that are compared at a time: 8 MiB of hashes."""
WORDS_ROWS: Final = 2**16
"""A smaller segment has no table of words: all of it is compared sooner than the table is read."""
HASHES, KEYFRAMES, FORMS = "hashes.npy", "keyframes.npy", "forms.npy"
STARTS, POSTINGS = "starts.npy", "postings.npy"


@dataclass(frozen=True, slots=True)
class Entry:
    """A package in a segment: its name in the case, the hash of its manifest, and how many hashes it has."""

    package: str
    manifest_sha256: str
    rows: int


@dataclass(frozen=True, slots=True, eq=False)
class Near:
    """Pairs of near hashes as parallel arrays (n,): number of the asked hash, row in the segment, bits apart."""

    asked: Rows
    row: Rows
    distance: NDArray[np.int32]


class Segment:
    """A segment, opened for reading: its arrays are mapped, not loaded."""

    def __init__(self, folder: Path, entries: Sequence[Entry]) -> None:
        """Open a segment.

        Raises:
            IntegrityError: if its files are missing or do not fit what is known of it.
        """
        self.folder = folder
        self.entries = tuple(entries)
        self.starts = np.array([0, *accumulate(entry.rows for entry in entries)], np.int64)
        self.hashes = _mapped(folder / HASHES)
        self.keyframes, self.forms = _mapped(folder / KEYFRAMES), _mapped(folder / FORMS)
        rows = int(self.starts[-1])
        fits = self.hashes.shape == (rows, BYTES) and self.keyframes.shape == self.forms.shape == (rows,)
        self.words: Words | None = None
        if rows >= WORDS_ROWS:
            starts, postings = _mapped(folder / STARTS), _mapped(folder / POSTINGS)
            fits = fits and Words.fit(starts, postings, rows)
            self.words = Words(starts, postings)
        if not fits:
            raise IntegrityError(f"{folder}: its files do not fit each other")

    def scan(self, asked: Hashes, radius: int, entries: Sequence[int] | None = None) -> Near:
        """All pairs of hashes at most ``radius`` bits apart (faiss, IndexBinaryFlat: exact).

        Args:
            asked: hashes (n, 32).
            radius: in bits.
            entries: the numbers of the packages that are searched; all of them if it is left out.
        """
        flat = faiss.IndexBinaryFlat(8 * BYTES)
        flat.add(np.ascontiguousarray(asked))
        found = [
            _near(flat, self.hashes[first:last], first, radius)
            for start, end in self._ranges(entries)
            for first, last in _blocks(start, end)
        ]
        if not found:
            return Near(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int32))
        return Near(
            np.concatenate([near.asked for near in found]),
            np.concatenate([near.row for near in found]),
            np.concatenate([near.distance for near in found]),
        )

    def sharing_words(self, asked: Hashes, radius: int) -> list[int]:
        """The numbers of packages with a hash that is near an asked one and has a word in common with it.

        All packages, if the segment is too small for a table of words.
        """
        if self.words is None:
            return list(range(len(self.entries)))
        rows = self.words.near(self.hashes, asked, radius)
        return [int(number) for number in np.unique(self.entry_of(rows))]

    def entry_of(self, rows: Rows) -> Rows:
        """The numbers of the packages that rows belong to."""
        return np.asarray(np.searchsorted(self.starts, rows, side="right") - 1, np.int64)

    def table(self, number: int) -> Table:
        """The rows of one package, read into memory."""
        part = slice(int(self.starts[number]), int(self.starts[number + 1]))
        rows = part.stop - part.start
        return Table(
            np.array(self.hashes[part]),
            np.zeros(rows, np.int32),
            np.array(self.keyframes[part]),
            np.array(self.forms[part], np.int32),
            np.zeros(rows, np.bool_),
        )

    def _ranges(self, entries: Sequence[int] | None) -> Iterator[tuple[int, int]]:
        if entries is None:
            yield 0, int(self.starts[-1])
        else:
            yield from ((int(self.starts[number]), int(self.starts[number + 1])) for number in entries)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the arrays, so that their pages no longer count as this process's memory."""
        del self.hashes, self.keyframes, self.forms, self.words


def write(folder: Path, tables: Sequence[Table]) -> None:
    """Write the arrays of a segment into an empty folder, the packages in the given order."""
    hashes = np.concatenate([table.hashes for table in tables])
    np.save(folder / HASHES, hashes)
    np.save(folder / KEYFRAMES, np.concatenate([table.keyframe for table in tables]).astype(np.int32))
    np.save(folder / FORMS, np.concatenate([table.form for table in tables]).astype(np.uint8))
    if len(hashes) >= WORDS_ROWS:
        words = Words.of(hashes)
        np.save(folder / STARTS, words.starts)
        np.save(folder / POSTINGS, words.postings)


def _mapped(path: Path) -> NDArray[Any]:
    try:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise IntegrityError(f"{path}: cannot be read: {error}") from error


def _blocks(start: int, end: int) -> Iterator[tuple[int, int]]:
    for first in range(start, end, BLOCK_ROWS):
        yield first, min(end, first + BLOCK_ROWS)


def _near(flat: faiss.IndexBinaryFlat, block: Hashes, first: int, radius: int) -> Near:
    """The asked hashes are the index and the segment's rows are looked up in it: so nothing is copied."""
    limits, distances, asked = flat.range_search(block, radius + 1)
    rows = np.repeat(np.arange(len(block), dtype=np.int64) + first, np.asarray(np.diff(limits), np.int64))
    return Near(np.asarray(asked, np.int64), rows, np.asarray(distances, np.int32))
