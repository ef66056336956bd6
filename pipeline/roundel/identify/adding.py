"""Adding photos to a gallery, and what the new type is taken for."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel.errors import UsageError
from roundel.identify.embed import Embedder
from roundel.identify.gallery import Gallery, Photo, TypeNode, arena, check_types, class_of
from roundel.identify.photos import Finder, crop_object, largest_object
from roundel.identify.posterior import NEAREST, similarities

FEW = NEAREST
"""A type with fewer photos is filled up with chance likeness: it is too few to be named alone."""
MOST_BYTES = 256 * 1024**2

Status = Literal["added", "duplicate", "unreadable"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a photo; ``boxed``: whether an object was found in it (else the whole photo was taken)."""

    path: Path
    status: Status
    message: str
    photo: Photo | None = None

    @property
    def boxed(self) -> bool:
        """Whether the photo was cropped to an object."""
        return self.photo is not None and self.photo.boxed


@dataclass(frozen=True, slots=True)
class Confusion:
    """Each photo of a type, judged by all others: how often its own type is the nearest, and which others are."""

    photos: int
    own_nearest: int
    others: tuple[tuple[str, int], ...]


def new_type(type_id: str, title: str | None, parent: str | None, types: Mapping[str, TypeNode]) -> dict[str, TypeNode]:
    """The entry for a type that is not in the tree yet; empty if it is.

    Raises:
        UsageError: if it is known by another parent or title, or new and without a parent.
        WeightsError: if its name or parent cannot be used.
    """
    known = types.get(type_id)
    if known is not None:
        if known.level != "type":
            raise UsageError(f"{type_id}: is a family; give the type, such as a variant with --parent {type_id}")
        if (parent or known.parent) != known.parent or (title or known.title) != known.title:
            raise UsageError(
                f"{type_id}: is known as {known.title} below {known.parent}; leave --title and --parent out, "
                "or choose another name"
            )
        return {}
    if parent is None:
        raise UsageError(
            f"{type_id}: is no known type; say where it belongs with --parent, such as combat_aircraft or a family. "
            "roundel gallery list --json shows the known types"
        )
    entry = {type_id: TypeNode(parent, title or type_id, "type")}
    check_types(entry, "roundel gallery add", types)
    return entry


def add_photos(
    paths: Sequence[Path],
    type_id: str,
    origin: tuple[str, str],
    present: Mapping[str, str],
    finder: Finder,
    embedder: Embedder,
) -> Iterator[Outcome]:
    """Look at photos one by one; the caller keeps those that were added.

    Args:
        paths: image files.
        type_id: the type they show.
        origin: source and licence.
        present: type by hash of the photos that the galleries hold.
        finder: finds the object in a photo.
        embedder: makes the vector.
    """
    seen = dict(present)
    for path in paths:
        try:
            content = _read(path)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            yield Outcome(
                path, "unreadable", f"{path}: cannot be read: {reason}; give an image file such as JPEG or PNG"
            )
            continue
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if digest in seen:
            yield Outcome(path, "duplicate", f"{path}: is in the gallery already, as {seen[digest]}")
            continue
        picture = _decoded(content)
        if picture is None:
            yield Outcome(path, "unreadable", f"{path}: is no image that can be decoded; give a JPEG or PNG file")
            continue
        seen[digest] = type_id
        box = largest_object(picture, finder)
        crop = picture if box is None else crop_object(picture, box)
        vector = embedder.embed([crop]).vectors[0]
        photo = Photo.of(digest, type_id, *origin, box is not None, vector)
        how = "cropped to the object" if box is not None else "no object was detected in it, so the whole photo counts"
        yield Outcome(path, "added", f"{path}: added, {how}", photo)


def _read(path: Path) -> bytes:
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise ValueError(f"it has {size} bytes, more than {MOST_BYTES}")
    return path.read_bytes()


def _decoded(content: bytes) -> NDArray[np.uint8] | None:
    try:
        found = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    return None if found is None else np.asarray(found, np.uint8)


def confusion(type_id: str, gallery: Gallery, types: Mapping[str, TypeNode]) -> Confusion:
    """Judge each photo of a type by all photos but itself."""
    place = arena(class_of(type_id, types))
    chosen = [i for i, photo in enumerate(gallery.photos) if arena(class_of(photo.type, types)) == place]
    names = [gallery.photos[index].type for index in chosen]
    kinds, vectors = sorted(set(names)), gallery.vectors[chosen]
    labels = np.array([kinds.index(name) for name in names], np.intp)
    nearest: Counter[str] = Counter()
    for index in (index for index, name in enumerate(names) if name == type_id):
        rest = np.arange(len(names)) != index
        scores = similarities(vectors[index : index + 1], vectors[rest], labels[rest], len(kinds))[0]
        scores[np.bincount(labels[rest], minlength=len(kinds)) == 0] = -np.inf
        nearest[kinds[int(scores.argmax())]] += 1
    own = nearest.pop(type_id, 0)
    others = tuple(sorted(nearest.items(), key=lambda item: (-item[1], item[0])))
    return Confusion(own + sum(nearest.values()), own, others)
