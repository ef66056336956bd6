"""What is claimed, what people found, and what an assessment says: frozen facts without logic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal

QuantifierKind = Literal["at_least", "exactly", "at_most", "between", "some", "no", "all"]
RelationKind = Literal[
    "visible",
    "same_individual_as",
    "operated_by",
    "supplied_by",
    "manufactured_in",
    "first_published_by",
    "same_footage_as",
    "continuous",
]
FindingKind = Literal[
    "sighting",
    "type",
    "confirmation",
    "rejection",
    "serial",
    "part",
    "place",
    "date",
    "holder",
    "previous_holder",
    "manufacture",
    "supply",
    "published",
    "earlier_copy",
    "mirrored",
    "edited",
]
Basis = Literal["seen", "reported", "document"]
Direction = Literal["for", "against"]
Source = Literal["video", "file", "finding", "register", "catalogue"]


class Verdict(StrEnum):
    """What the evidence does to a claim, strongest support first; the last two stand outside the order."""

    SHOWS = "shows"
    SUPPORTS = "supports"
    CONSISTENT_WITH = "consistent_with"
    NOT_ADDRESSED = "not_addressed"
    WEAKENS = "weakens"
    CONTRADICTS = "contradicts"
    CANNOT_BE_ASSESSED = "cannot_be_assessed"


class Level(StrEnum):
    """A rung of the provenance ladder, or ``footage`` for claims about the video itself."""

    VISIBLE = "L0"
    CATEGORY = "L1"
    FAMILY = "L2"
    VARIANT = "L3"
    INDIVIDUAL = "L4"
    DESIGN_ORIGIN = "L5"
    MANUFACTURE = "L6"
    OPERATOR = "L7"
    SUPPLIER = "L8"
    TRANSFER_DATE = "L9"
    FOOTAGE = "footage"


@dataclass(frozen=True, slots=True)
class DateSpan:
    """A time given by its first and last possible day; ``None`` where it is open."""

    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Quantifier:
    """How many: at_least and exactly set ``low``, at_most sets ``high``, between sets both; the others neither."""

    kind: QuantifierKind
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """Of what: one or several nodes of the catalogue's tree, perhaps of a design origin or with a marking."""

    nodes: tuple[str, ...]
    design_origin: str | None = None
    """Code of a state, see ``roundel.catalogue``."""
    marking: str | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """What is said of the subject.

    ``actor``: code of a state or ``group:name`` (operated_by, supplied_by, manufactured_in). ``reference``: a track, a
    serial (same_individual_as) or a video's hash or name (same_footage_as). ``when``: the day of first_published_by in
    ``last``, or the time of a transfer (supplied_by), which makes that claim one of L9.
    """

    kind: RelationKind
    actor: str | None = None
    reference: str | None = None
    when: DateSpan | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Where: videos by hash or file name (none: all of the case), a part of each, and place and time of filming.

    Place and time of filming can be shown by people only.
    """

    videos: tuple[str, ...] = ()
    start_seconds: float | None = None
    end_seconds: float | None = None
    place: str | None = None
    when: DateSpan | None = None


@dataclass(frozen=True, slots=True)
class CoverageStatement:
    """A person's statement that the footage in scope shows the whole of what the claim counts."""

    text: str
    who: str


@dataclass(frozen=True, slots=True)
class RecallStatement:
    """How many of ``objects`` the detector ``found`` in a test on footage like this, and which test that is."""

    found: int
    objects: int
    source: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement as it was made, and what it says in the terms of the grammar."""

    id: str
    text: str
    by: str
    quantifier: Quantifier
    subject: Subject
    relation: Relation = Relation("visible")
    scope: Scope = Scope()
    said: DateSpan | None = None
    source: str = ""
    """Where the statement is reported."""
    coverage: CoverageStatement | None = None
    recall: RecallStatement | None = None
    line: int = 0
    """Line of the claim in its file, from 1."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a person found, never the machine. Which of the later fields must be set depends on the kind.

    ``basis``: seen (the person looked at the footage), reported (a publication says so), document (a record says so).
    """

    id: str
    kind: FindingKind
    who: str
    found: date
    basis: Basis
    source: str = ""
    """Publication or document; required unless the basis is seen."""
    note: str = ""
    video: str = ""
    """Hash or file name of the video it speaks of; empty: all in scope."""
    tracks: tuple[str, ...] = ()
    start_seconds: float | None = None
    end_seconds: float | None = None
    nodes: tuple[str, ...] = ()
    """sighting, confirmation, rejection, holder …: of what (nodes of the catalogue's tree)."""
    count: Quantifier | None = None
    """sighting: how many different objects."""
    types: Mapping[str, float] | None = None
    """type: probability of each type, ``other`` and ``unknown``; adds up to one."""
    part: str = ""
    """part: the distinguishing part that is visible."""
    serial: str = ""
    """serial: the marking as read; sighting: of which individual."""
    place: str = ""
    when: DateSpan | None = None
    """date: when it was filmed; published and earlier_copy: the publication; holder: since or at; serial: when it was
    seen at ``place`` (other than the footage)."""
    actor: str | None = None
    """holder, previous_holder, manufacture, supply: code of a state or ``group:name``."""
    reference: str = ""
    """earlier_copy: hash, name or address of the other copy; serial: which other footage or record."""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Attested:
    """The days on which a video was public, as a person says."""

    when: DateSpan
    who: str
    source: str


@dataclass(frozen=True, slots=True)
class Copy:
    """Another video that shows the same footage, as the program found and pictures prove.

    ``seconds``: the part of the claim's video; ``whole_picture``: whether all of its picture there is that footage, not
    a frame within it or a part. ``public``: the attested publication of the other video that proves most.
    """

    sha256: str
    name: str
    seconds: tuple[float, float]
    whole_picture: bool
    pairs: int
    exhibit: str
    public: Attested | None = None


@dataclass(frozen=True, slots=True)
class Exhibit:
    """Where a piece of evidence can be looked at: a picture, a time in a video, a row or a citation."""

    label: str
    video: str = ""
    seconds: float | None = None
    file: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of evidence; ``ratio``: its likelihood ratio in its direction, at least 1, where one can be stated."""

    direction: Direction
    rule: str
    text: str
    source: Source
    ratio: float | None = None
    words: str = ""
    exhibits: tuple[Exhibit, ...] = ()
    numbers: Mapping[str, float | int | str] | None = None
    about: str = ""
    """The part of the claim that it bears on, where the claim has several."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the derivation: the rule that was applied, to which numbers, and what followed."""

    rule: str
    text: str
    numbers: Mapping[str, float | int | str] | None = None


@dataclass(frozen=True, slots=True)
class Assessment:
    """What all of it does to a claim. ``sentences`` are the statements of provenance, each with its own source."""

    claim: Claim
    level: Level
    verdict: Verdict
    words: str
    """One sentence, no stronger than the validation allows."""
    supporting: tuple[Evidence, ...]
    opposing: tuple[Evidence, ...]
    alternatives: tuple[str, ...]
    """Other explanations of what is seen; never empty."""
    not_addressed: tuple[str, ...]
    would_change: tuple[str, ...]
    """What would settle the claim, either way."""
    derivation: tuple[Step, ...]
    sentences: tuple[Evidence, ...] = ()
