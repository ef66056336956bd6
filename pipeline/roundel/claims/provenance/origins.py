"""Which states a design comes from, summed over the types it may be, and when types are too close to be told apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from roundel.claims.model import Exhibit
from roundel.claims.provenance.register import Register, family
from roundel.claims.provenance.shares import NO_TYPE, complete

CLOSE = 0.2
"""Two types of different design origin that are no further apart than this are not told apart."""

SAME = 1e-3
"""Distributions that differ by no more than this in any type are the same, rounded for print or not."""

SHOWN = 1e-3
"""Types less probable than this are summed over, but not named."""


@dataclass(frozen=True, slots=True)
class TypeEvidence:
    """How probable each type is, ``other`` and ``unknown``, and where that comes from.

    ``prior``: what would be assumed without the footage. ``source``: ``video`` for the machine's reading, ``finding``
    for a person's. ``exhibits``: where it can be looked at.
    """

    types: Mapping[str, float]
    prior: Mapping[str, float]
    source: Literal["video", "finding"]
    exhibits: tuple[Exhibit, ...] = ()

    def informative(self) -> bool:
        """Whether the types say more than what would be assumed without the footage."""
        types, prior = complete(self.types), complete(self.prior)
        return any(abs(types.get(name, 0.0) - prior.get(name, 0.0)) > SAME for name in {*types, *prior})

    def named(self) -> dict[str, float]:
        """The types that may be named, the most probable first."""
        kept = {
            name: chance for name, chance in complete(self.types).items() if name not in NO_TYPE and chance >= SHOWN
        }
        return dict(sorted(kept.items(), key=lambda item: (-item[1], item[0])))

    def undetermined(self) -> float:
        """Probability that it is none of the types, or cannot be told."""
        found = complete(self.types)
        return math.fsum(found.get(name, 0.0) for name in NO_TYPE)


@dataclass(frozen=True, slots=True)
class Clash:
    """Types that are too close: the most probable one and all within 0.2 of it, not all of one origin."""

    types: tuple[str, ...]
    gap: float
    """Between the most probable one and the nearest of another origin."""
    parent: str
    """The deepest class that holds all of them."""


def clash(types: Mapping[str, float], register: Register) -> Clash | None:
    """The types of another design origin within 0.2 of the most probable type, if there are any.

    Variants count together as their family. A type whose origin no source states counts as one of another origin.
    """
    chances = _by_family(types, register)
    if not chances:
        return None
    best = max(chances.values())
    near = sorted(name for name, chance in chances.items() if best - chance <= CLOSE + 1e-9)
    known = {name: frozenset(state for state, share in register.origins(name).items() if share > 0) for name in near}
    if len(near) < 2 or (len(set(known.values())) == 1 and all(known.values())):
        return None
    top = min(name for name in near if chances[name] == best)
    others = [name for name in near if known[name] != known[top] or not known[name]]
    gap = min(best - chances[name] for name in others if name != top)
    return Clash(tuple(near), gap, common_class(near, register))


def _by_family(types: Mapping[str, float], register: Register) -> dict[str, float]:
    parts: dict[str, list[float]] = {}
    for name, chance in complete(types).items():
        if name not in NO_TYPE and chance > 0:
            parts.setdefault(family(register, name), []).append(chance)
    return {name: math.fsum(values) for name, values in parts.items()}


def common_class(nodes: Sequence[str], register: Register) -> str:
    """The deepest class above all of these types that is none of them."""
    first, *rest = [tuple(register.lineage(node)) for node in nodes]
    return next(node for node in first if node not in nodes and all(node in line for line in rest))


def design_shares(types: Mapping[str, float], register: Register) -> tuple[dict[str, float], float]:
    """P(origin) of each state, summed over the types, the largest first; and what is not determined."""
    parts: dict[str, list[float]] = {}
    for name, chance in complete(types).items():
        if name not in NO_TYPE:
            for state, share in register.origins(name).items():
                parts.setdefault(state, []).append(chance * share)
    summed = {state: math.fsum(sorted(values)) for state, values in parts.items()}
    ordered = dict(sorted(summed.items(), key=lambda item: (-item[1], item[0])))
    return ordered, max(0.0, 1 - math.fsum(ordered.values()))
