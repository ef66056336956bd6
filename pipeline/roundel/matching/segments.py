"""Proof that two videos show the same along a line of times: verified pairs of keyframes, and how far they reach."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from roundel.matching.alignment import Floats, Line, near
from roundel.matching.candidates import Hits
from roundel.matching.comparing import Comparer
from roundel.matching.footage import Footage
from roundel.matching.geometry import Matrix, apart
from roundel.matching.model import FramePair
from roundel.types import Span

Blocks = NDArray[np.float32]

LEAST_INLIERS = 15
LEAST_AGREEMENT = 0.6
LEAST_COMPARED = 10  # blocks of 64 in which pixels could be compared
LEAST_PAIRS = 2
TRIED = 6  # pairs of keyframes that are compared along one line
SAME_PLACE = 0.15  # how far corners may lie apart in two pairs of one segment, in sides of the reference: cameras move
HIDDEN_SECONDS = 2.0  # footage goes on after it could not be recognised for this long
LONE_STEP_SECONDS = 0.04  # how long a keyframe is shown if none follows


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Verified footage along a line.

    ``shown`` are the numbers of the query's keyframes that show it, ``blocks`` the mean agreement of the pixels over
    them, (8, 8), in the part of the query's picture that holds the reference's.
    """

    line: Line
    mirrored: bool
    pairs: tuple[FramePair, ...]
    transform: Matrix
    shown: tuple[int, ...]
    blocks: Blocks


def times(footage: Footage) -> Floats:
    """The times of its keyframes in seconds, (n,)."""
    return np.array([keyframe.seconds for keyframe in footage.keyframes], np.float64)


def prove(line: Line, hits: Hits, comparer: Comparer) -> Segment | None:
    """Compare pictures along a line; ``None`` if too few of them show the same.

    Args:
        line: which time of the reference belongs to which of the query.
        hits: near hashes of the two videos, all of them mirrored or none.
        comparer: compares the two videos.
    """
    query, reference = times(comparer.query), times(comparer.reference)
    along = hits.select(near(line, query[hits.query], reference[hits.reference]))
    tried = (comparer.compare(along, number) for number in _spread(along, query))
    pairs = _consistent([pair for pair in tried if pair is not None and _is_same(pair)])
    if len(pairs) < LEAST_PAIRS:
        return None
    best = max(pairs, key=lambda pair: (pair.inliers, -pair.query.index))
    transform = np.array(best.transform)
    shown, agreed = _follow(line, along, transform, comparer, {pair.query.index for pair in pairs})
    return Segment(line, bool(along.mirrored[0]), tuple(pairs), transform, shown, agreed)


def spans(segment: Segment, query: Footage, reference: Footage) -> tuple[Span, Span]:
    """When the footage is shown in the query, and which time of the reference that is."""
    start, end = _start(query, segment.shown[0]), _end(query, segment.shown[-1])
    first, last = _start(reference, 0), _end(reference, len(reference.keyframes) - 1)
    line = segment.line
    start, end = max(start, (first - line.offset) / line.speed), min(end, (last - line.offset) / line.speed)
    there = line.speed * start + line.offset, line.speed * end + line.offset
    return (round(start, 3), round(end, 3)), (round(there[0], 3), round(there[1], 3))


def _spread(hits: Hits, query: Floats) -> list[int]:
    """Up to six hits, each of another keyframe of the query, spread over the time and the nearest of their part."""
    best: dict[int, int] = {}
    for number in np.argsort(hits.distance, kind="stable").tolist():
        best.setdefault(int(hits.query[number]), number)
    order = [best[place] for place in sorted(best)]
    parts = np.array_split(np.array(order, np.intp), min(TRIED, len(order)))
    return [int(part[hits.distance[part].argmin()]) for part in parts]


def _is_same(pair: FramePair) -> bool:
    enough = pair.inliers >= LEAST_INLIERS and pair.compared >= LEAST_COMPARED
    return enough and pair.agreement >= LEAST_AGREEMENT


def _consistent(pairs: list[FramePair]) -> list[FramePair]:
    """The largest group of pairs that put the picture at the same place as one of them does, in the order of time."""
    groups = [
        [other for other in pairs if apart(np.array(pair.transform), np.array(other.transform)) <= SAME_PLACE]
        for pair in pairs
    ]
    return max(groups, key=len, default=[])


def _follow(
    line: Line, along: Hits, transform: Matrix, comparer: Comparer, proven: set[int]
) -> tuple[tuple[int, ...], Blocks]:
    """The query's keyframes around the proven ones that show the footage, and where their pixels agree.

    A keyframe shows it if one of its hashes is near one at the right time of the reference, or if the pixels agree.
    """
    query, reference = times(comparer.query), times(comparer.reference)
    wanted = line.at(query)
    hashed = set(along.query.tolist())
    maps: list[Blocks] = []
    shown = []
    for place, keyframe in enumerate(comparer.query.keyframes):
        there = int(np.abs(reference - wanted[place]).argmin())
        if abs(reference[there] - wanted[place]) > 0.5:
            continue
        agreed = comparer.agreement(place, there, transform)
        agrees = np.isfinite(agreed).sum() >= LEAST_COMPARED and np.nanmean(agreed) >= LEAST_AGREEMENT
        if agrees:
            maps.append(agreed)
        if agrees or place in hashed or keyframe.ref.index in proven:
            shown.append(place)
    at = [place for place in shown if comparer.query.keyframes[place].ref.index in proven]
    first, last = shown.index(at[0]), shown.index(at[-1])
    while first > 0 and query[shown[first]] - query[shown[first - 1]] <= HIDDEN_SECONDS:
        first -= 1
    while last + 1 < len(shown) and query[shown[last + 1]] - query[shown[last]] <= HIDDEN_SECONDS:
        last += 1
    return tuple(shown[first : last + 1]), _mean(maps)


def _mean(maps: list[Blocks]) -> Blocks:
    if not maps:
        return np.full((8, 8), np.nan, np.float32)
    stack = np.stack(maps)
    seen = np.isfinite(stack).sum(axis=0)
    total = np.nansum(stack, axis=0)
    return np.where(seen > 0, total / np.maximum(seen, 1), np.nan).astype(np.float32)


def _start(footage: Footage, place: int) -> float:
    """When a keyframe's picture begins: at its shot, or half-way from the keyframe before it."""
    keyframe = footage.keyframes[place]
    if keyframe.starts_shot or place == 0:
        return keyframe.seconds
    return (footage.keyframes[place - 1].seconds + keyframe.seconds) / 2


def _end(footage: Footage, place: int) -> float:
    """When a keyframe's picture ends: at the next shot, or half-way to the next keyframe."""
    keyframes = footage.keyframes
    if place + 1 == len(keyframes):
        steps = [later.seconds - earlier.seconds for earlier, later in pairwise(keyframes)]
        return keyframes[place].seconds + min([LONE_STEP_SECONDS, *(step for step in steps if step > 0)])
    following = keyframes[place + 1]
    return following.seconds if following.starts_shot else (keyframes[place].seconds + following.seconds) / 2
