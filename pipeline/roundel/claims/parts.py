"""A claim is a conjunction of parts: each has a verdict and evidence of its own, and the whole is worth its worst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from roundel.claims.model import Evidence, Step, Verdict
from roundel.claims.wording import NO_STRENGTH, Strength

ORDER = (
    Verdict.SHOWS,
    Verdict.SUPPORTS,
    Verdict.CONSISTENT_WITH,
    Verdict.NOT_ADDRESSED,
    Verdict.CANNOT_BE_ASSESSED,
    Verdict.WEAKENS,
    Verdict.CONTRADICTS,
)
"""From the best for a claim to the worst: a conjunction is worth its worst part."""


@dataclass(frozen=True, slots=True)
class Part:
    """What is found about one part of a claim. ``strength``: of what speaks for it, if that was measured."""

    name: str
    verdict: Verdict
    evidence: tuple[Evidence, ...] = ()
    steps: tuple[Step, ...] = ()
    alternatives: tuple[str, ...] = ()
    not_addressed: tuple[str, ...] = ()
    would_change: tuple[str, ...] = ()
    strength: Strength = field(default=NO_STRENGTH)
    people: tuple[str, ...] = ()
    """Whose findings the verdict rests on."""
    about: str = ""
    """What the part says, if its name does not say it."""


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict of a conjunction.

    >>> worst([Verdict.SUPPORTS, Verdict.NOT_ADDRESSED]).value
    'not_addressed'
    """
    return max(verdicts, key=ORDER.index)


def at_best(verdict: Verdict, limit: Verdict) -> Verdict:
    """The verdict, or the limit if the verdict says more for the claim.

    >>> at_best(Verdict.SHOWS, Verdict.CONSISTENT_WITH).value, at_best(Verdict.WEAKENS, Verdict.SUPPORTS).value
    ('consistent_with', 'weakens')
    """
    return worst([verdict, limit])


def is_for(verdict: Verdict) -> bool:
    """Whether a verdict speaks for a claim."""
    return ORDER.index(verdict) <= ORDER.index(Verdict.CONSISTENT_WITH)


def turned(item: Evidence) -> Evidence:
    """Evidence for something as evidence against the contrary, and the other way round."""
    return replace(item, direction="against" if item.direction == "for" else "for")
