"""From tracks to sightings: fused class scores, the deepest class that may be named, and the best views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel.calibration import Calibration, temper
from roundel.classes import deepest, lineage, shares
from roundel.config import TrackingConfig
from roundel.types import Seconds, Sighting, View

BUCKET_SECONDS = 0.5
SMALL_NODE = "equipment"
BURNT_IN_FRAMES = 8
BURNT_IN_SHIFT = 0.1  # of the box's longest side: the detector's boxes tremble
BURNT_IN_LIKENESS = 0.9  # normalised cross-correlation at the same place
BURNT_IN_SCENE_LIKENESS = 0.95  # the same for the whole picture: it must have changed
ALTERNATIVE_SHARE = 0.02  # weaker alternatives are noise of the network's last layer


def view_quality(crop: NDArray[np.uint8], score: float) -> float:
    """Size × sharpness × score. Sharpness is the variance of the Laplacian, compressed, of the crop at a fixed size."""
    side = min(crop.shape[:2])
    grey = cv2.resize(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), (96, 96), interpolation=cv2.INTER_AREA)
    sharpness = float(np.log1p(cv2.Laplacian(grey, cv2.CV_32F).var()))
    return float(np.sqrt(side)) * sharpness * score


@dataclass(slots=True)
class Gallery:
    """The best view of each time bucket of a track; buckets double when there are too many. Bounded memory."""

    limit: int
    views: dict[int, View] = field(default_factory=dict)
    bucket_seconds: Seconds = BUCKET_SECONDS

    def add(self, view: View) -> None:
        """Keep a view if it is the best of its time."""
        self._keep(view)
        while len(self.views) > self.limit + 1:
            self.bucket_seconds *= 2
            views, self.views = list(self.views.values()), {}
            for kept in views:
                self._keep(kept)

    def _keep(self, view: View) -> None:
        bucket = int(view.seconds // self.bucket_seconds)
        if bucket not in self.views or view.quality > self.views[bucket].quality:
            self.views[bucket] = view

    def best(self) -> list[View]:
        """Up to ``limit`` views in order of time."""
        chosen = sorted(self.views.values(), key=lambda view: (-view.quality, view.seconds))[: self.limit]
        return sorted(chosen, key=lambda view: view.seconds)


def _correlation(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Normalised cross-correlation of two pictures of the same size, -1 to 1; plain pictures correlate with nothing."""
    first, second = (item.astype(np.float32) - np.float32(item.mean()) for item in (one, other))
    scale = float(np.sqrt(np.vdot(first, first) * np.vdot(second, second)))
    return float(np.vdot(first, second)) / scale if scale else 0.0


@dataclass(slots=True)
class Stillness:
    """Tells graphics in the picture from objects: a logo keeps its place and its pixels while the scene moves on.

    A parked object seen by a resting camera keeps both too, but then the rest of the picture does not change either.
    ``box`` (4,) is the track's first box in pixels of the luma pictures (h, w), ``first`` the first of these pictures.
    """

    box: NDArray[np.float32]
    first: NDArray[np.uint8]
    frames: int = 0
    shift: float = 0.0
    likeness: float = 1.0
    scene_likeness: float = 1.0

    def add(self, box: NDArray[np.float32], luma: NDArray[np.uint8]) -> None:
        """Compare one more frame with the first, at the place of the first box."""
        self.frames += 1
        self.shift = max(self.shift, float(np.abs(box - self.box).max() / (self.box[2:] - self.box[:2]).max()))
        left, top = np.floor(self.box[:2]).astype(int)
        right, bottom = np.ceil(self.box[2:]).astype(int)
        here, there = luma[top:bottom, left:right], self.first[top:bottom, left:right]
        self.likeness = min(self.likeness, _correlation(here, there))
        self.scene_likeness = min(self.scene_likeness, _correlation(luma, self.first))

    def is_burnt_in(self) -> bool:
        """Whether the track is a graphic laid over the picture."""
        return (
            self.frames >= BURNT_IN_FRAMES
            and self.shift <= BURNT_IN_SHIFT
            and self.likeness >= BURNT_IN_LIKENESS
            and self.scene_likeness <= BURNT_IN_SCENE_LIKENESS
        )


@dataclass(slots=True)
class TrackRecord:
    """What is gathered about one track while its shot runs."""

    id: str
    start_seconds: Seconds
    gallery: Gallery
    end_seconds: Seconds = 0.0
    tops: list[float] = field(default_factory=list)
    fused: NDArray[np.float64] | None = None
    too_small: NDArray[np.float64] | None = None
    stillness: Stillness | None = None

    def add(
        self, at_seconds: Seconds, scores: NDArray[np.float32], small: NDArray[np.bool_], view: View | None
    ) -> None:
        """Add the scores (classes,) and, if the class may be shown, a view from one more frame.

        The scores of classes that are ``small`` here, (classes,), are kept, but name nothing finer than equipment.
        """
        top = float(scores.max())
        weighted = scores.astype(np.float64) * top
        self.fused = weighted if self.fused is None else self.fused + weighted
        small_part = np.where(small, weighted, 0.0)
        self.too_small = small_part if self.too_small is None else self.too_small + small_part
        self.tops.append(top)
        self.end_seconds = at_seconds
        if view is not None:
            self.gallery.add(view)

    @property
    def score(self) -> float:
        """Mean of the better half of the frames' largest scores."""
        best = sorted(self.tops, reverse=True)[: (len(self.tops) + 1) // 2]
        return round(sum(best) / len(best), 4)


def conclude(
    record: TrackRecord,
    shot: int,
    classes: Sequence[str],
    shown_as: Mapping[str, str],
    config: TrackingConfig,
    calibration: Calibration | None = None,
) -> Sighting | None:
    """The sighting that a finished track amounts to, or ``None`` if it was seen too briefly or too weakly.

    The score vectors of all frames are added up, each weighted with its largest score, and every class of the tree gets
    its share of the sum. A majority of top labels would drop the runner-up classes. The shares are no probabilities;
    with a ``calibration`` the posterior is one, and the class is chosen from its shares given that there is an object.
    """
    if (
        record.fused is None
        or record.too_small is None
        or len(record.tops) < config.min_frames
        or record.score < config.min_score
    ):
        return None
    fused, frames = dict(zip(classes, record.fused.tolist(), strict=True)), len(record.tops)
    if calibration is not None:
        fused = temper(fused, calibration.temperature)
    small = dict(zip(classes, (record.too_small / np.maximum(record.fused, 1e-12)).tolist(), strict=True))
    set_aside = sum(fused[name] * small[name] for name in fused)
    usable = {name: fused[name] * (1 - small[name]) for name in fused}
    node = deepest(shares({**usable, SMALL_NODE: set_aside}), config.node_share, shown_as)
    posterior = shares(fused)
    others = [
        (name, posterior[name])
        for name in classes
        if posterior[name] >= ALTERNATIVE_SHARE and name not in lineage(node)
    ]
    if calibration is not None:
        posterior = calibration.posterior(dict(zip(classes, record.fused.tolist(), strict=True)), record.score, frames)
    return Sighting(
        id=record.id,
        shot=shot,
        node=node,
        score=record.score,
        start_seconds=record.start_seconds,
        end_seconds=record.end_seconds,
        frames=frames,
        posterior=posterior,
        calibrated=calibration is not None,
        alternatives=tuple(sorted(others, key=lambda item: (-item[1], item[0]))),
        set_aside=round(set_aside / sum(fused.values()), 4),
        burnt_in=record.stillness is not None and record.stillness.is_burnt_in(),
    )
