"""Heads of people in the pictures that prove a match, which show two moments in one picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from roundel.matching.exhibits import GAP_PX
from roundel.matching.geometry import Matrix, moved
from roundel.report.heads import Box, pixelate

_FRAME: Box = (0.0, 0.0, 1.0, 1.0)


def in_frame(boxes: Sequence[Box], width: float, height: float) -> list[Box]:
    """Boxes in pixels of a frame as shares of its sides."""
    return [(left / width, top / height, right / width, bottom / height) for left, top, right, bottom in boxes]


def hide_in_overlay(image: NDArray[np.uint8], transform: Matrix, this: Sequence[Box], other: Sequence[Box]) -> None:
    """Make the heads of both videos coarse in an overlay (h, w, 3) of :func:`roundel.matching.exhibits.overlay`.

    Args:
        image: the overlay, in the frame of this video; it is changed.
        transform: from the frame of this video to that of the other, both with sides of 1.
        this: heads in this video's picture, as shares of its sides.
        other: heads in the other's, as shares of its sides.
    """
    back = np.asarray(np.linalg.inv(transform), np.float64)
    pixelate(image, _FRAME, [*this, *(_moved_box(box, back) for box in other)])


def hide_beside(image: NDArray[np.uint8], shape: tuple[int, int], this: Sequence[Box], other: Sequence[Box]) -> None:
    """Make the heads coarse in a picture of :func:`roundel.matching.exhibits.beside`.

    Args:
        image: this video's picture on the left, the other's on the right (h, w, 3); it is changed.
        shape: height and width of this video's picture before it was scaled: those of the overlay.
        this: heads in this video's picture, as shares of its sides.
        other: heads in the other's, as shares of its sides.
    """
    middle = max(1, round(shape[1] * image.shape[0] / shape[0]))
    pixelate(image[:, :middle], _FRAME, this)
    pixelate(image[:, middle + GAP_PX :], _FRAME, other)


def _moved_box(box: Box, by: Matrix) -> Box:
    left, top, right, bottom = box
    corners = moved(np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64), by)
    (x1, y1), (x2, y2) = corners.min(axis=0), corners.max(axis=0)
    return float(x1), float(y1), float(x2), float(y2)
