"""The features of the frozen trunk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from roundel.identify.embed import to_input
from training.recipe import Recipe
from training.types.network import Features, load_trunk

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

BATCH = 16


def trunk_session(recipe: Recipe) -> InferenceSession:
    """The trunk in ONNX Runtime, which is several times faster than torch at depthwise convolutions."""
    import onnxruntime

    network = recipe.settings["network"]
    trunk = load_trunk(recipe.workspace / network["start"], network["start_sha256"])
    path = recipe.path("trunk.onnx")
    torch.onnx.export(
        Features(trunk).eval(),
        (torch.zeros(2, 3, 224, 224),),
        str(path),
        dynamo=False,
        opset_version=17,
        input_names=["pictures"],
        output_names=["features", "imagenet"],
        dynamic_axes={"pictures": {0: "batch"}, "features": {0: "batch"}, "imagenet": {0: "batch"}},
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run_trunk(session: InferenceSession, crops: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Features (n, 6080) of crops (h, w, 3, BGR)."""
    parts = []
    for start in range(0, len(crops), BATCH):
        given = np.stack([to_input(crop) for crop in crops[start : start + BATCH]])
        parts.append(session.run(["features"], {"pictures": given})[0])
    return np.concatenate(parts)
