"""Footage that is shown twice, in one video or in two: what the page says of it and the pictures that prove it.

:func:`shared_view` takes plain values, so that any page can show a match with the macro ``shared`` of
``shared.html.j2``. :func:`repeat_views` prepares the repeats within one video.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from roundel import words
from roundel.record import Analysis, MatchRecord, TrackRecord
from roundel.report.findings import label, node
from roundel.report.pictures import Album, Picture
from roundel.report.timeline import Shared
from roundel.types import Seconds, Span

MOST_LINES = 40
ONE_OBJECT = (
    "Under How many, each of these pairs is one object, unless a picture shows the two side by side. It rests on the "
    "footage being the same, not on a likeness of the objects."
)
NO_PAIR = "No sighting of the later range lies on one of the earlier range, so no number changes."
UNPROVEN = "The pictures do not tell why the footage is shown again."


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two places. ``name`` stands in sentences ("the later range", a file name), ``title`` in the list."""

    name: str
    title: str
    range: Span
    file: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """What is said of a match: a title and its values."""

    title: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SamePair:
    """Two sightings that are one object; an anchor is that of a card, empty if it has none."""

    this: str
    this_anchor: str
    other: str
    other_anchor: str
    what: str


@dataclass(frozen=True, slots=True)
class Proof:
    """A picture that proves a match; ``picture`` is missing where it cannot be shown."""

    picture: Picture | None
    alt: str
    caption: str
    file: str


@dataclass(frozen=True, slots=True)
class SharedView:
    """A match as the page shows it. ``legend`` says what orange and blue are, in this order."""

    anchor: str
    heading: str
    lines: tuple[Line, ...]
    overlay: Proof
    legend: tuple[str, str]
    beside: Proof
    same: tuple[SamePair, ...]
    means: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Again:
    """The section about the repeats within a video; ``more`` are those without pictures, a line each."""

    views: tuple[SharedView, ...]
    more: tuple[str, ...]
    left_out: int
    ranges: tuple[Shared, ...]
    """All of them, for the timeline."""

    @property
    def total(self) -> int:
        """How many repeats there are."""
        return len(self.views) + len(self.more) + self.left_out

    @property
    def pairs(self) -> bool:
        """Whether sightings are one object because of them."""
        return any(view.same for view in self.views)


def shared_view(
    match: MatchRecord,
    sides: tuple[Side, Side],
    pictures: tuple[Picture | None, Picture | None],
    *,
    anchor: str,
    heading: str,
    same: Sequence[SamePair] = (),
    means: Sequence[str] = (),
) -> SharedView:
    """A match in words.

    Args:
        match: what was found.
        sides: where the query shows it, and where the reference does.
        pictures: the overlay and both side by side, as they may be shown.
        anchor: its id in the page.
        heading: its heading.
        same: sightings that are one object therefore.
        means: what it means and does not mean, a paragraph each.
    """
    this, other = sides
    here, there = (words.clock(seconds) for seconds in match.at_seconds)
    mirrored = ", mirrored," if match.mirrored else ""
    return SharedView(
        anchor=anchor,
        heading=heading,
        lines=tuple(_lines(match, this, other)),
        overlay=Proof(
            pictures[0],
            f"The picture of {this.file} at {here} and, laid over it{mirrored or ','} that of {other.file} at {there}, "
            "each in a colour; where they agree, it is grey",
            f"One over the other: {here} and{mirrored} {there}.",
            match.overlay,
        ),
        legend=(this.name, other.name),
        beside=Proof(
            pictures[1],
            f"Left, the picture of {this.file} at {here}; right, that of {other.file} at {there}; both as they are",
            f"Side by side, as they are: {here} on the left, {there} on the right.",
            match.beside,
        ),
        same=tuple(same),
        means=tuple(means),
    )


def _lines(match: MatchRecord, this: Side, other: Side) -> list[Line]:
    here, there = (words.clock(seconds) for seconds in match.at_seconds)
    slack = words.number(match.slack_seconds)
    off = (f"May be off by {slack} seconds either way, for the footage hardly moves.",) if slack != "0" else ()
    pairs = "1 pair of pictures" if match.verified_pairs == 1 else f"{match.verified_pairs:,} pairs of pictures"
    best = "In" if match.verified_pairs == 1 else "In the best of them,"
    return [
        Line(this.title, (_place(this),)),
        Line(other.title, (_place(other), *off)),
        Line("Left and right", ("exchanged: mirrored" if match.mirrored else "not exchanged",)),
        Line("Speed", (_speed(match.speed, this, other),)),
        Line("Other differences", tuple(edit_words(match.edits, this.name, other.name)) or ("none noticed",)),
        Line(
            "Proof",
            (
                f"{pairs} {'was' if match.verified_pairs == 1 else 'were'} compared and found to show the same.",
                f"{best} {here} and {there}, {match.inliers:,} details of one picture lie in the other where one and "
                "the same mapping puts them.",
            ),
        ),
        Line("Method", (match.method,)),
    ]


def _place(side: Side) -> str:
    seconds = f"{words.number(_length(side.range), 1)} seconds"
    return ", ".join(part for part in (words.time_range(*side.range), seconds, side.note) if part)


