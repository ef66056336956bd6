"""How strong words may be: likelihood ratios, the cap that the validation sets, and the verbal scale.

A likelihood ratio says how much more expected a finding is if the claim is true than if it is not. The scale is that of
the European Network of Forensic Science Institutes (Guideline for evaluative reporting, 2015). What a report may say is
capped by how often the detector was wrong in how many independent clips: with no false alarm in ``n`` clips the 95 %
bound on the rate of false alarms is 1 - 0.05^(1/n), and no ratio above sensitivity over that bound can be defended.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from roundel.calibration import OperatingPoint

CONFIDENCE = 0.95
SCALE = (
    (1.0, "no support either way"),
    (2.0, "weak support"),
    (10.0, "moderate support"),
    (100.0, "moderately strong support"),
    (1_000.0, "strong support"),
    (10_000.0, "very strong support"),
)
"""From which ratio on which words may be used."""
EVEN = 0.5
"""Evidence is measured against even odds: the footage has to move them."""


@dataclass(frozen=True, slots=True)
class Strength:
    """A likelihood ratio as it may be stated, and the ``cap`` on it; ``clips``: negatives that the cap rests on."""

    ratio: float
    cap: float
    clips: int

    @property
    def words(self) -> str:
        """The words of the scale for the ratio."""
        return words_for(self.ratio)


NO_STRENGTH = Strength(1.0, 1.0, 0)


def words_for(ratio: float) -> str:
    """The words for a likelihood ratio.

    >>> words_for(1.0), words_for(91), words_for(300)
    ('no support either way', 'moderate support', 'moderately strong support')
    """
    return SCALE[max(0, bisect_right([least for least, _ in SCALE], ratio) - 1)][1]


def scale_rows() -> tuple[tuple[str, str], ...]:
    """The scale as it is printed: range of the ratio, words."""
    bounds = [least for least, _ in SCALE]
    ranges = [f"{low:,.0f} to {high:,.0f}" for low, high in pairwise(bounds)]
    return tuple(zip([*ranges, f"over {bounds[-1]:,.0f}"], [words for _, words in SCALE], strict=True))


def false_alarm_bound(false_alarms: int, negatives: int) -> float:
    """One-sided 95 % upper bound on a rate (Clopper and Pearson, 1934); 1 without negatives.

    >>> round(false_alarm_bound(0, 300), 4), false_alarm_bound(0, 0)
    (0.0099, 1.0)
    """
    if negatives <= 0 or false_alarms >= negatives:
        return 1.0
    if false_alarms == 0:
        return float(1 - (1 - CONFIDENCE) ** (1 / negatives))
    low, high = false_alarms / negatives, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _at_most(false_alarms, negatives, middle) > 1 - CONFIDENCE:
            low = middle
        else:
            high = middle
    return high


def hit_bound(found: int, objects: int) -> float:
    """One-sided 95 % lower bound on a share that was found; 0 without objects."""
    return 1 - false_alarm_bound(objects - found, objects)


def _at_most(count: int, trials: int, rate: float) -> float:
    """P(X <= count) of a binomial."""
    log, log_not = math.log(rate), math.log1p(-rate) if rate < 1 else -math.inf
    return math.fsum(
        math.exp(
            math.lgamma(trials + 1)
            - math.lgamma(k + 1)
            - math.lgamma(trials - k + 1)
            + k * log
            + (trials - k) * log_not
        )
        for k in range(count + 1)
    )


def cap(point: OperatingPoint) -> float:
    """The largest likelihood ratio that this point of the validation can defend, at least 1.

    Hits are bounded from below as false alarms are from above: one hit of one is no sensitivity of 1.

    >>> point = OperatingPoint(probability=0.5, found=90_200, objects=100_000, false_alarms=0, negatives=300)
    >>> round(cap(point))
    91
    """
    return max(1.0, hit_bound(point.found, point.objects) / false_alarm_bound(point.false_alarms, point.negatives))


def odds(probability: float) -> float:
    """Odds of a probability, never infinite."""
    kept = min(max(probability, 0.0), 1 - 1e-9)
    return kept / (1 - kept)


def strength(probability: float, points: Sequence[OperatingPoint]) -> Strength:
    """How strong a probability may be called, given what was measured for its class.

    The ratio is that of its odds to even odds, capped by the highest point of the validation that the probability
    reaches and at which half of the clips that show the class were found: beyond it hardly anything was measured.
    Without a validation nothing is stated.
    """
    usual = [point for point in points if 2 * point.found >= point.objects > 0]
    reached = max(
        (point for point in usual if point.probability <= probability),
        key=lambda point: point.probability,
        default=None,
    )
    if reached is None:
        return NO_STRENGTH
    limit = cap(reached)
    return Strength(min(limit, max(1.0, odds(probability) / odds(EVEN))), limit, reached.negatives)


def grouped(probability: float, strengths: Sequence[Strength]) -> Strength:
    """How strong a statement about several objects may be called: it rests on each of them and on their number.

    Args:
        probability: that all that is stated of the group is so.
        strengths: of each object that the statement needs.
    """
    least = min(strengths, key=lambda item: item.cap, default=NO_STRENGTH)
    stated = [item.ratio for item in strengths] or [1.0]
    return Strength(min(*stated, least.cap, max(1.0, odds(probability) / odds(EVEN))), least.cap, least.clips)


def tail(probabilities: Sequence[float], least: int) -> float:
    """P(at least so many are real) for independent objects: the Poisson-binomial tail.

    >>> round(tail([0.9, 0.8], 2), 2), tail([], 1), tail([0.2], 0)
    (0.72, 0.0, 1.0)
    """
    chances = [1.0]
    for p in sorted(probabilities):
        chances = [
            (chances[k] * (1 - p) if k < len(chances) else 0.0) + (chances[k - 1] * p if k else 0.0)
            for k in range(len(chances) + 1)
        ]
    return min(1.0, math.fsum(chances[max(0, least) :]))
