"""``roundel doctor --gpu``: what is missing is said plainly, and a GPU that computes something else is found out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from roundel import cuda, detect
from roundel.cli import doctor_gpu
from roundel.detect import LoadedDetector, providers
from roundel.errors import RoundelError
from roundel.media import nvdec
from roundel.types import Detections

Call = Callable[..., Any]


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "LIBRARY", "libno-such-driver.so.1")
    monkeypatch.setattr(cuda, "VIDEO_LIBRARY", "libno-such-driver.so.1")


@pytest.mark.usefixtures("no_gpu")
def test_without_a_gpu_it_says_so_first_tries_nothing_and_ends_with_2(call: Call) -> None:
    said = call("doctor", "--gpu")
    first, *rest = said.out.splitlines()
    assert said.code == 2
    assert first.startswith("BAD  GPU: there is no NVIDIA driver here")
    assert sum("not tried: there is no GPU" in line for line in rest) == 2
    assert any(line.startswith("missing decoding on the GPU") for line in rest)
    found = json.loads(call("doctor", "--gpu", "--json").out)
    assert not found["ok"]
    assert {check["name"] for check in found["checks"] if check["needed"]} == {
        "GPU",
        "ONNX Runtime",
        "inference on the GPU",
    }


@pytest.mark.usefixtures("no_gpu")
def test_without_a_gpu_the_plain_doctor_is_content(call: Call) -> None:
    line = next(line for line in call("doctor").out.splitlines() if " CUDA: " in line)
    assert line == "ok   CUDA: no device; the processor is used"


class OneBox:
    """Finds one box, on the GPU with a score that is off by ``error``."""

    classes = ("uav",)

    def __init__(self, error: float) -> None:
        self.error = error

    def detect(self, pictures: list[np.ndarray]) -> list[Detections]:
        return [Detections(np.array([[0, 0, 9, 9]], np.float32), np.array([[0.5 + self.error]], np.float32))]


@pytest.fixture
def gpu_with_error(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A machine on which everything is installed, and whose GPU computes scores with this error."""
    device = cuda.Device("NVIDIA One", "9.0", 2**36)
    monkeypatch.setattr(cuda, "driver", lambda: cuda.Driver("13.0", (device,)))
    monkeypatch.setattr(cuda, "decodes_video", lambda: True)
    monkeypatch.setattr(providers, "available", lambda: (providers.CUDA, providers.CPU))
    monkeypatch.setattr(nvdec, "hwaccels", lambda _: ("cuda",))

    def make(error: float) -> None:
        def load(config: Any) -> LoadedDetector:
            on_gpu = config.device == "cuda"
            return LoadedDetector(OneBox(error if on_gpu else 0.0), {"engine_version": "1.0 CUDA", "gpu": device.name})

        monkeypatch.setattr(detect, "load_detector", load)

    return make


def test_a_gpu_that_agrees_with_the_processor_is_well(
    gpu_with_error: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu_with_error(1e-5)
    monkeypatch.setattr(doctor_gpu, "_frames", lambda _: iter(_three_frames()))
    found = {item.name: item for item in doctor_gpu.findings()}
    assert all(item.good for item in found.values() if item.needed)
    assert found["GPU"].text == "driver for CUDA 13.0; 0: NVIDIA One, compute capability 9.0, 64 GiB"
    assert "1 boxes as on the processor, scores within 1.0e-05" in found["inference on the GPU"].text
    assert "3 frames of the demo clip from the GPU, equal" in found["decoding on the GPU"].text


def test_a_gpu_that_computes_something_else_is_found_out(
    gpu_with_error: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu_with_error(0.01)
    frames = {"cuda": _three_frames(), "off": _three_frames()}
    frames["cuda"][1].i420[7] += 1
    monkeypatch.setattr(doctor_gpu, "_frames", lambda hwaccel: iter(frames[hwaccel]))
    with pytest.raises(RoundelError, match=r"differ by 0\.0100 from those of the processor"):
        doctor_gpu.inference()
    with pytest.raises(RoundelError, match="1 of 3 frames from the GPU differ"):
        doctor_gpu.decoding()


def test_what_an_engine_raises_is_a_finding_of_one_line(
    gpu_with_error: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu_with_error(0.0)
    monkeypatch.setattr(doctor_gpu, "_frames", lambda _: iter(_three_frames()))

    def fail(_: object, __: object) -> None:
        raise KeyError("CUDA error\nand much more")

    monkeypatch.setattr(OneBox, "detect", fail)
    found = {item.name: item for item in doctor_gpu.findings()}
    assert not found["inference on the GPU"].good
    assert "CUDA error" in found["inference on the GPU"].text
    assert "\n" not in found["inference on the GPU"].text
    assert found["decoding on the GPU"].good, "the others are looked at all the same"


def _three_frames() -> list[Any]:
    from fractions import Fraction

    from roundel.types import Frame, FrameRef, Timestamp

    return [
        Frame(FrameRef(n, Timestamp(n, Fraction(1, 25))), 32, 32, np.full(1536, n, np.uint8), "bt601") for n in range(3)
    ]


def test_two_builds_of_onnx_runtime_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_gpu, "installed", lambda _: "1.0")
    with pytest.raises(RoundelError, match="both installed and overwrite each other"):
        doctor_gpu.onnx_runtime()


@pytest.mark.gpu
def test_this_machine_is_fit_for_its_gpu(call: Call) -> None:
    said = call("doctor", "--gpu")
    assert said.code == 0, said.out
