"""Step 3: export an ultralytics checkpoint to the ONNX file that the package ships.

    python -m training.detector.export best.pt models/roundel_models/weights/NAME.onnx [--half]

``--half`` stores and computes in float16, for CUDA and TensorRT; input and output stay float32, so that every engine
takes the same arrays.

The graph takes ``images`` (float32, batch × 3 × height × width, RGB in 0..1, sides divisible by 32; batch, height and
width are free) and gives ``output0`` (float32, batch × (4 + classes) × anchors): centre x, centre y, width, height in
pixels, then one score in 0..1 per class. Non-maximum suppression is not inside.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import onnx
import torch

from roundel.detect.ultralytics import load_module

OPSET = 17


class _DetectionOnly(torch.nn.Module):
    """The first output of a YOLO detection model: decoded boxes and scores in one tensor."""

    def __init__(self, module: torch.nn.Module, half: bool) -> None:
        super().__init__()
        self.half_precision = half
        self.module = module.half() if half else module

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        output = self.module(images.half() if self.half_precision else images)
        tensor: torch.Tensor = output[0] if isinstance(output, (tuple, list)) else output
        return tensor.float()


def export(checkpoint: Path, target: Path, half: bool = False) -> dict[str, str]:
    """Write ``target`` and return its hash and the class names it carries."""
    module, names = load_module(checkpoint)
    for part in module.modules():
        if hasattr(part, "export"):
            part.export, part.format, part.dynamic = True, "onnx", True
    free = {0: "batch", 2: "height", 3: "width"}
    torch.onnx.export(
        _DetectionOnly(module, half).eval(),
        (torch.zeros(2, 3, 416, 416),),
        str(target),
        dynamo=False,
        opset_version=OPSET,
        input_names=["images"],
        output_names=["output0"],
        dynamic_axes={"images": free, "output0": {0: "batch", 2: "anchors"}},
    )
    model = onnx.load(str(target))
    onnx.helper.set_model_props(
        model, {"names": json.dumps(list(names)), "stride": "32", "precision": "fp16" if half else "fp32"}
    )
    onnx.checker.check_model(model)
    onnx.save(model, str(target))
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    return {"sha256": f"sha256:{digest}", "classes": ",".join(names)}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--half", action="store_true")
    arguments = parser.parse_args()
    print(json.dumps(export(arguments.checkpoint, arguments.target, arguments.half), indent=1))


if __name__ == "__main__":
    main()
