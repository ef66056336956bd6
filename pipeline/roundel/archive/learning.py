"""Learns the stop-list from the indexes of cases and the pictures in their packages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from roundel.archive.search import CaseIndex
from roundel.archive.segment import Segment
from roundel.archive.stops import LEAST_VIDEOS, Kind, Pictures, Stop, plain_kinds, unrelated, write_stops, written
from roundel.fingerprint.keyframes import Still
from roundel.fingerprint.storage import StillReader, read_keyframes

WHOLE = 0
"""Place of the whole picture among the forms of a keyframe."""


def learn_stops(indexes: Sequence[CaseIndex], least_videos: int = LEAST_VIDEOS) -> tuple[Stop, ...]:
    """Learn the stop-list of an archive of cases, and keep it with the index of each.

    A later list replaces an earlier one. One video that lies in several cases counts once for each.

    Raises:
        IntegrityError: if an index or a package is damaged.
    """
    videos: list[tuple[Path, str]] = []
    collected: list[Pictures] = []
    for index in indexes:
        for segment in index.opened():
            with segment:
                collected.append(_pictures(segment, len(videos)))
                videos += [(index.case, entry.package) for entry in segment.entries]
    pictures = _joined(collected)

    def still(video: int, keyframe: int) -> Still:
        case, name = videos[video]
        with StillReader(case / name) as stills:
            return stills(read_keyframes(case / name)[keyframe].ref)

    kinds = plain_kinds(pictures, still, least_videos)
    counted = [(kind, unrelated(pictures, kind, kinds)) for kind in kinds]
    stops = tuple(_stop(kind, count, pictures, videos) for kind, count in counted if count >= least_videos)
    for index in indexes:
        if index.folder.is_dir():
            write_stops(index.folder, stops)
    return stops


def _pictures(segment: Segment, first: int) -> Pictures:
    rows = np.flatnonzero(segment.forms == WHOLE)
    return Pictures(
        np.array(segment.hashes[rows]), segment.entry_of(rows) + first, np.array(segment.keyframes[rows], np.int64)
    )


def _joined(parts: Sequence[Pictures]) -> Pictures:
    if not parts:
        return Pictures(np.zeros((0, 32), np.uint8), np.zeros(0, np.int64), np.zeros(0, np.int64))
    return Pictures(
        np.concatenate([part.hashes for part in parts]),
        np.concatenate([part.video for part in parts]),
        np.concatenate([part.keyframe for part in parts]),
    )


def _stop(kind: Kind, count: int, pictures: Pictures, videos: Sequence[tuple[Path, str]]) -> Stop:
    """The hashes of all forms of the picture's first keyframe."""
    row = int(kind.rows[0])
    case, name = videos[int(pictures.video[row])]
    place = int(pictures.keyframe[row])
    forms = read_keyframes(case / name)[place].fingerprints
    hashes = tuple(dict.fromkeys(written(np.frombuffer(item.bits, np.uint8)) for item in forms))
    return Stop(hashes, name, place, len(np.unique(pictures.video[kind.rows])), count, kind.flat_share)
