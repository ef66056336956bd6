"""The choice of frames: enough of every shot, denser around detections, never by the speed of the machine."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from conftest import FakeDetector, find_nothing, loaded
from roundel.analyze import analyze_video
from roundel.config import Config, SamplingConfig
from roundel.media.identity import identify
from roundel.sampling import EARLY, SHOT_START_FPS, Interval, Sampler
from roundel.types import Frame, FrameRef, Timestamp, VideoResult

MakeClip = Callable[..., Path]
BASE = Fraction(1, 1000)
NO_PICTURE = np.zeros(0, np.uint8)

steady = st.builds(
    lambda rate, count: [1000 / rate] * count,
    st.sampled_from([5, 12, 24, 25, 30, 50, 60, 120, 240]),
    st.integers(1, 200),
)
uneven = st.lists(st.floats(1, 3000), min_size=1, max_size=120)
step_lists = st.one_of(steady, uneven)


def frames_of(steps: Sequence[float]) -> list[Frame]:
    """Frames that are the given milliseconds apart."""
    times = np.concatenate([[0], np.cumsum(steps)])
    return [
        Frame(FrameRef(index, Timestamp(round(at), BASE)), 0, 0, NO_PICTURE, "bt709") for index, at in enumerate(times)
    ]


def sample(config: SamplingConfig, frames: Sequence[Frame], starts: set[int]) -> list[Interval]:
    """All intervals of a video whose shots start at the given frames, as the analysis would see them."""
    sampler = Sampler(config)
    intervals = [interval for f in frames if (interval := sampler.offer(f, f.ref.index in starts)) is not None]
    sampler.finish()
    return intervals


def chosen(intervals: Sequence[Interval], dense: bool = False) -> list[int]:
    return [frame.ref.index for interval in intervals for frame in (interval.base, *interval.chosen(dense))]


def shots_of(frames: Sequence[Frame], starts: set[int]) -> list[list[int]]:
    edges = sorted({0, *(start for start in starts if start < len(frames)), len(frames)})
    return [list(range(a, b)) for a, b in itertools.pairwise(edges)]


@settings(deadline=None, max_examples=60)
@given(steps=step_lists, starts=st.sets(st.integers(1, 200)), per_shot=st.integers(1, 6))
def test_every_shot_has_its_least_number_of_samples(steps: list[float], starts: set[int], per_shot: int) -> None:
    frames = frames_of(steps)
    picked = set(chosen(sample(SamplingConfig(per_shot=per_shot), frames, starts)))
    for shot in shots_of(frames, starts):
        assert len(picked & set(shot)) >= min(per_shot, len(shot))


@settings(deadline=None, max_examples=60)
@given(steps=step_lists, starts=st.sets(st.integers(1, 200)), base_fps=st.floats(0.5, 30))
def test_base_samples_keep_their_distance_within_a_shot(steps: list[float], starts: set[int], base_fps: float) -> None:
    frames = frames_of(steps)
    bases = [i.base.ref.index for i in sample(SamplingConfig(base_fps=base_fps), frames, starts)]
    for one, other in itertools.pairwise(bases):
        apart = frames[other].ref.at.seconds - frames[one].ref.at.seconds
        step = frames[other].ref.at.seconds - frames[other - 1].ref.at.seconds
        assert other in starts or apart >= 1 / base_fps - EARLY * step - 1e-6
        before = frames[other - 1].ref.at.seconds - frames[one].ref.at.seconds
        assert before < 1 / base_fps, "the frame before was due already"


@settings(deadline=None, max_examples=60)
@given(steps=step_lists, starts=st.sets(st.integers(1, 200)))
def test_a_shot_begins_with_a_base_sample(steps: list[float], starts: set[int]) -> None:
    frames = frames_of(steps)
    bases = {interval.base.ref.index for interval in sample(SamplingConfig(), frames, starts)}
    assert all(shot[0] in bases for shot in shots_of(frames, starts))


@settings(deadline=None, max_examples=60)
@given(steps=step_lists, starts=st.sets(st.integers(1, 200)), dense_fps=st.floats(1, 60), per_shot=st.integers(1, 5))
def test_what_is_held_is_bounded(steps: list[float], starts: set[int], dense_fps: float, per_shot: int) -> None:
    config = SamplingConfig(dense_fps=dense_fps, per_shot=per_shot)
    for interval in sample(config, frames_of(steps), starts):
        span = 1 / 2.0
        assert len(interval.held) <= 2 * span * max(dense_fps, SHOT_START_FPS) + per_shot


@settings(deadline=None, max_examples=60)
@given(steps=step_lists, starts=st.sets(st.integers(1, 200)))
def test_frames_are_chosen_once_and_in_order(steps: list[float], starts: set[int]) -> None:
    intervals = sample(SamplingConfig(), frames_of(steps), starts)
    for dense in (False, True):
        picked = chosen(intervals, dense)
        assert picked == sorted(set(picked))


@settings(deadline=None, max_examples=60)
@given(steps=step_lists, starts=st.sets(st.integers(1, 200)))
def test_all_takes_every_frame(steps: list[float], starts: set[int]) -> None:
    frames = frames_of(steps)
    intervals = sample(SamplingConfig(base_fps="all"), frames, starts)
    assert chosen(intervals) == list(range(len(frames)))


@settings(deadline=None, max_examples=60)
@given(steps=step_lists, starts=st.sets(st.integers(1, 200)))
def test_dense_reaches_the_dense_rate(steps: list[float], starts: set[int]) -> None:
    config = SamplingConfig(base_fps=1, dense_fps=6)
    frames = frames_of(steps)
    picked = chosen(sample(config, frames, starts), dense=True)
    for one, other in itertools.pairwise(picked):
        before = frames[other - 1].ref.at.seconds - frames[one].ref.at.seconds
        assert before < 1 / 6 + 1e-9, "a frame between the two was due"


@pytest.mark.parametrize("rate", [10, 25, 30, 60, 120])
@pytest.mark.parametrize("length", range(1, 7))
def test_a_very_short_shot_gets_as_many_samples_as_it_has(length: int, rate: int) -> None:
    frames = frames_of([1000 / rate] * (3 * rate))
    start = rate
    picked = set(chosen(sample(SamplingConfig(), frames, {start, start + length})))
    assert len(picked & set(range(start, start + length))) >= min(3, length)


def test_time_that_jumps_back_starts_a_new_shot() -> None:
    times = [0, 40, 80, 120, 0, 40, 80, 120]
    frames = [Frame(FrameRef(i, Timestamp(at, BASE)), 0, 0, NO_PICTURE, "bt709") for i, at in enumerate(times)]
    assert [interval.base.ref.index for interval in sample(SamplingConfig(), frames, set())] == [0, 4]


class Lines:
    """Keeps what an analysis writes."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.pictures: list[tuple[str, bytes]] = []

    def picture(self, name: str, image: NDArray[np.uint8]) -> str:
        self.pictures.append((name, image.tobytes()))
        return name

    def detections(self, line: dict[str, Any]) -> None:
        self.lines.append(line)


