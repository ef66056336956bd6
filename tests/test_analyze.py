"""From a clip with known truth to its result: shots, tracks, counts, guards, memory of frames, determinism."""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import FakeDetector, loaded
from roundel.analyze import analyze_video
from roundel.config import Config, load
from roundel.detect import LoadedDetector, load_detector
from roundel.media.identity import identify
from roundel.types import VideoResult

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from make_clip import CameraMove, Entry, Placement, Scene  # noqa: E402
from make_clip import make_clip as render_clip  # noqa: E402

DEMO = ROOT / "pipeline" / "roundel" / "demo"
SIZE = (640, 360)
PAN = CameraMove((0.44, 0.5, 1.0), (0.56, 0.5, 1.03), shake_px=1.0)
BRADLEY = Placement("bradley", "bradley", x=0.27, y=0.86, width=0.42)
STRYKER = Placement("stryker", "stryker", x=0.74, y=0.84, width=0.42)


class Keep:
    """Takes what an analysis makes and keeps it in memory."""

    def __init__(self) -> None:
        self.pictures: dict[str, np.ndarray] = {}
        self.lines: list[dict[str, Any]] = []

    def picture(self, name: str, image: np.ndarray) -> str:
        self.pictures[name] = image
        return name

    def detections(self, line: dict[str, Any]) -> None:
        self.lines.append(line)


@pytest.fixture(scope="module")
def real() -> LoadedDetector:
    return load_detector(load().detector)


def analyze(path: Path, detector: LoadedDetector, config: Config | None = None) -> tuple[VideoResult, Keep]:
    keep = Keep()
    return analyze_video(path, identify(path), config or load(), detector, keep, {}), keep


@pytest.fixture(scope="module")
def demo(real: LoadedDetector) -> tuple[VideoResult, Keep, dict[str, Any]]:
    result, keep = analyze(DEMO / "clip.mp4", real)
    return result, keep, json.loads((DEMO / "truth.json").read_text())


def test_counts_of_the_demo_enclose_the_truth(demo: tuple) -> None:
    result, _, truth = demo
    assert result.counts.keys() == truth["distinct"].keys()
    for name, number in truth["distinct"].items():
        assert result.counts[name].lower <= number <= result.counts[name].upper, name
    assert result.counts["armoured_vehicle"].lower == 2


def test_proof_frames_of_the_demo_show_what_they_prove(demo: tuple) -> None:
    result, keep, truth = demo
    for count in result.counts.values():
        assert count.proof
        for proof in count.proof:
            assert proof.exhibit in keep.pictures
            assert len(proof.boxes) == len(proof.tracks)
    (proof,) = result.counts["armoured_vehicle"].proof
    frame = round(proof.seconds * truth["fps"])
    near = min(truth["boxes"], key=lambda entry: abs(entry["frame"] - frame))["frame"]
    real_boxes = [entry["xyxy"] for entry in truth["boxes"] if entry["frame"] == near]
    for box in proof.boxes:
        assert max(overlap(box, other) for other in real_boxes) > 0.6


def overlap(one: Any, other: Any) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0) * max(height, 0)
    return shared / sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)) * 2


def test_cuts_of_the_demo_are_exact_and_its_dissolve_is_a_range(demo: tuple) -> None:
    result, _, truth = demo
    assert len(result.shots) == len(truth["shots"])
    for shot, real_shot in zip(result.shots, truth["shots"], strict=True):
        known = real_shot["transition_in"]
        assert shot.transition_in.kind == known["kind"]
        slack = 2 if known["kind"] == "dissolve" else 0
        assert abs(shot.first_frame - real_shot["first_frame"]) <= slack
        if slack:
            found = (shot.transition_in.start_seconds, shot.transition_in.end_seconds)
            real_range = (known["first_frame"] / truth["fps"], known["end_frame"] / truth["fps"])
            assert found == pytest.approx(real_range, abs=0.12)


def test_every_shot_has_three_analysed_frames_and_the_empty_one_no_sighting(demo: tuple) -> None:
    result, keep, _ = demo
    shots = [line["shot"] for line in keep.lines]
    assert min(shots.count(shot.index) for shot in result.shots) >= 3
    assert 1 not in {sighting.shot for sighting in result.sightings}


def test_lines_are_in_order_and_sampling_is_denser_around_detections(demo: tuple) -> None:
    _, keep, _ = demo
    frames = [line["frame"] for line in keep.lines]
    assert frames == sorted(set(frames))
    empty = [line["seconds"] for line in keep.lines if line["shot"] == 1][1:-1]
    busy = [line["seconds"] for line in keep.lines if line["shot"] == 0]
    steps = [np.median(np.diff(times)) for times in (busy, empty)]
    assert steps[0] < 0.2 < steps[1]


def test_exemplars_are_bounded_and_no_person_is_pictured(demo: tuple) -> None:
    result, _, _ = demo
    for sighting in result.sightings:
        assert len(sighting.exemplars) <= 5
        assert (sighting.node == "person") == (not sighting.exemplars)
    assert "person" not in result.counts


def made(folder: Path, *scenes: Scene) -> Path:
    path = folder / "clip.mp4"
    render_clip(scenes, path, 12, SIZE, seed=3)
    return path


