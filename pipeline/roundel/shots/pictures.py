"""How two small pictures are compared, and the frames that are kept for it."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel.types import FrameRef, Seconds

Thumbnail = NDArray[np.uint8]
Floats = NDArray[np.float32]


class Kept(NamedTuple):
    """A frame with what is compared of it.

    ``low`` and ``high`` are the lowest and highest value near each pixel; ``detail`` is the energy of its edges.
    """

    ref: FrameRef
    thumbnail: Thumbnail
    low: Thumbnail
    high: Thumbnail
    detail: float


class History:
    """The newest frames, oldest first, in parallel lists.

    ``rows`` holds the frames as vectors (n, pixels of a 16-pixel-wide picture), with spare rows at its end;
    ``spikes`` the distance of each frame from the one before it; ``base`` the number of the first frame that is kept.
    """

    def __init__(self, motion_px: int) -> None:
        self.frames: list[Kept] = []
        self.seconds: list[Seconds] = []
        self.spikes: list[float] = []
        self.rows: Floats = np.zeros((0, 0), np.float32)
        self.base = 0
        self._kernel = np.ones((2 * motion_px + 1,) * 2, np.uint8)

    @property
    def end(self) -> int:
        """The number that the next frame will have."""
        return self.base + len(self.frames)

    def time(self, number: int) -> Seconds:
        """Presentation time of the frame with this number."""
        return self.seconds[number - self.base]

    def append(self, ref: FrameRef, picture: Thumbnail) -> None:
        """Add a frame. A picture of another size is scaled to that of the first."""
        if self.frames and picture.shape != self.frames[-1].thumbnail.shape:
            height, width = self.frames[-1].thumbnail.shape[:2]
            picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        low = cv2.erode(picture, self._kernel).astype(np.uint8, copy=False)
        high = cv2.dilate(picture, self._kernel).astype(np.uint8, copy=False)
        kept = Kept(ref, picture, low, high, detail(picture))
        self.spikes.append(distance(self.frames[-1], kept) if self.frames else 0.0)
        self.frames.append(kept)
        self.seconds.append(ref.at.seconds)
        row, index = _row(picture), len(self.frames) - 1
        if index >= len(self.rows):
            grown = np.zeros((2 * index + 64, len(row)), np.float32)
            grown[:index] = self.rows[:index].reshape(index, len(row))
            self.rows = grown
        self.rows[index] = row

    def drop(self, count: int) -> None:
        """Forget the oldest frames."""
        self.frames, self.seconds, self.spikes = self.frames[count:], self.seconds[count:], self.spikes[count:]
        self.rows[: len(self.frames)] = self.rows[count : count + len(self.frames)]
        self.base += count


def distance(a: Kept, b: Kept) -> float:
    """Mean distance of two frames' pixels from each other's envelopes, in grey levels summed over Y, U and V."""
    outside = (
        cv2.subtract(b.thumbnail, a.high),
        cv2.subtract(a.low, b.thumbnail),
        cv2.subtract(a.thumbnail, b.high),
        cv2.subtract(b.low, a.thumbnail),
    )
    height, width = a.thumbnail.shape[:2]
    total = np.sum([cv2.norm(part, cv2.NORM_L1) for part in outside])
    return float(total / (2 * height * width))


def same_scene(a: Thumbnail, b: Thumbnail, reach: int = 5) -> float:
    """How well the luma of ``a``'s blocks is found near its place in ``b``, 0 to 1.

    The median over a 4 x 4 grid of normalised correlations, after a global shift found by phase correlation. Blind to
    gain and offset. Blocks without texture in both pictures have no say; 0 where fewer than four blocks have one.
    """
    first, second = (np.ascontiguousarray(picture[..., 0]) for picture in (a, b))
    height, width = first.shape
    if min(height, width) < 8 * 4:
        return 0.0
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    (dx, dy), response = cv2.phaseCorrelate(first.astype(np.float32), second.astype(np.float32), window)
    if response < 0.1 or abs(dx) > width / 3 or abs(dy) > height / 3:
        dx = dy = 0.0
    moved = cv2.warpAffine(
        second, np.array([[1, 0, -dx], [0, 1, -dy]], np.float32), (width, height), borderMode=cv2.BORDER_REPLICATE
    )
    scores = []
    for top, bottom in _edges(height, 4):
        for left, right in _edges(width, 4):
            patch = first[top + reach : bottom - reach, left + reach : right - reach]
            area = moved[top:bottom, left:right]
            deviations = float(patch.std()), float(area.std())
            if max(deviations) >= 3.0:
                textured = min(deviations) > 1.0  # the correlation with a flat picture is undefined
                scores.append(float(cv2.matchTemplate(area, patch, cv2.TM_CCOEFF_NORMED).max()) if textured else 0.0)
    return float(np.median(scores)) if len(scores) >= 4 else 0.0


def _row(picture: Thumbnail) -> Floats:
    """The picture 16 pixels wide or high, as one vector."""
    height, width = picture.shape[:2]
    size = (16, max(1, round(16 * height / width))) if width >= height else (max(1, round(16 * width / height)), 16)
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32).ravel() - 128


def detail(picture: Thumbnail) -> float:
    """Energy of the luma's edges: mean squared difference of pixels two apart, at half size."""
    height, width = picture.shape[:2]
    luma = cv2.resize(
        np.ascontiguousarray(picture[..., 0]), (max(3, width // 2), max(3, height // 2)), interpolation=cv2.INTER_AREA
    )
    across = cv2.norm(luma[:, 2:], luma[:, :-2], cv2.NORM_L2SQR)
    return float(across + cv2.norm(luma[2:], luma[:-2], cv2.NORM_L2SQR)) / luma.size


def is_plain(picture: Thumbnail, limit: float) -> bool:
    """Whether a picture is black or white all over, edges and borders aside."""
    height, width = picture.shape[:2]
    inner = np.ascontiguousarray(picture[height // 8 : height - height // 8, width // 8 : width - width // 8, 0])
    coarse = cv2.resize(inner, (8, 8), interpolation=cv2.INTER_AREA)
    return float(coarse.std()) < limit and not 45 < float(coarse.mean()) < 195


def _edges(length: int, parts: int) -> list[tuple[int, int]]:
    """``length`` cut into ``parts`` ranges."""
    edges = [length * k // parts for k in range(parts + 1)]
    return list(itertools.pairwise(edges))


def mixture(rows: Floats, first: int, last: int) -> tuple[Floats, Floats, float]:
    """Each row as a mixture of the rows ``first`` and ``last``.

    Returns the weights ``a`` of the last row, the squared residuals as shares of the squared difference of the two
    rows, and that difference (root mean square).
    """
    start = rows[first]
    step = rows[last] - start
    squared = float(step @ step)
    moved = rows - start
    weight = moved @ step / np.float32(max(squared, 1e-6))
    residual = np.einsum("ij,ij->i", moved, moved) / np.float32(max(squared, 1e-6)) - weight * weight
    return weight, np.maximum(residual, 0), (squared / rows.shape[1]) ** 0.5
