"""Whether two pictures show the same: SIFT features, a homography by RANSAC, and a comparison of the pixels.

The parts of the two pictures whose hashes are near are brought to the same resolution first: a small picture and a
large one have no fine detail in common. Features that agree on one homography could still lie on a logo or a frame that
two videos share, so the pixels are compared too, block by block, where the homography says that they lie.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel.fingerprint.forms import Region
from roundel.fingerprint.keyframes import STILL_PX, Still

Floats = NDArray[np.float32]
Matrix = NDArray[np.float64]

FEATURES = 600  # the strongest of a picture
CONTRAST = 0.002  # SIFT's threshold; its usual 0.04 finds next to nothing in a sky
RATIO = 0.85  # of the distances to the best and the second-best feature, as Lowe proposes
REACH_PX = 4.0  # how far from its place a feature may lie
LEAST_FEATURES = 8
LEAST_SCALE, MOST_SCALE = 0.2, 5.0  # of a homography; beyond that it is none that an editor makes
BLOCKS = 8  # the pixels are compared in BLOCKS × BLOCKS parts
BLOCK_PX = 16
PLAY_PX = 3  # between where a block should be and where it is: things move between two samples
LIKE = 0.6  # normalised correlation of two blocks that show the same
TEXTURE = 2.0  # grey levels of deviation; a plainer block has no say


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What SIFT finds in a picture (h, w): places (n, 2) in pixels, descriptors (n, 128) of length 1."""

    picture: Still
    places: Floats
    descriptors: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Sameness:
    """How much two pictures agree.

    ``inliers`` counts distinct places that agree on ``homography``, which takes points of the query's part to the
    reference's part, both as shares of their widths and heights. ``blocks`` (8, 8) holds, for each part of the query,
    1 where the pixels agree, 0 where they do not, and NaN where there is nothing to compare; ``agreement`` is the mean.
    ``here`` and ``there`` (n, 2) are the places that agree, in the query's part and in the reference's part, as shares.
    """

    inliers: int
    homography: Matrix
    blocks: Floats
    here: Matrix
    there: Matrix

    @property
    def compared(self) -> int:
        """How many blocks could be compared."""
        return int(np.isfinite(self.blocks).sum())

    @property
    def agreement(self) -> float:
        """The share of the blocks that agree, of those that could be compared."""
        return float(np.nanmean(self.blocks)) if self.compared else 0.0


def cut(still: Still, region: Region) -> Still:
    """A region of a picture."""
    height, width = still.shape
    left, top, right, bottom = region
    return still[round(top * height) : round(bottom * height), round(left * width) : round(right * width)]


def features(picture: Still, resolution: int) -> Features:
    """The features of a picture, after it was reduced to a longest side of ``resolution`` pixels."""
    working = _resized(_resized(picture, resolution), STILL_PX)
    points, descriptors = cv2.SIFT.create(nfeatures=FEATURES, contrastThreshold=CONTRAST).detectAndCompute(
        working, None
    )
    if descriptors is None:
        return Features(working, np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32))
    rooted = np.sqrt(descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-6))
    return Features(working, np.array([point.pt for point in points], np.float32), rooted.astype(np.float32))


def compare(query: Features, reference: Features) -> Sameness | None:
    """How much two pictures agree; ``None`` if no homography that an editor could have made fits them."""
    first, second = _pairs(query, reference)
    if len(first) < 4:
        return None
    found, mask = cv2.findHomography(first, second, cv2.RANSAC, REACH_PX, maxIters=2000, confidence=0.999)
    if found is None or not _is_plausible(np.asarray(found), query.picture.shape):
        return None
    inside = mask.ravel().astype(bool)
    first, second = first[inside], second[inside]
    inliers = min(places(first), places(second))
    homography = np.asarray(found, np.float64)
    shares = _in_shares(homography, query.picture.shape, reference.picture.shape)
    agreed = _blocks(query.picture, reference.picture, homography)
    return Sameness(inliers, shares / shares[2, 2], agreed, first / _sides(query), second / _sides(reference))


def together(
    here: Matrix, there: Matrix, shapes: tuple[tuple[int, ...], tuple[int, ...]]
) -> tuple[Matrix, NDArray[np.bool_]] | None:
    """One affine map for the places of several pairs of pictures of two videos.

    It is affine because few places do not fix a perspective, and editors move, scale, turn and stretch pictures.

    Args:
        here: places in the query's frames (n, 2), as shares of their sides.
        there: the same places in the reference's frames.
        shapes: height and width of the frames in pixels: of the query, of the reference.

    Returns:
        The map between frames whose sides are 1, as a homography, and which places agree on it (n,); ``None`` if there
        is none that an editor could have made.
    """
    (rows, columns), (height, width) = shapes
    found, mask = cv2.estimateAffine2D(
        here * (columns, rows),
        there * (width, height),
        method=cv2.RANSAC,
        ransacReprojThreshold=REACH_PX,
        maxIters=2000,
        confidence=0.999,
    )
    if found is None:
        return None
    homography = np.vstack([found, (0.0, 0.0, 1.0)])
    if not _is_plausible(homography, shapes[0]):
        return None
    return _in_shares(homography, *shapes), mask.ravel().astype(bool)


