"""What an assessment may look at: the sightings of analysed videos, what people found, and the catalogue."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from roundel.calibration import OperatingPoint, points_from
from roundel.catalogue import Catalogue
from roundel.claims.model import Copy, DateSpan, Exhibit, Finding, Scope
from roundel.claims.type_shares import OUTSIDE, exclusive
from roundel.claims.wording import EVEN
from roundel.classes import ROOT, hidden_share
from roundel.record import Analysis, CountRecord, ReadingRecord, TrackRecord
from roundel.words import clock

LEAST_SHORT_HASH = 8
MOST_HIDDEN = 0.5
NOT_LOOKED_AT = "nobody looked at its pictures"
IN_THE_PART = ("sighting", "confirmation", "type", "serial")
"""Findings about something in the picture: of a part of a video they say something only if they lie in it."""
OF_AN_OBJECT = ("serial", "holder", "previous_holder", "manufacture", "supply")
"""Findings about objects, which may say of what: who holds a tank says nothing about who holds an aircraft."""


class TypeTree(Protocol):
    """What a sighting needs from the catalogue."""

    def detector_nodes(self, node: str) -> tuple[str, ...]: ...  # noqa: D102

    def is_a(self, node: str, ancestor: str) -> bool: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Sighting:
    """One track of one video. ``chances``: probability of each of the detector's classes and those above them.

    ``types``: probability of types, ``other`` and ``unknown``, given that there is an object; empty if not looked at.
    ``solid``: seen often and well enough to prove one object alone. ``calibrated``: whether ``chances`` are
    probabilities at all.
    """

    video: str
    track: str
    named: str
    chances: Mapping[str, float]
    types: Mapping[str, float]
    calibrated: bool
    solid: bool
    start_seconds: float
    end_seconds: float
    exhibit: Exhibit
    readings: tuple[ReadingRecord, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """Video and track."""
        return self.video, self.track

    def chance(self, node: str, tree: TypeTree) -> float:
        """P(the object is of this node). Zero for what neither the detector nor the gallery of types can tell."""
        if node in self.chances:
            return self.chances[node]
        parts = tree.detector_nodes(node)
        if parts:
            return min(1.0, sum(self.chances.get(part, 0.0) for part in parts))
        return self.chances.get(ROOT, 0.0) * sum(
            share for name, share in self.types.items() if name not in OUTSIDE and tree.is_a(name, node)
        )


@dataclass(frozen=True, slots=True)
class Together:
    """One frame that shows these tracks side by side: as many different objects."""

    seconds: float
    tracks: frozenset[str]
    file: str


@dataclass(frozen=True, slots=True)
class Footage:
    """One analysed video. ``points``: how often a class was said rightly and wrongly in the validation of its model."""

    sha256: str
    names: tuple[str, ...]
    start_seconds: float
    end_seconds: float
    missing: tuple[tuple[float, float], ...]
    cuts: tuple[float, ...]
    sightings: tuple[Sighting, ...]
    together: tuple[Together, ...]
    brief: int
    points: Mapping[str, tuple[OperatingPoint, ...]]
    type_sources: int
    """Independent sources of pictures that the identification of types was validated on."""
    copies: tuple[Copy, ...] = ()
    """Other videos that show the same footage, of the matches that the case keeps."""
    untold: frozenset[str] = frozenset()
    """The detector's classes that no evaluation has earned: they are reported as a wider class."""
    failed: str = ""

    def is_called(self, name: str) -> bool:
        """Whether a hash, the beginning of one, or a file name means this video."""
        digest = name.removeprefix("sha256:")
        known = self.sha256.removeprefix("sha256:")
        return name in self.names or (len(digest) >= LEAST_SHORT_HASH and known.startswith(digest.lower()))


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is known when claims are assessed."""

    catalogue: Catalogue
    footage: tuple[Footage, ...] = ()
    findings: tuple[Finding, ...] = ()

    def view(self, scope: Scope) -> View:
        """The part of the scene that a claim speaks of."""
        ordered = sorted(self.footage, key=lambda item: item.sha256)
        chosen = [item for item in ordered if not scope.videos or any(map(item.is_called, scope.videos))]
        absent = [name for name in scope.videos if not any(item.is_called(name) for item in self.footage)]
        if chosen and not any(_touches(item, scope) for item in chosen):
            absent.append(f"the part of it that begins at {clock(scope.start_seconds or 0.0)}")
        findings = _by_one_name(self.findings)
        unclear = {item.id: text for item in findings if (text := self._unclear(item))}
        return View(
            self.catalogue,
            scope,
            tuple(self._told_apart(_cut_out(item, scope)) for item in chosen),
            tuple(item for item in findings if item.id not in unclear and _speaks_of(item, scope, chosen)),
            tuple(absent),
            tuple(unclear.values()),
        )

    def _unclear(self, finding: Finding) -> str:
        """Why it is open which sightings a finding names; empty if it is not. Without footage nothing can be named."""
        if not finding.tracks or not self.footage:
            return ""
        holders = [
            item
            for item in self.footage
            if (not finding.video or item.is_called(finding.video))
            and any(one.track in finding.tracks for one in item.sightings)
        ]
        names = ", ".join(finding.tracks)
        if not holders and (not finding.video or any(item.is_called(finding.video) for item in self.footage)):
            where = finding.video or "no video of the case"
            verb = "has no sighting" if finding.video else "has"
            return f"Finding {finding.id} of {finding.who} was left out: {where} {verb} {names}."
        if len(holders) > 1:
            return (
                f"Finding {finding.id} of {finding.who} was left out: {len(holders)} videos have {names}; it does not "
                "say which one is meant."
            )
        return ""

    def _told_apart(self, item: Footage) -> Footage:
        """The footage with types that exclude each other."""
        found = tuple(replace(one, types=exclusive(one.types, self.catalogue)) for one in item.sightings)
        return replace(item, sightings=found)

    def without_image(self) -> Scene:
        """The same scene as if nobody and nothing had looked at the pictures: every posterior is its prior."""
        return replace(self, footage=tuple(_unseen(item) for item in self.footage))


@dataclass(frozen=True, slots=True)
class View:
    """A claim's part of the scene.

    ``absent``: videos that the claim names and the case does not hold. ``unclear``: findings that were left out, and
    why: it is open which sightings they name.
    """

    catalogue: Catalogue
    scope: Scope
    footage: tuple[Footage, ...]
    findings: tuple[Finding, ...]
    absent: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    rejected: frozenset[tuple[str, str]] = field(default_factory=frozenset)

    @property
    def sightings(self) -> tuple[Sighting, ...]:
        """All sightings in scope."""
        return tuple(sighting for item in self.footage for sighting in item.sightings)

    def of_kind(self, *kinds: str) -> tuple[Finding, ...]:
        """The findings of these kinds, in the order given."""
        return tuple(item for item in self.findings if item.kind in kinds)

    def tells(self, node: str) -> bool:
        """Whether the program tells objects of a node from others; not if its classes are reported as a wider one."""
        parts = self.catalogue.detector_nodes(node)
        return bool(parts) and not any(part in item.untold for item in self.footage for part in parts)

    def about(self, nodes: Sequence[str]) -> View:
        """The view without findings about objects that can be of none of these nodes."""
        tree = self.catalogue

        def related(finding: Finding) -> bool:
            pairs = [(one, node) for one in finding.nodes for node in nodes]
            return not finding.nodes or any(tree.is_a(one, node) or tree.is_a(node, one) for one, node in pairs)

        kept = tuple(item for item in self.findings if item.kind not in OF_AN_OBJECT or related(item))
        return replace(self, findings=kept)

    def points(self, video: str, node: str) -> tuple[OperatingPoint, ...]:
        """The validation of a class by the model that analysed a video."""
        return next((item.points.get(node, ()) for item in self.footage if item.sha256 == video), ())


def footage_of(analysis: Analysis, extra_names: Iterable[str] = ()) -> Footage:
    """One analysis as footage; pass the names under which the video was received elsewhere."""
    coverage = analysis.coverage
    start = coverage.first_seconds or 0.0 if coverage else 0.0
    length = analysis.media.duration_seconds_from_content if analysis.media else 0.0
    made = analysis.provenance
    calibration = made.get("calibration")
    together = tuple(_together(analysis.counts.values()))
    proven = frozenset(track for item in together for track in item.tracks)
    return Footage(
        sha256=analysis.video.sha256,
        names=tuple(sorted({*analysis.video.names, *extra_names})),
        start_seconds=start,
        end_seconds=start + length,
        missing=tuple((span[0], span[1]) for span in coverage.missing_seconds) if coverage else (),
        cuts=tuple(shot.start_seconds for shot in analysis.shots[1:]),
        sightings=tuple(
            _sighting(analysis, track, proven)
            for track in analysis.tracks
            if not track.burnt_in and hidden_share(track.posterior) < MOST_HIDDEN
        ),
        together=together,
        brief=analysis.brief_tracks,
        points=points_from(calibration.get("points", {})) if isinstance(calibration, Mapping) else {},
        type_sources=_type_sources(made.get("identifier_sources")),
        untold=frozenset(shown) if isinstance(shown := made.get("classes_shown_as"), Mapping) else frozenset(),
        failed=analysis.failure.message if analysis.failure else "",
    )


def _type_sources(stated: object) -> int:
    return min((int(value) for value in stated.values()), default=0) if isinstance(stated, Mapping) else 0


def _together(counts: Iterable[CountRecord]) -> Iterator[Together]:
    for count in counts:
        for proof in count.proof:
            yield Together(proof.seconds, frozenset(proof.tracks), proof.exhibit)


def _sighting(analysis: Analysis, track: TrackRecord, proven: frozenset[str]) -> Sighting:
    config = analysis.provenance.get("config", {})
    counting = config.get("counting", {}) if isinstance(config, Mapping) else {}
    often = track.frames >= 2 * int(counting.get("min_frames", 3))
    well = track.score >= float(counting.get("min_score", 1.0))
    view = max(track.views, key=lambda item: item.score, default=None)
    label = f"{track.id}"
    exhibit = (
        Exhibit(label, analysis.video.sha256, view.seconds, view.file)
        if view
        else Exhibit(label, analysis.video.sha256, track.start_seconds)
    )
    return Sighting(
        video=analysis.video.sha256,
        track=track.id,
        named=track.class_,
        chances=track.posterior,
        types=track.type.posterior if track.type else {},
        calibrated=track.posterior_calibrated,
        solid=track.id in proven or (often and well),
        start_seconds=track.start_seconds,
        end_seconds=track.end_seconds,
        exhibit=exhibit,
        readings=tuple(track.readings),
    )


def _touches(item: Footage, scope: Scope) -> bool:
    """Whether a video has anything of the part that a claim speaks of; one that failed may."""
    if item.failed:
        return True
    first = scope.start_seconds if scope.start_seconds is not None else item.start_seconds
    return first <= item.end_seconds and (scope.end_seconds is None or scope.end_seconds >= item.start_seconds)


def _cut_out(item: Footage, scope: Scope) -> Footage:
    first = scope.start_seconds if scope.start_seconds is not None else item.start_seconds
    last = scope.end_seconds if scope.end_seconds is not None else item.end_seconds
    return replace(
        item,
        start_seconds=max(first, item.start_seconds),
        end_seconds=min(last, item.end_seconds),
        missing=tuple(span for span in item.missing if span[1] > first and span[0] < last),
        cuts=tuple(at for at in item.cuts if first < at < last),
        sightings=tuple(one for one in item.sightings if one.end_seconds >= first and one.start_seconds <= last),
        together=tuple(one for one in item.together if first <= one.seconds <= last),
        copies=tuple(one for one in item.copies if one.seconds[1] > first and one.seconds[0] < last),
    )


def _speaks_of(finding: Finding, scope: Scope, chosen: Sequence[Footage]) -> bool:
    """Whether a finding is about the footage that a claim speaks of, and about the same part of it."""
    named = not finding.video or finding.video in scope.videos or any(one.is_called(finding.video) for one in chosen)
    first = scope.start_seconds if scope.start_seconds is not None else float("-inf")
    last = scope.end_seconds if scope.end_seconds is not None else float("inf")
    since = finding.start_seconds if finding.start_seconds is not None else float("-inf")
    until = finding.end_seconds if finding.end_seconds is not None else float("inf")
    if finding.kind in IN_THE_PART and not finding.tracks and not finding.place:
        return named and since >= first and until <= last
    return named and until >= first and since <= last


def _by_one_name(findings: Iterable[Finding]) -> list[Finding]:
    """The findings in an order of their own; a person whose name is spelt in two ways has one name."""
    ordered = sorted(findings, key=lambda item: (item.id, repr(item)))
    spelt: dict[str, str] = {}
    for name in sorted({" ".join(item.who.split()) for item in ordered}):
        spelt.setdefault(_plain(name), name)
    return [replace(item, who=spelt[_plain(item.who)]) for item in ordered]


def _plain(name: str) -> str:
    """A name as it is compared: without capitals, accents' two spellings, surplus spaces and invisible characters."""
    shown = "".join(one for one in unicodedata.normalize("NFKC", name) if unicodedata.category(one) != "Cf")
    return " ".join(shown.casefold().replace(".", " ").split())


def _unseen(item: Footage) -> Footage:
    blind = tuple(
        replace(one, chances=dict.fromkeys(one.chances, EVEN), types={}, readings=()) for one in item.sightings
    )
    return replace(item, sightings=blind, cuts=(), together=(), copies=(), failed=item.failed or NOT_LOOKED_AT)


def overlaps(one: DateSpan | None, other: DateSpan | None) -> bool | None:
    """Whether two spans of time share a day; ``None`` if one of them is unknown."""
    if one is None or other is None or (one.first is None and one.last is None):
        return None
    if one.last is not None and other.first is not None and one.last < other.first:
        return False
    return not (one.first is not None and other.last is not None and one.first > other.last)


def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's, written differently."""
    return _plain(one) == _plain(other)
