"""The shipped catalogue: what is in it, and what is never answered."""

from __future__ import annotations

import re
import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

import roundel_models
from roundel import catalogue as catalogues
from roundel import classes as detector
from roundel.catalogue import reading
from roundel.catalogue.loading import SHIPPED
from roundel.catalogue.model import Citation, Fact
from roundel.catalogue.profile import profile
from roundel.errors import UsageError

CATALOGUE = catalogues.load()
TYPES = sorted(CATALOGUE.types)
WEAK = {code for code, source in CATALOGUE.sources.items() if source.tier in ("D", "")}


def test_the_whole_catalogue_is_read_fast_and_once() -> None:
    started = time.process_time()
    read = catalogues.load(SHIPPED)
    assert time.process_time() - started < 0.15
    assert (len(read.types), len(read.rows)) == (len(CATALOGUE.types), len(CATALOGUE.rows))
    assert len(TYPES) >= 204
    assert catalogues.load() is CATALOGUE


@pytest.mark.parametrize("type_id", TYPES)
def test_nothing_printable_rests_on_tier_d_alone(type_id: str) -> None:
    item = CATALOGUE.types[type_id]
    for fact in item.facts:
        strong = {citation.code for citation in fact.sources} - WEAK
        assert CATALOGUE.printable(fact) == bool(strong), fact
    shown = profile(CATALOGUE, type_id)
    for kind in ("design_origin", "designer", "nato_name", "dates", "produced_in", "derived_from", "identifiers",
                 "deliveries", "captures", "holdings", "look_at"):  # fmt: skip
        for entry in shown[kind]:
            assert _codes(entry["sources"]) - WEAK, (kind, entry)
    for entry in shown["lookalikes"]:
        assert all(_codes(part["sources"]) - WEAK for part in entry["features"])
        assert entry["features"] or entry["note"] == "no part that separates them is sourced"
    assert shown["sources"].keys() >= {code for entry in shown["produced_in"] for code in _codes(entry["sources"])}


def _codes(text: str) -> set[str]:
    return {part.split(" ")[0] for part in text.split("; ")} & CATALOGUE.sources.keys()


@given(st.lists(st.sampled_from(sorted(CATALOGUE.sources)), max_size=6))
def test_a_fact_is_printable_if_one_source_is_better_than_tier_d(codes: list[str]) -> None:
    fact = Fact("designer", "x", "stated", tuple(map(Citation, codes)))
    assert CATALOGUE.printable(fact) == bool(set(codes) - WEAK)
    assert CATALOGUE.printable(fact) == (CATALOGUE.tier(fact.sources) in ("A", "B", "C"))


def test_an_unknown_source_makes_nothing_printable() -> None:
    assert not CATALOGUE.printable(Fact("designer", "x", "stated", (Citation("nobody"),)))


@pytest.mark.parametrize("type_id", TYPES)
def test_shares_of_design_origins_add_up_to_one(type_id: str) -> None:
    shares = CATALOGUE.origins(type_id)
    assert not shares or sum(shares.values()) == pytest.approx(1.0)
    assert all(state in CATALOGUE.states for state in shares)


def test_a_joint_design_is_shared_and_never_given_to_the_one_partner_that_is_sourced() -> None:
    assert CATALOGUE.origins("jf-17") == {"PK": 0.5, "CN": 0.5}
    assert [fact.value for fact in CATALOGUE.facts("tornado", "design_origin")] == ["GB"]
    assert CATALOGUE.origins("tornado") == {}
    assert CATALOGUE.origins("bushmaster") == {"IE": 0.5, "AU": 0.5}


def test_what_is_unsourced_stays_blank() -> None:
    for type_id in ("su-34", "kamaz", "zil-131", "merkava", "mig-31"):
        assert CATALOGUE.origins(type_id) == {}
    assert CATALOGUE.facts("mig-25", "entered_service") == ()


def test_the_soviet_union_designed_most_and_russia_little() -> None:
    by = {name: [t for t in TYPES if CATALOGUE.origins(t).get(name)] for name in ("SUHH", "RU")}
    assert len(by["SUHH"]) > 60
    assert {"su-30", "su-35", "s-400"} <= set(by["RU"])
    assert "mig-21" in by["SUHH"]


