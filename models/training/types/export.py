"""Step 3: write the ONNX file that the package ships, and its entry in ``identify.toml``.

    python -m training.types.export models/training/types.toml

The graph takes ``pictures`` (float32, batch × 3 × 224 × 224, RGB in 0..1) and gives ``embedding`` (float32, batch ×
128, of length 1) and ``imagenet`` (float32, batch × 1000 logits of the published network). Large weights are stored as
float16 and computed with as float32.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
import onnx
import torch

import roundel_models
from training.recipe import Recipe, load_recipe
from training.types.network import Head, TypeNetwork, load_trunk
from training.types.register import update
from training.types.train import ALL

OPSET = 17
LARGE = 1024  # weights


def load_network(recipe: Recipe, name: str) -> TypeNetwork:
    """The trunk with the head of a fold, or of all pictures."""
    settings = recipe.settings["network"]
    head = Head(settings["embedding"])
    head.load_state_dict(torch.load(recipe.path(f"head-{name}.pt"), weights_only=True))
    return TypeNetwork(load_trunk(recipe.workspace / settings["start"], settings["start_sha256"]), head).eval()


def halve(model: onnx.ModelProto) -> None:
    """Store large weights as float16, each with a cast to float32 before it is used."""
    nodes = []
    for item in model.graph.initializer:
        values = onnx.numpy_helper.to_array(item)
        if values.dtype != np.float32 or values.size < LARGE:
            continue
        name = item.name
        item.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        nodes.append(onnx.helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT))
    for node in reversed(nodes):
        model.graph.node.insert(0, node)


def export(recipe: Recipe) -> Path:
    """Write the file and register it."""
    name = recipe.settings["export"]["name"]
    target = roundel_models.ROOT / "weights" / f"{name}.onnx"
    torch.onnx.export(
        load_network(recipe, ALL),
        (torch.zeros(2, 3, 224, 224),),
        str(target),
        dynamo=False,
        opset_version=OPSET,
        input_names=["pictures"],
        output_names=["embedding", "imagenet"],
        dynamic_axes={key: {0: "batch"} for key in ("pictures", "embedding", "imagenet")},
    )
    model = onnx.load(str(target))
    halve(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(target))
    digest = f"sha256:{hashlib.sha256(target.read_bytes()).hexdigest()}"
    update("network", {"name": name, "file": f"weights/{name}.onnx", "sha256": digest, "licence": "Apache-2.0 (trunk)"})
    return target


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    target = export(load_recipe(parser.parse_args().recipe))
    print(f"{target.name}: {target.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
