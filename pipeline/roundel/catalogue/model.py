"""What the catalogue holds: types of equipment, facts with their sources, states, deliveries and holdings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Tier = Literal["A", "B", "C", "D", ""]
Basis = Literal["stated", "licence_row", "inferred", "unsourced"]
Separable = Literal["usually", "close_view_only", "no", "unknown"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where facts come from. ``tier``: A to D, how reliable it is; empty for terms of use."""

    code: str
    what: str
    where: str
    licence: str
    tier: Tier


@dataclass(frozen=True, slots=True)
class Citation:
    """A source and the place in it."""

    code: str
    locator: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """One property of a type; it may be printed if a source better than tier D stands behind it."""

    prop: str
    value: str
    basis: Basis
    sources: tuple[Citation, ...] = ()
    scope: str = ""
    how: str = ""
    rank: str = "normal"


@dataclass(frozen=True, slots=True)
class Feature:
    """A part by which two types differ: what each shows, from which view, whether it can be faked or be lost."""

    part: str
    this: str
    other: str
    view: str
    forgeable: str = ""
    sources: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Lookalike:
    """A type that is easily taken for another; without ``features`` no part that separates them is sourced."""

    other: str
    separable: Separable
    features: tuple[Feature, ...]
    sources: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Clue:
    """A part to look at."""

    part: str
    text: str
    sources: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class EquipmentType:
    """A family or variant. ``names`` by language or naming body (en, nato, local:IN …); the usual one comes first."""

    id: str
    kind: Literal["family", "variant"]
    parent: str
    """A class of the tree, or the family of a variant."""
    names: Mapping[str, tuple[str, ...]]
    facts: tuple[Fact, ...]
    derived_from: tuple[tuple[str, str], ...] = ()
    """Design that this one is a licence, copy or development of: id and how."""
    lookalikes: tuple[Lookalike, ...] = ()
    clues: tuple[Clue, ...] = ()
    external_ids: Mapping[str, str] = field(default_factory=dict)
    designations: tuple[str, ...] = ()
    """How the SIPRI register calls it."""

    @property
    def title(self) -> str:
        """The usual English name."""
        return self.names["en"][0]


@dataclass(frozen=True, slots=True)
class ClassNode:
    """A class above the types. ``from_detector``: the detector's classes that together make it up, if they do."""

    id: str
    parent: str | None
    title: str
    from_detector: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """A state or group. ``names``: name with the first and last day on which it was called that; ``None``: open."""

    code: str
    names: tuple[tuple[str, date | None, date | None], ...]
    successors: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A delivery (``transfer``), a capture (``captured``) or a holding (``operator``), as a source states it.

    Numbers are what was delivered or held; ``None`` where the source gives none. ``hedged``: the source is unsure that
    it took place as stated. ``origin``: file that the row was read from.
    """

    id: str
    relation: Literal["transfer", "captured", "operator"]
    type: str
    designation: str
    supplier: str
    """Code of the state that gave or lost it; for a delivery the state named as supplier."""
    recipient: str
    ordered_year: int | None
    least: int | None
    most: int | None
    first_year: int | None
    last_year: int | None
    hedged: bool
    condition: str
    flags: tuple[str, ...]
    sources: tuple[Citation, ...]
    origin: str = ""
