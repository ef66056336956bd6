"""Step 5: make the shipped gallery: a vector, source, licence and hash of every picture; no picture.

python -m training.types.gallery models/training/types.toml
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np

import roundel_models
from roundel.identify import shipped_embedder
from roundel.identify.gallery import Gallery, Photo, file_sha256, write
from training.recipe import Recipe, load_recipe
from training.types.pictures import TypePicture, read_index
from training.types.register import update
from training.types.train import ALL
from training.types.views import plain

CHECKED = 40
LEAST_LIKENESS = 0.999
FILE = "gallery/types-v1.json"


def photos(recipe: Recipe, pictures: list[TypePicture]) -> tuple[Photo, ...]:
    """A row for each picture, with the vector of the trained network. The same file twice is one row.

    Raises:
        SystemExit: if the shipped network, whose weights are rounded, gives other vectors.
    """
    vectors = np.load(recipe.path(f"vectors-{ALL}.npy"))
    embedder = shipped_embedder()
    for index in range(0, len(pictures), max(1, len(pictures) // CHECKED)):
        likeness = float(embedder.embed([plain(pictures[index])]).vectors[0] @ vectors[index])
        if likeness < LEAST_LIKENESS:
            raise SystemExit(f"{pictures[index].file}: the shipped network gives another vector; export it again")
    return tuple(
        Photo.of(item.sha256, item.type, item.source, item.licence, item.boxed, vectors[index])
        for index, item in {(item.type, item.sha256): (index, item) for index, item in enumerate(pictures)}.values()
    )


def make(recipe: Recipe) -> Gallery:
    """Write the gallery and register it."""
    network = roundel_models.identify()["network"]["sha256"]
    kept = Gallery(network, {}, photos(recipe, read_index(recipe.path("pictures.jsonl"))))
    path = roundel_models.ROOT / FILE
    write(kept, path)
    update("gallery", {"file": FILE, "sha256": file_sha256(path), "photos": len(kept.photos)})
    return kept


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    kept = make(load_recipe(parser.parse_args().recipe))
    sources = Counter((item.source, item.licence) for item in kept.photos)
    for (source, licence), number in sorted(sources.items()):
        print(f"{source}: {number} photos, {licence}")


if __name__ == "__main__":
    main()