def analyse(clip: Path, detector: FakeDetector, **sampling: Any) -> tuple[VideoResult, Lines]:
    sink = Lines()
    config = Config(sampling=SamplingConfig(**sampling))
    return analyze_video(clip, identify(clip), config, loaded(detector), sink, {}), sink


def bright(picture: NDArray[np.uint8]) -> list[tuple[tuple[float, float, float, float], str, float]]:
    """A vehicle where the picture has a white square."""
    rows, columns = np.nonzero(picture[..., 1] > 200)
    if len(rows) < 20:
        return []
    box = (float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1))
    return [(box, "armoured_vehicle", 0.9)]


@pytest.fixture
def clip(make_clip: MakeClip) -> Path:
    """Ten seconds of grey in which a white square crosses the picture from second 4 to second 6."""
    ground, square = "color=s=160x90:r=25:c=gray[ground]", "color=s=24x24:r=25:c=white[square]"
    crossing = "[ground][square]overlay=x='20+8*(t-4)':y=30:enable='between(t,4,6)'"
    return make_clip("sampling-square.mp4", f"{ground};{square};{crossing}", "-t", "10", "-c:v", "libx264")


def test_the_speed_of_the_detector_changes_nothing(clip: Path) -> None:
    rng = random.Random(3)

    def slow(picture: NDArray[np.uint8]) -> list[tuple[tuple[float, float, float, float], str, float]]:
        time.sleep(rng.choice([0, 0, 0.01, 0.05]))
        return bright(picture)

    quick_result, quick = analyse(clip, FakeDetector(bright))
    slow_result, late = analyse(clip, FakeDetector(slow))
    assert quick.lines == late.lines
    assert quick.pictures == late.pictures
    assert quick_result == slow_result
    assert any(line["boxes"] for line in quick.lines)


def test_sampling_is_denser_around_detections_only(clip: Path) -> None:
    _, sink = analyse(clip, FakeDetector(bright), base_fps=2, dense_fps=8)
    at = np.array([line["seconds"] for line in sink.lines])
    inside = at[(at >= 4) & (at <= 6)]
    assert np.diff(inside).max() <= 1 / 8 + 0.04
    assert len(inside) >= 2 * 8
    quiet = at[(at > 1) & (at < 3.4)]
    assert np.diff(quiet).min() >= 0.48
    assert np.diff(at).max() <= 0.53


def test_nothing_found_means_the_base_rate(clip: Path) -> None:
    detector = FakeDetector(find_nothing)
    result, sink = analyse(clip, detector, base_fps=2)
    assert detector.pictures == result.analysed_frames == len(sink.lines)
    assert 20 <= len(sink.lines) <= 24


def test_all_frames_are_seen_when_asked_for(clip: Path) -> None:
    result, sink = analyse(clip, FakeDetector(find_nothing), base_fps="all")
    assert [line["frame"] for line in sink.lines] == list(range(250))
    assert result.analysed_frames == 250
