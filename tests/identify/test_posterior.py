"""From similarities to probabilities and names."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from identify.small_gallery import AIRCRAFT, ARMOUR, NETWORK, PARAMETERS, TYPES, axis, gallery, identifier, photo, view
from roundel.identify.gallery import OTHER, UNKNOWN, Gallery, shipped_types
from roundel.identify.posterior import (
    Calibration,
    SizeLimit,
    credible_set,
    detail_px,
    disagreement,
    fuse,
    named,
    similarities,
    spread_over_tree,
)
from roundel.types import TypeOpinion

SCORES = arrays.arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 6)), elements=st.floats(-1, 1, width=32))
CALIBRATION = Calibration(0.05, 0.5, 0.1, 10, 2)


def leaves(opinion: TypeOpinion) -> float:
    return sum(chance for name, chance in opinion.posterior.items() if name in (*TYPES, OTHER, UNKNOWN))


def test_a_type_that_fits_is_named_with_its_look_alikes() -> None:
    opinion = identifier().identify([view(axis(0))], AIRCRAFT)
    assert opinion is not None
    assert opinion.node == "f-16"
    assert opinion.posterior["f-16"] == opinion.posterior["combat_aircraft"] - opinion.posterior.get("mig-29", 0.0)
    assert opinion.credible[0] == "f-16"
    assert opinion.second_opinion == ()


def test_two_variants_that_fit_alike_give_their_family() -> None:
    between = (axis(2) + axis(3)) / np.float32(np.sqrt(2))
    opinion = identifier(parameters=PARAMETERS).identify([view(between)], ARMOUR)
    assert opinion is not None
    assert opinion.node == "t-72"
    assert {"t-72b3", "t-72m4"} <= set(opinion.credible)


def test_what_fits_nothing_is_other_and_gets_the_class_of_the_detector() -> None:
    opinion = identifier().identify([view(axis(4))], AIRCRAFT)
    assert opinion is not None
    assert opinion.posterior[OTHER] > 0.8
    assert opinion.node == "aircraft"


def test_a_small_object_is_unknown() -> None:
    opinion = identifier().identify([view(axis(0), longest_px=11)], AIRCRAFT)
    assert opinion is not None
    assert opinion.posterior[UNKNOWN] == 1.0
    assert (opinion.node, opinion.credible) == ("aircraft", (UNKNOWN,))


def test_views_that_contradict_each_other_are_unknown() -> None:
    opinion = identifier().identify([view(axis(0)), view(axis(1))], AIRCRAFT)
    assert opinion is not None
    assert opinion.posterior[UNKNOWN] > 0.5
    assert opinion.node == "aircraft"


def test_classes_without_types_have_no_opinion_and_an_empty_gallery_has_none() -> None:
    assert identifier().identify([view(axis(0))], {"bird": 1.0, "object": 1.0}) is None
    assert identifier(Gallery(NETWORK, {}, (photo("f-16", 1, axis(0)),))).identify([], AIRCRAFT) is None
    assert identifier(Gallery(NETWORK, {}, ()) or gallery()) is not None


def test_an_empty_gallery_says_nothing() -> None:
    empty = Gallery(NETWORK, {}, ())
    from identify.small_gallery import CropEmbedder
    from roundel.identify import GalleryIdentifier

    one = GalleryIdentifier(CropEmbedder(), empty, shipped_types(), PARAMETERS, 0.7)
    assert one.identify([view(axis(0))], AIRCRAFT) is None


def test_what_the_detector_gives_to_other_classes_is_unknown() -> None:
    opinion = identifier().identify([view(axis(0))], {"aircraft": 0.5, "missile": 0.5, "equipment": 1.0, "object": 1.0})
    assert opinion is not None
    assert opinion.posterior[UNKNOWN] >= 0.5
    assert opinion.node == "equipment"


def test_one_photo_is_too_few_to_be_named_alone() -> None:
    several = Gallery(NETWORK, {}, (*gallery().photos[3:], photo("f-16", 1, axis(0))))
    opinion = identifier(several).identify([view(axis(0))], AIRCRAFT)
    assert opinion is not None
    assert opinion.node == "aircraft"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.floats(10, 300)), min_size=1, max_size=5), st.floats(0, 1))
def test_probabilities_sum_to_one_whatever_the_views(views: list[tuple[int, float]], share: float) -> None:
    shares = {"aircraft": share, "armoured_vehicle": 1 - share, "vehicle": 1 - share, "equipment": 1.0, "object": 1.0}
    opinion = identifier().identify([view(axis(index), size) for index, size in views], shares)
    assert opinion is not None
    assert leaves(opinion) == pytest.approx(1, abs=5e-3)
    assert sum(opinion.posterior[name] for name in opinion.credible if name in opinion.posterior) >= 0.89
    assert opinion.node in {*shares, *shipped_types()}


@settings(max_examples=40, deadline=None)
@given(SCORES, st.randoms())
def test_the_order_of_views_does_not_matter(scores: np.ndarray, random: object) -> None:
    doubts = np.linspace(0.1, 0.9, len(scores))
    order = np.random.default_rng(3).permutation(len(scores))
    one, unknown_one = fuse(scores, doubts, CALIBRATION)
    other, unknown_other = fuse(scores[order], doubts[order], CALIBRATION)
    assert np.array_equal(one, other)
    assert unknown_one == unknown_other


@settings(max_examples=40, deadline=None)
@given(SCORES, st.integers(2, 50))
def test_more_of_the_same_view_never_makes_it_surer(scores: np.ndarray, times: int) -> None:
    one, unknown_one = fuse(scores[:1], [0.3], CALIBRATION)
    many, unknown_many = fuse(np.repeat(scores[:1], times, axis=0), [0.3] * times, CALIBRATION)
    assert np.allclose(one, many)
    assert unknown_one == pytest.approx(unknown_many, abs=1e-6)


def test_types_with_few_photos_are_filled_up_with_the_usual_likeness() -> None:
    photos = np.stack([axis(0), axis(0), axis(0), axis(1)])
    found = similarities(axis(1)[None], photos, np.array([0, 0, 0, 1]), 2)
    assert found[0, 0] == pytest.approx(0)
    assert found[0, 1] == pytest.approx((1 + 2 * 0.25) / 3)


def test_disagreement_is_none_for_one_view_and_full_for_opposite_ones() -> None:
    assert disagreement(np.array([[1.0, 0.0]]), np.array([1.0])) == 0.0
    assert disagreement(np.eye(2), np.array([0.5, 0.5])) == pytest.approx(1)


def test_a_blurred_or_enlarged_crop_tells_as_little_as_a_small_one() -> None:
    sharp = np.random.default_rng(0).integers(0, 255, (240, 240, 3)).astype(np.uint8)
    small = sharp[:24, :24]
    enlarged = cv2.resize(small, (240, 240), interpolation=cv2.INTER_CUBIC)
    assert detail_px(sharp, 240) == 240
    assert detail_px(enlarged, 240) <= 120
    assert detail_px(np.full((50, 50, 3), 90, np.uint8), 50) == 0.0


def test_smaller_objects_are_never_better_known() -> None:
    limit = SizeLimit(12, 24, 4)
    chances = [limit.unknown(size) for size in range(1, 300)]
    assert chances == sorted(chances, reverse=True)
    assert chances[10] == 1.0


def test_credible_sets_and_the_tree() -> None:
    assert credible_set({"a": 0.5, "b": 0.45, "c": 0.05}) == ("a", "b")
    over_tree = spread_over_tree({"t-72b3": 0.4, "t-72m4": 0.4, OTHER: 0.2, UNKNOWN: 0.0}, shipped_types())
    assert over_tree["t-72"] == over_tree["armoured_vehicle"] == 0.8
    assert list(over_tree)[-1] == UNKNOWN
    assert named(over_tree, ARMOUR, shipped_types(), 0.7) == "t-72"
    assert named(over_tree, ARMOUR, shipped_types(), 0.9) == "armoured_vehicle"
