"""Footage that a video shows again, and which of its tracks are one object therefore."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from roundel.matching.candidates import HashIndex
from roundel.matching.exhibits import beside, overlay
from roundel.matching.footage import Footage
from roundel.matching.geometry import moved
from roundel.matching.match import match
from roundel.matching.model import Match, best_pair
from roundel.types import Repeat, Seconds

KeepPicture = Callable[[str, NDArray[np.uint8]], str]
Floats = NDArray[np.float64]

LEAST_OVERLAP = 0.5
"""Intersection over union of a box and that of the earlier time, mapped into the later picture."""
LEAST_FRAMES = 2
"""Frames in which two tracks have to lie on each other."""
NEAR_SECONDS = 0.3
"""The boxes of both times are at most so far apart, after the shift between the two times."""


@dataclass(slots=True)
class Paths:
    """Where tracks were: for each of them times and boxes, as (seconds, left, top, right, bottom) in a row."""

    _rows: dict[str, array[float]] = field(default_factory=lambda: defaultdict(lambda: array("f")))

    def add(self, track: str, seconds: Seconds, xyxy: Sequence[float]) -> None:
        """Note one box."""
        self._rows[track].extend((seconds, *xyxy))

    def keep(self, tracks: set[str]) -> None:
        """Forget all other tracks."""
        for track in self._rows.keys() - tracks:
            del self._rows[track]

    def within(self, since: Seconds, until: Seconds) -> Iterator[tuple[str, Floats]]:
        """The tracks of a span and where they were in it, (n, 5)."""
        for track, row in self._rows.items():
            rows = np.array(row, np.float64).reshape(-1, 5)
            rows = rows[(rows[:, 0] >= since) & (rows[:, 0] <= until)]
            if len(rows):
                yield track, rows


@dataclass(frozen=True, slots=True)
class Followed:
    """The tracks of a video: where they were, in pixels, and the width and height of its pictures."""

    paths: Paths
    size: tuple[int, int]


def find_repeats(footage: Footage) -> list[Match]:
    """What a video shows again, the later time as the query.

    Raises:
        IntegrityError: if a picture of its keyframes cannot be read.
    """
    return match(footage, HashIndex([footage]))


def as_repeats(
    matches: Sequence[Match], footage: Footage, paths: Paths, size: tuple[int, int], keep: KeepPicture
) -> tuple[Repeat, ...]:
    """The published form of repeats: with pictures of the proof, and the tracks that are one object.

    Args:
        matches: what was found.
        footage: the video.
        paths: where its tracks were, in pixels.
        size: width and height of its pictures.
        keep: keeps a picture, as :class:`roundel.analyze.Sink` does.
    """
    found = []
    for number, made in enumerate(matches, start=1):
        best = best_pair(made.pairs)
        stills = footage.still(best.query), footage.still(best.reference)
        transform = np.array(best.transform)
        found.append(
            Repeat(
                made.query_seconds,
                made.reference_seconds,
                made.speed,
                made.mirrored,
                made.slack_seconds,
                made.edits,
                len(made.pairs),
                best.inliers,
                tuple(same_objects(made, paths, size)),
                (best.query.at.seconds, best.reference.at.seconds),
                best.transform,
                keep(f"repeat-{number}-overlay.png", overlay(*stills, transform)),
                keep(f"repeat-{number}-beside.png", beside(*stills)),
            )
        )
    return tuple(found)


def same_objects(made: Match, paths: Paths, size: tuple[int, int]) -> list[tuple[str, str]]:
    """Pairs of tracks that lie on each other where footage is shown again: (of the later time, of the earlier)."""
    own = Followed(paths, size)
    return shared_objects(made, own, own)


def shared_objects(made: Match, query: Followed, reference: Followed) -> list[tuple[str, str]]:
    """Pairs of tracks that lie on each other where two videos show the same: (of the query, of the reference).

    Within one video no track is paired with itself.
    """
    mine, others = (np.array([*side.size, *side.size], np.float64) for side in (query, reference))
    offset = made.reference_seconds[0] - made.speed * made.query_seconds[0]
    there = list(reference.paths.within(*made.reference_seconds))
    agreed: Counter[tuple[str, str]] = Counter()
    for track, rows in query.paths.within(*made.query_seconds):
        for row in rows:
            transform = _transform_at(made, row[0])
            mapped = _mapped(row[1:] / mine, transform) * others
            for other, places in there:
                if query is reference and track == other:
                    continue
                apart = np.abs(places[:, 0] - (made.speed * row[0] + offset))
                nearest = places[apart.argmin()]
                if apart.min() <= NEAR_SECONDS and _overlap(mapped, nearest[1:]) >= LEAST_OVERLAP:
                    agreed[track, other] += 1
    return _one_to_one({pair: frames for pair, frames in agreed.items() if frames >= LEAST_FRAMES})


def _one_to_one(agreed: Mapping[tuple[str, str], int]) -> list[tuple[str, str]]:
    """Each track with the one that it lies on most often."""
    pairs: list[tuple[str, str]] = []
    for one, other in sorted(agreed, key=lambda pair: (-agreed[pair], pair)):
        if all(one != first and other != second for first, second in pairs):
            pairs.append((one, other))
    return sorted(pairs)


def _transform_at(made: Match, seconds: float) -> Floats:
    """The map from the query's picture to the reference's, of the verified pair that is nearest in time."""
    nearest = min(made.pairs, key=lambda pair: abs(pair.query.at.seconds - seconds))
    return np.array(nearest.transform, np.float64)


def _mapped(box: Floats, transform: Floats) -> Floats:
    """The box around a mapped box."""
    left, top, right, bottom = box
    corners = moved(np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64), transform)
    return np.concatenate([corners.min(axis=0), corners.max(axis=0)])


def _overlap(one: Floats, other: Floats) -> float:
    """Intersection over union of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    common = max(0.0, float(width)) * max(0.0, float(height))
    areas = sum(float((box[2] - box[0]) * (box[3] - box[1])) for box in (one, other))
    return common / (areas - common) if areas > common else 0.0
