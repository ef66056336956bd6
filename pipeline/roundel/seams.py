"""Seams in the picture: the straight borders of split screens and pictures in pictures.

Two boxes on either side of such a border may be two pictures of one object, so they prove nothing about numbers. A seam
is a line of brightness steps that stays at the same pixels while the frames of a shot pass, and that stands out from
the lines beside it. A natural straight edge may be taken for one; that only makes a lower bound smaller.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

STEP = 10  # brightness step (of 255) between neighbours that counts as an edge
PRESENT = 0.55  # share of a seam's pixels and frames that show the step
PROMINENT = 0.3  # by which this share exceeds the one of the lines beside it
BESIDE = 3  # distance to those lines, in pixels of the small picture
LEAST_INSET = 0.18  # shortest side of an inset, as a share of the frame
CANDIDATES = 12  # strongest lines tried as sides of an inset

Box = NDArray[np.float32]
_Shares = NDArray[np.float32]


class SeamMeter:
    """Fed with the small picture of every analysed frame of one shot."""

    def __init__(self) -> None:
        self.frames = 0
        self._regions: list[Box] = []
        self._regions_frames = 0
        self._down: _Shares = np.zeros((0, 0), np.float32)
        self._across: _Shares = np.zeros((0, 0), np.float32)

    def add(self, thumbnail: NDArray[np.uint8]) -> None:
        """Take a small picture (h, w, 3), luma first."""
        luma = thumbnail[..., 0].astype(np.int16)
        down = np.abs(np.diff(luma, axis=1)) >= STEP
        across = (np.abs(np.diff(luma, axis=0)) >= STEP).T
        if self.frames == 0:
            self._down, self._across = np.zeros(down.shape, np.float32), np.zeros(across.shape, np.float32)
        self.frames += 1
        self._down += (down - self._down) / self.frames
        self._across += (across - self._across) / self.frames

    def regions(self) -> list[Box]:
        """The parts of the frame that seams cut off, as relative (x1, y1, x2, y2) in 0..1.

        They are worked out anew each time the number of frames has doubled: seams settle quickly.
        """
        if self.frames >= 2 * self._regions_frames and self.frames:
            self._regions, self._regions_frames = self._find(), self.frames
        return self._regions

    def _find(self) -> list[Box]:
        height, width = self._down.shape[0], self._across.shape[0]
        upright, level = _sums(self._down), _sums(self._across)
        found = [(0.0, 0.0, (x + 1) / width, 1.0) for x in range(width - 1) if _is_seam(upright, x, 0, height)]
        found += [(0.0, 0.0, 1.0, (y + 1) / height) for y in range(height - 1) if _is_seam(level, y, 0, width)]
        return [np.array(region, np.float32) for region in found + _insets(upright, level)]


def separated(one: Box, other: Box, regions: Sequence[Box]) -> bool:
    """Whether a seam lies between two boxes, given like the regions as relative (x1, y1, x2, y2) in 0..1."""
    return any(_inside(one, region) != _inside(other, region) for region in regions)


def _inside(box: Box, region: Box) -> bool:
    centre = (box[:2] + box[2:]) / 2
    return bool((centre > region[:2]).all() and (centre < region[2:]).all())


def _sums(shares: _Shares) -> NDArray[np.float64]:
    """Running sums along the lines, (length + 1, lines), so that the mean of any part of a line is one subtraction."""
    return np.vstack([np.zeros((1, shares.shape[1])), np.cumsum(shares, axis=0, dtype=np.float64)])


def _is_seam(sums: NDArray[np.float64], line: int, start: int, end: int) -> bool:
    """Whether the part ``[start, end)`` of a line is a seam."""
    share = (sums[end] - sums[start]) / (end - start)
    beside = [share[other] for other in (line - BESIDE, line + BESIDE) if 0 <= other < len(share)]
    return bool(share[line] >= PRESENT and share[line] - np.mean(beside) >= PROMINENT)


def _strongest(sums: NDArray[np.float64], length: int) -> list[int]:
    """The lines that show most steps, among those with enough for the side of an inset."""
    totals = sums[-1]
    order = np.argsort(-totals, kind="stable")[:CANDIDATES]
    return sorted(int(line) for line in order if totals[line] >= PRESENT * LEAST_INSET * length)


def _insets(upright: NDArray[np.float64], level: NDArray[np.float64]) -> list[tuple[float, float, float, float]]:
    """Rectangles whose sides are seams; a side on the border of the frame needs none, but two sides at least do."""
    height, width = len(upright) - 1, len(level) - 1
    columns = [-1, *_strongest(upright, height), width - 1]
    rows = [-1, *_strongest(level, width), height - 1]
    found = []
    for left, right in itertools.combinations(columns, 2):
        for top, bottom in itertools.combinations(rows, 2):
            if right - left < LEAST_INSET * width or bottom - top < LEAST_INSET * height:
                continue
            sides = [(upright, x, top + 1, bottom + 1) for x in (left, right) if x not in {-1, width - 1}]
            sides += [(level, y, left + 1, right + 1) for y in (top, bottom) if y not in {-1, height - 1}]
            if len(sides) >= 2 and all(_is_seam(*side) for side in sides):
                found.append(((left + 1) / width, (top + 1) / height, (right + 1) / width, (bottom + 1) / height))
    return found
