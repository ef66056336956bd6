"""Pictures that let people judge a match: one still over the other, and both side by side."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel.fingerprint.keyframes import Still
from roundel.matching.geometry import Matrix

Picture = NDArray[np.uint8]
GAP_PX = 8
GAP_GREY = 128


def overlay(query: Still, reference: Still, transform: Matrix) -> Picture:
    """The reference laid over the query (h, w, 3, BGR): the query in orange, the reference in blue.

    Where both show the same, the colours add up to grey; what only one of them shows has its colour.

    Args:
        query: still (h, w).
        reference: still (h2, w2).
        transform: from the query's frame to the reference's, both with sides of 1.
    """
    height, width = query.shape
    to_query = _scale(width, height) @ np.linalg.inv(transform) @ np.linalg.inv(_scale(*reference.shape[::-1]))
    laid = cv2.warpPerspective(reference, to_query, (width, height), flags=cv2.INTER_LINEAR)
    half = ((query.astype(np.uint16) + laid) // 2).astype(np.uint8)
    return np.ascontiguousarray(np.dstack([laid, half, query]))


def beside(query: Still, reference: Still) -> Picture:
    """The query on the left and the reference on the right, of equal height (h, w, 3, BGR)."""
    height = max(query.shape[0], reference.shape[0])
    left, right = (_of_height(still, height) for still in (query, reference))
    gap = np.full((height, GAP_PX), GAP_GREY, np.uint8)
    return np.ascontiguousarray(cv2.cvtColor(np.hstack([left, gap, right]), cv2.COLOR_GRAY2BGR))


def _scale(width: int, height: int) -> Matrix:
    """From a frame with sides of 1 to the numbers of pixels, whose centres are whole."""
    return np.array([[width, 0, -0.5], [0, height, -0.5], [0, 0, 1]], np.float64)


def _of_height(still: Still, height: int) -> Still:
    if still.shape[0] == height:
        return still
    width = max(1, round(still.shape[1] * height / still.shape[0]))
    return np.asarray(cv2.resize(still, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
