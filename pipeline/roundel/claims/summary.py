"""The one sentence of an assessment: no stronger than the verdict, and its words no stronger than the validation."""

from __future__ import annotations

from collections.abc import Sequence

from roundel.catalogue import Catalogue
from roundel.claims.ladder import BEYOND, LOOSER
from roundel.claims.model import Claim, Level, Relation, Verdict
from roundel.claims.parts import Part
from roundel.claims.provenance.register import with_article
from roundel.words import counted, listed, plural


def statement(claim: Claim, catalogue: Catalogue) -> str:
    """What a claim says, in the terms of the grammar, as the rest of a sentence."""
    subject = claim.subject
    names = [catalogue.node_title(node) for node in subject.nodes]
    whole = subject.nodes in {("equipment",), ("object",)}
    one = "piece of equipment" if whole else listed(names, "or")
    many = "pieces of equipment" if whole else listed([plural(name) for name in names], "or")
    if subject.design_origin:
        tail = f" of a design from {with_article(catalogue.state_name(subject.design_origin, None))}"
        one, many = one + tail, many + tail
    if subject.marking:
        one, many = f"{one} marked “{subject.marking}”", f"{many} marked “{subject.marking}”"
    about = _of_footage(claim.relation) if whole and claim.quantifier.kind in {"some", "all"} else ""
    if about:
        return f"{about}{_where(claim)}"
    given, low, high = claim.quantifier.kind, claim.quantifier.low, claim.quantifier.high
    number = {
        "at_least": lambda: f"at least {_number(low or 0, one, many)}",
        "exactly": lambda: f"exactly {_number(low or 0, one, many)}",
        "at_most": lambda: f"at most {_number(high or 0, one, many)}",
        "between": lambda: f"between {low} and {high} {many}",
        "some": lambda: f"at least one {one}",
        "no": lambda: f"no {one}",
        "all": lambda: "everything shown" if whole or claim.relation.kind == "visible" else f"all {many} shown",
    }[given]()
    plural_verb = (low or high or 1) > 1 or (given in {"between", "all"} and not (given == "all" and whole))
    return f"{number} {_said(claim, catalogue, plural_verb, many)}{_where(claim)}"


def _of_footage(relation: Relation) -> str:
    """A claim about the footage itself, whatever it shows."""
    return {
        "first_published_by": f"the footage was public by {relation.when.last if relation.when else None}",
        "same_footage_as": f"the footage is the same as {relation.reference}",
        "continuous": "the footage was filmed in one take",
    }.get(relation.kind, "")


def _number(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}" if one != many else counted(count, one)


def _said(claim: Claim, catalogue: Catalogue, many: bool, title: str) -> str:
    relation = claim.relation
    at = relation.when.first if relation.when else None
    latest = relation.when.last if relation.when else None
    actor = with_article(catalogue.state_name(relation.actor, at)) if relation.actor else ""
    verb = "were" if many else "was"
    when = ""
    if relation.kind == "supplied_by" and relation.when is not None:
        first, last = relation.when.first, relation.when.last
        when = f" in {first.year}" if first and last and first.year == last.year else f" ({first} to {last})"
    if claim.quantifier.kind == "all" and relation.kind == "visible":
        return f"is {title}"
    return {
        "visible": "are visible" if many else "is visible",
        "same_individual_as": f"{'are' if many else 'is'} the same object as {relation.reference}",
        "operated_by": f"{'are' if many else 'is'} held by {actor}",
        "supplied_by": f"{verb} supplied by {actor}{when}",
        "manufactured_in": f"{verb} built in {actor}",
        "first_published_by": f"{verb} shown in footage that was public by {latest}",
        "same_footage_as": f"{verb} shown in the same footage as {relation.reference}",
        "continuous": f"{verb} filmed in one take",
    }[relation.kind]


def _where(claim: Claim) -> str:
    place = f" at {claim.scope.place}" if claim.scope.place else ""
    when = claim.scope.when
    if when is None:
        return place
    if when.first and when.last:
        return (
            f"{place}, filmed on {when.first}"
            if when.first == when.last
            else f"{place}, filmed between {when.first} and {when.last}"
        )
    return f"{place}, filmed on or after {when.first}" if when.first else f"{place}, filmed on or before {when.last}"


def _supported(said: str, parts: Sequence[Part], people: Sequence[str]) -> str:
    """The sentence for ``supports``: the words of the scale belong to what was measured, and to that alone."""
    measured = [part.strength for part in parts if part.strength.ratio > 1]
    whose = f"what {listed(people)} found" if people else "other evidence"
    if not measured:
        by = f", by {whose}" if people else ""
        return f"The evidence supports the statement that {said}{by}. How often such findings err was not measured."
    held = min(measured, key=lambda item: item.ratio)
    figures = (
        f"(likelihood ratio {held.ratio:,.0f}; with {held.clips:,} validation clips no more than {held.cap:,.0f} may "
        "be stated)"
    )
    if len(measured) == len(parts):
        return f"The footage gives {held.words} to the statement that {said} {figures}."
    return (
        f"The evidence supports the statement that {said}. To the number of objects the footage gives {held.words} "
        f"{figures}; the rest is by {whose}, and how often such findings err was not measured."
    )


def in_words(claim: Claim, level: Level, verdict: Verdict, parts: Sequence[Part], catalogue: Catalogue) -> str:
    """The verdict in one or two sentences."""
    said = statement(claim, catalogue)
    people = sorted({name for part in parts for name in part.people})
    if verdict is Verdict.SHOWS:
        return f"It is shown that {said}, as {listed(people)} confirm." if people else f"It is shown that {said}."
    if verdict is Verdict.SUPPORTS:
        return _supported(said, parts, people)
    looser = [item.text for part in parts for item in part.evidence if item.rule == LOOSER][:1]
    beyond = f" {BEYOND[level]}" if level in BEYOND else ""
    return {
        Verdict.CONSISTENT_WITH: f"What is known fits the statement that {said}, and fits other explanations as "
        f"well.{beyond}",
        Verdict.NOT_ADDRESSED: f"Nothing that is known says whether {said}.{beyond}",
        Verdict.WEAKENS: f"What is known speaks against the statement that {said}"
        f"{', as worded. ' + looser[0] if looser else '.'}",
        Verdict.CONTRADICTS: f"What is known contradicts the statement that {said}.",
        Verdict.CANNOT_BE_ASSESSED: f"It cannot be assessed whether {said}.",
    }[verdict]
