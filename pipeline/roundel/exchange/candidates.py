"""Footage of a video in contributed fingerprints, by hashes alone: without pictures nothing can be verified.

Hashes are near if they differ in at most 31 bits, and near pairs count if they lie along a line of times with enough
others. How many that has to be was measured: ``benchmarks/exchange.py``, docs/fingerprints.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import faiss
import numpy as np
from numpy.typing import NDArray

from roundel.exchange.model import Video
from roundel.fingerprint.pdq import BYTES
from roundel.matching.alignment import Floats, find_line, near
from roundel.matching.candidates import SAME_PICTURE, Table, far_from, tabulate, without
from roundel.matching.footage import Footage
from roundel.matching.segments import times
from roundel.types import Seconds, Span

LEAST_PAIRS: Final = 3
"""Keyframes of both videos that have to be near each other along one line."""
LEAST_QUALITY: Final = 50
"""Of the video's own pictures, where all are known; Meta's limit for a picture that can be told from others."""
GAP_SECONDS: Final = 60.0
"""Near pairs along one line that are farther apart belong to different parts: thumbnails may be a minute apart."""
MOST_PARTS: Final = 8
MOST_NEAR: Final = 50
"""Hashes of one contributed video that are compared in time with one of the query's: a picture may stand for hours."""
SAID: Final = "by hashes alone, not verified by pictures"


