"""Suppression of duplicate boxes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from roundel.detect.nms import iou, overlap_of_smaller, suppress
from roundel.types import Detections


def detections(*rows: tuple[float, float, float, float, float, int], classes: int = 3) -> Detections:
    scores = np.full((len(rows), classes), 0.01, np.float32)
    for index, row in enumerate(rows):
        scores[index, row[5]] = row[4]
    return Detections(np.array([row[:4] for row in rows], np.float32).reshape(-1, 4), scores)


def test_iou_of_known_boxes() -> None:
    one = np.array([[0, 0, 10, 10]], np.float32)
    many = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]], np.float32)
    assert np.allclose(iou(one, many), [[1, 1 / 3, 0]])
    assert np.allclose(overlap_of_smaller(one, many), [[1, 0.5, 0]])


def test_the_better_of_two_boxes_on_one_object_stays_even_with_another_class() -> None:
    found = suppress(detections((0, 0, 100, 100, 0.6, 0), (2, 2, 101, 99, 0.9, 1)), 0.55, 0.8)
    assert found.label.tolist() == [1]


def test_a_part_of_an_object_goes_if_it_has_the_same_class() -> None:
    assert len(suppress(detections((0, 0, 100, 100, 0.9, 0), (10, 10, 40, 40, 0.8, 0)), 0.55, 0.8)) == 1


def test_a_person_on_a_tank_stays() -> None:
    assert len(suppress(detections((0, 0, 100, 100, 0.9, 0), (10, 10, 40, 40, 0.8, 2)), 0.55, 0.8)) == 2


def test_neighbours_stay() -> None:
    assert len(suppress(detections((0, 0, 100, 100, 0.9, 0), (70, 0, 170, 100, 0.8, 0)), 0.55, 0.8)) == 2


boxes = st.tuples(
    *[st.integers(0, 60)] * 2, *[st.integers(5, 60)] * 2, st.sampled_from([0.3, 0.5, 0.5, 0.9]), st.integers(0, 2)
)


@given(st.lists(boxes, max_size=12), st.randoms())
def test_the_order_of_the_boxes_does_not_matter(rows: list, chance) -> None:
    rows = [(x, y, x + w, y + h, score, label) for x, y, w, h, score, label in rows]
    shuffled = list(rows)
    chance.shuffle(shuffled)
    one, other = (suppress(detections(*items), 0.55, 0.8) for items in (rows, shuffled))
    assert np.array_equal(one.xyxy, other.xyxy)
    assert np.array_equal(one.score, other.score)


@given(st.lists(boxes, max_size=12))
def test_kept_boxes_do_not_overlap_and_dropped_ones_have_a_better_box(rows: list) -> None:
    found = detections(*[(x, y, x + w, y + h, score, label) for x, y, w, h, score, label in rows])
    kept = suppress(found, 0.55, 1.0)
    overlaps = iou(kept.xyxy, kept.xyxy) - np.eye(len(kept))
    assert (overlaps <= 0.55).all()
    for box, score in zip(found.xyxy, found.score, strict=True):
        covered = (iou(box[None], kept.xyxy)[0] > 0.55) & (kept.score >= score)
        assert covered.any() or any(np.array_equal(box, other) for other in kept.xyxy)
