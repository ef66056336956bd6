"""Exhibits as small JPEG pictures inside the page. The exhibits themselves stay as they are, in the package."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from roundel.disk import read_bounded
from roundel.images import decode
from roundel.package import EXHIBIT_NAME
from roundel.record import Analysis, ExemplarRecord, MatchRecord, ProofRecord
from roundel.report.heads import Box, heads, pixelate
from roundel.report.proof_pictures import hide_beside, hide_in_overlay, in_frame
from roundel.types import Seconds

VIEW_PX = 320
FRAME_PX = 900
JPEG_QUALITY = 78
MOST_BYTES = 64 * 1024**2
FLAT = 1e-6
"""A map between pictures whose determinant is smaller makes a line of a picture: no match has one."""
CROP_MARGIN = 0.08  # as the analysis cuts objects out


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in the page: its ``data:`` address and its size in pixels."""

    data: Markup
    width: int
    height: int


class Album:
    """The exhibits of one package; heads of people that the detector found are made unrecognisable in all of them."""

    def __init__(self, analysis: Analysis, folder: Path) -> None:
        self._folder, self._analysis = folder, analysis
        self._size = (float(analysis.media.width), float(analysis.media.height)) if analysis.media else None
        times = {view.seconds for track in analysis.tracks for view in track.views}
        times |= {proof.seconds for count in analysis.counts.values() for proof in count.proof}
        self._heads = heads(folder, times, {seconds for match in analysis.matches for seconds in match.at_seconds})

    def view(self, view: ExemplarRecord) -> Picture | None:
        """A cut-out of one object."""
        return self._embed(view.file, view.seconds, self._crop(view.xyxy), VIEW_PX)

    def proof(self, proof: ProofRecord, *, whole: bool) -> Picture | None:
        """The picture of a proof: the whole frame or a cut-out."""
        if whole:
            shown = (0.0, 0.0, *self._size) if self._size else None
            return self._embed(proof.exhibit, proof.seconds, shown, FRAME_PX)
        return self._embed(proof.exhibit, proof.seconds, self._crop(proof.boxes[0] if proof.boxes else ()), VIEW_PX)

    def repeat(self, match: MatchRecord) -> tuple[Picture | None, Picture | None]:
        """The pictures that prove that the video shows footage again: one over the other, both side by side."""
        laid, beside = _read(self._folder, match.overlay), _read(self._folder, match.beside)
        transform = np.array(match.transform, np.float64)
        if self._size is None or laid is None or abs(np.linalg.det(transform)) < FLAT:
            return None, None
        later, earlier = (in_frame(self._heads.around(seconds), *self._size) for seconds in match.at_seconds)
        if beside is not None:
            hide_beside(beside, laid.shape[:2], later, earlier)
        hide_in_overlay(laid, transform, later, earlier)
        return encode(laid, FRAME_PX), encode(beside, FRAME_PX) if beside is not None else None

    def exhibit(self, file: str) -> Picture | None:
        """The picture of a file in the package that a view or a proof names; small, as a whole."""
        for track in self._analysis.tracks:
            for view in track.views:
                if view.file == file:
                    return self.view(view)
        for count in self._analysis.counts.values():
            for proof in count.proof:
                if proof.exhibit == file:
                    shown = (0.0, 0.0, *self._size) if self._size else None
                    return self._embed(file, proof.seconds, shown, VIEW_PX)
        return None

    def _crop(self, xyxy: Sequence[float]) -> Box | None:
        """The part of the frame that the cut-out of a box shows."""
        if self._size is None or len(xyxy) != 4:
            return None
        x1, y1, x2, y2 = xyxy
        right, bottom = CROP_MARGIN * (x2 - x1), CROP_MARGIN * (y2 - y1)
        return (
            float(int(max(x1 - right, 0.0))),
            float(int(max(y1 - bottom, 0.0))),
            float(int(min(np.ceil(x2 + right), self._size[0]))),
            float(int(min(np.ceil(y2 + bottom), self._size[1]))),
        )

    def _embed(self, name: str, seconds: Seconds, shown: Box | None, longest_px: int) -> Picture | None:
        boxes = self._heads.at(seconds)
        image = _read(self._folder, name)
        if image is None or (boxes and shown is None):
            return None
        if shown is not None:
            pixelate(image, shown, boxes)
        return encode(image, longest_px)


def _read(folder: Path, name: str) -> NDArray[np.uint8] | None:
    """An exhibit (h, w, 3); ``None`` for a name that leads out, a link and a file that is no picture."""
    if not EXHIBIT_NAME.fullmatch(name) or (folder / name).parent.is_symlink():
        return None
    try:
        return decode(read_bounded(folder / name, MOST_BYTES, follow=False))
    except (OSError, ValueError):
        return None


def encode(image: NDArray[np.uint8], longest_px: int) -> Picture | None:
    """The picture as a JPEG of at most ``longest_px``."""
    scale = longest_px / max(image.shape[:2])
    if scale < 1:
        wanted = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        image = np.asarray(cv2.resize(image, wanted, interpolation=cv2.INTER_AREA), np.uint8)
    written, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY, cv2.IMWRITE_JPEG_OPTIMIZE, 1])
    if not written:
        return None
    # Only letters, digits and +/= are in base64: nothing in it needs escaping.
    address = Markup("data:image/jpeg;base64,") + base64.b64encode(data.tobytes()).decode("ascii")
    return Picture(address, int(image.shape[1]), int(image.shape[0]))
