"""Whether at least so many objects of a subject are visible: the program's, people's and reported evidence together."""

from __future__ import annotations

from roundel.claims.counting import lower_bound
from roundel.claims.machine import counted_by_machine, splits
from roundel.claims.model import Level, Step, Verdict
from roundel.claims.parts import Part, is_for
from roundel.claims.people import said_by
from roundel.claims.subject import Wanted
from roundel.claims.witnesses import (
    confirming,
    fewer,
    rejection_evidence,
    rejections,
    reported,
    seen,
    separating_parts,
    without,
)
from roundel.claims.wording import NO_STRENGTH


def at_least(wanted: Wanted, least: int) -> Part:
    """The part "at least so many are visible" of a claim."""
    rejected = rejections(wanted)
    view = without(wanted.view, rejected)
    below, deniers = fewer(wanted, least)
    against = rejection_evidence(wanted, rejected) + below + splits(wanted, view)
    machine = counted_by_machine(wanted, least, view)
    by_people = seen(wanted, least, wanted.view)
    reports = reported(wanted, least)
    confirmed = confirming(wanted, least, view)
    lost = rejected and len(lower_bound(wanted.view, wanted.class_chance)) >= least > len(
        lower_bound(view, wanted.possible)
    )
    for_it = [item for item in reports if item.direction == "for"]
    if lost and not by_people:
        verdict = Verdict.WEAKENS
    elif confirmed:
        verdict = Verdict.SHOWS
    elif by_people:
        verdict = Verdict.SUPPORTS
    elif machine.verdict is Verdict.NOT_ADDRESSED and for_it:
        verdict = Verdict.CONSISTENT_WITH
    else:
        verdict = machine.verdict
    if verdict is Verdict.NOT_ADDRESSED and (below or len(for_it) < len(reports)):
        verdict = Verdict.CONTRADICTS if deniers else Verdict.WEAKENS
    parts = separating_parts(wanted) if wanted.level in {Level.FAMILY, Level.VARIANT} else []
    untold = wanted.level is Level.VARIANT and not parts
    if (against or untold) and verdict in {Verdict.SHOWS, Verdict.SUPPORTS}:
        verdict = Verdict.CONSISTENT_WITH
    bound = lower_bound(view, wanted.chance)
    counted = (
        f"Needed: at least {wanted.number(least)}. Different objects that the footage proves, each more likely than "
        f"not: {len(bound)}."
    )
    step = Step(
        "count",
        counted if view.footage else "No footage was examined, so nothing was counted in it.",
        {"needed": least, "proven": len(bound), "probability": round(bound.tail(least), 4), "people": len(confirmed)}
        if view.footage
        else {"needed": least, "people": len(confirmed)},
    )
    open_ = []
    if verdict is Verdict.NOT_ADDRESSED:
        open_.append(
            f"No {wanted.title} was found with enough weight. Not detecting something is never “no”."
            if view.footage
            else f"No footage was examined, and no finding of a person speaks of {wanted.one()}."
        )
    if untold and is_for(verdict):
        open_.append("Nobody found the part by which the variants differ, so the variant is not settled.")
    people = confirmed or said_by(
        [item for item in wanted.view.of_kind("sighting", "confirmation", "type") if item.basis == "seen"]
    )
    return Part(
        "visible",
        verdict,
        (*by_people, *parts, *machine.evidence, *reports, *against),
        (step, *machine.steps),
        not_addressed=tuple(open_),
        strength=machine.strength if machine.verdict is Verdict.SUPPORTS else NO_STRENGTH,
        people=tuple(people) if by_people or confirmed else (),
        about=f"at least {wanted.number(least)}",
    )
