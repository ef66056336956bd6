"""Seams in the picture: the straight borders of split screens and pictures in pictures.

Two boxes on either side of such a border may be two pictures of one object, so they prove nothing about numbers. A seam
is a line of brightness steps that stays at the same pixels through all looked-at frames of a shot. A natural straight
edge may be taken for one; that only makes a lower bound smaller.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

STEP = 9  # brightness step (of 255) between neighbours that counts as an edge
FULL_SPAN = 0.8  # share of the height or width that a split-screen seam covers
SIDE_SPAN = 0.7  # share of each side of an inset that shows the step
LEAST_INSET = 0.12  # shortest side of an inset, as a share of the frame
CANDIDATES = 14  # strongest lines tried as sides of an inset

Box = NDArray[np.float32]


class SeamMeter:
    """Fed with the small picture of every analysed frame of one shot."""

    def __init__(self) -> None:
        self._vertical: NDArray[np.uint8] | None = None
        self._horizontal: NDArray[np.uint8] | None = None

    def add(self, thumbnail: NDArray[np.uint8]) -> None:
        """Take a small picture (h, w, 3), luma first."""
        luma = thumbnail[..., 0].astype(np.int16)
        vertical = np.abs(np.diff(luma, axis=1)).astype(np.uint8)
        horizontal = np.abs(np.diff(luma, axis=0)).astype(np.uint8)
        if self._vertical is None or self._horizontal is None:
            self._vertical, self._horizontal = vertical, horizontal
        else:
            self._vertical = np.minimum(self._vertical, vertical)
            self._horizontal = np.minimum(self._horizontal, horizontal)

    def regions(self) -> list[Box]:
        """The parts of the frame that seams cut off, as relative (x1, y1, x2, y2) in 0..1."""
        if self._vertical is None or self._horizontal is None:
            return []
        down, across = self._vertical >= STEP, self._horizontal >= STEP
        height, width = down.shape[0], across.shape[1]
        found = [(0.0, 0.0, (x + 1) / width, 1.0) for x in np.flatnonzero(down.mean(axis=0) >= FULL_SPAN)]
        found += [(0.0, 0.0, 1.0, (y + 1) / height) for y in np.flatnonzero(across.mean(axis=1) >= FULL_SPAN)]
        return [np.array(region, np.float32) for region in found + _insets(down, across)]

    def separates(self, one: Box, other: Box, width: int, height: int) -> bool:
        """Whether a seam lies between two boxes (4,), given in pixels of the full frame."""
        size = np.array([width, height] * 2, np.float32)
        return any(_inside(one / size, region) != _inside(other / size, region) for region in self.regions())


def _inside(box: Box, region: Box) -> bool:
    centre = (box[:2] + box[2:]) / 2
    return bool((centre > region[:2]).all() and (centre < region[2:]).all())


def _lines(edges: NDArray[np.bool_], length: int) -> list[int]:
    """The columns of ``edges`` with the most steps among those that have enough for the side of an inset."""
    counts = edges.sum(axis=0)
    order = np.argsort(-counts, kind="stable")[:CANDIDATES]
    return sorted(int(index) for index in order if counts[index] >= SIDE_SPAN * LEAST_INSET * length)


def _insets(down: NDArray[np.bool_], across: NDArray[np.bool_]) -> list[tuple[float, float, float, float]]:
    """Rectangles whose four sides are seams; a side on the border of the frame needs none."""
    height, width = down.shape[0], across.shape[1]
    columns = [-1, *_lines(down, height), width - 1]
    rows = [-1, *_lines(across.T, width), height - 1]
    found = []
    for left, right in itertools.combinations(columns, 2):
        if right - left < LEAST_INSET * width:
            continue
        for top, bottom in itertools.combinations(rows, 2):
            borders = (left == -1) + (right == width - 1) + (top == -1) + (bottom == height - 1)
            if bottom - top < LEAST_INSET * height or borders > 2:
                continue
            upright, level = slice(top + 1, bottom + 1), slice(left + 1, right + 1)
            sides = [down[upright, x].mean() for x in (left, right) if x not in {-1, width - 1}]
            sides += [across[y, level].mean() for y in (top, bottom) if y not in {-1, height - 1}]
            if all(side >= SIDE_SPAN for side in sides):
                found.append(((left + 1) / width, (top + 1) / height, (right + 1) / width, (bottom + 1) / height))
    return found
