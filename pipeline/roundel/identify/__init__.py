"""Which type an object may be: crop → vector → similarity to photos of known types → probabilities, or ``unknown``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import roundel_models
from roundel.config import TypesConfig
from roundel.errors import WeightsError
from roundel.identify import posterior
from roundel.identify.embed import FORM, Embedded, Embedder, OnnxEmbedder
from roundel.identify.gallery import (
    FILE,
    OTHER,
    UNKNOWN,
    Gallery,
    TypeNode,
    arena,
    class_of,
    file_sha256,
    merge,
    read,
)
from roundel.identify.posterior import Calibration, SizeLimit
from roundel.identify.second_opinion import second_opinion
from roundel.types import TypeOpinion, View

__all__ = [
    "GalleryIdentifier",
    "LoadedIdentifier",
    "Parameters",
    "load_identifier",
    "parameters",
    "shipped_embedder",
    "shipped_embedder_name",
    "shipped_file",
]


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a command has measured: the calibration of each class, and how much objects of a size tell."""

    calibrations: Mapping[str, Calibration]
    size: SizeLimit

    def calibration(self, arena: str) -> Calibration:
        """The calibration of a class; where none was measured, the most cautious one."""
        cautious = min(self.calibrations.values(), key=lambda item: (1 - item.other) / item.temperature)
        return self.calibrations.get(arena, cautious)


@dataclass(frozen=True)
class GalleryIdentifier:
    """Identifies by similarity to a gallery. Stateless."""

    embedder: Embedder
    gallery: Gallery
    types: Mapping[str, TypeNode]
    parameters: Parameters
    node_probability: float
    _arenas: Mapping[str, tuple[tuple[str, ...], NDArray[np.float32], NDArray[np.intp]]] = field(init=False)

    def __post_init__(self) -> None:
        names = np.array([photo.type for photo in self.gallery.photos])
        places = np.array([arena(class_of(name, self.types)) for name in names])
        found = {}
        for place in sorted(set(places.tolist())):
            own = names[places == place]
            types = tuple(sorted(set(own.tolist())))
            labels = np.array([types.index(name) for name in own], np.intp)
            found[place] = (types, self.gallery.vectors[places == place], labels)
        object.__setattr__(self, "_arenas", found)

    def identify(self, views: Sequence[View], shares: Mapping[str, float]) -> TypeOpinion | None:
        """The type of the object that ``views`` show; ``shares`` are the detector's, by node of the class tree.

        ``None`` where the gallery holds nothing of that class. What the detector gives to classes without types in the
        gallery is ``unknown``.
        """
        present = sorted({photo.type for photo in self.gallery.photos})
        weights = posterior.considered(present, self.types, shares)
        if not views or not weights:
            return None
        found = self.embedder.embed([view.crop for view in views])
        doubts = [self._doubt(view) for view in views]
        total = max(1.0, sum(weights.values()))
        leaves = {OTHER: 0.0, UNKNOWN: 0.0}
        for place, weight in weights.items():
            types, vectors, labels = self._arenas[place]
            scores = posterior.similarities(found.vectors, vectors, labels, len(types))
            chances, unknown = posterior.fuse(scores, doubts, self.parameters.calibration(place))
            part = weight / total * (1 - unknown)
            leaves.update({name: part * float(chance) for name, chance in zip(types, chances[:-1], strict=True)})
            leaves[OTHER] += part * float(chances[-1])
        leaves[UNKNOWN] = max(0.0, 1 - sum(leaves.values()))
        return self._opinion(leaves, found, doubts, shares)

    def _doubt(self, view: View) -> float:
        """The chance that this view is too small or too blurred to tell."""
        longest = max(view.xyxy[2] - view.xyxy[0], view.xyxy[3] - view.xyxy[1])
        return self.parameters.size.unknown(posterior.detail_px(view.crop, longest))

    def _opinion(
        self, leaves: Mapping[str, float], found: Embedded, doubts: Sequence[float], shares: Mapping[str, float]
    ) -> TypeOpinion:
        over_tree = posterior.spread_over_tree(leaves, self.types)
        node = posterior.named(over_tree, shares, self.types, self.node_probability)
        trust = 1 - np.asarray(doubts, np.float64)
        return TypeOpinion(node, over_tree, posterior.credible_set(leaves), second_opinion(found.logits, trust, shares))


