"""Words never exceed what the validation allows."""

from __future__ import annotations

import itertools
import re
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims.scenes import both, film, held, jets, saw
from roundel.calibration import OperatingPoint
from roundel.claims.model import Verdict
from roundel.claims.wording import (
    SCALE,
    Strength,
    cap,
    false_alarm_bound,
    grouped,
    hit_bound,
    odds,
    strength,
    tail,
    words_for,
)

ORDER = [words for _, words in SCALE]
CHANCES = st.floats(0, 1)


@st.composite
def operating_points(draw: st.DrawFn) -> OperatingPoint:
    objects, negatives = draw(st.integers(0, 2000)), draw(st.integers(0, 20_000))
    return OperatingPoint(
        draw(CHANCES), draw(st.integers(0, objects)), objects, draw(st.integers(0, min(negatives, 60))), negatives
    )


@pytest.mark.parametrize(("clips", "ratio"), [(30, 9), (100, 30), (300, 91), (1_000, 301), (10_000, 3_005)])
def test_the_caps_of_the_evidence_model(clips: int, ratio: int) -> None:
    """Section 5 knows the sensitivity, 0.9; where it is measured on few objects its lower bound is used."""
    assert round(0.9 / false_alarm_bound(0, clips)) == ratio
    assert cap(OperatingPoint(0.5, 9_050, 10_000, 0, clips)) == pytest.approx(
        0.9 / false_alarm_bound(0, clips), rel=0.01
    )
    assert cap(OperatingPoint(0.5, 90, 100, 0, clips)) < 0.9 / false_alarm_bound(0, clips)


def test_three_hundred_clips_allow_moderate_support_at_most() -> None:
    best = strength(1.0, [OperatingPoint(0.5, 100, 100, 0, 300)])
    assert best.ratio < 102
    assert words_for(strength(1.0, [OperatingPoint(0.5, 90, 100, 0, 300)]).ratio) == "moderate support"


@settings(deadline=None)
@given(st.lists(operating_points(), max_size=5), CHANCES)
def test_a_ratio_never_exceeds_the_cap_nor_the_odds(points: list[OperatingPoint], chance: float) -> None:
    found = strength(chance, points)
    assert 1 <= found.ratio <= max(1.0, found.cap)
    assert found.ratio <= max(1.0, odds(chance)) + 1e-9
    assert ORDER.index(found.words) <= ORDER.index(words_for(found.cap))
    reached = [cap(point) for point in points if point.probability <= chance and 2 * point.found >= point.objects > 0]
    assert found.cap in {1.0, *reached}
    if not reached:
        assert found == Strength(1.0, 1.0, 0)


@settings(deadline=None)
@given(operating_points())
def test_more_false_alarms_or_fewer_clips_never_allow_more(point: OperatingPoint) -> None:
    worse = OperatingPoint(
        point.probability, point.found, point.objects, min(point.false_alarms + 1, point.negatives), point.negatives
    )
    fewer = OperatingPoint(
        point.probability, point.found, point.objects, min(point.false_alarms, point.negatives // 2),
        point.negatives // 2,
    )  # fmt: skip
    assert cap(worse) <= cap(point) * (1 + 1e-9)
    if not point.false_alarms:
        assert cap(fewer) <= cap(point) * (1 + 1e-9)


@settings(deadline=None)
@given(CHANCES, st.lists(operating_points(), min_size=1, max_size=5))
def test_a_group_is_never_stronger_than_its_weakest_member(chance: float, points: list[OperatingPoint]) -> None:
    members = [strength(0.99, [point]) for point in points]
    found = grouped(chance, members)
    assert found.ratio <= min(item.ratio for item in members)
    assert found.ratio <= max(1.0, odds(chance)) + 1e-9


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 3000), st.integers(0, 100), st.integers(0, 40), st.floats(0.5, 1), st.sampled_from([1, 2]))
def test_the_sentence_says_no_more_than_the_cap(clips: int, hits: int, alarms: int, chance: float, least: int) -> None:
    point = OperatingPoint(0.5, hits, 100, min(alarms, clips), clips)
    found = held(f"quantifier: at least {least}, subject: aircraft", jets(2, chance, points={"aircraft": (point,)}))
    limit = cap(point)
    for item in (*found.supporting, *found.opposing):
        assert item.ratio is None or item.ratio <= limit
        assert not item.words or ORDER.index(item.words) <= ORDER.index(words_for(limit))
    said = [words for words in ORDER if f"gives {words} to" in found.words]
    assert (found.verdict is Verdict.SUPPORTS) == bool(said)
    if said:
        assert ORDER.index(said[0]) <= ORDER.index(words_for(limit))
        stated = re.search(r"likelihood ratio ([\d,]+)", found.words)
        assert stated is not None
        assert int(stated[1].replace(",", "")) <= limit + 0.5
    assert found.verdict is not Verdict.SHOWS


@given(st.lists(CHANCES, max_size=7), st.integers(0, 8))
def test_the_tail_is_that_of_all_outcomes(chances: list[float], least: int) -> None:
    brute = 0.0
    for outcome in itertools.product((0, 1), repeat=len(chances)):
        if sum(outcome) >= least:
            part = 1.0
            for real, p in zip(outcome, chances, strict=True):
                part *= p if real else 1 - p
            brute += part
    assert tail(chances, least) == pytest.approx(brute, abs=1e-9)


@settings(deadline=None)
@given(st.integers(0, 60), st.integers(1, 500))
def test_the_bound_on_false_alarms_is_the_exact_one(alarms: int, clips: int) -> None:
    alarms = min(alarms, clips)
    bound = false_alarm_bound(alarms, clips)
    assert alarms / clips <= bound <= 1
    if alarms < clips:
        below = sum(_binomial(count, clips, bound) for count in range(alarms + 1))
        assert below == pytest.approx(0.05, abs=1e-3)
    assert hit_bound(clips - alarms, clips) == pytest.approx(1 - bound)


def _binomial(count: int, trials: int, rate: float) -> float:
    return float(comb(trials, count) * rate**count * (1 - rate) ** (trials - count))


def test_people_s_part_is_not_called_measured() -> None:
    found = held(
        "subject: aircraft, scope: {place: Tabqa air base}",
        film(saw("t1", "combat_aircraft")),
        both("place", place="Tabqa air base"),
    )
    assert found.verdict is Verdict.SUPPORTS
    assert not found.words.startswith("The footage gives"), "where it was filmed is not what the footage gives"
    assert "Ana and Ben" in found.words
    assert "was not measured" in found.words
    assert "moderate support" in found.words
