"""Two pictures: the homography that an editor made is found; unrelated pictures and shared signs are not the same."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from moving_scenes import HEIGHT, WIDTH, cropped, headlined, letterboxed, pan, turned
from roundel.matching.geometry import WHOLE, between_frames, moved
from roundel.matching.sameness import blocks, compare, cut, features, together
from roundel.matching.segments import LEAST_AGREEMENT, LEAST_INLIERS

Picture = np.ndarray
POINTS = np.array([[0.3, 0.3], [0.7, 0.4], [0.5, 0.7]])


def picture(seed: int) -> Picture:
    return pan(seed, 0.1)[0]


@pytest.mark.parametrize(
    ("edit", "truth"),
    [
        (cropped, between_frames(np.eye(3), WHOLE, (0.05, 0.05, 0.95, 0.95), is_mirrored=False)),
        (letterboxed, between_frames(np.eye(3), (0, 30 / 240, 1, 210 / 240), WHOLE, is_mirrored=False)),
        (headlined, np.eye(3)),
        (lambda item: cv2.resize(item, (160, 90), interpolation=cv2.INTER_AREA), np.eye(3)),
    ],
    ids=["cropped", "letterboxed", "headlined", "small"],
)
def test_what_an_editor_did_is_found(edit: Callable[[Picture], Picture], truth: np.ndarray) -> None:
    original = picture(1)
    copy = edit(original)
    resolution = min(max(copy.shape), max(original.shape))
    found = compare(features(copy, resolution), features(original, resolution))
    assert found is not None
    assert found.inliers >= LEAST_INLIERS
    assert found.agreement >= 0.7
    assert moved(POINTS, found.homography) == pytest.approx(moved(POINTS, truth), abs=0.02)


def test_a_turn_is_found() -> None:
    found = compare(features(turned(picture(2)), 320), features(picture(2), 320))
    assert found is not None
    across = found.homography @ [1, 0, 0] * [WIDTH / HEIGHT, 1, 1]
    assert abs(np.degrees(np.arctan2(across[1], across[0]))) == pytest.approx(2, abs=0.3)


def test_unrelated_pictures_are_not_the_same() -> None:
    described = [features(picture(seed), 320) for seed in range(10, 22)]
    for number, one in enumerate(described):
        for other in described[:number]:
            found = compare(one, other)
            assert found is None or found.inliers < LEAST_INLIERS or found.agreement < LEAST_AGREEMENT


def test_a_sign_that_two_videos_share_makes_them_no_copies() -> None:
    sign = picture(30)[20:100, 20:120]
    one, other = picture(31).copy(), picture(32).copy()
    one[:80, :100] = other[:80, :100] = sign
    found = compare(features(one, 320), features(other, 320))
    assert found is not None
    assert found.inliers >= LEAST_INLIERS
    assert found.agreement < LEAST_AGREEMENT


def test_blocks_say_where_something_lies_over_the_picture() -> None:
    agreed = blocks(headlined(picture(3)), picture(3), np.eye(3))
    assert np.nanmean(agreed[:6]) > 0.95
    assert np.nanmean(agreed[7]) < 0.2


def test_plain_pictures_have_nothing_to_compare() -> None:
    plain = np.full((HEIGHT, WIDTH), 90, np.uint8)
    assert compare(features(plain, 320), features(picture(1), 320)) is None
    assert np.isnan(blocks(plain, plain, np.eye(3))).all()


def test_a_cut_is_the_region() -> None:
    assert (cut(picture(1), (0.25, 0.5, 0.5, 1)) == picture(1)[90:, 80:160]).all()


def test_places_that_moved_fix_one_map_where_those_of_one_picture_do_not() -> None:
    """A thing of 20 pixels crosses the picture; its places are found within a pixel, and a sixth of them wrongly."""
    rng = np.random.default_rng(4)
    truth = np.array([[0.8, 0.0, 0.1], [0.0, 0.9, 0.02], [0, 0, 1]])
    shapes = (200, 400), (180, 320)
    moments = [np.array([x, 0.5 + 0.3 * (x - 0.5)]) for x in np.linspace(0.1, 0.8, 6)]
    here = np.concatenate([rng.uniform(0, 0.05, (12, 2)) + at for at in moments])
    there = moved(here, truth) + rng.normal(0, 1, here.shape) / np.array([320, 180])
    wrong = rng.permutation(len(here))[:12]
    there[wrong] = rng.uniform(0, 1, (12, 2))
    found = together(here, there, shapes)
    assert found is not None
    transform, fits = found
    assert moved(POINTS, transform) == pytest.approx(moved(POINTS, truth), abs=0.03)
    assert fits.sum() >= 50
    assert fits[wrong].sum() <= 2


def test_places_that_lie_on_no_map_have_none() -> None:
    rng = np.random.default_rng(5)
    found = together(rng.uniform(0, 1, (40, 2)), rng.uniform(0, 1, (40, 2)), ((200, 400), (200, 400)))
    assert found is None or found[1].sum() < LEAST_INLIERS
