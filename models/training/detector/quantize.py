"""Step 6: an INT8 file for OpenVINO, beside the float32 one, and whether it may be the default.

    python -m training.detector.quantize models/training/detector.toml [--pictures 300] [--write]

NNCF's post-training quantisation with training pictures as the calibration set; the decoding of boxes and scores stays
in float32. NNCF is no dependency of Roundel: ``pip install nncf``. The file is shipped only if AP50 falls by less than
0.01 on every class (validation and test pictures) and every cross-source question; the command says whether it may.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import roundel_models
from roundel.config import DetectorConfig
from roundel.detect import Detector, LoadedDetector, available_threads, load_detector
from roundel.detect.openvino import OpenVinoNetwork
from roundel.detect.slicing import input_size, letterbox
from roundel.detect.yolo import YoloDetector
from roundel.quiet import hush
from training.detector.evaluate import (
    CARDS,
    CURVE_SCORE,
    chosen,
    examine,
    matches,
    questions,
    score_pictures,
    source_pictures,
)
from training.detector.pictures import CLASSES, Picture, read_index
from training.metrics import average_precision
from training.recipe import Recipe, load_recipe

INPUT_PX = 416
MOST_LOSS = 0.01
HEAD = "/model.24/"  # decoding of boxes and scores stays in float32 …
LAST_OF_BOXES = "/cv2."  # … and so do the convolutions that give the boxes


def calibration_inputs(pictures: list[Picture], count: int) -> list[NDArray[np.float32]]:
    """Network inputs (1, 3, h, w) of evenly spread training pictures."""
    inputs = []
    for item in pictures[:: max(1, len(pictures) // count)][:count]:
        picture = item.read()
        canvas, _ = letterbox(picture, input_size(picture.shape[1], picture.shape[0], INPUT_PX))
        inputs.append(np.ascontiguousarray(canvas[None, ..., ::-1].transpose(0, 3, 1, 2), np.float32) / np.float32(255))
    return inputs


def quantize(recipe: Recipe, count: int) -> Path:
    """Write the INT8 model (OpenVINO IR, an .xml and a .bin file) into the workspace and return the path of its .xml.

    NNCF's ONNX backend was tried first: its file finds next to nothing (boxes are off by 20 pixels on average).
    """
    hush()
    import nncf
    import openvino

    name = recipe.settings["export"]["name"]
    model = openvino.Core().read_model(str(roundel_models.weights(name)))
    pictures = [item for item in read_index(recipe.path("pictures.jsonl")) if item.split == "train"]
    operations = [(item.get_friendly_name(), item.get_type_name()) for item in model.get_ordered_ops()]
    head = [title for title, kind in operations if HEAD in title and (kind != "Convolution" or LAST_OF_BOXES in title)]
    made = nncf.quantize(
        model,
        nncf.Dataset(calibration_inputs(pictures, count)),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=count,
        ignored_scope=nncf.IgnoredScope(names=head, validate=False),
    )
    made.set_rt_info("int8", ["framework", "precision"])
    target = recipe.path(f"{name}-int8.xml")
    openvino.save_model(made, str(target), compress_to_fp16=False)
    return target


def precisions(detector: Detector) -> dict[str, float]:
    """AP50 by class on the validation and test pictures, and by cross-source question."""
    loaded = LoadedDetector(detector, {})
    source, held_out = examine(loaded, [item for _, item in source_pictures()]), examine(loaded, score_pictures())
    found = {name: matches(source, detector.classes, (name,)) for name in CLASSES}
    for question in questions():
        found[f"cross-source: {question.title}"] = matches(chosen(held_out, question), detector.classes, question.group)
    return {name: average_precision(matched, 0, np.ones(len(matched.truths))) for name, matched in found.items()}


def compare(recipe: Recipe, path: Path) -> dict[str, Any]:
    """AP50 of the float32 and the INT8 file, side by side."""
    config = DetectorConfig(model=recipe.settings["export"]["name"], score=CURVE_SCORE, tiles="off", engine="openvino")
    full = precisions(load_detector(config).detector)
    small = precisions(YoloDetector(OpenVinoNetwork(path, available_threads()), config))
    rows = {name: [round(full[name], 4), round(small[name], 4)] for name in full}
    worst = max(before - after for before, after in rows.values())
    return {
        "int8_sha256": f"sha256:{hashlib.sha256(path.with_suffix('.bin').read_bytes()).hexdigest()}",
        "int8_bytes": path.stat().st_size + path.with_suffix(".bin").stat().st_size,
        "ap50_fp32_int8": rows,
        "largest_loss": round(worst, 4),
        "may_be_default": worst < MOST_LOSS,
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--write", action="store_true", help="write models/cards/NAME.int8.json")
    given = parser.parse_args()
    recipe = load_recipe(given.recipe)
    found = compare(recipe, quantize(recipe, given.pictures))
    print(json.dumps(found, indent=1))
    if given.write:
        target = CARDS / f"{recipe.settings['export']['name']}.int8.json"
        target.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
