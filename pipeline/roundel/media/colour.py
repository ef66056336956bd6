"""From decoded planes to pictures: BGR for the detector and people, a small YUV picture for shot detection."""

from __future__ import annotations

import math
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel.types import Frame, MediaInfo

Matrix = Literal["bt601", "bt709", "bt2020"]
THUMBNAIL_PX = 128
HD_HEIGHT = 576  # untagged video above standard definition is BT.709, below BT.601, as players assume

_LUMA_FORMATS = ("yuv", "nv", "gray", "ya8", "ya16", "mono", "p0", "p2", "p4", "uyvy", "uyyvyy", "yuyv", "y2")
_MATRICES: dict[str, Matrix] = {
    "bt709": "bt709",
    "smpte170m": "bt601",
    "bt470bg": "bt601",
    "fcc": "bt601",
    "smpte240m": "bt709",
    "bt2020nc": "bt2020",
    "bt2020c": "bt2020",
}
# Luma weights of red and blue: ITU-T H.273, table 4.
_WEIGHTS: dict[Matrix, tuple[float, float]] = {
    "bt601": (0.299, 0.114),
    "bt709": (0.2126, 0.0722),
    "bt2020": (0.2627, 0.0593),
}


def is_rgb(info: MediaInfo) -> bool:
    """Whether the stream stores red, green and blue rather than luma and chroma."""
    return not info.pixel_format.startswith(_LUMA_FORMATS)


def matrix_of(info: MediaInfo) -> Matrix:
    """The colour matrix of a stream: stated, or assumed from the picture size as players do.

    Pictures stored as RGB are converted by the decoder with the BT.709 matrix.
    """
    if is_rgb(info):
        return "bt709"
    assumed: Matrix = "bt709" if max(info.coded_height, info.coded_width * 9 // 16) > HD_HEIGHT else "bt601"
    return _MATRICES.get(info.colour.space_from_header or "", assumed)


def _coefficients(matrix: Matrix) -> NDArray[np.float32]:
    """3 × 4 matrix from limited-range (Y, U, V, 1) to full-range (B, G, R), ITU-T H.273 equations 38 to 43."""
    red, blue = _WEIGHTS[matrix]
    green = 1 - red - blue
    luma, chroma = 255 / 219, 255 / 224
    to_blue, to_red = 2 * (1 - blue) * chroma, 2 * (1 - red) * chroma
    rows = [
        (luma, to_blue, 0.0),
        (luma, -blue / green * to_blue, -red / green * to_red),
        (luma, 0.0, to_red),
    ]
    return np.array([(y, u, v, -16 * y - 128 * (u + v)) for y, u, v in rows], np.float32)


_BGR_FROM_YUV = {matrix: _coefficients(matrix) for matrix in _WEIGHTS}


def planes(frame: Frame) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Views on the Y (h, w), U and V (⌈h/2⌉, ⌈w/2⌉) planes, uint8."""
    luma = frame.width * frame.height
    shape = ((frame.height + 1) // 2, (frame.width + 1) // 2)
    chroma = shape[0] * shape[1]
    return (
        frame.i420[:luma].reshape(frame.height, frame.width),
        frame.i420[luma : luma + chroma].reshape(shape),
        frame.i420[luma + chroma : luma + 2 * chroma].reshape(shape),
    )


def bgr(frame: Frame) -> NDArray[np.uint8]:
    """The picture as uint8 (height, width, 3) in OpenCV's channel order."""
    y, u, v = planes(frame)
    size = (frame.width, frame.height)
    yuv = np.empty((frame.height, frame.width, 3), np.uint8)
    cv2.insertChannel(y, yuv, 0)
    for number, plane in enumerate((u, v), start=1):
        cv2.insertChannel(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR), yuv, number)
    return np.asarray(cv2.transform(yuv, _BGR_FROM_YUV[frame.matrix], yuv), np.uint8)  # in place


def _block(frame: Frame, longest_px: int) -> int:
    """The side of the blocks that reduce a frame to at most ``longest_px``; even, to fit the halved chroma planes."""
    return 2 * math.ceil(max(frame.width, frame.height) / (2 * longest_px))


def _reduce(plane: NDArray[np.uint8], side: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The means of whole blocks; a rest at the right and lower edge that fills no block is left out."""
    width, height = size
    part = plane[: height * side, : width * side]
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)


def thumbnail(frame: Frame) -> NDArray[np.uint8]:
    """The picture as uint8 (h, w, 3) in Y, U, V, each pixel the mean of a block; the longest side is at most 128."""
    block = _block(frame, THUMBNAIL_PX)
    size = (max(1, frame.width // block), max(1, frame.height // block))
    sides = (block, block // 2, block // 2)
    return np.asarray(
        cv2.merge([_reduce(plane, side, size) for plane, side in zip(planes(frame), sides, strict=True)]), np.uint8
    )


def luma(frame: Frame, longest_px: int) -> NDArray[np.uint8]:
    """The brightness alone as uint8 (h, w), reduced like a thumbnail to at most ``longest_px``."""
    block = _block(frame, longest_px)
    return _reduce(planes(frame)[0], block, (max(1, frame.width // block), max(1, frame.height // block)))
