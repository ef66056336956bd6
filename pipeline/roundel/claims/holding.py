"""Who made, holds or supplied the objects of a claim: what their types, the records and people's findings allow.

Nothing here goes beyond ``consistent_with``: footage cannot carry these rungs of the ladder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from roundel.claims.beliefs import Belief, beliefs
from roundel.claims.ladder import BEYOND, LOOSER
from roundel.claims.model import Claim, Direction, Evidence, Exhibit, Finding, Level, Step, Verdict
from roundel.claims.parts import ORDER, Part, is_for, worst
from roundel.claims.people import by_person, opposed, said_by, span
from roundel.claims.provenance.holders import settled_holder
from roundel.claims.provenance.judgement import judge_supplier
from roundel.claims.scene import View, overlaps
from roundel.words import listed

HELD = 0.8
"""A type is settled from this probability on."""
NO_DAY = (
    "Neither the claim nor a finding says when it was filmed, so no deliveries up to that day can be looked up, and "
    "nothing is said about a supplier."
)
A_DAY = "the day or year of filming, in the claim's scope or as a finding"


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict on one belief about the types of some objects."""

    verdict: Verdict
    count: int
    evidence: tuple[Evidence, ...]
    alternatives: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()


def day_of(claim: Claim, view: View) -> date | None:
    """The last day on which the footage can have been filmed or published, as far as anybody says."""
    spans = [claim.scope.when, *(item.when for item in view.of_kind("date", "published", "earlier_copy")), claim.said]
    days = [span.last or span.first for span in spans if span is not None]
    return next((day for day in days if day is not None), None)


def made_in(claim: Claim, view: View) -> Part:
    """The relation manufactured_in: whether the producers on record of what is seen include the state."""
    state = claim.relation.actor or ""
    name = view.catalogue.state_name(state, None)

    def judge(belief: Belief) -> Judged:
        shares = belief.evidence.named()
        made = sum(share for one, share in shares.items() if state in _producers(one, view))
        listed_share = sum(share for one, share in shares.items() if _producers(one, view))
        others = sorted({code for one in shares for code in _producers(one, view) if code != state})
        titles = listed([view.catalogue.node_title(one) for one in list(shares)[:3]], "or") or "unknown"
        typed = f"The type is {titles}, {belief.label}"
        numbers = {"producer_share": round(made, 3), "with_producers_on_record": round(listed_share, 3)}
        exhibits = belief.evidence.exhibits
        names = tuple(f"It was built in {view.catalogue.state_name(code, None)}, another producer." for code in others)
        if made >= 0.5:
            text = f"{typed}; {name} is among the states that built it."
            good = Evidence("for", "producer-on-record", text, "catalogue", exhibits=exhibits, numbers=numbers)
            return Judged(Verdict.CONSISTENT_WITH, belief.count, (good,), names)
        if listed_share >= HELD and made == 0:
            text = f"{typed}; no source in the catalogue names {name} among those that built it."
            bad = Evidence("against", "no-producer-on-record", text, "catalogue", exhibits=exhibits, numbers=numbers)
            return Judged(Verdict.WEAKENS, belief.count, (bad,), names)
        return Judged(Verdict.NOT_ADDRESSED, belief.count, (), names)

    marks = view.of_kind("manufacture")
    same = [item for item in marks if item.actor == state]
    other = [item for item in marks if item.actor != state]
    return _with_findings(
        "manufacture", claim, view, judge, same, other, "found marks or records of manufacture in", Level.MANUFACTURE
    )


