"""Deterministic suppression of duplicate boxes. No time limit, no dependence on the order of equal scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roundel.types import Detections


def areas(xyxy: NDArray[np.float32]) -> NDArray[np.float64]:
    """Box areas in square pixels, (n,)."""
    size = np.maximum(xyxy[:, 2:].astype(np.float64) - xyxy[:, :2], 0)
    return np.asarray(size[:, 0] * size[:, 1])


def intersections(one: NDArray[np.float32], many: NDArray[np.float32]) -> NDArray[np.float64]:
    """Areas that boxes ``one`` (n, 4) share with boxes ``many`` (m, 4), (n, m) in square pixels."""
    low = np.maximum(one[:, None, :2], many[None, :, :2]).astype(np.float64)
    high = np.minimum(one[:, None, 2:], many[None, :, 2:]).astype(np.float64)
    size = np.maximum(high - low, 0)
    return np.asarray(size[..., 0] * size[..., 1])


def iou(one: NDArray[np.float32], many: NDArray[np.float32]) -> NDArray[np.float64]:
    """Intersection over union of every pair, (n, m)."""
    shared = intersections(one, many)
    union = areas(one)[:, None] + areas(many)[None, :] - shared
    return np.asarray(shared / np.maximum(union, 1e-9))


def overlap_of_smaller(one: NDArray[np.float32], many: NDArray[np.float32]) -> NDArray[np.float64]:
    """Share of the smaller box of every pair that lies inside the other one, (n, m)."""
    smaller = np.minimum(areas(one)[:, None], areas(many)[None, :])
    return np.asarray(intersections(one, many) / np.maximum(smaller, 1e-9))


def suppress(found: Detections, iou_limit: float, contained_limit: float, limit: int = 300) -> Detections:
    """Keep the best box of each object, over all classes: greedy, best score first.

    A box goes if it overlaps a kept one by more than ``iou_limit``, or if more than ``contained_limit`` of the smaller
    one lies inside the other and both are most likely of the same class: a part of it, or the piece seen in a tile.
    """
    if not len(found):
        return found
    box = found.xyxy
    order = np.lexsort((box[:, 3], box[:, 2], box[:, 1], box[:, 0], -found.score.astype(np.float64)))
    found = found.select(order)
    label, alive, kept = found.label, np.ones(len(found), bool), []
    for index in range(len(found)):
        if not alive[index]:
            continue
        kept.append(index)
        if len(kept) == limit:
            break
        here, rest = found.xyxy[index : index + 1], found.xyxy[index + 1 :]
        duplicate = iou(here, rest)[0] > iou_limit
        part = (overlap_of_smaller(here, rest)[0] > contained_limit) & (label[index + 1 :] == label[index])
        alive[index + 1 :] &= ~(duplicate | part)
    return found.select(np.array(kept, np.intp))
