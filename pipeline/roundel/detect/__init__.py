"""The detector seam: pictures in, boxes out, whatever engine runs the network."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from roundel import cuda
from roundel.calibration import Calibration
from roundel.config import DetectorConfig
from roundel.detect.batching import SharedNetwork
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
    """Whether there is a CUDA device that this process may use."""
    return bool(cuda.devices())


def choose_engine(asked: str, weights: Weights) -> str:
    """The engine for these weights.

    ``auto`` takes torch for a checkpoint and ONNX Runtime for an exported file. On two processor cores ONNX Runtime is
    about as fast as OpenVINO (``benchmarks/engines.py``) and takes several calls at a time. A choice by timing on the
    spot would make results differ from run to run.

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


def _load_network(config: DetectorConfig, weights: Weights, engine: str, threads: int) -> tuple[Network, bool]:
    """The bare network, and whether it runs on a GPU."""
    half = config.precision == "fp16"
    if engine == "tensorrt":
        if config.device == "cpu":
            raise UsageError("detector.engine tensorrt needs a GPU: set detector.device to cuda or auto")
        from roundel.detect.onnx import TensorRTNetwork

        return TensorRTNetwork(weights.path, weights.sha256, half, config.batch, config.input_px), True
    if engine == "ultralytics":
        from roundel.detect.ultralytics import TorchNetwork, cuda_available

        on_gpu = config.device == "cuda" or (config.device == "auto" and has_cuda() and cuda_available())
        if half and not on_gpu:
            raise UsageError("detector.precision fp16 needs a GPU with this engine; see roundel doctor --gpu")
        return TorchNetwork(weights.path, threads, "cuda" if on_gpu else "cpu", half), on_gpu
    if half:
        raise UsageError(
            f"detector.precision fp16: {engine} computes as the weights file says; export it with --half "
            "(docs/engines.md), or set detector.engine to tensorrt"
        )
    if engine == "openvino":
        if config.device == "cuda":
            raise UsageError("detector.engine openvino runs on the processor: set detector.device to cpu or auto")
        from roundel.detect.openvino import OpenVinoNetwork

        return OpenVinoNetwork(weights.path, threads), False
    from roundel.detect.onnx import OnnxNetwork
    from roundel.detect.providers import choose

    providers, calls = choose(config.device), min(threads, MOST_CALLS)
    return OnnxNetwork(weights.path, calls, threads // calls, providers), providers.on_gpu


def load_detector(config: DetectorConfig, threads: int | None = None) -> LoadedDetector:
    """Load the configured weights into the configured engine.

    Args:
        config: which weights, which engine.
        threads: most threads for the engine, below what the configuration says; results do not depend on it.

    Raises:
        WeightsError: if the weights are missing, altered or unsafe.
        UsageError: if engine, device, precision and weights do not fit together.
        MissingProgramError: if a GPU or TensorRT is asked for by name and cannot be used.
    """
    weights = find_weights(config.model)
    threads = min(config.threads or available_threads(), threads or available_threads())
    network, on_gpu = _load_network(config, weights, choose_engine(config.engine, weights), threads)
    calls = min(threads, MOST_CALLS) if on_gpu or network.engine == "onnx" else 1
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
        **getattr(network, "provenance", {}),
    }
    if on_gpu:
        provenance["gpu"] = cuda.driver().devices[0].name
        network = SharedNetwork(network, config.batch, filled=True)
    calibration = calibration_of(weights)
    if calibration is not None:
        points = {node: [asdict(point) for point in rows] for node, rows in calibration.points.items()}
        provenance["calibration"] = {**asdict(calibration), "points": points}
    return LoadedDetector(
        YoloDetector(network, config, nodes), provenance, weights.shown_as, weights.least_px, calls, calibration
    )
