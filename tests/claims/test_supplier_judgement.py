"""A claim "supplied by" against the deliveries on record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims.register_rows import row, shipped_rows
from claims.small_register import ORIGINS, SmallRegister
from claims.test_suppliers import ROWS
from roundel.catalogue import load
from roundel.catalogue.model import Row
from roundel.claims.model import Verdict
from roundel.claims.provenance.judgement import DeliveryYears, SupplierJudgement, judge_supplier
from roundel.claims.provenance.origins import TypeEvidence

FILMED = date(2014, 9, 1)
TABQA = {"mig-21": 0.86, "su-17-20-22": 0.09, "mig-23": 0.03, "j-7": 0.003, "other": 0.02}
PRIOR = dict.fromkeys(ORIGINS, 0.15)


def seen(types: Mapping[str, float]) -> TypeEvidence:
    return TypeEvidence(types, PRIOR, "video")


def judge(
    types: Mapping[str, float], actor: str, rows: tuple[Row, ...], holder: str | None = "SY"
) -> SupplierJudgement:
    return judge_supplier(seen(types), holder, actor, FILMED, SmallRegister(rows))


@pytest.mark.shared_data
def test_aircraft_that_russia_sent_is_not_supported_as_worded(shared: Path) -> None:
    found = judge(TABQA, "RU", shipped_rows(shared))
    assert found.outcome == Verdict.WEAKENS
    assert found.own is not None
    assert found.own.high == 0
    assert found.loose is not None
    assert 0.75 < found.loose.low < found.loose.high < 0.95
    assert found.years[0] == DeliveryYears("SUHH", "mig-21", (1967, 1983))
    assert found.text.startswith("As worded, the claim is not supported: Russia is not in the register")
    assert found.looser.startswith("In a looser sense, deliveries by the Soviet Union")
    assert "MiG-21 1967–1983" in found.looser
    assert "at most 8 %" in found.text


@pytest.mark.shared_data
def test_an_l_39_contradicts_russia_and_not_czechoslovakia(shared: Path) -> None:
    rows = shipped_rows(shared)
    found = judge({"l-39": 0.95}, "RU", rows)
    assert found.outcome == Verdict.CONTRADICTS
    assert "not in the register" in found.text
    assert "at most 10 %" in found.text
    assert judge({"l-39": 0.95}, "CSHH", rows).outcome == Verdict.CONSISTENT_WITH
    assert judge({"l-39": 0.95}, "CZ", rows).outcome == Verdict.WEAKENS


@pytest.mark.parametrize(
    ("types", "actor", "outcome"),
    [
        (TABQA, "RU", Verdict.WEAKENS),
        (TABQA, "SUHH", Verdict.CONSISTENT_WITH),
        (TABQA, "US", Verdict.CONTRADICTS),
        ({"l-39": 0.95}, "RU", Verdict.CONTRADICTS),
        ({"mig-23": 0.95}, "BY", Verdict.CONSISTENT_WITH),
        ({"mig-21": 0.95}, "BY", Verdict.WEAKENS),
    ],
)
def test_the_shipped_catalogue_gives_the_same(types: Mapping[str, float], actor: str, outcome: Verdict) -> None:
    found = judge_supplier(seen(types), "SY", actor, FILMED, load())
    assert found.outcome == outcome
    assert found.alternatives[-1].startswith("Supplied by a state that the register does not list: at most")


@pytest.mark.shared_data
def test_listed_suppliers_are_consistent_and_the_others_are_named(shared: Path) -> None:
    rows = shipped_rows(shared)
    soviet = judge({"mig-21": 0.95}, "SUHH", rows)
    assert soviet.outcome == Verdict.CONSISTENT_WITH
    assert "between 79 and 80 %" in soviet.text
    assert any("Libya (MiG-21 1982)" in text for text in soviet.alternatives)
    belarus = judge({"mig-23": 0.95}, "BY", rows)
    assert belarus.outcome == Verdict.CONSISTENT_WITH
    assert "the register's source is unsure of this delivery" in belarus.text
    assert "between 7 and 21 %" in belarus.text


ROW = (row(1, "SUHH"), row(2, "LY"))


@pytest.mark.parametrize(
    ("types", "holder"),
    [
        ({"mig-21": 0.95}, None),
        ({"mig-21": 0.5, "j-7": 0.4}, "SY"),
        ({"unknown": 1.0}, "SY"),
        (PRIOR, "SY"),
        ({"mig-21": 0.7}, "IQ"),
    ],
)
def test_without_holder_type_or_footage_nothing_is_said(types: Mapping[str, float], holder: str | None) -> None:
    found = judge(types, "SUHH", ROW, holder)
    assert found.outcome == Verdict.NOT_ADDRESSED
    assert found.alternatives


def test_a_type_that_is_not_settled_cannot_contradict() -> None:
    rows = (row(1, "SUHH", least=200, most=200),)
    assert judge({"mig-21": 0.97}, "CN", rows).outcome == Verdict.CONTRADICTS
    assert judge({"mig-21": 0.78}, "CN", rows).outcome == Verdict.NOT_ADDRESSED
    assert judge({"mig-21": 0.7, "mig-23": 0.3}, "CN", rows).outcome == Verdict.NOT_ADDRESSED


def test_a_small_delivery_contradicts_nobody() -> None:
    assert judge({"mig-21": 1.0}, "CN", (row(1, "SUHH", least=3, most=3),)).outcome == Verdict.NOT_ADDRESSED


def test_a_register_without_a_row_for_the_type_contradicts_nobody() -> None:
    found = judge({"mig-21": 1.0}, "RU", ())
    assert found.outcome == Verdict.NOT_ADDRESSED
    assert "at most 100 %" in found.text


@pytest.mark.parametrize("actor", ["RU", "SUHH"])
def test_a_delivery_after_the_footage_does_not_count(actor: str) -> None:
    late = (row(1, "LY", least=200, most=200), row(2, actor, first=2017))
    assert judge({"mig-21": 1.0}, actor, late).outcome == Verdict.CONTRADICTS
    assert judge({"mig-21": 1.0}, actor, (row(1, "LY"), row(2, actor, first=2014))).outcome == Verdict.CONSISTENT_WITH


def test_a_delivery_of_a_successor_is_not_one_of_the_predecessor() -> None:
    rows = (row(1, "LY", least=200, most=200), row(2, "RU", first=2008))
    assert judge({"mig-21": 1.0}, "SUHH", rows).outcome == Verdict.CONTRADICTS
    assert judge({"mig-21": 1.0}, "BY", rows).outcome == Verdict.CONTRADICTS
    assert judge({"mig-21": 1.0}, "RU", rows).outcome == Verdict.CONSISTENT_WITH


@settings(max_examples=40, deadline=None)
@given(ROWS, st.sampled_from(("RU", "SUHH", "CN")))
def test_a_look_alike_of_another_origin_leaves_the_supplier_open(rows: list[Row], actor: str) -> None:
    assert judge({"mig-21": 0.5, "j-7": 0.4}, actor, tuple(rows)).outcome == Verdict.NOT_ADDRESSED


@settings(max_examples=40, deadline=None)
@given(ROWS, st.sampled_from(("RU", "SUHH", "CN")))
def test_a_capture_changes_no_judgement(rows: list[Row], actor: str) -> None:
    captured = row(10**7, actor, relation="captured")
    assert judge({"mig-21": 1.0}, actor, tuple(rows)) == judge({"mig-21": 1.0}, actor, (*rows, captured))


@settings(max_examples=60, deadline=None)
@given(
    ROWS,
    st.dictionaries(st.sampled_from([*ORIGINS, "other", "unknown"]), st.floats(0, 0.14), min_size=1),
    st.sampled_from(sorted(ORIGINS)),
    st.sampled_from(("RU", "SUHH", "CN", "group:islamic-state")),
    st.sampled_from(("SY", "IQ", None)),
)
def test_no_outcome_is_stronger_than_consistent_with(
    rows: list[Row], types: dict[str, float], top: str, actor: str, holder: str | None
) -> None:
    likely = types | {top: max(0.0, 1 - sum(chance for name, chance in types.items() if name != top))}
    found = judge(likely, actor, tuple(rows), holder)
    allowed = {Verdict.CONSISTENT_WITH, Verdict.NOT_ADDRESSED, Verdict.WEAKENS, Verdict.CONTRADICTS}
    assert found.outcome in allowed
    assert found.alternatives
    assert found.text
    if holder is None:
        assert found.outcome == Verdict.NOT_ADDRESSED
    assert found == judge(dict(reversed(likely.items())), actor, tuple(reversed(rows)), holder)
    if actor == "SUHH" and not any(one.supplier == "RU" for one in rows):
        assert "Russia" not in found.text + "".join(found.alternatives)
