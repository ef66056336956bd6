"""Bars at the edges of a frame: of one colour, or blurred copies of the footage."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FLAT = 6  # grey levels around a bar's own brightness
FLAT_SHARE = 0.9  # of a bar's pixels are that near: a sign may stand in it
JUMP = 12  # grey levels from a bar to what lies beyond it: a sky gets lighter little by little, a bar ends at once
SOFT_SHARE = 0.35  # a blurred bar has at most this share of the fine detail of what is between the bars
SEAM = 2.5  # where a blurred bar ends the brightness changes this many times as much as inside of it
LEAST_BAR, MOST_FLAT, MOST_SOFT = 0.03, 0.8, 0.42  # of the frame's side


def bars(pictures: NDArray[np.uint8]) -> tuple[int, int, int, int] | None:
    """What lies between the bars of the pictures (n, h, w) of one shot.

    Blurred bars are found in pairs of one height, as everybody makes them.

    Returns:
        Left, top, right and bottom in pixels; ``None`` if there are no bars, or if next to nothing lies between them.
    """
    _, height, width = pictures.shape
    turned = pictures.transpose(0, 2, 1)
    top, bottom = _flat_rows(pictures), _flat_rows(pictures[:, ::-1])
    left, right = _flat_rows(turned), _flat_rows(turned[:, ::-1])
    if top + bottom == 0:
        top = bottom = _soft_rows(pictures[:, :, left : width - right])
    if left + right == 0:
        left = right = _soft_rows(turned[:, :, top : height - bottom])
    inside = (width - left - right, height - top - bottom)
    if inside == (width, height) or inside[0] < 0.1 * width or inside[1] < 0.1 * height:
        return None
    return left, top, width - right, height - bottom


def _flat_rows(pictures: NDArray[np.uint8]) -> int:
    """Rows of one brightness at the upper edge."""
    height = pictures.shape[1]
    level = np.median(pictures[:, :2], axis=(1, 2)).astype(np.int16)[:, None, None]
    rows = 0
    for rows in range(height):
        away = np.abs(pictures[:, rows] - level[:, 0])
        if (away <= FLAT).mean() < FLAT_SHARE:
            break
    if not LEAST_BAR * height <= rows <= MOST_FLAT * height:
        return 0
    beyond = np.abs(pictures[:, min(height - 1, rows + 2)] - level[:, 0]).mean()
    return rows if beyond > JUMP else 0


def _soft_rows(pictures: NDArray[np.uint8]) -> int:
    """Rows of a blurred bar at the upper edge, if there is one as high at the lower edge."""
    height = pictures.shape[1]
    least, most = max(2, round(LEAST_BAR * height)), round(MOST_SOFT * height)
    if pictures.shape[2] < 8 or most <= least:
        return 0
    values = pictures.astype(np.float32)
    detail = np.abs(np.diff(values, n=2, axis=2)).mean(axis=(0, 2))
    steps = np.abs(np.diff(values, axis=1)).mean(axis=(0, 2))
    both = detail + detail[::-1]  # of the rows that are equally far from the two edges
    half = height // 2
    outside = np.cumsum(both)
    inside = np.cumsum(both[:half][::-1])[::-1]
    best, found = SEAM, 0
    for rows in range(least, most):
        seam = min(steps[rows - 1], steps[height - 1 - rows])
        calm = max(float(steps[: rows - 1].mean()), float(steps[height - rows :].mean()), 0.2)
        sharper = inside[rows] / (half - rows) * SOFT_SHARE >= outside[rows - 1] / rows
        if sharper and seam / calm > best:
            best, found = float(seam / calm), rows
    return found
