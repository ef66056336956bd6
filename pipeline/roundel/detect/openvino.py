"""OpenVINO on the processor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roundel.detect.onnx import box_channels, read_names, read_precision
from roundel.errors import WeightsError
from roundel.quiet import hush


class OpenVinoNetwork:
    """An exported detection network (.onnx), run by OpenVINO, one call at a time.

    Two calls at a time from Python threads have blocked the interpreter for good (OpenVINO 2026.4).
    """

    engine = "openvino"

    def __init__(self, path: Path, threads: int) -> None:
        """Load a file for one call at a time with ``threads`` threads."""
        hush()
        import openvino

        try:
            core = openvino.Core()
            model = core.read_model(str(path))
            settings = {
                "INFERENCE_NUM_THREADS": threads,
                "INFERENCE_PRECISION_HINT": "f32",
                "PERFORMANCE_HINT": "LATENCY",
            }
            self._request = core.compile_model(model, "CPU", settings).create_infer_request()
        except Exception as error:
            raise WeightsError(f"{path}: OpenVINO cannot load it: {str(error).splitlines()[0][:200]}") from error
        self.version = openvino.__version__.split("-")[0]

        def stated(key: str, default: str) -> str:
            place = ["framework", key]
            return str(model.get_rt_info(place).value) if model.has_rt_info(place) else default

        self.precision = read_precision(stated("precision", "fp32"), path)
        self.classes = read_names(stated("names", "[]"), path)
        self._channels = box_channels(stated("task", "detect"), len(self.classes), path)

    def forward(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the network: (n, 3, h, w) RGB in 0..1 to (n, 4 + classes, anchors)."""
        output = np.array(self._request.infer([batch])[0], np.float32)
        return output[:, : self._channels] if self._channels else output
