"""Shared fixtures: clips with known truth made by ffmpeg, fakes for the detector, and the media beside the checkout."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from roundel import cuda
from roundel.detect import LoadedDetector
from roundel.quiet import hush
from roundel.types import Detections

hush()

SHARED = Path(__file__).resolve().parents[2] / "shared"
CLASSES = (
    "combat_aircraft",
    "other_aircraft",
    "helicopter",
    "uav",
    "armoured_vehicle",
    "missile",
    "warship",
    "civil_ship",
    "civil_vehicle",
    "person",
    "bird",
)


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Tests of shared media and of a GPU are skipped, and counted as skipped, where these are absent."""
    for item in items:
        for marker in ("real_media", "shared_data"):
            if marker in item.keywords and not SHARED.is_dir():
                item.add_marker(pytest.mark.skip(reason="../shared is absent"))
        if item.get_closest_marker("gpu") and not cuda.devices():
            item.add_marker(pytest.mark.skip(reason="there is no CUDA device"))


@pytest.fixture(autouse=True)
def no_error_logs(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Any ERROR in the log fails the test that caused it."""
    yield
    errors = [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR]
    assert not errors, errors


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared media."""
    return SHARED


def ffmpeg(*arguments: str | Path) -> None:
    """Run ffmpeg to make a test clip."""
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def make_clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a clip from a lavfi source: ``make_clip("name.mp4", "testsrc2=size=320x240:rate=25", "-t", "2")``."""
    folder = tmp_path_factory.mktemp("clips")

    def make(name: str, source: str, *options: str) -> Path:
        path = folder / name
        if not path.exists():
            ffmpeg("-f", "lavfi", "-i", source, "-bitexact", *options, path)
        return path

    return make


class FakeDetector:
    """Gives boxes by a function of the picture, so that tests know the truth. Class scores go to one class."""

    classes = CLASSES

    def __init__(
        self, find: Callable[[NDArray[np.uint8]], Sequence[tuple[tuple[float, float, float, float], str, float]]]
    ):
        self.find = find
        self.pictures = 0

    def detect(self, pictures: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        self.pictures += len(pictures)
        return [self._one(picture) for picture in pictures]

    def input_scale(self, width: int, height: int) -> float:
        return 1.0

    def _one(self, picture: NDArray[np.uint8]) -> Detections:
        found = list(self.find(picture))
        if not found:
            return Detections.empty(len(CLASSES))
        scores = np.full((len(found), len(CLASSES)), 0.001, np.float32)
        for row, (_, name, score) in enumerate(found):
            scores[row, CLASSES.index(name)] = score
        return Detections(np.array([box for box, _, _ in found], np.float32), scores)


def loaded(detector: FakeDetector) -> LoadedDetector:
    """A fake detector in the form that analyses take."""
    facts = {"weights_name": "fake", "weights_sha256": "sha256:" + "0" * 64, "engine": "fake", "precision": "none"}
    return LoadedDetector(detector, facts)


def find_nothing(_: NDArray[np.uint8]) -> list[tuple[tuple[float, float, float, float], str, float]]:
    """A detector's function that finds nothing."""
    return []
