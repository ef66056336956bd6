"""The page of a search: what was asked for and what was found, with exhibits. It is no evidence and lies in no case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from roundel import package, words
from roundel.disk import replace_text
from roundel.errors import UsageError
from roundel.record import TrackRecord
from roundel.report import cards, others
from roundel.report.findings import label
from roundel.report.heads import head, pixelate
from roundel.report.pictures import VIEW_PX, Album, Picture, encode
from roundel.report.render import Previews, render_page
from roundel.search.likeness import MEASURED, Ranked
from roundel.search.model import CAUTION, Alike, Filters, Found, Place
from roundel.search.query import Query

ENDINGS = (".html", ".htm")
MOST_VIEWS = 3
KINDS = {
    "reading": "Read on an object or over it, by machine, unchecked",
    "caption": "Read in a frame, by machine, unchecked",
    "name": "Name of a file",
    "container": "What the package holds of the file",
}
HOWS = {
    "exact": "",
    "look-alike": "Found by signs that look alike, such as O and 0, or Cyrillic and Latin capitals.",
    "alternative": "Not what was read best: found among the other characters that the machine holds possible.",
}


@dataclass(frozen=True, slots=True)
class HitView:
    """One finding."""

    anchor: str
    title: str
    id: str
    said: tuple[tuple[str, bool], ...]
    lines: tuple[str, ...]
    remarks: tuple[str, ...]
    names: tuple[str, ...]
    time: str
    place: str
    views: tuple[cards.View, ...]


@dataclass(frozen=True, slots=True)
class SearchPage:
    """The whole page. ``asked``: the words; ``picture``: what was compared instead."""

    title: str
    asked: str
    picture: Picture | None
    picture_name: str
    picture_words: str
    compared: str
    caution: tuple[str, ...]
    people: str
    hits: tuple[HitView, ...]


class _Albums:
    def __init__(self) -> None:
        self._known: dict[tuple[Path, str], Album] = {}

    def of(self, place: Place) -> Album:
        key = (place.case, place.package)
        if key not in self._known:
            self._known[key] = Album(place.analysis, place.case / place.package)
        return self._known[key]


def picture_page(query: Query, ranked: Ranked, folders: Sequence[Path], filters: Filters) -> SearchPage:
    """The page of a search by picture."""
    albums = _Albums()
    sha256 = query.sha256.removeprefix("sha256:")
    unseen = "" if query.people is not None else "; nobody has looked for people in it"
    compared = f"{words.counted(ranked.pictures, 'picture')} of {words.counted(ranked.sightings, 'sighting')}"
    return SearchPage(
        title="Sightings that look like a picture",
        asked="",
        picture=_shown(query),
        picture_name=query.path.name,
        picture_words=f"{words.capital(query.how)}{unseen}. SHA-256 of the file: {sha256}",
        compared=f"Compared with {compared} in {_cases(folders)}{_filters(filters)}. Every one was compared.",
        caution=(CAUTION, MEASURED),
        people=others.PEOPLE,
        hits=tuple(_alike(item, number, albums.of(item.place)) for number, item in enumerate(ranked.hits, start=1)),
    )


def words_page(text: str, found: Sequence[Found], folders: Sequence[Path], filters: Filters) -> SearchPage:
    """The page of a search for words."""
    albums = _Albums()
    return SearchPage(
        title=f"Search for “{words.shorten(text, 80)}”",
        asked=words.shorten(text),
        picture=None,
        picture_name="",
        picture_words="",
        compared=f"Searched: what was read in the pictures, file names and container facts in {_cases(folders)}"
        f"{_filters(filters)}. At most {filters.limit} findings are listed.",
        caution=("Most writing in footage is not read at all. What was not found is not proven absent.",),
        people=others.PEOPLE,
        hits=tuple(_found(item, number, albums.of(item.place)) for number, item in enumerate(found, start=1)),
    )


def check_page(target: Path) -> None:
    """Refuse a place where the page would overwrite or join what it has no business with.

    Raises:
        UsageError: if it has another ending than a page, or lies in a case.
    """
    from roundel.case import is_case

    if target.suffix.lower() not in ENDINGS:
        raise UsageError(f"--page {target}: is no name of a page; give one that ends in .html")
    for folder in target.absolute().parents:
        if folder.is_dir() and is_case(folder):
            raise UsageError(
                f"--page {target}: lies in the case {folder}, whose files are evidence; give another place"
            )


def write_page(page: SearchPage, target: Path, previews: Previews = "veiled") -> None:
    """Write the page; the same search over the same packages gives the same bytes."""
    check_page(target)
    replace_text(target, render_page("search.html.j2", ("report.css",), page, previews))


def _shown(query: Query) -> Picture | None:
    image = query.picture.copy()
    height, width = image.shape[:2]
    pixelate(image, (0.0, 0.0, float(width), float(height)), [head(box) for box in query.people or ()])
    return encode(image, VIEW_PX)


def _cases(folders: Sequence[Path]) -> str:
    names = [words.shorten(folder.absolute().name, 80) for folder in folders]
    return f"the case{'s' * (len(names) > 1)} {words.some(names, 8)}"


def _filters(filters: Filters) -> str:
    said = [f"class {label(filters.node)}"] if filters.node is not None else []
    if filters.since_seconds is not None:
        said.append(f"from {words.clock(filters.since_seconds)}")
    if filters.until_seconds is not None:
        said.append(f"to {words.clock(filters.until_seconds)}")
    return f" (only {', '.join(said)})" if said else ""


def _alike(item: Alike, number: int, album: Album) -> HitView:
    track = _track(item.place, item.track)
    return HitView(
        anchor=f"h{number}",
        title=f"{number}. {words.capital(label(track.class_))}",
        id=track.id,
        said=(),
        lines=(
            f"Similarity {item.similarity:.3f}, picture at {words.clock(item.seconds)}.",
            cards.probability(track) or "No probability of its class was calibrated.",
        ),
        remarks=("A graphic laid over the picture, such as a logo; it is in no count.",) if track.burnt_in else (),
        names=item.place.names,
        time=f"{words.time_range(track.start_seconds, track.end_seconds)}, {cards.shot_of(item.place.analysis, track)}",
        place=f"{item.place.case.name}/{item.place.package}/{item.file}",
        views=_views(track, item.file, album, item.place),
    )


def _found(item: Found, number: int, album: Album) -> HitView:
    track = _track(item.place, item.track) if item.track is not None else None
    file = item.file or package.ANALYSIS
    no_picture = item.kind in ("reading", "caption") and item.file is None
    return HitView(
        anchor=f"h{number}",
        title=f"{number}. {KINDS[item.kind]}",
        id=item.track or "",
        said=item.excerpt,
        lines=(f"On {words.article(label(track.class_))}. {cards.probability(track)}".strip(),) if track else (),
        remarks=tuple(
            text for text in (HOWS[item.how], "The package holds no picture of it." if no_picture else "") if text
        ),
        names=item.place.names,
        time=words.clock(item.seconds) if item.seconds is not None else "",
        place=f"{item.place.case.name}/{item.place.package}/{file}",
        views=_views(track, item.file, album, item.place) if track and item.file else (),
    )


def _track(place: Place, name: str) -> TrackRecord:
    return next(track for track in place.analysis.tracks if track.id == name)


def _views(track: TrackRecord, file: str, album: Album, place: Place) -> tuple[cards.View, ...]:
    """The picture that was found first, then the sighting's best others."""
    ordered = sorted(track.views, key=lambda item: (item.file != file, -item.score, item.seconds))
    return tuple(cards.view(track, item, album, place.names[0]) for item in ordered[:MOST_VIEWS])
