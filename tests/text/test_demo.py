"""The demo clip through the whole analysis: the marking on the Bradley is read, and nothing that is not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import roundel
from roundel.analyze import analyze_video
from roundel.config import load
from roundel.detect import load_detector
from roundel.media.identity import identify
from roundel.record import to_record
from roundel.specialists import Specialists
from roundel.text import load_reader
from roundel.types import Reading, VideoResult

DEMO = Path(roundel.__file__).parent / "demo"


class Nowhere:
    def picture(self, name: str, image: NDArray[np.uint8]) -> str:
        return name

    def detections(self, line: dict[str, Any]) -> None:
        pass


@pytest.fixture(scope="module")
def demo() -> VideoResult:
    config = load()
    reader, facts = load_reader(config.text)
    if reader is None:
        pytest.fail(f"this test needs Tesseract, which 'make setup' installs: {facts['text_reader']}")
    clip = DEMO / "clip.mp4"
    specialists = Specialists(reader=reader)
    return analyze_video(clip, identify(clip), config, load_detector(config.detector), Nowhere(), {}, None, specialists)


def overlap(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Intersection over union."""
    width, height = (min(one[end], other[end]) - max(one[end - 2], other[end - 2]) for end in (2, 3))
    area = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    shared = max(0.0, width) * max(0.0, height)
    return shared / (area - shared)


def truth_at(seconds: float, xyxy: tuple[float, ...]) -> dict[str, Any]:
    """The object of the demo's truth that a box shows."""
    truth = json.loads((DEMO / "truth.json").read_text())
    frame = round(seconds * truth["fps"])
    near = [box for box in truth["boxes"] if abs(box["frame"] - frame) <= 3]
    best = max(near, key=lambda box: overlap(xyxy, box["xyxy"]))
    return next(item for item in truth["objects"] if item["id"] == best["object"])


def test_the_marking_of_the_bradley_is_read(demo: VideoResult) -> None:
    read = [item for item in demo.sightings if "226" in [reading.text for reading in item.readings]]
    assert {item.shot for item in read} == {0, 2}, "it is seen in these shots, and in the last one mirrored"
    for item in read:
        assert truth_at(item.exemplars[0].seconds, item.exemplars[0].xyxy)["marking"] == "226"
        (reading,) = item.readings
        assert (reading.script, reading.serial_like) == ("Zyyy", True)
        assert reading.views >= 2
        assert [choices[0][0] for choices in reading.alternatives] == list("226")
        assert reading.confidence > 0.5
        view = next(view for view in item.exemplars if view.seconds == reading.seconds)
        left, top, right, bottom = reading.xyxy
        assert view.xyxy[0] < left < right < view.xyxy[2]
        assert view.xyxy[1] < top < bottom < view.xyxy[3]
        assert 20 < right - left < 80
        assert 8 < bottom - top < 30


def test_nothing_is_read_that_is_not_there(demo: VideoResult) -> None:
    readings: list[Reading] = [reading for item in demo.sightings for reading in item.readings]
    assert {reading.text for reading in readings} == {"226"}
    assert demo.captions == ()


def test_readings_have_a_published_form(demo: VideoResult) -> None:
    (track, *_) = [track for track in to_record(demo, ()).tracks if track.readings]
    assert track.readings[0].text == "226"
    assert len(track.readings[0].alternatives) == 3