def test_past_states_have_four_letters_everywhere() -> None:
    states = {fact.value for item in CATALOGUE.types.values() for fact in item.facts
              if fact.prop in ("design_origin", "produced_in")}  # fmt: skip
    states |= {code for row in CATALOGUE.rows for code in (row.supplier, row.recipient) if code}
    assert not states & {"SU", "CS", "YU", "DD", "YD"}
    assert {"SUHH", "CSHH", "YUCS", "DDDE"} <= states
    for code in states:
        assert re.fullmatch(r"[A-Z]{2}|[A-Z]{4}|group:[a-z0-9-]+|unknown", code)
        assert CATALOGUE.state_name(code)


def test_the_soviet_union_is_never_called_russia() -> None:
    for at in (None, date(1950, 1, 1), date(1991, 12, 26), date(2014, 9, 1)):
        assert CATALOGUE.state_name("SUHH", at) == "Soviet Union"
    for type_id in TYPES:
        shown = profile(CATALOGUE, type_id)
        for fact in (*shown["design_origin"], *shown["produced_in"]):
            assert (fact["title"] == "Russia") == (fact["value"] == "RU")
        names = {row.id: row.supplier for row in CATALOGUE.rows}
        for row in (*shown["deliveries"], *shown["captures"]):
            assert (row["supplier"] == "Russia") == (names[row["id"]] == "RU")
            assert (row["supplier"] == "Soviet Union") == (names[row["id"]] == "SUHH")


@pytest.mark.parametrize(
    ("text", "code"),
    [("ussr", "SUHH"), ("Soviet Union", "SUHH"), ("su", "SUHH"), ("Russian Federation", "RU"), ("russia", "RU"),
     ("CS", "CSHH"), ("Czech Republic", "CZ"), ("syria", "SY"), ("Turkiye", "TR"), ("ISIS", "group:islamic-state")],
)  # fmt: skip
def test_states_are_found_by_code_name_and_alias(text: str, code: str) -> None:
    assert CATALOGUE.state_code(text) == code


def test_a_state_that_is_misspelt_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(UsageError, match=r"did you mean Soviet Union \(SUHH\)"):
        CATALOGUE.state_code("Sovjet Union")
    with pytest.raises(UsageError, match="give a code of ISO 3166"):
        CATALOGUE.state_code("qqqqqqqq")


def test_names_of_states_follow_the_day() -> None:
    assert CATALOGUE.state_name("DE", date(1980, 1, 1)) == "Federal Republic of Germany"
    assert CATALOGUE.state_name("DE", date(2000, 1, 1)) == "Germany"
    assert CATALOGUE.state_name("TR", date(2000, 1, 1)) == "Turkey"
    assert CATALOGUE.state_name("YE", date(1900, 1, 1)) == "Yemen Arab Republic"
    assert CATALOGUE.predecessors("RU") == ("SUHH",)
    assert set(CATALOGUE.successors("CSHH")) == {"CZ", "SK"}


@pytest.mark.parametrize("node", [*TYPES, *CATALOGUE.classes, *roundel_models.types()])
def test_every_node_has_a_title_and_a_lineage_to_the_root(node: str) -> None:
    assert CATALOGUE.lineage(node)[-1] == "object"
    assert CATALOGUE.lineage(node)[0] == node
    assert CATALOGUE.node_title(node)


def test_the_tree_extends_that_of_the_detector() -> None:
    for name in detector.tree():
        assert set(detector.lineage(name)) <= set(CATALOGUE.lineage(name))
        assert CATALOGUE.detector_nodes(name) == (name,)
    assert CATALOGUE.detector_nodes("fixed_wing") == ("combat_aircraft", "other_aircraft")
    assert CATALOGUE.detector_nodes("tank") == CATALOGUE.detector_nodes("mig-21") == ()
    for name, data in roundel_models.types().items():
        assert data["parent"] in CATALOGUE.lineage(name), name


