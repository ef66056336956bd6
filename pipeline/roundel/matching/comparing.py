"""Compares the pictures of two videos' keyframes; what was computed of a picture is used again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from roundel.fingerprint.forms import Region
from roundel.fingerprint.keyframes import Still
from roundel.matching.candidates import Hits
from roundel.matching.footage import Footage
from roundel.matching.geometry import WHOLE, Matrix, between_frames, mirrored, moved, out_of, visible
from roundel.matching.model import FramePair, Transform
from roundel.matching.sameness import BLOCKS, Features, blocks, compare, cut, features, places, together

STEP_PX = 32  # resolutions are rounded up to a multiple of this, so that features can be used again
LEAST_PX = 16


@dataclass(frozen=True, slots=True, eq=False)
class _Places:
    """Keyframes that were compared, by number, and the places (n, 2) that agree, as shares of their frames.

    ``here`` are those of the query's frame, which is flipped if ``mirrored``.
    """

    query: int
    reference: int
    mirrored: bool
    here: NDArray[np.float64]
    there: NDArray[np.float64]


@dataclass(slots=True)
class Comparer:
    """Compares keyframes of ``query`` and ``reference``, named by their numbers."""

    query: Footage
    reference: Footage
    _places: dict[FramePair, _Places] = field(default_factory=dict)
    _features: dict[tuple[bool, int, Region, bool, int], Features] = field(default_factory=dict)
    _stills: dict[tuple[bool, int], Still] = field(default_factory=dict)

    def compare(self, hits: Hits, number: int) -> FramePair | None:
        """Compare the parts of two pictures whose hashes are near; ``None`` if nothing fits."""
        flip = bool(hits.mirrored[number])
        first = self.query.keyframes[hits.query[number]]
        second = self.reference.keyframes[hits.reference[number]]
        mine = first.fingerprints[hits.query_form[number]]
        other = second.fingerprints[hits.reference_form[number]]
        asked = True, int(hits.query[number]), mirrored(mine.region) if flip else mine.region, flip
        known = False, int(hits.reference[number]), other.region, False
        longest = min(max(self._part(*asked).shape), max(self._part(*known).shape))
        resolution = -(-longest // STEP_PX) * STEP_PX
        found = compare(self._described(*asked, resolution), self._described(*known, resolution))
        if found is None:
            return None
        pair = FramePair(
            first.ref,
            second.ref,
            mine.form,
            other.form,
            int(hits.distance[number]),
            found.inliers,
            found.compared,
            round(found.agreement, 4),
            _written(between_frames(found.homography, asked[2], known[2], is_mirrored=flip)),
        )
        here, there = moved(found.here, out_of(asked[2])), moved(found.there, out_of(known[2]))
        self._places[pair] = _Places(asked[1], known[1], flip, here, there)
        return pair

    def on_one_map(self, pairs: Sequence[FramePair]) -> list[FramePair]:
        """The pairs as one map between the videos' pictures fits them, if the places of all are put together.

        Few places close to each other say little of where the rest of the picture lies; those of several pictures, in
        which things have moved, say more. Pairs keep the places that agree on that map, and their pixels are compared
        under it.
        """
        known = [self._places[pair] for pair in pairs]
        if not known:
            return []
        here, there = np.concatenate([one.here for one in known]), np.concatenate([one.there for one in known])
        shapes = self._still(True, known[0].query).shape, self._still(False, known[0].reference).shape
        found = together(here, there, shapes)
        if found is None:
            return []
        homography, fits = found
        transform = between_frames(homography, WHOLE, WHOLE, is_mirrored=known[0].mirrored)
        parts = np.split(fits, np.cumsum([len(one.here) for one in known])[:-1])
        return [self._under(pair, one, part, transform) for pair, one, part in zip(pairs, known, parts, strict=True)]

    def _under(self, pair: FramePair, at: _Places, fits: NDArray[np.bool_], transform: Matrix) -> FramePair:
        agreed = self.agreement(at.query, at.reference, transform)
        compared = int(np.isfinite(agreed).sum())
        sizes = (self._still(True, at.query).shape[::-1], self._still(False, at.reference).shape[::-1])
        inliers = min(places(side[fits] * size) for side, size in zip((at.here, at.there), sizes, strict=True))
        share = round(float(np.nanmean(agreed)), 4) if compared else 0.0
        return replace(pair, inliers=inliers, compared=compared, agreement=share, transform=_written(transform))

    def agreement(self, query: int, reference: int, transform: Matrix) -> NDArray[np.float32]:
        """Where two pictures agree under a map from frame to frame.

        Returns:
            (8, 8), over the part of the query's picture that holds the reference's: 1 where the pixels agree, 0 where
            they do not, NaN where nothing can be compared.
        """
        region = visible(transform)
        part = cut(self._still(True, query), region)
        if min(part.shape) < LEAST_PX:
            return np.full((BLOCKS, BLOCKS), np.nan, np.float32)
        return blocks(part, self._still(False, reference), transform @ out_of(region))

    def _still(self, of_query: bool, place: int) -> Still:
        if (of_query, place) not in self._stills:
            footage = self.query if of_query else self.reference
            self._stills[of_query, place] = footage.still(footage.keyframes[place].ref)
        return self._stills[of_query, place]

    def _part(self, of_query: bool, place: int, region: Region, flip: bool) -> Still:
        still = self._still(of_query, place)
        return cut(still[:, ::-1] if flip else still, region)

    def _described(self, of_query: bool, place: int, region: Region, flip: bool, resolution: int) -> Features:
        key = of_query, place, region, flip, resolution
        if key not in self._features:
            part = np.ascontiguousarray(self._part(of_query, place, region, flip))
            self._features[key] = features(part, resolution)
        return self._features[key]


def _written(transform: Matrix) -> Transform:
    (a, b, c), (d, e, f), (g, h, i) = ([round(float(value), 6) for value in row] for row in transform)
    return (a, b, c), (d, e, f), (g, h, i)