def held_by(claim: Claim, view: View) -> Part:
    """The relation operated_by: what people found about the holder, and captures on record."""
    actor = claim.relation.actor or ""
    name = view.catalogue.state_name(actor, None)
    at, day = claim.scope.when, day_of(claim, view)

    def judge(belief: Belief) -> Judged:
        rows = [
            row
            for one, share in belief.evidence.named().items()
            if share >= 0.5
            for row in view.catalogue.rows
            if row.type == one and row.relation in {"captured", "operator"} and row.recipient == actor
            if day is None or row.first_year is None or row.first_year <= day.year
        ]
        evidence = tuple(
            Evidence(
                "for",
                "holding-on-record",
                f"{name} is on record as holding {row.designation}{f' ({row.first_year})' if row.first_year else ''}.",
                "register",
                exhibits=(Exhibit(view.catalogue.cite(row.sources)),),
            )
            for row in rows[:3]
        )
        return Judged(Verdict.CONSISTENT_WITH if rows else Verdict.NOT_ADDRESSED, belief.count, evidence)

    holders = [item for item in view.of_kind("holder") if overlaps(item.when, at) is not False]
    same = [item for item in holders if item.actor == actor]
    other = [item for item in holders if item.actor != actor]
    return _with_findings("holder", claim, view, judge, same, other, "names as holder", Level.OPERATOR)


def supplied_by(claim: Claim, view: View) -> Part:
    """The relation supplied_by: the deliveries on record to the previous holder, if that one is settled by people."""
    actor = claim.relation.actor or ""
    before = view.of_kind("previous_holder")
    settled = settled_holder(before)
    holder = settled.actor if settled else None
    day = day_of(claim, view)
    level = Level.TRANSFER_DATE if claim.relation.when is not None else Level.SUPPLIER

    def judge(belief: Belief) -> Judged:
        if holder is None or day is None:
            return Judged(Verdict.NOT_ADDRESSED, belief.count, ())
        judged = judge_supplier(belief.evidence, holder, actor, day, view.catalogue)
        if judged.outcome is Verdict.NOT_ADDRESSED:
            return Judged(judged.outcome, belief.count, (), judged.alternatives)
        exhibits = (*(Exhibit(item.source or item.id) for item in before), *belief.evidence.exhibits)
        numbers = {
            "own_low": round(judged.own.low, 3) if judged.own else 0.0,
            "own_high": round(judged.own.high, 3) if judged.own else 0.0,
            "with_predecessors_low": round(judged.loose.low, 3) if judged.loose else 0.0,
            "with_predecessors_high": round(judged.loose.high, 3) if judged.loose else 0.0,
            "unlisted_high": round(judged.unlisted.high, 3) if judged.unlisted else 0.0,
        }
        verdict, said = judged.outcome, judged.text
        if level is Level.TRANSFER_DATE and is_for(verdict):
            timely = any(overlaps_years(entry.years, claim) for entry in judged.years if entry.supplier == actor)
            if not timely:
                verdict, said = Verdict.WEAKENS, f"{said} None of these deliveries falls in the time that is claimed."
        direction: Direction = "for" if is_for(verdict) else "against"
        item = Evidence(direction, "deliveries-on-record", said, "register", exhibits=exhibits, numbers=numbers)
        found = [item]
        if judged.looser:
            found.append(replace(item, direction="for", rule=LOOSER, text=judged.looser))
        step = Step("supplier", f"Types {belief.label}; previous holder as people found: {judged.text}", numbers)
        return Judged(verdict, belief.count, tuple(found), judged.alternatives, (step,))

    records = view.of_kind("supply")
    same = [item for item in records if item.actor == actor]
    other = [item for item in records if item.actor != actor]
    part = _with_findings("supplier", claim, view, judge, same, other, "names as supplier", level)
    if holder is not None and day is None:
        return replace(part, not_addressed=(NO_DAY, *part.not_addressed), would_change=(*part.would_change, A_DAY))
    if holder is None:
        open_ = (
            "Who held it before is not settled by anything but its type, so nothing is said about a supplier."
            if not before
            else "What people say of the previous holder does not settle it, so nothing is said about a supplier."
        )
        return replace(part, not_addressed=(open_, *part.not_addressed))
    return part


