"""From a crop to a unit vector: the type network, run by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel.errors import WeightsError
from roundel.quiet import hush

FORM = "1"
"""Which way a crop becomes the network's input and its output a vector: another way gives vectors of another kind."""
INPUT_PX = 224
GREY = 127  # the network's zero: what surrounds a crop that is no square


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """``vectors``: float32 (n, d), of length 1; ``logits``: float32 (n, 1000), of the ImageNet classes."""

    vectors: NDArray[np.float32]
    logits: NDArray[np.float32]


class Embedder(Protocol):
    """Turns crops into vectors. Stateless."""

    def embed(self, crops: Sequence[NDArray[np.uint8]]) -> Embedded:
        """Vectors and ImageNet logits of crops (h, w, 3, BGR)."""
        ...


def to_input(crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A crop (h, w, 3, BGR) as the network's input (3, 224, 224), RGB in 0..1: scaled to fit, centred on grey."""
    height, width = crop.shape[:2]
    scale = INPUT_PX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    canvas = np.full((INPUT_PX, INPUT_PX, 3), GREY, np.uint8)
    left, top = (INPUT_PX - size[0]) // 2, (INPUT_PX - size[1]) // 2
    canvas[top : top + size[1], left : left + size[0]] = cv2.resize(crop, size, interpolation=method)
    return np.ascontiguousarray(canvas[..., ::-1].transpose(2, 0, 1), np.float32) / np.float32(255)


class OnnxEmbedder:
    """The type network. One thread a call and one crop a call: the same crop gives the same vector beside any other."""

    def __init__(self, path: Path) -> None:
        """Load a file.

        Raises:
            WeightsError: if ONNX Runtime cannot load it.
        """
        hush()
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise WeightsError(f"{path}: ONNX Runtime cannot load it: {str(error).splitlines()[0][:200]}") from error

    def embed(self, crops: Sequence[NDArray[np.uint8]]) -> Embedded:
        """Vectors and ImageNet logits of crops (h, w, 3, BGR)."""
        if not crops:
            return Embedded(np.zeros((0, 0), np.float32), np.zeros((0, 0), np.float32))
        pairs = [self._both_ways(crop) for crop in crops]
        return Embedded(np.stack([vector for vector, _ in pairs]), np.stack([logits for _, logits in pairs]))

    def _both_ways(self, crop: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Vector (d,) and logits (1000,) of a crop and its mirror image: neither side of an object is the front."""
        given = to_input(crop)
        found = self._session.run(["embedding", "imagenet"], {"pictures": np.stack([given, given[:, :, ::-1]])})
        vector, logits = (np.asarray(item, np.float32).mean(axis=0) for item in found)
        return np.asarray(vector / np.linalg.norm(vector), np.float32), logits
