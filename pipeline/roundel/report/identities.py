"""Types and writing: what an object may be, what is written on it, and in words no stronger than that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import roundel_models
from roundel.record import Analysis, ReadingRecord, TrackRecord, TypeRecord
from roundel.report import words
from roundel.report.findings import label

MOST_CANDIDATES = 6
MOST_CREDIBLE = 8
WORTH_TELLING = 0.05
MOST_READINGS = 12
MOST_LETTERS = 60
WEAK_LETTER = 0.15  # an alternative character is told if the engine gives it this part of the weight
_OPEN = {
    "other": "another type than those in the gallery",
    "unknown": "unknown: the pictures do not tell",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A type that it may be. ``kind`` is named, type or open."""

    title: str
    kind: str
    text: str
    width: float


@dataclass(frozen=True, slots=True)
class TypeView:
    """What a card says about the type."""

    said: str
    candidates: tuple[Candidate, ...]
    credible: str
    second_opinion: str


@dataclass(frozen=True, slots=True)
class ReadingView:
    """Writing as a machine read it; ``doubts`` tells which characters may be others."""

    text: str
    kind: str
    confidence: str
    where: str
    doubts: str


def title(name: str) -> str:
    """What the page calls a type, a family, a class, ``other`` or ``unknown``."""
    if name in _OPEN:
        return _OPEN[name]
    entry = roundel_models.types().get(name)
    return str(entry["title"]) if entry else label(name)


def type_view(track: TrackRecord) -> TypeView | None:
    """What may be said about the type of an object; ``None`` if it was not looked at."""
    found = track.type
    if found is None:
        return None
    leaves = _leaves(found)
    shown = [(name, p) for name, p in leaves if name in _OPEN or p >= WORTH_TELLING][:MOST_CANDIDATES]
    candidates = [_candidate(name, p, found.node) for name, p in shown]
    rest = [p for name, p in leaves if name not in dict(shown)]
    if rest:
        title_of_rest = f"{len(rest):,} other {'type' if len(rest) == 1 else 'types'} together"
        candidates.append(Candidate(title_of_rest, "open", words.share(sum(rest)), _width(sum(rest))))
    return TypeView(_said(found, track.class_), tuple(candidates), _credible(found), _second_opinion(found))


def _candidate(name: str, p: float, named: str) -> Candidate:
    kind = "open" if name in _OPEN else "named" if name == named else "type"
    return Candidate(words.shorten(title(name), 60), kind, words.share(p), _width(p))


def _width(p: float) -> float:
    return round(min(max(p, 0.0), 1.0) * 100, 1)


def _credible(found: TypeRecord) -> str:
    """Which types hold nine tenths of the probability, if that is worth knowing."""
    names = [words.shorten(title(name), 60) for name in found.credible]
    if len(names) > MOST_CREDIBLE:
        return f"It takes {len(names):,} of these types to hold nine tenths of the probability: nothing is excluded."
    return f"Nine tenths of the probability lie on {words.listed(names)}." if len(names) > 1 else ""


def node_names() -> frozenset[str]:
    """The nodes of the class tree."""
    return frozenset(roundel_models.classes())


def _leaves(found: TypeRecord) -> list[tuple[str, float]]:
    """The types, ``other`` and ``unknown``, most likely first; families and classes above them are left out."""
    parents = {str(entry["parent"]) for entry in roundel_models.types().values()}
    above = parents | node_names()
    leaves = [(name, p) for name, p in found.posterior.items() if name not in above]
    return sorted(leaves, key=lambda item: (-item[1], item[0]))


def _said(found: TypeRecord, class_: str) -> str:
    p = found.posterior.get(found.node)
    if found.node not in node_names() and p is not None:
        return f"Type, by likeness to photos: {words.shorten(title(found.node), 60)}, probability {words.share(p)}."
    open_ = max(_OPEN, key=lambda name: found.posterior.get(name, 0.0))
    why = f" Most likely {_OPEN[open_]}." if found.posterior.get(open_, 0.0) >= 0.5 else ""
    return f"Type not determined ({label(class_)}).{why}"


def _second_opinion(found: TypeRecord) -> str:
    if not found.second_opinion:
        return ""
    said = [f"{label(name)} ({words.share(p)})" for name, p in found.second_opinion[:3]]
    return f"Another network contradicts the class: it takes this for {words.listed(said, 'or')}."


def reading_views(readings: Sequence[ReadingRecord]) -> tuple[ReadingView, ...]:
    """Writing for a table, serial-like first, then by confidence."""
    ordered = sorted(readings, key=lambda item: (not item.serial_like, -item.confidence, item.seconds, item.text))
    return tuple(
        ReadingView(
            words.shorten(item.text, MOST_LETTERS),
            "may be a serial or tactical number" if item.serial_like else "",
            words.share(item.confidence),
            f"{words.clock(item.seconds)}, read in {item.views} {'view' if item.views == 1 else 'views'}",
            _doubts(item),
        )
        for item in ordered[:MOST_READINGS]
    )


def _doubts(item: ReadingRecord) -> str:
    said = []
    for character, choices in zip(item.text, item.alternatives, strict=False):
        total = sum(weight for _, weight in choices) or 1.0
        others = [other for other, weight in choices if other != character and weight / total >= WEAK_LETTER]
        if others:
            said.append(f"{words.visible(character)} may be {words.listed([words.visible(o) for o in others], 'or')}")
    return "; ".join(said[:6])


def caption_views(analysis: Analysis) -> tuple[ReadingView, ...]:
    """Writing in the frames of a video, by time."""
    ordered = sorted(analysis.captions, key=lambda item: (item.seconds, item.xyxy[1], item.xyxy[0]))
    return tuple(
        ReadingView(
            words.shorten(item.text, MOST_LETTERS), "", words.share(item.confidence), words.clock(item.seconds), ""
        )
        for item in ordered[: 4 * MOST_READINGS]
    )


def reads_text(analysis: Analysis) -> bool:
    """Whether writing was looked for."""
    return not str(analysis.provenance.get("text_reader", "off")).startswith("off")
