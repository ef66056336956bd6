"""The page of ``roundel match``: footage that two videos share, with its pictures. It is no evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from roundel import package, words
from roundel.disk import replace_text
from roundel.identify.photos import Finder, clear_objects
from roundel.matching.exhibits import GAP_PX
from roundel.record import FootageMatch, MatchedVideo
from roundel.recycled.dates import Direction, named
from roundel.recycled.find import Found, Pictures
from roundel.recycled.hints import HINT_CAUTION
from roundel.recycled.said import CAUTION, UNDATED
from roundel.report import others
from roundel.report.heads import Box, head, heads
from roundel.report.pictures import FLAT, FRAME_PX, Picture, encode
from roundel.report.proof_pictures import hide_beside, hide_in_overlay, in_frame
from roundel.report.render import Previews, render_page
from roundel.report.search import check_page
from roundel.report.shown_again import SamePair, SharedView, Side, shared_view

PERSONS = "Dates are findings of people, not of the program: "
UNSEEN = (
    "No detector has examined {name} as a whole: people were looked for in the small grey pictures that are shown, "
    "where they are easily missed."
)
IN_PLACE = "for they lie at the same place of the same footage"
ONE_OBJECT = (
    "Each of these pairs is one object, because both videos show the same footage: nobody may add them up. It rests on "
    "the footage being the same, not on a likeness of the objects."
)


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What two videos share, its pictures, and what dates say of it."""

    found: Found
    pictures: Pictures
    direction: Direction | None


@dataclass(frozen=True, slots=True)
class PairView:
    """Two videos: a heading, what dates say, and the footage they share."""

    anchor: str
    heading: str
    dates: tuple[str, ...]
    views: tuple[SharedView, ...]


@dataclass(frozen=True, slots=True)
class MatchPage:
    """The whole page."""

    title: str
    caution: tuple[str, ...]
    people: str
    asked: str
    compared: str
    same_files: tuple[str, ...]
    hints: tuple[str, ...]
    pairs: tuple[PairView, ...]
    nothing: str


def match_page(
    shown: Sequence[Shown],
    asked: str,
    compared: str,
    same_files: Sequence[str],
    hints: Sequence[str],
    nothing: str,
    finder: Finder | None,
) -> MatchPage:
    """The page.

    Args:
        shown: what was found.
        asked: which videos were looked for.
        compared: what they were compared with, and how.
        same_files: files that lie in both places, a sentence each.
        hints: what hashes alone hint at, a sentence each.
        nothing: what is said if nothing was found.
        finder: finds people in pictures of videos that were not analysed; needed if there are such.

    Raises:
        IntegrityError: if the boxes of people cannot be read: without them no picture may be shown.
    """
    return MatchPage(
        title="Footage that other videos show too",
        caution=(CAUTION,) if shown else (),
        people=others.PEOPLE,
        asked=asked,
        compared=compared,
        same_files=tuple(same_files),
        hints=(*hints, HINT_CAUTION) if hints else (),
        pairs=tuple(_pair(item, number, finder) for number, item in enumerate(shown, start=1)),
        nothing=nothing,
    )


def write_page(page: MatchPage, target: Path, previews: Previews = "veiled") -> None:
    """Write the page; the same matches give the same bytes.

    Raises:
        UsageError: if it would lie in a case, or has another ending than a page.
    """
    check_page(target)
    replace_text(target, render_page("match.html.j2", ("report.css",), page, previews))


def _pair(item: Shown, number: int, finder: Finder | None) -> PairView:
    found = item.found
    query, reference = found.matches.query, found.matches.reference
    said = [PERSONS + sentence for sentence in item.direction.sentences] if item.direction is not None else [UNDATED]
    if found.query_folder is None:
        said.append(UNSEEN.format(name=words.shorten(query.names[0], 80)))
    hidden = _Hidden(found, finder)
    return PairView(
        anchor=f"m{number}",
        heading=words.shorten(f"{_called(query)} and {_called(reference)}", 160),
        dates=tuple(said),
        views=tuple(
            _view(found, match, hidden.pictures(match, item.pictures), f"m{number}-{place}")
            for place, match in enumerate(found.matches.matches, start=1)
        ),
    )


class _Hidden:
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


def _view(
    found: Found, match: FootageMatch, pictures: tuple[Picture | None, Picture | None], anchor: str
) -> SharedView:
    query, reference = _called(found.matches.query), _called(found.matches.reference)
    here, there = (words.time_range(*seconds) for seconds in (match.query, match.reference.range))
    mirrored = ", mirrored" if match.mirrored else ""
    same = [
        SamePair(f"{one} in {query}", "", f"{other} in {reference}", "", IN_PLACE) for one, other in match.same_objects
    ]
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


def _called(video: MatchedVideo) -> str:
    return words.shorten(named(video), 60)
