"""The detector seam: pictures in, boxes out, whatever engine runs the network."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from roundel.calibration import Calibration
from roundel.config import DetectorConfig
from roundel.detect.weights import Weights, calibration_of, find_weights
from roundel.detect.yolo import Network, YoloDetector
from roundel.errors import UsageError
from roundel.types import Detections

__all__ = ["Detector", "LoadedDetector", "load_detector"]


MOST_CALLS = 4
"""Calls of an engine at a time. Several calls with a thread each use processors better than one call with several."""


class Detector(Protocol):
    """A stateless detector."""

    classes: tuple[str, ...]

    def detect(self, pictures: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """Boxes on each picture (uint8, h × w × 3, BGR), in pixels of that picture."""
        ...

    def input_scale(self, width: int, height: int) -> float:
        """Pixels of the network's input per pixel of a picture of this size, for small objects."""
        ...


@dataclass(frozen=True, slots=True)
class LoadedDetector:
    """A detector with what a result must say about it.

    ``provenance`` is written into every analysis; ``shown_as`` is the deepest node that a report may print for a class;
    ``least_px`` the longest side in the network's input below which a class is not told from other equipment; ``calls``
    is how many threads may call the detector at the same time; without ``calibration`` its scores are no probabilities.
    """

    detector: Detector
    provenance: Mapping[str, object]
    shown_as: Mapping[str, str] = field(default_factory=dict)
    least_px: Mapping[str, float] = field(default_factory=dict)
    calls: int = 1
    calibration: Calibration | None = None


def available_threads() -> int:
    """The processors that this process may use: a container or a job scheduler may give fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def has_cuda() -> bool:
    """Whether torch sees a CUDA device. Looks for the driver first, because importing torch takes seconds."""
    if not (Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidiactl").exists()):
        return False
    from roundel.detect.ultralytics import cuda_available

    return cuda_available()


def choose_engine(asked: str, weights: Weights) -> str:
    """The engine for these weights.

    ``auto`` takes torch for a checkpoint and ONNX Runtime for an exported file; both take CUDA where there is a device
    and their build can use it. On two processor cores ONNX Runtime is about as fast as OpenVINO
    (``benchmarks/engines.py``) and takes several calls at a time. A choice by timing on the spot would make results
    differ from run to run.

    Raises:
        UsageError: if the engine cannot run this kind of file.
    """
    is_checkpoint = weights.path.suffix == ".pt"
    if asked == "auto":
        return "ultralytics" if is_checkpoint else "onnx"
    if is_checkpoint != (asked == "ultralytics"):
        kind = "a checkpoint (.pt), which needs --engine ultralytics" if is_checkpoint else "an exported file (.onnx)"
        raise UsageError(f"{weights.path}: is {kind}; --engine {asked} cannot run it")
    return asked


def load_detector(config: DetectorConfig, threads: int | None = None) -> LoadedDetector:
    """Load the configured weights into the configured engine.

    Args:
        config: which weights, which engine.
        threads: most threads for the engine, below what the configuration says; results do not depend on it.

    Raises:
        WeightsError: if the weights are missing, altered or unsafe.
        UsageError: if the engine does not fit the weights.
    """
    weights = find_weights(config.model)
    engine = choose_engine(config.engine, weights)
    threads = min(config.threads or available_threads(), threads or available_threads())
    calls = min(threads, MOST_CALLS) if engine == "onnx" else 1
    network: Network
    if engine == "onnx":
        from roundel.detect.onnx import OnnxNetwork

        network = OnnxNetwork(weights.path, calls, threads // calls)
    elif engine == "openvino":
        from roundel.detect.openvino import OpenVinoNetwork

        network = OpenVinoNetwork(weights.path, threads)
    else:
        from roundel.detect.ultralytics import TorchNetwork

        network = TorchNetwork(weights.path, threads)
    nodes = weights.map_classes(network.classes)
    provenance: dict[str, object] = {
        "weights_name": weights.name,
        "weights_sha256": weights.sha256,
        "weights_validated": weights.validated,
        "weights_limits": list(weights.limits),
        "classes_shown_as": dict(weights.shown_as),
        "classes_least_px": dict(weights.least_px),
        "classes_mapped": {
            name: node for name, node in zip(network.classes, nodes, strict=True) if node not in {name, None}
        },
        "classes_ignored": sorted(name for name, node in zip(network.classes, nodes, strict=True) if node is None),
        "engine": network.engine,
        "engine_version": network.version,
        "precision": network.precision,
    }
    calibration = calibration_of(weights)
    if calibration is not None:
        points = {node: [asdict(point) for point in rows] for node, rows in calibration.points.items()}
        provenance["calibration"] = {**asdict(calibration), "points": points}
    return LoadedDetector(
        YoloDetector(network, config, nodes), provenance, weights.shown_as, weights.least_px, calls, calibration
    )
