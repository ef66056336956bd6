"""From a claim and a scene to an assessment: the only composition of the parts.

A claim is divided into parts: how many of what are visible, what is said of them, where and when. Each part has a
verdict from its own evidence; the claim is worth its worst part, and never more than its rung of the ladder allows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from roundel.claims.alternatives import alternatives, settled_by
from roundel.claims.beliefs import beliefs, prior_of
from roundel.claims.copies import left_open
from roundel.claims.counting import agreeing
from roundel.claims.holding import day_of, held_by, made_in, supplied_by
from roundel.claims.ladder import LIMITS, TITLES, level_of
from roundel.claims.machine import ANYTHING
from roundel.claims.model import Assessment, Claim, Evidence, Level, Quantifier, Relation, Step, Verdict
from roundel.claims.parts import Part, at_best, worst
from roundel.claims.people import marking, place_and_time, readings, said_by, treated
from roundel.claims.provenance.origins import TypeEvidence
from roundel.claims.provenance.sentences import sentences
from roundel.claims.quantity import denied, of_objects, of_visible, of_which_true
from roundel.claims.sameness import continuous, published_by, same_footage, same_individual
from roundel.claims.scene import Scene, View, same_person
from roundel.claims.subject import Wanted
from roundel.claims.summary import in_words
from roundel.claims.wording import EVEN

_BY_TYPE = {"operated_by": held_by, "supplied_by": supplied_by, "manufactured_in": made_in}
_OF_FOOTAGE = {"first_published_by", "same_footage_as", "continuous"}
_ABOUT = {
    "supplier": "the supplier",
    "holder": "the holder",
    "manufacture": "where it was made",
    "marking": "the marking",
    "individual": "which object it is",
    "place": "the place",
    "date": "the date",
}
PROVENANCE = {Level.DESIGN_ORIGIN, Level.MANUFACTURE, Level.OPERATOR, Level.SUPPLIER, Level.TRANSFER_DATE}


def assess_all(claims: Iterable[Claim], scene: Scene) -> tuple[Assessment, ...]:
    """Every claim in turn; none changes what is found about another."""
    return tuple(assess(claim, scene) for claim in claims)


def assess(claim: Claim, scene: Scene) -> Assessment:
    """Hold one claim against everything that is known."""
    view = _without_own(claim, scene.view(claim.scope).about(claim.subject.nodes))
    level = level_of(claim, scene.catalogue)
    parts = _parts(claim, level, view)
    found = worst([part.verdict for part in parts])
    evidence = [item for part in parts for item in _labelled(part, len(parts))] + treated(view)
    verdict = at_best(found, LIMITS[level])
    disputed = verdict is Verdict.SHOWS and any(item.direction == "against" for item in evidence)
    verdict = Verdict.SUPPORTS if disputed else verdict
    open_ = tuple(
        dict.fromkeys(
            [*(text for part in parts for text in part.not_addressed), *view.unclear, *left_open(claim, view)]
        )
    )
    conclusion = Step(
        "verdict",
        f"{', '.join(f'{part.name}: {_plain(part.verdict)}' for part in parts)}; the claim is worth its worst part. "
        f"Of {TITLES[level]} ({level.value}) no more than “{_plain(LIMITS[level])}” is ever said"
        f"{'; nothing is shown while something speaks against it' if disputed else ''}.",
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


def _without_own(claim: Claim, view: View) -> View:
    """The view without findings of whoever makes the claim: repeating it does not make it better known."""
    own = [item for item in view.findings if same_person(item.who, claim.by)]
    if not own:
        return view
    text = f"What {claim.by} found is the claim itself, so it is no evidence for it ({', '.join(i.id for i in own)})."
    return replace(view, findings=tuple(i for i in view.findings if i not in own), unclear=(*view.unclear, text))


def _labelled(part: Part, parts: int) -> tuple[Evidence, ...]:
    """A part's evidence; where a claim has several, each piece says which it bears on."""
    if parts == 1:
        return part.evidence
    return tuple(replace(item, about=part.about or _ABOUT.get(part.name, part.name)) for item in part.evidence)


def _parts(claim: Claim, level: Level, view: View) -> list[Part]:
    if view.absent:
        names = ", ".join(view.absent)
        text = f"The claim speaks of footage that the case does not hold: {names}."
        return [Part("footage", Verdict.CANNOT_BE_ASSESSED, not_addressed=(text,), would_change=("that footage",))]
    if "person" in claim.subject.nodes:
        text = "Roundel identifies hardware; it says nothing about people."
        return [Part("subject", Verdict.CANNOT_BE_ASSESSED, not_addressed=(text,))]
    bare = replace(claim, subject=replace(claim.subject, marking=None))
    wanted = Wanted(bare, level_of(replace(bare, relation=Relation("visible")), view.catalogue), view)
    kind, mark = claim.relation.kind, claim.subject.marking
    if kind in _OF_FOOTAGE:
        shown = [] if set(claim.subject.nodes) <= ANYTHING else of_objects(wanted)
        return [*shown, of_which_true(claim, _footage(claim, view)), *place_and_time(claim, view)]
    parts = of_visible(wanted) if kind == "visible" and mark is None else of_objects(wanted)
    if mark is not None:
        keys = [one.key for one in view.sightings if wanted.possible(one) > EVEN]
        read = marking(mark, view, keys)
        parts = [*(_borne(part, mark, read, wanted) for part in parts), of_which_true(claim, read)]
    if kind in _BY_TYPE:
        some = replace(claim, quantifier=Quantifier("some")) if claim.quantifier.kind == "no" else claim
        found = _BY_TYPE[kind](some, view)
        parts.append(denied(found) if claim.quantifier.kind == "no" else found)
    elif kind == "same_individual_as":
        parts.append(of_which_true(claim, same_individual(claim, view, wanted.chance)))
    return [*parts, *place_and_time(claim, view)]


def _borne(part: Part, mark: str, read: Part, wanted: Wanted) -> Part:
    """The number of objects, where those who read the marking say what bears it."""
    whole = set(wanted.claim.subject.nodes) <= ANYTHING and wanted.claim.subject.design_origin is None
    named = [
        item
        for item in readings(mark, wanted.view)
        if whole or (item.nodes and all(wanted.is_subject(node) for node in item.nodes))
    ]
    if not named or any(item.direction == "against" for item in part.evidence) or part.verdict is Verdict.SHOWS:
        return part
    best = Verdict.SHOWS if agreeing(named, wanted.view) else Verdict.SUPPORTS
    return replace(part, verdict=worst([best, read.verdict]), not_addressed=(), people=said_by(named))


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
    chosen = {(item.rule, item.text, item.about): item for item in evidence if item.direction == direction}
    return tuple(sorted(chosen.values(), key=lambda item: (-(item.ratio or 0.0), item.rule, item.text)))


def _plain(verdict: Verdict) -> str:
    return verdict.value.replace("_", " ")
