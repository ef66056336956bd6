"""Where in its frame the footage is: between the bars, and inside a frame within the frame.

Both are looked for in several pictures of one shot together. What an editor adds stays where it is while the footage
moves; a single picture would not tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel.fingerprint.bars import bars

Floats = NDArray[np.float32]
Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels."""

SEARCH_PX = 384  # longest side of the pictures that are searched
EDGE = 12  # grey levels between neighbours across the outline of a frame within the frame
STEADY = 0.7  # of the pictures show an outline at its place
COVERED = 0.65  # of each side of an outline is seen
LEAST_SIDE, MOST_AREA = 0.1, 0.6  # of the frame
MOST_LINES = 10  # upright and level outlines that are tried


@dataclass(frozen=True, slots=True)
class Layout:
    """``content``: the frame between its bars; ``inset``: the frame within the frame. ``None`` where there is none."""

    content: Box | None = None
    inset: Box | None = None


def find_layout(pictures: NDArray[np.uint8]) -> Layout:
    """Look for bars and for a frame within the frame in the pictures (n, h, w) of one shot; all boxes in their pixels.

    A frame within the frame is only seen in two pictures or more.
    """
    _, height, width = pictures.shape
    scale = min(1.0, SEARCH_PX / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.stack([cv2.resize(item, size, interpolation=cv2.INTER_AREA) for item in pictures]).astype(np.uint8)
    content = bars(small)
    left, top, right, bottom = content or (0, 0, *size)
    inset = _inset(small[:, top:bottom, left:right]) if len(small) > 1 else None
    if inset is not None:
        inset = inset[0] + left, inset[1] + top, inset[2] + left, inset[3] + top
    zoom = width / size[0], height / size[1]
    return Layout(_scaled(content, zoom), _scaled(inset, zoom))


def _scaled(box: Box | None, zoom: tuple[float, float]) -> Box | None:
    if box is None:
        return None
    return round(box[0] * zoom[0]), round(box[1] * zoom[1]), round(box[2] * zoom[0]), round(box[3] * zoom[1])


def _inset(pictures: NDArray[np.uint8]) -> Box | None:
    """The rectangle whose outline stays best where it is; at least two of its sides are inside the picture."""
    _, height, width = pictures.shape
    upright, level = _steady_edges(pictures), _steady_edges(pictures.transpose(0, 2, 1))
    across = _sides(_lines(upright, LEAST_SIDE * height), width)
    down = _sides(_lines(level, LEAST_SIDE * width), height)
    if not len(across) or not len(down):
        return None
    # The share of each upright line that is seen between each two level ones, and the other way round.
    upright_seen = np.minimum(_seen(upright, across[:, 0], down), _seen(upright, across[:, 1], down))
    level_seen = np.minimum(_seen(level, down[:, 0], across), _seen(level, down[:, 1], across)).T
    seen = np.minimum(upright_seen, level_seen)
    area = np.outer(across[:, 1] - across[:, 0], down[:, 1] - down[:, 0]) / (width * height)
    inner = np.add.outer(_inner(across, width), _inner(down, height))
    possible = (seen >= COVERED) & (area <= MOST_AREA) & (inner >= 2)
    if not possible.any():
        return None
    score = np.where(possible, seen + 0.1 * inner + 0.5 * np.sqrt(area), 0)
    column, row = np.unravel_index(int(score.argmax()), score.shape)
    return int(across[column, 0]), int(down[row, 0]), int(across[column, 1]), int(down[row, 1])


def _steady_edges(pictures: NDArray[np.uint8]) -> Floats:
    """(h, w + 1): whether the brightness jumps before each column in most pictures, give or take a pixel.

    The first and the last column are the picture's own edges and count as seen.
    """
    steps = np.abs(np.diff(pictures.astype(np.int16), axis=2)) > EDGE
    steady = (steps.mean(axis=0) >= STEADY).astype(np.uint8)
    wide = cv2.dilate(steady, np.ones((1, 3), np.uint8)) if steady.size else steady
    return np.pad(wide.astype(np.float32), ((0, 0), (1, 1)), constant_values=1)


def _lines(edges: Floats, least: float) -> list[int]:
    """The inner columns with the longest outlines, at least ``least`` pixels of them."""
    total = edges.sum(axis=0)
    found: list[int] = []
    for column in np.argsort(-total, kind="stable").tolist():
        if total[column] < least or len(found) == MOST_LINES:
            break
        if 2 < column < edges.shape[1] - 3 and all(abs(column - other) > 2 for other in found):
            found.append(column)
    return found


def _sides(lines: list[int], length: int) -> NDArray[np.intp]:
    """(k, 2): the pairs of lines, the picture's own edges among them, that are far enough apart."""
    pairs = combinations(sorted([0, *lines, length]), 2)
    return np.array([pair for pair in pairs if pair[1] - pair[0] >= LEAST_SIDE * length], np.intp).reshape(-1, 2)


def _seen(edges: Floats, columns: NDArray[np.intp], rows: NDArray[np.intp]) -> Floats:
    """(columns, pairs of rows): the share of each column that is an outline between the two rows."""
    sums = np.pad(np.cumsum(edges, axis=0), ((1, 0), (0, 0)))[:, columns]
    return np.asarray((sums[rows[:, 1]] - sums[rows[:, 0]]).T / (rows[:, 1] - rows[:, 0]), np.float32)


def _inner(pairs: NDArray[np.intp], length: int) -> NDArray[np.intp]:
    """How many of the two lines of each pair are inside the picture."""
    return np.asarray((pairs[:, 0] > 0).astype(np.intp) + (pairs[:, 1] < length))
