"""Galleries: vectors of photos whose type is known, with where each photo came from. The photos are not kept.

A gallery is one JSON file: the network that made the vectors, the types it adds to the tree, and a row for each photo.
The shipped gallery, the user's and the case's have the same form and are used together.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import roundel_models
from roundel.classes import lineage, tree
from roundel.disk import read_bounded
from roundel.errors import WeightsError

FILE = "gallery.json"
FORMAT = "roundel-gallery-1"
MOST_BYTES = 512 * 1024**2
ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
SHA256 = re.compile(r"sha256:[0-9a-f]{64}")
OTHER, UNKNOWN = "other", "unknown"
MOST_TEXT = 200
MERGED = ("aircraft", "ship")
"""Classes below which the detector does not tell classes apart: all their types compete."""


@dataclass(frozen=True, slots=True)
class TypeNode:
    """A type or family: ``parent`` is a family or a node of the class tree."""

    parent: str
    title: str
    level: str


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo of a gallery. ``vector``: float16, base64; ``boxed``: an object was found in it and cropped."""

    sha256: str
    type: str
    source: str
    licence: str
    boxed: bool
    vector: str

    @staticmethod
    def of(sha256: str, type_id: str, source: str, licence: str, boxed: bool, vector: NDArray[np.float32]) -> Photo:
        """A photo with its vector (d,)."""
        code = base64.b64encode(vector.astype("<f2").tobytes()).decode()
        return Photo(sha256, type_id, source, licence, boxed, code)


@dataclass(frozen=True)
class Gallery:
    """Photos by type. ``types``: the types and families that this gallery adds to those shipped with the program."""

    network_sha256: str
    types: Mapping[str, TypeNode]
    photos: tuple[Photo, ...]

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """Unit vectors (photos, d)."""
        rows = [_numbers(item.vector) for item in self.photos]
        found = np.stack(rows) if rows else np.zeros((0, 1), np.float32)
        return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-6), np.float32)


def _numbers(vector: str) -> NDArray[np.float32]:
    """A photo's vector (d,) as it was kept; ValueError if it is no base64 of half-precision numbers."""
    return np.frombuffer(base64.b64decode(vector, validate=True), "<f2").astype(np.float32)


def shipped_types() -> dict[str, TypeNode]:
    """The types and families that come with the program."""
    return {
        name: TypeNode(entry["parent"], entry["title"], entry["level"])
        for name, entry in roundel_models.types().items()
    }


def class_of(type_id: str, types: Mapping[str, TypeNode]) -> str:
    """The node of the class tree that a type hangs below."""
    parent = types[type_id].parent
    return class_of(parent, types) if parent in types else parent


def above(type_id: str, types: Mapping[str, TypeNode]) -> tuple[str, ...]:
    """A type, its families and the classes above them, deepest first.

    >>> above("t-72b3", shipped_types())
    ('t-72b3', 't-72', 'armoured_vehicle', 'vehicle', 'equipment', 'object')
    """
    parent = types[type_id].parent
    return (type_id, *(above(parent, types) if parent in types else lineage(parent)))


def arena(node: str) -> str:
    """The class within which types compete, for a node of the class tree.

    >>> arena("combat_aircraft"), arena("armoured_vehicle")
    ('aircraft', 'armoured_vehicle')
    """
    return next((name for name in MERGED if name in lineage(node)), node)


def check_types(types: Mapping[str, TypeNode], place: str, known: Mapping[str, TypeNode]) -> None:
    """Refuse names that could be mistaken for others or that hold what is no plain text.

    Raises:
        WeightsError: naming the place and the first wrong entry.
    """
    for name, node in types.items():
        if not ID.fullmatch(name):
            raise WeightsError(f"{place}: {name!r} is no name of a type: use small letters, digits and hyphens")
        if name in tree() or name in (OTHER, UNKNOWN):
            raise WeightsError(f"{place}: {name!r} is a name of the class tree and cannot be a type")
        if not node.title.strip() or len(node.title) > MOST_TEXT or not node.title.isprintable():
            raise WeightsError(f"{place}: the title of {name} is empty, too long or holds control characters")
        if node.level not in ("type", "family"):
            raise WeightsError(f"{place}: the level of {name} is neither type nor family")
        if name in known and known[name] != node:
            raise WeightsError(f"{place}: {name} is another type in another gallery; give it another name")
        _check_parent(name, {**known, **types}, place)


def _check_parent(name: str, types: Mapping[str, TypeNode], place: str) -> None:
    parent, steps = types[name].parent, 0
    while parent in types and steps < 8:
        parent, steps = types[parent].parent, steps + 1
    if parent not in tree() or not tree()[parent].hardware:
        raise WeightsError(f"{place}: {name} hangs below {types[name].parent!r}, which is no family and no class")


def needed_types(type_id: str, types: Mapping[str, TypeNode]) -> dict[str, TypeNode]:
    """The entries that a gallery must hold to know a type by itself: it and its families, less what is shipped."""
    shipped = shipped_types()
    return {name: types[name] for name in above(type_id, types) if name in types and name not in shipped}


