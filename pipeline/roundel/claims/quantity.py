"""How many: the parts of a claim that its quantifier asks for, and what it does to the other parts.

A number of what is visible has a lower part (so many are proven) and an upper part (no more can be there). Where more
is said of the objects than that they are visible, it is the number of those of which that is true: nothing limits it.
"""

from __future__ import annotations

from dataclasses import replace

from roundel.claims.absence import no_more_than, not_so_many
from roundel.claims.model import Claim, Level, Quantifier, Subject, Verdict
from roundel.claims.parts import Part, at_best, is_for, turned
from roundel.claims.subject import Wanted
from roundel.claims.visible import at_least

HARDWARE = ("aircraft", "armoured_vehicle", "missile", "warship")
"""What "everything shown" speaks of."""
NO_LIMIT = "How many there are of which it is not true was not looked at, so a number is not limited."
_DENIED = {
    Verdict.SHOWS: Verdict.CONTRADICTS,
    Verdict.SUPPORTS: Verdict.CONTRADICTS,
    Verdict.CONSISTENT_WITH: Verdict.WEAKENS,
}


def of_visible(wanted: Wanted) -> list[Part]:
    """The parts of a claim that says no more than how many are visible."""
    given: Quantifier = wanted.claim.quantifier
    low, high = given.low or 0, given.high
    if given.kind == "no":
        return [no_more_than(wanted, 0)]
    if given.kind == "at_most":
        return [no_more_than(wanted, high or 0)]
    if given.kind == "exactly":
        return [_lower(wanted, low), no_more_than(wanted, low)]
    if given.kind == "between":
        return [_lower(wanted, low), no_more_than(wanted, high or low)]
    if given.kind == "all":
        rest = replace(wanted.claim, subject=Subject(HARDWARE))
        others = Wanted(rest, Level.CATEGORY, wanted.view, wanted.claim.subject)
        return [at_least(wanted, 1), no_more_than(others, 0)]
    return [_lower(wanted, max(1, low))]


def of_objects(wanted: Wanted) -> list[Part]:
    """The part "so many are visible" of a claim that says more of them."""
    given = wanted.claim.quantifier
    return [] if given.kind in {"no", "at_most"} else [at_least(wanted, max(1, given.low or 1))]


def _lower(wanted: Wanted, low: int) -> Part:
    part, less = at_least(wanted, low), not_so_many(wanted, low)
    if less is None or part.verdict not in {Verdict.NOT_ADDRESSED, Verdict.CONSISTENT_WITH}:
        return part
    return replace(part, verdict=Verdict.WEAKENS, evidence=(*part.evidence, less), not_addressed=())


def of_which_true(claim: Claim, part: Part) -> Part:
    """What is found of one object, as the quantifier takes it."""
    given = claim.quantifier
    if given.kind == "no":
        return denied(part)
    if given.kind in {"exactly", "at_most", "between", "all"} and is_for(part.verdict):
        return replace(part, verdict=Verdict.CANNOT_BE_ASSESSED, not_addressed=(*part.not_addressed, NO_LIMIT))
    if (given.low or 1) > 1:
        return replace(part, verdict=at_best(part.verdict, Verdict.CONSISTENT_WITH))
    return part


def denied(part: Part) -> Part:
    """The part that something is true of no object, from the part that it is true of some."""
    carried = any(item.direction == "for" for item in part.evidence)
    verdict = _DENIED.get(part.verdict, Verdict.CANNOT_BE_ASSESSED) if carried else Verdict.CANNOT_BE_ASSESSED
    open_ = part.not_addressed if verdict is not Verdict.CANNOT_BE_ASSESSED else (*part.not_addressed, NO_LIMIT)
    return replace(part, verdict=verdict, evidence=tuple(map(turned, part.evidence)), not_addressed=open_)
