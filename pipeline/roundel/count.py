"""How many distinct objects: a lower bound with proof frames, an upper bound from tracks, an estimate between.

Two tracks are two objects (*cannot-link*) if they are seen side by side in several frames of one shot, outside
transitions, clearly apart, and if neither looks like a copy of the other, straight or mirrored, nor is it separated
from it by a seam in the picture. The lower bound of a class is the largest set of its tracks that are pairwise
cannot-link; nothing is added across shots, since the same object may be filmed twice.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
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
    """Normalised cross-correlation of two appearances, the larger of straight and mirrored, -1 to 1."""
    return float(max((one * other).sum(), (one * other[:, ::-1]).sum()))


@dataclass(frozen=True, slots=True, eq=False)
class KeptFrame:
    """A frame that is kept as proof: the pairs it shows side by side and where each track is."""

    pairs: frozenset[Pair]
    boxes: Mapping[str, tuple[float, float, float, float]]
    exhibit: str = ""


@dataclass(slots=True)
class ShotProof:
    """Collects, frame by frame, which tracks of one shot are different objects."""

    config: CountingConfig
    together: Counter[Pair] = field(default_factory=Counter)
    copies: set[Pair] = field(default_factory=set)
    solid: Counter[str] = field(default_factory=Counter)
    frames: dict[Seconds, KeptFrame] = field(default_factory=dict)

    def add(self, at_seconds: Seconds, seen: Sequence[Seen], separated: Iterable[Pair] = ()) -> bool:
        """Note a frame outside transitions. True if it shows a pair that is proven with it, so is worth keeping.

        ``separated`` are pairs of tracks with a seam between them, which may be two pictures in one.
        """
        strong = [item for item in seen if item.score >= self.config.min_score]
        self.solid.update(item.track for item in strong)
        barred = set(separated)
        pairs = set()
        for one, other in itertools.combinations(sorted(strong, key=lambda item: item.track), 2):
            pair = (one.track, other.track)
            if likeness(one.looks, other.looks) > self.config.max_likeness:
                self.copies.add(pair)
            apart = overlap_of_smaller(one.xyxy[None], other.xyxy[None])[0, 0] <= self.config.max_overlap
            if apart and pair not in barred:
                pairs.add(pair)
        self.together.update(pairs)
        new = {pair for pair in pairs if self.together[pair] == self.config.min_frames}
        if new:
            self.frames[at_seconds] = KeptFrame(frozenset(pairs), {item.track: as_box(item.xyxy) for item in strong})
        return bool(new)

    def distinct(self) -> set[Pair]:
        """The pairs that are proven to be two objects."""
        return {pair for pair, count in self.together.items() if count >= self.config.min_frames} - self.copies

    def is_solid(self, track: str) -> bool:
        """Whether a track alone is seen well enough to prove one object."""
        return self.solid[track] >= self.config.min_frames


@dataclass(frozen=True, slots=True)
class ShotEvidence:
    """What a finished shot proves: pairs of different objects, tracks that alone prove one, and the kept frames."""

    distinct: frozenset[Pair]
    solid: frozenset[str]
    frames: Mapping[Seconds, KeptFrame]


def count(tracks: Sequence[str], shots: Sequence[ShotEvidence], samples: int) -> Count:
    """Count the distinct objects among ``tracks`` (ids of one class, over all shots)."""
    wanted = set(tracks)
    best: list[str] = []
    proof: tuple[Proof, ...] = ()
    for shot in shots:
        group = _largest_group(wanted, shot)
        if len(group) > len(best):
            best, proof = group, _proof_frames(group, shot)
    distinct = {pair for shot in shots for pair in shot.distinct if wanted.issuperset(pair)}
    estimates = sorted(_sample_partition(tracks, distinct, random.Random(SEED + n)) for n in range(samples))  # noqa: S311
    low, middle, high = (estimates[round(share * (samples - 1))] for share in (0.05, 0.5, 0.95))
    lower, upper = len(best), len(tracks)
    return Count(
        lower=lower,
        estimate=max(lower, middle),
        interval=(max(lower, low), max(lower, high)),
        upper=upper,
        proof=proof,
    )


def _largest_group(wanted: set[str], shot: ShotEvidence) -> list[str]:
    """The largest set of tracks that are pairwise proven different; a single solid track if no pair is."""
    graph = networkx.Graph()
    graph.add_nodes_from(sorted(wanted & shot.solid))
    graph.add_edges_from(
        sorted(pair for pair in shot.distinct if wanted.issuperset(pair) and shot.solid.issuperset(pair))
    )
    group, _ = networkx.max_weight_clique(graph, weight=None)
    return sorted(group)


def _proof_frames(group: Sequence[str], shot: ShotEvidence) -> tuple[Proof, ...]:
    """The fewest kept frames, chosen greedily, that show every pair of the group."""
    open_pairs = set(itertools.combinations(sorted(group), 2))
    chosen = []
    while open_pairs:
        seconds, kept = max(shot.frames.items(), key=lambda item: (len(item[1].pairs & open_pairs), -item[0]))
        shown = kept.pairs & open_pairs
        if not shown:
            break
        open_pairs -= shown
        tracks = tuple(sorted({track for pair in shown for track in pair}))
        chosen.append(Proof(seconds, tracks, tuple(kept.boxes[track] for track in tracks), kept.exhibit))
    return tuple(sorted(chosen, key=lambda item: item.seconds))


def _sample_partition(tracks: Sequence[str], distinct: set[Pair], draw: random.Random) -> int:
    """The number of objects in one random way to explain the tracks that respects what is proven different.

    Every track in random order is a new object or one of the earlier ones that it may be, with even odds: without a
    calibrated likeness between shots nothing better is known, and the interval says so by its width.
    """
    groups: list[list[str]] = []
    order = list(tracks)
    draw.shuffle(order)
    for track in order:
        possible = [group for group in groups if not any(tuple(sorted((track, other))) in distinct for other in group)]
        if possible and draw.random() < 0.5:
            draw.choice(possible).append(track)
        else:
            groups.append([track])
    return len(groups)
