"""Calibration: probabilities that add up, grow with the score, and never gain from mere repetition."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import CLASSES
from roundel.calibration import MOST_FRAMES, Calibration, read, temper, top_class
from roundel.classes import tree
from roundel.config import TrackingConfig
from roundel.detect.weights import calibration_of, registered
from roundel.errors import WeightsError
from roundel.sightings import Gallery, TrackRecord, conclude

FITTED = Calibration("sha256:" + "0" * 64, 0.5, 1.2, 0.3, {"aircraft": -0.4}, 1.3, 800, 0.02)
SCORES = st.dictionaries(st.sampled_from(CLASSES), st.floats(0.001, 1), min_size=1)


@given(scores=SCORES, score=st.floats(0.01, 0.99), frames=st.integers(1, 500))
def test_the_classes_share_what_the_root_has(scores: dict[str, float], score: float, frames: int) -> None:
    found = FITTED.posterior(scores, score, frames)
    assert 0 < found["object"] < 1
    assert math.isclose(sum(found[name] for name in scores), found["object"], abs_tol=1e-3)
    for name, p in found.items():
        parent = tree()[name].parent
        assert parent is None or p <= found[parent] + 1e-4


@given(scores=SCORES, low=st.floats(0.05, 0.9), more=st.floats(0.01, 0.09))
def test_a_better_score_is_more_likely_an_object(scores: dict[str, float], low: float, more: float) -> None:
    assert FITTED.posterior(scores, low + more, 5)["object"] >= FITTED.posterior(scores, low, 5)["object"]


def test_a_longer_track_gains_no_more_than_was_fitted() -> None:
    assert FITTED.is_object(0.5, 10**6, "ship") == FITTED.is_object(0.5, MOST_FRAMES, "ship")


@given(scores=SCORES, temperature=st.floats(0.5, 4))
def test_tempered_shares_add_up_and_keep_their_order(scores: dict[str, float], temperature: float) -> None:
    shares = temper(scores, temperature)
    assert math.isclose(sum(shares.values()), 1)
    strongest = max(scores, key=lambda name: scores[name])
    assert shares[strongest] == max(shares.values())


def test_the_broad_class_is_the_one_with_most_in_all() -> None:
    assert top_class({"armoured_vehicle": 0.35, "helicopter": 0.33, "uav": 0.32}) == "aircraft"
    assert top_class({"bird": 0.6, "uav": 0.4}) == "bird"


def sighting(calibration: Calibration | None):
    record = TrackRecord("t1", 0.0, Gallery(5))
    row = np.array([0.8 if name == "armoured_vehicle" else 0.1 if name == "civil_vehicle" else 0 for name in CLASSES])
    for number in range(4):
        record.add(number / 2, row.astype(np.float32), np.zeros(len(CLASSES), bool), None)
    return conclude(record, 0, CLASSES, {}, TrackingConfig(), calibration)


def test_a_sighting_holds_probabilities_only_with_a_calibration() -> None:
    bare, calibrated = sighting(None), sighting(FITTED)
    assert bare is not None
    assert calibrated is not None
    assert (bare.calibrated, bare.posterior["object"]) == (False, 1.0)
    assert calibrated.calibrated
    expected = FITTED.is_object(0.8, 4, "vehicle")
    assert calibrated.posterior["object"] == pytest.approx(expected, abs=1e-4)
    assert calibrated.node == bare.node == "armoured_vehicle", "the class is chosen given that there is an object"


def test_a_calibration_of_other_weights_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(json.dumps(asdict(FITTED)))
    assert read(file, FITTED.weights_sha256) == FITTED
    with pytest.raises(WeightsError, match=r"x.json: was made for other weights \(sha256:0+, not sha256:1\)"):
        read(file, "sha256:1")
    file.write_text("{}")
    with pytest.raises(WeightsError, match="cannot be read as a calibration"):
        read(file, "sha256:1")


def test_the_default_weights_are_calibrated_on_clips_that_were_not_fitted() -> None:
    from roundel.config import DetectorConfig

    found = calibration_of(registered()[DetectorConfig().model])
    assert found is not None
    assert found.clips >= 300
    assert 0 < found.expected_error <= 0.05
