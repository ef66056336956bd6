"""Picture files from strangers: read within limits, decoded only after their headers have said how large they are."""

from __future__ import annotations

import stat
import struct
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

MOST_BYTES = 256 * 1024**2
MOST_PIXELS = 128 * 1024**2
"""A file of a kilobyte may state any size: more pixels are not decoded. These take 400 MB of memory."""
MOST_PX = 2000
"""Larger pictures are shrunk to this length: the network sees 224 pixels, and a finder takes minutes for 20,000."""
LEAST_PX = 32
"""Smaller pictures and objects tell nothing of a type, and nothing of one object."""
FORMATS = "JPEG, PNG or WebP"

_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # start of frame (ITU-T T.81, table B.1)
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length


def read_file(path: Path) -> bytes:
    """The bytes of a picture file.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is no regular file, or too large.
    """
    about = path.stat()
    if not stat.S_ISREG(about.st_mode):  # reading a pipe or a device may never end
        raise ValueError("it is no regular file")
    if about.st_size > MOST_BYTES:
        raise ValueError(f"it has {about.st_size} bytes, more than {MOST_BYTES}")
    return path.read_bytes()


def stated_size(content: bytes) -> tuple[int, int] | None:
    r"""Width and height that the header of a JPEG, PNG or WebP file states; ``None`` for anything else.

    >>> stated_size(b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 640, 360))
    (640, 360)
    """
    for start, reader in _READERS.items():
        if content.startswith(start):
            try:
                return reader(content)
            except (struct.error, IndexError):
                return None
    return None


def _png(content: bytes) -> tuple[int, int] | None:
    kind, width, height = struct.unpack_from(">4sII", content, 12)
    return (width, height) if kind == b"IHDR" else None


def _jpeg(content: bytes) -> tuple[int, int] | None:
    place = 2
    while content[place] == 0xFF:
        marker = content[place + 1]
        if marker == 0xFF:  # padding
            place += 1
        elif marker in _JPEG_BARE:
            place += 2
        elif marker in _JPEG_SIZES:
            height, width = struct.unpack_from(">HH", content, place + 5)
            return (width, height) if width and height else None
        else:
            (length,) = struct.unpack_from(">H", content, place + 2)
            place += 2 + max(length, 2)
    return None


def _webp(content: bytes) -> tuple[int, int] | None:
    form, body = content[8:16], content[20:]
    if form == b"WEBPVP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if form == b"WEBPVP8L" and body[0] == 0x2F:
        (bits,) = struct.unpack_from("<I", body, 1)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if form == b"WEBPVP8 ":
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    return None


_READERS: dict[bytes, Callable[[bytes], tuple[int, int] | None]] = {
    b"\x89PNG\r\n\x1a\n": _png,
    b"\xff\xd8": _jpeg,
    b"RIFF": _webp,
}


def decoded(content: bytes) -> NDArray[np.uint8] | None:
    """The picture (h, w, 3, BGR) in a file's bytes; ``None`` if they are no picture of a kind that is taken.

    Raises:
        ValueError: if the header states more than :data:`MOST_PIXELS`, or the picture is not as large as it states.
    """
    size = stated_size(content)
    if size is None:
        return None
    if size[0] * size[1] > MOST_PIXELS:
        raise ValueError(f"it states {size[0]} × {size[1]} pixels, more than {MOST_PIXELS:,} in all")
    try:
        found = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    if found is None:
        return None
    if sorted(found.shape[:2]) != sorted(size):  # sorted: the picture may have been turned upright
        raise ValueError(f"its header states {size[0]} × {size[1]} pixels, which is not what it holds")
    return np.asarray(found, np.uint8)


def shrunk(picture: NDArray[np.uint8], most_px: int = MOST_PX) -> NDArray[np.uint8]:
    """The picture (h, w, 3), made smaller if its longest side has more than ``most_px`` pixels."""
    height, width = picture.shape[:2]
    scale = most_px / max(height, width)
    if scale >= 1:
        return picture
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
