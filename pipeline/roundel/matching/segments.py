"""Proof that two videos show the same along a line of times: verified pairs of keyframes, and how far they reach."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from roundel.matching.alignment import NEAR_SECONDS, Floats, Line
from roundel.matching.candidates import Hits
from roundel.matching.comparing import Comparer
from roundel.matching.footage import Footage
from roundel.matching.geometry import Matrix, apart
from roundel.matching.model import FramePair, best_pair
from roundel.types import Span

Blocks = NDArray[np.float32]

LEAST_INLIERS = 8  # of each pair
LEAST_TOTAL = 30  # of all pairs of a segment together
LEAST_AGREEMENT = 0.6
LEAST_COMPARED = 10  # blocks of 64 in which pixels could be compared
LEAST_PAIRS = 2
TRIED = 8  # pairs of keyframes that are compared along one line
SAME_PLACE = 0.15  # how far corners may lie apart in two pairs of one segment, in sides of the reference: cameras move
NEXT_SECONDS = 0.5  # the keyframe that shows a moment of the reference is no farther from it
HIDDEN_SECONDS = 2.0  # footage goes on after it could not be recognised for this long
PLAY_SECONDS = 0.05  # how far a line may be off
LEAST_WHOLE_SECONDS = 1.0  # shorter shots are taken for each other too easily
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


def prove(line: Line, along: Hits, comparer: Comparer) -> Segment | None:
    """Compare pictures along a line; ``None`` if too few of them show the same.

    Args:
        line: which time of the reference belongs to which of the query.
        along: near hashes of the two videos at those times, all of them mirrored or none.
        comparer: compares the two videos.
    """
    tried = (comparer.compare(along, number) for number in _spread(along, times(comparer.query)))
    same = [pair for pair in tried if pair is not None and _is_same(pair)]
    pairs = _consistent(same)
    if not _is_proof(pairs):
        pairs = [pair for pair in comparer.on_one_map(same) if _is_same(pair)]
    if not _is_proof(pairs):
        return None
    transform = np.array(best_pair(pairs).transform)
    shown, agreed = _Follower(line, along, transform, comparer).follow({pair.query.index for pair in pairs})
    return Segment(line, bool(along.mirrored[0]), tuple(pairs), transform, shown, agreed)


def spans(segment: Segment, query: Footage, reference: Footage) -> tuple[Span, Span]:
    """When the footage is shown in the query, and which time of the reference that is."""
    start, end = _start(query, segment.shown[0]), _end(query, segment.shown[-1])
    if (whole := _whole(segment.line, (start, end), query, reference)) is not None:
        return _rounded((start, end)), _rounded(whole)
    first, last = _start(reference, 0), _end(reference, len(reference.keyframes) - 1)
    line = segment.line
    seen = query.keyframes[segment.shown[0]].seconds, query.keyframes[segment.shown[-1]].seconds
    for keyframe in reference.keyframes:
        if keyframe.starts_shot:  # footage ends where its shot ends in the reference, if it is not seen beyond
            cut = (keyframe.seconds - line.offset) / line.speed
            start = max(start, cut) if cut <= seen[0] + PLAY_SECONDS else start
            end = min(end, cut) if cut >= seen[1] + PLAY_SECONDS else end
    start, end = max(start, (first - line.offset) / line.speed), min(end, (last - line.offset) / line.speed)
    there = line.speed * start + line.offset, line.speed * end + line.offset
    return _rounded((start, end)), _rounded(there)


def _whole(line: Line, seconds: Span, query: Footage, reference: Footage) -> Span | None:
    """The shots of the reference that are equally long and lie near the line, if these seconds are whole shots.

    Cuts are known to a frame; a line through keyframes is not, where footage moves little.
    """
    if line.speed != 1 or seconds[1] - seconds[0] < LEAST_WHOLE_SECONDS:
        return None
    mine, bounds = _bounds(query), _bounds(reference)
    if any(min(abs(moment - bound) for bound in mine) > PLAY_SECONDS for moment in seconds):
        return None
    there = [
        (start, end)
        for start in bounds
        for end in bounds
        if abs(start - seconds[0] - line.offset) <= NEAR_SECONDS
        and abs((end - start) - (seconds[1] - seconds[0])) <= PLAY_SECONDS
    ]
    return min(there, key=lambda span: abs(span[0] - seconds[0] - line.offset), default=None)


def _bounds(footage: Footage) -> list[float]:
    """Where its shots begin, and where it ends."""
    starts = [
        keyframe.seconds for number, keyframe in enumerate(footage.keyframes) if keyframe.starts_shot or not number
    ]
    return [*starts, _end(footage, len(footage.keyframes) - 1)]


def _rounded(span: Span) -> Span:
    return round(span[0], 3), round(span[1], 3)


def _spread(hits: Hits, query: Floats) -> list[int]:
    """Up to eight hits, each of another keyframe of the query, spread over the time and the nearest of their part."""
    best: dict[int, int] = {}
    for number in np.argsort(hits.distance, kind="stable").tolist():
        best.setdefault(int(hits.query[number]), number)
    order = [best[place] for place in sorted(best)]
    parts = np.array_split(np.array(order, np.intp), min(TRIED, len(order)))
    return [int(part[hits.distance[part].argmin()]) for part in parts]


def _is_same(pair: FramePair) -> bool:
    enough = pair.inliers >= LEAST_INLIERS and pair.compared >= LEAST_COMPARED
    return enough and pair.agreement >= LEAST_AGREEMENT


def _is_proof(pairs: list[FramePair]) -> bool:
    return len(pairs) >= LEAST_PAIRS and sum(pair.inliers for pair in pairs) >= LEAST_TOTAL


def _consistent(pairs: list[FramePair]) -> list[FramePair]:
    """The largest group of pairs that put the picture at the same place as one of them does, in the order of time."""
    groups = [
        [other for other in pairs if apart(np.array(pair.transform), np.array(other.transform)) <= SAME_PLACE]
        for pair in pairs
    ]
    return max(groups, key=len, default=[])


class _Follower:
    """Says which keyframes of the query show the reference's footage at the right time.

    One does if one of its hashes is near one of that time, or if the pixels agree. What the reference shows beyond a
    cut does not count.
    """

    def __init__(self, line: Line, along: Hits, transform: Matrix, comparer: Comparer) -> None:
        self._transform, self._comparer = transform, comparer
        self._query, self._reference = times(comparer.query), times(comparer.reference)
        self._wanted = line.at(self._query)
        cuts = [keyframe.seconds for keyframe in comparer.reference.keyframes if keyframe.starts_shot]
        self._shot = np.searchsorted(cuts, self._reference + 1e-6, "right")
        self._early = np.searchsorted(cuts, self._wanted - PLAY_SECONDS, "right")
        self._late = np.searchsorted(cuts, self._wanted + PLAY_SECONDS, "right")
        self._hashed = {
            place
            for place, there in zip(along.query.tolist(), along.reference.tolist(), strict=True)
            if self._is_in_shot(place, there)
        }
        self._maps: list[Blocks] = []

    def follow(self, proven: set[int]) -> tuple[tuple[int, ...], Blocks]:
        """The query's keyframes that show it around those with the proven frames, and where their pixels agree."""
        frames = [keyframe.ref.index for keyframe in self._comparer.query.keyframes]
        known = [place for place, frame in enumerate(frames) if frame in proven]
        shown = [place for place in range(known[0], known[-1] + 1) if self._shows(place) or frames[place] in proven]
        before = self._walk(range(known[0] - 1, -1, -1), known[0])
        after = self._walk(range(known[-1] + 1, len(frames)), known[-1])
        return (*reversed(before), *shown, *after), _mean(self._maps)

    def _walk(self, places: range, last: int) -> list[int]:
        """Go on from the last keyframe known as long as the footage is not hidden for too long."""
        found = []
        for place in places:
            if abs(self._query[place] - self._query[last]) > HIDDEN_SECONDS:
                break
            if self._shows(place):
                found.append(place)
                last = place
        return found

    def _shows(self, place: int) -> bool:
        there = self._at(place)
        if there is None:
            return place in self._hashed
        agreed = self._comparer.agreement(place, there, self._transform)
        agrees = np.isfinite(agreed).sum() >= LEAST_COMPARED and np.nanmean(agreed) >= LEAST_AGREEMENT
        if agrees:
            self._maps.append(agreed)
        return bool(agrees) or place in self._hashed

    def _at(self, place: int) -> int | None:
        """The reference's keyframe that shows the moment of one of the query's."""
        wanted = self._wanted[place]
        after = int(np.searchsorted(self._reference, wanted))
        near_by = [there for there in (after - 1, after) if 0 <= there < len(self._reference)]
        right = [there for there in near_by if self._is_in_shot(place, there)]
        best = min(right, key=lambda there: abs(self._reference[there] - wanted), default=None)
        return best if best is not None and abs(self._reference[best] - wanted) <= NEXT_SECONDS else None

    def _is_in_shot(self, place: int, there: int) -> bool:
        return bool(self._early[place] <= self._shot[there] <= self._late[place])


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
