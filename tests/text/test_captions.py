"""Captions: one frame of each shot is read, and what stands on an object that was found there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from conftest import FakeDetector, loaded
from roundel.analyze import analyze_video
from roundel.config import load
from roundel.errors import StallError
from roundel.media.identity import identify
from roundel.record import Analysis, to_record
from roundel.specialists import Specialists
from roundel.types import Reading, View

MADE: dict[str, object] = {"weights_sha256": "sha256:" + "0" * 64}
TEXTS = {
    "ON VEHICLE": (60.0, 60.0, 90.0, 70.0),
    "ON PERSON": (210.0, 60.0, 230.0, 70.0),
    "BELOW": (20.0, 200.0, 90.0, 212.0),
}


class Reader:
    """Reads the same three texts in every frame, and nothing on objects."""

    def __init__(self) -> None:
        self.frames: list[tuple[float, tuple[int, ...]]] = []

    def read_object(self, views: Sequence[View]) -> tuple[Reading, ...]:
        return ()

    def read_frame(self, picture: NDArray[np.uint8], seconds: float, scale: float) -> tuple[Reading, ...]:
        self.frames.append((seconds, picture.shape))
        return tuple(
            Reading(text, "Latn", 0.9, tuple(((letter, 0.9),) for letter in text), 1, seconds, box, False)
            for text, box in TEXTS.items()
        )


class Nowhere:
    def picture(self, name: str, image: NDArray[np.uint8]) -> str:
        return name

    def detections(self, line: dict[str, Any]) -> None:
        pass


def analyze(clip: Path, vehicle: tuple[float, float, float, float]) -> tuple[list[str], Reader]:
    person = (200.0, 40.0, 240.0, 120.0)
    detector = FakeDetector(lambda _: [(vehicle, "armoured_vehicle", 0.9), (person, "person", 0.8)])
    reader = Reader()
    specialists = Specialists(reader=reader)
    result = analyze_video(clip, identify(clip), load(), loaded(detector), Nowhere(), {}, None, specialists)
    return [caption.reading.text for caption in result.captions], reader


def test_writing_on_objects_and_people_is_no_caption(make_clip: Callable[..., Path]) -> None:
    clip = make_clip("captions.mp4", "testsrc2=size=320x240:rate=25", "-t", "2")
    texts, reader = analyze(clip, (40.0, 40.0, 120.0, 100.0))
    assert texts == ["BELOW"]
    ((seconds, shape),) = reader.frames
    assert shape == (240, 320, 3)
    assert seconds >= 0.4, "captions fade in"


def test_writing_on_an_object_that_fills_the_frame_may_be_laid_over_it(make_clip: Callable[..., Path]) -> None:
    clip = make_clip("captions.mp4", "testsrc2=size=320x240:rate=25", "-t", "2")
    assert analyze(clip, (5.0, 5.0, 315.0, 235.0))[0] == ["ON VEHICLE", "BELOW"]


class Broken(Reader):
    """A reader whose program hangs."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def read_object(self, views: Sequence[View]) -> tuple[Reading, ...]:
        self.calls += 1
        raise StallError("tesseract did not read within 30 s")

    def read_frame(self, picture: NDArray[np.uint8], seconds: float, scale: float) -> tuple[Reading, ...]:
        return self.read_object([])


def test_a_reader_that_fails_is_asked_once_and_the_result_says_so(make_clip: Callable[..., Path]) -> None:
    clip = make_clip("captions.mp4", "testsrc2=size=320x240:rate=25", "-t", "2")
    detector = FakeDetector(lambda _: [((40.0, 40.0, 120.0, 100.0), "armoured_vehicle", 0.9)])
    reader = Broken()

    def run(engine: str) -> Analysis:
        config = load(flags={"text": {"engine": engine}})
        specialists = Specialists(reader=reader)
        result = analyze_video(clip, identify(clip), config, loaded(detector), Nowhere(), MADE, None, specialists)
        return to_record(result, detector.classes)

    found = run("auto")
    assert found.media is not None
    assert found.media.warnings[-1] == (
        "Writing was not read, at least from some point on: tesseract did not read within 30 s; once it is repaired, "
        "text.engine = 'tesseract' has this video analysed again"
    )
    assert (len(found.tracks), found.captions, reader.calls) == (1, [], 1)
    with pytest.raises(StallError, match="did not read within 30 s"):
        run("tesseract")