def _speed(speed: float, this: Side, other: Side) -> str:
    if speed == 1:
        return "no difference found"
    return f"1 second of {this.name} shows {words.number(speed)} seconds of {other.name}"


def edit_words(edits: Sequence[str], this: str, other: str) -> list[str]:
    """What tells the pictures of two places from each other, in words; mirroring and speed are told elsewhere.

    >>> edit_words(["mirrored", "bars", "overlay below"], "the later range", "the earlier range")
    ['bars surround the picture in the later range', 'something lies over the lower part of the picture in one of them']
    """
    known: Mapping[str, str] = {
        "mirrored": "",
        "faster": "",
        "slower": "",
        "cropped": f"{this} shows only a part of the picture of {other}",
        "cropped in the reference": f"{other} shows only a part of the picture of {this}",
        "bars": f"bars surround the picture in {this}",
        "bars in the reference": f"bars surround the picture in {other}",
        "picture-in-picture": f"in {this} it is a picture within another picture",
        "picture-in-picture in the reference": f"in {other} it is a picture within another picture",
        "rotated": "one is turned against the other",
        "stretched": "one is stretched against the other",
        "overlay below": "something lies over the lower part of the picture in one of them",
        "overlay in a corner": "something lies over a corner of the picture in one of them",
    }
    return [said for said in (known.get(edit, edit) for edit in edits) if said]


def repeats(analysis: Analysis) -> list[MatchRecord]:
    """What the video shows again, in order of time."""
    own = [match for match in analysis.matches if match.reference.sha256 == analysis.video.sha256]
    return sorted(own, key=lambda match: (match.query, match.reference.range))


def repeat_views(
    analysis: Analysis, album: Album, anchors: Mapping[str, str], video: str, file: str, most: int
) -> Again:
    """The section about what a video shows again.

    Args:
        analysis: its analysis.
        album: its pictures.
        anchors: the cards of its sightings, by the sighting's id.
        video: the id of its part of the page.
        file: its name.
        most: repeats that get pictures, the longest ones; the others get a line.
    """
    found = repeats(analysis)
    longest = sorted(range(len(found)), key=lambda index: (-_length(found[index].query), index))[:most]
    views, more, ranges = [], [], []
    for number, match in enumerate(found, start=1):
        anchor = f"{video}-r{number}" if number - 1 in longest else ""
        ranges.append(Shared(_span(match.query), _span(match.reference.range), anchor))
        if anchor:
            views.append(_repeat(analysis, match, album, anchors, anchor, file))
        else:
            more.append(f"{in_short(match)}: {match.overlay}, {match.beside}")
    return Again(tuple(views), tuple(more[:MOST_LINES]), max(0, len(more) - MOST_LINES), tuple(ranges))


def in_short(match: MatchRecord) -> str:
    """A repeat in one clause."""
    later, earlier = words.time_range(*match.query), words.time_range(*match.reference.range)
    return f"{later} shows what {earlier} showed{', mirrored' if match.mirrored else ''}"


def _repeat(
    analysis: Analysis, match: MatchRecord, album: Album, anchors: Mapping[str, str], anchor: str, file: str
) -> SharedView:
    later, earlier = _span(match.query), _span(match.reference.range)
    same = _pairs(analysis, match, anchors)
    return shared_view(
        match,
        (
            Side("the later range", "Later range", later, file, _shots(analysis, later)),
            Side("the earlier range", "Earlier range", earlier, file, _shots(analysis, earlier)),
        ),
        album.repeat(match),
        anchor=anchor,
        heading=words.capital(in_short(match)),
        same=same,
        means=(ONE_OBJECT if same else NO_PAIR, UNPROVEN),
    )


def _pairs(analysis: Analysis, match: MatchRecord, anchors: Mapping[str, str]) -> list[SamePair]:
    """The sightings of what is counted that are one object."""
    tracks = {track.id: track for track in analysis.tracks if node(track.class_).pictures and not track.burnt_in}
    return [
        SamePair(
            later, anchors.get(later, ""), earlier, anchors.get(earlier, ""), _what(tracks[later], tracks[earlier])
        )
        for later, earlier in match.same_objects
        if later in tracks and earlier in tracks
    ]


def _what(later: TrackRecord, earlier: TrackRecord) -> str:
    titles = [label(later.class_), label(earlier.class_)]
    return f"labelled {titles[0]}" if titles[0] == titles[1] else f"labelled {titles[0]} and {titles[1]}"


def _shots(analysis: Analysis, span: Span) -> str:
    """The shots that a range lies in."""
    inside = [
        number
        for number, shot in enumerate(analysis.shots, start=1)
        if min(shot.end_seconds, span[1]) - max(shot.start_seconds, span[0]) > min(0.1, _length(span) / 2)
    ]
    if not inside:
        return ""
    if len(inside) == 1:
        return f"in shot {inside[0]} of {len(analysis.shots)}"
    return f"in shots {inside[0]} to {inside[-1]} of {len(analysis.shots)}"


def _length(span: Sequence[Seconds]) -> Seconds:
    return span[1] - span[0]


def _span(pair: Sequence[Seconds]) -> Span:
    return pair[0], pair[1]
