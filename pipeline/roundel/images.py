"""Pictures of strangers: common formats only, and none whose header states more pixels than are wanted.

A picture of a few bytes may state any size, and a decoder takes the memory for all of it.
"""

from __future__ import annotations

import struct

import cv2
import numpy as np
from numpy.typing import NDArray

MOST_PIXELS = 100_000_000
MOST_SCANS = 100
"""Scans of a progressive JPEG, each of which is a pass over the whole picture; usual files have up to fifteen."""
_PNG = b"\x89PNG\r\n\x1a\n"
_NO_SIZE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length: TEM and RST, ITU-T T.81 table B.1
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # the same table: start of frame


def decode(content: bytes) -> NDArray[np.uint8]:
    """A JPEG, PNG or WebP picture as (h, w, 3), BGR.

    Raises:
        ValueError: with the reason, if it is none of these, too large or damaged.
    """
    size = size_of(content)
    if size is None:
        raise ValueError("is no JPEG, PNG or WebP picture")
    if size[0] * size[1] > MOST_PIXELS:
        raise ValueError(f"has {size[0]} × {size[1]} pixels, more than {MOST_PIXELS:,}; shrink it")
    if content.startswith(b"\xff\xd8") and content.count(b"\xff\xda") > MOST_SCANS:
        raise ValueError(f"has more than {MOST_SCANS} scans; save it as a plain JPEG")
    try:
        found = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        found = None
    if found is None:
        raise ValueError("is damaged: it cannot be decoded")
    return np.asarray(found, np.uint8)


def size_of(content: bytes) -> tuple[int, int] | None:
    r"""Width and height as the header of a JPEG, PNG or WebP picture states them; ``None`` for anything else.

    >>> size_of(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x05\0\0\0\x07")
    (5, 7)
    """
    try:
        if content.startswith(_PNG) and content[12:16] == b"IHDR":
            width, height = struct.unpack_from(">II", content, 16)
            return width, height
        if content.startswith(b"\xff\xd8\xff"):
            return _size_of_jpeg(content)
        if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
            return _size_of_webp(content)
    except (struct.error, IndexError):
        return None
    return None


def _size_of_jpeg(content: bytes) -> tuple[int, int] | None:
    at = 2
    while content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:  # fill
            at += 1
        elif marker in _NO_SIZE:
            at += 2
        elif marker in _FRAMES:
            height, width = struct.unpack_from(">HH", content, at + 5)
            return width, height
        else:
            at += 2 + max(2, struct.unpack_from(">H", content, at + 2)[0])
    return None


def _size_of_webp(content: bytes) -> tuple[int, int] | None:
    """RFC 9649, sections 2.4 to 2.7."""
    kind = content[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(content[24:27], "little"), 1 + int.from_bytes(content[27:30], "little")
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", content, 21)[0]
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None
