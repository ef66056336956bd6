"""What the deliveries on record do to a claim that somebody supplied an object. Never more than consistent with it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from roundel.catalogue.model import Row
from roundel.claims.model import Verdict
from roundel.claims.provenance.origins import TypeEvidence, clash
from roundel.claims.provenance.register import (
    Register,
    ancestors,
    rows_of,
    span_of,
    supplier_name,
    with_article,
    years_words,
)
from roundel.claims.provenance.shares import Range, Shares, SupplierSettings, delivered, deliveries, shares_by_type
from roundel.words import capital, listed

SETTLED = 0.2
"""Types are settled if less than this is ``other`` or ``unknown``."""

HELD = 0.8
"""Least probability of the types for which neither the actor nor a predecessor may be listed, for a contradiction."""

LITTLE = 0.1
"""A contradiction needs a share of the actor and its predecessors below this, and of the unlisted given those types."""


@dataclass(frozen=True, slots=True)
class DeliveryYears:
    """First and last year in which a state delivered a type, up to the footage; ``None`` where no row has a year."""

    supplier: str
    type: str
    years: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class SupplierJudgement:
    """What follows for a claim about a supplier.

    ``own``: share of the actor named in the claim; ``loose``: together with the states that it succeeded; ``unlisted``:
    share of suppliers that no row names, an upper bound for each of them. ``None`` where nothing was reckoned.
    ``years``: deliveries of the actor and of its predecessors. ``rows``: the deliveries that were counted.
    """

    outcome: Verdict
    text: str
    alternatives: tuple[str, ...]
    looser: str = ""
    """What speaks for the claim if the actor's predecessors are meant as well; empty if nothing does."""
    own: Range | None = None
    loose: Range | None = None
    unlisted: Range | None = None
    years: tuple[DeliveryYears, ...] = ()
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class _Case:
    """All that one judgement needs."""

    evidence: TypeEvidence
    holder: str
    actor: str
    at: date
    register: Register
    rows: Mapping[str, tuple[Row, ...]]
    settings: SupplierSettings
    shares: Shares

    def name(self, code: str) -> str:
        return supplier_name(self.register, code, self.all_rows(), self.at)

    def all_rows(self) -> tuple[Row, ...]:
        return deliveries(row for group in self.rows.values() for row in group)

    def earlier(self) -> tuple[str, ...]:
        """States that the actor succeeded and that are listed."""
        return tuple(code for code in ancestors(self.register, self.actor) if code in self.shares.suppliers)

    def years(self, codes: Sequence[str]) -> tuple[DeliveryYears, ...]:
        found = []
        for code in codes:
            for name in self.evidence.named():
                mine = [row for row in self.rows.get(name, ()) if row.supplier == code]
                if mine:
                    found.append(DeliveryYears(code, name, span_of(mine, self.at.year)))
        return tuple(found)

    def types(self) -> str:
        return listed([self.register.node_title(name) for name in self.evidence.named()])

    def holder_name(self) -> str:
        return with_article(self.register.state_name(self.holder, self.at))


def deliveries_by_type(
    types: Mapping[str, float], holder: str, at: date, register: Register
) -> dict[str, tuple[Row, ...]]:
    """The deliveries of each type to a holder that came before a day, or may have."""

    def find(node: str) -> Sequence[Row]:
        return register.deliveries(node, holder)

    return {name: delivered(rows_of(register, name, find), at) for name in sorted(types)}


def judge_supplier(
    evidence: TypeEvidence,
    holder: str | None,
    actor: str,
    at: date,
    register: Register,
    settings: SupplierSettings | None = None,
) -> SupplierJudgement:
    """Hold a claim "supplied by ``actor``" against the deliveries on record up to the day of the footage.

    ``holder``: who held the object before, if that is settled by evidence other than its type (``settled_holder``).

    * consistent_with: the actor itself is listed as a supplier of a type it may be;
    * weakens: only a state that it succeeded is;
    * contradicts: neither is, for types that are settled and of which the register lists so many deliveries that little
      is left for suppliers it may lack;
    * not_addressed: everything else.
    """
    refusal = _refusal(evidence, holder, register)
    if refusal or holder is None:
        return SupplierJudgement(Verdict.NOT_ADDRESSED, refusal, _OPEN)
    named = evidence.named()
    rows = deliveries_by_type(named, holder, at, register)
    choices = settings or SupplierSettings()
    shares = shares_by_type(evidence.types, rows, at, choices)
    case = _Case(evidence, holder, actor, at, register, rows, choices, shares)
    own, loose = case.shares.together([actor]), case.shares.together([actor, *ancestors(register, actor)])
    if own.high > 0:
        outcome, text = Verdict.CONSISTENT_WITH, _consistent(case, own)
    elif _contradicted(case, loose):
        outcome, text = Verdict.CONTRADICTS, _contradicts(case, loose)
    elif loose.high > 0:
        outcome, text = Verdict.WEAKENS, f"As worded, the claim is not supported: {_not_listed(case)}"
    else:
        outcome, text = Verdict.NOT_ADDRESSED, _unlisted(case)
    years = case.years([actor, *case.earlier()])
    return SupplierJudgement(
        outcome,
        text,
        _alternatives(case),
        _looser(case, loose) if outcome is Verdict.WEAKENS else "",
        own,
        loose,
        case.shares.unlisted,
        years,
        case.all_rows(),
    )


