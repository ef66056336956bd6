"""What ``roundel doctor --gpu`` looks at: driver, builds, and a trial of decoding and of the network on the GPU."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from roundel import cuda
from roundel.cli.doctor import Finding, installed
from roundel.config import DetectorConfig, MediaConfig
from roundel.errors import MissingProgramError, RoundelError

DEMO_CLIP = Path(__file__).parent.parent / "demo" / "clip.mp4"
TRIAL_FRAMES = 50
MOST_DIFFERENCE = 1e-3
"""Of a score in float32 on the GPU from the same on the processor, whose sums have another order."""


def driver_and_devices() -> str:
    """The driver, and each device with its memory."""
    found = cuda.driver()
    devices = (
        f"{number}: {device.name}, compute capability {device.capability}, {device.memory_bytes / 2**30:.0f} GiB"
        for number, device in enumerate(found.devices)
    )
    return f"driver for CUDA {found.cuda}; {'; '.join(devices)}"


def onnx_runtime() -> str:
    """Whether exactly one build of ONNX Runtime is installed, and knows CUDA."""
    from roundel.detect import providers

    builds = [name for name in ("onnxruntime", "onnxruntime-gpu") if installed(name)]
    if len(builds) > 1:
        raise MissingProgramError(
            f"{' and '.join(builds)} are both installed and overwrite each other: pip uninstall -y {' '.join(builds)}, "
            "then pip install --require-hashes -r requirements-gpu.lock"
        )
    if providers.CUDA not in providers.available():
        raise MissingProgramError(f"{builds[0] if builds else 'ONNX Runtime'} has no CUDA: {providers.GPU_BUILD}")
    return f"{builds[0]} {installed(builds[0])} has {', '.join(providers.available())}"


def tensorrt() -> str:
    """The TensorRT that ONNX Runtime would load."""
    from roundel.detect import providers

    return f"TensorRT {providers.tensorrt_version()}; for --engine tensorrt"


def torch() -> str:
    """Whether torch was built with CUDA and finds a device."""
    from roundel.detect.ultralytics import cuda_available, cuda_build

    name = f"torch {installed('torch')}"
    if cuda_build() is None:
        raise MissingProgramError(
            f"{name} is a build without CUDA, so .pt weights run on the processor: install the CUDA build and "
            "requirements-cuda.lock (docs/gpu.md)"
        )
    if not cuda_available():
        raise MissingProgramError(
            f"{name} is built with CUDA {cuda_build()} and finds no device; compare with nvidia-smi"
        )
    return f"{name} with CUDA {cuda_build()}; for .pt weights"


def ffmpeg() -> str:
    """Whether ffmpeg and the driver could decode on the GPU."""
    from roundel.media import nvdec

    config = MediaConfig()
    if "cuda" not in nvdec.hwaccels(config.ffmpeg):
        raise MissingProgramError("ffmpeg was built without CUDA: install one whose ffmpeg -hwaccels lists cuda")
    if not cuda.decodes_video():
        raise MissingProgramError(
            f"the driver's video decoder ({cuda.VIDEO_LIBRARY}) is missing; a container needs "
            "NVIDIA_DRIVER_CAPABILITIES=compute,utility,video"
        )
    return "ffmpeg has the hardware acceleration cuda, and the driver its decoder; for media.hwaccel"


def inference() -> str:
    """The shipped network on a frame of the demo clip, on the GPU and on the processor."""
    from roundel.detect import load_detector
    from roundel.media.colour import bgr

    picture = bgr(next(_frames("off")))
    expected = load_detector(DetectorConfig(device="cpu")).detector.detect([picture])[0]
    loaded = load_detector(DetectorConfig(device="cuda"))
    loaded.detector.detect([picture])
    began = time.perf_counter()
    found = loaded.detector.detect([picture])[0]
    milliseconds = (time.perf_counter() - began) * 1000
    if len(found) != len(expected):
        raise RoundelError(f"the GPU finds {len(found)} boxes and the processor {len(expected)} on the same picture")
    difference = float(np.abs(found.scores - expected.scores).max(initial=0))
    if difference > MOST_DIFFERENCE:
        raise RoundelError(f"scores on the GPU differ by {difference:.4f} from those of the processor")
    return (
        f"{loaded.provenance['engine_version']} on {loaded.provenance['gpu']}: {len(found)} boxes as on the processor, "
        f"scores within {difference:.1e}, {milliseconds:.0f} ms"
    )


def decoding() -> str:
    """The first frames of the demo clip, decoded by the GPU and by the processor."""
    pairs = list(zip(_frames("cuda"), _frames("off"), strict=True))
    different = sum(not np.array_equal(one.i420, other.i420) for one, other in pairs)
    if different:
        raise RoundelError(f"{different} of {len(pairs)} frames from the GPU differ from those of the processor")
    return f"{len(pairs)} frames of the demo clip from the GPU, equal to those of the processor"


def _frames(hwaccel: str) -> Iterator[Any]:
    from roundel.media.decode import VideoDecoder
    from roundel.media.probe import probe

    config = MediaConfig.model_validate({"hwaccel": hwaccel})
    return itertools.islice(VideoDecoder(DEMO_CLIP, probe(DEMO_CLIP, config), config), TRIAL_FRAMES)


@dataclass(frozen=True, slots=True)
class Check:
    """What to look at. ``needed``: a GPU is of no use without it. ``tries``: it needs the device itself."""

    name: str
    look: Callable[[], str]
    needed: bool = False
    tries: bool = False


CHECKS = (
    Check("ONNX Runtime", onnx_runtime, needed=True),
    Check("inference on the GPU", inference, needed=True, tries=True),
    Check("TensorRT", tensorrt),
    Check("torch", torch),
    Check("ffmpeg", ffmpeg),
    Check("decoding on the GPU", decoding, tries=True),
)


def findings() -> Iterator[Finding]:
    """Look at everything; without a device what needs one is not tried."""
    try:
        yield Finding("GPU", True, driver_and_devices())
    except MissingProgramError as error:
        yield Finding("GPU", False, str(error))
        has_device = False
    else:
        has_device = True
    for check in CHECKS:
        if check.tries and not has_device:
            yield Finding(check.name, False, "not tried: there is no GPU that this process can use", check.needed)
            continue
        try:
            yield Finding(check.name, True, check.look(), check.needed)
        except Exception as error:  # engines have errors of their own
            yield Finding(check.name, False, (str(error) or type(error).__name__).splitlines()[0][:300], check.needed)
