"""A gallery with made vectors and an embedder that reads a vector out of the crop, so that tests know the truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from roundel.identify import GalleryIdentifier, Parameters
from roundel.identify.embed import Embedded
from roundel.identify.gallery import Gallery, Photo, shipped_types
from roundel.identify.posterior import Calibration, SizeLimit
from roundel.types import View

NETWORK = "sha256:" + "0" * 64
PARAMETERS = Parameters(
    {"aircraft": Calibration(0.05, 0.6, 0.0, 100, 2), "armoured_vehicle": Calibration(0.08, 0.5, 0.0, 100, 2)},
    SizeLimit(12, 24, 4),
)
TYPES = ("f-16", "mig-29", "t-72b3", "t-72m4", "leopard-2a6")
AIRCRAFT = {"object": 1.0, "equipment": 1.0, "aircraft": 1.0, "combat_aircraft": 0.9}
ARMOUR = {"object": 1.0, "equipment": 1.0, "vehicle": 1.0, "armoured_vehicle": 1.0}


def axis(index: int, towards: int = 7, tilt: float = 0.0) -> NDArray[np.float32]:
    """A unit vector along one axis, tilted towards another."""
    vector = np.zeros(8, np.float32)
    vector[index], vector[towards] = 1.0, tilt
    return vector / np.linalg.norm(vector)


def photo(type_id: str, number: int, vector: NDArray[np.float32]) -> Photo:
    return Photo.of(f"sha256:{number:064x}", type_id, "test", "CC0", True, vector)


def gallery() -> Gallery:
    """Three photos of each type, near one axis each."""
    photos = [
        photo(name, 10 * index + number, axis(index, 5 + number % 3, 0.1 * number))
        for index, name in enumerate(TYPES)
        for number in range(3)
    ]
    return Gallery(NETWORK, {}, tuple(photos))


class CropEmbedder:
    """The vector of a crop is what its first pixels say, so a view can ask for any vector."""

    def embed(self, crops: Sequence[NDArray[np.uint8]]) -> Embedded:
        found = np.stack([crop[0, :8, 0].astype(np.float32) - 100 for crop in crops])
        vectors = found / np.linalg.norm(found, axis=1, keepdims=True)
        return Embedded(vectors.astype(np.float32), np.zeros((len(crops), 1000), np.float32))


def view(vector: NDArray[np.float32], longest_px: float = 200.0, seconds: float = 0.0) -> View:
    """A sharp view whose embedding is ``vector``."""
    crop = np.random.default_rng(1).integers(0, 255, (120, 200, 3)).astype(np.uint8)
    crop[0, :8, 0] = np.round(vector * 100 + 100).astype(np.uint8)
    box = (0.0, 0.0, longest_px, longest_px / 2)
    return View(seconds, box, box, 0.9, crop, 1.0)


def identifier(photos: Gallery | None = None, parameters: Parameters = PARAMETERS) -> GalleryIdentifier:
    return GalleryIdentifier(CropEmbedder(), photos or gallery(), shipped_types(), parameters, 0.7)