@dataclass(frozen=True, slots=True)
class LoadedIdentifier:
    """An identifier with what a result must say about it; ``identifier`` is ``None`` where there is no gallery.

    ``galleries``: those in use, by whose they are: shipped, user, case.
    """

    identifier: GalleryIdentifier | None
    provenance: Mapping[str, object]
    galleries: Mapping[str, Gallery] = field(default_factory=dict)


def parameters() -> Parameters:
    """What ``identify.toml`` of the shipped data states."""
    data = roundel_models.identify()
    calibrations = {
        name: Calibration(**{key: entry[key] for key in ("temperature", "other", "uniform", "groups", "sources")})
        for name, entry in data["calibration"].items()
    }
    size = data["size"]
    return Parameters(calibrations, SizeLimit(size["least_px"], size["half_px"], size["slope"]))


def shipped_file(table: str) -> Path:
    """The shipped ``network`` or ``gallery``, checked against its hash.

    Raises:
        WeightsError: if it is missing or altered.
    """
    try:
        return roundel_models.checked(roundel_models.identify()[table])
    except ValueError as error:
        raise WeightsError(f"{error}. Do not use it; install Roundel again.") from error


def shipped_embedder() -> OnnxEmbedder:
    """The shipped type network.

    Raises:
        WeightsError: if its file is missing or altered.
    """
    return OnnxEmbedder(shipped_file("network"))


def shipped_embedder_name() -> str:
    """What vectors of :func:`shipped_embedder` are made with: those with another name cannot be compared with them."""
    return f"{roundel_models.identify()['network']['sha256']}/{FORM}"


def load_identifier(config: TypesConfig, own: Mapping[str, Path]) -> LoadedIdentifier:
    """The identifier over the shipped gallery and those in the folders ``own``, by whose they are, that hold something.

    Raises:
        WeightsError: if a shipped file was altered or a gallery is damaged.
    """
    if config.engine == "off":
        return LoadedIdentifier(None, {"identifier": "off"})
    present = {owner: folder / FILE for owner, folder in own.items() if (folder / FILE).is_file()}
    files = {"shipped": shipped_file("gallery"), **present}
    read_all = {owner: read(path) for owner, path in files.items()}
    galleries = {owner: found for owner, found in read_all.items() if found.photos or found.types}
    hashes = {owner: file_sha256(files[owner]) for owner in galleries}
    network: dict[str, Any] = roundel_models.identify()["network"]
    gallery, types = merge([(files[owner], found) for owner, found in galleries.items()], network["sha256"])
    settings = parameters()
    provenance: dict[str, object] = {
        "identifier": network["name"],
        "identifier_sha256": network["sha256"],
        "identifier_galleries": list(hashes.values()),
        "identifier_calibration": {
            name: [item.temperature, item.other, item.uniform] for name, item in sorted(settings.calibrations.items())
        },
        "identifier_sources": {name: item.sources for name, item in sorted(settings.calibrations.items())},
        "identifier_size_px": [settings.size.least_px, settings.size.half_px, settings.size.slope],
    }
    own_galleries = [owner for owner in galleries if owner != "shipped"]
    if own_galleries:
        provenance["identifier_added"] = [
            entry for owner in own_galleries for entry in _added(galleries[owner], types, owner, hashes[owner])
        ]
    identifier = GalleryIdentifier(shipped_embedder(), gallery, types, settings, config.node_probability)
    return LoadedIdentifier(identifier, provenance, galleries)


def _added(gallery: Gallery, types: Mapping[str, TypeNode], owner: str, sha256: str) -> list[dict[str, object]]:
    """What a gallery that is not shipped adds, by type, for those who read the result elsewhere."""
    shipped = roundel_models.types()
    found: list[dict[str, object]] = []
    for name in sorted({*gallery.types, *(photo.type for photo in gallery.photos)}):
        photos = [photo for photo in gallery.photos if photo.type == name]
        found.append(
            {
                "type": name,
                "title": types[name].title,
                "parent": types[name].parent,
                "shipped": name in shipped,
                "photos": len(photos),
                "sources": dict(sorted(Counter(photo.source for photo in photos).items())),
                "licences": dict(sorted(Counter(photo.licence for photo in photos).items())),
                "gallery": owner,
                "gallery_sha256": sha256,
            }
        )
    return found
