"""Cuts to the frame, dissolves and fades as ranges, on made pictures whose truth is known."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roundel.shots import FrameLabel, ShotDetector, ShotSettings
from roundel.types import FrameRef, Timestamp

MILLI = Fraction(1, 1000)
SIZE = (72, 128)


def scene(seed: int, n: int = 1, speed: float = 0.0, noise: float = 2.0) -> np.ndarray:
    """``n`` frames of a textured scene under a camera that moves ``speed`` pixels a frame, with sensor noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(30, 220, (9, 30))
    wide = cv2.resize(coarse, (480, SIZE[0]), interpolation=cv2.INTER_CUBIC) + rng.normal(0, 12, (SIZE[0], 480))
    wide = cv2.GaussianBlur(wide, (0, 0), 1)
    colour = rng.uniform(100, 156, 2)
    out = np.empty((n, *SIZE, 3), np.uint8)
    for k in range(n):
        left = round(20 + speed * k) % (480 - SIZE[1])
        luma = wide[:, left : left + SIZE[1]] + rng.normal(0, noise, SIZE)
        out[k, ..., 0] = np.clip(luma, 16, 235)
        out[k, ..., 1:] = colour
    return out


def mix(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """A linear dissolve over all frames of two equally long pieces; no frame is pure."""
    weight = (np.arange(1, len(a) + 1) / (len(a) + 1))[:, None, None, None]
    return np.rint((1 - weight) * a + weight * b).astype(np.uint8)


def plain(level: int, n: int) -> np.ndarray:
    out = np.full((n, *SIZE, 3), 128, np.uint8)
    out[..., 0] = level
    return out


def run(frames: np.ndarray, millis: list[int] | None = None) -> tuple[ShotDetector, list[FrameLabel]]:
    """Push everything; the labels must be one per frame, in order."""
    detector, labels = ShotDetector(), []
    times = millis or [40 * k for k in range(len(frames))]
    for k, picture in enumerate(frames):
        labels += detector.push(FrameRef(k, Timestamp(times[k], MILLI)), picture)
    labels += detector.finish()
    assert [label.ref.index for label in labels] == list(range(len(frames)))
    return detector, labels


def starts(detector: ShotDetector) -> list[tuple[int, str]]:
    return [(shot.first_frame, shot.transition_in.kind) for shot in detector.shots]


def check_tiling(detector: ShotDetector, labels: list[FrameLabel]) -> None:
    for index, shot in enumerate(detector.shots):
        assert shot.index == index
        assert shot.first_frame < shot.end_frame
        assert shot.start_seconds < shot.end_seconds
    for before, after in zip(detector.shots, detector.shots[1:], strict=False):
        assert before.end_frame == after.first_frame
    for label in labels:
        shot = detector.shots[label.shot]
        assert shot.first_frame <= label.ref.index < shot.end_frame


def test_no_frames() -> None:
    detector = ShotDetector()
    assert detector.finish() == []
    assert detector.shots == ()


def test_one_frame() -> None:
    detector, labels = run(scene(1))
    assert starts(detector) == [(0, "start")]
    assert (detector.shots[0].start_seconds, detector.shots[0].end_seconds) == (0.0, 0.04)
    assert not labels[0].in_transition


@pytest.mark.parametrize("noise", [0.0, 3.0, 12.0])
@pytest.mark.parametrize("speed", [0.0, 2.0])
def test_cut_to_the_frame(noise: float, speed: float) -> None:
    detector, labels = run(np.concatenate([scene(1, 37, speed, noise), scene(2, 41, speed, noise)]))
    assert starts(detector) == [(0, "start"), (37, "cut")]
    assert detector.shots[0].end_seconds == detector.shots[1].start_seconds == 1.48
    assert detector.shots[1].end_seconds == pytest.approx(78 * 0.04)
    assert [label.ref.index for label in labels if label.in_transition] == [36, 37]
    check_tiling(detector, labels)


def test_dark_low_contrast_cut() -> None:
    frames = np.concatenate([scene(1, 30), scene(2, 30)])
    frames[..., 0] = 20 + frames[..., 0] // 8
    assert starts(run(frames)[0]) == [(0, "start"), (30, "cut")]


def test_short_shots_of_three_frames() -> None:
    frames = np.concatenate([scene(1, 30), scene(2, 3), scene(3, 3), scene(4, 30)])
    assert [first for first, _ in starts(run(frames)[0])] == [0, 30, 33, 36]


def test_cut_with_one_blended_frame() -> None:
    before, after = scene(1, 31), scene(2, 31)
    frames = np.concatenate([before[:30], mix(before[30:], after[:1]), after[1:]])
    detector, labels = run(frames)
    assert starts(detector) == [(0, "start"), (31, "cut")]
    assert labels[30].in_transition


@pytest.mark.parametrize("length", [1, 2, 4])
@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_flash_is_not_a_cut(length: int, strength: float) -> None:
    frames = scene(1, 60).astype(np.float64)
    frames[30 : 30 + length, ..., 0] += strength * (250 - frames[30 : 30 + length, ..., 0])
    assert starts(run(frames.astype(np.uint8))[0]) == [(0, "start")]


def test_scene_that_comes_back_at_once() -> None:
    frames = scene(1, 60)
    frames[30:34] = scene(2, 4)
    assert starts(run(frames)[0]) == [(0, "start")]


@pytest.mark.parametrize("speed", [0.5, 1.5, 4.0, 9.0])
def test_pan_is_one_shot(speed: float) -> None:
    assert starts(run(scene(3, 36, speed))[0]) == [(0, "start")]


def test_shake_is_one_shot() -> None:
    still, rng = scene(1, 80), np.random.default_rng(0)
    for k in range(len(still)):
        dx, dy = rng.normal(0, 3, 2)
        move = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
        still[k] = cv2.warpAffine(still[k], move, SIZE[::-1], borderMode=cv2.BORDER_REFLECT)
    assert starts(run(still)[0]) == [(0, "start")]


def test_passing_object_is_one_shot() -> None:
    frames = scene(1, 60)
    for k in range(60):
        left = 6 * k - 120
        frames[k, 10:, max(0, left) : max(0, left + 110)] = (40, 110, 140)
    assert starts(run(frames)[0]) == [(0, "start")]


def test_exposure_change_is_one_shot() -> None:
    frames = scene(1, 60).astype(np.float64)
    frames[30:, ..., 0] = 16 + 0.55 * (frames[30:, ..., 0] - 16)
    assert starts(run(frames.astype(np.uint8))[0]) == [(0, "start")]


@pytest.mark.parametrize("length", [8, 15, 25, 48])
@pytest.mark.parametrize("speed", [0.0, 0.3])
def test_dissolve_range(length: int, speed: float) -> None:
    before, after = scene(1, 40 + length, speed), scene(2, 40 + length, speed)
    frames = np.concatenate([before[:40], mix(before[40:], after[:length]), after[length:]])
    detector, labels = run(frames)
    assert [kind for _, kind in starts(detector)] == ["start", "dissolve"]
    change = detector.shots[1].transition_in
    assert change.start_seconds == pytest.approx(1.6, abs=0.081)
    assert change.end_seconds == pytest.approx(1.6 + length * 0.04, abs=0.081)
    assert detector.shots[1].first_frame == pytest.approx(40 + length / 2, abs=2)
    mixed = [label.ref.index for label in labels if label.in_transition]
    assert mixed == list(range(mixed[0], mixed[0] + len(mixed)))
    assert mixed[0] == round(change.start_seconds / 0.04)
    check_tiling(detector, labels)


@pytest.mark.parametrize("level", [16, 235])
@pytest.mark.parametrize("hold", [0, 5])
def test_fade_through_plain(level: int, hold: int) -> None:
    before, after = scene(1, 52), scene(2, 52)
    out, back = mix(before[40:], plain(level, 12)), mix(plain(level, 12), after[:12])
    frames = np.concatenate([before[:40], out, plain(level, hold + 1), back, after[12:]])
    detector, labels = run(frames)
    assert [kind for _, kind in starts(detector)] == ["start", "fade"]
    change = detector.shots[1].transition_in
    assert change.start_seconds == pytest.approx(40 * 0.04, abs=0.081)
    assert change.end_seconds == pytest.approx((65 + hold) * 0.04, abs=0.081)
    assert detector.shots[1].first_frame == pytest.approx(52 + hold / 2, abs=2)
    check_tiling(detector, labels)


def test_fade_in_at_the_start_and_out_at_the_end() -> None:
    takes = scene(1, 100)
    frames = np.concatenate(
        [plain(16, 4), mix(plain(16, 15), takes[:15]), takes[15:85], mix(takes[85:], plain(16, 15)), plain(16, 4)]
    )
    detector, labels = run(frames)
    assert len(detector.shots) == 1
    change = detector.shots[0].transition_in
    assert change.kind == "start"
    assert change.end_seconds == pytest.approx(19 * 0.04, abs=0.081)
    assert labels[10].in_transition
    assert not labels[50].in_transition
    assert labels[-12].in_transition


def test_jump_back_in_time_starts_a_shot() -> None:
    frames = scene(1, 60)
    times = [1000 + 40 * k for k in range(30)] + [40 * k for k in range(30)]
    detector, labels = run(frames, times)
    assert starts(detector) == [(0, "start"), (30, "cut")]
    first, second = detector.shots
    assert (first.start_seconds, second.start_seconds) == (1.0, 0.0)
    assert first.end_seconds == pytest.approx(2.2)
    assert second.end_seconds == pytest.approx(1.2)
    check_tiling(detector, labels)


def test_variable_frame_rate_keeps_true_times() -> None:
    rng = np.random.default_rng(5)
    times = [int(t) for t in np.cumsum(rng.choice([17, 33, 50, 120], 80))]
    detector, labels = run(np.concatenate([scene(1, 35), scene(2, 45)]), times)
    assert starts(detector) == [(0, "start"), (35, "cut")]
    assert detector.shots[1].start_seconds == times[35] / 1000
    assert detector.shots[1].end_seconds == pytest.approx((times[-1] + np.median(np.diff(times))) / 1000)
    check_tiling(detector, labels)


def test_suspects_the_first_frame_of_a_shot_at_once() -> None:
    detector, said = ShotDetector(), []
    for k, picture in enumerate(np.concatenate([scene(1, 30), scene(2, 30)])):
        detector.push(FrameRef(k, Timestamp(40 * k, MILLI)), picture)
        if detector.suspects_cut:
            said.append(k)
    assert said == [0, 30]


@pytest.mark.parametrize("millis", [1, 8, 40])
def test_memory_and_delay_are_bounded(millis: int) -> None:
    detector, limits, late = ShotDetector(), ShotSettings(), []
    picture, done = scene(1, 10), 0
    for k in range(900):
        done += len(detector.push(FrameRef(k, Timestamp(millis * k, MILLI)), picture[k % 10]))
        late.append(k + 1 - done)
        assert len(detector._past.frames) <= limits.max_frames + 260
        assert len(detector._past.rows) <= 4 * limits.max_frames + 600
    assert max(late) <= min(limits.max_frames + 210, 3000 / millis + 2)


def test_picture_size_changes_in_mid_stream() -> None:
    detector, frames = ShotDetector(), scene(1, 40)
    for k in range(40):
        picture = frames[k] if k < 20 else cv2.resize(frames[k], (128, 70), interpolation=cv2.INTER_AREA)
        detector.push(FrameRef(k, Timestamp(40 * k, MILLI)), picture)
    detector.finish()
    assert starts(detector) == [(0, "start")]


POOL = [scene(seed) for seed in range(5)] + [plain(16, 1), plain(235, 1)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(1, 30)), max_size=8),
    st.lists(st.integers(-200, 900), min_size=240, max_size=240),
    st.booleans(),
)
def test_every_frame_is_labelled_once_in_order(pieces: list[tuple[int, int]], steps: list[int], steady: bool) -> None:
    """Whatever comes, the shots tile the frames, and a second run says the same."""
    frames = np.concatenate([plain(90, 1), *(np.repeat(POOL[which], n, axis=0) for which, n in pieces)])
    times = [int(t) for t in np.cumsum([40 if steady else max(step, -200) for step in steps])]
    detector, labels = run(frames, times)
    assert detector.shots[0].first_frame == 0
    assert detector.shots[-1].end_frame == len(frames)
    for before, after in zip(detector.shots, detector.shots[1:], strict=False):
        assert before.end_frame == after.first_frame
    for label in labels:
        shot = detector.shots[label.shot]
        assert shot.first_frame <= label.ref.index < shot.end_frame
    again, labels_again = run(frames, times)
    assert (again.shots, labels_again) == (detector.shots, labels)
