"""Without the pictures, nothing may be said that claims the video as its source."""

from __future__ import annotations

import pytest

from claims.demo_clip import demo_footage
from claims.scenes import J_7, MIG_21, both, catalogue, claim, film, found, jets, saw, scene
from claims.table_rows import ROWS, WHOLE, Row
from claims.table_scenes import SCENES
from claims.test_verdicts import claim_of
from roundel.claims.assess import assess
from roundel.claims.model import Assessment, Verdict
from roundel.claims.scene import Scene

HELD = (found("previous_holder", "a list", actor="SY", source="P14"), found("date", "Ana", when="2014-08-31"))


def from_video(assessment: Assessment) -> list[str]:
    every = (*assessment.supporting, *assessment.opposing, *assessment.sentences)
    return [f"{item.rule}: {item.text}" for item in every if item.source == "video"]


@pytest.mark.parametrize("row", [row for row in ROWS if row.scene != "demo"], ids=lambda row: f"{row.scene}: {row.id}")
def test_no_evidence_of_the_table_claims_the_video(row: Row) -> None:
    blind = assess(claim_of(row), SCENES[row.scene]().without_image())
    assert from_video(blind) == []
    assert "The footage gives" not in blind.words
    if blind.verdict in {Verdict.SUPPORTS, Verdict.SHOWS}:
        assert all(item.source != "video" for item in blind.supporting)
        assert any(item.source in {"finding", "file"} for item in blind.supporting)


def test_no_evidence_of_the_demo_claims_the_video() -> None:
    whole = Scene(catalogue(), (demo_footage(),))
    for row in (row for row in ROWS if row.scene == "demo"):
        assert from_video(assess(claim_of(row), whole.without_image())) == [], row.id
    assert any(from_video(assess(claim_of(row), whole)) for row in ROWS if row.scene == "demo")


def test_a_limit_does_not_hold_without_pictures() -> None:
    for quantifier in ("no", "at most 3"):
        said = claim(f"quantifier: {quantifier}, subject: helicopter, {WHOLE}")
        assert assess(said, scene(jets(2))).verdict is Verdict.SUPPORTS
        assert assess(said, scene(jets(2)).without_image()).verdict is Verdict.CANNOT_BE_ASSESSED


def test_statements_of_provenance_change_their_source() -> None:
    said = claim("subject: mig-21, relation: {supplied_by: Soviet Union}")
    whole = scene(jets(1, types=MIG_21), *HELD)
    seen, blind = assess(said, whole), assess(said, whole.without_image())
    assert {item.source for item in seen.sentences if item.rule == "provenance.design"} == {"video"}
    rest = [item for item in blind.sentences if item.rule == "provenance.design"]
    assert [item.source for item in rest] == ["register"]
    assert "This comes from the register, not from the video." in rest[0].text
    assert blind.verdict is Verdict.NOT_ADDRESSED


def test_what_people_found_stays() -> None:
    said = claim("subject: aircraft")
    whole = scene(jets(1), both("confirmation", tracks="t1", nodes="aircraft"))
    blind = assess(said, whole.without_image())
    assert {item.source for item in blind.supporting} == {"finding"}


def test_the_same_bytes_are_no_picture() -> None:
    said = claim(f"subject: object, relation: {{same_footage_as: 'sha256:{'a' * 64}'}}")
    assert assess(said, scene(film()).without_image()).verdict is Verdict.SUPPORTS


@pytest.mark.parametrize("types", [MIG_21, J_7])
def test_without_pictures_the_types_do_not_matter(types: dict[str, float]) -> None:
    said = claim("subject: mig-21")
    blind = assess(said, scene(film(saw("t1", "combat_aircraft", types=types))).without_image())
    assert blind.verdict is Verdict.NOT_ADDRESSED
    assert blind == assess(said, scene(film(saw("t1", "combat_aircraft"))).without_image())
