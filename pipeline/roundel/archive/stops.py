"""The stop-list: pictures that many unrelated videos share, such as title cards and colour bars; they prove nothing.

A picture is put on it if all of this holds:

* it occurs in at least ``LEAST_VIDEOS`` videos, its hashes at most 31 bits apart;
* it is plain: at least ``FLAT_SHARE`` of its picture has no texture. A photograph that everybody shows is evidence;
* the videos share nothing else. Videos with another picture in common count as one, so that a shot of an event that was
  published many times, or one video that was, is no reason; other plain pictures of that kind do not connect them.

Moving idents are not stopped: by hashes alone they cannot be told from a scene that was shown often.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import cv2
import faiss
import numpy as np
from numpy.typing import NDArray

from roundel.disk import replace_text
from roundel.errors import IntegrityError, RoundelError
from roundel.fingerprint.keyframes import Still
from roundel.fingerprint.pdq import ALGORITHM, BYTES, parse
from roundel.matching.candidates import STOP_RADIUS

Hashes = NDArray[np.uint8]
Numbers = NDArray[np.int64]

FILE: Final = "stops.json"
LEAST_VIDEOS: Final = 5
FLAT_SHARE: Final = 0.5
TEXTURE: Final = 2.0  # grey levels of deviation within a block; compression alone gives less
GRID: Final = 16  # the picture is judged in GRID × GRID blocks
LOOKED_AT: Final = 3  # pictures of one kind that are judged
MOST_VIDEOS: Final = 40  # of one kind that are compared with each other


@dataclass(frozen=True, slots=True)
class Stop:
    """A picture on the stop-list: the hashes of its forms, where it was first seen, and how often.

    ``unrelated`` counts the videos that show it, those that share something else counted as one.
    """

    hashes: tuple[str, ...]
    package: str
    keyframe: int
    videos: int
    unrelated: int
    flat_share: float

    @property
    def reason(self) -> str:
        """Why it is on the list."""
        return (
            f"{self.flat_share:.0%} of the picture is flat, and {self.videos} videos show it, of which "
            f"{self.unrelated} share nothing else; keyframe {self.keyframe} of {self.package}"
        )


def stop_hashes(stops: Sequence[Stop]) -> Hashes:
    """The hashes of a stop-list, (n, 32)."""
    bits = b"".join(parse(text) for stop in stops for text in stop.hashes)
    return np.frombuffer(bits, np.uint8).reshape(-1, BYTES)


def read_stops(folder: Path) -> tuple[Stop, ...]:
    """The stop-list of an index; empty if none was learned.

    Raises:
        IntegrityError: if it cannot be read.
    """
    path = folder / FILE
    if not path.exists():
        return ()
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        stops = tuple(Stop(**{**stop, "hashes": tuple(stop["hashes"])}) for stop in known)
        stop_hashes(stops)
    except (OSError, ValueError, KeyError, TypeError, RoundelError) as error:
        raise IntegrityError(f"{path}: cannot be read: {error}; remove it and learn the stop-list again") from error
    return stops


def write_stops(folder: Path, stops: Sequence[Stop]) -> None:
    """Keep a stop-list with an index."""
    replace_text(folder / FILE, json.dumps([asdict(stop) for stop in stops], indent=1) + "\n")


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """The whole pictures of an archive as parallel arrays: hashes (n, 32), number of the video, place in the video."""

    hashes: Hashes
    video: Numbers
    keyframe: Numbers

    def of(self, videos: Numbers) -> Pictures:
        """Those of some videos."""
        keep = np.isin(self.video, videos)
        return Pictures(self.hashes[keep], self.video[keep], self.keyframe[keep])


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A plain picture that many videos show: one of its hashes (32,), its members' rows, and how flat it is."""

    hash: Hashes
    rows: Numbers
    flat_share: float


