"""One shot: its tracks, what they prove together, and the sightings they amount to."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel.classes import given_object, hidden_share
from roundel.config import Config
from roundel.count import Pair, Seen, ShotEvidence, ShotProof, appearance, as_box
from roundel.detect import LoadedDetector
from roundel.seams import SeamMeter, separated
from roundel.sightings import Gallery, Stillness, TrackRecord, conclude, view_quality
from roundel.specialists import Specialists
from roundel.track import Tracker
from roundel.types import (
    Caption,
    Detections,
    Exemplar,
    FrameRef,
    MediaInfo,
    Reading,
    Seconds,
    Sighting,
    TypeOpinion,
    View,
)

PICTURE_PX = 427  # longest side of an exemplar; a proof frame is at most three times as large
VIEW_PX = 640  # longest side of a crop that specialists see: a number on a vehicle is a twentieth of its length
MOST_HIDDEN = 0.2  # a track that may be a person by more than this share is not pictured
GRACE_SECONDS = 1.0  # a track is closed this long after the tracker has given it up
CROP_MARGIN = 0.08  # of the box's size, so that a person sees a little of the surroundings
CLOSE_UP = 0.5  # of the frame: writing on a larger object is not told from writing laid over it
CAPTION_SECONDS = 0.4  # writing is read in a frame this long after a shot began: captions fade in


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """An analysed frame: its boxes, a crop of each (``None`` where the class is not shown), and small pictures.

    ``thumbnail`` (h, w, 3) in Y, U, V; ``luma`` (h, w), larger; ``preview`` (h, w, 3, BGR) if it may become a proof;
    ``still`` (h, w, 3, BGR) if its writing may be read.
    """

    ref: FrameRef
    found: Detections
    crops: tuple[NDArray[np.uint8] | None, ...]
    thumbnail: NDArray[np.uint8]
    luma: NDArray[np.uint8]
    preview: NDArray[np.uint8] | None
    still: NDArray[np.uint8] | None = None


def at_most(picture: NDArray[np.uint8], longest_px: int) -> NDArray[np.uint8]:
    """A copy with the longest side at most ``longest_px``."""
    scale = longest_px / max(picture.shape[:2])
    if scale >= 1:
        return picture.copy()
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def crop_region(box: NDArray[np.float32], width: int, height: int) -> tuple[int, int, int, int]:
    """The region (x1, y1, x2, y2) that is cut out of a frame of this size to show a box (4,)."""
    margin = CROP_MARGIN * (box[2:] - box[:2])
    left, top = np.maximum(box[:2] - margin, 0).astype(int)
    right, bottom = np.minimum(np.ceil(box[2:] + margin), (width, height)).astype(int)
    return int(left), int(top), int(right), int(bottom)


def _inside(box: tuple[float, float, float, float], objects: NDArray[np.float32]) -> bool:
    """Whether the middle of a box is inside one of the objects' boxes (n, 4)."""
    middle = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
    return bool(((objects[:, :2] <= middle) & (middle <= objects[:, 2:])).all(axis=1).any())


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
        specialists: Specialists,
    ) -> None:
        self.shot, self.tracks = shot, tracks_before
        self._tracker, self._loaded, self._config, self._info = tracker, loaded, config, info
        self._keep_picture, self._specialists = keep_picture, specialists
        self._input_scale = loaded.detector.input_scale(info.width, info.height)
        self._least_px = np.array([loaded.least_px.get(name, 0.0) for name in loaded.detector.classes])
        self._ids: dict[int, str] = {}
        self._live: dict[str, TrackRecord] = {}
        self._sightings: list[Sighting] = []
        self._proof = ShotProof(config.counting)
        self._exhibits: dict[Seconds, str] = {}
        self._seams = SeamMeter()
        self._seams_since: dict[str, SeamMeter] = {}
        self._began: Seconds | None = None
        self._still: tuple[Seconds, NDArray[np.uint8], NDArray[np.float32]] | None = None

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
            self._keep_still(examined)
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

    def captions(self) -> tuple[Caption, ...]:
        """The writing in one frame of the shot, outside the objects that were found in it."""
        if self._still is None or self._specialists.reader is None:
            return ()
        seconds, picture, boxes = self._still
        areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        small = boxes[areas < CLOSE_UP * self._info.width * self._info.height]
        readings = self._specialists.reader.read_frame(picture, seconds, picture.shape[1] / self._info.width)
        return tuple(Caption(self.shot, reading) for reading in readings if not _inside(reading.xyxy, small))

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
        box = examined.found.xyxy[index]
        region = as_box(np.array(crop_region(box, self._info.width, self._info.height), np.float32))
        quality = view_quality(crop, score)
        return View(examined.ref.at.seconds, as_box(box), region, round(score, 4), crop, quality)

    def _keep_still(self, examined: Examined) -> None:
        """Keep the frame in which the shot's writing is read: the first one some time after it began, else the last."""
        now = examined.ref.at.seconds
        self._began = now if self._began is None else self._began
        if examined.still is not None and (self._still is None or self._still[0] - self._began < CAPTION_SECONDS):
            self._still = (now, examined.still, examined.found.xyxy)

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
        sighting = conclude(record, self.shot, loaded.detector.classes, loaded.shown_as, config, loaded.calibration)
        if sighting is None:
            return
        views = record.gallery.best() if hidden_share(sighting.posterior) < MOST_HIDDEN else []
        exemplars = tuple(
            Exemplar(
                self._keep_picture(f"{track}-{number}.png", at_most(view.crop, PICTURE_PX)),
                view.seconds,
                view.xyxy,
                view.score,
            )
            for number, view in enumerate(views, start=1)
        )
        opinion, readings = self._look_again(views, sighting)
        self._sightings.append(replace(sighting, exemplars=exemplars, type=opinion, readings=readings))

    def _look_again(self, views: list[View], sighting: Sighting) -> tuple[TypeOpinion | None, tuple[Reading, ...]]:
        """What the specialists say about the views of a sighting."""
        identifier, reader = self._specialists.identifier, self._specialists.reader
        opinion: TypeOpinion | None = None
        readings: tuple[Reading, ...] = ()
        if views and identifier is not None:
            opinion = identifier.identify(views, given_object(sighting.posterior))
        if views and reader is not None:
            readings = reader.read_object(views)
        return opinion, readings

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
