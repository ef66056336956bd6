"""Tiny networks with random weights, made on the spot: nothing is downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

WIDTH = 0.0625  # of the model's channels


def checkpoint(path: Path, config: str = "yolo11.yaml", names: tuple[str, ...] = ("Tank", "Kite"), **set_: Any) -> Path:
    """An ultralytics checkpoint of a randomly initialised model; ``set_`` are attributes that it gets."""
    import torch
    from ultralytics.nn import tasks
    from ultralytics.nn.tasks import guess_model_task, yaml_model_load

    torch.manual_seed(0)
    settings = {**yaml_model_load(config), "scale": "n"}
    settings["scales"] = {"n": [0.34, WIDTH, 1024]}
    kinds = {"segment": tasks.SegmentationModel, "pose": tasks.PoseModel, "obb": tasks.OBBModel}
    kind = tasks.WorldModel if "world" in config else kinds.get(guess_model_task(settings), tasks.DetectionModel)
    model = kind(settings, nc=len(names), verbose=False)
    model.names = dict(enumerate(names))
    for name, value in set_.items():
        setattr(model, name, value)
    torch.save({"model": model.half(), "train_args": {}}, path)
    return path


def exported(
    path: Path,
    names: tuple[str, ...] | None = ("Tank", "Kite"),
    shape: tuple[Any, ...] = ("n", 3, "h", "w"),
    channels: int | None = None,
    task: str = "detect",
) -> Path:
    """An ONNX file whose output, (n, channels, anchors), is a pooled and widened picture."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    channels = channels or 4 + len(names or ())
    weight = numpy_helper.from_array(np.full((channels, 3, 1, 1), 0.1, np.float32), "weight")
    target = numpy_helper.from_array(np.array([0, channels, -1], np.int64), "target")
    nodes = [
        helper.make_node("AveragePool", ["images"], ["small"], kernel_shape=[32, 32], strides=[32, 32]),
        helper.make_node("Conv", ["small", "weight"], ["wide"]),
        helper.make_node("Reshape", ["wide", "target"], ["output0"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, ("n", channels, "a"))],
        [weight, target],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    stated = {"task": task, **({"names": str(dict(enumerate(names)))} if names is not None else {})}
    helper.set_model_props(model, stated)
    onnx.save(model, path)
    return path
