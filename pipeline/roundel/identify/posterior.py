"""From the vectors of a track's views to probabilities of types, and to the name that they allow.

Within one class of the tree the similarities of a view to the gallery's types compete with a fixed similarity that
stands for every type the gallery does not hold (``other``). Views of one track show one object: their similarities are
averaged, so that more views of the same thing never make the answer surer than the single photos on which it was
calibrated. What a view is too small or too blurred to tell, and what the views disagree about, is ``unknown``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel.classes import deepest, lineage, tree
from roundel.identify.gallery import MERGED, OTHER, UNKNOWN, TypeNode, above, arena, class_of

CREDIBLE = 0.9
NEAREST = 3
"""A type's similarity is the mean over so many of its nearest photos: one lucky photo is not enough."""
LEAST_SHARE = 0.2
"""Types are considered if the detector gives their class at least this share of its scores."""
DETAIL = 0.04
"""A crop that loses less than this share of its contrast when halved and enlarged again holds no detail there. Of crops
from photos 95 % lose more than 0.045, and of the same crops enlarged threefold 95 % lose less than 0.04."""
SHOWN = 5e-4
"""Probabilities below it are not listed."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How similarities become probabilities within one class.

    ``temperature`` and ``other``: in units of cosine similarity. ``uniform``: the share that is spread evenly over all
    types and ``other``: a new source of pictures may look like none before. ``groups`` and ``sources``: how many
    independent groups of pictures, and sources with present types, they rest on.
    """

    temperature: float
    other: float
    uniform: float
    groups: int
    sources: int


@dataclass(frozen=True, slots=True)
class SizeLimit:
    """How much an object of a size tells: nothing below ``least_px``, half at ``half_px``.

    ``slope``: of the logistic curve over the logarithm of the longest side.
    """

    least_px: float
    half_px: float
    slope: float

    def unknown(self, longest_px: float) -> float:
        """The share of cases in which an object of this length cannot be told.

        >>> SizeLimit(24, 40, 4).unknown(40)
        0.5
        """
        if longest_px < self.least_px:
            return 1.0
        return float(1 / (1 + (longest_px / self.half_px) ** self.slope))


