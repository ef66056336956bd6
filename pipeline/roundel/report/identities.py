"""Types and writing: what an object may be, what is written on it, and in words no stronger than that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import roundel_models
from roundel import words
from roundel.record import Analysis, ReadingRecord, TrackRecord, TypeRecord
from roundel.report.findings import ancestry, label

MOST_CANDIDATES = 6
MOST_CREDIBLE = 8
MOST_SOURCES = 3
WORTH_TELLING = 0.05
NEGLIGIBLE = 0.005
NOTHING_TO_COMPARE = 0.995  # of unknown: then no type is listed
MOST_READINGS = 12
MOST_LETTERS = 60
WEAK_LETTER = 0.15  # an alternative character is told if the engine gives it this part of the weight
TOO_UNCLEAR = "Type not determined: the pictures are too small or too unclear to compare."
AIRCRAFT = "aircraft"
COMBAT_ONLY = "The gallery holds combat aircraft only: a helicopter, drone or airliner cannot be found here."
_OPEN = {
    "other": "a type that the gallery lacks",
    "unknown": "cannot be told from these pictures",
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
    scope: str
    second_opinion: str
    added: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Added:
    """A type with photos that did not come with the program, from one gallery. ``own``: the whole type did not."""

    title: str
    parent: str
    own: bool
    photos: int
    sources: tuple[str, ...]
    licences: tuple[str, ...]
    gallery: str


@dataclass(frozen=True, slots=True)
class ReadingView:
    """Writing as a machine read it; ``doubts`` tells which characters may be others."""

    text: str
    kind: str
    confidence: str
    where: str
    doubts: str


def added_types(analysis: Analysis) -> dict[str, tuple[Added, ...]]:
    """What the user's and the case's galleries added, by type, as the analysis recorded it; odd entries are dropped."""
    entries = analysis.provenance.get("identifier_added")
    found: dict[str, tuple[Added, ...]] = {}
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, Mapping) or not isinstance(entry.get("type"), str):
            continue
        photos = entry.get("photos")
        item = Added(
            _text(entry, "title") or entry["type"],
            _text(entry, "parent"),
            entry.get("shipped") is not True,
            photos if isinstance(photos, int) else 0,
            _names(entry, "sources"),
            _names(entry, "licences"),
            _text(entry, "gallery"),
        )
        found[entry["type"]] = (*found.get(entry["type"], ()), item)
    return found


def _text(entry: Mapping[str, object], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""


def _names(entry: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = entry.get(key)
    return tuple(str(name) for name in value) if isinstance(value, Mapping) else ()


def title(name: str, added: Mapping[str, Sequence[Added]]) -> str:
    """What the page calls a type, a family, a class, ``other`` or ``unknown``."""
    if name in _OPEN:
        return _OPEN[name]
    entry = roundel_models.types().get(name)
    if entry:
        return str(entry["title"])
    return words.shorten(words.visible(added[name][0].title), 60) if name in added else label(name)


def type_view(analysis: Analysis, track: TrackRecord) -> TypeView | None:
    """What may be said about the type of an object; ``None`` if it was not looked at."""
    found = track.type
    if found is None:
        return None
    added = added_types(analysis)
    if found.posterior.get("unknown", 0.0) >= NOTHING_TO_COMPARE:
        return TypeView(TOO_UNCLEAR, (), "", "", _second_opinion(found), ())
    leaves = _leaves(found, added)
    shown = [(name, p) for name, p in leaves if name in _OPEN or p >= WORTH_TELLING][:MOST_CANDIDATES]
    candidates = [_candidate(name, p, found.node, added) for name, p in shown]
    rest = 1 - sum(p for _, p in shown)
    if rest >= NEGLIGIBLE:
        candidates.append(Candidate("all remaining types in the gallery", "open", words.share(rest), _width(rest)))
    names = dict.fromkeys([found.node, *(name for name, _ in shown), *found.credible[:MOST_CREDIBLE]])
    return TypeView(
        _said(found, track.class_, added),
        tuple(candidates),
        _credible(found, added),
        COMBAT_ONLY if AIRCRAFT in ancestry(track.class_) else "",
        _second_opinion(found),
        tuple(_added_words(item) for name in names for item in added.get(name, ())),
    )


def _added_words(item: Added) -> str:
    """Who vouches for a type that others have never seen, and with what."""
    name = words.shorten(words.visible(item.title), 60)
    photos = f"{item.photos:,} {'photo' if item.photos == 1 else 'photos'}"
    said = (
        f"{name} was added by the user: {photos}"
        if item.own
        else f"The user added {photos} of {name} to those that come with the program"
    )
    for noun, nouns, values in (("source", "sources", item.sources), ("licence", "licences", item.licences)):
        shown = [words.shorten(words.visible(value), 60) for value in values]
        if shown:
            said += f", {noun if len(shown) == 1 else nouns} {words.some(shown, MOST_SOURCES)}"
    place = {"user": "the user's own gallery", "case": "the case's gallery"}.get(item.gallery, "another gallery")
    return f"{said} ({place}). Roundel does not check what such photos show."


def _candidate(name: str, p: float, named: str, added: Mapping[str, Sequence[Added]]) -> Candidate:
    kind = "open" if name in _OPEN else "named" if name == named else "type"
    return Candidate(words.shorten(title(name, added), 60), kind, words.share(p), _width(p))


def _width(p: float) -> float:
    return round(min(max(p, 0.0), 1.0) * 100, 1)


def _credible(found: TypeRecord, added: Mapping[str, Sequence[Added]]) -> str:
    """Which types hold nine tenths of the probability, if that is worth knowing."""
    weak = [name for name in found.credible if name not in _OPEN and found.posterior.get(name, 0.0) < WORTH_TELLING]
    names = [words.shorten(title(name, added), 60) for name in found.credible if name not in _OPEN]
    if not names:
        return ""
    if weak or len(names) > MOST_CREDIBLE:
        return "None of the types is excluded."
    return f"Nine tenths of the probability lie on {words.listed(names)}, or the type is none of these."


def node_names() -> frozenset[str]:
    """The nodes of the class tree."""
    return frozenset(roundel_models.classes())


def _leaves(found: TypeRecord, added: Mapping[str, Sequence[Added]]) -> list[tuple[str, float]]:
    """The types, ``other`` and ``unknown``, most likely first; families and classes above them are left out."""
    parents = {str(entry["parent"]) for entry in roundel_models.types().values()}
    above = parents | {item.parent for items in added.values() for item in items} | node_names()
    leaves = [(name, p) for name, p in found.posterior.items() if name not in above]
    return sorted(leaves, key=lambda item: (-item[1], item[0]))


def _said(found: TypeRecord, class_: str, added: Mapping[str, Sequence[Added]]) -> str:
    p = found.posterior.get(found.node)
    if found.node not in node_names() and p is not None:
        return (
            f"Type, by likeness to photos: {words.shorten(title(found.node, added), 60)}, probability {words.share(p)}."
        )
    return f"Type not determined ({label(class_)})."


def _second_opinion(found: TypeRecord) -> str:
    if not found.second_opinion:
        return ""
    said = [f"{label(name)} (score {words.share(p)})" for name, p in found.second_opinion[:3]]
    return (
        f"A second network takes this for {words.listed(said, 'or')}. Its scores are no probabilities; it is shown "
        "only where it contradicts the class, and its silence confirms nothing."
    )


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
