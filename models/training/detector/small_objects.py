"""How the label of an object changes with its size: the reason for `least_px` in the registry.

    python -m training.detector.small_objects [--model hardware-v1]

Validation and test pictures with a single box are shrunk until the box's longest side has a given number of pixels in
the network's input, on a blurred copy of themselves, and the label of the best box at that place (IoU over 0.3, score
over 0.3) is counted. :func:`measure_small_objects` lays such pictures out in large frames instead, to see what tiles
are good for.
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
from training.recipe import extracted

SIZES_PX = (24, 36, 48, 64, 96, 140)
INPUT_PX = 416
PER_CLASS = 60
HARDWARE = ("combat_aircraft", "other_aircraft", "helicopter", "uav", "armoured_vehicle", "missile", "warship")
FRAME_SIZES_PX = (12, 16, 24, 32, 48)
FOUND_SCORE = 0.25
CELLS, CELL_PX = (8, 4), 160


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


def measure_small_objects(model: str) -> list[dict[str, object]]:
    """Share of hardware found, untiled and tiled, by the longest side in pixels of a large frame."""
    detectors = {
        tiles: load_detector(DetectorConfig(model=model, score=FOUND_SCORE, tiles=tiles)).detector
        for tiles in ("off", "on")
    }
    source = [
        (picture, box)
        for name, picture, box in pictures(extracted("detector-train"), detectors["off"].classes)
        if name in HARDWARE
    ]
    rows = []
    for side_px in FRAME_SIZES_PX:
        counts = Counter[str]()
        for start in range(0, len(source), CELLS[0] * CELLS[1]):
            frame, truth = _lay_out(source[start : start + CELLS[0] * CELLS[1]], side_px)
            for tiles, detector in detectors.items():
                found = detector.detect([frame])[0]
                hardware = np.isin(found.label, [detector.classes.index(name) for name in HARDWARE])
                counts[tiles] += int((iou(truth, found.xyxy[hardware]) > 0.3).any(axis=1).sum())
            counts["objects"] += len(truth)
        total = counts["objects"]
        rows.append(
            {
                "px": side_px,
                "objects": total,
                "untiled": round(counts["off"] / total, 3),
                "tiled": round(counts["on"] / total, 3),
            }
        )
    return rows


def _lay_out(
    items: list[tuple[NDArray[np.uint8], NDArray[np.float64]]], side_px: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A frame of cells, each with a picture shrunk on a blurred copy of itself; and the boxes (n, 4) in its pixels."""
    frame = np.zeros((CELLS[1] * CELL_PX, CELLS[0] * CELL_PX, 3), np.uint8)
    boxes = []
    for number, (picture, box) in enumerate(items):
        left, top = (number % CELLS[0]) * CELL_PX, (number // CELLS[0]) * CELL_PX
        cell = cv2.GaussianBlur(cv2.resize(picture, (CELL_PX, CELL_PX), interpolation=cv2.INTER_AREA), (0, 0), 10)
        scale = side_px / max(box[2] * picture.shape[1], box[3] * picture.shape[0])
        width, height = (max(2, min(CELL_PX, round(length * scale))) for length in picture.shape[1::-1])
        x, y = (CELL_PX - width) // 2, (CELL_PX - height) // 2
        cell[y : y + height, x : x + width] = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        frame[top : top + CELL_PX, left : left + CELL_PX] = cell
        centre, half = box[:2] * (width, height), box[2:] / 2 * (width, height)
        boxes.append(np.tile([left + x, top + y], 2) + np.concatenate([centre - half, centre + half]))
    return frame, np.array(boxes, np.float32)


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="hardware-v1")
    arguments = parser.parse_args()
    detector = load_detector(DetectorConfig(model=arguments.model)).detector
    labels: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for name, picture, box in pictures(extracted("detector-train"), detector.classes):
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
