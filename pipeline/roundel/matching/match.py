"""Finds footage of a query in references: near hashes, lines of times, verified pairs, segments."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roundel.matching.alignment import Floats, Line, find_line, near
from roundel.matching.candidates import RADIUS, HashIndex, Hits
from roundel.matching.comparing import Comparer
from roundel.matching.edits import edits_of
from roundel.matching.footage import Footage
from roundel.matching.model import Match
from roundel.matching.segments import Segment, prove, spans, times

LEAST_SCORE = 0.5
"""A line explains at least so many moments of the query; identical hashes count 1, those ``RADIUS`` apart nearly 0."""
MOST_FAILURES = 8
"""Lines between two videos that come to nothing before the search for more is given up."""
SHARED = 0.5
"""Of two matches that share more of both their ranges, the one that explains less is left out."""
GAP_SECONDS = 5.0
"""Near hashes along one line that are farther apart belong to different parts of it."""
APART_SECONDS = 1.0
"""Within one video, a moment is no repeat of another one that is nearer."""


def match(query: Footage, index: HashIndex, radius: int = RADIUS) -> list[Match]:
    """Find footage of a video in the references of an index.

    A reference of the query's name is the query itself: its repeats are looked for, each once, the later one as the
    query.

    Args:
        query: the video.
        index: the references.
        radius: bits in which hashes of candidates may differ. More finds more and takes longer; whether a candidate is
            a match, the pictures decide.

    Returns:
        The matches by reference, then by their time in the query.

    Raises:
        IntegrityError: if a picture of one of them cannot be read.
    """
    found = []
    for number, hits in sorted(index.search(query, radius).items()):
        reference = index.references[number]
        found += match_two(query, reference, hits, radius)
    return found


def match_two(query: Footage, reference: Footage, hits: Hits, radius: int = RADIUS) -> list[Match]:
    """Find the footage that two videos share, from the pairs of their hashes that are near."""
    first, second = times(query), times(reference)
    hits = _without_itself(query, hits, first) if query.name == reference.name else hits
    comparer = Comparer(query, reference)
    matches: list[Match] = []
    failures = 0
    while failures < MOST_FAILURES:
        picked = _best_line(hits, first, second, radius)
        if picked is None:
            break
        line, places = picked
        segment = prove(line, hits.select(places), comparer)
        if segment is None:
            failures += 1
            hits = hits.select(np.delete(np.arange(len(hits)), places))
            continue
        made = _match(segment, query, reference)
        if not any(_same(made, other) for other in matches):
            matches.append(made)
        explained = _covered(made, first[hits.query], second[hits.reference])
        explained[places] = True
        hits = hits.select(~explained)
    return sorted(matches, key=lambda item: item.query_seconds)


def _best_line(hits: Hits, query: Floats, reference: Floats, radius: int) -> tuple[Line, NDArray[np.intp]] | None:
    """The line that explains the most, of the picture as it is or mirrored, and the hits of its best part."""
    lines = []
    weight = 1 - hits.distance / (radius + 1)
    for flip in (False, True):
        side = np.flatnonzero(hits.mirrored == flip)
        line = find_line(query[hits.query[side]], reference[hits.reference[side]], weight[side])
        if line is not None and line.score >= LEAST_SCORE:
            lines.append((line, side))
    best = max(lines, key=lambda item: item[0].score, default=None)
    if best is None:
        return None
    line, side = best
    on_it = side[near(line, query[hits.query[side]], reference[hits.reference[side]])]
    return line, _best_part(on_it, query[hits.query], weight)


def _best_part(numbers: NDArray[np.intp], at: Floats, weight: Floats) -> NDArray[np.intp]:
    """The hits of the part without long gaps that counts most."""
    order = numbers[np.argsort(at[numbers], kind="stable")]
    parts = np.split(order, np.flatnonzero(np.diff(at[order]) > GAP_SECONDS) + 1)
    return max(parts, key=lambda part: float(weight[part].sum()))


def _match(segment: Segment, query: Footage, reference: Footage) -> Match:
    here, there = spans(segment, query, reference)
    return Match(
        query.name,
        reference.name,
        here,
        there,
        round(segment.line.speed, 4),
        segment.mirrored,
        round(segment.line.slack_seconds, 3),
        edits_of(segment, query, reference),
        segment.pairs,
    )


def _same(one: Match, other: Match) -> bool:
    """Whether two matches say nearly the same, as they do where footage hardly moves."""
    return all(
        min(a[1], b[1]) - max(a[0], b[0]) > SHARED * min(a[1] - a[0], b[1] - b[0])
        for a, b in (
            (one.query_seconds, other.query_seconds),
            (one.reference_seconds, other.reference_seconds),
        )
    )


def _covered(made: Match, query: Floats, reference: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which pairs of moments a match explains, or could explain if its footage does not move."""
    (start, end), (first, last) = made.query_seconds, made.reference_seconds
    inside = (query >= start - 0.5) & (query <= end + 0.5)
    play = 0.5 + made.slack_seconds
    return np.asarray(inside & (reference >= first - play) & (reference <= last + play))


def _without_itself(query: Footage, hits: Hits, at: Floats) -> Hits:
    """Leave out what is no repeat: the same moment, the same shot, and each pair the other way round."""
    later = at[hits.query] - at[hits.reference] > APART_SECONDS
    if query.shots:
        starts = np.array([start for start, _ in query.shots])
        shot = np.searchsorted(starts, at + 1e-6, side="right")
        later &= shot[hits.query] != shot[hits.reference]
    return hits.select(later)
