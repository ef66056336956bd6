"""Footage with known truth, drawn in memory: windows that move over generated pictures, and what editors do to them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel.fingerprint.keyframes import Fingerprinter, Keyframe, Still
from roundel.matching.footage import Footage
from roundel.types import Frame, FrameRef, Timestamp

Picture = NDArray[np.uint8]

WIDTH, HEIGHT, FPS = 320, 180, 10


def place(seed: int, height: int = 400, width: int = 800) -> Picture:
    """A picture with structure at all sizes: no two seeds look alike."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((height, width), np.float32)
    for size in (4, 8, 16, 32, 64, 128):
        coarse = rng.normal(0, 1, (size, 2 * size)).astype(np.float32)
        picture += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(60):
        centre = int(rng.integers(0, width)), int(rng.integers(0, height))
        axes = tuple(rng.integers(4, 30, 2).tolist())
        cv2.ellipse(picture, centre, axes, float(rng.uniform(0, 180)), 0, 360, float(rng.normal(0, 3)), -1)
    return np.clip(126 + 28 * picture, 16, 235).astype(np.uint8)


def pan(seed: int, seconds: float, start: float = 0.0, speed: float = 40.0) -> list[Picture]:
    """A camera that moves to the right and down over a place, from second ``start`` of its way; pixels a second."""
    ground = place(seed)
    return [
        cv2.getRectSubPix(
            ground,
            (WIDTH, HEIGHT),
            (WIDTH / 2 + speed * (start + number / FPS), 130 + 0.3 * speed * (start + number / FPS)),
        )
        for number in range(round(seconds * FPS))
    ]


def frames(pictures: Sequence[Picture]) -> list[Frame]:
    """Grey frames of a video of 10 a second."""
    made = []
    for number, picture in enumerate(pictures):
        height, width = picture.shape
        chroma = np.full(2 * ((height + 1) // 2) * ((width + 1) // 2), 128, np.uint8)
        ref = FrameRef(number, Timestamp(number, Fraction(1, FPS)))
        made.append(Frame(ref, width, height, np.concatenate([picture.ravel(), chroma]), "bt601"))
    return made


def keyframes(pictures: Sequence[Picture], cuts: Sequence[int] = ()) -> list[tuple[Keyframe, Still]]:
    """The keyframes of pictures whose shots begin at 0 and at ``cuts``."""
    kept: list[tuple[Keyframe, Still]] = []
    fingerprinter = Fingerprinter(lambda keyframe, still: kept.append((keyframe, still)))
    for frame in frames(pictures):
        luma = frame.i420[: frame.width * frame.height].reshape(frame.height, frame.width)
        small = cv2.resize(luma, (128, round(128 * frame.height / frame.width)), interpolation=cv2.INTER_AREA)
        fingerprinter.push(frame, np.repeat(small[..., None], 3, axis=2), frame.ref.index in cuts)
    fingerprinter.finish()
    return kept


def footage(name: str, pictures: Sequence[Picture], cuts: Sequence[int] = ()) -> Footage:
    """The footage of pictures."""
    kept = keyframes(pictures, cuts)
    stills = {keyframe.ref: still for keyframe, still in kept}
    return Footage(name, tuple(keyframe for keyframe, _ in kept), stills.__getitem__)


def edited(pictures: Sequence[Picture], edit: Callable[[Picture], Picture]) -> list[Picture]:
    """Each picture edited."""
    return [np.ascontiguousarray(edit(picture)) for picture in pictures]


def letterboxed(picture: Picture) -> Picture:
    """Black bars above and below."""
    return cv2.copyMakeBorder(picture, 30, 30, 0, 0, cv2.BORDER_CONSTANT, value=16)


def cropped(picture: Picture) -> Picture:
    """The edges cut off, a tenth of each side, and the rest enlarged."""
    height, width = picture.shape
    part = picture[round(0.05 * height) : round(0.95 * height), round(0.05 * width) : round(0.95 * width)]
    return cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC)


def headlined(picture: Picture) -> Picture:
    """A bar over the lowest fifth."""
    copy = picture.copy()
    copy[round(0.8 * len(copy)) :] = 60
    cv2.putText(copy, "BREAKING NEWS", (10, len(copy) - 12), 0, 0.8, 230, 2)
    return copy


def upright(picture: Picture) -> Picture:
    """9:16 with a blurred, enlarged copy above and below."""
    height, width = picture.shape
    back = cv2.resize(picture, (round(width * 320 / height), 320))[:, width // 2 : width // 2 + 180]
    back = cv2.GaussianBlur(back, (0, 0), 12)
    small = cv2.resize(picture, (180, round(180 * height / width)), interpolation=cv2.INTER_AREA)
    top = (320 - len(small)) // 2
    back[top : top + len(small)] = small
    return back


def turned(picture: Picture) -> Picture:
    """Turned by two degrees."""
    height, width = picture.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 2, 1)
    return cv2.warpAffine(picture, turn, (width, height), borderValue=16)


def within(host: Sequence[Picture], pictures: Sequence[Picture]) -> list[Picture]:
    """The pictures in a frame within the frames of the host."""
    made = []
    for back, picture in zip(host, pictures, strict=True):
        frame = back.copy()
        small = cv2.resize(picture, (120, 68), interpolation=cv2.INTER_AREA)
        frame[10:82, 12:136] = 235
        frame[12:80, 14:134] = small
        made.append(frame)
    return made


def encoded(pictures: Sequence[Picture], path: Path) -> Path:
    """The pictures as a video of 10 a second."""
    folder = path.with_suffix("")
    folder.mkdir()
    for number, picture in enumerate(pictures):
        cv2.imwrite(str(folder / f"{number:04}.png"), picture)
    command = ["ffmpeg", "-v", "error", "-framerate", str(FPS), "-i", str(folder / "%04d.png"), "-pix_fmt", "yuv420p"]
    subprocess.run([*command, str(path)], check=True, stdin=subprocess.DEVNULL)
    return path
