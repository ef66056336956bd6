"""Sightings: fused classes with back-off, exemplars, burnt-in graphics; and the class tree."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import CLASSES
from roundel.classes import ROOT, deepest, lineage, shares, tree
from roundel.config import TrackingConfig
from roundel.sightings import Gallery, Stillness, TrackRecord, View, conclude, view_quality

CONFIG = TrackingConfig()
SHOWN_AS = {"combat_aircraft": "aircraft", "helicopter": "aircraft", "uav": "aircraft", "other_aircraft": "aircraft"}
NOTHING_SMALL = np.zeros(len(CLASSES), bool)


def sighting(*frames: dict[str, float], small: tuple[str, ...] = (), shown_as=SHOWN_AS):
    record = TrackRecord("t1", 0.0, Gallery(5))
    for number, scores in enumerate(frames):
        row = np.array([scores.get(name, 0.0) for name in CLASSES], np.float32)
        record.add(number / 2, row, np.array([name in small for name in CLASSES]), None)
    return conclude(record, 0, CLASSES, shown_as, CONFIG)


def test_the_class_comes_from_all_scores_not_from_a_majority_of_labels() -> None:
    weak, strong = {"civil_vehicle": 0.41, "armoured_vehicle": 0.4}, {"armoured_vehicle": 0.95, "civil_vehicle": 0.02}
    found = sighting(weak, weak, weak, strong, strong)
    assert found is not None
    assert found.node == "armoured_vehicle"


def test_between_two_classes_the_parent_is_reported() -> None:
    found = sighting(*[{"civil_vehicle": 0.5, "armoured_vehicle": 0.5}] * 4)
    assert found is not None
    assert found.node == "vehicle"
    assert dict(found.alternatives) == {"armoured_vehicle": 0.5, "civil_vehicle": 0.5}


def test_between_an_aircraft_and_a_vehicle_only_equipment_is_reported() -> None:
    found = sighting(*[{"helicopter": 0.5, "armoured_vehicle": 0.5}] * 4)
    assert found is not None
    assert found.node == "equipment"


def test_a_class_that_is_not_validated_is_shown_as_its_parent() -> None:
    found = sighting(*[{"helicopter": 0.9}] * 4)
    assert found is not None
    assert found.node == "aircraft"
    assert found.posterior["helicopter"] == 1.0


def test_scores_of_small_boxes_say_equipment_only() -> None:
    found = sighting(*[{"combat_aircraft": 0.9, "armoured_vehicle": 0.1}] * 4, small=("combat_aircraft",))
    assert found is not None
    assert found.node == "equipment"
    assert found.posterior["combat_aircraft"] == 0.9, "the detector's own label stays on record"
    assert found.set_aside == 0.9


@pytest.mark.parametrize("frames", [[{"uav": 0.9}], [{"uav": 0.3}] * 9])
def test_brief_or_weak_tracks_are_no_sightings(frames: list) -> None:
    assert sighting(*frames) is None


@given(st.dictionaries(st.sampled_from(CLASSES), st.floats(0.01, 1), min_size=1))
def test_shares_add_up_and_a_parent_has_at_least_its_children(scores: dict) -> None:
    found = shares(scores)
    assert found[ROOT] == pytest.approx(1, abs=1e-3)
    for name in found:
        for parent in lineage(name)[1:]:
            assert found[parent] >= found[name] - 1e-3


@given(st.dictionaries(st.sampled_from(CLASSES), st.floats(0.01, 1), min_size=1), st.floats(0.51, 1))
def test_the_reported_node_passes_the_threshold_and_is_never_an_unearned_class(scores: dict, threshold: float) -> None:
    found = shares(scores)
    node = deepest(found, threshold, SHOWN_AS)
    assert node not in SHOWN_AS
    assert node == ROOT or found[node] >= threshold


def test_every_node_leads_to_the_root() -> None:
    assert all(lineage(name)[-1] == ROOT for name in tree())


def view(seconds: float, quality: float) -> View:
    return View(seconds, (0, 0, 1, 1), (0, 0, 1, 1), 0.5, np.zeros((4, 4, 3), np.uint8), quality)


@given(st.lists(st.tuples(st.floats(0, 500), st.floats(0, 10)), min_size=1, max_size=200))
def test_a_gallery_is_bounded_keeps_the_best_view_and_is_in_order(items: list) -> None:
    gallery = Gallery(5)
    for seconds, quality in sorted(items):
        gallery.add(view(seconds, quality))
        assert len(gallery.views) <= 6
    best = gallery.best()
    assert 1 <= len(best) <= 5
    assert [item.seconds for item in best] == sorted(item.seconds for item in best)
    assert max(item.quality for item in best) == max(quality for _, quality in items)


def test_exemplars_are_spread_over_the_time_of_a_track() -> None:
    gallery = Gallery(5)
    for number in range(400):
        gallery.add(view(number / 4, 1 + number % 7))
    times = [item.seconds for item in gallery.best()]
    assert len(times) >= 4
    assert times[-1] - times[0] > 60


def test_a_sharp_large_view_is_better_than_a_blurred_or_small_one() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)
    blurred, small = cv2.GaussianBlur(picture, (0, 0), 6), picture[:50, :50]
    assert view_quality(picture, 0.8) > max(
        view_quality(blurred, 0.8), view_quality(small, 0.8), view_quality(picture, 0.4)
    )


def stillness(logo: bool, camera: bool, detector_trembles: bool = True) -> bool:
    """Watch a mark for 20 frames: burnt in or painted on the scene, with a moving or resting camera."""
    rng = np.random.default_rng(1)
    ground = cv2.resize(rng.integers(0, 255, (20, 60), dtype=np.uint8), (800, 200), interpolation=cv2.INTER_CUBIC)
    mark = cv2.resize(rng.integers(0, 255, (5, 5), dtype=np.uint8), (40, 40), interpolation=cv2.INTER_NEAREST)
    watch = None
    for frame in range(20):
        shift = 6 * frame if camera else 0
        luma = ground[:, shift : shift + 320].copy()
        left = 100 if logo else 220 - shift
        luma[80:120, left : left + 40] = mark
        luma = np.clip(luma + rng.normal(0, 2, luma.shape), 0, 255).astype(np.uint8)
        box = np.array([left, 80, left + 40, 120], np.float32) + (rng.normal(0, 0.6, 4) if detector_trembles else 0)
        box = box.astype(np.float32)
        watch = watch or Stillness(box, luma)
        watch.add(box, luma)
    assert watch is not None
    return watch.is_burnt_in()


def test_a_logo_over_a_moving_scene_is_burnt_in() -> None:
    assert stillness(logo=True, camera=True)


def test_a_parked_object_is_not_burnt_in() -> None:
    assert not stillness(logo=False, camera=True)
    assert not stillness(logo=True, camera=False), "with a resting camera nothing can be told"
