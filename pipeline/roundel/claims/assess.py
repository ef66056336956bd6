"""From a claim and a scene to an assessment: the only composition of the parts.

A claim is divided into parts: how many of what are visible, what is said of them, where and when. Each part has a
verdict from its own evidence; the claim is worth its worst part, and never more than its rung of the ladder allows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from roundel.claims.absence import no_more_than
from roundel.claims.alternatives import alternatives, settled_by
from roundel.claims.beliefs import beliefs, prior_of
from roundel.claims.counting import lower_bound
from roundel.claims.holding import day_of, held_by, made_in, supplied_by
from roundel.claims.ladder import LIMITS, TITLES, level_of
from roundel.claims.model import Assessment, Claim, Evidence, Level, Quantifier, Step, Subject, Verdict
from roundel.claims.parts import Part, at_best, worst
from roundel.claims.people import marking, place_and_time, treated
from roundel.claims.provenance.origins import TypeEvidence
from roundel.claims.provenance.sentences import sentences
from roundel.claims.sameness import continuous, published_by, same_footage, same_individual
from roundel.claims.scene import Scene, View
from roundel.claims.subject import Wanted
from roundel.claims.summary import in_words
from roundel.claims.visible import at_least

_BY_TYPE = {"operated_by": held_by, "supplied_by": supplied_by, "manufactured_in": made_in}
HARDWARE = ("aircraft", "armoured_vehicle", "missile", "warship")
"""What "everything shown" speaks of."""
_OF_FOOTAGE = {"first_published_by", "same_footage_as", "continuous"}
PROVENANCE = {Level.DESIGN_ORIGIN, Level.MANUFACTURE, Level.OPERATOR, Level.SUPPLIER, Level.TRANSFER_DATE}


def assess_all(claims: Iterable[Claim], scene: Scene) -> tuple[Assessment, ...]:
    """Every claim in turn; none changes what is found about another."""
    return tuple(assess(claim, scene) for claim in claims)


def assess(claim: Claim, scene: Scene) -> Assessment:
    """Hold one claim against everything that is known."""
    view = scene.view(claim.scope)
    level = level_of(claim, scene.catalogue)
    parts = _parts(claim, level, view)
    found = worst([part.verdict for part in parts])
    verdict = at_best(found, LIMITS[level])
    evidence = [item for part in parts for item in part.evidence] + treated(view)
    open_ = tuple(dict.fromkeys(text for part in parts for text in part.not_addressed))
    conclusion = Step(
        "verdict",
        f"{', '.join(f'{part.name}: {_plain(part.verdict)}' for part in parts)}; the claim is worth its worst part. "
        f"Of {TITLES[level]} ({level.value}) no more than “{_plain(LIMITS[level])}” is ever said.",
        {part.name: part.verdict.value for part in parts},
    )
    return Assessment(
        claim=claim,
        level=level,
        verdict=verdict,
        words=in_words(claim, level, verdict, parts, view.catalogue),
        supporting=_sorted(evidence, "for"),
        opposing=_sorted(evidence, "against"),
        alternatives=alternatives(claim, level, view, (text for part in parts for text in part.alternatives)),
        not_addressed=open_,
        would_change=settled_by(claim, level, view, (text for part in parts for text in part.would_change)),
        derivation=(*(step for part in parts for step in part.steps), conclusion),
        sentences=_sentences(claim, view) if level in PROVENANCE else (),
    )


def _parts(claim: Claim, level: Level, view: View) -> list[Part]:
    if view.absent:
        names = ", ".join(view.absent)
        text = f"The claim speaks of footage that the case does not hold: {names}."
        return [Part("footage", Verdict.CANNOT_BE_ASSESSED, not_addressed=(text,), would_change=("that footage",))]
    if "person" in claim.subject.nodes:
        text = "Roundel identifies hardware; it says nothing about people."
        return [Part("subject", Verdict.CANNOT_BE_ASSESSED, not_addressed=(text,))]
    if claim.relation.kind in _OF_FOOTAGE:
        return [_footage(claim, view), *place_and_time(claim, view)]
    bare = replace(claim, subject=replace(claim.subject, marking=None))
    wanted = Wanted(bare, level, view)
    parts = _number(wanted)
    if claim.subject.marking:
        group = lower_bound(view, wanted.chance).group
        keys = [one.key for one in group] or [one.key for one in view.sightings if wanted.chance(one) > 0]
        parts = _with_marking(parts, marking(claim.subject.marking, view, keys))
    if claim.relation.kind in _BY_TYPE:
        parts.append(_BY_TYPE[claim.relation.kind](claim, view))
    elif claim.relation.kind == "same_individual_as":
        parts.append(same_individual(claim, view, wanted.chance))
    return [*parts, *place_and_time(claim, view)]


def _with_marking(parts: list[Part], mark: Part) -> list[Part]:
    """People who read the marking have seen the object that bears it."""
    seen = [
        replace(part, verdict=mark.verdict) if part.verdict is Verdict.NOT_ADDRESSED and mark.people else part
        for part in parts
    ]
    return [*seen, mark]


def _number(wanted: Wanted) -> list[Part]:
    """The parts that a claim's quantifier asks for."""
    given: Quantifier = wanted.claim.quantifier
    low, high = given.low or 0, given.high
    if given.kind == "no":
        return [no_more_than(wanted, 0)]
    if given.kind == "at_most":
        return [no_more_than(wanted, high or 0)]
    if given.kind == "exactly":
        return [at_least(wanted, low), no_more_than(wanted, low)]
    if given.kind == "between":
        return [at_least(wanted, low), no_more_than(wanted, high or low)]
    if given.kind == "all":
        return _everything(wanted)
    return [at_least(wanted, max(1, low))]


def _everything(wanted: Wanted) -> list[Part]:
    """All of it: of a relation, its part says so; of visibility, nothing else may be seen."""
    if wanted.claim.relation.kind != "visible":
        return [at_least(wanted, 1)]
    rest = replace(wanted.claim, subject=Subject(HARDWARE))
    others = Wanted(rest, Level.CATEGORY, wanted.view, wanted.claim.subject.nodes)
    return [at_least(wanted, 1), no_more_than(others, 0)]


def _footage(claim: Claim, view: View) -> Part:
    if claim.relation.kind == "continuous":
        return continuous(view)
    return published_by(claim, view) if claim.relation.kind == "first_published_by" else same_footage(claim, view)


def _sentences(claim: Claim, view: View) -> tuple[Evidence, ...]:
    """The separate statements about design, producers, holders and supplier, from the best known types."""
    day = day_of(claim, view)
    if day is None:
        return ()
    held = beliefs(view, claim.subject.nodes)
    prior = prior_of(view, claim.subject.nodes)
    evidence = held[0].evidence if held else TypeEvidence(prior, prior, "video")
    return sentences(evidence, view.findings, day, view.catalogue)


def _sorted(evidence: Iterable[Evidence], direction: str) -> tuple[Evidence, ...]:
    chosen = {(item.rule, item.text): item for item in evidence if item.direction == direction}
    return tuple(sorted(chosen.values(), key=lambda item: (-(item.ratio or 0.0), item.rule, item.text)))


def _plain(verdict: Verdict) -> str:
    return verdict.value.replace("_", " ")
