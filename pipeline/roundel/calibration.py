"""From detector scores to probabilities, as measured on held-out footage.

A track's scores are fused once; their number never multiplies. Two things are asked: is there an object of the tree at
all (a logistic curve over the fused score and the length of the track, Platt 1999), and if so, of which class (the
shares, tempered; Guo et al., ICML 2017). Both were fitted on one half of the clips and measured on the other by
``models/training/calibrate.py``; how many clips that were is kept, because it caps what a report may say.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roundel.classes import ROOT, lineage
from roundel.errors import WeightsError

LEAST = 1e-4
MOST_FRAMES = 32  # longer tracks are no better known: the curve was not fitted on them


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What was right and wrong on held-out clips when a class was said from this ``probability`` on.

    ``found`` of ``objects``: clips that show the class, and in how many of them it was said of what shows it.
    ``false_alarms`` of ``negatives``: clips that do not show it, and in how many of them it was said.
    """

    probability: float
    found: int
    objects: int
    false_alarms: int
    negatives: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """The fitted numbers for one weights file; ``bias`` by the broad class that :func:`top_class` names."""

    weights_sha256: str
    intercept: float
    score_slope: float
    frames_slope: float
    bias: Mapping[str, float]
    temperature: float
    clips: int
    """Independent clips that the error was measured on; none of them was used for fitting."""
    expected_error: float
    """Expected calibration error on these clips."""
    points: Mapping[str, tuple[OperatingPoint, ...]] = field(default_factory=dict)
    """By node of the class tree: how often it was said rightly and wrongly on these clips."""

    def is_object(self, score: float, frames: int, top: str) -> float:
        """P(there is an object of the tree) for a track with this fused score, length and most likely top class."""
        logit = math.log(max(score, LEAST) / max(1 - score, LEAST))
        length = math.log(min(max(frames, 1), MOST_FRAMES))
        value = self.intercept + self.score_slope * logit + self.frames_slope * length + self.bias.get(top, 0.0)
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, value))))

    def posterior(self, scores: Mapping[str, float], score: float, frames: int) -> dict[str, float]:
        """P(the track is an object of this node) for every node of the tree.

        Args:
            scores: fused score of each detector class.
            score: the track's score, 0..1.
            frames: in how many analysed frames it was seen.
        """
        tempered = temper(scores, self.temperature)
        real = self.is_object(score, frames, top_class(tempered))
        found: dict[str, float] = {}
        for name, share in tempered.items():
            for node in lineage(name):
                found[node] = found.get(node, 0.0) + share * real
        return {node: round(p, 4) for node, p in sorted(found.items(), key=lambda item: (-item[1], item[0]))}


def temper(scores: Mapping[str, float], temperature: float) -> dict[str, float]:
    """Shares of the classes after dividing the logarithms of the scores by the temperature; they add up to one.

    >>> temper({"uav": 0.8, "bird": 0.2}, 1.0)
    {'uav': 0.8, 'bird': 0.2}
    """
    weights = {name: max(value, 1e-9) ** (1 / temperature) for name, value in scores.items()}
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def top_class(shares: Mapping[str, float]) -> str:
    """The likeliest of the broad classes: the child of *equipment* above each class, else the child of the root.

    >>> top_class({"uav": 0.4, "helicopter": 0.3, "bird": 0.3})
    'aircraft'
    """
    broad: dict[str, float] = {}
    for name, share in shares.items():
        line = [node for node in lineage(name) if node not in {ROOT, "equipment"}]
        broad[line[-1] if line else name] = broad.get(line[-1] if line else name, 0.0) + share
    return max(sorted(broad), key=lambda node: broad[node])


def points_from(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, tuple[OperatingPoint, ...]]:
    """The operating points by node, from their published form."""
    return {node: tuple(OperatingPoint(**row) for row in given) for node, given in rows.items()}


def read(path: Path, weights_sha256: str) -> Calibration:
    """The calibration of a weights file.

    Raises:
        WeightsError: if the file is not as it was written, or belongs to other weights.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        points = {node: tuple(OperatingPoint(**row) for row in rows) for node, rows in found["points"].items()}
        calibration = Calibration(
            **{name: found[name] for name in Calibration.__dataclass_fields__} | {"points": points}
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path}: cannot be read as a calibration ({error}); install Roundel again") from error
    if calibration.weights_sha256 != weights_sha256:
        raise WeightsError(
            f"{path}: was made for other weights ({calibration.weights_sha256}, not {weights_sha256}); "
            "run python -m training.calibrate"
        )
    return calibration
