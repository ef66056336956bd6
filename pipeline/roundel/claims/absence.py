"""No more than so many: not detecting something is never "no".

A claim that limits a number needs a person's statement that the footage covers the whole of what is counted, and the
recall of the detector on such footage. With both, missing one more object has a probability of at most 1 - recall, and
the ratio that can be stated is one over the upper bound of that.
"""

from __future__ import annotations

from dataclasses import replace

from roundel.claims.counting import lower_bound, most
from roundel.claims.machine import LEAST_RATIO
from roundel.claims.model import Evidence, Step, Verdict
from roundel.claims.parts import Part, turned
from roundel.claims.subject import Wanted
from roundel.claims.visible import at_least
from roundel.claims.wording import NO_STRENGTH, Strength, hit_bound
from roundel.words import clock, counted

REFUTING = 0.95
REFUTING_RATIO = 10.0
POSSIBLE = 0.1
"""Sightings at least this likely to be of the subject count towards its upper bound."""
NO_COVERAGE = (
    "A number is limited only if somebody states that the footage shows the whole of what is counted, and what share "
    "of such objects the detector finds. Not detecting something is never “no”."
)


def _no_more_than(wanted: Wanted, limit: int) -> Part:
    more = at_least(wanted, limit + 1)
    evidence = tuple(turned(item) for item in more.evidence if item.rule != "wider-class")
    against = [item for item in evidence if item.direction == "against"]
    bound = lower_bound(wanted.view, wanted.chance)
    sure = bound.tail(limit + 1) >= REFUTING and more.strength.ratio >= REFUTING_RATIO
    if more.verdict is Verdict.SHOWS or (more.verdict is Verdict.SUPPORTS and sure):
        return Part("limit", Verdict.CONTRADICTS, evidence, more.steps, people=more.people)
    if against and more.verdict in {Verdict.SUPPORTS, Verdict.CONSISTENT_WITH}:
        return Part("limit", Verdict.WEAKENS, evidence, more.steps, people=more.people)
    return _limited(wanted, limit, evidence)


def no_more_than(wanted: Wanted, limit: int) -> Part:
    """The part "no more than so many" of a claim."""
    number = f"no more than {wanted.number(limit)}" if limit else f"no {wanted.title}"
    return replace(_no_more_than(wanted, limit), about=number)


def not_so_many(wanted: Wanted, least: int) -> Evidence | None:
    """What a stated coverage and recall say against at least so many, if they say anything."""
    if wanted.claim.coverage is None or wanted.claim.recall is None:
        return None
    limit = no_more_than(wanted, least - 1)
    held = next((item for item in limit.evidence if item.rule == "upper-bound"), None)
    return turned(held) if limit.verdict is Verdict.SUPPORTS and held else None


def _limited(wanted: Wanted, limit: int, evidence: tuple[Evidence, ...]) -> Part:
    claim, view = wanted.claim, wanted.view
    if claim.coverage is None or claim.recall is None or not view.footage:
        return Part(
            "limit",
            Verdict.CANNOT_BE_ASSESSED,
            evidence,
            (Step("coverage", NO_COVERAGE),),
            not_addressed=(NO_COVERAGE,),
            would_change=("a statement of coverage and a recall measured on such footage, in the claim file",),
        )
    found = most(view, wanted.possible, POSSIBLE)
    gaps = [f"{clock(since)} to {clock(to)} is missing" for item in view.footage for since, to in item.missing]
    gaps += [f"a video could not be analysed: {item.failed}" for item in view.footage if item.failed]
    brief = sum(item.brief for item in view.footage)
    lower = hit_bound(claim.recall.found, claim.recall.objects)
    ratio = 1 / max(1e-6, 1 - lower)
    step = Step(
        "coverage",
        f"{claim.coverage.who} states: {claim.coverage.text} Recall: {claim.recall.found} of {claim.recall.objects} "
        f"({claim.recall.source}), at least {lower:.2f} with 95 % confidence. {counted(found, 'sighting')} may be one.",
        {"upper": found, "limit": limit, "recall_bound": round(lower, 4), "ratio": round(ratio, 2), "brief": brief},
    )
    seen = Evidence(
        "for",
        "upper-bound",
        f"No more than {counted(found, 'sighting')} may be {wanted.title}."
        if found
        else f"No sighting may be {wanted.one()}.",
        "video",
        numbers={"upper": found},
    )
    open_ = tuple(gaps) + ((f"{counted(brief, 'possible object')} seen too briefly to be listed.",) if brief else ())
    if gaps:
        missing = Evidence("against", "missing-ranges", f"Not the whole was examined: {'; '.join(gaps)}.", "file")
        return Part("limit", Verdict.CANNOT_BE_ASSESSED, (*evidence, missing), (step,), not_addressed=open_)
    held = Strength(ratio, ratio, claim.recall.objects)
    if found > limit or brief or ratio < LEAST_RATIO:
        weak = (seen,) if found <= limit else ()
        return Part("limit", Verdict.CONSISTENT_WITH, (*evidence, *weak), (step,), not_addressed=open_)
    strong = replace(seen, ratio=ratio, words=held.words)
    return Part("limit", Verdict.SUPPORTS, (*evidence, strong), (step,), strength=held or NO_STRENGTH)
