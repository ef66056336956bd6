"""Helpers of the media tests: read a file to its end, ask ffprobe for its frames, and make numbered pictures."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roundel.config import MediaConfig
from roundel.media.decode import VideoDecoder
from roundel.media.probe import probe
from roundel.types import Coverage, Frame, MediaInfo

CFR25 = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-bf", "2", "-pix_fmt", "yuv420p"]


@dataclass(frozen=True)
class Reading:
    info: MediaInfo
    frames: list[Frame]
    coverage: Coverage

    @property
    def seconds(self) -> list[float]:
        return [frame.ref.at.seconds for frame in self.frames]


def read(path: Path, **limits: Any) -> Reading:
    config = MediaConfig(**limits)
    info = probe(path, config)
    decoder = VideoDecoder(path, info, config)
    return Reading(info, list(decoder), decoder.coverage)


def true_times(path: Path) -> list[Fraction]:
    """What ffprobe says about each frame, in the order in which it comes out."""
    command = [
        "ffprobe",
        "-v",
        "quiet",
        "-of",
        "json",
        "-select_streams",
        "V:0",
        "-show_entries",
        "stream=time_base:frame=pts",
    ]
    found = json.loads(subprocess.run([*command, f"file:{path}"], check=True, capture_output=True).stdout)
    base = Fraction(found["streams"][0]["time_base"])
    return [int(frame["pts"]) * base for frame in found["frames"]]


def luma(frame: Frame) -> float:
    """Mean brightness of the middle of the picture."""
    plane = frame.i420[: frame.width * frame.height].reshape(frame.height, frame.width)
    return float(plane[frame.height // 4 : 3 * frame.height // 4, frame.width // 4 : 3 * frame.width // 4].mean())


def numbered(size: str = "64x48", rate: int = 25, step: int = 3) -> str:
    """A lavfi source whose frame ``n`` is plain grey of brightness ``16 + step n``, up to 235."""
    return f"color=s={size}:r={rate}:c=black,format=yuv420p,geq=lum='16+mod(N*{step},219)':cb=128:cr=128"


def numbers(frames: list[Frame], step: int = 3) -> list[int]:
    """Which frames of :func:`numbered` these are."""
    return [round((luma(frame) - 16) / step) for frame in frames]


def encode_rgb(picture: NDArray[np.uint8], path: Path, *options: str, frames: int = 2) -> Path:
    """Encode one RGB picture as a still video."""
    height, width = picture.shape[:2]
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", f"{width}x{height}", "-framerate", "25", "-i", "-"]
    command = ["ffmpeg", "-v", "error", "-y", *source, *options, str(path)]
    subprocess.run(command, input=picture.tobytes() * frames, check=True)
    return path
