"""Which pictures of a video are fingerprinted, and what is kept of each.

Two a second, the first and the last picture of each shot, and more while the picture changes quickly, so that a copy
that was sampled at other moments still has a picture nearby. Bars and frames within the frame are looked for in the
pictures of a shot together, so keyframes come a few pictures late.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel.fingerprint.forms import Form, Region, forms
from roundel.fingerprint.layout import Box, Layout, find_layout
from roundel.fingerprint.pdq import LONGEST_PX, distance, waves
from roundel.media.colour import luma
from roundel.types import Frame, FrameRef, Seconds

VERSION: Final = "pdq-forms-1"
"""Part of what determines a result: another one stands for other pictures, other forms or other hashes."""
RATE: Final = 2.0  # keyframes a second at least
MOST_RATE: Final = 5.0  # and at most, but for the ends of shots
CHANGED: Final = 40  # bits of the hash that make a picture another one than the keyframe before
CHUNK: Final = 8  # pictures that are searched for bars together
FEW: Final = 4  # a shot's last pictures take over what was found before, if they are fewer
INSET_SECONDS: Final = 10.0  # a frame within the frame is looked at for so long after it was seen
STILL_PX: Final = 384  # longest side of what is kept of a picture
_EARLY: Final = 0.5  # a keyframe is taken up to this share of a frame step early rather than late


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The hash of one form of a picture, that of its mirror image (32 bytes each), and the quality, 0 to 100.

    ``region`` says which part of the picture it is: left, top, right and bottom as shares of its width and height.
    """

    form: Form
    region: Region
    bits: bytes
    mirrored_bits: bytes
    quality: int


@dataclass(frozen=True, slots=True)
class Keyframe:
    """A picture that is known again: its time and the hashes of its forms."""

    ref: FrameRef
    starts_shot: bool
    fingerprints: tuple[Fingerprint, ...]

    @property
    def seconds(self) -> Seconds:
        """When it is shown."""
        return self.ref.at.seconds


Still = NDArray[np.uint8]
"""A keyframe's brightness (h, w), its longest side at most 384 pixels."""


Keep = Callable[[Keyframe, Still], None]


def drop(keyframe: Keyframe, still: Still) -> None:
    """Keep nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class _Taken:
    ref: FrameRef
    starts_shot: bool
    picture: NDArray[np.uint8]


class Fingerprinter:
    """``push`` every frame in order, then ``finish`` once; ``keep`` gets the keyframes in order, a few frames late."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self._chunk: list[_Taken] = []
        self._layout: Layout | None = None
        self._inset: tuple[float, Box] | None = None
        self._last: tuple[float, bytes] | None = None
        self._previous: Frame | None = None

    def push(self, frame: Frame, thumbnail: NDArray[np.uint8], starts_shot: bool) -> None:
        """Take the next frame.

        Args:
            frame: the frame; it is kept until the next one comes.
            thumbnail: the same, small, as Y, U and V (h, w, 3).
            starts_shot: whether it looks like the first of a shot.
        """
        previous, self._previous = self._previous, frame
        if previous is None or starts_shot:
            self._end_shot(previous)
            self._take(frame, waves(thumbnail[..., 0]).hash().bits, starts_shot=True)
            return
        assert self._last is not None
        passed = frame.ref.at.seconds - self._last[0]
        step = frame.ref.at.seconds - previous.ref.at.seconds
        if passed >= 1 / MOST_RATE - _EARLY * step:
            seen = waves(thumbnail[..., 0]).hash().bits
            if passed >= 1 / RATE - _EARLY * step or distance(seen, self._last[1]) > CHANGED:
                self._take(frame, seen, starts_shot=False)
                if len(self._chunk) == CHUNK:
                    self._hash()

    def finish(self) -> None:
        """Hand over the last keyframes, after the last frame."""
        previous, self._previous = self._previous, None
        self._end_shot(previous)

    def _take(self, frame: Frame, seen: bytes, starts_shot: bool) -> None:
        self._last = (frame.ref.at.seconds, seen)
        self._chunk.append(_Taken(frame.ref, starts_shot, luma(frame, LONGEST_PX)))

    def _end_shot(self, last: Frame | None) -> None:
        if last is not None and self._last is not None and last.ref.at.seconds > self._last[0]:
            self._chunk.append(_Taken(last.ref, False, luma(last, LONGEST_PX)))
        self._hash()
        self._layout = None

    def _hash(self) -> None:
        taken, self._chunk = self._chunk, []
        if not taken:
            return
        if self._layout is None or len(taken) >= FEW:
            self._layout = self._remembered(find_layout(np.stack([item.picture for item in taken])), taken[0].ref)
        for item in taken:
            keyframe = Keyframe(item.ref, item.starts_shot, fingerprints(item.picture, self._layout))
            self._keep(keyframe, still(item.picture))

    def _remembered(self, layout: Layout, ref: FrameRef) -> Layout:
        """A frame within the frame outlives cuts, and cannot be seen in each shot."""
        now = ref.at.seconds
        if layout.inset is not None:
            self._inset = now, layout.inset
        elif self._inset is not None and 0 <= now - self._inset[0] <= INSET_SECONDS:
            return replace(layout, inset=self._inset[1])
        return layout


def fingerprints(picture: NDArray[np.uint8], layout: Layout) -> tuple[Fingerprint, ...]:
    """The fingerprints of all forms of a picture (h, w) of limited range (16 to 235), at most 512 pixels long."""
    full = (picture.astype(np.float32) - 16) * np.float32(255 / 219)
    height, width = picture.shape
    found = []
    for form, (left, top, right, bottom) in forms(width, height, layout):
        described = waves(full[top:bottom, left:right])
        hashed = described.hash()
        region = (round(left / width, 4), round(top / height, 4), round(right / width, 4), round(bottom / height, 4))
        found.append(Fingerprint(form, region, hashed.bits, described.mirrored().bits, hashed.quality))
    return tuple(found)


def still(picture: NDArray[np.uint8]) -> Still:
    """The picture (h, w), its longest side at most 384 pixels."""
    height, width = picture.shape
    scale = STILL_PX / max(height, width)
    if scale >= 1:
        return picture
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
