"""Which moments of two videos belong together: lines in the plane of their times.

A pair of near hashes is a point (time in the query, time in the reference). Footage that was taken over gives points on
a line, whose slope is the speed. Footage without movement gives points everywhere; of all lines through them the one
with the most moments wins, and how far it could be moved without loss is reported.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SPEEDS = np.concatenate([[1.0], np.geomspace(0.8, 1.25, 37)])
"""Seconds of the reference in a second of the query that are tried; the usual one first."""
USUAL, MOMENTS = 1.03, 0.75
"""Another speed than 1 has to explain this many times as much, and so many moments more."""
LEAST_MOMENTS, LEAST_CHANGE, DOUBT = 6, 0.02, 4.0
"""A speed other than 1 takes so many moments, such a difference, and so many times its standard error."""
BIN_SECONDS = 0.25
NEAR_SECONDS = 0.35
"""How far from the line a point may lie: keyframes are half a second apart in quiet footage."""
LEVEL = 0.9
"""A line that explains this share of what the best one explains would do as well."""


@dataclass(frozen=True, slots=True)
class Line:
    """``reference = speed × query + offset``, in seconds.

    ``score`` is the number of moments that it explains, near hashes counting more. ``slack_seconds`` says how far the
    offset can be moved to either side with nearly the same score.
    """

    speed: float
    offset: float
    score: float
    slack_seconds: float

    def at(self, query: Floats) -> Floats:
        """The times in the reference of times in the query."""
        return np.asarray(self.speed * query + self.offset)


def find_line(query: Floats, reference: Floats, weight: Floats) -> Line | None:
    """The line that explains the most moments of the query.

    Args:
        query: times of the points in the query, (n,).
        reference: their times in the reference, (n,).
        weight: how near the hashes are, 0 to 1, (n,).
    """
    if not len(query):
        return None
    _, moment = np.unique(query, return_inverse=True)
    best: tuple[float, float, Floats, float] | None = None
    for speed in SPEEDS:
        offsets = reference - speed * query
        low = float(offsets.min())
        score = _scores(moment, ((offsets - low) / BIN_SECONDS).astype(np.intp), weight)
        top = float(score.max()) if speed == 1 else float(score.max()) / USUAL - MOMENTS
        if best is None or top > best[0]:
            best = top, float(speed), score, low
    top, speed, score, low = best or (0.0, 1.0, np.zeros(1), 0.0)
    # Of a run of bins that are equally good the middle one: without movement nothing speaks for either end.
    peak = int(score.argmax())
    first, last = _run(score >= LEVEL * score[peak], peak)
    exact = np.flatnonzero(score[first : last + 1] == score[peak]) + first
    centre = low + exact[len(exact) // 2] * BIN_SECONDS
    line = Line(speed, centre, float(score[peak]), (last - first) * BIN_SECONDS / 2)
    return _refined(line, query, reference, weight)


def near(line: Line, query: Floats, reference: Floats) -> NDArray[np.bool_]:
    """Which points lie near a line."""
    return np.asarray(np.abs(reference - line.at(query)) <= NEAR_SECONDS)


def _scores(moment: NDArray[np.intp], bins: NDArray[np.intp], weight: Floats) -> Floats:
    """For each two neighbouring bins, the first before all: the sum over the moments of the best weight in them."""
    count = int(bins.max()) + 2
    keys = np.concatenate([moment * count + bins, moment * count + bins + 1])  # a point counts for both its pairs
    order = np.argsort(keys, kind="stable")
    first = np.flatnonzero(np.diff(keys[order], prepend=-1))
    best = np.maximum.reduceat(np.tile(weight, 2)[order], first)
    return np.asarray(np.bincount(keys[order][first] % count, best, count), np.float64)


def _run(good: NDArray[np.bool_], peak: int) -> tuple[int, int]:
    first = last = peak
    while first > 0 and good[first - 1]:
        first -= 1
    while last + 1 < len(good) and good[last + 1]:
        last += 1
    return first, last


def _refined(line: Line, query: Floats, reference: Floats, weight: Floats) -> Line:
    """Fit the line to the nearest hash of each moment near it; another speed only if the points leave no doubt."""
    speed, offset = line.speed, line.offset
    for _ in range(3):
        inside = np.flatnonzero(np.abs(reference - speed * query - offset) <= NEAR_SECONDS)
        order = inside[np.argsort(-weight[inside], kind="stable")]
        times, first = np.unique(query[order], return_index=True)
        if len(times) < 2:
            break
        values, weights = reference[order[first]], weight[order[first]] ** 2 + 1e-6
        centre, mean = np.average(times, weights=weights), np.average(values, weights=weights)
        spread = float(np.average((times - centre) ** 2, weights=weights))
        if spread > 0.25 and len(times) >= LEAST_MOMENTS:
            slope = float(np.average((times - centre) * (values - mean), weights=weights)) / spread
            rest = values - mean - slope * (times - centre)
            doubt = float(np.sqrt(np.average(rest**2, weights=weights) / (spread * (len(times) - 2))))
            enough = DOUBT * (1 + (DOUBT**2 + 1) / (4 * (len(times) - 2)))  # Student's t, first term of its expansion
            speed = slope if abs(slope - 1) > max(LEAST_CHANGE, enough * doubt) else 1.0
        offset = float(mean - speed * centre)
    return Line(speed, offset, line.score, line.slack_seconds)
