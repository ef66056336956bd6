"""Types of a sighting as shares that exclude each other.

An analysis publishes the probability of each type and of the families and classes above it. Summed as they stand, one
share would count several times.
"""

from __future__ import annotations

from collections.abc import Mapping

from roundel.catalogue import Catalogue
from roundel.errors import UsageError

OUTSIDE = ("other", "unknown")
LEAST = 1e-6


def exclusive(types: Mapping[str, float], catalogue: Catalogue) -> dict[str, float]:
    """Each type with what belongs to none of the types listed below it; the rest is ``other`` and ``unknown``.

    What only a class has, and types that the catalogue does not know, are ``other``.
    """
    if not types:
        return {}
    lines = {name: line for name in types if name not in OUTSIDE and (line := _lineage(name, catalogue))}
    alone = {name: types[name] for name in lines}
    for name, line in lines.items():
        above = next((node for node in line[1:] if node in lines), None)
        if above is not None:
            alone[above] -= types[name]
    kept = {name: share for name, share in alone.items() if share > LEAST and name not in catalogue.classes}
    unknown = types.get("unknown", 0.0)
    return {**kept, "unknown": unknown, "other": max(0.0, 1 - unknown - sum(kept.values()))}


def _lineage(name: str, catalogue: Catalogue) -> tuple[str, ...]:
    """The type and all above it; empty for a type of the user's own that the catalogue does not hold."""
    try:
        return catalogue.lineage(name)
    except UsageError:
        return ()
