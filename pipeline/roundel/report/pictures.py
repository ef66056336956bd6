"""Exhibits as small JPEG pictures inside the page. The exhibits themselves stay as they are, in the package."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from markupsafe import Markup

VIEW_PX = 320
FRAME_PX = 900
JPEG_QUALITY = 78
MOST_BYTES = 64 * 1024**2

_SAFE_NAME = re.compile(r"exhibits/[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in the page: its ``data:`` address and its size in pixels."""

    data: Markup
    width: int
    height: int


def embed(folder: Path, name: str, longest_px: int) -> Picture | None:
    """An exhibit of the package in ``folder`` as a JPEG of at most ``longest_px``; ``None`` if it cannot be shown.

    A name that leads out of the folder of exhibits, a link and a file that is no picture are not shown.
    """
    path = folder / name
    if not _SAFE_NAME.fullmatch(name) or path.is_symlink() or not path.is_file() or path.stat().st_size > MOST_BYTES:
        return None
    try:
        image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    if image is None:
        return None
    scale = longest_px / max(image.shape[:2])
    if scale < 1:
        wanted = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        image = cv2.resize(image, wanted, interpolation=cv2.INTER_AREA)
    written, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY, cv2.IMWRITE_JPEG_OPTIMIZE, 1])
    if not written:
        return None
    # Only letters, digits and +/= are in base64: nothing in it needs escaping.
    address = Markup("data:image/jpeg;base64,") + base64.b64encode(data.tobytes()).decode("ascii")
    return Picture(address, int(image.shape[1]), int(image.shape[0]))
