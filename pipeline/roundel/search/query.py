"""The picture that is asked for: a crop of one object, or a photograph in which the detector finds one object."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roundel.disk import read_bounded
from roundel.errors import UsageError
from roundel.identify.photos import LEAST_PX, MOST_BYTES, Finder, clear_objects, cut, fitted
from roundel.images import decode

GIVE = "give a JPEG, PNG or WebP file"
FILLS = 0.6
"""A box with this part of the picture's area is all of it: the picture is a crop already. Exhibits have about 0.74."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """What is compared.

    Args:
        path: the file.
        sha256: its hash.
        picture: what is compared (h, w, 3, BGR).
        box: x1, y1, x2, y2 of the object that it was cropped to, as shares of the whole picture; ``None``: the whole.
        how: how it came to that, in words.
        people: boxes of people that the detector found, in pixels of ``picture``; ``None`` if nobody looked.
    """

    path: Path
    sha256: str
    picture: NDArray[np.uint8]
    box: Box | None
    how: str
    people: tuple[Box, ...] | None


def read_query(path: Path, finder: Finder | None) -> Query:
    """Read a picture file and crop it to its object if there is exactly one that stands out.

    Args:
        path: the file.
        finder: finds objects; ``None``: the whole picture is taken.

    Raises:
        UsageError: if the file is no picture, too large or too small.
    """
    content, picture = _read(path)
    sha256 = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if finder is None:
        return Query(path, sha256, picture, None, "the whole picture was compared, as asked for", None)
    objects, people = clear_objects(picture, finder)
    height, width = picture.shape[:2]
    if len(objects) != 1:
        found = f"{len(objects)} objects stand out in it" if objects else "no object stands out in it"
        how = f"the whole picture was compared, since {found}"
        if objects:
            how += "; crop it to the one that is meant"
        return Query(path, sha256, picture, None, how, tuple(people))
    x1, y1, x2, y2 = objects[0]
    if (x2 - x1) * (y2 - y1) >= FILLS * width * height:
        how = "the whole picture was compared, since one object fills it"
        return Query(path, sha256, picture, None, how, tuple(people))
    left, top, right, bottom = cut(picture, objects[0])
    crop = picture[top:bottom, left:right]
    if max(crop.shape[:2]) < LEAST_PX:
        raise UsageError(
            f"{path}: the object in it is only {max(crop.shape[:2])} pixels long; give a closer picture, or --whole"
        )
    moved = tuple((a - left, b - top, c - left, d - top) for a, b, c, d in people)
    shares = (x1 / width, y1 / height, x2 / width, y2 / height)
    return Query(path, sha256, crop, shares, "the one object that stands out in it was compared", moved)


def _read(path: Path) -> tuple[bytes, NDArray[np.uint8]]:
    try:
        content = read_bounded(path, MOST_BYTES)
        picture = decode(content)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}; {GIVE}") from error
    except ValueError as error:
        raise UsageError(f"{path}: {error}; {GIVE}") from error
    try:
        return content, fitted(picture)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from error
