"""Step 1: extract the data, repair labels, and write the index of training and validation pictures.

    python -m training.detector.prepare models/training/detector.toml

Repairs: boxes around objects against the sky are tightened; ``corrections.csv`` adds boxes that the sources lack and
drops pictures with too many unlabelled objects. Pictures of the held-out set are used only if their role is "adapt".
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel.config import DetectorConfig
from roundel.detect import load_detector
from training.detector.pictures import CLASSES, Box, Picture, read_boxes, read_manifest, write_index
from training.detector.streets import make_streets
from training.recipe import Recipe, extracted, load_recipe

LOOSE = "GryllsGYS"
"""The source whose boxes are loose: their median area is 3.4 times that of the tight ones."""
CORRECTIONS = Path(__file__).with_name("corrections.csv")
RING = 0.25  # width of the ring around a box, in sides of the box, that shows the background
LEAST_CONTRAST = 12.0  # grey levels
LEAST_SIDE_PX = 3
TEACHER_SCORE = 0.5
LEAST_SHARE = 0.04  # a tight box keeps at least this share of the loose one's area


def foreground(picture: NDArray[np.uint8], box: NDArray[np.float32]) -> NDArray[np.bool_] | None:
    """Which pixels inside a box (4,) differ from the ring around it; ``None`` if the ring is no plain background."""
    height, width = picture.shape[:2]
    margin = RING * (box[2:] - box[:2]) + 2
    left, top = np.maximum(np.floor(box[:2] - margin), 0).astype(int)
    right, bottom = np.minimum(np.ceil(box[2:] + margin), (width, height)).astype(int)
    region = picture[top:bottom, left:right].astype(np.float32)
    inside = np.zeros(region.shape[:2], bool)
    x1, y1, x2, y2 = np.round(box - (left, top, left, top)).astype(int)
    inside[max(0, y1) : y2, max(0, x1) : x2] = True
    ring = region[~inside]
    if len(ring) < 20:
        return None
    middle = np.median(ring, axis=0)
    spread = np.median(np.abs(ring - middle).max(axis=1))
    if spread > 10:
        return None
    differs = (np.abs(region - middle).max(axis=2) > max(LEAST_CONTRAST, 5 * spread)) & inside
    return np.asarray(differs[max(0, y1) : y2, max(0, x1) : x2], np.bool_)


def tighten(picture: NDArray[np.uint8], box: NDArray[np.float32]) -> NDArray[np.float32]:
    """The box (4,) shrunk to the object inside it, or as it was where object and sky cannot be told apart."""
    mask = foreground(picture, box)
    if mask is None or not mask.any():
        return box
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    large = [index + 1 for index in range(count - 1) if areas[index] >= 0.15 * areas.max()]
    rows, columns = np.nonzero(np.isin(labels, large))
    origin = np.maximum(np.round(box[:2]), 0)
    tight = np.array([columns.min() - 1, rows.min() - 1, columns.max() + 2, rows.max() + 2], np.float32) + np.tile(
        origin, 2
    ).astype(np.float32)
    tight = np.concatenate([np.maximum(tight[:2], box[:2]), np.minimum(tight[2:], box[2:])])
    size, loose = tight[2:] - tight[:2], box[2:] - box[:2]
    if size.min() < LEAST_SIDE_PX or size.prod() < LEAST_SHARE * loose.prod():
        return box
    return np.asarray(tight, np.float32)


def tightened(item: Picture) -> Picture:
    """The picture with its boxes shrunk to the objects where these stand against a plain sky."""
    picture = item.read()
    scale = np.array([picture.shape[1], picture.shape[0]] * 2, np.float32)
    boxes: list[Box] = []
    for label, box in zip(item.labels, item.pixel_boxes(picture.shape), strict=True):
        x1, y1, x2, y2 = (float(value) for value in tighten(picture, box) / scale)
        boxes.append((int(label), x1, y1, x2, y2))
    return replace(item, boxes=tuple(boxes))


def _corrected(pictures: list[Picture], root: Path) -> list[Picture]:
    """Apply ``corrections.csv``; every row has to fit a picture."""
    by_file = {item.file: item for item in pictures}
    with CORRECTIONS.open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            file = str(root / row["file"])
            if file not in by_file:
                raise SystemExit(f"{CORRECTIONS}: {row['file']} is not among the pictures that may be trained on")
            if row["action"] == "drop":
                del by_file[file]
            else:
                x1, y1, x2, y2 = (float(row[key]) for key in ("x1", "y1", "x2", "y2"))
                box: Box = (CLASSES.index(row["class"]), x1, y1, x2, y2)
                by_file[file] = replace(by_file[file], boxes=(*by_file[file].boxes, box))
    return list(by_file.values())


def _training_pictures(clear_only: bool) -> list[Picture]:
    root = extracted("detector-train")
    return [
        Picture(
            str(root / row["file"]),
            Path(row["file"]).name.split("__")[0],
            row["split"],
            row["clean_licence"] == "yes",
            read_boxes(root, row["file"]),
        )
        for row in read_manifest(root)
        if row["clean_licence"] == "yes" or not clear_only
    ]


def _adapted_pictures(clear_only: bool) -> list[Picture]:
    root = extracted("detector-heldout")
    found = [
        Picture(
            str(root / row["file"]),
            f"adapt:{row['file'].split('/')[0]}",
            "train",
            row["licence"].startswith("CC"),
            read_boxes(root, row["file"]),
        )
        for row in read_manifest(root)
        if row["role"] == "adapt"
    ]
    return [item for item in _corrected(found, root) if item.clear_licence or not clear_only]


def _type_tanks(teacher: str) -> list[Picture]:
    """The tank pictures of the type set (CC BY 4.0), with the boxes that a detector finds on them.

    Pictures with the name of a held-out picture are left out, and so are those on which the teacher is not sure.
    """
    root, detector = extracted("types"), load_detector(DetectorConfig(model=teacher, score=TEACHER_SCORE)).detector
    tested = {
        Path(row["file"]).name.split(".")[0]
        for row in read_manifest(extracted("detector-heldout"))
        if row["file"].startswith("tanks_amannoufel/")
    }
    found = []
    for row in read_manifest(root):
        name = Path(row["file"]).name.split("__")[-1].split(".")[0]
        if not row["type"].startswith("tank_") or tested & {name, f"{name}_jpg", f"{name}_jpeg"}:
            continue
        pixels = Picture(str(root / row["file"]), "types", "train", True, ()).read()
        boxes = detector.detect([pixels])[0]
        labelled: list[Box] = []
        for box, label in zip(boxes.xyxy / ([pixels.shape[1], pixels.shape[0]] * 2), boxes.label, strict=True):
            x1, y1, x2, y2 = (float(value) for value in box)
            labelled.append((int(label), x1, y1, x2, y2))
        if any(CLASSES[item[0]] == "armoured_vehicle" for item in labelled):
            found.append(Picture(str(root / row["file"]), "types", "train", True, tuple(labelled)))
    return found


def prepare(recipe: Recipe) -> list[Picture]:
    """Make the index; returns what is in it."""
    settings = recipe.settings["prepare"]
    clear_only = settings["clear_licence_only"]
    pictures = [tightened(item) if item.source == LOOSE else item for item in _training_pictures(clear_only)]
    pictures += _adapted_pictures(clear_only)
    if settings["tank_teacher"]:
        pictures += _type_tanks(settings["tank_teacher"])
    if settings["drawn_streets"]:
        pictures += make_streets(recipe.path("streets", "x").parent, settings["drawn_streets"], recipe.settings["seed"])
    write_index(recipe.path("pictures.jsonl"), pictures)
    return pictures


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    recipe = load_recipe(parser.parse_args().recipe)
    pictures = prepare(recipe)
    for split in ("train", "val", "test"):
        chosen = [item for item in pictures if item.split == split]
        boxes = Counter(CLASSES[label] for item in chosen for label in item.labels)
        print(
            f"{split}: {len(chosen)} pictures; " + ", ".join(f"{name} {number}" for name, number in boxes.most_common())
        )


if __name__ == "__main__":
    main()
