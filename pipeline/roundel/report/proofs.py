"""Counts with their proof: three numbers, what they mean, and the frames with the boxes drawn over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from roundel.record import Analysis, CountRecord, ProofRecord
from roundel.report import words
from roundel.report.findings import hardware_counts, node, title_of
from roundel.report.pictures import FRAME_PX, VIEW_PX, Picture, embed

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
    """A picture that proves a count. ``frames`` are drawn over it where the whole frame is shown."""

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
    lower: int
    estimate: str
    upper: int
    lower_means: str
    estimate_means: str
    upper_means: str
    proofs: tuple[ProofView, ...]
    proofs_left_out: int


def count_views(analysis: Analysis, folder: Path) -> list[CountView]:
    """The counts of hardware with their proof; a picture that proves several counts is shown once."""
    shown: dict[tuple[str, tuple[str, ...]], str] = {}
    views = []
    for name, count in hardware_counts(analysis):
        proofs = []
        for proof in count.proof[:MOST_PROOFS]:
            key = (proof.exhibit, tuple(proof.tracks))
            proofs.append(_proof(analysis, proof, folder, shown.get(key)))
            shown.setdefault(key, title_of(name, analysis))
        views.append(_count_view(analysis, name, count, tuple(proofs)))
    return views


def _count_view(analysis: Analysis, name: str, count: CountRecord, proofs: tuple[ProofView, ...]) -> CountView:
    title = node(name).title
    low, high = count.interval[0], count.interval[-1]
    if count.lower == 0:
        lower_means = "none of the sightings is long and strong enough to prove even one"
    elif count.lower == 1:
        lower_means = "one sighting is long and strong enough; no two are proven to be different"
    else:
        lower_means = f"so many different {words.plural(title)} are seen side by side in the proof below"
    noun = "sighting is one object" if count.upper == 1 else "sightings, if each shows another object"
    return CountView(
        title=words.capital(title_of(name, analysis)),
        lower=count.lower,
        estimate=f"{count.estimate:,}" if low == high else f"{count.estimate:,} ({low:,} to {high:,})",
        upper=count.upper,
        lower_means=lower_means,
        estimate_means="there is only one way to explain the sightings"
        if low == high
        else f"90% of the ways to explain the sightings give {low} to {high} objects",
        upper_means=f"{count.upper:,} {noun}",
        proofs=proofs,
        proofs_left_out=max(0, len(count.proof) - MOST_PROOFS),
    )


def _proof(analysis: Analysis, proof: ProofRecord, folder: Path, shown_at: str | None) -> ProofView:
    crops = {view.file for track in analysis.tracks for view in track.exemplars}
    whole = proof.exhibit not in crops
    titles = {track.id: node(track.class_).title for track in analysis.tracks}
    named = [f"{track} ({titles[track]})" if track in titles else track for track in proof.tracks]
    time = words.clock(proof.seconds)
    drawn = whole and analysis.media is not None and shown_at is None
    width, height = (float(analysis.media.width), float(analysis.media.height)) if analysis.media else (1.0, 1.0)
    text_size = round(max(width, height) / 32, 1)
    what = "Whole frame" if whole else "Cut-out"
    seen = "side by side, in boxes" if len(named) > 1 else "in a box" if drawn else "with a margin"
    return ProofView(
        picture=None if shown_at else embed(folder, proof.exhibit, FRAME_PX if whole else VIEW_PX),
        alt=f"{what} at {time}: {words.some(named, 12)}, {seen}",
        caption=f"{what} at {time}: {words.some(list(proof.tracks), 12)}."
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