def overlaps_years(years: tuple[int, int] | None, claim: Claim) -> bool:
    """Whether years of delivery touch the time that a claim states."""
    when = claim.relation.when
    if years is None or when is None:
        return False
    first = when.first.year if when.first else years[0]
    last = when.last.year if when.last else years[1]
    return first <= years[1] and years[0] <= last


def _with_findings(
    name: str,
    claim: Claim,
    view: View,
    judge: Callable[[Belief], Judged],
    same: Sequence[Finding],
    other: Sequence[Finding],
    phrase: str,
    level: Level,
) -> Part:
    """The verdicts on all beliefs and people's findings, as the claim's quantifier asks."""
    judged = [judge(belief) for belief in beliefs(view, claim.subject.nodes)]
    catalogue = view.catalogue
    evidence = [item for one in judged for item in one.evidence]
    for finding, direction in [*((item, "for") for item in same), *((item, "against") for item in other)]:
        who = catalogue.state_name(finding.actor or "", finding.when.first if finding.when else None)
        when = f", {span(finding)}" if finding.when else ""
        text = f"{finding.who} {phrase} {who}{when} ({finding.source or finding.note or 'from the footage'})."
        evidence.append(by_person("for" if direction == "for" else "against", f"{name}-found", text, finding))
    verdict = quantified(claim, judged)
    if other and not same:
        verdict = worst([verdict, _against_all(claim, view, other)])
    elif other:
        verdict = worst([verdict, Verdict.NOT_ADDRESSED])
    elif verdict is Verdict.WEAKENS and len(said_by([item for item in same if item.basis != "reported"])) > 1:
        verdict = Verdict.CONSISTENT_WITH
    elif same and ORDER.index(verdict) <= ORDER.index(Verdict.CANNOT_BE_ASSESSED):
        verdict = Verdict.CONSISTENT_WITH if claim.quantifier.kind in {"some", "at_least"} else verdict
    return Part(
        name,
        verdict,
        tuple(evidence),
        tuple(step for one in judged for step in one.steps),
        tuple(dict.fromkeys(text for one in judged for text in one.alternatives)),
        (BEYOND[level],) if level in BEYOND else (),
        people=said_by(same),
    )


def _against_all(claim: Claim, view: View, other: Sequence[Finding]) -> Verdict:
    """What findings that name somebody else are worth: that one type is another's leaves open who has the rest."""
    tree, nodes = view.catalogue, claim.subject.nodes
    if claim.quantifier.kind == "all":
        return opposed(other)
    whole = [
        item
        for item in other
        if not item.nodes or all(any(tree.is_a(node, one) for one in item.nodes) for node in nodes)
    ]
    return worst([Verdict.WEAKENS, opposed(whole)])


def quantified(claim: Claim, judged: Sequence[Judged]) -> Verdict:
    """What the verdicts on single objects make of a claim about so many of them.

    ``some`` and ``at_least`` need so many objects; ``all`` is refuted by one, and needs a statement of coverage and a
    recall to be more; the others limit a number, which nothing here can do.
    """
    if not judged:
        return Verdict.NOT_ADDRESSED
    kind, low = claim.quantifier.kind, claim.quantifier.low
    if kind == "all":
        found = worst([one.verdict for one in judged])
        stated = claim.coverage is not None and claim.recall is not None
        return Verdict.CANNOT_BE_ASSESSED if is_for(found) and not stated else found
    if kind in {"some", "at_least"}:
        needed = low or 1
        for verdict in ORDER:
            reached = sum(one.count for one in judged if ORDER.index(one.verdict) <= ORDER.index(verdict))
            if reached >= needed:
                return verdict
        return worst([one.verdict for one in judged if not is_for(one.verdict)] or [Verdict.NOT_ADDRESSED])
    return Verdict.CANNOT_BE_ASSESSED


def _producers(type_id: str, view: View) -> set[str]:
    return {fact.value for fact in view.catalogue.producers(type_id) if view.catalogue.printable(fact)}
