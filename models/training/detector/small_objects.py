"""How the label of an object changes with its size: the reason for `least_px` in the registry.

    python models/training/small_objects.py DATA [--model hardware-v0]

DATA is the extracted `train` folder of the detector data (images/, labels/ with val and test). Pictures with a single
box are shrunk until the box's longest side has a given number of pixels in the network's input, on a blurred copy of
themselves, and the label of the best box at that place (IoU over 0.3, score over 0.3) is counted.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel.config import DetectorConfig
from roundel.detect import Detector, load_detector
from roundel.detect.nms import iou

SIZES_PX = (24, 36, 48, 64, 96, 140)
INPUT_PX = 416
PER_CLASS = 60


def pictures(data: Path, classes: tuple[str, ...]) -> Iterator[tuple[str, NDArray[np.uint8], NDArray[np.float64]]]:
    """Class, picture and box (centre x, y, width, height in 0..1) of the pictures with one box, a few of each class."""
    taken: Counter[str] = Counter()
    for label in sorted((data / "labels").glob("val/*.txt")) + sorted((data / "labels").glob("test/*.txt")):
        rows = [line.split() for line in label.read_text().splitlines()]
        if len(rows) != 1 or taken[classes[int(rows[0][0])]] >= PER_CLASS:
            continue
        image = next((data / "images" / label.parent.name).glob(f"{label.stem}.*"), None)
        picture = cv2.imread(str(image)) if image else None
        if picture is not None:
            taken[classes[int(rows[0][0])]] += 1
            yield classes[int(rows[0][0])], np.asarray(picture, np.uint8), np.array(rows[0][1:5], float)


def label_at_size(detector: Detector, picture: NDArray[np.uint8], box: NDArray[np.float64], side_px: int) -> str | None:
    """The label of the object when its longest side has ``side_px``; ``None`` if the picture is too small or large."""
    height, width = picture.shape[:2]
    scale = side_px / max(box[2] * width, box[3] * height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if scale > 1 or max(size) > INPUT_PX:
        return None
    scene = cv2.GaussianBlur(cv2.resize(picture, (INPUT_PX, INPUT_PX)), (0, 0), 25)
    left, top = (INPUT_PX - size[0]) // 2, (INPUT_PX - size[1]) // 2
    scene[top : top + size[1], left : left + size[0]] = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    low, high = (box[:2] - box[2:] / 2) * size + (left, top), (box[:2] + box[2:] / 2) * size + (left, top)
    found = detector.detect([np.asarray(scene, np.uint8)])[0]
    if not len(found):
        return "nothing"
    there = (iou(np.concatenate([low, high])[None].astype(np.float32), found.xyxy)[0] > 0.3) & (found.score > 0.3)
    best = int(np.argmax(np.where(there, found.score, 0)))
    return detector.classes[found.label[best]] if there[best] else "nothing"


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="hardware-v0")
    arguments = parser.parse_args()
    detector = load_detector(DetectorConfig(model=arguments.model)).detector
    labels: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for name, picture, box in pictures(arguments.data, detector.classes):
        for side in SIZES_PX:
            label = label_at_size(detector, picture, box, side)
            if label is not None:
                labels[name, side][label] += 1
    print("| class | longest side, px | pictures | found with its label | found with another label |")
    print("|---|---|---|---|---|")
    for (name, side), counts in sorted(labels.items()):
        others = {label: number for label, number in counts.most_common() if label not in {name, "nothing"}}
        named = ", ".join(f"{label} {number}" for label, number in others.items()) or "–"
        print(f"| {name} | {side} | {counts.total()} | {counts[name]} | {named} |")


if __name__ == "__main__":
    main()
