"""Lines of writing are proposed dark on light, upright, and where they are."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from roundel.text.finder import LINE_PX, find_lines


def painted(light: bool, turn: float = 0.0, size: float = 0.8) -> NDArray[np.uint8]:
    """A number on a side of uneven colour, in a picture of 320 × 180."""
    picture = np.full((180, 320, 3), (90, 110, 105), np.uint8)
    picture[:, 170:] = (70, 90, 85)
    cv2.putText(picture, "2357", (110, 100), cv2.FONT_HERSHEY_SIMPLEX, size, (230,) * 3 if light else (15,) * 3, 3)
    matrix = cv2.getRotationMatrix2D((145.0, 90.0), turn, 1)
    return np.asarray(cv2.warpAffine(picture, matrix, (320, 180), borderMode=cv2.BORDER_REPLICATE), np.uint8)


@pytest.mark.parametrize("light", [True, False])
@pytest.mark.parametrize("turn", [0.0, 8.0, -8.0])
def test_a_number_is_proposed_where_it_is(light: bool, turn: float) -> None:
    best = max(find_lines(painted(light, turn), 9), key=lambda line: line.worth)
    left, top, right, bottom = best.xyxy
    assert 100 < left < 122
    assert 165 < right < 190
    assert 70 < top < bottom < 120
    assert 13 < best.glyph_px < 22
    assert LINE_PX < best.picture.shape[0] < 3 * LINE_PX
    middle = best.picture[best.picture.shape[0] // 3 : -best.picture.shape[0] // 3]
    assert middle.min() < 80, "dark"
    assert np.median(best.picture[0]) > 200, "on light, whatever it was"


def test_few_lines_are_proposed_and_none_on_plain_ground() -> None:
    assert find_lines(np.full((180, 320, 3), 120, np.uint8), 9) == []
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    assert len(find_lines(noise, 5)) <= 5


def test_the_same_picture_gives_the_same_lines() -> None:
    one, other = find_lines(painted(True), 9), find_lines(painted(True), 9)
    assert [line.xyxy for line in one] == [line.xyxy for line in other]
    assert all((a.picture == b.picture).all() for a, b in zip(one, other, strict=True))
