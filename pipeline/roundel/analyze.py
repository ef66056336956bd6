"""The only composition: one video in, one result out. The command line, batches and notebooks all call it.

Frames flow through a generator. Shot detection looks at each of them, keyframes are fingerprinted, and the sampler
chooses which the detector sees; the detector runs on threads of its own while decoding goes on. Results are taken up in
the order of the frames, whatever the speed of either, so the same file with the same settings gives the same result.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from roundel.classes import hidden_share, lineage, tree
from roundel.config import Config
from roundel.count import ShotEvidence, count
from roundel.detect import LoadedDetector
from roundel.fingerprint.keyframes import Fingerprinter, Keep, drop
from roundel.matching.footage import Footage
from roundel.media.colour import bgr, luma, thumbnail
from roundel.media.decode import VideoDecoder
from roundel.media.probe import probe
from roundel.repeats import Paths, as_repeats, find_repeats
from roundel.sampling import Interval, Sampler
from roundel.shot_analyst import MOST_HIDDEN, PICTURE_PX, VIEW_PX, Examined, ShotAnalyst, at_most, crop_region
from roundel.shots import FrameLabel, ShotDetector
from roundel.specialists import ExpendableReader, Specialists
from roundel.track import ByteTracker
from roundel.types import (
    Caption,
    Count,
    Detections,
    Frame,
    MediaInfo,
    Proof,
    Repeat,
    Shot,
    Sighting,
    VideoIdentity,
    VideoResult,
)

FRAMES_IN_FLIGHT_BYTES = 192 * 1024**2
STEPS_IN_FLIGHT = 8
PIXELS_TOGETHER = 32_000_000
"""Pixels of the pictures that a detector gets in one call, unless one picture has more."""
LUMA_PX = 384
STILL_PX = 1280  # longest side of a frame in which writing is read

NO_SPECIALISTS = Specialists()

Progress = Callable[[float, float | None], None]


class Sink(Protocol):
    """Where an analysis puts what it makes while it runs."""

    def picture(self, name: str, image: NDArray[np.uint8]) -> str:
        """Keep a picture (h, w, 3, BGR) and return its file name within the package."""
        ...

    def detections(self, line: dict[str, Any]) -> None:
        """Keep the boxes of one analysed frame."""
        ...


@dataclass(slots=True)
class _Step:
    interval: Interval
    base: Future[list[Examined]]
    rest: Future[list[Examined]] | None = None


class _Examiner:
    """Runs the detector on threads and gives its results back in the order of the frames."""

    def __init__(
        self, loaded: LoadedDetector, config: Config, info: MediaInfo, pool: ThreadPoolExecutor, keep_stills: bool
    ) -> None:
        self._detector, self._config, self._pool, self._keep_stills = loaded.detector, config, pool, keep_stills
        held = max(
            1.0, config.sampling.dense_fps / (config.sampling.base_fps if config.sampling.base_fps != "all" else 1e9)
        )
        frame_bytes = info.width * info.height * 1.5
        self._limit = int(max(2, min(STEPS_IN_FLIGHT, FRAMES_IN_FLIGHT_BYTES / (frame_bytes * (held + 1)))))
        self._steps: deque[_Step] = deque()
        self.analysed = 0

    def open(self, interval: Interval) -> Iterator[Examined]:
        """Take a new base sample; yields what must be finished now so that not too many frames wait."""
        self._steps.append(_Step(interval, self._submit([interval.base], self._keep_stills)))
        for index in range(len(self._steps) - 1):
            if not (self._steps[index].base.done() and self._steps[index + 1].base.done()):
                break
            self._settle(index)
        while len(self._steps) > self._limit:
            yield from self._take()

    def finish(self) -> Iterator[Examined]:
        """Yield the rest."""
        while self._steps:
            yield from self._take()

    def _submit(self, frames: Sequence[Frame], keep_stills: bool = False) -> Future[list[Examined]]:
        self.analysed += len(frames)
        return self._pool.submit(self._examine, frames, keep_stills)

    def _settle(self, index: int) -> None:
        """Decide about the held frames of a complete interval, once the detector has spoken about both its ends."""
        step = self._steps[index]
        if step.rest is None:
            after = self._steps[index + 1].base.result() if index + 1 < len(self._steps) else []
            dense = self._is_hot(step.base.result()) or self._is_hot(after)
            step.rest = self._submit(step.interval.chosen(dense))
            step.interval.held.clear()

    def _take(self) -> Iterator[Examined]:
        self._settle(0)
        step = self._steps.popleft()
        assert step.rest is not None
        yield from step.base.result()
        yield from step.rest.result()

    def _is_hot(self, examined: Sequence[Examined]) -> bool:
        hardware = np.array([tree()[name].hardware for name in self._detector.classes])
        return any(
            bool((item.found.scores[:, hardware] >= self._config.sampling.trigger_score).any()) for item in examined
        )

    def _examine(self, frames: Sequence[Frame], keep_stills: bool) -> list[Examined]:
        if not frames:
            return []
        together = max(1, PIXELS_TOGETHER // (frames[0].width * frames[0].height))
        groups = (frames[start : start + together] for start in range(0, len(frames), together))
        return [examined for group in groups for examined in self._examine_together(group, keep_stills)]

    def _examine_together(self, frames: Sequence[Frame], keep_stills: bool) -> list[Examined]:
        pictures = [bgr(frame) for frame in frames]
        found = self._detector.detect(pictures)
        return [
            Examined(
                frame.ref,
                boxes,
                tuple(self._crops(picture, boxes)),
                thumbnail(frame),
                luma(frame, LUMA_PX),
                self._preview(picture, boxes),
                at_most(picture, STILL_PX) if keep_stills else None,
            )
            for frame, picture, boxes in zip(frames, pictures, found, strict=True)
        ]

    def _may_show(self, found: Detections) -> NDArray[np.bool_]:
        shown = np.array([tree()[name].pictures for name in self._detector.classes])
        return np.asarray(shown[found.label], np.bool_)

    def _crops(self, picture: NDArray[np.uint8], found: Detections) -> Iterator[NDArray[np.uint8] | None]:
        height, width = picture.shape[:2]
        for box, may_show in zip(found.xyxy, self._may_show(found), strict=True):
            left, top, right, bottom = crop_region(box, width, height)
            if not may_show or right - left < 2 or bottom - top < 2:
                yield None
            else:
                yield at_most(picture[top:bottom, left:right], VIEW_PX)

    def _preview(self, picture: NDArray[np.uint8], found: Detections) -> NDArray[np.uint8] | None:
        """The whole picture, if it may prove that two objects were seen together."""
        strong = (found.score >= self._config.counting.min_score) & self._may_show(found)
        return at_most(picture, 3 * PICTURE_PX) if strong.sum() >= 2 else None


class _Story:
    """Puts examined frames and frame labels together, shot after shot."""

    def __init__(
        self, loaded: LoadedDetector, config: Config, info: MediaInfo, sink: Sink, specialists: Specialists
    ) -> None:
        self._loaded, self._config, self._info, self._sink = loaded, config, info, sink
        self._specialists = specialists
        self._labels: deque[FrameLabel] = deque()
        self._waiting: deque[Examined] = deque()
        self._analyst: ShotAnalyst | None = None
        self._tracks = 0
        self.sightings: list[Sighting] = []
        self.evidence: list[ShotEvidence] = []
        self.captions: list[Caption] = []
        self.brief_tracks = 0
        self.paths = Paths()

    def add(self, labels: Sequence[FrameLabel], examined: Iterator[Examined]) -> None:
        self._labels.extend(labels)
        self._waiting.extend(examined)
        while self._waiting:
            index = self._waiting[0].ref.index
            while self._labels and self._labels[0].ref.index < index:
                self._labels.popleft()
            if not self._labels:
                return
            self._tell(self._waiting.popleft(), self._labels[0])

    def _tell(self, examined: Examined, label: FrameLabel) -> None:
        if self._analyst is None or self._analyst.shot != label.shot:
            self.close()
            tracker = ByteTracker(self._config.tracking)
            self._analyst = ShotAnalyst(
                label.shot,
                tracker,
                self._loaded,
                self._config,
                self._info,
                self._sink.picture,
                self._tracks,
                self._specialists,
            )
        line = self._analyst.add(examined, label.in_transition)
        for box in line["boxes"]:
            if box["track"] is not None:
                self.paths.add(box["track"], line["seconds"], box["xyxy"])
        self._sink.detections(line)

    def close(self) -> None:
        """Finish the current shot."""
        if self._analyst is None:
            return
        sightings, evidence = self._analyst.finish()
        self.sightings += sightings
        self.brief_tracks += self._analyst.tracks - self._tracks - len(sightings)
        self._tracks = self._analyst.tracks
        self.evidence.append(evidence)
        self.captions += self._analyst.captions()
        self._analyst = None


def analyze_video(
    path: Path,
    identity: VideoIdentity,
    config: Config,
    loaded: LoadedDetector,
    sink: Sink,
    provenance: dict[str, object],
    progress: Progress | None = None,
    specialists: Specialists = NO_SPECIALISTS,
    keep_keyframe: Keep = drop,
    footage: Callable[[tuple[Shot, ...]], Footage] | None = None,
) -> VideoResult:
    """Analyse one video.

    Args:
        path: the video; it is only read.
        identity: its hash, size and names.
        config: all settings.
        loaded: the detector.
        sink: takes pictures and boxes while the analysis runs.
        provenance: what made this result; copied into it.
        progress: called with the seconds of video that are done and those there are, as far as the header says.
        specialists: who looks at each object again; none by default.
        keep_keyframe: takes the fingerprints and the picture of each keyframe.
        footage: gives them back when all are there, to look for what the video shows again; without it nobody looks.

    Raises:
        MediaError: if the file cannot be read as video.
        StallError: if something else is in the way; a reader of writing only if the configuration asks for it by name.
    """
    expendable = None
    if specialists.reader is not None and config.text.engine == "auto":
        expendable = ExpendableReader(specialists.reader)
        specialists = replace(specialists, reader=expendable)
    info = probe(path, config.media)
    decoder = VideoDecoder(path, info, config.media)
    shots, sampler, fingerprinter = ShotDetector(), Sampler(config.sampling), Fingerprinter(keep_keyframe)
    story = _Story(loaded, config, info, sink, specialists)
    start = info.start_seconds_from_header or 0.0
    with ThreadPoolExecutor(loaded.calls, thread_name_prefix="detector") as pool:
        examiner = _Examiner(loaded, config, info, pool, keep_stills=specialists.reader is not None)
        for frame in decoder:
            small = thumbnail(frame)
            labels = shots.push(frame.ref, small)
            fingerprinter.push(frame, small, shots.suspects_cut)
            interval = sampler.offer(frame, shots.suspects_cut)
            story.add(labels, examiner.open(interval) if interval is not None else iter(()))
            if progress is not None and interval is not None:
                progress(frame.ref.at.seconds - start, info.duration_seconds_from_header)
        sampler.finish()
        fingerprinter.finish()
        story.add(shots.finish(), examiner.finish())
        story.close()
    repeats: tuple[Repeat, ...] = ()
    if footage is not None:
        own = footage(shots.shots)
        story.paths.keep({sighting.id for sighting in story.sightings})
        repeats = as_repeats(find_repeats(own), own, story.paths, (info.width, info.height), sink.picture)
    if expendable is not None:
        info = replace(info, warnings=(*info.warnings, *expendable.warnings()))
    return VideoResult(
        video=identity,
        media=info,
        coverage=decoder.coverage,
        analysed_frames=examiner.analysed,
        provenance=provenance,
        shots=shots.shots,
        sightings=tuple(story.sightings),
        brief_tracks=story.brief_tracks,
        counts=count_by_class(story.sightings, story.evidence, config.counting.samples, repeats),
        captions=tuple(story.captions),
        repeats=repeats,
    )


def count_by_class(
    sightings: Sequence[Sighting], evidence: Sequence[ShotEvidence], samples: int, repeats: Sequence[Repeat] = ()
) -> dict[str, Count]:
    """Counts for every class that a sighting is reported as; people and burnt-in graphics are not counted.

    A class includes the classes below it: an object whose class stays open between aircraft and vehicle counts as
    equipment, and so do all aircraft and vehicles.
    """
    countable = [item for item in sightings if hidden_share(item.posterior) < MOST_HIDDEN and not item.burnt_in]
    same = [pair for repeat in repeats for pair in repeat.same]
    counts = {}
    for node in sorted({sighting.node for sighting in countable}):
        members = [sighting for sighting in countable if node in lineage(sighting.node)]
        found = count([sighting.id for sighting in members], evidence, samples, same)
        if found.lower == 1 and not found.proof:
            solid = {track for shot in evidence for track in shot.solid}
            best = max((item for item in members if item.id in solid and item.exemplars), key=lambda item: item.score)
            view = max(best.exemplars, key=lambda item: item.score)
            proof = (Proof(view.seconds, (best.id,), (view.xyxy,), view.file),)
            found = replace(found, proof=proof)
        counts[node] = found
    return counts
