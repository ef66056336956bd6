"""Where people are in the frames that the page shows, so that their heads can be made unrecognisable in it."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Collection, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel import package
from roundel.disk import open_regular
from roundel.errors import IntegrityError
from roundel.report.findings import node
from roundel.types import Seconds

HEAD_SHARE = 0.4  # of a person's height, from the top
CELLS = 5  # across a person: what is left of a face is two or three of them
MOST_LINE_BYTES = 16 * 1024**2
MOST_BYTES = 8 * 1024**3
MOST_BOXES = 100_000
_DIGITS = 4

Box = tuple[float, float, float, float]


def heads(folder: Path, times: Collection[Seconds]) -> dict[Seconds, list[Box]]:
    """The upper parts of all boxes of people in the frames at these times, in pixels of the video.

    Raises:
        IntegrityError: if the boxes cannot be read: without them no picture may be shown.
    """
    wanted = {round(time, _DIGITS) for time in times}
    found: dict[Seconds, list[Box]] = {}
    if not wanted:
        return found
    path, unpacked = folder / package.DETECTIONS, 0
    try:
        with open_regular(path, follow=False) as packed, gzip.open(packed, "rb") as stream:
            while line := stream.readline(MOST_LINE_BYTES):
                unpacked += len(line)
                if unpacked > MOST_BYTES:
                    raise ValueError(f"it unpacks to more than {MOST_BYTES:,} bytes")
                frame = json.loads(line)
                if round(float(frame["seconds"]), _DIGITS) in wanted:
                    boxes = [head(box["xyxy"]) for box in frame["boxes"] if not node(str(box["class"])).pictures]
                    known = found.setdefault(round(float(frame["seconds"]), _DIGITS), [])
                    known.extend(boxes)
                    if len(known) > MOST_BOXES:
                        raise ValueError(f"it has more than {MOST_BOXES:,} boxes of people in one frame")
    except (OSError, EOFError, ValueError, KeyError, TypeError, RecursionError, zlib.error) as error:
        raise IntegrityError(f"{path}: cannot be read, so people cannot be made unrecognisable: {error}") from error
    return found


def at(found: dict[Seconds, list[Box]], seconds: Seconds) -> Sequence[Box]:
    """The heads in the frame at a time."""
    return found.get(round(seconds, _DIGITS), ())


def head(xyxy: Sequence[float]) -> Box:
    """The upper part of the box of a person."""
    left, top, right, bottom = (float(value) for value in xyxy)
    return left, top, right, top + HEAD_SHARE * (bottom - top)


def pixelate(image: NDArray[np.uint8], shown: Box, boxes: Sequence[Box]) -> None:
    """Make the boxes in a picture (h, w, 3) coarse; ``shown`` is the part of the frame that it shows."""
    height, width = image.shape[:2]
    across, down = width / max(shown[2] - shown[0], 1e-6), height / max(shown[3] - shown[1], 1e-6)
    for box in boxes:
        left, right = ((value - shown[0]) * across for value in (box[0], box[2]))
        top, bottom = ((value - shown[1]) * down for value in (box[1], box[3]))
        x1, y1 = max(0, int(np.floor(left)) - 1), max(0, int(np.floor(top)) - 1)
        x2, y2 = min(width, int(np.ceil(right)) + 1), min(height, int(np.ceil(bottom)) + 1)
        if x2 <= x1 or y2 <= y1:
            continue
        cell = max((right - left) / CELLS, 2.0)
        cells = (max(1, round((x2 - x1) / cell)), max(1, round((y2 - y1) / cell)))
        coarse = cv2.resize(image[y1:y2, x1:x2], cells, interpolation=cv2.INTER_AREA)
        image[y1:y2, x1:x2] = cv2.resize(coarse, (x2 - x1, y2 - y1), interpolation=cv2.INTER_NEAREST)
