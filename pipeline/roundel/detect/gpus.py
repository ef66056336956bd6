"""Which GPUs of this machine the configured engine would use."""

from __future__ import annotations

import os

from roundel import cuda
from roundel.config import DetectorConfig
from roundel.detect import choose_engine
from roundel.detect.weights import find_weights


def gpus_for(config: DetectorConfig) -> tuple[str, ...]:
    """The GPUs, each as ``CUDA_VISIBLE_DEVICES`` has to name it for a process that shall see it alone.

    None where the engine computes on the processor. What ``CUDA_VISIBLE_DEVICES`` leaves out is left out.

    Raises:
        WeightsError: if the weights are missing or altered.
        UsageError: if the engine does not fit the weights.
    """
    if config.device == "cpu" or not (found := cuda.devices()):
        return ()
    engine = choose_engine(config.engine, find_weights(config.model))
    if engine == "openvino":
        return ()
    if config.device == "auto" and not _can_use_cuda(engine):
        return ()
    listed = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return tuple(listed[: len(found)] or map(str, range(len(found))))


def _can_use_cuda(engine: str) -> bool:
    """Whether ``auto`` puts this engine on a GPU where there is one, as far as its build goes."""
    if engine == "ultralytics":
        from roundel.detect.ultralytics import cuda_build

        return cuda_build() is not None
    if engine == "onnx":
        from roundel.detect import providers

        return providers.CUDA in providers.available()
    return True
