"""Detections that are no military hardware, and graphics laid over the picture."""

from __future__ import annotations

from dataclasses import dataclass

from roundel import words
from roundel.classes import ROOT
from roundel.record import Analysis, TrackRecord
from roundel.report.cards import View, view
from roundel.report.findings import label, node, people
from roundel.report.pictures import Album

MOST_RANGES = 12
PEOPLE = (
    "People are not counted and get no picture of their own; the heads of people that the detector found are made "
    "unrecognisable here; others may be visible."
)
GRAPHIC = (
    "Taken by the program for a graphic laid over the picture, because it stayed unchanged at one place while the rest "
    "changed; left out of all counts."
)


@dataclass(frozen=True, slots=True)
class OtherRow:
    """Detections that are no military hardware, by class; a graphic has a picture and a remark."""

    title: str
    remark: str
    sightings: int
    times: str
    counts: str
    view: View | None


def other_rows(analysis: Analysis, album: Album, file: str) -> list[OtherRow]:
    """Everything that is no hardware and no person, by class; graphics laid over the picture last."""
    groups: dict[tuple[bool, str], list[TrackRecord]] = {}
    for track in analysis.tracks:
        if node(track.class_).pictures and (track.burnt_in or not node(track.class_).hardware):
            groups.setdefault((track.burnt_in, track.class_), []).append(track)
    rows = []
    for (burnt_in, name), tracks in sorted(groups.items()):
        count = None if burnt_in or name == ROOT else analysis.counts.get(name)
        ranges = [words.time_range(track.start_seconds, track.end_seconds) for track in tracks]
        rows.append(
            OtherRow(
                title=f"Graphic? Labelled {label(name)}" if burnt_in else words.capital(label(name)),
                remark=GRAPHIC if burnt_in else "",
                sightings=len(tracks),
                times=words.some(ranges, MOST_RANGES),
                counts=f"{count.lower:,} or more, unchecked" if count and count.lower else "not counted",
                view=_best_view(tracks, album, file) if burnt_in else None,
            )
        )
    return rows


def _best_view(tracks: list[TrackRecord], album: Album, file: str) -> View | None:
    views = [(item.score, track, item) for track in tracks for item in track.views]
    if not views:
        return None
    _, track, item = max(views, key=lambda one: one[0])
    return view(track, item, album, file)


def people_words(analysis: Analysis) -> str:
    """When people were detected, and what the page does about them."""
    ranges = people(analysis)
    if not ranges:
        return ""
    times = words.some([words.time_range(*span) for span in ranges], MOST_RANGES)
    noun = "range" if len(ranges) == 1 else "ranges"
    return f"People were detected in {len(ranges):,} time {noun} ({times}). {PEOPLE}"
