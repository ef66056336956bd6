"""Hashes by their words: finds the rows that have 16 successive bits in common with a hash.

A hash of 256 bits has 16 such words. Two hashes that differ in 15 bits or less have one in common for certain; others
with a probability that ``benchmarks/recycled_scale.py`` measures. (Norouzi, Punjani and Fleet, "Fast Exact Search in
Hamming Space with Multi-Index Hashing", 2014, with their radius of 0 in each word.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

WORDS: Final = 16
CERTAIN: Final = WORDS - 1
"""Hashes that differ in so many bits or less are always found."""
VALUES: Final = 2**16
CHUNK: Final = 2**20
"""Pairs that are compared at a time."""

Hashes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """For each word and value the rows that have it.

    ``postings`` (16, n) lists rows by the value of the word, ``starts`` (16, 65537) says where each value begins.
    """

    starts: NDArray[np.uint32]
    postings: NDArray[np.uint32]

    @classmethod
    def of(cls, hashes: Hashes) -> Self:
        """Sort the words of hashes (n, 32)."""
        words = _words(hashes)
        starts = np.zeros((WORDS, VALUES + 1), np.uint32)
        postings = np.empty((WORDS, len(hashes)), np.uint32)
        for number in range(WORDS):
            word = np.ascontiguousarray(words[:, number])
            np.cumsum(np.bincount(word, minlength=VALUES), out=starts[number, 1:])
            postings[number] = np.argsort(word, kind="stable")
        return cls(starts, postings)

    @staticmethod
    def fit(starts: NDArray[Any], postings: NDArray[Any], rows: int) -> bool:
        """Whether arrays are the words of so many rows."""
        right = starts.shape == (WORDS, VALUES + 1) and postings.shape == (WORDS, rows)
        return right and bool((starts[:, -1] == rows).all())

    def near(self, hashes: Hashes, asked: Hashes, radius: int) -> NDArray[np.int64]:
        """The rows, sorted, that have a word in common with an asked hash and are at most ``radius`` bits from it.

        Args:
            hashes: those that the words were made of, (n, 32).
            asked: (m, 32).
            radius: in bits.
        """
        known, wanted = hashes.view("<u8"), np.ascontiguousarray(asked).view("<u8")
        found = [np.zeros(0, np.int64)]
        for rows, numbers in self._pairs(_words(asked)):
            keep = _distances(known[rows], wanted[numbers]) <= radius
            found.append(np.unique(rows[keep]).astype(np.int64))
        return np.unique(np.concatenate(found))

    def _pairs(self, asked: NDArray[np.uint16]) -> Iterator[tuple[NDArray[np.uint32], NDArray[np.int64]]]:
        """Rows and numbers of asked hashes with a common word, a bounded number at a time."""
        for number in range(WORDS):
            first = self.starts[number, asked[:, number]].astype(np.int64)
            counts = self.starts[number, asked[:, number].astype(np.int64) + 1] - first
            ends = np.cumsum(counts)
            low = 0
            while low < len(counts):
                done = int(ends[low - 1]) if low else 0
                high = max(low + 1, int(np.searchsorted(ends, done + CHUNK, side="right")))
                part = counts[low:high]
                numbers = np.repeat(np.arange(low, high), part)
                offset = first[low:high] - (ends[low:high] - part - done)
                yield self.postings[number, np.arange(len(numbers)) + np.repeat(offset, part)], numbers
                low = high


def _words(hashes: Hashes) -> NDArray[np.uint16]:
    return np.ascontiguousarray(hashes).view("<u2").reshape(-1, WORDS)


def _distances(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Bits in which hashes differ, row by row; both (n, 4)."""
    bits = np.bitwise_count(one ^ other).view("<u4")[:, 0]
    halves = (bits & 0x00FF00FF) + ((bits >> 8) & 0x00FF00FF)
    return np.asarray((halves & 0xFFFF) + (halves >> 16), np.uint32)
