"""Adding photos to a gallery, and what the new type is taken for."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from roundel.classes import tree
from roundel.disk import read_bounded
from roundel.errors import UsageError
from roundel.identify.embed import Embedder
from roundel.identify.gallery import Gallery, Photo, TypeNode, arena, check_types, class_of, needed_types, shipped_types
from roundel.identify.photos import LEAST_PX, MOST_BYTES, Finder, crop_object, fitted, object_of_class
from roundel.identify.posterior import NEAREST, similarities
from roundel.images import decode

FEW = NEAREST
"""A type with fewer photos is filled up with chance likeness: it is too few to be named alone."""
SAME = 0.98
"""Photos of a type that are more alike than this are one photo saved twice. In the shipped gallery, where none is held
twice, the most alike of 80,596 pairs are below it."""

LEAST_HASH = 8

Status = Literal["added", "duplicate", "near_duplicate", "refused", "unreadable"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a photo; ``boxed``: whether an object was found in it, else the whole photo was taken.

    ``sha256`` and ``boxed`` are ``None`` where it did not come to that.
    """

    path: Path
    status: Status
    message: str
    sha256: str | None = None
    boxed: bool | None = None
    photo: Photo | None = None


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
    if parent in types and types[parent].level == "type":
        raise UsageError(
            f"--parent {parent}: is a type, and nothing hangs below a type; give its family or class, "
            f"which is {types[parent].parent}"
        )
    entry = {type_id: TypeNode(parent, title or type_id, "type")}
    check_types(entry, "roundel gallery add", types)
    return entry


@dataclass(frozen=True)
class Adding:
    """Photos of one type on their way into a gallery.

    Args:
        type_id: the type they show.
        node: the class that the type hangs below.
        origin: source and licence.
        target: the name, in words, of the gallery that they are added to.
        galleries: all galleries in use, by name.
        finder: finds the object in a photo; ``None``: the whole photo is taken.
        embedder: makes the vectors.
    """

    type_id: str
    node: str
    origin: tuple[str, str]
    target: str
    galleries: Mapping[str, Gallery]
    finder: Finder | None
    embedder: Embedder

    def photos(self, paths: Sequence[Path]) -> Iterator[Outcome]:
        """Look at photos one by one; the caller keeps those that were added."""
        fresh: dict[str, NDArray[np.float32]] = {}
        for path in paths:
            outcome = self._look(path, fresh)
            if outcome.photo is not None:
                fresh[outcome.photo.sha256] = Gallery("", {}, (outcome.photo,)).vectors[0]
            yield outcome

    def _look(self, path: Path, fresh: Mapping[str, NDArray[np.float32]]) -> Outcome:
        try:
            content = read_bounded(path, MOST_BYTES)
        except OSError as error:
            said = f"{path}: cannot be read: {error.strerror or error}; give a JPEG, PNG or WebP file"
            return Outcome(path, "unreadable", said)
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        held = self._held(path, digest, fresh)
        if held is not None:
            return held
        found = self._cropped(path, digest, content)
        return found if isinstance(found, Outcome) else self._embedded(path, digest, *found, fresh)

    def _cropped(self, path: Path, digest: str, content: bytes) -> tuple[NDArray[np.uint8], bool] | Outcome:
        """What counts of a photo, and whether that is an object found in it; or why nothing does."""
        try:
            picture = decode(content)
        except ValueError as error:
            return Outcome(path, "unreadable", f"{path}: {error}; give a JPEG, PNG or WebP file", digest)
        try:
            picture = fitted(picture)
        except ValueError as error:
            return Outcome(path, "refused", f"{path}: {error}", digest)
        box = None if self.finder is None else object_of_class(picture, self.finder, self.node)
        if isinstance(box, str):
            seen, wanted = (_with_article(name) for name in (box, self.node))
            said = f"{path}: shows {seen}, not {wanted}; give another photo, or take the whole picture with --whole"
            return Outcome(path, "refused", said, digest)
        crop = picture if box is None else crop_object(picture, box)
        if max(crop.shape[:2]) < LEAST_PX:
            said = f"{path}: the object in it is only {max(crop.shape[:2])} pixels long; give a closer picture"
            return Outcome(path, "refused", said, digest, True)
        return crop, box is not None

    def _held(self, path: Path, digest: str, fresh: Mapping[str, NDArray[np.float32]]) -> Outcome | None:
        """What is to be said of a photo whose bytes are known: held already, or held as something else."""
        for name, gallery in self.galleries.items():
            types = {photo.type for photo in gallery.photos if photo.sha256 == digest}
            others = sorted(types - {self.type_id})
            if others:
                said = f"{path}: is in {name} already, as {others[0]}; a photo shows one type, so it was not added"
                return Outcome(path, "refused", said, digest)
            if types and name == self.target:
                return Outcome(path, "duplicate", f"{path}: is in {name} already, as {self.type_id}", digest)
        return Outcome(path, "duplicate", f"{path}: was given twice", digest) if digest in fresh else None

    def _embedded(
        self,
        path: Path,
        digest: str,
        crop: NDArray[np.uint8],
        boxed: bool,
        fresh: Mapping[str, NDArray[np.float32]],
    ) -> Outcome:
        vector = self.embedder.embed([crop]).vectors[0]
        likeness, twin = self._most_alike(digest, vector, fresh)
        if likeness > SAME:
            said = (
                f"{path}: Warning: is all but the same picture as {twin} (likeness {likeness:.3f}), so it was not "
                f"added: it would count as another photo of {self.type_id} and is none"
            )
            return Outcome(path, "near_duplicate", said, digest, boxed)
        photo = Photo.of(digest, self.type_id, *self.origin, boxed, vector)
        how = "the whole photo counts" if self.finder is None else _how(boxed)
        return Outcome(path, "added", f"{path}: added, {how}", digest, boxed, photo)

    def _most_alike(
        self, digest: str, vector: NDArray[np.float32], fresh: Mapping[str, NDArray[np.float32]]
    ) -> tuple[float, str]:
        """The likeness to the most similar other photo of the type, and which that is."""
        others = [(f"{sha256}, given in this call", float(vector @ kept)) for sha256, kept in fresh.items()]
        for name, gallery in self.galleries.items():
            chosen = [
                index
                for index, photo in enumerate(gallery.photos)
                if photo.type == self.type_id and photo.sha256 != digest
            ]
            found = gallery.vectors[chosen] @ vector if chosen else ()
            others += [
                (f"{gallery.photos[index].sha256} in {name}", float(value))
                for index, value in zip(chosen, found, strict=True)
            ]
        return max(((value, name) for name, value in others), default=(-1.0, ""))


