"""How many distinct objects: a lower bound with its proof frame, an upper bound from tracks, an estimate between.

Tracks are different objects (*cannot-link*) if they are seen side by side in one shot, all of them together in several
of its frames close by in time, outside transitions, clearly apart; and if none looks like a copy of another, straight,
mirrored or upside down, nor is separated from it by a seam in the picture. The lower bound of a class is the largest
such group of its tracks; one frame shows it whole. Nothing is added across shots, since the same object may be filmed
twice.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import networkx
import numpy as np
from numpy.typing import NDArray

from roundel.config import CountingConfig
from roundel.detect.nms import overlap_of_smaller
from roundel.types import Count, Proof, Seconds

Pair = tuple[str, str]
LIKENESS_PX = 24
SEED = 20140824
WINDOW = 8
"""Analysed frames, about a second around detections, in which a group has to persist."""
MOST_GROUPS = 64
FEWEST_SAMPLES = 50
SAMPLING_WORK = 40_000


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A track in one frame: box (4,), largest score, and what it looks like (see :func:`appearance`)."""

    track: str
    xyxy: NDArray[np.float32]
    score: float
    looks: NDArray[np.float32]


def as_box(xyxy: NDArray[np.float32]) -> tuple[float, float, float, float]:
    """A box (4,) as plain numbers, rounded to a tenth of a pixel."""
    x1, y1, x2, y2 = (round(float(value), 1) for value in xyxy)
    return x1, y1, x2, y2