def blocks(query: Still, reference: Still, homography: Matrix) -> Floats:
    """Where two pictures agree under a homography between them, as shares: (8, 8), 1, 0 or NaN as in Sameness."""
    return _blocks(query, reference, _in_pixels(homography, query.shape, reference.shape))


def _resized(picture: Still, longest_px: int) -> Still:
    height, width = picture.shape
    scale = longest_px / max(height, width)
    if scale == 1:
        return picture
    size = max(8, round(width * scale)), max(8, round(height * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=how), np.uint8)


def _pairs(query: Features, reference: Features) -> tuple[Floats, Floats]:
    """Places in both pictures whose features are each other's nearest, and clearly nearer than the next."""
    if min(len(query.places), len(reference.places)) < LEAST_FEATURES:
        return np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32)
    likeness = query.descriptors @ reference.descriptors.T
    rows = np.arange(len(likeness))
    best = likeness.argmax(axis=1)
    top = likeness[rows, best]
    mutual = likeness.argmax(axis=0)[best] == rows
    likeness[rows, best] = -1
    second = likeness.max(axis=1)
    keep = mutual & (1 - top < RATIO**2 * (1 - second))  # squared distances of vectors of length 1
    return query.places[keep], reference.places[best[keep]]


def _sides(part: Features) -> Matrix:
    height, width = part.picture.shape
    return np.array([width, height], np.float64)


def _is_plausible(homography: Matrix, shape: tuple[int, ...]) -> bool:
    """Whether the picture keeps its sense and is neither folded, torn nor scaled beyond measure."""
    height, width = shape
    corners = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float64)
    moved = cv2.perspectiveTransform(corners, homography)[0]
    if not np.isfinite(moved).all():
        return False
    edges = np.roll(moved, -1, axis=0) - moved
    turns = edges[:, 0] * np.roll(edges[:, 1], -1) - edges[:, 1] * np.roll(edges[:, 0], -1)
    lengths = np.hypot(edges[:, 0], edges[:, 1]) / np.array([width, height, width, height])
    even = lengths.max() < 2 * lengths.min()
    return bool((turns > 0).all() and even and lengths.min() > LEAST_SCALE and lengths.max() < MOST_SCALE)


def places(points: Floats | Matrix) -> int:
    """The number of places, those within three pixels of each other counted once."""
    return len(np.unique((points / 3).round(), axis=0))


def _blocks(query: Still, reference: Still, homography: Matrix) -> Floats:
    size = (BLOCKS * BLOCK_PX, BLOCKS * BLOCK_PX)
    height, width = query.shape
    to_query = np.diag([width / size[0], height / size[1], 1.0])
    small = np.asarray(cv2.resize(query, size, interpolation=cv2.INTER_AREA), np.uint8)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    soft = cv2.GaussianBlur(reference, (0, 0), 0.4 * max(1.0, width / size[0]))
    warped = cv2.warpPerspective(soft, homography @ to_query, size, flags=flags)
    there = cv2.warpPerspective(np.ones_like(reference), homography @ to_query, size, flags=flags)
    blocks = np.full((BLOCKS, BLOCKS), np.nan, np.float32)
    for row in range(BLOCKS):
        for column in range(BLOCKS):
            top, left = row * BLOCK_PX, column * BLOCK_PX
            inner = small[top + PLAY_PX : top + BLOCK_PX - PLAY_PX, left + PLAY_PX : left + BLOCK_PX - PLAY_PX]
            area = warped[top : top + BLOCK_PX, left : left + BLOCK_PX]
            if there[top : top + BLOCK_PX, left : left + BLOCK_PX].min() == 0:
                continue
            deviations = float(inner.std()), float(area.std())
            if max(deviations) >= TEXTURE:
                plain = min(deviations) < TEXTURE / 2
                score = 0.0 if plain else float(cv2.matchTemplate(area, inner, cv2.TM_CCOEFF_NORMED).max())
                blocks[row, column] = score >= LIKE
    return blocks


def _in_pixels(homography: Matrix, query: tuple[int, ...], reference: tuple[int, ...]) -> Matrix:
    """The homography between pictures of these shapes, from that between pictures whose sides are 1."""
    to_shares = np.diag([1 / query[1], 1 / query[0], 1.0])
    return np.asarray(np.diag([reference[1], reference[0], 1.0]) @ homography @ to_shares, np.float64)


def _in_shares(homography: Matrix, query: tuple[int, ...], reference: tuple[int, ...]) -> Matrix:
    """The homography between pictures whose sides are 1, from that between pictures of these shapes."""
    to_pixels = np.diag([query[1], query[0], 1.0])
    return np.asarray(np.diag([1 / reference[1], 1 / reference[0], 1.0]) @ homography @ to_pixels, np.float64)
