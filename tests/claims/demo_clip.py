"""The demo clip, analysed once for the tests of claims."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import roundel
from claims.scenes import CLIPS, points
from roundel.analyze import analyze_video
from roundel.claims.scene import Footage, footage_of
from roundel.config import load
from roundel.detect import load_detector
from roundel.media.identity import identify
from roundel.record import to_record


class Nowhere:
    """Keeps nothing of what an analysis makes."""

    def picture(self, name: str, image: NDArray[np.uint8]) -> str:
        return name

    def detections(self, line: dict[str, Any]) -> None:
        pass


@cache
def demo_footage() -> Footage:
    """The demo clip as the shipped detector sees it. The validation is set by hand: 300 clips, none of them wrong."""
    clip = Path(roundel.__file__).parent / "demo" / "clip.mp4"
    result = analyze_video(clip, identify(clip), load(), load_detector(load().detector), Nowhere(), {})
    return replace(footage_of(to_record(result, ())), points=points(CLIPS))
