"""Other explanations of what is seen, and what would settle a claim: never empty, whatever the verdict."""

from __future__ import annotations

from collections.abc import Iterable

from roundel.catalogue import Catalogue
from roundel.claims.model import Claim, Level, Quantifier
from roundel.claims.scene import View
from roundel.words import listed

MOST = 8

_GENERAL = {
    Level.VISIBLE: "Something else was taken for it.",
    Level.CATEGORY: "Something else was taken for it, or a picture, a model or a decoy was filmed.",
    Level.FAMILY: "Something else was taken for it, or a model or a decoy was filmed.",
    Level.VARIANT: "It is another variant of the family, or was rebuilt to look like one.",
    Level.DESIGN_ORIGIN: "It is of a type that looks like it and was designed elsewhere.",
    Level.INDIVIDUAL: "The marking was misread, painted over, or put on another object.",
    Level.MANUFACTURE: "It was built in another state that builds or copies the same design.",
    Level.OPERATOR: "The markings are older than the present holder, were faked, or the object was captured or lent.",
    Level.SUPPLIER: "It was inherited, captured, re-exported, or supplied by somebody whom no register names.",
    Level.TRANSFER_DATE: "It was supplied at another time, in another delivery, or by somebody whom no register names.",
    Level.FOOTAGE: "It is a copy of other footage, cut or encoded anew.",
}
_SETTLED_BY = {
    Level.VISIBLE: "two people who look at the footage independently and confirm it or reject it",
    Level.CATEGORY: "two people who look at the footage independently and confirm it or reject it",
    Level.FAMILY: "a view of the part that separates the look-alikes, found by two people independently",
    Level.VARIANT: "a view of the part by which the variants differ, found by two people independently",
    Level.INDIVIDUAL: "two people who read the marking independently, and a record of that serial",
    Level.DESIGN_ORIGIN: "the type, found by two people independently from a part that separates the look-alikes",
    Level.MANUFACTURE: "a maker's plate or factory mark, or the maker's records of that serial",
    Level.OPERATOR: "evidence other than markings of who held it on that day, from two sources",
    Level.SUPPLIER: "a serial that is traced to a delivery: the maker's, the contract's or the recipient's records",
    Level.TRANSFER_DATE: "a serial that is traced to a delivery with its date",
    Level.FOOTAGE: "the original file, and the earliest publication with somebody who attests it",
}


def alternatives(claim: Claim, level: Level, view: View, given: Iterable[str]) -> tuple[str, ...]:
    """Other explanations: those that the parts name, look-alikes from the catalogue, and that of the rung."""
    found = [_GENERAL[level]]
    if level in {Level.FAMILY, Level.VARIANT, Level.DESIGN_ORIGIN}:
        found += [_lookalike(node, view.catalogue) for node in claim.subject.nodes if node in view.catalogue.types]
    if _limits(claim.quantifier) and claim.relation.kind == "visible":
        found.append("More of them were out of the picture, or one was filmed twice.")
    found += given
    if claim.scope.when is not None and level is not Level.FOOTAGE:
        found.append("It is older footage, shown again.")
    return tuple(dict.fromkeys(text for text in found if text))[:MOST]


def _lookalike(node: str, catalogue: Catalogue) -> str:
    similar = catalogue.lookalikes(node)
    if not similar:
        return ""
    names = listed([catalogue.node_title(item.other) for item in similar], "or")
    parts = [
        f"{feature.part} ({feature.this} on {catalogue.node_title(node)}; {feature.other} on "
        f"{catalogue.node_title(item.other)}; view: {feature.view})"
        for item in similar
        for feature in item.features[:1]
    ]
    told = f" Told apart by: {'; '.join(parts[:3])}." if parts else " No part that separates them is sourced."
    return f"It is {names}, easily taken for {catalogue.node_title(node)}.{told}"


def settled_by(claim: Claim, level: Level, view: View, given: Iterable[str]) -> tuple[str, ...]:
    """What would change the verdict, either way."""
    found = [*given, _SETTLED_BY[level]]
    if claim.scope.place is not None:
        found.append("the place, found by two people independently from what the footage shows")
    if claim.scope.when is not None:
        found.append("an earlier copy of the footage, or a date found by two people independently")
    if _limits(claim.quantifier) and (claim.coverage is None or claim.recall is None):
        found.append(
            "a statement by a person that the footage shows all that is counted, and a test of how many such objects "
            "the program misses"
        )
    if not view.footage and level not in {Level.MANUFACTURE, Level.SUPPLIER, Level.TRANSFER_DATE}:
        found.insert(0, "the footage itself, analysed and looked at")
    return tuple(dict.fromkeys(found))


def _limits(quantifier: Quantifier) -> bool:
    return quantifier.kind in {"exactly", "at_most", "between", "no", "all"}
