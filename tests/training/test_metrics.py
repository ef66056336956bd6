"""The scorer: average precision, intervals, sizes, on cases that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from training.metrics import at_threshold, average_precision, join, match_picture, summary

ONE = np.array([[0, 0, 10, 10]], np.float32)
FAR = np.array([[50, 50, 60, 60]], np.float32)
COUNTED = np.array([True])


def matched(*pictures):
    """``(boxes, scores, truth)`` of each picture."""
    parts, truths = [], []
    for boxes, given, truth in pictures:
        scores = np.array(given, np.float32)
        hits, ignored = match_picture(boxes, scores, truth, np.ones(len(truth), bool))
        parts.append((scores, hits, ignored))
        truths.append(len(truth))
    return join(parts, truths)


def test_a_perfect_detector_has_one_and_a_blind_one_none() -> None:
    perfect = matched((ONE, [0.9], ONE), (FAR, [0.8], FAR))
    assert average_precision(perfect, 0, np.ones(2)) == pytest.approx(1)
    blind = matched((np.zeros((0, 4), np.float32), [], ONE))
    assert average_precision(blind, 0, np.ones(1)) == 0


def test_a_false_box_with_a_higher_score_halves_the_precision() -> None:
    found = matched((np.vstack([FAR, ONE]), [0.9, 0.5], ONE))
    assert average_precision(found, 0, np.ones(1)) == pytest.approx(0.5)
    assert at_threshold(found, 0.4, np.ones(1)) == (1.0, 0.5)
    assert at_threshold(found, 0.6, np.ones(1)) == (0.0, 0.0)


def test_two_boxes_on_one_object_are_one_hit_and_one_false_box() -> None:
    found = matched((np.vstack([ONE, ONE]), [0.9, 0.8], ONE))
    assert found.hits[:, 0].tolist() == [True, False]


def test_a_loose_box_is_right_at_half_and_wrong_above() -> None:
    loose = np.array([[0, 0, 10, 16]], np.float32)  # overlap 10 / 16
    found = matched((loose, [0.9], ONE))
    assert found.hits[0].tolist() == [True, True, True] + [False] * 7


def test_boxes_on_objects_that_are_not_asked_about_are_neither_right_nor_wrong() -> None:
    hits, ignored = match_picture(ONE, np.array([0.9], np.float32), ONE, np.array([False]))
    assert not hits.any()
    assert ignored[0, 0]


def test_a_picture_counted_twice_weighs_twice() -> None:
    found = matched((ONE, [0.9], ONE), (np.zeros((0, 4), np.float32), [], FAR))
    assert average_precision(found, 0, np.array([1.0, 1.0])) == pytest.approx(0.5, abs=0.01)
    assert average_precision(found, 0, np.array([3.0, 1.0])) == pytest.approx(0.75, abs=0.01)


def test_the_interval_holds_the_figure_and_narrows_with_more_pictures() -> None:
    def half_right(count: int):
        blank = (np.zeros((0, 4), np.float32), [], ONE)
        return summary(matched(*([(ONE, [0.9], ONE), blank] * count)), 0.4)

    few, many = half_right(5), half_right(200)
    for found in (few, many):
        value, low, high = found["recall"]
        assert low <= value <= high
    assert many["recall"][2] - many["recall"][1] < few["recall"][2] - few["recall"][1]
