"""Shares of suppliers: the shipped rows give the known ranges, and the rules hold for any rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims.register_rows import row, shipped_rows
from roundel.catalogue import load
from roundel.catalogue.model import Row
from roundel.claims.provenance.shares import UNLISTED, Range, SupplierSettings, complete, supplier_shares
from roundel.errors import UsageError

FILMED = date(2014, 9, 1)
TYPES = ("mig-21", "mig-23", "l-39", "j-7")
SUPPLIERS = ("SUHH", "RU", "CSHH", "LY", "BY")


@st.composite
def any_row(draw: st.DrawFn) -> Row:
    least = draw(st.none() | st.integers(0, 200))
    first = draw(st.none() | st.integers(1955, 2024))
    return row(
        draw(st.integers(1, 10**6)),
        draw(st.sampled_from(SUPPLIERS)),
        type=draw(st.sampled_from(TYPES)),
        recipient=draw(st.sampled_from(("SY", "IQ"))),
        relation=draw(st.sampled_from(("transfer", "transfer", "transfer", "captured", "operator"))),
        least=least,
        most=draw(st.none() | st.integers(least or 0, 300)),
        first_year=first,
        last_year=None if first is None else first + draw(st.integers(0, 9)),
        ordered_year=draw(st.none() | st.integers(1955, 2024)),
        hedged=draw(st.booleans()),
        condition=draw(st.sampled_from(("new", "second_hand"))),
    )


ROWS = st.lists(any_row(), max_size=8, unique_by=lambda one: one.id)


@st.composite
def any_types(draw: st.DrawFn) -> dict[str, float]:
    names = draw(st.lists(st.sampled_from((*TYPES, "other", "unknown")), min_size=1, unique=True))
    weights = [draw(st.floats(0.01, 1)) for _ in names]
    whole = sum(weights) * draw(st.floats(1, 2))
    return {name: weight / whole for name, weight in zip(names, weights, strict=True)}


@pytest.mark.shared_data
def test_a_mig_21_of_syria_has_the_known_shares(shared: Path) -> None:
    shares = supplier_shares({"mig-21": 1.0}, "SY", shipped_rows(shared), FILMED)
    assert list(shares.suppliers) == ["SUHH", "LY", "PL", "HU", "CSHH"]
    expected = {"SUHH": (0.83, 0.84), "LY": (0.04, 0.05), "PL": (0.03, 0.03), "HU": (0.02, 0.02), "CSHH": (0.02, 0.02)}
    for code, (low, high) in expected.items():
        assert (shares.suppliers[code].low, shares.suppliers[code].high) == pytest.approx((low, high), abs=0.01)
    assert (shares.unlisted.low, shares.unlisted.high) == pytest.approx((0.05, 0.05))


@pytest.mark.shared_data
def test_a_mig_23_of_syria_has_the_known_shares(shared: Path) -> None:
    shares = supplier_shares({"mig-23": 1.0}, "SY", shipped_rows(shared), FILMED)
    for code, low, high in (("SUHH", 0.67, 0.81), ("BY", 0.07, 0.22), ("LY", 0.06, 0.08)):
        assert (shares.suppliers[code].low, shares.suppliers[code].high) == pytest.approx((low, high), abs=0.01)


@pytest.mark.shared_data
def test_an_l_39_of_syria_came_from_czechoslovakia(shared: Path) -> None:
    shares = supplier_shares({"l-39": 1.0}, "SY", shipped_rows(shared), FILMED)
    assert shares.suppliers["CSHH"].low == pytest.approx(0.95, abs=0.01)
    assert list(shares.suppliers) == ["CSHH"]


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["mig-21", "mig-23", "l-39", "su-17-20-22", "t-62", "bmp-1", "mi-24"])
def test_russia_is_in_no_row_for_these_before_2017(shared: Path, name: str) -> None:
    rows = shipped_rows(shared)
    assert "RU" not in supplier_shares({name: 1.0}, "SY", rows, FILMED).suppliers
    assert "SUHH" in supplier_shares({name: 1.0}, "SY", rows, FILMED).suppliers or name == "l-39"


@pytest.mark.shared_data
def test_other_readings_of_a_hedge_are_a_matter_of_settings(shared: Path) -> None:
    rows = shipped_rows(shared)
    by_row = supplier_shares({"mig-21": 1.0}, "SY", rows, FILMED, SupplierSettings(hedge_scope="row"))
    assert by_row.suppliers["SUHH"].low == pytest.approx(0.80, abs=0.005)
    dropped = SupplierSettings(hedge_weights=(0.0, 0.5, 1.0))
    assert supplier_shares({"mig-23": 1.0}, "SY", rows, FILMED, dropped).suppliers["BY"].low == 0
    new_only = SupplierSettings(second_hand=(False,))
    assert list(supplier_shares({"mig-21": 1.0}, "SY", rows, FILMED, new_only).suppliers) == ["SUHH"]


@settings(max_examples=60, deadline=None)
@given(any_types(), ROWS)
def test_shares_sum_to_one_in_every_setting_and_unlisted_keeps_its_floor(
    types: dict[str, float], rows: list[Row]
) -> None:
    shares = supplier_shares(types, "SY", rows, FILMED)
    for one in shares.distributions:
        assert sum(one.values()) == pytest.approx(1, abs=1e-9)
        assert one[UNLISTED] >= 0.05 - 1e-9
        assert min(one.values()) >= 0
    for span in (*shares.suppliers.values(), shares.unlisted):
        assert span.low <= span.point <= span.high
    assert sum(span.point for span in shares.suppliers.values()) + shares.unlisted.point == pytest.approx(1)


@settings(max_examples=60, deadline=None)
@given(any_types(), ROWS, st.lists(any_row(), max_size=4), st.sampled_from(("captured", "operator")))
def test_captures_and_holdings_never_change_shares(
    types: dict[str, float], rows: list[Row], more: list[Row], relation: str
) -> None:
    captured = [replace(one, relation=relation) for one in more]  # type: ignore[arg-type]
    assert supplier_shares(types, "SY", rows, FILMED) == supplier_shares(types, "SY", [*rows, *captured], FILMED)


@settings(max_examples=60, deadline=None)
@given(any_types(), ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_types_does_not_matter(types: dict[str, float], rows: list[Row], random: object) -> None:
    shuffled, names = list(rows), list(types)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    random.shuffle(names)  # type: ignore[attr-defined]
    other = supplier_shares({name: types[name] for name in names}, "SY", [*shuffled, *rows[:1]], FILMED)
    assert supplier_shares(types, "SY", rows, FILMED) == other


@settings(max_examples=60, deadline=None)
@given(any_types(), ROWS, ROWS)
def test_deliveries_after_the_footage_count_for_nothing(
    types: dict[str, float], rows: list[Row], later: list[Row]
) -> None:
    after = [replace(one, id=f"z{one.id}", first_year=2015, last_year=2020) for one in later]
    assert supplier_shares(types, "SY", rows, FILMED) == supplier_shares(types, "SY", [*rows, *after], FILMED)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.integers(1, 100), st.floats(0.05, 0.95))
def test_a_hedged_row_counts_for_something_between_nothing_and_all(rows: list[Row], number: int, weight: float) -> None:
    firm = [one for one in rows if one.supplier != "BY"]
    doubtful = row(0, "BY", id="hedged", first=2008, least=number, most=number, hedged=True)

    def share(*more: Row, weight: float = 1.0) -> float:
        one = SupplierSettings(hedge_weights=(weight,), hedge_scope="row")
        found = supplier_shares({"mig-21": 1.0}, "SY", [*firm, *more], FILMED, one).suppliers
        return found["BY"].point if "BY" in found else 0.0

    assert share() == 0 < share(doubtful, weight=weight) <= share(doubtful) + 1e-12
    by_link = supplier_shares({"mig-21": 1.0}, "SY", [*firm, doubtful], FILMED).suppliers["BY"]
    assert by_link.low <= share(doubtful) <= by_link.high + 1e-12


@settings(max_examples=60, deadline=None)
@given(any_types(), ROWS)
def test_no_successor_gets_its_predecessors_share(types: dict[str, float], rows: Sequence[Row]) -> None:
    soviet = [replace(one, supplier="SUHH") if one.supplier == "RU" else one for one in rows]
    shares = supplier_shares(types, "SY", soviet, FILMED)
    assert "RU" not in shares.suppliers
    assert shares.together(["RU"]) == Range(0.0, 0.0, 0.0)


@settings(max_examples=60, deadline=None)
@given(any_types(), ROWS)
def test_types_without_a_row_are_unlisted_as_a_whole(types: dict[str, float], rows: list[Row]) -> None:
    elsewhere = [replace(one, type="t-72") for one in rows]
    assert supplier_shares(types, "SY", elsewhere, FILMED).unlisted.low == pytest.approx(1)


@settings(max_examples=40, deadline=None)
@given(ROWS, st.floats(0.05, 0.6))
def test_a_higher_floor_is_kept_and_named_suppliers_give_it(rows: list[Row], floor: float) -> None:
    shares = supplier_shares({"mig-21": 1.0}, "SY", rows, FILMED, SupplierSettings(floor=floor))
    assert shares.unlisted.low >= floor - 1e-9
    assert all(span.high <= 1 - floor + 1e-9 for span in shares.suppliers.values())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "mig-21",
            {"SUHH": (0.83, 0.84), "LY": (0.04, 0.05), "PL": (0.03, 0.03), "HU": (0.02, 0.02), "CSHH": (0.02, 0.02)},
        ),
        ("mig-23", {"SUHH": (0.67, 0.81), "BY": (0.07, 0.22), "LY": (0.06, 0.08)}),
        ("l-39", {"CSHH": (0.95, 0.95)}),
    ],
)
def test_the_shipped_catalogue_gives_the_same(name: str, expected: dict[str, tuple[float, float]]) -> None:
    found = supplier_shares({name: 1.0}, "SY", load().rows, FILMED).suppliers
    assert {code: (span.low, span.high) for code, span in found.items()} == {
        code: pytest.approx(span, abs=0.01) for code, span in expected.items()
    }


def test_a_small_delivery_leaves_more_room_for_what_the_register_lacks() -> None:
    few = supplier_shares({"mig-21": 1.0}, "SY", [row(1, "SUHH", least=2, most=2)], FILMED)
    many = supplier_shares({"mig-21": 1.0}, "SY", [row(1, "SUHH", least=200, most=200)], FILMED)
    assert few.unlisted.low > 0.3 > many.unlisted.high


def test_uncertain_numbers_widen_the_range_of_each_supplier() -> None:
    sure = supplier_shares({"mig-21": 1.0}, "SY", [row(1, "SUHH"), row(2, "LY")], FILMED)
    wide = supplier_shares({"mig-21": 1.0}, "SY", [row(1, "SUHH", least=1, most=19), row(2, "LY")], FILMED)
    for code in ("SUHH", "LY"):
        assert (
            wide.suppliers[code].low < sure.suppliers[code].low < sure.suppliers[code].high < wide.suppliers[code].high
        )
        assert wide.suppliers[code].point == pytest.approx(sure.suppliers[code].point)


def test_a_delivery_of_the_same_year_may_have_come_before_or_after() -> None:
    shares = supplier_shares({"mig-21": 1.0}, "SY", [row(1, "SUHH"), row(2, "RU", first=2014)], FILMED)
    assert shares.suppliers["RU"].low == 0 < shares.suppliers["RU"].high


def test_a_delivery_that_was_under_way_counts_in_part() -> None:
    rows = [row(1, "SUHH"), row(2, "RU", first_year=2009, last_year=2018)]
    shares = supplier_shares({"mig-21": 1.0}, "SY", rows, FILMED)
    assert 0 < shares.suppliers["RU"].low < shares.suppliers["RU"].high < shares.suppliers["SUHH"].high
    assert shares.suppliers["RU"].point == pytest.approx(shares.suppliers["SUHH"].point * 0.6)


def test_what_is_missing_to_one_is_unknown_and_a_rounding_excess_is_scaled_away() -> None:
    assert complete({"mig-21": 0.75}) == {"mig-21": 0.75, "unknown": 0.25}
    rounded = {"mig-21": 0.86, "su-17-20-22": 0.09, "mig-23": 0.03, "j-7": 0.003, "other": 0.02}
    assert sum(complete(rounded).values()) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("types", [{"mig-21": -0.1}, {"mig-21": float("nan")}, {"mig-21": 0.8, "j-7": 0.4}])
def test_what_is_no_distribution_is_refused(types: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="Probabilities of types"):
        supplier_shares(types, "SY", [], FILMED)


def test_a_row_that_ends_before_it_begins_is_refused_with_its_file() -> None:
    with pytest.raises(UsageError, match=r"rows\.csv: row t1"):
        supplier_shares({"mig-21": 1.0}, "SY", [row(1, "SUHH", first_year=1980, last_year=1970)], FILMED)


@pytest.mark.parametrize(
    "wrong",
    [{"hedge_weights": (1.5,)}, {"floor": 1.0}, {"half_lives": (0.0,)}, {"prior_items": ()}, {"prior_items": (-1.0,)}],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="Settings of supplier shares"):
        SupplierSettings(**wrong)  # type: ignore[arg-type]
