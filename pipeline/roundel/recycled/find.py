"""Looks for footage of one video in the videos of cases: the index says where, the pictures prove it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roundel import __version__
from roundel.archive.learning import learn_stops
from roundel.archive.search import CaseIndex, Method, said_of
from roundel.archive.stops import LEAST_VIDEOS
from roundel.exchange.store import contributions
from roundel.fingerprint.keyframes import VERSION as FINGERPRINTS
from roundel.matching.candidates import RADIUS, Hits
from roundel.matching.exhibits import beside, overlay
from roundel.matching.match import match_two
from roundel.matching.model import FramePair, Match, best_pair
from roundel.record import (
    MATCHES_VERSION,
    MATCHING,
    FootageMatch,
    MatchedVideo,
    MatchReference,
    PicturePair,
    VideoMatches,
)
from roundel.recycled.hints import Hint, hints
from roundel.recycled.objects import followed
from roundel.recycled.sources import CaseVideos, Source
from roundel.repeats import shared_objects

LIBRARIES = ("faiss-cpu", "numpy", "opencv-python")

Pictures = dict[str, NDArray[np.uint8]]
"""Pictures (h, w, 3, BGR) by the name of their file."""
Known = Callable[[str], VideoMatches | None]
"""Gives what was found before and kept, by its id."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What two videos share, and their packages; ``query_folder`` is missing for a file that is in no case.

    ``pictures`` are those that the matches name; none if all was known before, and kept.
    """

    matches: VideoMatches
    query_folder: Path | None
    reference_folder: Path
    pictures: Pictures = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SameFile:
    """Two videos of which one has the bytes of the other: no pictures have to be compared."""

    query: MatchedVideo
    reference: MatchedVideo


class Reference:
    """A case in which footage is looked for; its index is brought up to date first.

    ``not_compared`` says which packages could not be compared, and why; ``stops`` is the number of plain pictures that
    many of its videos share, which prove nothing; ``contributed`` that of the videos whose fingerprints others gave.
    """

    def __init__(self, case: Path, method: Method = "exact", radius: int = RADIUS) -> None:
        """Bring the index of a case up to date.

        Raises:
            UsageError: if the folder is no case, or another run renews its index.
            IntegrityError: if its custody log or a contribution is damaged.
            OSError: if the index cannot be written.
        """
        self.videos = CaseVideos(case)
        self.method: Method = method
        self._radius = radius
        self._index = CaseIndex(case)
        renewal = self._index.refresh()
        changed = renewal.added or renewal.removed or renewal.rebuilt
        if changed and len(self._index.packages()) >= LEAST_VIDEOS:
            learn_stops([self._index])
        self._stops = stops = self._index.stops()
        self.stops = len(stops)
        self._contributed = contributions(case)
        self.contributed = sum(len(item.contribution.videos) for item in self._contributed)
        self.not_compared = (
            *(f"{case / name}: does not agree with the custody log" for name in self.videos.left_out),
            *(
                f"{case / name}: holds no fingerprints; analyse the video again"
                for name in self.videos.packages
                if not self.videos.has_fingerprints(name)
            ),
            *renewal.problems,
        )
        self.compared = len(self.videos.packages) - sum(
            not self.videos.has_fingerprints(name) for name in self.videos.packages
        )
        digest = hashlib.sha256(json.dumps([stop.hashes for stop in stops]).encode()).hexdigest()
        self._made_with = {
            "tool_version": __version__,
            "matching": MATCHING,
            "fingerprints": FINGERPRINTS,
            "radius_bits": radius,
            "stop_list": f"sha256:{digest}" if stops else None,
            "libraries": {name: version(name) for name in LIBRARIES},
        }

    @property
    def said(self) -> str:
        """How candidates are found, in words."""
        return said_of(self.method, self._radius)

    def find(
        self, query: Source, skips: frozenset[str] = frozenset(), known: Known = lambda _: None
    ) -> Iterator[Found | SameFile | Hint]:
        """What a video shares with those of the case, by the name of the other's package; then what hashes hint at.

        Args:
            query: the video.
            skips: hashes of videos that are not compared with it.
            known: gives what was found and kept before.

        Raises:
            IntegrityError: if the index is damaged, or a package that is compared.
        """
        if query.sha256 in self.videos.by_video and query.sha256 not in skips:
            yield SameFile(query.video, self.videos.described(self.videos.by_video[query.sha256]))
        current = set(self.videos.packages)
        for name, hits in self._index.search(query.footage, self._radius, self.method):
            if name not in current:
                continue  # an earlier analysis of a video, or a package that is left out
            reference = self.videos.described(name)
            if reference.sha256 == query.sha256 or reference.sha256 in skips:
                continue
            name_of_both = self._id(query.video, reference)
            before = known(name_of_both)
            if before is not None:
                yield Found(before, query.folder, self.videos.case / name)
            elif (found := self._compare(query, name, hits, name_of_both)) is not None:
                yield found
        yield from hints(query, self._contributed, self.videos.by_video.keys(), self._stops)

    def _id(self, query: MatchedVideo, reference: MatchedVideo) -> str:
        both = [video.manifest_sha256 or video.sha256 for video in (query, reference)]
        text = json.dumps({"videos": both, "made_with": self._made_with}, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _compare(self, query: Source, name: str, hits: Hits, name_of_both: str) -> Found | None:
        with self.videos.opened(name) as reference:
            made = match_two(query.footage, reference.footage, hits, self._radius)
            if not made:
                return None
            same = _same_objects(made, query, reference)
            records: list[FootageMatch] = []
            pictures: Pictures = {}
            for number, (item, objects) in enumerate(zip(made, same, strict=True), start=1):
                record = _record(item, number, reference.sha256, objects)
                best = best_pair(item.pairs)
                stills = query.footage.still(best.query), reference.footage.still(best.reference)
                pictures[record.overlay] = overlay(*stills, np.array(best.transform))
                pictures[record.beside] = beside(*stills)
                records.append(record)
            matches = VideoMatches(
                schema_version=MATCHES_VERSION,
                id=name_of_both,
                query=query.video,
                reference=reference.video,
                made_with=dict[str, Any](self._made_with),
                matches=records,
            )
            return Found(matches, query.folder, self.videos.case / name, pictures)


def _same_objects(made: list[Match], query: Source, reference: Source) -> list[list[tuple[str, str]]]:
    """For each match the tracks that are one object; none if one of the videos was not analysed."""
    sides = [followed(side.folder) if side.folder is not None else None for side in (query, reference)]
    if sides[0] is None or sides[1] is None:
        return [[] for _ in made]
    return [shared_objects(item, sides[0], sides[1]) for item in made]


def _record(made: Match, number: int, sha256: str, same: list[tuple[str, str]]) -> FootageMatch:
    top = best_pair(made.pairs)
    return FootageMatch(
        query=list(made.query_seconds),
        reference=MatchReference(sha256=sha256, range=list(made.reference_seconds)),
        mirrored=made.mirrored,
        method=MATCHING,
        inliers=top.inliers,
        verified_pairs=len(made.pairs),
        speed=made.speed,
        slack_seconds=made.slack_seconds,
        edits=list(made.edits),
        at_seconds=[top.query.at.seconds, top.reference.at.seconds],
        transform=[list(row) for row in top.transform],
        overlay=f"overlay-{number}.png",
        beside=f"beside-{number}.png",
        same_objects=same,
        pairs=[_pair(pair) for pair in made.pairs],
    )


def _pair(pair: FramePair) -> PicturePair:
    return PicturePair(
        seconds=[pair.query.at.seconds, pair.reference.at.seconds],
        frames=[pair.query.index, pair.reference.index],
        forms=[pair.query_form, pair.reference_form],
        distance=pair.distance,
        inliers=pair.inliers,
        compared=pair.compared,
        agreement=pair.agreement,
        transform=[list(row) for row in pair.transform],
    )
