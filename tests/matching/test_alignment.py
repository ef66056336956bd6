"""Lines of times: offsets and speeds are recovered from noise, and footage without movement is not taken for sure."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roundel.matching.alignment import find_line, near


def points(
    seed: int, speed: float, offset: float, length: float, noise: float, strays: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two keyframes a second on a line, their times off by up to half a step, and unrelated points."""
    rng = np.random.default_rng(seed)
    query = np.arange(0, length, 0.5)
    reference = speed * query + offset + rng.uniform(-noise, noise, len(query))
    other = rng.uniform(0, length, strays), rng.uniform(-20, 20 + length, strays)
    weight = np.concatenate([rng.uniform(0.5, 1, len(query)), rng.uniform(0, 0.4, strays)])
    return np.concatenate([query, other[0]]), np.concatenate([reference, other[1]]), weight


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 1000), st.floats(-50, 50), st.floats(5, 30), st.integers(0, 40))
def test_an_offset_is_recovered(seed: int, offset: float, length: float, strays: int) -> None:
    line = find_line(*points(seed, 1.0, offset, length, 0.2, strays))
    assert line is not None
    assert line.speed == pytest.approx(1, abs=0.03)
    assert line.at(np.array([length / 2]))[0] == pytest.approx(offset + length / 2, abs=0.15)


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 1000), st.sampled_from([0.8, 0.9, 25 / 24, 1.1, 1.2, 1.25]), st.floats(-50, 50), st.integers(0, 30)
)
def test_a_speed_is_recovered(seed: int, speed: float, offset: float, strays: int) -> None:
    query, reference, weight = points(seed, speed, offset, 25, 0.1, strays)
    line = find_line(query, reference, weight)
    assert line is not None
    assert line.speed == pytest.approx(speed, abs=0.01)
    assert near(line, query[:50], reference[:50]).all()


def test_few_points_do_not_make_another_speed() -> None:
    query = np.array([0.0, 1.0, 2.0])
    line = find_line(query, query * 1.1 + 3, np.ones(3))
    assert line is not None
    assert line.speed == 1


def test_footage_that_does_not_move_has_slack_and_is_put_into_the_middle() -> None:
    query, reference = (grid.ravel() for grid in np.meshgrid(np.arange(0, 5, 0.5), np.arange(0, 15, 0.5)))
    line = find_line(query, reference, np.ones(len(query)))
    assert line is not None
    assert line.speed == 1
    assert line.slack_seconds > 3
    assert line.offset == pytest.approx(5, abs=0.6)


def test_the_longer_of_two_lines_wins_and_moving_footage_has_little_slack() -> None:
    query = np.concatenate([np.arange(0, 3, 0.5), np.arange(0, 8, 0.5)])
    reference = query + np.concatenate([np.full(6, 40.0), np.full(16, 7.0)])
    line = find_line(query, reference, np.ones(len(query)))
    assert line is not None
    assert line.offset == pytest.approx(7, abs=0.01)
    assert line.score == pytest.approx(16)
    assert line.slack_seconds <= 0.25


def test_no_points_make_no_line() -> None:
    assert find_line(np.zeros(0), np.zeros(0), np.zeros(0)) is None
