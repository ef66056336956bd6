"""PDQ: a hash of 256 bits for a picture, near for pictures that look alike, and a quality from 0 to 100.

The method is Meta's, published as "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm" (2019):
brightness, a tent filter and reduction to 64 × 64, the 16 × 16 lowest frequencies of a cosine transform without the
constant ones, and one bit each for what is above the median. All steps but the last are linear, so here they are two
products of matrices for each picture, and the mirrored picture costs a change of signs. The published hashes were made
from pictures shrunk to at most 512 pixels; :func:`shrink` does that.

Two hashes of unrelated pictures differ in about 128 bits; Meta takes up to 31 for the same picture. A quality below 50
means that the picture has too little in it to be told from others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel.errors import UsageError

Floats = NDArray[np.float64]
Luma = NDArray[np.uint8] | NDArray[np.float32]
"""Brightness (h, w), 0 to 255."""

ALGORITHM = "pdq"
BYTES = 32
LONGEST_PX = 512
_PLACES = 3  # amplitudes are rounded, so that no bit hangs on the last place of a sum
GRID = 64  # the picture is reduced to GRID × GRID
WAVES = 16  # and described by WAVES × WAVES frequencies
_FULL_QUALITY = 90  # sum of the differences between neighbours, in hundredths of the range, that counts as one per cent
_TEXT = re.compile(rf"{ALGORITHM}:([0-9a-f]{{{2 * BYTES}}})")


@dataclass(frozen=True, slots=True)
class Hash:
    """A hash of 32 bytes, most significant bit first, and the quality of the picture it was made from."""

    bits: bytes
    quality: int

    def __str__(self) -> str:
        """The hash with its algorithm, always 64 digits: ``pdq:00ff…``."""
        return f"{ALGORITHM}:{self.bits.hex()}"


@dataclass(frozen=True, slots=True)
class Waves:
    """What a picture's hashes are made from: (16, 16) amplitudes, rows for vertical frequencies; and the quality."""

    amplitudes: Floats
    quality: int

    def hash(self) -> Hash:
        """The hash of the picture."""
        return Hash(_bits(self.amplitudes), self.quality)

    def mirrored(self) -> Hash:
        """The hash of the picture with left and right exchanged: every second horizontal wave changes its sign."""
        return Hash(_bits(self.amplitudes * _MIRROR), self.quality)


def parse(text: str) -> bytes:
    """The 32 bytes of a written hash.

    Raises:
        UsageError: if the text is no hash, such as one that lost its leading zeros.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        raise UsageError(
            f"{text!r} is no PDQ hash; it is written {ALGORITHM}: and {2 * BYTES} hexadecimal digits, zeros included"
        )
    return bytes.fromhex(match[1])


def distance(one: bytes, other: bytes) -> int:
    """The number of bits in which two hashes differ.

    >>> distance(bytes(32), bytes([255] * 32))
    256
    """
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def shrink(luma: Luma) -> Luma:
    """A brightness whose longest side has at most 512 pixels, by means over areas; a smaller one as it is."""
    height, width = luma.shape
    scale = LONGEST_PX / max(height, width)
    if scale >= 1:
        return luma
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(luma.astype(np.float32, copy=False), size, interpolation=cv2.INTER_AREA), np.float32)


def waves(luma: Luma) -> Waves:
    """Describe a picture.

    Args:
        luma: at most 512 pixels long (:func:`shrink`). The published reference takes
            0.299 R + 0.587 G + 0.114 B.
    """
    height, width = luma.shape
    grid = _reduction(height) @ luma.astype(np.float64) @ _reduction(width).T
    return Waves((_COSINES @ grid @ _COSINES.T).round(_PLACES), _quality(grid))


def pdq(luma: Luma) -> Hash:
    """The hash of a picture of any size, from its brightness."""
    return waves(shrink(luma)).hash()


def _bits(amplitudes: Floats) -> bytes:
    """One bit for each amplitude above the median (the lower one of the middle two), the last amplitude first."""
    values = amplitudes.ravel()
    median = np.partition(values, values.size // 2 - 1)[values.size // 2 - 1]
    return np.packbits(values[::-1] > median).tobytes()


def _quality(grid: Floats) -> int:
    total = sum(float(np.abs(np.trunc(np.diff(grid.round(_PLACES), axis=axis) * (100 / 255))).sum()) for axis in (0, 1))
    return min(100, int(total / _FULL_QUALITY))


@lru_cache(maxsize=64)
def _reduction(length: int) -> Floats:
    """(64, length): two passes of a mean over a window of a 128th of the length, then every so many pixels."""
    window = -(-length // (2 * GRID))
    ahead = (window + 2) // 2  # pixels of the window from the pixel itself onwards
    last, first = np.arange(length) + ahead, np.arange(length) + ahead - window
    at = np.arange(length)
    inside = (at >= first[:, None]) & (at < last[:, None])
    mean = inside / inside.sum(axis=1, keepdims=True)
    sampled = ((np.arange(GRID) + 0.5) * length / GRID).astype(int)
    return np.asarray(mean[sampled] @ mean, np.float64)


def _cosines() -> Floats:
    """(16, 64): the rows 1 to 16 of the orthonormal cosine transform of 64 values."""
    wave, at = np.arange(1, WAVES + 1)[:, None], np.arange(GRID)
    return np.asarray(np.sqrt(2 / GRID) * np.cos(np.pi / (2 * GRID) * wave * (2 * at + 1)), np.float64)


_COSINES = _cosines()
_MIRROR = np.where(np.arange(WAVES) % 2 == 0, -1.0, 1.0)
