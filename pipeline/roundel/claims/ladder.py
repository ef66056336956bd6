"""The provenance ladder: which rung a claim is on, and the most that may be said there.

Evidence never moves up the ladder by itself. What footage cannot carry has a fixed sentence.
"""

from __future__ import annotations

from roundel.catalogue import Catalogue
from roundel.claims.model import Claim, Level, Verdict

LIMITS = {
    Level.VISIBLE: Verdict.SHOWS,
    Level.CATEGORY: Verdict.SHOWS,
    Level.FAMILY: Verdict.SHOWS,
    Level.VARIANT: Verdict.SHOWS,
    Level.INDIVIDUAL: Verdict.SHOWS,
    Level.DESIGN_ORIGIN: Verdict.SUPPORTS,
    Level.MANUFACTURE: Verdict.CONSISTENT_WITH,
    Level.OPERATOR: Verdict.CONSISTENT_WITH,
    Level.SUPPLIER: Verdict.CONSISTENT_WITH,
    Level.TRANSFER_DATE: Verdict.CONSISTENT_WITH,
    Level.FOOTAGE: Verdict.SUPPORTS,
}
"""The best verdict of each rung. ``shows`` needs two people's confirmation."""

TITLES = {
    Level.VISIBLE: "whether it is visible",
    Level.CATEGORY: "what kind of thing it is",
    Level.FAMILY: "which model it is",
    Level.VARIANT: "which version it is",
    Level.INDIVIDUAL: "which single object it is",
    Level.DESIGN_ORIGIN: "where it was designed",
    Level.MANUFACTURE: "where it was made",
    Level.OPERATOR: "who holds it",
    Level.SUPPLIER: "who supplied it",
    Level.TRANSFER_DATE: "when it was supplied",
    Level.FOOTAGE: "the footage itself",
}

BEYOND = {
    Level.MANUFACTURE: "Footage does not show where an item was made: the same design is built under licence and "
    "copied in several states. Factory marks or records could.",
    Level.OPERATOR: "Footage shows markings at most, and markings are easy to fake; capture changes the holder and "
    "leaves the markings.",
    Level.SUPPLIER: "Footage of equipment of a given design does not show who supplied it, by what route or when, "
    "because inherited, captured, re-exported and licence-built items look the same.",
    Level.TRANSFER_DATE: "Footage does not show when an item was supplied: at most that it existed when it was filmed.",
}
"""What footage cannot carry, whatever it shows."""

LOOSER = "deliveries-by-predecessor"
"""Rule of what speaks for a supplier if the states that it succeeded are meant as well."""

_RELATIONS = {
    "operated_by": Level.OPERATOR,
    "supplied_by": Level.SUPPLIER,
    "manufactured_in": Level.MANUFACTURE,
    "same_individual_as": Level.INDIVIDUAL,
    "first_published_by": Level.FOOTAGE,
    "same_footage_as": Level.FOOTAGE,
    "continuous": Level.FOOTAGE,
}


def level_of(claim: Claim, catalogue: Catalogue) -> Level:
    """The rung that a claim stands on: that of what it says beyond the others."""
    relation = claim.relation
    if relation.kind == "supplied_by" and relation.when is not None:
        return Level.TRANSFER_DATE
    if relation.kind in _RELATIONS:
        return _RELATIONS[relation.kind]
    if claim.subject.design_origin:
        return Level.DESIGN_ORIGIN
    if claim.subject.marking:
        return Level.INDIVIDUAL
    return max((_node_level(node, catalogue) for node in claim.subject.nodes), default=Level.VISIBLE)


def _node_level(node: str, catalogue: Catalogue) -> Level:
    if node in catalogue.types:
        return Level.VARIANT if catalogue.types[node].kind == "variant" else Level.FAMILY
    if node not in catalogue.classes:
        return Level.FAMILY  # a type that the gallery tells and the catalogue has no file for
    return Level.VISIBLE if node in {"object", "equipment"} else Level.CATEGORY