def plain_kinds(pictures: Pictures, still: Callable[[int, int], Still], least_videos: int) -> list[Kind]:
    """Plain pictures that so many videos show, those of most videos first.

    Args:
        pictures: all pictures.
        still: gives a picture by the number of the video and the place of the keyframe.
        least_videos: how many videos have to show it.
    """
    found: list[Kind] = []
    judged: list[Hashes] = []
    for row in _frequent(pictures, least_videos):
        mine = pictures.hashes[row]
        if any(_apart(mine, other) <= STOP_RADIUS for other in judged):
            continue
        judged.append(mine)
        rows = _near(pictures.hashes, mine[None], STOP_RADIUS)
        videos, first = np.unique(pictures.video[rows], return_index=True)
        if len(videos) < least_videos:
            continue
        looked_at = rows[first[np.linspace(0, len(first) - 1, LOOKED_AT).round().astype(int)]]
        flat = [flat_share(still(int(pictures.video[item]), int(pictures.keyframe[item]))) for item in looked_at]
        if min(flat) >= FLAT_SHARE:
            found.append(Kind(mine, rows, round(min(flat), 3)))
    return sorted(found, key=lambda kind: -len(np.unique(pictures.video[kind.rows])))


def unrelated(pictures: Pictures, kind: Kind, kinds: Sequence[Kind]) -> int:
    """How many of the videos that show a picture share nothing else; at most ``MOST_VIDEOS`` of them are compared."""
    videos = np.unique(pictures.video[kind.rows])[:MOST_VIDEOS]
    theirs = pictures.of(videos)
    plain = np.array([other.hash for other in kinds])
    stopped = np.zeros(len(theirs.hashes), np.bool_)
    stopped[_near(theirs.hashes, plain, STOP_RADIUS)] = True
    rest = [theirs.hashes[(theirs.video == video) & ~stopped] for video in videos]
    group = list(range(len(rest)))
    for one in range(len(rest)):
        for other in range(one):
            if group[one] != group[other] and len(_near(rest[one], rest[other], STOP_RADIUS)):
                group = [group[other] if item == group[one] else item for item in group]
    return len(set(group))


def flat_share(still: Still) -> float:
    """The share of a picture (h, w) that has no texture, in blocks."""
    size = (8 * GRID, 8 * GRID)
    small = cv2.resize(still, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    blocks = small.reshape(GRID, 8, GRID, 8).std(axis=(1, 3))
    return float((blocks < TEXTURE).mean())


def written(bits: Hashes) -> str:
    """A hash (32,) with its algorithm."""
    return f"{ALGORITHM}:{bits.tobytes().hex()}"


def _frequent(pictures: Pictures, least_videos: int) -> list[int]:
    """Rows whose hash has a quarter (64 bits) in common with rows of so many videos."""
    found: set[int] = set()
    quarters = np.ascontiguousarray(pictures.hashes).view("<u8")
    for number in range(quarters.shape[1]):
        order = np.lexsort((pictures.video, quarters[:, number]))
        value, video = quarters[order, number], pictures.video[order]
        new_value = np.concatenate([[True], value[1:] != value[:-1]]) if len(value) else np.zeros(0, np.bool_)
        new_video = new_value | np.concatenate([[True], video[1:] != video[:-1]]) if len(value) else new_value
        starts = np.flatnonzero(new_value)
        counts = np.add.reduceat(new_video.astype(np.int64), starts) if len(starts) else np.zeros(0, np.int64)
        found.update(int(order[start]) for start in starts[counts >= least_videos])
    return sorted(found)


def _near(hashes: Hashes, wanted: Hashes, radius: int) -> Numbers:
    """The rows that are near a wanted hash, sorted."""
    if not len(hashes) or not len(wanted):
        return np.zeros(0, np.int64)
    flat = faiss.IndexBinaryFlat(8 * BYTES)
    flat.add(np.ascontiguousarray(wanted))
    distance, _ = flat.search(np.ascontiguousarray(hashes), 1)
    return np.flatnonzero(distance[:, 0] <= radius)


def _apart(one: Hashes, other: Hashes) -> int:
    return int(np.bitwise_count(one ^ other).sum())
