"""What the program saw of a claim's subject, how probable that is, and how strongly it may be said."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from roundel.calibration import OperatingPoint
from roundel.claims.counting import Bound, lower_bound
from roundel.claims.model import Evidence, Level, Step, Verdict
from roundel.claims.parts import Part
from roundel.claims.scene import Sighting, View
from roundel.claims.subject import Wanted
from roundel.claims.type_shares import OUTSIDE
from roundel.claims.wording import EVEN, NO_STRENGTH, grouped, strength
from roundel.words import clock, counted, listed, plural, share

SUPPORTING = 0.8
"""From this probability on the program's count may support a claim."""
LEAST_RATIO = 2.0
"""Below it the scale has no words of support."""
SPLIT = 0.2
"""Types of which two are closer than this are not told apart."""
POSSIBLE = 0.05
ANYTHING = {"equipment", "object"}


def counted_by_machine(wanted: Wanted, least: int, view: View) -> Part:
    """At least so many, by the program: of the subject itself, or of a wider class if it cannot tell the subject."""
    bound = lower_bound(view, wanted.chance)
    if len(bound) < least or bound.tail(least) <= EVEN or _untold(wanted):
        return _wider(wanted, least, view)
    chance = bound.tail(least)
    members = bound.weakest(least)
    calibrated = all(sighting.calibrated for sighting in bound.group)
    found = wanted.found_types()
    typed = wanted.level >= Level.FAMILY and any(sighting.key in found for sighting, _ in members)
    strengths = [strength(p, _points(wanted, sighting, typed)) for sighting, p in members]
    held = grouped(chance, strengths) if calibrated else NO_STRENGTH
    enough = calibrated and chance >= SUPPORTING and held.ratio >= LEAST_RATIO
    stated = (
        f"the probability of at least {least} is {share(chance)}"
        if calibrated
        else "its scores are not calibrated, so they are no probabilities"
    )
    evidence = Evidence(
        "for",
        "typed-by-a-person" if typed else "counted",
        f"The program saw {_shown(wanted, bound)}{', typed by a person' if typed else ''}; {stated}.",
        "finding" if typed else "video",
        held.ratio if held.ratio > 1 else None,
        held.words if held.ratio > 1 else "",
        bound.exhibits,
        {"probability": round(chance, 4), "objects": len(bound), "negative_clips": held.clips},
    )
    step = Step(
        "words",
        f"Likelihood ratio {held.ratio:.1f}; the validation allows no more than {held.cap:.1f} ({held.clips} clips "
        "without one).",
        {"ratio": round(held.ratio, 2), "cap": round(held.cap, 2), "negative_clips": held.clips},
    )
    return Part("machine", Verdict.SUPPORTS if enough else Verdict.CONSISTENT_WITH, (evidence,), (step,), strength=held)


def _untold(wanted: Wanted) -> bool:
    """Whether the subject is a class that the detector has but no evaluation has earned."""
    tree, nodes = wanted.view.catalogue, wanted.claim.subject.nodes
    return not wanted.besides and any(tree.detector_nodes(node) and not wanted.view.tells(node) for node in nodes)


def _points(wanted: Wanted, sighting: Sighting, typed: bool) -> Sequence[OperatingPoint]:
    """What was measured for calling a sighting what the claim's subject is.

    Types are validated by sources of pictures, which are few: an error is shared by all pictures of a source.
    """
    tree = wanted.view.catalogue
    if wanted.level < Level.FAMILY or typed:
        for node in (*wanted.claim.subject.nodes, *tree.lineage(sighting.named)):
            points = wanted.view.points(sighting.video, node)
            if points and (typed or any(tree.is_a(node, one) for one in wanted.claim.subject.nodes)):
                return points
        return ()
    sources = next((item.type_sources for item in wanted.view.footage if item.sha256 == sighting.video), 0)
    return (OperatingPoint(EVEN, sources, sources, 0, sources),) if sources else ()


