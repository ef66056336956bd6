"""One process for each GPU, several videos in each, and no GPU for an engine that uses none. The driver is made up."""

from __future__ import annotations

import pytest

from roundel import cuda
from roundel.batch import run as runs
from roundel.config import DetectorConfig
from roundel.detect import providers
from roundel.detect.gpus import gpus_for

TWO = (cuda.Device("A", "9.0", 1 << 36), cuda.Device("A", "9.0", 1 << 36))


@pytest.fixture
def _two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(cuda, "devices", lambda: TWO)
    monkeypatch.setattr(providers, "available", lambda: (providers.CUDA, providers.CPU))


@pytest.mark.usefixtures("_two_gpus")
def test_gpus_are_named_as_the_scheduler_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gpus_for(DetectorConfig()) == ("0", "1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, GPU-8d1b")
    assert gpus_for(DetectorConfig()) == ("2", "GPU-8d1b")


@pytest.mark.usefixtures("_two_gpus")
@pytest.mark.parametrize(
    ("settings", "used"),
    [
        ({"engine": "tensorrt"}, True),
        ({"engine": "openvino"}, False),
        ({"device": "cpu"}, False),
        ({"device": "cuda"}, True),
    ],
)
def test_only_an_engine_that_computes_there_gets_gpus(settings: dict[str, str], used: bool) -> None:
    assert bool(gpus_for(DetectorConfig.model_validate(settings))) == used


@pytest.mark.usefixtures("_two_gpus")
def test_a_build_without_cuda_gets_no_gpus_unless_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "available", lambda: (providers.CPU,))
    assert gpus_for(DetectorConfig()) == ()
    assert gpus_for(DetectorConfig(device="cuda")) == ("0", "1"), "loading the engine says what is missing"


def test_without_a_driver_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "devices", lambda: ())
    assert gpus_for(DetectorConfig(device="cuda")) == ()


@pytest.mark.parametrize(
    ("workers", "gpus", "processors", "expected"),
    [
        (None, ("0",), 16, (1, 16, 4)),
        (None, ("0", "1"), 16, (2, 8, 4)),
        (None, ("0", "1", "2", "3"), 8, (4, 2, 2)),
        (4, ("0", "1"), 16, (4, 4, 4)),
        (None, ("0", "1"), 1, (2, 1, 1)),
        (2, (), 16, (2, 8, 1)),
    ],
)
def test_processes_threads_and_videos(
    workers: int | None,
    gpus: tuple[str, ...],
    processors: int,
    expected: tuple[int, int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runs, "available_threads", lambda: processors)
    shape = runs.shape_for(workers, gpus)
    assert (shape.processes, shape.threads, shape.videos_at_once) == expected
    assert shape.devices == gpus
