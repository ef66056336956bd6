"""Sightings in order of their likeness to a picture: every picture of every sighting is compared, none is skipped."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roundel.errors import UsageError
from roundel.search.model import Alike, Filters
from roundel.search.places import Places, up_to_date
from roundel.search.vectors import Network, Progress, known

MEASURED = (
    "Measured in a few real clips: a picture of the same object, at least a second later in the same clip, came first "
    "among 625 sightings of other videos in 90 % of 214 pairs, and among the first ten in 95 %. The same object on "
    "another day, at another place or from the other side was not measured; expect far less."
)
"""What ``benchmarks/search.py`` has measured; docs/search.md has all figures."""
OnCase = Callable[[Path], Progress]


@dataclass(frozen=True, slots=True)
class Ranked:
    """The most similar sightings, and how many were compared.

    ``made``: pictures that a vector was made of now; ``unreadable``: those that are no pictures.
    """

    hits: tuple[Alike, ...]
    sightings: int
    pictures: int
    made: int
    unreadable: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    package: str
    track: str
    class_: str
    start_seconds: float
    end_seconds: float
    file: str
    seconds: float
    sha256: str


def alike(
    folders: Sequence[Path], picture: NDArray[np.uint8], network: Network, filters: Filters, progress: OnCase
) -> Ranked:
    """Sightings by the similarity of their most similar picture to a picture (h, w, 3, BGR).

    The network sees each picture and its mirror image, so a mirrored view is as similar as the view itself.

    Args:
        folders: the cases.
        picture: what is looked for.
        network: makes the vectors.
        filters: which sightings count, and how many are wanted.
        progress: gives for a case what is told how far its pictures are.

    Raises:
        UsageError: if a folder is no case, or its index or its vectors cannot be written.
        IntegrityError: if something in a case is not as it was written.
    """
    wanted = network.embedder.embed([picture]).vectors[0]
    found: list[Alike] = []
    sightings = pictures = made = 0
    unreadable: list[Path] = []
    for case in folders:
        with up_to_date(case) as connection:
            every = _rows(connection)
        try:
            kept = known(case, {row.sha256: case / row.package / row.file for row in every}, network, progress(case))
        except sqlite3.Error as error:
            raise UsageError(f"{case}: vectors of its pictures cannot be kept: {error}") from error
        made, unreadable = made + kept.made, [*unreadable, *kept.unreadable]
        rows = [
            row
            for row in every
            if row.sha256 in kept.vectors and filters.take(row.class_, row.start_seconds, row.end_seconds)
        ]
        best = _best(rows, np.array([kept.vectors[row.sha256] for row in rows], np.float32), wanted)
        sightings, pictures = sightings + len(best), pictures + len(rows)
        places = Places(case)
        for score, row in best[: filters.limit]:
            place = places.place(row.package)
            track = places.track(place, row.track, row.file)
            seconds = next(view.seconds for view in track.views if view.file == row.file)
            found.append(Alike(place, track.id, score, row.file, seconds))
    found.sort(key=lambda item: -item.similarity)
    return Ranked(tuple(found[: filters.limit]), sightings, pictures, made, tuple(unreadable))


def _rows(connection: sqlite3.Connection) -> list[_Row]:
    rows = connection.execute(
        "SELECT package, track, class, start_seconds, end_seconds, file, seconds, sha256 "
        "FROM exemplar JOIN sighting USING (package, track) ORDER BY package, track, file"
    )
    return [_Row(*row) for row in rows]


def _best(rows: Sequence[_Row], vectors: NDArray[np.float32], wanted: NDArray[np.float32]) -> list[tuple[float, _Row]]:
    """Each sighting's most similar picture, most similar first; vectors (pictures, d) and (d,) are of length 1."""
    if not rows:
        return []
    scores = np.clip(vectors @ wanted, -1, 1)
    best: dict[tuple[str, str], tuple[float, _Row]] = {}
    for row, score in zip(rows, scores.tolist(), strict=True):
        key = (row.package, row.track)
        if key not in best or score > best[key][0]:
            best[key] = (score, row)
    return sorted(best.values(), key=lambda item: (-item[0], item[1].package, item[1].track))