def appearance(crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A crop (h, w, 3) as a small grey picture (24, 24) of mean 0 and length 1, for :func:`likeness`."""
    grey = cv2.resize(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), (LIKENESS_PX, LIKENESS_PX), interpolation=cv2.INTER_AREA)
    flat = grey.astype(np.float32) - grey.mean()
    return np.asarray(flat / max(float(np.linalg.norm(flat)), 1e-6), np.float32)


def likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Normalised cross-correlation of two appearances, the largest of straight, mirrored and upside down, -1 to 1."""
    return float(max((one * turned).sum() for turned in (other, other[:, ::-1], other[::-1], other[::-1, ::-1])))


@dataclass(frozen=True, slots=True, eq=False)
class KeptFrame:
    """A frame that is kept as proof: the pairs that persist in it, where each track is, and its picture."""

    pairs: frozenset[Pair]
    seconds: Seconds
    boxes: Mapping[str, tuple[float, float, float, float]]
    exhibit: str = ""


@dataclass(slots=True)
class ShotProof:
    """Collects, frame by frame, which tracks of one shot are different objects. Bounded memory."""

    config: CountingConfig
    copies: set[Pair] = field(default_factory=set)
    solid: Counter[str] = field(default_factory=Counter)
    groups: list[KeptFrame] = field(default_factory=list)
    _recent: deque[frozenset[Pair]] = field(default_factory=lambda: deque(maxlen=WINDOW - 1))

    def add(self, at_seconds: Seconds, seen: Sequence[Seen], separated: Iterable[Pair] = ()) -> KeptFrame | None:
        """Note a frame outside transitions. Returns it if it proves a new group, so is worth keeping.

        ``separated`` are pairs of tracks with a seam between them, which may be two pictures in one.
        """
        strong = [item for item in seen if item.score >= self.config.min_score]
        self.solid.update(item.track for item in strong)
        pairs = self._pairs(strong, set(separated))
        kept = None
        for common in self._persistent(pairs):
            if not any(common <= group.pairs for group in self.groups):
                kept = KeptFrame(common, at_seconds, {item.track: as_box(item.xyxy) for item in strong})
                self.groups = [group for group in self.groups if not group.pairs <= common] + [kept]
        if len(self.groups) > MOST_GROUPS:
            self.groups = sorted(self.groups, key=lambda group: -len(group.pairs))[:MOST_GROUPS]
        self._recent.append(pairs)
        return kept

    def _pairs(self, strong: Sequence[Seen], barred: set[Pair]) -> frozenset[Pair]:
        """The pairs that this frame shows side by side; notes copies on the way."""
        pairs = set()
        for one, other in itertools.combinations(sorted(strong, key=lambda item: item.track), 2):
            pair = (one.track, other.track)
            if likeness(one.looks, other.looks) > self.config.max_likeness:
                self.copies.add(pair)
            apart = overlap_of_smaller(one.xyxy[None], other.xyxy[None])[0, 0] <= self.config.max_overlap
            if apart and pair not in barred:
                pairs.add(pair)
        return frozenset(pairs)

    def _persistent(self, pairs: frozenset[Pair]) -> list[frozenset[Pair]]:
        """What this frame has in common with enough recent ones, largest first."""
        earlier = [other for other in self._recent if other & pairs]
        found = {pairs.intersection(*others) for others in itertools.combinations(earlier, self.config.min_frames - 1)}
        return sorted((common for common in found if common), key=lambda common: (-len(common), sorted(common)))

    def is_solid(self, track: str) -> bool:
        """Whether a track alone is seen well enough to prove one object."""
        return self.solid[track] >= self.config.min_frames


@dataclass(frozen=True, slots=True)
class ShotEvidence:
    """What a finished shot proves: groups of different objects, and tracks that alone prove one."""

    groups: tuple[KeptFrame, ...]
    solid: frozenset[str]


def count(tracks: Sequence[str], shots: Sequence[ShotEvidence], samples: int, same: Iterable[Pair] = ()) -> Count:
    """Count the distinct objects among ``tracks`` (ids of one class, over all shots).

    ``same`` are pairs of tracks that are one object because the footage is shown again. Where that contradicts two
    objects side by side, it is left out: it must not take anything from the lower bound.
    """
    wanted = set(tracks)
    best: list[str] = sorted(track for shot in shots for track in shot.solid & wanted)[:1]
    proof: tuple[Proof, ...] = ()
    for kept in (kept for shot in shots for kept in shot.groups):
        group = _largest_group(wanted, kept.pairs)
        if len(group) > max(1, len(best)):
            best = group
            proof = (Proof(kept.seconds, tuple(group), tuple(kept.boxes[track] for track in group), kept.exhibit),)
    rivals = _rivals(tracks, shots)
    objects = _united(tracks, rivals, same)
    lower, upper = len(best), len(objects)
    low, middle, high = _spread_of_partitions(objects, rivals, samples)
    return Count(
        lower=lower,
        estimate=max(lower, middle),
        interval=(max(lower, low) if lower else 0, max(lower, high)),
        upper=upper,
        proof=proof,
        shown_again=len(tracks) - upper,
    )


def _largest_group(wanted: set[str], pairs: frozenset[Pair]) -> list[str]:
    """The largest set of wanted tracks of which each two are in ``pairs``."""
    graph = networkx.Graph()
    graph.add_edges_from(sorted(pair for pair in pairs if wanted.issuperset(pair)))
    group, _ = networkx.max_weight_clique(graph, weight=None)
    return sorted(group)


def _rivals(tracks: Sequence[str], shots: Sequence[ShotEvidence]) -> dict[str, set[str]]:
    """For each track those that are proven to be other objects."""
    rivals: dict[str, set[str]] = {track: set() for track in tracks}
    for one, other in {pair for shot in shots for kept in shot.groups for pair in kept.pairs}:
        if one in rivals and other in rivals:
            rivals[one].add(other)
            rivals[other].add(one)
    return rivals


def _united(tracks: Sequence[str], rivals: Mapping[str, set[str]], same: Iterable[Pair]) -> list[frozenset[str]]:
    """The tracks, those that are one object put together; never two that are proven to be different."""
    groups = {track: frozenset({track}) for track in tracks}
    for one, other in sorted(same):
        if one not in groups or other not in groups or groups[one] == groups[other]:
            continue
        united = groups[one] | groups[other]
        if all(rivals[track].isdisjoint(united) for track in united):
            groups.update(dict.fromkeys(united, united))
    return list(dict.fromkeys(groups[track] for track in tracks))


def _spread_of_partitions(
    objects: Sequence[frozenset[str]], rivals: Mapping[str, set[str]], samples: int
) -> tuple[int, int, int]:
    """The 5, 50 and 95 % points of the number of objects over random ways to explain the tracks."""
    runs = max(FEWEST_SAMPLES, min(samples, SAMPLING_WORK // max(1, len(objects))))
    found = sorted(_sample_partition(objects, rivals, random.Random(SEED + run)) for run in range(runs))  # noqa: S311
    low, middle, high = (found[round(share * (runs - 1))] for share in (0.05, 0.5, 0.95))
    return low, middle, high


def _sample_partition(objects: Sequence[frozenset[str]], rivals: Mapping[str, set[str]], draw: random.Random) -> int:
    """The number of objects in one random way to explain the tracks that respects what is proven.

    Every track in random order is a new object or one of the earlier ones that it may be, with even odds: without a
    calibrated likeness between shots nothing better is known, and the interval says so by its width.
    """
    groups: list[set[str]] = []
    order = list(objects)
    draw.shuffle(order)
    for tracks in order:
        barred = {rival for track in tracks for rival in rivals[track]}
        possible = [group for group in groups if barred.isdisjoint(group)] if draw.random() < 0.5 else []
        if possible:
            draw.choice(possible).update(tracks)
        else:
            groups.append(set(tracks))
    return len(groups)
