"""What a video shows again, which tracks are one object therefore, and how they are counted."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from roundel import case as cases
from roundel import job, package
from roundel.cli.demo import DEMO_CLIP
from roundel.config import load
from roundel.count import KeptFrame, ShotEvidence, count
from roundel.detect import load_detector
from roundel.matching.exhibits import beside, overlay
from roundel.matching.model import FramePair, Match
from roundel.record import Analysis
from roundel.repeats import Followed, Paths, same_objects, shared_objects
from roundel.report import render_case
from roundel.types import FrameRef, Timestamp

MIRROR = ((-1.0, 0.0, 1.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
SIZE = (200, 100)


def at(index: int) -> FrameRef:
    return FrameRef(index, Timestamp(index, Fraction(1, 10)))


def mirrored_match(speed: float = 1.0) -> Match:
    """Seconds 10 to 12 show what seconds 2 to 4 have shown, mirrored."""
    pair = FramePair(at(110), at(30), "whole", "whole", 4, 90, 60, 0.9, MIRROR)
    return Match("v", "v", (10.0, 12.0), (2.0, 2.0 + 2 * speed), speed, True, 0.0, ("mirrored",), (pair,))


def paths_of(**tracks: list[tuple[float, tuple[float, float, float, float]]]) -> Paths:
    paths = Paths()
    for name, rows in tracks.items():
        for seconds, box in rows:
            paths.add(name, seconds, box)
    return paths


def test_tracks_that_lie_on_each_other_in_the_mirrored_picture_are_one_object() -> None:
    paths = paths_of(
        a=[(2.0 + step / 2, (20.0, 10.0, 60.0, 50.0)) for step in range(4)],
        b=[(2.0 + step / 2, (120.0, 10.0, 160.0, 50.0)) for step in range(4)],
        c=[(10.0 + step / 2, (140.0, 10.0, 180.0, 50.0)) for step in range(4)],
        elsewhere=[(6.0, (140.0, 10.0, 180.0, 50.0))] * 4,
    )
    assert same_objects(mirrored_match(), paths, SIZE) == [("c", "a")]


def test_tracks_of_two_videos_of_different_size_that_lie_on_each_other_are_one_object_whatever_their_names() -> None:
    """The query is twice as large as the reference; both call their track a."""
    small = paths_of(
        a=[(2.0 + step / 2, (20.0, 10.0, 60.0, 50.0)) for step in range(4)],
        b=[(2.0 + step / 2, (120.0, 10.0, 160.0, 50.0)) for step in range(4)],
    )
    large = paths_of(a=[(10.0 + step / 2, (280.0, 20.0, 360.0, 100.0)) for step in range(4)])
    query, reference = Followed(large, (400, 200)), Followed(small, SIZE)
    assert shared_objects(mirrored_match(), query, reference) == [("a", "a")]
    assert shared_objects(mirrored_match(), query, Followed(small, (400, 200))) == []


def test_one_frame_on_each_other_and_boxes_at_other_times_are_not_enough() -> None:
    once = paths_of(a=[(2.0, (20.0, 10.0, 60.0, 50.0))], c=[(10.0, (140.0, 10.0, 180.0, 50.0))])
    assert same_objects(mirrored_match(), once, SIZE) == []
    late = paths_of(
        a=[(2.0 + step, (20.0, 10.0, 60.0, 50.0)) for step in range(2)],
        c=[(10.5 + step, (140.0, 10.0, 180.0, 50.0)) for step in range(2)],
    )
    assert same_objects(mirrored_match(), late, SIZE) == []


def evidence(*pairs: tuple[str, str], solid: str = "abcd") -> list[ShotEvidence]:
    frames = tuple(KeptFrame(frozenset({pair}), 1.0, dict.fromkeys(pair, (0.0, 0.0, 1.0, 1.0))) for pair in pairs)
    return [ShotEvidence(frames, frozenset(solid))]


def test_what_is_shown_again_is_counted_once() -> None:
    found = count(["a", "b", "c"], evidence(("a", "b")), 100, [("c", "a")])
    assert (found.lower, found.upper, found.shown_again) == (2, 2, 1)
    assert found.interval == (2, 2)
    alone = count(["a", "b", "c"], evidence(("a", "b")), 100)
    assert (alone.lower, alone.upper, alone.shown_again) == (2, 3, 0)


def test_two_objects_side_by_side_stay_two_whatever_a_repeat_says() -> None:
    found = count(["a", "b", "c"], evidence(("a", "b")), 100, [("a", "b"), ("c", "a"), ("c", "b")])
    assert (found.lower, found.upper) == (2, 2)
    assert len(found.proof[0].tracks) == 2


def test_a_repeat_of_tracks_of_another_class_changes_nothing() -> None:
    assert count(["a"], evidence(), 100, [("x", "y"), ("a", "x")]).upper == 1


def test_an_overlay_of_the_same_picture_is_grey_and_shows_what_differs() -> None:
    picture = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 255, (90, 160), np.uint8), (9, 9), 0)
    flipped = np.ascontiguousarray(picture[:, ::-1])
    laid = overlay(flipped, picture, np.array(MIRROR))
    inner = laid[2:-2, 2:-2].astype(int)
    assert np.abs(inner[..., 0] - inner[..., 2]).max() <= 3
    changed = flipped.copy()
    changed[40:60, 60:90] = 255 - changed[40:60, 60:90]
    differs = np.abs(overlay(changed, picture, np.array(MIRROR)).astype(int)[..., 0] - changed.astype(int))
    assert differs[42:58, 62:88].mean() > 10 * max(1e-3, differs[:38, 4:-4].mean())
    assert beside(flipped, picture[:45]).shape == (90, 160 + 8 + 320, 3)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Analysis]:
    """The demo clip, whose last shot is its third one mirrored; without types and writing."""
    case = tmp_path_factory.mktemp("demo") / "case"
    settings = load(None, {"types": {"engine": "off"}, "text": {"engine": "off"}})
    cases.create(case, settings)
    (outcome,) = job.run([DEMO_CLIP], case, settings, load_detector(settings.detector))
    assert outcome.analysis is not None
    return case, outcome.analysis


def test_the_mirrored_shot_of_the_demo_is_found_and_its_objects_are_counted_once(demo: tuple[Path, Analysis]) -> None:
    case, analysis = demo
    (repeat,) = analysis.matches
    assert repeat.mirrored
    assert repeat.reference.sha256 == analysis.video.sha256
    assert np.abs(np.array([*repeat.query, *repeat.reference.range]) - [18.6, 21.8, 6.0, 9.2]).max() <= 0.5
    tracks = {track.id: track for track in analysis.tracks}
    for later, earlier in repeat.same_objects:
        assert (tracks[later].shot, tracks[earlier].shot) == (6, 2)
    armoured = analysis.counts["armoured_vehicle"]
    assert (armoured.lower, armoured.upper, armoured.shown_again) == (2, 3, 1)
    (folder,) = cases.packages(case)
    assert not package.problems(folder)
    assert {repeat.overlay, repeat.beside} <= {exhibit.file for exhibit in analysis.exhibits}


def test_the_report_says_what_is_shown_again(demo: tuple[Path, Analysis]) -> None:
    page = render_case(demo[0]).read_text(encoding="utf-8")
    assert "0:18.60 to 0:21.80 shows what 0:06.00 to 0:09.20 showed, mirrored" in page
    assert page.count('<section class="shared"') == 1
    assert "1 of them shows an object again, because the footage is shown again: at most 3 objects" in page