def test_types_under_a_node() -> None:
    assert {"mig-21", "j-7", "f-16"} <= set(CATALOGUE.types_under("fighter"))
    assert set(CATALOGUE.types_under("t-54-55")) == {"t-54-55", "t-54", "t-55"}
    assert "l-39" not in CATALOGUE.types_under("combat_aircraft")
    assert CATALOGUE.is_a("t-72b3", "t-72")
    with pytest.raises(UsageError, match=r"did you mean .*mig-2[0-9]"):
        CATALOGUE.lineage("mig-2l")


def test_a_variant_has_the_facts_and_lookalikes_of_its_family() -> None:
    assert CATALOGUE.origins("t-55") == CATALOGUE.origins("t-54-55") == {"SUHH": 1.0}
    assert {item.other for item in CATALOGUE.lookalikes("t-55")} == {"t-54", "t-72", "t-62", "type-59"}


def test_lookalikes_show_only_parts_that_may_be_printed() -> None:
    parts = {item.other: [part.part for part in item.features] for item in CATALOGUE.lookalikes("mi-8")}
    assert parts == {"mi-17": ["rear fuselage"], "mi-14": ["landing gear"]}
    assert [part.part for part in CATALOGUE.types["mi-8"].lookalikes[0].features][:2] == [
        "tail rotor side", "engine exhaust",
    ]  # fmt: skip


def test_deliveries_captures_and_holdings() -> None:
    to_syria = CATALOGUE.deliveries("mig-21", "SY")
    assert {row.supplier for row in to_syria} == {"SUHH", "LY", "PL", "HU", "CSHH"}
    assert sum(row.least or 0 for row in to_syria if row.supplier == "SUHH") == 346
    assert not [row for row in CATALOGUE.deliveries("aircraft", "SY") if row.supplier == "RU" and row.last_year < 2017]
    assert len(CATALOGUE.captures("mig-21", "SY", "group:islamic-state")) == 5
    assert [row.least for row in CATALOGUE.holdings("mig-21", "SY")] == [150]
    assert {row.type for row in CATALOGUE.deliveries("t-54-55", "SY")} == {"t-54", "t-55"}


def test_numbers_that_sources_give_as_bounds() -> None:
    rows = {row.id: (row.least, row.most) for row in CATALOGUE.rows}
    assert (rows["c0740"], rows["c0743"], rows["c0742"]) == ((None, 23), (3, None), (2, 2))
    assert (rows["c0752"], rows["c0753"], rows["c0744"]) == ((3, None), (8, 12), (None, None))


def test_a_claim_that_no_good_source_makes_is_hedged_and_not_shown() -> None:
    row = next(row for row in CATALOGUE.rows if row.id == "c0745")
    assert (row.hedged, CATALOGUE.printable(row)) == (True, False)
    assert "c0745" not in {entry["id"] for entry in profile(CATALOGUE, "mig-23")["captures"]}


def test_search_finds_names_nato_names_and_misspellings() -> None:
    assert CATALOGUE.find("Fishbed") == ["mig-21"]
    assert CATALOGUE.find("MiG 21")[0] == "mig-21"
    assert CATALOGUE.find("S-106") == ["mig-21"]
    assert "bmp-1" in CATALOGUE.find("BMP1")
    assert CATALOGUE.find("ZSU 23-4 Shilca")[0] == "zsu-23-4"
    assert CATALOGUE.find("  ") == []


def test_rows_are_written_as_they_are_read() -> None:
    for path in reading.row_files(SHIPPED):
        cells = reading.read_table(path, reading.ROW_COLUMNS)
        rows = reading.read_rows(path, "")
        assert [reading.row_cells(row) for row in rows] == cells


def test_the_notice_lies_beside_the_rows_of_sipri() -> None:
    text = (SHIPPED / "transfers" / "NOTICE.md").read_text(encoding="utf-8")
    assert "SIPRI" in text
    assert "less than 10 %" in text
    assert len(reading.read_rows(SHIPPED / "transfers" / "syria-sipri.csv", "")) == 155
