"""Step 1: crop each picture to its object, keep the frozen trunk's features of it, and find near-duplicates.

    python -m training.types.prepare models/training/types.toml

The crop is the one that the program makes: the box of the shipped detector with its margin. Pictures whose trunk
features are nearly the same, straight or mirrored, form a group: no group is ever on both sides of a split. The sources
share photos. The trunk stays as it was published, so its features are computed once; training the head is then a matter
of a minute.
"""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel.config import DetectorConfig
from roundel.detect import load_detector
from roundel.identify.photos import largest_object
from training.recipe import Recipe, extracted, load_recipe
from training.types.features import run_trunk, trunk_session
from training.types.network import LAYOUT
from training.types.pictures import TypePicture, read_index, read_manifest, read_names, write_index
from training.types.views import far, mirrored, plain


def find_objects(recipe: Recipe) -> list[TypePicture]:
    """All pictures with the box of their largest object; each is its own group."""
    settings = recipe.settings["prepare"]
    root = extracted(settings["archive"])
    config = DetectorConfig(
        model=settings["detector"], input_px=settings["detector_px"], score=settings["detector_score"], threads=2
    )
    detector = load_detector(config).detector
    names = read_names()
    found = []
    for number, row in enumerate(read_manifest(root)):
        path = root / row["file"]
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if picture is None:
            raise SystemExit(f"{path}: cannot be read")
        box = largest_object(np.asarray(picture, np.uint8), detector)
        height, width = picture.shape[:2]
        whole = (0.0, 0.0, float(width), float(height))
        digest = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        found.append(
            TypePicture(
                str(path),
                names[row["type"]],
                row["source"],
                row["licence"],
                digest,
                number,
                box or whole,
                box is not None,
            )
        )
    return found


def groups(features: NDArray[np.float32], likeness: float) -> list[int]:
    """The number of each picture's cluster: single linkage over features (2, n, d) above a likeness."""
    features = features / np.linalg.norm(features, axis=2, keepdims=True)
    parent = list(range(features.shape[1]))

    def root(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for view in features:
        for one, other in zip(*np.nonzero(features[0] @ view.T >= likeness), strict=True):
            low, high = sorted((root(int(one)), root(int(other))))
            parent[high] = low
    return [root(item) for item in range(len(parent))]


def prepare(recipe: Recipe) -> list[TypePicture]:
    """Make the index; returns what is in it. Boxes that an earlier call found are taken from ``objects.jsonl``."""
    boxes = recipe.path("objects.jsonl")
    if not boxes.is_file():
        write_index(boxes, find_objects(recipe))
    pictures = read_index(boxes)
    session = trunk_session(recipe)
    views = ([plain(x) for x in pictures], [mirrored(x) for x in pictures], [far(x, i) for i, x in enumerate(pictures)])
    features = np.stack([run_trunk(session, crops) for crops in views])
    np.save(recipe.path("features.npy"), features)
    numbers = groups(features[:2, :, LAYOUT:], recipe.settings["prepare"]["duplicate_likeness"])
    pictures = [replace(item, group=number) for item, number in zip(pictures, numbers, strict=True)]
    write_index(recipe.path("pictures.jsonl"), pictures)
    return pictures


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    pictures = prepare(load_recipe(parser.parse_args().recipe))
    boxed = sum(item.boxed for item in pictures)
    print(f"{len(pictures)} pictures, {boxed} with a detected object, {len({item.group for item in pictures})} groups")


if __name__ == "__main__":
    main()
