"""Bars and frames within the frame: found where they are, and not where there are none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from moving_scenes import HEIGHT, WIDTH, letterboxed, pan, place, upright, within
from roundel.fingerprint.layout import find_layout


def chunk(pictures: list[np.ndarray]) -> np.ndarray:
    return np.stack(pictures[::5])


@pytest.mark.parametrize("seed", range(4))
def test_footage_alone_has_neither(seed: int) -> None:
    layout = find_layout(chunk(pan(seed, 4)))
    assert layout.content is None
    assert layout.inset is None


@pytest.mark.parametrize("seed", range(4))
def test_black_bars_end_where_the_footage_begins(seed: int) -> None:
    content = find_layout(chunk([letterboxed(picture) for picture in pan(seed, 4)])).content
    assert content == pytest.approx((0, 30, WIDTH, 30 + HEIGHT), abs=1)


def test_a_bar_may_be_on_one_side_and_of_any_brightness() -> None:
    pictures = [cv2.copyMakeBorder(item, 0, 0, 0, 60, cv2.BORDER_CONSTANT, value=200) for item in pan(1, 4)]
    assert find_layout(chunk(pictures)).content == pytest.approx((0, 0, WIDTH, HEIGHT), abs=1)


@pytest.mark.parametrize("seed", range(4))
def test_blurred_bars_end_where_the_footage_begins(seed: int) -> None:
    content = find_layout(chunk([upright(picture) for picture in pan(seed, 4)])).content
    assert content == pytest.approx((0, 109, 180, 210), abs=2)


@pytest.mark.parametrize("seed", range(4))
def test_a_frame_within_the_frame_is_found(seed: int) -> None:
    pictures = within(pan(seed, 4), pan(seed + 50, 4, speed=-20, start=-8))
    assert find_layout(chunk(pictures)).inset == pytest.approx((14, 12, 134, 80), abs=3)


def test_one_picture_shows_no_frame_within_the_frame() -> None:
    assert find_layout(np.stack(within(pan(1, 0.1), pan(2, 0.1)))).inset is None


def test_a_sky_that_gets_lighter_is_no_bar() -> None:
    sky = np.repeat(np.linspace(150, 200, 100).astype(np.uint8)[:, None], WIDTH, axis=1)
    pictures = [np.vstack([sky, picture[100:]]) for picture in pan(3, 4)]
    assert find_layout(chunk(pictures)).content is None


@pytest.mark.parametrize("value", [0, 16, 128, 255])
def test_a_plain_picture_has_no_bars(value: int) -> None:
    assert find_layout(np.full((8, 90, 160), value, np.uint8)).content is None


@pytest.mark.parametrize("shape", [(1, 2, 2), (3, 4, 300), (8, 300, 4), (2, 1, 1), (5, 33, 64)])
def test_any_size_is_searched(shape: tuple[int, int, int]) -> None:
    pictures = np.random.default_rng(1).integers(0, 255, shape).astype(np.uint8)
    find_layout(pictures)


def test_noise_moves_no_edge() -> None:
    rng = np.random.default_rng(5)
    pictures = [letterboxed(picture) for picture in pan(2, 4)]
    noisy = [np.clip(item + rng.normal(0, 2, item.shape), 0, 255).astype(np.uint8) for item in pictures]
    assert find_layout(chunk(noisy)).content == pytest.approx((0, 30, WIDTH, 30 + HEIGHT), abs=1)
    assert place(1).std() > 20
