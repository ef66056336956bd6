"""From a photo to a crop of the object in it, as the analysis would crop it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel.classes import lineage, tree
from roundel.identify.gallery import arena
from roundel.types import Detections

CROP_MARGIN = 0.08  # of the box's size, as in the exemplars of an analysis
GOOD_SCORE = 0.5
"""A box with less is no ground to say that a photo shows something else."""

MOST_BYTES = 256 * 1024**2
MOST_PX = 2000
"""Larger photos are shrunk to this length: the network sees 224 pixels, and a finder takes minutes for 20,000."""
LEAST_PX = 32
"""Smaller pictures and objects tell nothing of a type, and nothing of one object."""

Box = tuple[float, float, float, float]


class Finder(Protocol):
    """The part of a detector that is needed here."""

    classes: tuple[str, ...]

    def detect(self, pictures: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """Boxes on each picture (h, w, 3, BGR)."""
        ...


def largest_object(picture: NDArray[np.uint8], finder: Finder) -> Box | None:
    """The box with the largest area × score of the equipment in a picture (h, w, 3, BGR); ``None`` if there is none."""
    found = _hardware(picture, finder)
    return _largest(found) if len(found) else None


def object_of_class(picture: NDArray[np.uint8], finder: Finder, node: str) -> Box | str | None:
    """The largest object in a picture (h, w, 3, BGR) that may be of a class; ``None`` if nothing stands out.

    If the only objects that stand out are of classes that it cannot be, the name of the surest one's class.
    """
    found = _hardware(picture, finder)
    if not len(found):
        return None
    fits = np.array([may_be(finder.classes[label], node) for label in found.label])
    if fits.any():
        return _largest(found.select(fits))
    best = int(np.argmax(found.score))
    return finder.classes[int(found.label[best])] if found.score[best] >= GOOD_SCORE else None


def clear_objects(picture: NDArray[np.uint8], finder: Finder) -> tuple[list[Box], list[Box]]:
    """The equipment in a picture (h, w, 3, BGR) with at least :data:`GOOD_SCORE`, and all people in it."""
    found = finder.detect([picture])[0]
    nodes = [tree()[finder.classes[label]] for label in found.label] if len(found) else []
    boxes = [(float(x1), float(y1), float(x2), float(y2)) for x1, y1, x2, y2 in found.xyxy]
    clear = [
        box for box, node, score in zip(boxes, nodes, found.score, strict=True) if node.hardware and score >= GOOD_SCORE
    ]
    return clear, [box for box, node in zip(boxes, nodes, strict=True) if not node.pictures]


def may_be(seen: str, node: str) -> bool:
    """Whether what the detector calls ``seen`` may be of the class ``node``.

    >>> may_be("helicopter", "combat_aircraft"), may_be("armoured_vehicle", "combat_aircraft")
    (True, False)
    """
    one, other = arena(seen), arena(node)
    return one == other or one in lineage(other) or other in lineage(one)


def _hardware(picture: NDArray[np.uint8], finder: Finder) -> Detections:
    found = finder.detect([picture])[0]
    hardware = np.array([tree()[name].hardware for name in finder.classes])
    return found.select(hardware[found.label]) if len(found) else found


def _largest(found: Detections) -> Box:
    size = (found.xyxy[:, 2:] - found.xyxy[:, :2]).prod(axis=1)
    x1, y1, x2, y2 = (float(value) for value in found.xyxy[int(np.argmax(size * found.score))])
    return x1, y1, x2, y2


def crop_object(picture: NDArray[np.uint8], box: Box, margin: float = CROP_MARGIN) -> NDArray[np.uint8]:
    """The part of a picture (h, w, 3, BGR) that shows a box, with a little of what surrounds it."""
    left, top, right, bottom = cut(picture, box, margin)
    return picture[top:bottom, left:right]


def cut(picture: NDArray[np.uint8], box: Box, margin: float = CROP_MARGIN) -> tuple[int, int, int, int]:
    """Where :func:`crop_object` cuts: left, top, right and bottom in pixels."""
    height, width = picture.shape[:2]
    x1, y1, x2, y2 = box
    across, down = margin * (x2 - x1), margin * (y2 - y1)
    left, top = max(0, int(x1 - across)), max(0, int(y1 - down))
    right, bottom = min(width, int(np.ceil(x2 + across))), min(height, int(np.ceil(y2 + down)))
    return left, top, max(right, left + 1), max(bottom, top + 1)


def shrunk(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture (h, w, 3), made smaller if its longest side has more than :data:`MOST_PX` pixels."""
    height, width = picture.shape[:2]
    scale = MOST_PX / max(height, width)
    if scale >= 1:
        return picture
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def fitted(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A photo (h, w, 3) as it is examined: shrunk, if something can be seen of it then.

    Raises:
        ValueError: with the reason, if a side has fewer than :data:`LEAST_PX` pixels, or has after that.
    """
    height, width = picture.shape[:2]
    small = shrunk(picture)
    if min(small.shape[:2]) >= LEAST_PX:
        return small
    has = "has only" if min(height, width) < LEAST_PX else f"is too narrow, made {MOST_PX} pixels long: it has"
    raise ValueError(f"{has} {width} × {height} pixels; give a picture of at least {LEAST_PX} × {LEAST_PX}")
