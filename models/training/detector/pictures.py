"""Training and held-out pictures with their boxes, read once and listed in an index."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

CLASSES = (
    "combat_aircraft", "other_aircraft", "helicopter", "uav", "armoured_vehicle", "missile", "warship", "civil_ship",
    "civil_vehicle", "person", "bird",
)  # fmt: skip
Box = tuple[int, float, float, float, float]


@dataclass(frozen=True, slots=True)
class Picture:
    """One labelled picture. ``boxes``: class index, then x1, y1, x2, y2 in 0..1 of width and height."""

    file: str
    source: str
    split: str
    clear_licence: bool
    boxes: tuple[Box, ...]

    def read(self) -> NDArray[np.uint8]:
        """The pixels, (h, w, 3) BGR."""
        picture = cv2.imread(self.file, cv2.IMREAD_COLOR)
        if picture is None:
            raise SystemExit(f"{self.file}: cannot be read as a picture; extract the data again")
        return np.asarray(picture, np.uint8)

    def pixel_boxes(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Boxes (n, 4) as x1, y1, x2, y2 in pixels of a picture of this shape (h, w, …)."""
        found = np.array([box[1:] for box in self.boxes], np.float32).reshape(-1, 4)
        return np.asarray(found * np.array([shape[1], shape[0]] * 2, np.float32), np.float32)

    @property
    def labels(self) -> NDArray[np.intp]:
        """Class indices, (n,)."""
        return np.array([box[0] for box in self.boxes], np.intp)


def read_manifest(root: Path) -> Iterator[dict[str, str]]:
    """The rows of a data archive's manifest."""
    with (root / "manifest.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def read_boxes(root: Path, file: str) -> tuple[Box, ...]:
    """The boxes of a picture from its label file (class, centre x, centre y, width, height in 0..1)."""
    label = (root / file.replace("images/", "labels/", 1)).with_suffix(".txt")
    if "/images/" in file:
        label = (root / file.replace("/images/", "/labels/", 1)).with_suffix(".txt")
    found = []
    for line in label.read_text(encoding="utf-8").splitlines() if label.is_file() else ():
        name, x, y, width, height = line.split()[:5]
        half_w, half_h, x_mid, y_mid = float(width) / 2, float(height) / 2, float(x), float(y)
        low_x, low_y = max(0.0, x_mid - half_w), max(0.0, y_mid - half_h)
        high_x, high_y = min(1.0, x_mid + half_w), min(1.0, y_mid + half_h)
        found.append((int(name), low_x, low_y, high_x, high_y))
    return tuple(found)


def write_index(path: Path, pictures: list[Picture]) -> None:
    """Write the list of pictures, one a line."""
    path.write_text("".join(json.dumps(asdict(item)) + "\n" for item in pictures), encoding="utf-8")


def read_index(path: Path) -> list[Picture]:
    """The list of pictures that ``prepare`` wrote."""
    if not path.is_file():
        raise SystemExit(f"{path}: is not there; run  python -m training.detector.prepare  first")
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return [Picture(**{**row, "boxes": tuple(tuple(box) for box in row["boxes"])}) for row in rows]
