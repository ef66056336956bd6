"""Counts with the pictures that support them: three numbers, what they mean, and frames with boxes drawn over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from roundel import words
from roundel.record import Analysis, CountRecord, ProofRecord
from roundel.report.findings import (
    hardware_counts,
    label,
    labels,
    one_or_more,
    open_sightings,
    title_of,
    together,
    too_brief,
)
from roundel.report.pictures import Album, Picture

MOST_PROOFS = 6


@dataclass(frozen=True, slots=True)
class Frame:
    """A box over a proof frame, in its pixels, with the place of its label."""

    x: float
    y: float
    width: float
    height: float
    label: str
    label_x: float
    label_y: float


@dataclass(frozen=True, slots=True)
class ProofView:
    """A picture that supports a count. ``frames`` are drawn over it where the whole frame is shown."""

    picture: Picture | None
    alt: str
    caption: str
    file: str
    frames: tuple[Frame, ...]
    width: float
    height: float
    text_size: float


@dataclass(frozen=True, slots=True)
class CountView:
    """Three numbers and what they mean."""

    title: str
    lower: str
    estimate: str
    upper: str
    lower_means: str
    estimate_means: str
    upper_means: str
    proofs: tuple[ProofView, ...]
    proofs_left_out: int


def count_views(analysis: Analysis, album: Album, file: str) -> list[CountView]:
    """The counts of hardware with their pictures; one that supports several counts is shown once."""
    shown: dict[tuple[str, tuple[str, ...]], str] = {}
    views = []
    for name, count in hardware_counts(analysis):
        proofs = []
        for proof in count.proof[:MOST_PROOFS]:
            key = (proof.exhibit, tuple(proof.tracks))
            proofs.append(_proof(analysis, proof, album, shown.get(key), file))
            shown.setdefault(key, labels(name))
        views.append(_count_view(analysis, name, count, tuple(proofs)))
    return views


def _count_view(analysis: Analysis, name: str, count: CountRecord, proofs: tuple[ProofView, ...]) -> CountView:
    low, high = count.interval[0], count.interval[-1]
    if count.lower == 0:
        lower_means = f"each sighting has {too_brief(analysis)}"
    elif count.lower == 1:
        lower_means = one_or_more(name)
    else:
        lower_means = together(count) or "no picture of it is kept"
    upper_means = (
        "so many objects if each shows another one; objects that were missed or given another class are not in it"
    )
    if count.shown_again:
        upper_means = f"{count.shown_again:,} of them {'shows' if count.shown_again == 1 else 'show'} an object again, "
        upper_means += f"because the footage is shown again: at most {count.upper:,} objects, unless some were missed"
    more = open_sightings(name, analysis)
    if more:
        upper_means += f"; {more:,} more {'sighting has' if more == 1 else 'sightings have'} an open class"
    return CountView(
        title=words.capital(title_of(name, analysis)),
        lower=f"{count.lower:,}" if count.lower else "not counted",
        estimate=f"{low:,}" if low == high else f"{low:,} to {high:,}",
        upper=f"{count.upper + count.shown_again:,}",
        lower_means=lower_means,
        estimate_means="there is only one way to explain the sightings, if the detections are right"
        if low == high
        else "random ways to explain the sightings; nothing is known about which show the same object",
        upper_means=upper_means,
        proofs=proofs,
        proofs_left_out=max(0, len(count.proof) - MOST_PROOFS),
    )


def _proof(analysis: Analysis, proof: ProofRecord, album: Album, shown_at: str | None, file: str) -> ProofView:
    crops = {view.file for track in analysis.tracks for view in track.views}
    whole = proof.exhibit not in crops
    titles = {track.id: label(track.class_) for track in analysis.tracks}
    named = [f"{track} (labelled {titles[track]})" if track in titles else track for track in proof.tracks]
    time = words.clock(proof.seconds)
    drawn = whole and analysis.media is not None and shown_at is None
    width, height = (float(analysis.media.width), float(analysis.media.height)) if analysis.media else (1.0, 1.0)
    text_size = round(max(width, height) / 32, 1)
    what = "Whole frame" if whole else "Cut-out"
    seen = "side by side, in boxes" if len(named) > 1 else "in a box" if drawn else "with a margin"
    return ProofView(
        picture=None if shown_at else album.proof(proof, whole=whole),
        alt=f"{what} from {file} at {time}: {words.some(named, 12)} by the program, {seen}",
        caption=f"{what} from {file} at {time}: {words.some(list(proof.tracks), 12)}."
        + (f" Shown above, at {shown_at}." if shown_at else ""),
        file=proof.exhibit,
        frames=tuple(
            _frame(box, track, width, text_size) for box, track in zip(proof.boxes, proof.tracks, strict=False)
        )
        if drawn
        else (),
        width=width,
        height=height,
        text_size=text_size,
    )


def _frame(box: Sequence[float], label: str, width: float, text_size: float) -> Frame:
    x1, y1, x2, y2 = box
    room = len(label) * text_size * 0.62 + text_size * 0.5
    label_y = y1 - text_size * 1.3 if y1 >= text_size * 1.3 else y1
    return Frame(
        x1,
        y1,
        round(x2 - x1, 1),
        round(y2 - y1, 1),
        label,
        round(max(0.0, min(x1, width - room)), 1),
        round(max(0.0, label_y), 1),
    )
