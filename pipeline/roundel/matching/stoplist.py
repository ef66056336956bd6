"""Pictures that many videos have in common without being copies: title cards, idents, test charts.

They are learned from an archive: a picture is on the list if it occurs in many videos that otherwise share little with
the one it was taken from. Footage that many compilations have reused looks the same to a machine, so each entry names
where it comes from, for a person to look at before the list is used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from roundel.fingerprint.pdq import distance
from roundel.matching.candidates import SAME_PICTURE, HashIndex
from roundel.matching.footage import Footage
from roundel.types import Seconds

LEAST_VIDEOS = 10
LITTLE = 0.3
"""Two videos share little if at most this share of either's keyframes is found in the other."""


@dataclass(frozen=True, slots=True)
class StopEntry:
    """A hash of 32 bytes, in how many other videos it occurs, and where one can look at it."""

    bits: bytes
    videos: int
    video: str
    seconds: Seconds


def stop_list(archive: Sequence[Footage], least_videos: int = LEAST_VIDEOS) -> tuple[StopEntry, ...]:
    """The pictures that occur in ``least_videos`` others or more that share little with theirs, most frequent first."""
    index = HashIndex(archive)
    found: list[StopEntry] = []
    for number, video in enumerate(archive):
        seen: Counter[int] = Counter()
        for other, hits in index.search(video, SAME_PICTURE).items():
            if other == number:
                continue
            plain = hits.select(~hits.mirrored)
            mine, theirs = np.unique(plain.query), np.unique(plain.reference)
            if len(mine) <= LITTLE * len(video.keyframes) and len(theirs) <= LITTLE * len(archive[other].keyframes):
                seen.update(mine.tolist())
        for place, videos in seen.items():
            if videos >= least_videos:
                keyframe = video.keyframes[place]
                found += [
                    StopEntry(item.bits, videos, video.name, keyframe.seconds)
                    for item in keyframe.fingerprints
                    if item.form == "whole"
                ]
    return _distinct(sorted(found, key=lambda entry: (-entry.videos, entry.video, entry.seconds)))


def _distinct(entries: Sequence[StopEntry]) -> tuple[StopEntry, ...]:
    kept: list[StopEntry] = []
    for entry in entries:
        if all(distance(entry.bits, other.bits) > SAME_PICTURE for other in kept):
            kept.append(entry)
    return tuple(kept)
