"""One shot: its tracks, what they prove together, and the sightings they amount to."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roundel.classes import hidden_share
from roundel.config import Config
from roundel.count import Pair, Seen, ShotEvidence, ShotProof, appearance, as_box
from roundel.detect import LoadedDetector
from roundel.seams import SeamMeter, separated
from roundel.sightings import Gallery, Stillness, TrackRecord, View, conclude, view_quality
from roundel.track import Tracker
from roundel.types import Detections, Exemplar, FrameRef, MediaInfo, Seconds, Sighting

PICTURE_PX = 427  # longest side of an exemplar; a proof frame is at most three times as large
MOST_HIDDEN = 0.2  # a track that may be a person by more than this share is not pictured
GRACE_SECONDS = 1.0  # a track is closed this long after the tracker has given it up


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """An analysed frame: its boxes, a crop of each (``None`` where the class is not shown), and small pictures.

    ``thumbnail`` (h, w, 3) in Y, U, V; ``luma`` (h, w), larger; ``preview`` (h, w, 3, BGR) if it may become a proof.
    """

    ref: FrameRef
    found: Detections
    crops: tuple[NDArray[np.uint8] | None, ...]
    thumbnail: NDArray[np.uint8]
    luma: NDArray[np.uint8]
    preview: NDArray[np.uint8] | None


class ShotAnalyst:
    """Fed with the analysed frames of one shot in order."""

    def __init__(
        self,
        shot: int,
        tracker: Tracker,
        loaded: LoadedDetector,
        config: Config,
        info: MediaInfo,
        keep_picture: Callable[[str, NDArray[np.uint8]], str],
        tracks_before: int,
    ) -> None:
        self.shot, self.tracks = shot, tracks_before
        self._tracker, self._loaded, self._config, self._info = tracker, loaded, config, info
        self._keep_picture = keep_picture
        self._input_scale = loaded.detector.input_scale(info.width, info.height)
        self._least_px = np.array([loaded.least_px.get(name, 0.0) for name in loaded.detector.classes])
        self._ids: dict[int, str] = {}
        self._live: dict[str, TrackRecord] = {}
        self._sightings: list[Sighting] = []
        self._proof = ShotProof(config.counting)
        self._exhibits: dict[Seconds, str] = {}
        self._seams = SeamMeter()
        self._seams_since: dict[str, SeamMeter] = {}

    def add(self, examined: Examined, in_transition: bool) -> dict[str, Any]:
        """Take a frame; returns its line for the file of detections."""
        now = examined.ref.at.seconds
        numbers = self._tracker.update(examined.found, now)
        ids = [self._id(int(number)) for number in numbers]
        for index, track in enumerate(ids):
            if track is not None:
                self._note(self._record(track, now), examined, index)
        if not in_transition:
            self._prove(examined, ids)
        self._close_lost(now)
        return self._line(examined, ids, in_transition)

    def finish(self) -> tuple[list[Sighting], ShotEvidence]:
        """The sightings of the shot in order of appearance, and what it proves."""
        for track in list(self._live):
            self._conclude(track)
        copies = self._proof.copies
        groups = tuple(
            replace(kept, pairs=kept.pairs - copies, exhibit=self._exhibits[kept.seconds])
            for kept in self._proof.groups
        )
        solid = frozenset(track for track in self._proof.solid if self._proof.is_solid(track))
        evidence = ShotEvidence(groups, solid)
        return sorted(self._sightings, key=lambda sighting: sighting.id), evidence

    def _id(self, number: int) -> str | None:
        if number < 0:
            return None
        if number not in self._ids:
            self.tracks += 1
            self._ids[number] = f"t{self.tracks:05d}"
        return self._ids[number]

    def _record(self, track: str, now: Seconds) -> TrackRecord:
        if track not in self._live:
            self._live[track] = TrackRecord(track, now, Gallery(self._config.tracking.exemplars))
        return self._live[track]

    def _note(self, record: TrackRecord, examined: Examined, index: int) -> None:
        found, crop = examined.found, examined.crops[index]
        longest = float((found.xyxy[index, 2:] - found.xyxy[index, :2]).max()) * self._input_scale
        record.add(examined.ref.at.seconds, found.scores[index], longest < self._least_px, self._view(examined, index))
        if crop is not None:
            box = found.xyxy[index] * np.float32(examined.luma.shape[1] / self._info.width)
            record.stillness = record.stillness or Stillness(box, examined.luma)
            record.stillness.add(box, examined.luma)

    def _view(self, examined: Examined, index: int) -> View | None:
        crop = examined.crops[index]
        if crop is None:
            return None
        score = float(examined.found.score[index])
        box = as_box(examined.found.xyxy[index])
        return View(examined.ref.at.seconds, box, round(score, 4), crop, view_quality(crop, score))

    def _prove(self, examined: Examined, ids: list[str | None]) -> None:
        seen = [
            Seen(track, examined.found.xyxy[index], float(examined.found.score[index]), appearance(crop))
            for index, (track, crop) in enumerate(zip(ids, examined.crops, strict=True))
            if track is not None and crop is not None
        ]
        self._watch_seams(examined, seen)
        if self._proof.add(examined.ref.at.seconds, seen, self._separated(seen)) and examined.preview is not None:
            name = f"frame-{examined.ref.index:07d}.png"
            self._exhibits[examined.ref.at.seconds] = self._keep_picture(name, examined.preview)

    def _watch_seams(self, examined: Examined, seen: list[Seen]) -> None:
        """Feed the seams of the whole shot and those since each track began: an inset may appear in mid-shot."""
        for item in seen:
            if item.score >= self._config.counting.min_score:
                self._seams_since.setdefault(item.track, SeamMeter())
        for meter in (self._seams, *self._seams_since.values()):
            meter.add(examined.thumbnail)

    def _separated(self, seen: list[Seen]) -> Iterator[Pair]:
        strong = [item for item in seen if item.score >= self._config.counting.min_score]
        size = np.array([self._info.width, self._info.height] * 2, np.float32)
        for one, other in itertools.combinations(sorted(strong, key=lambda item: item.track), 2):
            younger = min((self._seams_since[item.track] for item in (one, other)), key=lambda meter: meter.frames)
            regions = [*self._seams.regions(), *younger.regions()]
            if separated(one.xyxy / size, other.xyxy / size, regions):
                yield one.track, other.track

    def _close_lost(self, now: Seconds) -> None:
        limit = now - self._config.tracking.lost_seconds - GRACE_SECONDS
        for track in [track for track, record in self._live.items() if record.end_seconds < limit]:
            self._conclude(track)

    def _conclude(self, track: str) -> None:
        record = self._live.pop(track)
        self._seams_since.pop(track, None)
        config, loaded = self._config.tracking, self._loaded
        sighting = conclude(record, self.shot, loaded.detector.classes, loaded.shown_as, config, ())
        if sighting is None:
            return
        views = record.gallery.best() if hidden_share(sighting.posterior) < MOST_HIDDEN else []
        exemplars = tuple(
            Exemplar(self._keep_picture(f"{track}-{number}.png", view.crop), view.seconds, view.xyxy, view.score)
            for number, view in enumerate(views, start=1)
        )
        self._sightings.append(replace(sighting, exemplars=exemplars))

    def _line(self, examined: Examined, ids: list[str | None], in_transition: bool) -> dict[str, Any]:
        found, at, classes = examined.found, examined.ref.at, self._loaded.detector.classes
        return {
            "seconds": at.seconds,
            "pts": at.pts,
            "time_base": f"{at.time_base.numerator}/{at.time_base.denominator}",
            "frame": examined.ref.index,
            "shot": self.shot,
            "in_transition": in_transition,
            "boxes": [
                {
                    "xyxy": list(as_box(found.xyxy[index])),
                    "class": classes[found.label[index]],
                    "score": round(float(found.score[index]), 4),
                    "track": ids[index],
                    "scores": [round(float(value), 4) for value in found.scores[index]],
                }
                for index in range(len(found))
            ],
        }