@dataclass(frozen=True, slots=True)
class HashCandidate:
    """A part of a video whose hashes are near those of a contributed one. Nobody has compared the pictures.

    ``pairs`` counts near keyframes, each of both videos once at most, ``distance`` is the median of their distances in
    bits. ``contributed_seconds`` and ``speed`` are ``None`` if the contributed hashes have no times; the order of the
    pictures is then unknown. ``padded`` counts pairs with a hash that had lost leading zeros.
    """

    video: Video
    query_seconds: Span
    contributed_seconds: Span | None
    speed: float | None
    mirrored: bool
    pairs: int
    distance: int
    padded: int
    slack_seconds: Seconds = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Near hashes: times in both videos, (n,), number of the contributed picture, distance in bits, whether padded."""

    query: Floats
    contributed: Floats
    picture: NDArray[np.int64]
    distance: NDArray[np.int32]
    padded: NDArray[np.bool_]

    def select(self, keep: NDArray[np.bool_]) -> _Pairs:
        return _Pairs(*(getattr(self, name)[keep] for name in self.__slots__))


def hash_candidates(
    query: Footage,
    videos: Sequence[Video],
    stop: NDArray[np.uint8] | None = None,
    least_pairs: int = LEAST_PAIRS,
) -> Iterator[HashCandidate]:
    """Look for a video in contributed ones.

    Args:
        query: the video; no picture of it is read.
        videos: the contributed ones, such as ``received.contribution.videos`` of each of
            :func:`roundel.exchange.store.contributions`.
        stop: hashes (n, 32) that many unrelated videos share, such as those of the stop-list of a case.
        least_pairs: keyframes that have to be near.

    Yields:
        Candidates in the order of the videos; of one video first those with the most pairs.
    """
    stops = np.zeros((0, BYTES), np.uint8) if stop is None else stop
    asked = without(stops, _good(tabulate([query], mirrors=True), query))
    if not len(asked.hashes):
        return
    at = times(query)
    index = faiss.IndexBinaryFlat(8 * BYTES)
    index.add(np.ascontiguousarray(asked.hashes))
    for video in videos:
        for mirrored, pairs in _near(index, asked, at, video, stops):
            yield from _parts(video, mirrored, pairs, least_pairs)


def _good(table: Table, query: Footage) -> Table:
    quality = np.array(
        [query.keyframes[k].fingerprints[f].quality for k, f in zip(table.keyframe, table.form, strict=True)], np.int64
    )
    return Table(*(getattr(table, name)[quality >= LEAST_QUALITY] for name in Table.__slots__))


def _near(
    index: faiss.IndexBinaryFlat, asked: Table, at: Floats, video: Video, stops: NDArray[np.uint8]
) -> Iterator[tuple[bool, _Pairs]]:
    """The near pairs of hashes of two videos, as they are and mirrored."""
    rows = np.flatnonzero(video.useful)
    if len(stops) and len(rows):
        rows = rows[far_from(stops, video.hashes[rows])]
    if not len(rows):
        return
    limits, distances, found = index.range_search(np.ascontiguousarray(video.hashes[rows]), SAME_PICTURE + 1)
    row = rows[np.repeat(np.arange(len(rows)), np.asarray(np.diff(limits), np.int64))]
    picture = _pictures(video)[row]
    keep = _nearest(asked.keyframe[found].astype(np.int64) * 2 + asked.mirrored[found], picture, distances)
    found, row, picture = found[keep], row[keep], picture[keep]
    pairs = _Pairs(at[asked.keyframe[found]], video.seconds[row], picture, distances[keep], video.padded[row])
    for mirrored in (False, True):
        yield mirrored, pairs.select(asked.mirrored[found] == mirrored)


def _pictures(video: Video) -> NDArray[np.int64]:
    """The number of the picture that each hash (n,) is of: those of one moment are of one, those without are not."""
    timed = np.isfinite(video.seconds)
    numbers = len(timed) + np.arange(len(timed))
    numbers[timed] = np.unique(video.seconds[timed], return_inverse=True)[1]
    return numbers


def _nearest(key: NDArray[np.int64], picture: NDArray[np.int64], distance: NDArray[np.int32]) -> NDArray[np.intp]:
    """Of the pairs of each key the nearest ones, at most so many; of those with one picture only the best."""
    order = np.lexsort((distance, picture, key))
    first = (np.diff(key[order], prepend=-1) != 0) | (np.diff(picture[order], prepend=-1) != 0)
    best = order[first]
    best = best[np.lexsort((distance[best], key[best]))]
    starts = np.flatnonzero(np.diff(key[best], prepend=-1))
    rank = np.arange(len(best)) - np.repeat(starts, np.diff(np.append(starts, len(best))))
    return np.asarray(best[rank < MOST_NEAR], np.intp)


def _parts(video: Video, mirrored: bool, pairs: _Pairs, least: int) -> Iterator[HashCandidate]:
    """What lies along lines of times; then what has no times."""
    timed = pairs.select(np.isfinite(pairs.contributed))
    for _ in range(MOST_PARTS):
        weight = 1 - timed.distance / (2 * SAME_PICTURE)
        line = find_line(timed.query, timed.contributed, weight)
        if line is None:
            break
        on_it = near(line, timed.query, timed.contributed)
        best = _part(on_it, timed.query)
        if _count(timed.select(best)) < least:
            break
        part = timed.select(best)
        there = (round(float(part.contributed.min()), 3), round(float(part.contributed.max()), 3))
        yield _candidate(video, mirrored, part, there, round(line.speed, 4), round(line.slack_seconds, 3))
        low, high = part.query.min(), part.query.max()
        play = line.slack_seconds + 1
        close = np.abs(timed.contributed - line.at(timed.query)) <= play
        timed = timed.select(~(close & (timed.query >= low) & (timed.query <= high)) & ~best)
    loose = pairs.select(~np.isfinite(pairs.contributed))
    if len(loose.query) and _count(loose) >= least:
        yield _candidate(video, mirrored, loose, None, None, 0.0)


def _part(on_it: NDArray[np.bool_], at: Floats) -> NDArray[np.bool_]:
    """The part without long gaps that has the most moments of the query."""
    places = np.flatnonzero(on_it)
    places = places[np.argsort(at[places], kind="stable")]
    parts = np.split(places, np.flatnonzero(np.diff(at[places]) > GAP_SECONDS) + 1)
    chosen = max(parts, key=lambda part: len(np.unique(at[part])))
    best = np.zeros(len(at), np.bool_)
    best[chosen] = True
    return best


def _count(pairs: _Pairs) -> int:
    """Near pairs of which no two have a picture in common, at most: one picture near many is one pair."""
    return min(len(np.unique(pairs.query)), len(np.unique(pairs.picture)))


def _candidate(
    video: Video, mirrored: bool, part: _Pairs, there: Span | None, speed: float | None, slack: float
) -> HashCandidate:
    here = round(float(part.query.min()), 3), round(float(part.query.max()), 3)
    middle = int(np.median(part.distance))
    return HashCandidate(video, here, there, speed, mirrored, _count(part), middle, int(part.padded.sum()), slack)
