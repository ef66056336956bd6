"""Letterboxes and tiles."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roundel.detect.slicing import drop_cut_boxes, input_size, is_large, letterbox, tile_boxes
from roundel.types import Detections

sizes = st.integers(1, 4000)


@given(sizes, sizes)
def test_inputs_have_sides_of_whole_strides_and_the_longest_side_asked_for(width: int, height: int) -> None:
    fitted = input_size(width, height, 416)
    assert max(fitted) == 416
    assert all(side % 32 == 0 and side > 0 for side in fitted)


@pytest.mark.parametrize(("width", "height"), [(640, 360), (1080, 1920), (200, 1600), (416, 416), (64, 48)])
def test_a_box_comes_back_to_where_it_was(width: int, height: int) -> None:
    picture = np.zeros((height, width, 3), np.uint8)
    x1, y1, x2, y2 = width // 4, height // 4, width // 2 + 1, height // 2 + 1
    picture[y1:y2, x1:x2] = 255
    canvas, placed = letterbox(picture, input_size(width, height, 416))
    ys, xs = np.nonzero(canvas[..., 0] > 180)
    seen = np.array([[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]], np.float32)
    assert np.abs(placed.to_picture(seen) - [x1, y1, x2, y2]).max() <= 1.6 / placed.scale + 1


@given(st.integers(417, 4000), st.integers(200, 4000))
def test_tiles_cover_the_frame_and_overlap(width: int, height: int) -> None:
    tiles = tile_boxes(width, height, 416)
    columns, rows = np.zeros(width, int), np.zeros(height, int)
    for left, top, right, bottom in tiles:
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        columns[left:right] += 1
        rows[top:bottom] += 1
    assert columns.min() >= 1
    assert rows.min() >= 1
    lefts = sorted({tile[0] for tile in tiles})
    assert all(after - before <= 624 * 0.8 + 1 for before, after in pairwise(lefts))


def test_only_large_frames_are_tiled_by_themselves() -> None:
    assert is_large(1920, 1080, 416)
    assert not is_large(640, 360, 416)


def test_boxes_that_end_at_an_inner_edge_are_dropped_and_others_stay() -> None:
    boxes = np.array([[0, 10, 50, 60], [590, 10, 623, 60], [100, 100, 200, 200]], np.float32)
    kept = drop_cut_boxes(Detections(boxes, np.ones((3, 1), np.float32)), (0, 0, 624, 624), 1920, 1080)
    assert kept.xyxy[:, 0].tolist() == [0, 100]
