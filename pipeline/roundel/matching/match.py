"""Finds footage of a query in references: near hashes, lines of times, verified pairs, segments."""

from __future__ import annotations

import numpy as np

from roundel.matching.alignment import Floats, Line, find_line, near
from roundel.matching.candidates import RADIUS, HashIndex, Hits
from roundel.matching.comparing import Comparer
from roundel.matching.edits import edits_of
from roundel.matching.footage import Footage
from roundel.matching.model import Match
from roundel.matching.segments import Segment, prove, spans, times

LEAST_SCORE = 0.5
"""A line explains at least so many moments of the query; identical hashes count 1, those ``RADIUS`` apart nearly 0."""
MOST_LINES = 12
"""Lines that are tried between two videos."""
SHARED = 0.5
"""Of two matches that share more of both their ranges, the one that explains less is left out."""
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
    for _ in range(MOST_LINES):
        picked = _best_line(hits, first, second, radius)
        if picked is None:
            break
        line, side = picked
        segment = prove(line, side, comparer)
        if segment is None:
            on_it = near(line, first[hits.query], second[hits.reference])
            hits = hits.select(~(on_it & (hits.mirrored == side.mirrored[0])))
            continue
        made = _match(segment, query, reference)
        if not any(_same(made, other) for other in matches):
            matches.append(made)
        hits = hits.select(~_covered(made, first[hits.query], second[hits.reference]))
    return sorted(matches, key=lambda item: item.query_seconds)


def _best_line(hits: Hits, query: Floats, reference: Floats, radius: int) -> tuple[Line, Hits] | None:
    """The line that explains the most, of those of the picture as it is and mirrored."""
    lines = []
    for flip in (False, True):
        side = hits.select(hits.mirrored == flip)
        weight = 1 - side.distance / (radius + 1)
        line = find_line(query[side.query], reference[side.reference], weight)
        if line is not None and line.score >= LEAST_SCORE:
            lines.append((line, side))
    return max(lines, key=lambda item: item[0].score, default=None)


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
    return np.asarray(inside & (reference >= first - 0.5) & (reference <= last + 0.5))


def _without_itself(query: Footage, hits: Hits, at: Floats) -> Hits:
    """Leave out what is no repeat: the same moment, the same shot, and each pair the other way round."""
    later = at[hits.query] - at[hits.reference] > APART_SECONDS
    if query.shots:
        starts = np.array([start for start, _ in query.shots])
        shot = np.searchsorted(starts, at + 1e-6, side="right")
        later &= shot[hits.query] != shot[hits.reference]
    return hits.select(later)
