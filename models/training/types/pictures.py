"""The pictures of types: where they are, what they show, and which of them belong together."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class TypePicture:
    """A picture of one object.

    ``group``: number of the cluster of near-duplicates it belongs to; ``box``: x1, y1, x2, y2 in pixels of the largest
    object that the detector found, or the whole picture (``boxed`` is false).
    """

    file: str
    type: str
    source: str
    licence: str
    sha256: str
    group: int
    box: tuple[float, float, float, float]
    boxed: bool

    def read(self) -> NDArray[np.uint8]:
        """The picture (h, w, 3, BGR)."""
        picture = cv2.imread(self.file, cv2.IMREAD_COLOR)
        if picture is None:
            raise SystemExit(f"{self.file}: cannot be read")
        return np.asarray(picture, np.uint8)

    @property
    def kind(self) -> str:
        """The class of the tree that the type belongs to."""
        return "armoured_vehicle" if self.source == "amannoufel" else "combat_aircraft"


def read_manifest(root: Path) -> list[dict[str, str]]:
    """The rows of ``manifest.csv``."""
    with (root / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_names() -> dict[str, str]:
    """The type's id for each name that the data use: ``names.csv``."""
    with Path(__file__).with_name("names.csv").open(encoding="utf-8", newline="") as file:
        return {row["source_name"]: row["type"] for row in csv.DictReader(file)}


def write_index(target: Path, pictures: list[TypePicture]) -> None:
    """One JSON line a picture."""
    target.write_text("".join(json.dumps(asdict(item)) + "\n" for item in pictures), encoding="utf-8")


def read_index(path: Path) -> list[TypePicture]:
    """The pictures that ``prepare`` found.

    Raises:
        SystemExit: if it has not run.
    """
    if not path.is_file():
        raise SystemExit(f"{path}: is not there; run: python -m training.types.prepare RECIPE")
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [TypePicture(**{**row, "box": tuple(row["box"])}) for row in rows]
