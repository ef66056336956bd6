"""Footage that two videos share, as any page shows it: words, pictures, and heads of people made coarse in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from roundel import package, words
from roundel.identify.photos import Finder, clear_objects
from roundel.matching.exhibits import GAP_PX
from roundel.record import FootageMatch
from roundel.recycled.dates import Direction
from roundel.recycled.find import Found, Pictures
from roundel.recycled.said import UNDATED
from roundel.report.heads import Box, head, heads
from roundel.report.pictures import FLAT, FRAME_PX, Picture, encode
from roundel.report.proof_pictures import hide_beside, hide_in_overlay, in_frame
from roundel.report.shown_again import SamePair, SharedView, Side, shared_view

PERSONS = "Dates are findings of people, not of the program: "
ONE_OBJECT = (
    "Each of these pairs is one object, because both videos show the same footage: nobody may add them up. It rests on "
    "the footage being the same, not on a likeness of the objects."
)


def dates_said(direction: Direction | None) -> list[str]:
    """What dates say of two videos, or that they say nothing."""
    return [PERSONS + sentence for sentence in direction.sentences] if direction is not None else [UNDATED]


def two_videos(
    match: FootageMatch,
    names: tuple[str, str],
    pictures: tuple[Picture | None, Picture | None],
    same: Sequence[SamePair],
    anchor: str,
) -> SharedView:
    """A match of two videos in words.

    Args:
        match: what was found.
        names: what the video that was looked for is called, and the other.
        pictures: the overlay and both side by side, as they may be shown.
        same: the sightings of both that are one object.
        anchor: its id in the page.
    """
    query, reference = names
    here, there = (words.time_range(*seconds) for seconds in (match.query, match.reference.range))
    mirrored = ", mirrored" if match.mirrored else ""
    return shared_view(
        match,
        (
            Side(query, query, (match.query[0], match.query[1]), query),
            Side(reference, reference, (match.reference.range[0], match.reference.range[1]), reference),
        ),
        pictures,
        anchor=anchor,
        heading=f"{here} of {query} shows what {there} of {reference} shows{mirrored}",
        same=same,
        means=(ONE_OBJECT,) if same else (),
    )


class Hidden:
    """The pictures of the matches of two videos, with the heads of people made coarse."""

    def __init__(self, found: Found, finder: Finder | None) -> None:
        matches = found.matches.matches
        self._finder = finder
        times = [{match.at_seconds[side] for match in matches} for side in (0, 1)]
        self._query = _InPackage(found.query_folder, times[0]) if found.query_folder is not None else None
        self._reference = _InPackage(found.reference_folder, times[1])

    def pictures(self, match: FootageMatch, known: Pictures) -> tuple[Picture | None, Picture | None]:
        """The overlay and both side by side; ``None`` for one that may not or cannot be shown."""
        laid, beside = known.get(match.overlay), known.get(match.beside)
        transform = np.array(match.transform, np.float64)
        if laid is None or beside is None or abs(np.linalg.det(transform)) < FLAT:
            return None, None
        there = self._reference.around(match.at_seconds[1])
        here = self._query.around(match.at_seconds[0]) if self._query is not None else self._seen(laid, beside)
        if here is None or there is None:
            return None, None
        hide_beside(beside, (laid.shape[0], laid.shape[1]), here, there)
        hide_in_overlay(laid, transform, here, there)
        return encode(laid, FRAME_PX), encode(beside, FRAME_PX)

    def _seen(self, laid: np.ndarray, beside: np.ndarray) -> list[Box] | None:
        """The heads that a detector finds in the query's picture, which is the left one, as shares of its sides."""
        if self._finder is None:
            return None
        middle = max(1, round(laid.shape[1] * beside.shape[0] / laid.shape[0]))
        left = np.ascontiguousarray(beside[:, : min(middle, beside.shape[1] - GAP_PX)])
        _, people = clear_objects(left, self._finder)
        return in_frame([head(box) for box in people], left.shape[1], left.shape[0])


class _InPackage:
    """Where heads are in the pictures of a package, as shares of their sides."""

    def __init__(self, folder: Path, times: set[float]) -> None:
        media = package.read_analysis(folder).media
        self._size = (float(media.width), float(media.height)) if media is not None else None
        self._heads = heads(folder, (), times)

    def around(self, seconds: float) -> list[Box] | None:
        """The heads around a time; ``None`` if the package does not say how large its pictures are."""
        return None if self._size is None else in_frame(self._heads.around(seconds), *self._size)
