"""Verdicts do not turn on what says nothing of the claim: other objects, spellings, places by name, wrong names."""

from __future__ import annotations

import pytest

from claims.scenes import ONE, TWO, both, film, found, held, jets, saw
from claims.table_rows import AT_TABQA
from roundel.claims.model import Verdict

MARKED = f"subject: {{any_of: mig-21, marking: '2357'}}, {AT_TABQA}"


@pytest.mark.parametrize(
    ("relation", "kind"), [("operated_by", "holder"), ("supplied_by", "supply"), ("manufactured_in", "manufacture")]
)
def test_who_has_the_tank_says_nothing_about_the_aircraft(relation: str, kind: str) -> None:
    said = f"subject: mig-21, relation: {{{relation}: Syria}}"
    for actor in ("IQ", "SY"):
        tank = both(kind, actor=actor, nodes="t-72", tracks="t1")  # type: ignore[arg-type]
        assert held(said, jets(1), tank) == held(said, jets(1))
        jet = held(said, jets(1), both(kind, actor=actor, nodes="aircraft"))  # type: ignore[arg-type]
        assert jet != held(said, jets(1))


def test_the_previous_holder_of_a_tank_settles_no_supplier_of_an_aircraft() -> None:
    said = "subject: mig-21, relation: {supplied_by: Soviet Union}, scope: {filmed: 2014-08-31}"
    typed = both("type", tracks="t1", types={"mig-21": 0.95, "other": 0.05})
    tank = held(said, jets(1), typed, found("previous_holder", "Cem", actor="SY", nodes="t-72", source="a paper"))
    assert not any(item.rule == "deliveries-on-record" for item in tank.supporting)
    jet = held(said, jets(1), typed, found("previous_holder", "Cem", actor="SY", nodes="mig-21", source="a paper"))
    assert any(item.rule == "deliveries-on-record" for item in jet.supporting)


def test_one_type_of_another_holder_leaves_open_who_holds_some_aircraft() -> None:
    jet = both("holder", actor="IQ", nodes="mig-21")
    assert held("subject: aircraft, relation: {operated_by: Syria}", jets(1), jet).verdict is Verdict.WEAKENS
    assert held("subject: mig-21, relation: {operated_by: Syria}", jets(1), jet).verdict is Verdict.CONTRADICTS


def test_a_supplier_needs_a_day_and_says_so() -> None:
    before = found("previous_holder", "Cem", actor="SY", source="a paper")
    said = held("subject: mig-21, relation: {supplied_by: Russia}", jets(1), before)
    assert any("says when it was filmed" in text for text in said.not_addressed)
    assert any("day or year of filming" in text for text in said.would_change)


def test_a_holding_on_record_after_the_footage_is_none_before_it() -> None:
    said = "subject: mig-21, relation: {operated_by: Syria}, scope: {filmed: %s}"
    typed = both("type", tracks="t1", types={"mig-21": 0.95, "other": 0.05})
    now, then = held(said % "2014-08-31", jets(1), typed), held(said % "1950", jets(1), typed)
    assert any(item.rule == "holding-on-record" for item in now.supporting)
    assert not any(item.rule == "holding-on-record" for item in then.supporting)


@pytest.mark.parametrize("name", ["Ana\u200b", "A\u00adna", "\u2066Ana\u2069", "ANA"])
def test_one_person_with_invisible_characters_is_not_two(name: str) -> None:
    seen = [found("confirmation", who, tracks="t1", nodes="aircraft") for who in ("Ana", name)]
    assert held("subject: aircraft", jets(1), *seen).verdict is Verdict.SUPPORTS


@pytest.mark.parametrize("kind", ["edited", "mirrored"])
def test_nothing_is_shown_while_something_speaks_against_it(kind: str) -> None:
    seen = both("confirmation", tracks="t1", nodes="aircraft")
    assert held("subject: aircraft", jets(1), seen).verdict is Verdict.SHOWS
    open_ = held("subject: aircraft", jets(1), seen, found(kind, "Cem", note="a splice"))  # type: ignore[arg-type]
    assert open_.verdict is Verdict.SUPPORTS
    assert "nothing is shown while something speaks against it" in open_.derivation[-1].text


def test_a_part_of_the_footage_that_does_not_exist_is_named() -> None:
    seen = both("confirmation", tracks="t1", nodes="aircraft")
    for part in ("from: 100, to: 200", "from: 61"):
        said = held(f"subject: aircraft, scope: {{{part}}}", jets(1), seen)
        assert said.verdict is Verdict.CANNOT_BE_ASSESSED
        assert any("begins at 1:" in text for text in said.not_addressed)
    assert held("subject: aircraft, scope: {from: 0, to: 200}", jets(1), seen).verdict is Verdict.SHOWS


def test_a_finding_about_a_sighting_that_is_not_there_is_left_out_and_named() -> None:
    typo = both("serial", serial="2357", video="one.mp4", tracks="t9")
    said = held("subject: {any_of: aircraft, marking: '2357'}", jets(1), typo)
    assert said.verdict is Verdict.NOT_ADDRESSED
    assert any("one.mp4 has no sighting t9" in text for text in said.not_addressed)


def test_a_place_that_is_spelt_in_another_way_is_no_other_place() -> None:
    here = both("serial", serial="2357", place="Tabqa airbase", when="2014-08-31", nodes="mig-21")
    said = held(MARKED, film(saw("t1", "combat_aircraft")), here)
    assert said.verdict is Verdict.NOT_ADDRESSED, "nobody dates or places it, and the readings are of this footage"
    assert not any(item.rule == "serial-elsewhere" for item in said.opposing)


def test_an_object_may_move_from_one_day_to_another() -> None:
    longer = MARKED.replace("filmed: 2014-08-31", "filmed: 2014-08-24 to 2014-08-31")
    there = both("serial", serial="2357", place="Hama", when="2014-08-31", reference="a photo")
    day, week = held(MARKED, jets(1), there), held(longer, jets(1), there)
    assert (day.verdict, week.verdict) == (Verdict.CONTRADICTS, Verdict.WEAKENS)
    assert "on the same day" in next(item.text for item in day.opposing)
    assert "may be the same" in next(item.text for item in week.opposing)
    assert any("“Hama” is another place" in text for text in day.not_addressed)


def test_footage_is_no_copy_of_itself_by_its_own_name() -> None:
    said = "subject: object, relation: {same_footage_as: one.mp4}"
    for scope in ("", ", scope: {videos: one.mp4}"):
        itself = held(said + scope, jets(1))
        assert itself.verdict is Verdict.NOT_ADDRESSED
        assert any("speaks of itself" in text for text in itself.not_addressed)
    two_names = jets(1, names=("one.mp4", "received.mp4"))
    assert held(f"{said}, scope: {{videos: received.mp4}}", two_names).verdict is Verdict.SUPPORTS


def test_one_of_two_videos_being_a_file_is_not_both() -> None:
    other = film(sha256=TWO, name="two.mp4")
    same = f"subject: object, relation: {{same_footage_as: '{ONE}'}}"
    assert held(same, jets(1), other).verdict is Verdict.NOT_ADDRESSED
    assert held(f"{same}, scope: {{videos: one.mp4}}", jets(1), other).verdict is Verdict.SUPPORTS


def test_without_footage_nothing_was_looked_for() -> None:
    (text,) = held("subject: l-39").not_addressed
    assert text == "No footage was examined, and no finding of a person speaks of an L-39 Albatros."
