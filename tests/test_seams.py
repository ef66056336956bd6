"""Seams of split screens and of pictures in pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from roundel.seams import SeamMeter, separated

WIDTH, HEIGHT = 120, 68


def scene(seed: int, shift: int) -> np.ndarray:
    """A natural-looking picture (h, w, 3) that moves with ``shift``."""
    noise = np.random.default_rng(seed).integers(20, 235, (5, 24), dtype=np.uint8)
    wide = cv2.resize(noise, (480, HEIGHT + 20), interpolation=cv2.INTER_CUBIC)
    part = wide[5 : 5 + HEIGHT, 10 + shift : 10 + shift + WIDTH]
    return np.repeat(part[..., None], 3, axis=2)


def watched(layout) -> SeamMeter:
    meter = SeamMeter()
    for frame in range(12):
        meter.add(layout(frame))
    return meter


def split(frame: int) -> np.ndarray:
    picture = scene(1, 3 * frame)
    picture[:, 60:] = np.clip(scene(2, 2 * frame)[:, 60:].astype(int) // 2, 0, 255)
    return picture


def stacked(frame: int) -> np.ndarray:
    picture = scene(1, 3 * frame)
    picture[34:] = scene(2, 2 * frame)[34:] // 2
    return picture


def inset(frame: int) -> np.ndarray:
    picture = scene(1, 3 * frame)
    picture[8:32, 76:112] = 255
    picture[9:31, 77:111] = scene(2, 2 * frame)[9:31, 77:111] // 2
    return picture


def box(x1: float, y1: float, x2: float, y2: float) -> np.ndarray:
    return np.array([x1 / WIDTH, y1 / HEIGHT, x2 / WIDTH, y2 / HEIGHT], np.float32)


LEFT, RIGHT = box(10, 40, 40, 60), box(78, 12, 108, 28)


@pytest.mark.parametrize("layout", [split, stacked, inset])
def test_a_seam_separates_what_lies_on_its_two_sides(layout) -> None:
    assert separated(LEFT, RIGHT, watched(layout).regions())


def test_a_seam_does_not_separate_what_lies_on_one_side() -> None:
    assert not separated(box(5, 10, 20, 30), box(30, 40, 55, 60), watched(split).regions())
    assert not separated(box(5, 10, 20, 30), box(30, 40, 55, 60), watched(inset).regions())


def test_a_moving_camera_shows_no_seam() -> None:
    assert watched(lambda frame: scene(1, 5 * frame)).regions() == []


def test_a_border_that_moves_with_the_scene_is_no_seam() -> None:
    def wall(frame: int) -> np.ndarray:
        picture = scene(1, 3 * frame)
        picture[:, 30 + 4 * frame :] //= 3
        return picture

    assert watched(wall).regions() == []


def test_before_any_frame_there_are_no_regions() -> None:
    assert SeamMeter().regions() == []
