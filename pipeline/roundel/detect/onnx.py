"""ONNX Runtime: on the processor or on a CUDA device, there with TensorRT if that is asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roundel import cuda
from roundel.detect.engine_cache import kept_engine
from roundel.detect.limits import MOST_SECONDS, run
from roundel.detect.providers import PROCESSOR, Providers, open_session, tensorrt_version, with_tensorrt
from roundel.errors import WeightsError

MOST_NAMES = 1_000_000  # characters


class OnnxNetwork:
    """An exported detection network, run by ONNX Runtime."""

    engine = "onnx"
    limit_seconds = MOST_SECONDS

    def __init__(self, path: Path, calls: int, threads: int, providers: Providers = PROCESSOR) -> None:
        """Load a file for ``calls`` calls at a time with ``threads`` threads each."""
        self._take(open_session(path, providers, threads), path)

    def _take(self, session: Any, path: Path) -> None:  # noqa: ANN401
        import onnxruntime

        self._path = path
        self._session = session
        self.version = f"{onnxruntime.__version__} {session.get_providers()[0]}"
        self._input = session.get_inputs()[0].name
        self._output = session.get_outputs()[0].name
        stated = session.get_modelmeta().custom_metadata_map
        self.precision = read_precision(stated.get("precision"), path)
        self.classes = read_names(stated.get("names", "[]"), path)
        self._channels = box_channels(stated.get("task", "detect"), len(self.classes), path)
        shape = session.get_inputs()[0].shape
        self.fixed_shape = tuple(shape) if any(isinstance(shape[axis], int) for axis in (0, 2, 3)) else None

    def forward(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the network: (n, 3, h, w) RGB in 0..1 to (n, 4 + classes, anchors)."""
        try:
            output = run(self._session, self._output, {self._input: batch}, self.limit_seconds)
        except TimeoutError as error:
            raise WeightsError(f"{self._path}: {error}, so it cannot be used") from error
        return output[:, : self._channels] if self._channels else output


class TensorRTNetwork(OnnxNetwork):
    """An exported detection network in an engine that TensorRT builds for the GPU that is here, once."""

    engine = "tensorrt"

    def __init__(self, path: Path, sha256: str, half: bool, batch: int, longest_px: int) -> None:
        """Build the engine, or load it if it was built before.

        Args:
            path: the .onnx file.
            sha256: its hash.
            half: whether float16 may be used where it is faster; a file of half precision uses it anyway.
            batch: pictures in each call.
            longest_px: the longest side of a picture.

        Raises:
            MissingProgramError: if there is no TensorRT or no device.
            WeightsError: if no engine can be built.
        """
        import onnxruntime

        device, version = cuda.driver().devices[0], tensorrt_version()
        self._take(open_session(path, PROCESSOR, 1), path)
        if self.fixed_shape is not None:
            raise WeightsError(
                f"{path}: takes only pictures of the shape {self.fixed_shape}; export it with free sizes"
            )
        self.precision = "fp16" if half else self.precision
        facts = {
            "weights_sha256": sha256,
            "precision": self.precision,
            "pictures": str(batch),
            "longest_px": str(longest_px),
            "gpu": f"{device.name} {device.capability}",
            "tensorrt": version,
            "onnxruntime": onnxruntime.__version__,
        }
        with kept_engine(f"{path.stem[:40]}-{self.precision}", facts) as kept:
            uses_half = self.precision == "fp16"
            providers = with_tensorrt(kept.folder, uses_half, self._input, batch, longest_px)
            self._session = open_session(path, providers, 1)
        self.version = f"{onnxruntime.__version__} TensorRT {version}"
        self.provenance: Mapping[str, object] = {"tensorrt_engine_sha256": kept.sha256}


def box_channels(task: str, classes: int, path: Path) -> int | None:
    """How many channels of a network's output are boxes and scores: of a network that segments, others follow.

    Raises:
        WeightsError: if the network's task is another one, such as oriented boxes or poses.
    """
    if task not in {"detect", "segment"}:
        raise WeightsError(f"{path}: is made for the task '{task}'; a detection or segmentation model is needed")
    return 4 + classes if task == "segment" else None


def read_precision(stated: str | None, path: Path) -> str:
    """The precision that an exported file states; float32 if it states none."""
    if stated in {None, "fp32", "fp16", "int8"}:
        return stated or "fp32"
    raise WeightsError(f"{path}: states an unknown precision, {str(stated)[:20]!r}; it has to be fp32, fp16 or int8")


def read_names(text: str, path: Path) -> tuple[str, ...]:
    """Class names from the metadata of an exported file: a JSON list, or the dict that ultralytics writes.

    >>> read_names("{0: 'tank', 1: 'truck'}", Path("x.onnx"))
    ('tank', 'truck')
    """
    if len(text) > MOST_NAMES:
        raise WeightsError(f"{path}: its class names take {len(text):,} characters, more than {MOST_NAMES:,}")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        import ast

        try:
            found = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
            raise WeightsError(f"{path}: its class names cannot be read; export it again with names") from error
    values = [found[key] for key in sorted(found)] if isinstance(found, dict) else found
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise WeightsError(f"{path}: its class names cannot be read; export it again with names")
    return tuple(values)
