"""Sightings as cards: pictures, times, scores and what else they may be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from roundel import words
from roundel.classes import given_object
from roundel.record import Analysis, ExemplarRecord, TrackRecord
from roundel.report.findings import HINT_SHARE, is_below, label, node, setting
from roundel.report.identities import MOST_READINGS, ReadingView, TypeView, reading_views, type_view
from roundel.report.pictures import Album, Picture

MOST_ALTERNATIVES = 5
SET_ASIDE_SHARE = 0.05


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
    file: str
    shot: str
    time: str
    frames: int
    score: str
    probability: str
    notes: tuple[str, ...]
    type: TypeView | None
    readings: tuple[ReadingView, ...]
    readings_left_out: int
    shares: tuple[Share, ...]
    views: tuple[View, ...]
    views_left_out: int


def card(analysis: Analysis, track: TrackRecord, album: Album, anchor: str, most_views: int, file: str) -> Card:
    """The card of a sighting of the video ``file``, with its best views in order of time."""
    best = sorted(track.views, key=lambda item: (-item.score, item.seconds))[:most_views]
    return Card(
        anchor=anchor,
        id=track.id,
        title=words.capital(label(track.class_)),
        file=file,
        shot=shot_of(analysis, track),
        time=words.time_range(track.start_seconds, track.end_seconds),
        frames=track.frames,
        score=f"{track.score:.2f}",
        probability=probability(track),
        notes=tuple(_notes(analysis, track)),
        type=type_view(analysis, track),
        readings=reading_views(track.readings),
        readings_left_out=max(0, len(track.readings) - MOST_READINGS),
        shares=_shares(analysis, track),
        views=tuple(view(track, item, album, file) for item in sorted(best, key=lambda item: item.seconds)),
        views_left_out=len(track.views) - len(best),
    )


def probability(track: TrackRecord) -> str:
    """The calibrated probability of the reported class, and what it was measured on; empty without a calibration."""
    if not track.posterior_calibrated:
        return ""
    chance = words.share(track.posterior.get(track.class_, 0.0))
    return (
        f"In test clips made from still pictures, a share of {chance} of sightings like this one were "
        f"{words.plural(node(track.class_).title)}; on real footage this figure is untested."
    )


def view(track: TrackRecord, item: ExemplarRecord, album: Album, file: str) -> View:
    """A picture of a sighting."""
    time = words.clock(item.seconds)
    alt = f"Cut-out from {file} at {time}, sighting {track.id}, labelled {label(track.class_)} by the program"
    return View(album.view(item), alt, time, item.file)


def shot_of(analysis: Analysis, track: TrackRecord) -> str:
    """The number of the shot that a sighting is in."""
    shot = next((number for number, item in enumerate(analysis.shots, start=1) if item.index == track.shot), None)
    return f"shot {shot} of {len(analysis.shots)}" if shot else f"shot {track.shot + 1}"


def _node_share(analysis: Analysis) -> float:
    share = setting(analysis, "tracking", "node_share")
    return float(share) if isinstance(share, (int, float)) else 0.7


def score_shares(track: TrackRecord) -> Mapping[str, float]:
    """Each node's share of the detector's scores: the posterior, or what it is given that there is an object."""
    return given_object(track.posterior) if track.posterior_calibrated else track.posterior


def _finer(analysis: Analysis, track: TrackRecord) -> list[tuple[str, float]]:
    """The detector's classes below the reported one with a share worth telling, largest first."""
    shares = score_shares(track)
    found = [(name, shares.get(name, 0.0)) for name in analysis.classes if is_below(name, track.class_)]
    return sorted(((name, share) for name, share in found if share >= HINT_SHARE), key=lambda item: (-item[1], item[0]))


def _set_aside(analysis: Analysis, track: TrackRecord) -> tuple[str, str]:
    """The detector's class that was not used since the object is too small for it, and the words for that."""
    least = analysis.provenance.get("classes_least_px")
    limits = least if isinstance(least, Mapping) else {}
    names = [name for name in analysis.classes if name in limits] or analysis.classes
    if track.set_aside <= SET_ASIDE_SHARE or not names:
        return "", ""
    shares = score_shares(track)
    name = max(names, key=lambda item: shares.get(item, 0.0))
    share, limit = shares.get(name, 0.0), limits.get(name)
    own = share >= max(shares.get(item, 0.0) for item in analysis.classes)
    said = "The detector's own label is" if own else "A part of the detector's score is for"
    said += f" {label(name)} (share {words.share(share)}). It was not used for the class"
    if track.set_aside < share - SET_ASIDE_SHARE:
        said += f" in some of the frames (share {words.share(track.set_aside)})"
    said += f": the object is smaller than {limit:g} pixels" if isinstance(limit, (int, float)) else ": it is too small"
    said += " in the network's input, where other equipment often gets this label."
    return name, said + (" The class is open." if own and is_below(name, track.class_) else "")


def _notes(analysis: Analysis, track: TrackRecord) -> Iterable[str]:
    unused, said = _set_aside(analysis, track)
    if said:
        yield said
    finer = [(name, share) for name, share in _finer(analysis, track) if name != unused]
    if finer and finer[0][1] >= _node_share(analysis):
        name, share = finer[0]
        yield (
            f"Kinds of {label(track.class_)} are not reported with these weights, since they are not told apart "
            f"reliably. The detector leaned to {label(name)} (untested share {words.share(share)})."
        )
    elif len(finer) > 1:
        titles = [f"{label(name)} ({words.share(share)})" for name, share in finer]
        yield f"Class not determined between {words.listed(titles)}."
    elif finer:
        name, share = finer[0]
        yield f"Finer class not determined: {label(name)} has a share of {words.share(share)}."


def _shares(analysis: Analysis, track: TrackRecord) -> tuple[Share, ...]:
    below = dict(_finer(analysis, track))
    others = [
        (name, share)
        for name, share in track.alternatives
        if name not in below and name != track.class_ and not is_below(name, track.class_)
    ]
    chosen = [(track.class_, score_shares(track).get(track.class_, 0.0), "reported")]
    chosen += [(name, share, "finer") for name, share in below.items()]
    chosen += [(name, share, "other") for name, share in others][:MOST_ALTERNATIVES]
    return tuple(
        Share(
            label(name) if kind == "reported" else node(name).title,
            kind,
            words.share(share),
            round(min(max(share, 0.0), 1.0) * 100, 1),
        )
        for name, share, kind in chosen
    )
