"""The subject of a claim: which sightings may be of it, with what probability, and how it is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from roundel.claims.counting import keys_of
from roundel.claims.model import Claim, Level, Subject
from roundel.claims.provenance.register import with_article
from roundel.claims.scene import Sighting, View
from roundel.claims.type_shares import OUTSIDE
from roundel.classes import lineage, tree
from roundel.words import article, listed, plural

EQUIPMENT = "equipment"
_PIECE = {EQUIPMENT: "piece of equipment", "object": "object"}
_PIECES = {EQUIPMENT: "pieces of equipment", "object": "objects"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a claim counts, within its view. ``besides``: a subject that does not count, for "anything else"."""

    claim: Claim
    level: Level
    view: View
    besides: Subject | None = None

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
        if self.besides:
            return f"{count:,} {self.title}{'s' if count != 1 else ''}"
        if len(nodes) != 1:
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

    @property
    def rest(self) -> Wanted | None:
        """What does not count, as a subject of its own."""
        return replace(self, claim=replace(self.claim, subject=self.besides), besides=None) if self.besides else None

    def is_subject(self, node: str) -> bool:
        """Whether every object of the node is of the subject."""
        if self.rest and not self.rest.excludes(node):
            return False
        if not any(self._below(node, wanted) for wanted in self.claim.subject.nodes):
            return False
        origin = self.claim.subject.design_origin
        return origin is None or self.view.catalogue.origins(node).get(origin, 0.0) == 1.0

    def excludes(self, node: str) -> bool:
        """Whether no object of the node can be of the subject, as far as anybody knows."""
        subject = self.claim.subject
        if self.rest:
            return self.rest.is_subject(node)
        if not any(self._below(node, one) or self._below(one, node) for one in subject.nodes):
            return True
        origins = self.view.catalogue.origins(node) if subject.design_origin else {}
        return bool(origins) and subject.design_origin not in origins

    def _below(self, node: str, above: str) -> bool:
        """Whether a node lies below another; civil objects are no equipment."""
        line = self.view.catalogue.lineage(node)
        return above in line and not (above == EQUIPMENT and any(one in line for one in _civil()))

    def share(self, types: Mapping[str, float]) -> float:
        """How much of a distribution over types is of the subject."""
        named = {name: part for name, part in types.items() if name not in OUTSIDE}
        if self.rest:
            return sum(part for name, part in named.items() if self.is_subject(name))
        origin, catalogue = self.claim.subject.design_origin, self.view.catalogue
        return sum(
            part * (catalogue.origins(name).get(origin, 0.0) if origin else 1.0)
            for name, part in named.items()
            if any(self._below(name, node) for node in self.claim.subject.nodes)
        )

    def elsewhere(self, types: Mapping[str, float]) -> float:
        """How much of a distribution over types cannot be of the subject."""
        return sum(part for name, part in types.items() if name not in OUTSIDE and self.excludes(name))

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
        types = self.types_of(sighting)
        if self.claim.subject.design_origin:
            return sighting.chances.get("object", 0.0) * self.share(types)
        besides = self.rest.possible(sighting) if self.rest else 0.0
        return max(0.0, self._sum(replace(sighting, types=types)) - besides)

    def possible(self, sighting: Sighting) -> float:
        """The most that the probability can be: types that nobody told, and those not in the gallery, may be of it."""
        if self.rest:
            return max(0.0, self._sum(replace(sighting, types=self.types_of(sighting))) - self.rest.chance(sighting))
        least = self.chance(sighting)
        return max(least, self.class_chance(sighting) * (1 - min(1.0, self.elsewhere(self.types_of(sighting)))))

    def class_chance(self, sighting: Sighting) -> float:
        """P(the object is of the deepest classes above the subject that the detector tells)."""
        catalogue = self.view.catalogue
        told = {
            next(one for one in catalogue.lineage(node) if self.view.tells(one)) for node in self.claim.subject.nodes
        }
        return min(1.0, sum(self._of(sighting, node) for node in self._apart(tuple(sorted(told)))))

    def _sum(self, sighting: Sighting) -> float:
        return min(1.0, sum(self._of(sighting, node) for node in self._apart(self.claim.subject.nodes)))

    def _of(self, sighting: Sighting, node: str) -> float:
        civil = sum(sighting.chances.get(name, 0.0) for name in _civil()) if node == EQUIPMENT else 0.0
        return max(0.0, sighting.chance(node, self.view.catalogue) - civil)

    def _apart(self, nodes: tuple[str, ...]) -> tuple[str, ...]:
        """The nodes without those below another of them."""
        above = self.view.catalogue.is_a
        return tuple(one for one in nodes if not any(one != other and above(one, other) for other in nodes))


def _civil() -> tuple[str, ...]:
    """The classes below equipment that a report does not count as equipment."""
    return tuple(name for name, node in tree().items() if not node.hardware and EQUIPMENT in lineage(name))
