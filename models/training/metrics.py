"""Average precision, recall and precision with bootstrap intervals over pictures.

Average precision is COCO's: precision interpolated at 101 recall points (Lin et al., Microsoft COCO, ECCV 2014; the
evaluation code's definition). Intervals are the 2.5 and 97.5 % points over resampled pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roundel.detect.nms import iou

THRESHOLDS = np.round(np.arange(0.5, 1.0, 0.05), 2)
RECALL_POINTS = np.linspace(0, 1, 101)
RESAMPLES = 300
SEED = 7

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Matched:
    """Detections of one class over a set of pictures, best score first.

    ``hits`` (n, 10): right at each of the ten overlap thresholds; ``ignored`` (n, 10): neither right nor wrong (another
    size); ``picture`` (n,) and ``truths`` (pictures,) number of true boxes.
    """

    scores: Floats
    hits: NDArray[np.bool_]
    ignored: NDArray[np.bool_]
    picture: NDArray[np.intp]
    truths: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    def rounded(self) -> list[float]:
        """Value, low, high with three digits."""
        return [round(float(number), 3) for number in (self.value, self.low, self.high)]


def match_picture(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], truth: NDArray[np.float32], counted: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which boxes (n, 4), in order of falling score, are right and which fall on true boxes that are not ``counted``.

    Each true box (m, 4) is given once, to the best-scored box that overlaps it enough. Both results are (n, 10).
    """
    hits = np.zeros((len(boxes), len(THRESHOLDS)), bool)
    ignored = np.zeros_like(hits)
    if not len(boxes) or not len(truth):
        return hits, ignored
    overlap = iou(boxes, truth)
    for column, threshold in enumerate(THRESHOLDS):
        free = np.ones(len(truth), bool)
        for row in np.argsort(-scores, kind="stable"):
            fitting = np.where(free & (overlap[row] >= threshold), overlap[row], 0.0)
            best = int(fitting.argmax())
            if fitting[best] > 0:
                free[best] = False
                (hits if counted[best] else ignored)[row, column] = True
    return hits, ignored


def join(
    parts: Sequence[tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]], truths: Sequence[int]
) -> Matched:
    """Put the pictures' scores, hits and ignored together, best score first."""
    picture = np.repeat(np.arange(len(parts)), [len(part[0]) for part in parts])
    scores = np.concatenate([part[0] for part in parts]) if parts else np.zeros(0)
    hits, ignored = (
        np.concatenate([part[index] for part in parts]) if parts else np.zeros((0, len(THRESHOLDS)), bool)
        for index in (1, 2)
    )
    order = np.argsort(-scores, kind="stable")
    return Matched(scores[order].astype(float), hits[order], ignored[order], picture[order], np.array(truths, np.intp))


def average_precision(matched: Matched, column: int, weights: Floats) -> float:
    """Average precision at one overlap threshold, each picture counted ``weights`` (pictures,) times."""
    total = float((weights * matched.truths).sum())
    if not total or not len(matched.scores):
        return 0.0 if total else float("nan")
    each = weights[matched.picture] * ~matched.ignored[:, column]
    right = np.cumsum(each * matched.hits[:, column])
    found = np.cumsum(each)
    recall, precision = right / total, right / np.maximum(found, 1e-12)
    best_after = np.maximum.accumulate(precision[::-1])[::-1]
    index = np.searchsorted(recall, RECALL_POINTS - 1e-9, side="left")
    return float(np.where(index < len(recall), best_after[np.minimum(index, len(recall) - 1)], 0.0).mean())


def at_threshold(matched: Matched, score: float, weights: Floats) -> tuple[float, float]:
    """Recall and precision at an overlap of 0.5 of the boxes with at least this score."""
    total = float((weights * matched.truths).sum())
    each = weights[matched.picture] * (matched.scores >= score) * ~matched.ignored[:, 0]
    right, found = float((each * matched.hits[:, 0]).sum()), float(each.sum())
    return right / total if total else float("nan"), right / found if found else float("nan")


def summary(matched: Matched, score: float) -> dict[str, object]:
    """AP50, AP50-95, recall and precision at ``score``, each with its interval, and the number of true boxes."""
    pictures = len(matched.truths)
    draws = np.random.default_rng(SEED).multinomial(pictures, np.full(pictures, 1 / pictures), RESAMPLES)

    def figures(weights: Floats) -> tuple[float, float, float, float]:
        points = [average_precision(matched, column, weights) for column in range(len(THRESHOLDS))]
        return points[0], float(np.mean(points)), *at_threshold(matched, score, weights)

    value = figures(np.ones(pictures))
    with np.errstate(invalid="ignore"):
        spread = np.array([figures(draw.astype(float)) for draw in draws])
    found = {
        name: Interval(value[index], *_points(spread[:, index])).rounded()
        for index, name in enumerate(("ap50", "ap50_95", "recall", "precision"))
    }
    return {"pictures": pictures, "boxes": int(matched.truths.sum()), **found}


def _points(values: Floats) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    return (float(np.quantile(known, 0.025)), float(np.quantile(known, 0.975))) if len(known) else (np.nan, np.nan)
