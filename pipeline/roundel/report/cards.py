"""Sightings as cards: pictures, times, scores and what else they may be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from roundel.record import Analysis, TrackRecord
from roundel.report import words
from roundel.report.findings import HINT_SHARE, is_below, node
from roundel.report.pictures import VIEW_PX, Picture, embed

MOST_ALTERNATIVES = 5


@dataclass(frozen=True, slots=True)
class Share:
    """A bar: the share of a class in the detector's scores. ``kind`` is reported, finer or other."""

    title: str
    kind: str
    text: str
    width: float


@dataclass(frozen=True, slots=True)
class View:
    """A picture of a sighting. ``picture`` is missing where the exhibit cannot be shown."""

    picture: Picture | None
    alt: str
    time: str
    file: str


@dataclass(frozen=True, slots=True)
class Card:
    """A sighting."""

    anchor: str
    id: str
    title: str
    shot: str
    time: str
    frames: int
    score: str
    notes: tuple[str, ...]
    shares: tuple[Share, ...]
    views: tuple[View, ...]
    views_left_out: int


def card(analysis: Analysis, track: TrackRecord, folder: Path, anchor: str, most_views: int) -> Card:
    """The card of a sighting, with its best views in order of time."""
    best = sorted(track.exemplars, key=lambda view: (-view.score, view.seconds))[:most_views]
    title = node(track.class_).title
    views = tuple(
        View(
            embed(folder, view.file, VIEW_PX),
            f"Sighting {track.id}, {title}, at {words.clock(view.seconds)}",
            words.clock(view.seconds),
            view.file,
        )
        for view in sorted(best, key=lambda view: view.seconds)
    )
    shot = next((number for number, item in enumerate(analysis.shots, start=1) if item.index == track.shot), None)
    return Card(
        anchor=anchor,
        id=track.id,
        title=words.capital(title),
        shot=f"shot {shot} of {len(analysis.shots)}" if shot else f"shot {track.shot + 1}",
        time=words.time_range(track.start_seconds, track.end_seconds),
        frames=track.frames,
        score=f"{track.score:.2f}",
        notes=tuple(_notes(analysis, track)),
        shares=_shares(analysis, track),
        views=views,
        views_left_out=len(track.exemplars) - len(best),
    )


def _node_share(analysis: Analysis) -> float:
    config = analysis.provenance.get("config")
    tracking = config.get("tracking") if isinstance(config, dict) else None
    share = tracking.get("node_share") if isinstance(tracking, dict) else None
    return float(share) if isinstance(share, (int, float)) else 0.7


def _finer(analysis: Analysis, track: TrackRecord) -> list[tuple[str, float]]:
    """The detector's classes below the reported one with a share worth telling, largest first."""
    found = [(name, track.posterior.get(name, 0.0)) for name in analysis.classes if is_below(name, track.class_)]
    return sorted(((name, share) for name, share in found if share >= HINT_SHARE), key=lambda item: (-item[1], item[0]))


def _notes(analysis: Analysis, track: TrackRecord) -> Iterable[str]:
    finer = _finer(analysis, track)
    if finer and finer[0][1] >= _node_share(analysis):
        name, share = finer[0]
        yield (
            f"The detector's finer guess ({node(name).title}, {words.percent(share)} of its score) is not reported as "
            "a finding: this model's finer classes are not validated."
        )
    elif len(finer) > 1:
        titles = [f"{node(name).title} ({words.percent(share)})" for name, share in finer]
        yield f"Class not determined between {words.listed(titles)}."
    elif finer:
        name, share = finer[0]
        yield f"Finer class not determined: {node(name).title} has {words.percent(share)} of the detector's score."
    if track.readings:
        yield f"Markings read by machine: {words.some([words.shorten(text, 80) for text in track.readings], 8)}."


def _shares(analysis: Analysis, track: TrackRecord) -> tuple[Share, ...]:
    below = dict(_finer(analysis, track))
    others = [(name, share) for name, share in track.alternatives if name not in below and name != track.class_]
    chosen = [(track.class_, track.posterior.get(track.class_, 0.0), "reported")]
    chosen += [(name, share, "finer") for name, share in below.items()]
    chosen += [(name, share, "other") for name, share in others][:MOST_ALTERNATIVES]
    return tuple(
        Share(node(name).title, kind, words.percent(share), round(min(max(share, 0.0), 1.0) * 100, 1))
        for name, share, kind in chosen
    )
