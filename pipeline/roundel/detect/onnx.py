"""ONNX Runtime: on a CUDA device where the installed build has one, else on the processor."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roundel.detect.limits import MOST_SECONDS, run
from roundel.errors import WeightsError
from roundel.quiet import hush

PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")


MOST_NAMES = 1_000_000  # characters


class OnnxNetwork:
    """An exported detection network, run by ONNX Runtime."""

    engine = "onnx"
    limit_seconds = MOST_SECONDS

    def __init__(self, path: Path, calls: int, threads: int) -> None:
        """Load a file for ``calls`` calls at a time with ``threads`` threads each."""
        hush()
        import onnxruntime

        self._path = path

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4  # what goes wrong is raised
        try:
            present = onnxruntime.get_available_providers()
            providers = [name for name in PROVIDERS if name in present]
            self._session = onnxruntime.InferenceSession(str(path), options, providers=providers)
        except Exception as error:
            raise WeightsError(f"{path}: ONNX Runtime cannot load it: {str(error).splitlines()[0][:200]}") from error
        self.version = f"{onnxruntime.__version__} {self._session.get_providers()[0]}"
        self._input = self._session.get_inputs()[0].name
        self._output = self._session.get_outputs()[0].name
        stated = self._session.get_modelmeta().custom_metadata_map
        self.precision = read_precision(stated.get("precision"), path)
        self.classes = read_names(stated.get("names", "[]"), path)
        self._channels = box_channels(stated.get("task", "detect"), len(self.classes), path)
        shape = self._session.get_inputs()[0].shape
        self.fixed_shape = tuple(shape) if any(isinstance(shape[axis], int) for axis in (0, 2, 3)) else None

    def forward(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the network: (n, 3, h, w) RGB in 0..1 to (n, 4 + classes, anchors)."""
        try:
            output = run(self._session, self._output, {self._input: batch}, self.limit_seconds)
        except TimeoutError as error:
            raise WeightsError(f"{self._path}: {error}, so it cannot be used") from error
        return output[:, : self._channels] if self._channels else output


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
