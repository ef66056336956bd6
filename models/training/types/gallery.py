"""Step 5: make the shipped gallery: a vector, source, licence and hash of every picture; no picture.

python -m training.types.gallery models/training/types.toml
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import roundel_models
from roundel.identify import shipped_embedder
from roundel.identify.gallery import Gallery, Photo, file_sha256, write
from roundel.identify.photos import crop_object
from training.recipe import Recipe, load_recipe
from training.types.pictures import TypePicture, read_index
from training.types.register import update

FILE = "gallery/types-v1.json"


def photos(pictures: list[TypePicture]) -> tuple[Photo, ...]:
    """A row for each picture, with the vector that the shipped network gives it. The same file twice is one row."""
    embedder = shipped_embedder()
    found = []
    for item in {(item.type, item.sha256): item for item in pictures}.values():
        vector = embedder.embed([crop_object(item.read(), item.box)]).vectors[0]
        found.append(Photo.of(item.sha256, item.type, item.source, item.licence, item.boxed, vector))
    return tuple(found)


def make(recipe: Recipe) -> Gallery:
    """Write the gallery and register it."""
    network = roundel_models.identify()["network"]["sha256"]
    kept = Gallery(network, {}, photos(read_index(recipe.path("pictures.jsonl"))))
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