GUARDS: dict[str, tuple[int, tuple[Scene, ...]]] = {
    "two vehicles side by side": (2, (Scene(2, (BRADLEY, STRYKER), PAN),)),
    "one vehicle": (1, (Scene(2, (BRADLEY,), PAN),)),
    "a dissolve between two vehicles": (
        1,
        (Scene(2, (BRADLEY,), PAN), Scene(2, (STRYKER,), PAN, "steppe", entry=Entry("dissolve", 1.6))),
    ),
    "one vehicle in two shots": (1, (Scene(2, (BRADLEY,), PAN), Scene(2, (BRADLEY,), PAN, "steppe"))),
    "a split screen of two views": (
        1,
        (
            Scene(
                2,
                (Placement("bradley", "b", x=0.5, y=0.8, width=0.8),),
                PAN,
                layout="split_screen",
                inset=Scene(2, (Placement("stryker", "b", x=0.5, y=0.8, width=0.8),), PAN, "steppe"),
            ),
        ),
    ),
    "mirrored halves": (
        1,
        (Scene(2, (Placement("bradley", "b", x=0.25, y=0.8, width=0.42),), PAN, layout="mirrored_halves"),),
    ),
    "an inset that appears in mid-shot": (
        1,
        (
            Scene(3, (BRADLEY,), PAN, backdrop_seed=5),
            Scene(
                2.5,
                (BRADLEY,),
                PAN,
                backdrop_seed=5,
                layout="picture_in_picture",
                inset=Scene(2, (Placement("stryker", "b", x=0.5, y=0.85, width=0.8),), PAN, "steppe"),
            ),
        ),
    ),
    "a picture in the picture": (
        1,
        (
            Scene(
                2,
                (BRADLEY,),
                PAN,
                layout="picture_in_picture",
                inset=Scene(2, (Placement("stryker", "b", x=0.5, y=0.85, width=0.8),), PAN, "steppe"),
            ),
        ),
    ),
}


@pytest.mark.parametrize("case", GUARDS)
def test_the_lower_bound_is_never_above_the_truth(case: str, tmp_path: Path, real: LoadedDetector) -> None:
    truth, scenes = GUARDS[case]
    result, _ = analyze(made(tmp_path, *scenes), real)
    count = result.counts["armoured_vehicle"]
    assert count.lower <= truth <= count.upper
    assert count.lower == truth, "the guards must not hide what is plain to see"


def squares(colours: dict[str, tuple[tuple[int, int, int], float]]) -> Callable[[np.ndarray], list]:
    """A function that finds squares of given colours (BGR): name -> (colour, score)."""

    def find(picture: np.ndarray) -> list:
        found = []
        for name, (colour, score) in colours.items():
            ys, xs = np.nonzero((np.abs(picture.astype(int) - colour).max(axis=2)) < 40)
            if len(xs) > 50:
                found.append(((xs.min(), ys.min(), xs.max() + 1, ys.max() + 1), name, score))
        return found

    return find


def test_the_result_does_not_depend_on_the_speed_of_the_detector(make_clip: Callable[..., Path]) -> None:
    path = make_clip(
        "moving.mp4",
        "color=gray:size=160x120:rate=25:duration=3",
        "-vf",
        "drawbox=x=60:y=40:w=30:h=30:color=red:t=fill:enable='between(t,1,2)'",
    )
    find = squares({"armoured_vehicle": ((0, 0, 255), 0.9)})
    pauses = itertools.cycle([0.0, 0.03, 0.001, 0.05])

    def slow(picture: np.ndarray) -> list:
        time.sleep(next(pauses))
        return find(picture)

    results = [analyze(path, loaded(FakeDetector(function))) for function in (find, slow)]
    assert results[0][0] == results[1][0]
    assert results[0][1].lines == results[1][1].lines
    assert results[0][0].counts["armoured_vehicle"].lower == 1


def test_a_track_does_not_go_on_across_a_cut(make_clip: Callable[..., Path]) -> None:
    path = make_clip(
        "cut.mp4",
        "testsrc2=size=160x120:rate=25:duration=2",
        "-vf",
        "geq=lum='if(lt(T,1),lum(X,Y)/3,255-lum(X,Y)/3)':cb=128:cr=128,drawbox=x=60:y=40:w=30:h=30:color=red:t=fill",
    )
    result, _ = analyze(path, loaded(FakeDetector(squares({"armoured_vehicle": ((0, 0, 255), 0.9)}))))
    assert len(result.shots) == 2
    assert [sighting.shot for sighting in result.sightings] == [0, 1]


def test_a_video_without_hardware_has_no_counts(make_clip: Callable[..., Path], real: LoadedDetector) -> None:
    result, keep = analyze(make_clip("plain.mp4", "color=gray:size=160x120:rate=25:duration=2"), real)
    assert result.counts == {}
    assert result.failure is None
    assert result.analysed_frames == len(keep.lines) >= 4


def test_all_frames_can_be_analysed(make_clip: Callable[..., Path]) -> None:
    path = make_clip("plain.mp4", "color=gray:size=160x120:rate=25:duration=2")
    result, _ = analyze(path, loaded(FakeDetector(lambda _: [])), load(flags={"sampling": {"base_fps": "all"}}))
    assert result.analysed_frames == 50
