"""Of which type the objects of a claim are, by machine or people: what reasoning about provenance starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from roundel.claims.counting import CONFIRMATIONS, keys_of
from roundel.claims.model import Basis, Exhibit, Finding
from roundel.claims.provenance.origins import TypeEvidence
from roundel.claims.scene import Sighting, View
from roundel.claims.type_shares import OUTSIDE

LEAST = 0.5


@dataclass(frozen=True, slots=True)
class Belief:
    """What is held about the type of ``count`` objects. ``basis``: machine, or as the finding says."""

    evidence: TypeEvidence
    count: int
    who: tuple[str, ...]
    basis: Basis | None
    label: str

    @property
    def confirmed(self) -> bool:
        """Whether enough people who looked at the footage hold it."""
        return self.basis == "seen" and len(self.who) >= CONFIRMATIONS


def beliefs(view: View, nodes: Sequence[str]) -> tuple[Belief, ...]:
    """All that is held about the types of objects of these nodes: people's findings first, then the machine's.

    People's findings about the same sightings with the same types are one belief of several people. Counts of a type
    are taken only where nobody speaks of types themselves; a sighting that somebody typed is not typed by the machine.
    """
    prior = prior_of(view, nodes)
    told: dict[tuple[object, ...], list[Finding]] = {}
    kinds = ("type",) if view.of_kind("type") else ("sighting",)
    for finding in view.of_kind(*kinds):
        types = _types_of(finding, view, nodes)
        if types:
            told.setdefault((tuple(sorted(types.items())), finding.tracks, finding.basis), []).append(finding)
    found = []
    for (_, tracks, _), group in told.items():
        first = group[0]
        types = _types_of(first, view, nodes) or {}
        exhibits = tuple(Exhibit(item.source or f"finding {item.id} of {item.who}") for item in group)
        counted = first.count.low if first.count is not None and first.count.low is not None else 1
        found.append(
            Belief(
                TypeEvidence(types, prior, "finding", exhibits),
                max(counted, len(tuple(tracks)) if isinstance(tracks, tuple) else 0),
                tuple(sorted({item.who for item in group})),
                first.basis,
                f"as {' and '.join(sorted({item.who for item in group}))} found",
            )
        )
    typed = {key for finding in view.of_kind("type") for key in keys_of(finding, view)}
    for sighting in view.sightings:
        if sighting.key not in typed and sighting.key not in view.rejected and _of_nodes(sighting, view, nodes):
            evidence = TypeEvidence(_machine_types(sighting, view), prior, "video", (sighting.exhibit,))
            found.append(Belief(evidence, 1, (), None, f"as the program took {sighting.track} to be"))
    return tuple(found)


def prior_of(view: View, nodes: Sequence[str]) -> Mapping[str, float]:
    """What would be assumed without the footage: every type of the catalogue that fits is as likely as any other."""
    fitting = sorted({name for node in nodes for name in view.catalogue.types_under(node)})
    return {name: 1 / len(fitting) for name in fitting} if fitting else {"unknown": 1.0}


def _types_of(finding: Finding, view: View, nodes: Sequence[str]) -> dict[str, float] | None:
    """The types that a finding speaks of, if they can be of the nodes at all."""
    if finding.kind == "type":
        types = dict(finding.types or {})
    elif len(finding.nodes) == 1 and finding.nodes[0] in view.catalogue.types:
        types = {finding.nodes[0]: 1.0}
    else:
        return None
    fits = sum(
        share
        for name, share in types.items()
        if name not in OUTSIDE and any(view.catalogue.is_a(name, node) for node in nodes)
    )
    return types if fits > 0 else None


def _of_nodes(sighting: Sighting, view: View, nodes: Sequence[str]) -> bool:
    if not sighting.types:
        return False
    classes = [node for node in nodes if node not in view.catalogue.types]
    wider = {above for node in nodes if node in view.catalogue.types for above in view.catalogue.lineage(node)}
    return any(
        sighting.chance(node, view.catalogue) > LEAST
        for node in [*classes, *sorted(wider & sighting.chances.keys() - {"object", "equipment"})]
    )


def _machine_types(sighting: Sighting, view: View) -> dict[str, float]:
    """The machine's types as a distribution.

    Types without a file in the catalogue count as the family above them; those that have none are ``other``.
    """
    known: dict[str, float] = {}
    for name, share in sighting.types.items():
        line = () if name in OUTSIDE else view.catalogue.lineage(name)
        held = next((node for node in line if node in view.catalogue.types), None)
        if held is not None:
            known[held] = known.get(held, 0.0) + share
    unknown = sighting.types.get("unknown", 0.0)
    return {**known, "unknown": unknown, "other": max(0.0, 1 - unknown - sum(known.values()))}