def read(path: Path) -> Gallery:
    """Read and check a gallery's file.

    Raises:
        WeightsError: if it is damaged or holds anything that a gallery cannot hold.
    """
    try:
        content = read_bounded(path, MOST_BYTES)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror}); make it readable or remove it") from error
    return parse(content, path)


def parse(content: bytes, path: Path) -> Gallery:
    """Check the bytes of a gallery's file, which lie or will lie at ``path``.

    Raises:
        WeightsError: if they are damaged or hold anything that a gallery cannot hold.
    """
    try:
        data = json.loads(content)
        if data["format"] != FORMAT:
            raise ValueError(f"its format is {str(data['format'])[:40]!r}, not {FORMAT}")
        types = {name: TypeNode(**_texts(entry)) for name, entry in data["types"].items()}
        gallery = Gallery(str(data["network_sha256"]), types, tuple(_photo(entry) for entry in data["photos"]))
        _check_vectors(gallery)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsError(
            f"{path}: is no gallery as 'roundel gallery add' writes it ({error}); remove it and add the photos again"
        ) from error
    check_types(types, str(path), shipped_types())
    return gallery


def _texts(entry: Mapping[str, Any]) -> dict[str, str]:
    if not all(isinstance(value, str) for value in entry.values()):
        raise ValueError("a type's entry holds something else than text")
    return dict(entry)


def _photo(entry: Mapping[str, Any]) -> Photo:
    photo = Photo(**entry)
    texts = (photo.sha256, photo.type, photo.source, photo.licence, photo.vector)
    if not all(isinstance(text, str) for text in texts) or not isinstance(photo.boxed, bool):
        raise ValueError("a photo's entry holds something else than text")
    if not SHA256.fullmatch(photo.sha256):
        raise ValueError("a photo's hash is none")
    if not all(len(text) <= MOST_TEXT and text.isprintable() for text in (photo.source, photo.licence)):
        raise ValueError("a photo's source or licence is too long or holds control characters")
    return photo


def _check_vectors(gallery: Gallery) -> None:
    known = {**shipped_types(), **gallery.types}
    for photo in gallery.photos:
        if photo.type not in known:
            raise ValueError(f"a photo is of {photo.type[:64]!r}, which is no type")
        numbers = _numbers(photo.vector)
        if not np.isfinite(numbers).all() or not numbers.any():
            raise ValueError(f"the vector of photo {photo.sha256} is empty, zero or not finite")
    lengths = sorted({len(_numbers(photo.vector)) for photo in gallery.photos})
    if len(lengths) > 1:
        raise ValueError(f"its vectors are not of one length, but of {lengths}")


def write(gallery: Gallery, path: Path) -> None:
    """Write a gallery's file whole or not at all, and only if it can be read again without any other gallery.

    Raises:
        WeightsError: if it could not be read again.
        OSError: naming the gallery's file, if it cannot be written.
    """
    content = {
        "format": FORMAT,
        "network_sha256": gallery.network_sha256,
        "types": {name: asdict(node) for name, node in sorted(gallery.types.items())},
        "photos": [asdict(photo) for photo in sorted(gallery.photos, key=lambda item: (item.type, item.sha256))],
    }
    written = (json.dumps(content, indent=0, ensure_ascii=False, sort_keys=True) + "\n").encode()
    parse(written, path)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(written)
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextmanager
def alone(folder: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Keep others from changing a gallery meanwhile; they wait, after they have called ``waiting``."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def file_sha256(path: Path) -> str:
    """The hash of a gallery's file."""
    return f"sha256:{hashlib.sha256(read_bounded(path, MOST_BYTES)).hexdigest()}"


def merge(galleries: Sequence[tuple[Path, Gallery]], network_sha256: str) -> tuple[Gallery, dict[str, TypeNode]]:
    """All galleries as one, and the tree of all types. A photo that several hold counts once.

    Raises:
        WeightsError: if one was made with another network, or two mean different things by one name.
    """
    types = shipped_types()
    added: dict[str, TypeNode] = {}
    photos: dict[tuple[str, str], Photo] = {}
    width = 0
    for path, gallery in galleries:
        if gallery.network_sha256 != network_sha256:
            raise WeightsError(
                f"{path}: was made with another type network ({gallery.network_sha256}), so its vectors "
                "mean nothing here; move the file away and add its photos again"
            )
        if gallery.photos and gallery.vectors.shape[1] != (width or gallery.vectors.shape[1]):
            raise WeightsError(
                f"{path}: its vectors have {gallery.vectors.shape[1]} numbers instead of {width}, so it was changed; "
                "remove the file and add its photos again"
            )
        width = gallery.vectors.shape[1] if gallery.photos else width
        check_types(gallery.types, str(path), types)
        types.update(gallery.types)
        added.update(gallery.types)
        for photo in gallery.photos:
            photos.setdefault((photo.type, photo.sha256), photo)
    return Gallery(network_sha256, added, tuple(photos[key] for key in sorted(photos))), types
