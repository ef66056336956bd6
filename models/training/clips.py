"""Clips with known truth, made from held-out pictures: a camera that pans and zooms, noise, and real compression.

Held-out *footage* with boxes does not exist for most classes, so each held-out picture becomes one take of a second
and a half; takes are put behind each other with hard cuts and encoded with x264, and the whole pipeline runs over it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.detector.pictures import Picture

WIDTH, HEIGHT, RATE = 640, 480, 16
FRAMES = 24  # of one take
GRAIN_PX = 64  # the grain of a take is drawn once and shifted by up to this from frame to frame
VISIBLE = 0.4  # a box counts as truth in a frame while this share of it is inside


@dataclass(frozen=True, slots=True)
class Truth:
    """The boxes (n, 4) in pixels of one frame and their class indices (n,)."""

    boxes: NDArray[np.float32]
    labels: NDArray[np.intp]


def take(item: Picture, draw: np.random.Generator) -> Iterator[tuple[NDArray[np.uint8], Truth]]:
    """The frames of one take (HEIGHT, WIDTH, 3, BGR) with the truth of each."""
    picture = item.read()
    boxes = item.pixel_boxes(picture.shape)
    tall, wide = picture.shape[:2]
    fitted = min(WIDTH / wide, HEIGHT / tall)
    zoom = np.exp(draw.uniform(np.log(0.45), np.log(1.5))) * np.linspace(1, np.exp(draw.uniform(-0.25, 0.25)), FRAMES)
    drift = np.linspace(draw.uniform(-0.12, 0.12, 2), draw.uniform(-0.12, 0.12, 2), FRAMES)
    tremble = draw.normal(0, 0.002, (FRAMES, 2))
    blur, noise, gain = draw.uniform(0, 1.1), draw.uniform(0, 6), draw.uniform(0.8, 1.2)
    grain = draw.normal(0, noise, (HEIGHT + GRAIN_PX, WIDTH + GRAIN_PX, 1)).astype(np.float32)
    tiny = cv2.GaussianBlur(cv2.resize(picture, (WIDTH // 8, HEIGHT // 8), interpolation=cv2.INTER_AREA), (0, 0), 5)
    backdrop = cv2.resize(tiny, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    for number in range(FRAMES):
        scale = fitted * zoom[number]
        shift = (np.array([WIDTH, HEIGHT]) - np.array([wide, tall]) * scale) / 2
        shift += (drift[number] + tremble[number]) * (WIDTH, HEIGHT)
        frame = backdrop.copy()
        _lay(frame, picture, scale, shift)
        x, y = (int(place) for place in draw.integers(0, GRAIN_PX, 2))
        pixels = frame * np.float32(gain) + grain[y : y + HEIGHT, x : x + WIDTH]
        if blur > 0.3:
            pixels = cv2.GaussianBlur(pixels, (0, 0), blur)
        moved = boxes * np.float32(scale) + np.tile(shift, 2).astype(np.float32)
        yield np.clip(pixels, 0, 255).astype(np.uint8), _visible(moved, item.labels)


def _lay(frame: NDArray[np.uint8], picture: NDArray[np.uint8], scale: float, shift: NDArray[np.float64]) -> None:
    """Lay the scaled picture over the frame, by area where it shrinks."""
    if scale < 0.6:
        size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
        picture, scale = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8), 1.0
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    cv2.warpAffine(
        picture, matrix, (WIDTH, HEIGHT), dst=frame, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT
    )


def _visible(boxes: NDArray[np.float32], labels: NDArray[np.intp]) -> Truth:
    cut = np.clip(boxes, 0, np.array([WIDTH, HEIGHT] * 2, np.float32))
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    keep = (cut[:, 2:] - cut[:, :2]).prod(axis=1) >= VISIBLE * np.maximum(area, 1e-6)
    return Truth(cut[keep], labels[keep])


def make_video(path: Path, pictures: Sequence[Picture], seed: int) -> list[Truth]:
    """Encode the takes of some pictures behind each other; returns the truth of every frame."""
    draw = np.random.default_rng([seed, len(pictures)])
    quality = int(draw.integers(22, 34))
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{WIDTH}x{HEIGHT}"]
    command += ["-r", str(RATE), "-i", "-", "-c:v", "libx264", "-preset", "veryfast", "-crf", str(quality)]
    command += ["-pix_fmt", "yuv420p", "-bitexact", f"file:{path.resolve()}"]
    truths = []
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for item in pictures:
            for frame, truth in take(item, draw):
                process.stdin.write(frame.tobytes())
                truths.append(truth)
        process.stdin.close()
        if process.wait():
            raise SystemExit(f"{path}: ffmpeg could not encode it")
    return truths
