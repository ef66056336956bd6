"""OpenVINO on the processor."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roundel.detect.onnx import read_names
from roundel.errors import WeightsError
from roundel.quiet import hush


class OpenVinoNetwork:
    """An exported detection network (.onnx), run by OpenVINO."""

    engine = "openvino"
    precision = "fp32"

    def __init__(self, path: Path, calls: int, threads: int) -> None:
        """Load a file for ``calls`` calls at a time with ``threads`` threads each."""
        hush()
        import openvino

        try:
            core = openvino.Core()
            model = core.read_model(str(path))
            settings = {
                "INFERENCE_NUM_THREADS": calls * threads,
                "NUM_STREAMS": calls,
                "INFERENCE_PRECISION_HINT": "f32",
            }
            self._compiled = core.compile_model(model, "CPU", settings)
        except Exception as error:
            raise WeightsError(f"{path}: OpenVINO cannot load it: {str(error).splitlines()[0][:200]}") from error
        self._local = threading.local()  # an infer request serves one thread
        self.version = openvino.__version__.split("-")[0]
        info = model.get_rt_info(["framework", "names"]) if model.has_rt_info(["framework", "names"]) else None
        self.classes = read_names(str(info.value if info is not None else "[]"), path)

    def forward(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the network: (n, 3, h, w) RGB in 0..1 to (n, 4 + classes, anchors)."""
        if not hasattr(self._local, "request"):
            self._local.request = self._compiled.create_infer_request()
        return np.array(self._local.request.infer([batch])[0], np.float32)