def _wider(wanted: Wanted, least: int, view: View) -> Part:
    """What speaks for it where the program can tell only a wider class."""
    nothing = Part("machine", Verdict.NOT_ADDRESSED)
    if wanted.besides:
        return nothing
    if wanted.claim.subject.design_origin:
        return _shared(wanted, least, view) or nothing
    tree = view.catalogue
    for node in wanted.claim.subject.nodes:
        told = [one for one in tree.lineage(node)[1:] if view.tells(one) and one not in ANYTHING]
        if view.tells(node) or not told:
            continue
        bound = lower_bound(view, partial(_may_be, wanted=wanted, wider=told[0]))
        if len(bound) >= least and bound.tail(least) > EVEN:
            text = (
                f"The program saw at least {counted(least, tree.node_title(told[0]))}; it cannot tell whether "
                f"{f'it is {wanted.one()}' if least == 1 else f'they are {plural(wanted.title)}'}."
            )
            return Part(
                "machine",
                Verdict.CONSISTENT_WITH,
                (Evidence("for", "wider-class", text, "video", exhibits=bound.exhibits),),
            )
    return nothing


def _shared(wanted: Wanted, least: int, view: View) -> Part | None:
    """What speaks for a design of a state where the design is one that several states share."""
    origin, tree = wanted.claim.subject.design_origin or "", wanted.view.catalogue

    def partly(sighting: Sighting) -> float:
        types = {name: part for name, part in wanted.types_of(sighting).items() if name not in OUTSIDE}
        return sighting.chance("object", tree) * sum(
            part for name, part in types.items() if origin in tree.origins(name) and not wanted.excludes(name)
        )

    bound = lower_bound(view, partly)
    if len(bound) < least or bound.tail(least) <= EVEN:
        return None
    found = wanted.found_types()
    names = sorted(
        {
            tree.node_title(name)
            for one in bound.group
            for name, part in wanted.types_of(one).items()
            if name not in OUTSIDE and part > POSSIBLE and 0 < tree.origins(name).get(origin, 0.0) < 1
        }
    )
    by_people = any(one.key in found for one in bound.group)
    text = (
        f"What is seen may be {listed(names, 'or')}, a design that {tree.state_name(origin, None)} shares with others."
    )
    evidence = Evidence("for", "design-shared", text, "finding" if by_people else "video", exhibits=bound.exhibits)
    return Part("machine", Verdict.CONSISTENT_WITH, (evidence,))


def _may_be(sighting: Sighting, wanted: Wanted, wider: str) -> float:
    """P(of the wider class) unless its type, by machine or people, says that it is something else."""
    return 0.0 if wanted.possible(sighting) <= EVEN else sighting.chance(wider, wanted.view.catalogue)


def splits(wanted: Wanted, view: View) -> list[Evidence]:
    """Sightings whose type is not told from one outside the subject."""
    if wanted.level < Level.FAMILY or wanted.level is Level.INDIVIDUAL:
        return []
    found = []
    tree = view.catalogue
    for sighting in lower_bound(view, wanted.chance).group:
        types = {name: part for name, part in wanted.types_of(sighting).items() if name not in OUTSIDE}
        inside = max(((part, name) for name, part in types.items() if wanted.is_subject(name)), default=None)
        outside = max(((part, name) for name, part in types.items() if not wanted.is_subject(name)), default=None)
        if inside and outside and inside[0] - outside[0] < SPLIT and outside[0] > POSSIBLE:
            names = f"{tree.node_title(outside[1])} as {tree.node_title(inside[1])}"
            text = f"{sighting.track} may as well be {names}: the two are not told apart."
            source = "finding" if sighting.key in wanted.found_types() else "video"
            found.append(
                Evidence("against", "types-not-told-apart", text, source, exhibits=(sighting.exhibit,))  # type: ignore[arg-type]
            )
    return found


def _shown(wanted: Wanted, bound: Bound) -> str:
    times = [item.seconds for item in bound.exhibits if item.seconds is not None]
    when = f" at {clock(times[0])}" if times else ""
    if len(bound) == 1:
        return f"{wanted.one()}{when}"
    proof = "side by side" if times else "by their serials"
    return f"{wanted.number(len(bound))} that are different objects, {proof}{when}"
