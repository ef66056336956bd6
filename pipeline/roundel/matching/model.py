"""What is said of footage that appears in two videos."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from roundel.fingerprint.forms import Form
from roundel.types import FrameRef, Seconds, Span

Transform = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
"""A homography from the query's frame to the reference's, both with sides of length 1."""

Edit = Literal[
    "mirrored",
    "cropped",
    "cropped in the reference",
    "bars",
    "bars in the reference",
    "picture-in-picture",
    "picture-in-picture in the reference",
    "rotated",
    "stretched",
    "faster",
    "slower",
    "overlay below",
    "overlay in a corner",
]
"""What tells the query's picture from the reference's. Which of the two is the copy, dates can tell, not pictures."""


@dataclass(frozen=True, slots=True)
class FramePair:
    """Two keyframes that were verified to show the same.

    ``distance`` is that of their nearest hashes in bits, ``inliers`` the number of places that agree on ``transform``,
    ``agreement`` the share of the ``compared`` of 64 parts of the picture whose pixels agree.
    """

    query: FrameRef
    reference: FrameRef
    query_form: Form
    reference_form: Form
    distance: int
    inliers: int
    compared: int
    agreement: float
    transform: Transform


def best_pair(pairs: Iterable[FramePair]) -> FramePair:
    """The pair that most places agree in; of several the earliest."""
    return max(pairs, key=lambda pair: (pair.inliers, -pair.query.index))


@dataclass(frozen=True, slots=True)
class Match:
    """A part of the query that shows the same footage as a part of the reference.

    Seconds ``query_seconds`` of the query show seconds ``reference_seconds`` of the reference; a second of the query
    takes ``speed`` seconds of the reference. Where the footage hardly moves, its place in the reference may be off by
    ``slack_seconds`` either way. ``pairs`` are in the order of time and prove it.
    """

    query: str
    reference: str
    query_seconds: Span
    reference_seconds: Span
    speed: float
    mirrored: bool
    slack_seconds: Seconds
    edits: tuple[Edit, ...]
    pairs: tuple[FramePair, ...]