def detail_px(crop: NDArray[np.uint8], longest_px: float) -> float:
    """The size at which the crop (h, w, 3, BGR) of an object ``longest_px`` long still holds detail.

    A blurred or enlarged picture has more pixels than it has detail: halve it as long as that loses nothing.
    """
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY).astype(np.float32)
    spread = float(grey.std())
    if spread < 1:
        return 0.0
    factor = 1
    while min(grey.shape) // (2 * factor) >= 2:
        size = (grey.shape[1] // (2 * factor), grey.shape[0] // (2 * factor))
        small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        back = cv2.resize(small, grey.shape[::-1], interpolation=cv2.INTER_CUBIC)
        if float(np.abs(back - grey).mean()) > DETAIL * spread:
            break
        factor *= 2
    return float(min(longest_px, max(crop.shape[:2])) / factor)


def similarities(
    vectors: NDArray[np.float32], gallery: NDArray[np.float32], labels: NDArray[np.intp], types: int
) -> NDArray[np.float64]:
    """Similarity (views, types) of unit vectors (views, d) to the nearest photos (photos, d) of each type.

    A type with fewer photos than are averaged is filled up with the view's mean similarity to all photos.
    """
    cosine = (vectors @ gallery.T).astype(np.float64)
    usual = cosine.mean(axis=1)
    found = np.empty((len(vectors), types))
    for index in range(types):
        own = np.sort(cosine[:, labels == index], axis=1)[:, ::-1][:, :NEAREST]
        missing = NEAREST - own.shape[1]
        found[:, index] = (own.sum(axis=1) + missing * usual) / NEAREST
    return found


def with_other(scores: NDArray[np.float64], calibration: Calibration) -> NDArray[np.float64]:
    """Probabilities (n, types + 1) for similarities (n, types); the last is that of ``other``."""
    logits = np.hstack([scores, np.full((len(scores), 1), calibration.other)]) / calibration.temperature
    logits -= logits.max(axis=1, keepdims=True)
    chances = np.exp(logits)
    chances /= chances.sum(axis=1, keepdims=True)
    return np.asarray((1 - calibration.uniform) * chances + calibration.uniform / chances.shape[1], np.float64)


def disagreement(chances: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Jensen-Shannon divergence of the views' probabilities (views, types), as a share of its largest value."""
    if len(chances) < 2:
        return 0.0

    def entropy(share: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(-(share * np.log(np.maximum(share, 1e-12))).sum(axis=-1), np.float64)

    most = float(entropy(weights[None])[0])
    if most < 1e-9:
        return 0.0
    mixed = float(entropy((weights[:, None] * chances).sum(axis=0)[None])[0])
    return min(1.0, max(0.0, (mixed - float(weights @ entropy(chances))) / most))


def fuse(
    scores: NDArray[np.float64], doubts: Sequence[float], calibration: Calibration
) -> tuple[NDArray[np.float64], float]:
    """Probabilities (types + 1,) of a track and its share of ``unknown``, from its views' scores and doubts."""
    given = np.asarray(doubts, np.float64)
    order = np.lexsort((given, *scores.T))  # sums of floating point numbers depend on their order
    doubt, ordered = given[order], scores[order]
    trust = 1 - doubt
    if trust.sum() <= 0:
        return with_other(ordered.mean(axis=0, keepdims=True), calibration)[0], 1.0
    weights = trust / trust.sum()
    chances = with_other((weights @ ordered)[None], calibration)[0]
    apart = disagreement(with_other(ordered, calibration), weights)
    return chances, 1 - (1 - float(weights @ doubt)) * (1 - apart)


def spread_over_tree(leaves: Mapping[str, float], types: Mapping[str, TypeNode]) -> dict[str, float]:
    """Probabilities of types, ``other``, ``unknown``, and all families and classes above the types, largest first."""
    found: dict[str, float] = {}
    for name, chance in leaves.items():
        for node in above(name, types) if name in types else (name,):
            found[node] = found.get(node, 0.0) + chance
    kept = {name: round(chance, 4) for name, chance in found.items() if chance >= SHOWN or name in (OTHER, UNKNOWN)}
    return dict(sorted(kept.items(), key=lambda item: (-item[1], item[0])))


def credible_set(leaves: Mapping[str, float]) -> tuple[str, ...]:
    """The smallest set of types, ``other`` and ``unknown`` that holds nine tenths, largest first."""
    chosen, total = [], 0.0
    for name, chance in sorted(leaves.items(), key=lambda item: (-item[1], item[0])):
        if total >= CREDIBLE - 1e-9:
            break
        chosen.append(name)
        total += chance
    return tuple(chosen)


def named(
    posterior: Mapping[str, float], shares: Mapping[str, float], types: Mapping[str, TypeNode], threshold: float
) -> str:
    """The deepest node that passes the threshold: a type, a family, else the class that the detector's shares allow."""
    sure = [name for name, chance in posterior.items() if name in types and chance >= threshold]
    if sure:
        return max(sure, key=lambda name: (len(above(name, types)), posterior[name], name))
    hidden = {name: top for name in tree() for top in MERGED if top in lineage(name)[1:]}
    return deepest(shares, threshold, hidden)


def considered(
    types: Sequence[str], tree_of_types: Mapping[str, TypeNode], shares: Mapping[str, float]
) -> dict[str, float]:
    """The classes within which types of the gallery compete here, with the detector's share of each."""
    arenas = sorted({arena(class_of(name, tree_of_types)) for name in types})
    return {name: shares.get(name, 0.0) for name in arenas if shares.get(name, 0.0) >= LEAST_SHARE}
