"""The subject of a claim: which sightings may be of it, with what probability, and how it is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from roundel.claims.counting import keys_of
from roundel.claims.model import Claim, Level
from roundel.claims.provenance.register import with_article
from roundel.claims.scene import OUTSIDE, Sighting, View
from roundel.words import article, listed, plural

_PIECE = {"equipment": "piece of equipment", "object": "object"}
_PIECES = {"equipment": "pieces of equipment", "object": "objects"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a claim counts, within its view. ``besides``: nodes that do not count, for "anything else"."""

    claim: Claim
    level: Level
    view: View
    besides: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The subject in words, singular."""
        if self.besides:
            return "other military object"
        titles = [_PIECE.get(node, self.view.catalogue.node_title(node)) for node in self.claim.subject.nodes]
        return listed(titles, "or") + self._design()

    def number(self, count: int) -> str:
        """A number of the subject in words."""
        nodes = self.claim.subject.nodes
        if len(nodes) != 1 or self.besides:
            return f"{count:,} × {self.title}"
        title = self.view.catalogue.node_title(nodes[0])
        if count != 1:
            return f"{count:,} {_PIECES.get(nodes[0], plural(title))}{self._design()}"
        return f"1 {_PIECE.get(nodes[0], title)}{self._design()}"

    def one(self) -> str:
        """The subject with its article."""
        return article(self.title)

    def _design(self) -> str:
        origin = self.claim.subject.design_origin
        return f" of a design from {with_article(self.view.catalogue.state_name(origin, None))}" if origin else ""

    def is_subject(self, node: str) -> bool:
        """Whether every object of the node is of the subject."""
        tree, subject = self.view.catalogue, self.claim.subject
        if any(tree.is_a(node, one) or tree.is_a(one, node) for one in self.besides):
            return False
        if not any(tree.is_a(node, wanted) for wanted in subject.nodes):
            return False
        return subject.design_origin is None or (
            node in tree.types and tree.origins(node).get(subject.design_origin, 0.0) == 1.0
        )

    def share(self, types: Mapping[str, float]) -> float:
        """How much of a distribution over types is of the subject."""
        origin, tree = self.claim.subject.design_origin, self.view.catalogue
        return sum(
            share * (tree.origins(name).get(origin, 0.0) if origin else 1.0)
            for name, share in types.items()
            if name not in OUTSIDE and self._is_of_nodes(name)
        )

    def _is_of_nodes(self, name: str) -> bool:
        tree = self.view.catalogue
        return any(tree.is_a(name, node) for node in self.claim.subject.nodes)

    def types_of(self, sighting: Sighting) -> Mapping[str, float]:
        """The types of a sighting: as people who looked found it, else the machine's."""
        return self.found_types().get(sighting.key, sighting.types)

    def found_types(self) -> dict[tuple[str, str], Mapping[str, float]]:
        """What people who looked found each sighting to be, the least favourable where several did."""
        found: dict[tuple[str, str], Mapping[str, float]] = {}
        for finding in self.view.of_kind("type"):
            if finding.basis == "seen" and finding.types:
                for key in keys_of(finding, self.view):
                    if key not in found or self.share(finding.types) < self.share(found[key]):
                        found[key] = finding.types
        return found

    def chance(self, sighting: Sighting) -> float:
        """P(the object is of the subject)."""
        tree = self.view.catalogue
        types = self.types_of(sighting)
        if self.claim.subject.design_origin:
            return sighting.chances.get("object", 0.0) * self.share(types)
        typed = replace(sighting, types=types)
        besides = sum(typed.chance(node, tree) for node in self.besides)
        return min(1.0, max(0.0, sum(typed.chance(node, tree) for node in self._apart()) - besides))

    def _apart(self) -> tuple[str, ...]:
        """The subject's nodes without those below another of them."""
        nodes, above = self.claim.subject.nodes, self.view.catalogue.is_a
        return tuple(one for one in nodes if not any(one != other and above(one, other) for other in nodes))
