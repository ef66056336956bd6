"""Fitting pictures to a network: letterboxing, and overlapping tiles for small objects in large frames."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel.types import Detections

STRIDE = 32
PAD_VALUE = 114  # grey of the border in ultralytics' training pictures
OVERLAP = 0.2
LINEAR_SCALE = 0.4  # below it linear interpolation would pass over pixels; above it, it is ten times faster
LARGE_FRAME = 2.0  # a frame is tiled when it is this many times larger than the network's input
TILE_SCALE = 1.5  # side of a tile over the network's input


@dataclass(frozen=True, slots=True)
class Placed:
    """A network input made from a region of a picture: ``scale`` input pixels per picture pixel, region and padding."""

    left: int
    top: int
    scale: float
    pad_left: int
    pad_top: int

    def to_picture(self, xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
        """Boxes in input pixels, (n, 4), to pixels of the whole picture."""
        pad = np.array([self.pad_left, self.pad_top] * 2, np.float32)
        origin = np.array([self.left, self.top] * 2, np.float32)
        return np.asarray((xyxy - pad) / np.float32(self.scale) + origin, np.float32)


def input_size(width: int, height: int, longest_px: int) -> tuple[int, int]:
    """Width and height of the network input for a picture: its longest side fitted, both sides filled up to 32."""
    scale = longest_px / max(width, height)
    sides = (max(1, round(side * scale)) for side in (width, height))
    fitted_width, fitted_height = (STRIDE * math.ceil(side / STRIDE) for side in sides)
    return fitted_width, fitted_height


def letterbox(
    picture: NDArray[np.uint8], size: tuple[int, int], left: int = 0, top: int = 0
) -> tuple[NDArray[np.uint8], Placed]:
    """Fit a picture (h, w, 3) into ``size`` (width, height) with its proportions kept and a grey border."""
    height, width = picture.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    fitted = (max(1, min(size[0], round(width * scale))), max(1, min(size[1], round(height * scale))))
    method = cv2.INTER_AREA if scale < LINEAR_SCALE else cv2.INTER_LINEAR
    small = cv2.resize(picture, fitted, interpolation=method) if fitted != (width, height) else picture
    pad_left, pad_top = (size[0] - fitted[0]) // 2, (size[1] - fitted[1]) // 2
    canvas = np.full((size[1], size[0], 3), PAD_VALUE, np.uint8)
    canvas[pad_top : pad_top + fitted[1], pad_left : pad_left + fitted[0]] = small
    return canvas, Placed(left, top, scale, pad_left, pad_top)


def _starts(length: int, side: int) -> list[int]:
    if length <= side:
        return [0]
    count = math.ceil((length - side) / (side * (1 - OVERLAP))) + 1
    return [round(index * (length - side) / (count - 1)) for index in range(count)]


def tile_boxes(width: int, height: int, longest_px: int) -> list[tuple[int, int, int, int]]:
    """Overlapping tiles (x1, y1, x2, y2) that cover a frame; square where the frame allows it."""
    side = round(longest_px * TILE_SCALE)
    return [
        (left, top, min(left + side, width), min(top + side, height))
        for top in _starts(height, side)
        for left in _starts(width, side)
    ]


def is_large(width: int, height: int, longest_px: int) -> bool:
    """Whether a frame is tiled when nothing else is asked for."""
    return max(width, height) >= LARGE_FRAME * longest_px


def drop_cut_boxes(
    found: Detections, tile: tuple[int, int, int, int], width: int, height: int, margin_px: float = 4
) -> Detections:
    """Drop boxes that end at an inner edge of a tile: the object goes on there and is seen whole elsewhere."""
    left, top, right, bottom = tile
    box = found.xyxy
    cut = (box[:, 0] < left + margin_px) & (left > 0)
    cut |= (box[:, 1] < top + margin_px) & (top > 0)
    cut |= (box[:, 2] > right - margin_px) & (right < width)
    cut |= (box[:, 3] > bottom - margin_px) & (bottom < height)
    return found.select(~cut)
