"""Where people are in the frames that the page shows, so that their heads can be made unrecognisable in it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel import package
from roundel.report.findings import node
from roundel.types import Seconds

HEAD_SHARE = 0.4  # of a person's height, from the top
CELLS = 5  # across a person: what is left of a face is two or three of them
MOST_BOXES = 100_000
NEAR_SECONDS = 0.5
GROWN = 0.3  # of a head's sides, to each side: people move between two frames that were examined
_DIGITS = 4

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class _Around:
    """The heads around a moment that may lie between two examined frames."""

    moment: Seconds
    near: list[Box] = field(default_factory=list)
    nearest: dict[bool, tuple[Seconds, list[Box]]] = field(default_factory=dict)

    def add(self, seconds: Seconds, boxes: list[Box]) -> None:
        """Note the heads of an examined frame."""
        away = abs(seconds - self.moment)
        if away <= NEAR_SECONDS:
            self.near.extend(boxes)
            _bound(self.near)
        is_after = seconds > self.moment
        if is_after not in self.nearest or away < self.nearest[is_after][0]:
            self.nearest[is_after] = away, boxes

    def boxes(self) -> list[Box]:
        """All of them, somewhat larger."""
        nearest = [box for _, boxes in self.nearest.values() for box in boxes]
        return [_grown(box) for box in dict.fromkeys([*self.near, *nearest])]


@dataclass(slots=True)
class Heads:
    """The upper parts of boxes of people in a video, in its pixels: of the frames at some times, and around others."""

    _at: dict[Seconds, list[Box]] = field(default_factory=dict)
    _around: dict[Seconds, _Around] = field(default_factory=dict)

    def add(self, seconds: Seconds, boxes: list[Box], *, is_wanted: bool) -> None:
        """Note the heads of an examined frame, which is one of those at the times that were asked for or not."""
        if is_wanted:
            known = self._at.setdefault(round(seconds, _DIGITS), [])
            known.extend(boxes)
            _bound(known)
        for around in self._around.values():
            around.add(seconds, boxes)

    def at(self, seconds: Seconds) -> Sequence[Box]:
        """The heads in the examined frame at a time."""
        return self._at.get(round(seconds, _DIGITS), ())

    def around(self, seconds: Seconds) -> Sequence[Box]:
        """The heads in the frames nearest to a moment and in all within half a second, somewhat larger."""
        return self._around[round(seconds, _DIGITS)].boxes()


def heads(folder: Path, times: Collection[Seconds], moments: Collection[Seconds] = ()) -> Heads:
    """Where the heads of people are, from the boxes of a package.

    Args:
        folder: the package.
        times: times of examined frames, for :meth:`Heads.at`.
        moments: other times, for :meth:`Heads.around`.

    Raises:
        IntegrityError: if the boxes cannot be read: without them no picture may be shown.
    """
    wanted = {round(time, _DIGITS) for time in times}
    found = Heads(_around={round(moment, _DIGITS): _Around(moment) for moment in moments})
    if not wanted and not moments:
        return found

    def take(frame: dict[str, Any]) -> None:
        seconds = float(frame["seconds"])
        is_wanted = round(seconds, _DIGITS) in wanted
        if is_wanted or moments:
            boxes = [head(box["xyxy"]) for box in frame["boxes"] if not node(str(box["class"])).pictures]
            found.add(seconds, boxes, is_wanted=is_wanted)

    package.each_frame(folder, take, ", so people cannot be made unrecognisable")
    return found


def _bound(boxes: list[Box]) -> None:
    """Refuse a list that only a made-up file has.

    Raises:
        ValueError: if it is too long.
    """
    if len(boxes) > MOST_BOXES:
        raise ValueError(f"it has more than {MOST_BOXES:,} boxes of people in one frame")


def _grown(box: Box) -> Box:
    left, top, right, bottom = box
    across, down = GROWN * (right - left), GROWN * (bottom - top)
    return left - across, top - down, right + across, bottom + down


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