_OPEN = ("Equipment of this kind may have been inherited, captured, passed on or built under licence.",)


def _refusal(evidence: TypeEvidence, holder: str | None, register: Register) -> str:
    """Why deliveries say nothing about this object; empty if they do."""
    if holder is None:
        return "Who held the object before is not settled by evidence other than its type, so its supplier stays open."
    if not evidence.informative():
        return "The footage adds nothing to what would be assumed of the type without it, so the supplier stays open."
    if not evidence.named():
        return "The type is not determined, so the supplier stays open."
    if clash(evidence.types, register):
        return "Types of different design origin are too close to be told apart, so the supplier stays open."
    return ""


def _contradicted(case: _Case, loose: Range) -> bool:
    """Whether the register is firm enough on settled types that an actor it does not list is spoken against."""
    mine = {case.actor, *ancestors(case.register, case.actor)}
    without = {
        name: chance
        for name, chance in case.evidence.named().items()
        if case.rows[name] and not any(row.supplier in mine for row in case.rows[name])
    }
    held = math.fsum(without.values())
    if loose.high >= LITTLE or held < HELD or case.evidence.undetermined() >= SETTLED:
        return False
    alone = shares_by_type({name: chance / held for name, chance in without.items()}, case.rows, case.at, case.settings)
    return alone.unlisted.high < LITTLE


def _consistent(case: _Case, own: Range) -> str:
    years = _years_of(case, [case.actor])
    mine = [row for row in case.all_rows() if row.supplier == case.actor]
    doubts = []
    if all(row.hedged for row in mine):
        doubts.append("the register's source is unsure of this delivery")
    if own.low == 0:
        doubts.append("it may have come after the footage or may not count")
    doubt = f" ({listed(doubts)})" if doubts else ""
    return (
        f"{capital(case.name(case.actor))} is one of the suppliers to {case.holder_name()} that the register lists "
        f"up to {case.at.year}: {years}{doubt}. Going by the numbers delivered, its share is {own.words()} "
        "for each object; the same equipment may as well have come from another supplier."
    )


def _looser(case: _Case, loose: Range) -> str:
    earlier = case.earlier()
    names = listed([case.name(code) for code in earlier])
    return (
        f"In a looser sense, deliveries by {names}, which {case.name(case.actor)} succeeded, are on record: "
        f"{_years_of(case, earlier)}. Going by the numbers delivered, their share is {loose.words()} for each object."
    )


def _contradicts(case: _Case, loose: Range) -> str:
    states = ancestors(case.register, case.actor)
    actor = case.name(case.actor)
    rest = f" Nor does it list a state that {actor} succeeded, for the types that it most likely is." if states else ""
    share = f" For less likely types, the share of those states is {loose.words()}." if loose.high > 0 else ""
    return f"The register speaks against the claim: {_not_listed(case)}{rest}{share}"


def _unlisted(case: _Case) -> str:
    return f"{capital(_not_listed(case))} That does not settle the matter."


def _not_listed(case: _Case) -> str:
    """Not in the register: said as such, with the share that remains possible."""
    return (
        f"{case.name(case.actor)} is not in the register as a supplier of {case.types()} to {case.holder_name()} up to "
        f"{case.at.year}. The register is not complete: for suppliers that it does not list "
        f"{case.shares.unlisted.at_most()} are assumed."
    )


def _alternatives(case: _Case) -> tuple[str, ...]:
    others = [
        f"Supplied by {case.name(code)} ({_years_of(case, [code])}): share {span.words()}."
        for code, span in case.shares.suppliers.items()
        if code != case.actor
    ]
    missing = f"Supplied by a state that the register does not list: {case.shares.unlisted.at_most()}."
    return (*others, missing)


def _years_of(case: _Case, codes: Sequence[str]) -> str:
    """Years of delivery by type, the most probable type first."""
    found: dict[str, list[Row]] = {}
    for name in case.evidence.named():
        mine = [row for row in case.rows[name] if row.supplier in codes]
        if mine:
            found[name] = mine
    return "; ".join(
        f"{case.register.node_title(name)} {years_words(span_of(rows, case.at.year))}" for name, rows in found.items()
    )