def _with_article(node: str) -> str:
    title = tree()[node].title
    return f"{'an' if title[0] in 'aeiou' else 'a'} {title}"


def _how(boxed: bool) -> str:
    return "cropped to the object" if boxed else "no object was detected in it, so the whole photo counts"


def without(gallery: Gallery, type_id: str, hashes: Sequence[str]) -> tuple[Gallery, tuple[str, ...]]:
    """A gallery without photos of a type, and their hashes; families that nothing needs any more go with the last one.

    Args:
        gallery: what to take from.
        type_id: the type.
        hashes: the photos' hashes or their beginnings, with or without ``sha256:``; none: all photos of the type.

    Raises:
        UsageError: if it holds no such photo.
    """
    own = [photo.sha256 for photo in gallery.photos if photo.type == type_id]
    gone = [] if hashes else own
    for wanted in hashes:
        found = [sha256 for sha256 in own if sha256.removeprefix("sha256:").startswith(wanted.removeprefix("sha256:"))]
        if len(found) != 1 or len(wanted.removeprefix("sha256:")) < LEAST_HASH:
            raise UsageError(
                f"{wanted}: is the hash of {len(found) or 'no'} photos of {type_id} in this gallery; give at least "
                f"{LEAST_HASH} digits of it, as 'sha256sum PHOTO' prints them, or none to remove the whole type"
            )
        gone += found
    if not own and type_id not in gallery.types:
        raise UsageError(f"{type_id}: is not in this gallery; roundel gallery list shows what is known")
    kept = tuple(photo for photo in gallery.photos if photo.type != type_id or photo.sha256 not in gone)
    types = {**shipped_types(), **gallery.types}
    needed = {name for photo in kept for name in needed_types(photo.type, types)}
    dropped = needed_types(type_id, types).keys() - needed
    left = {name: node for name, node in gallery.types.items() if name not in dropped}
    return Gallery(gallery.network_sha256, left, kept), tuple(sorted(set(gone)))


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
