"""The page of ``roundel match``: footage that two videos share, with its pictures. It is no evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from roundel import words
from roundel.disk import replace_text
from roundel.identify.photos import Finder
from roundel.record import FootageMatch, MatchedVideo
from roundel.recycled.dates import Direction, named
from roundel.recycled.find import Found, Pictures
from roundel.recycled.hints import HINT_CAUTION
from roundel.recycled.said import CAUTION
from roundel.report import others
from roundel.report.pictures import Picture
from roundel.report.render import Previews, render_page
from roundel.report.search import check_page
from roundel.report.shown_again import SamePair, SharedView
from roundel.report.two_videos import Hidden, dates_said, two_videos

UNSEEN = (
    "No detector has examined {name} as a whole: people were looked for in the small grey pictures that are shown, "
    "where they are easily missed."
)
IN_PLACE = "for they lie at the same place of the same footage"


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
    said = dates_said(item.direction)
    if found.query_folder is None:
        said.append(UNSEEN.format(name=words.shorten(query.names[0], 80)))
    hidden = Hidden(found, finder)
    return PairView(
        anchor=f"m{number}",
        heading=words.shorten(f"{_called(query)} and {_called(reference)}", 160),
        dates=tuple(said),
        views=tuple(
            _view(found, match, hidden.pictures(match, item.pictures), f"m{number}-{place}")
            for place, match in enumerate(found.matches.matches, start=1)
        ),
    )


def _view(
    found: Found, match: FootageMatch, pictures: tuple[Picture | None, Picture | None], anchor: str
) -> SharedView:
    query, reference = _called(found.matches.query), _called(found.matches.reference)
    same = [
        SamePair(f"{one} in {query}", "", f"{other} in {reference}", "", IN_PLACE) for one, other in match.same_objects
    ]
    return two_videos(match, (query, reference), pictures, same, anchor)


def _called(video: MatchedVideo) -> str:
    return words.shorten(named(video), 60)
