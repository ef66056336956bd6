"""What speaks against a claim is found, shown, and does not depend on the order in which it was written down."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims.scenes import (
    J_7,
    MIG_21,
    TWO,
    both,
    catalogue,
    claim,
    example,
    example_scene,
    film,
    found,
    held,
    jets,
    saw,
    scene,
)
from claims.table_rows import AT_TABQA, ROWS, WHOLE
from claims.table_scenes import SCENES
from claims.test_verdicts import claim_of
from roundel.claims.assess import assess
from roundel.claims.model import Assessment, Finding, Verdict
from roundel.claims.scene import Footage, Scene

L_39 = {"l-39": 0.95, "other": 0.05}


def of_example(claim_id: str, whole: Scene) -> Assessment:
    return assess(next(item for item in example().claims if item.id == claim_id), whole)


def test_an_l_39_turns_the_worked_example() -> None:
    before, after = example_scene(), example_scene(types=L_39)
    for claim_id in ("sent-by-russia", "everything-from-russia"):
        assert of_example(claim_id, before).verdict is Verdict.WEAKENS
        turned = of_example(claim_id, after)
        assert turned.verdict is Verdict.CONTRADICTS
        text = next(item.text for item in turned.opposing if item.rule == "deliveries-on-record")
        assert "The register speaks against the claim" in text
        assert any("Supplied by Czechoslovakia" in item for item in turned.alternatives)
    assert of_example("soviet-design", after).verdict is Verdict.WEAKENS


def test_the_soviet_union_is_never_called_russia() -> None:
    for claim_id in ("sent-by-russia", "supplied-by-the-soviet-union"):
        whole = of_example(claim_id, example_scene())
        supplied = next(item for item in whole.sentences if item.rule == "provenance.supplier")
        assert "the Soviet Union" in supplied.text
        assert "Russia " not in supplied.text


@pytest.mark.parametrize(("copies", "verdict"), [(("Ana",), "contradicts"), (("Ana", "Ben"), "contradicts")])
def test_an_earlier_copy_contradicts_a_time_of_filming(copies: Sequence[str], verdict: str) -> None:
    found_ = held(
        f"subject: aircraft, {AT_TABQA}",
        jets(1), both("place", place="Tabqa air base"), both("date", when="2014-08-31"),
        *(found("earlier_copy", who, when="2013-05-01", reference="an upload", source="an archive") for who in copies),
    )  # fmt: skip
    assert found_.verdict == verdict
    assert "an upload" in next(item.text for item in found_.opposing if item.rule == "earlier-copy")
    assert {item.rule for item in found_.supporting} >= {"date", "place", "counted"}, "the rest stays in view"
    assert "It is older footage, shown again." in found_.alternatives


def test_a_copy_within_the_time_claimed_or_of_unknown_day_contradicts_nothing() -> None:
    for when in ("2014-08-31", "from 2013-05-01", "by 2014-09-30"):
        copy = found("earlier_copy", "Ana", when=when, reference="an upload", source="an archive")
        assert held(f"subject: aircraft, {AT_TABQA}", jets(1), copy).verdict is Verdict.NOT_ADDRESSED, when


@pytest.mark.parametrize(("place", "when", "verdict"), [
    ("Hama", "2014-08-31", "contradicts"),
    ("Hama", "2014-08", "weakens"),
    ("Tabqa  AIR base", "2014-08-31", "not_addressed"),
    ("Hama", "2014-09-01", "not_addressed"),
])  # fmt: skip
def test_a_serial_seen_elsewhere_at_the_same_time(place: str, when: str, verdict: str) -> None:
    elsewhere = both("serial", serial="2357", place=place, when=when, reference="a photo")
    said = f"subject: {{any_of: aircraft, marking: '2357'}}, {AT_TABQA}"
    assert held(said, jets(1), elsewhere).verdict == verdict


def test_findings_about_place_and_time_set_where_it_was_seen() -> None:
    elsewhere = both("serial", serial="2357", place="Hama", when="2014-08-31", reference="a photo")
    here = (*both("place", place="Tabqa air base"), *both("date", when="2014-08-31"))
    said = "subject: {any_of: aircraft, marking: '2357'}"
    assert held(said, jets(1), here, elsewhere).verdict is Verdict.CONTRADICTS
    assert held(said, jets(1), elsewhere).verdict is not Verdict.CONTRADICTS, "nobody says where this was filmed"


def test_what_speaks_against_is_beside_what_speaks_for() -> None:
    found_ = held(
        "subject: aircraft",
        jets(1), both("confirmation", tracks="t1", nodes="aircraft"), found("rejection", "Cem", tracks="t1"),
        found("mirrored", "Dia", note="the writing is reversed"), found("edited", "Dia", note="a splice"),
    )  # fmt: skip
    assert found_.verdict is Verdict.CONSISTENT_WITH
    assert {item.rule for item in found_.opposing} == {"rejected", "mirrored", "edited"}
    assert {item.rule for item in found_.supporting} == {"confirmed-by-a-person"}


@pytest.mark.parametrize(
    ("relation", "kind"), [("operated_by", "holder"), ("supplied_by", "supply"), ("manufactured_in", "manufacture")]
)
def test_no_is_the_contrary_of_some(relation: str, kind: str) -> None:
    """That an object is there does not refute that none of them comes from somewhere; that it does, speaks against."""
    said = f"quantifier: no, subject: aircraft, relation: {{{relation}: Syria}}"
    assert held(said, jets(2)).verdict is Verdict.CANNOT_BE_ASSESSED
    refuting = held(said, jets(2), both(kind, actor="SY", source="a record", basis="document"))  # type: ignore[arg-type]
    assert refuting.verdict is Verdict.WEAKENS
    assert refuting.opposing
    other = held(said, jets(2), both(kind, actor="RU", source="a record", basis="document"))  # type: ignore[arg-type]
    assert other.verdict is Verdict.CANNOT_BE_ASSESSED
    assert not other.opposing


def test_one_marked_object_is_not_two() -> None:
    read = both("serial", tracks="t1", serial="2357", nodes="aircraft")
    marked = "{any_of: aircraft, marking: '2357'}"
    assert held(f"subject: {marked}", jets(2), read).verdict is Verdict.SHOWS
    assert held(f"quantifier: at least 2, subject: {marked}", jets(2), read).verdict is Verdict.CONSISTENT_WITH
    assert held(f"quantifier: no, subject: {marked}", jets(2), read).verdict is Verdict.CONTRADICTS
    assert held(f"quantifier: no, subject: {marked}", jets(2)).verdict is Verdict.CANNOT_BE_ASSESSED
    for number in ("all", "exactly 1", "at most 1", "between 1 and 2"):
        assert held(f"quantifier: {number}, subject: {marked}", jets(2), read).verdict is Verdict.CANNOT_BE_ASSESSED


def test_footage_is_not_of_what_nobody_saw_in_it() -> None:
    public = both("published", when="2014-08-31")
    relation = "relation: {first_published_by: 2014-08-31}"
    assert held(f"subject: object, {relation}", film(), public).verdict is Verdict.SUPPORTS
    assert held(f"subject: helicopter, {relation}", film(), public).verdict is Verdict.NOT_ADDRESSED
    assert held(f"quantifier: no, subject: object, {relation}", film(), public).verdict is Verdict.CONTRADICTS


def test_a_finding_that_names_no_sighting_for_sure_is_left_out_and_named() -> None:
    two = film(saw("t1", "combat_aircraft"), sha256=TWO, name="two.mp4")
    unclear = found("confirmation", "Ana", tracks="t1", nodes="aircraft")
    said = held("subject: aircraft", jets(1), two, unclear)
    assert not any(item.source == "finding" for item in said.supporting)
    assert any(unclear.id in text and "which one is meant" in text for text in said.not_addressed)
    lost = held("subject: aircraft", jets(1), found("confirmation", "Ana", tracks="t99", nodes="aircraft"))
    assert any("no video of the case has t99" in text for text in lost.not_addressed)


def test_a_claim_about_footage_is_worded_as_one() -> None:
    said = held("subject: object, relation: continuous", jets(1))
    assert said.words.startswith("What is known fits the statement that the footage was filmed in one take")


def test_everything_of_a_design_is_refuted_by_another_design() -> None:
    soviet = "quantifier: all, subject: {any_of: aircraft, design_origin: Soviet Union}"
    footage = film(saw("t1", "combat_aircraft"), saw("t2", "combat_aircraft"), together=[("t1", "t2")])
    mig, j7 = both("type", tracks="t1", types={"mig-21": 1.0}), both("type", tracks="t2", types={"j-7": 1.0})
    assert held(f"{soviet}, {WHOLE}", footage, mig, j7).verdict in {Verdict.CONTRADICTS, Verdict.WEAKENS}
    assert held(f"{soviet}, {WHOLE}", footage, mig).verdict is Verdict.CONSISTENT_WITH, "t2 may be anything"


CASES = {
    name: (claims, SCENES[name])
    for name, claims in {
        name: [claim_of(row) for row in ROWS if row.scene == name] for name in {row.scene for row in ROWS} - {"demo"}
    }.items()
}
MANY: tuple[Footage | Finding | tuple[Finding, ...], ...] = (
    jets(2, types=MIG_21),
    film(saw("t1", "combat_aircraft", types=J_7), saw("t9", "armoured_vehicle"), sha256=TWO, name="two.mp4"),
    both("serial", video="one.mp4", tracks="t1", serial="2357"),
    both("serial", video="two.mp4", tracks="t1", serial="2360"),
    found("type", "Ana", video="one.mp4", tracks="t1", types={"mig-21": 0.95, "other": 0.05}),
    found("type", "ana", video="one.mp4", tracks="t2", types={"j-7": 0.95, "other": 0.05}),
    found("type", "Cem", types=L_39, source="a paper"),
    found("rejection", "ben", video="two.mp4", tracks="t9", nodes="armoured_vehicle"),
    found("published", "Ana", when="2014-09-02", source="a page"),
    found("published", "Ben", when="2014-08-31", source="another page"),
    found("date", "Dia", when="2014-08"),
    both("previous_holder", actor="SY", source="P14"),
    found("holder", "Ana", actor="group:islamic-state", source="P14", when="from 2014-08-24"),
    both("sighting", nodes="aircraft", count="at least 3"),
    found("sighting", "Cem", nodes="mig-21", count="exactly 1"),
)
SAID = (
    "subject: aircraft", "quantifier: at least 3, subject: aircraft",
    f"quantifier: exactly 2, subject: mig-21, {WHOLE}",
    "subject: {any_of: aircraft, design_origin: Soviet Union}", "subject: aircraft, relation: {supplied_by: Russia}",
    "quantifier: all, subject: aircraft, relation: {operated_by: Syria}",
    "subject: {any_of: aircraft, marking: '2357'}",
    "subject: aircraft, relation: {same_individual_as: t2}", "quantifier: all, subject: aircraft",
    "subject: aircraft, relation: {first_published_by: 2014-09-01}",
)  # fmt: skip


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_the_order_of_findings_and_videos_changes_nothing(data: st.DataObject) -> None:
    whole = scene(*MANY)
    mixed = Scene(
        catalogue(),
        tuple(data.draw(st.permutations(whole.footage))),
        tuple(data.draw(st.permutations(whole.findings))),
    )
    said = claim(data.draw(st.sampled_from(SAID)))
    assert assess(said, mixed) == assess(said, whole)


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_reverse_order_gives_the_same_table(name: str) -> None:
    claims, make = CASES[name]
    whole = make()
    turned = Scene(whole.catalogue, whole.footage[::-1], whole.findings[::-1])
    for said in claims:
        assert assess(said, turned) == assess(said, whole)
