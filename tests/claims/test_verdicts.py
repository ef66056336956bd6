"""The table: what is held against what, and the verdict that has to follow. A false ``supports`` fails all of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import get_args

import pytest

from claims.demo_clip import demo_footage
from claims.scenes import catalogue, claim, example, rules_of
from claims.table_rows import ROWS, Row
from claims.table_scenes import SCENES
from roundel.claims.assess import assess
from roundel.claims.ladder import BEYOND
from roundel.claims.model import Assessment, Claim, Level, QuantifierKind, RelationKind, Verdict
from roundel.claims.scene import Scene

UPPER = {Level.MANUFACTURE, Level.OPERATOR, Level.SUPPLIER, Level.TRANSFER_DATE}
STRONG = {Verdict.SHOWS, Verdict.SUPPORTS}
ALLOWED = {Verdict.CONSISTENT_WITH, Verdict.NOT_ADDRESSED, Verdict.WEAKENS, Verdict.CONTRADICTS} | {
    Verdict.CANNOT_BE_ASSESSED
}
Table = Callable[[Row], Assessment]


def claim_of(row: Row) -> Claim:
    if row.claim:
        return claim(row.claim, row.id)
    return next(item for item in example().claims if item.id == row.id)


@pytest.fixture(scope="module")
def table() -> Table:
    """The assessment of a row; each is made once."""
    made: dict[Row, Assessment] = {}

    def find(row: Row) -> Assessment:
        if row not in made:
            scene = Scene(catalogue(), (demo_footage(),)) if row.scene == "demo" else SCENES[row.scene]()
            made[row] = assess(claim_of(row), scene)
        return made[row]

    return find


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.scene}: {row.id}")
def test_a_claim_gets_its_verdict_and_why(row: Row, table: Table) -> None:
    found = table(row)
    assert found.verdict == row.verdict, (row.why, found.words, [step.text for step in found.derivation])
    assert found.level == row.level
    assert row.rule in rules_of(found), row.why


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.scene}: {row.id}")
def test_every_assessment_is_whole(row: Row, table: Table) -> None:
    found = table(row)
    assert found.alternatives
    assert all(found.alternatives)
    assert found.would_change
    assert found.words.endswith(".")
    assert found.derivation[-1].rule == "verdict"
    assert {item.direction for item in found.supporting} <= {"for"}
    assert {item.direction for item in found.opposing} <= {"against"}
    if found.verdict not in STRONG:
        assert not any(phrase in found.words for phrase in ("is shown that", "supports the", " support to "))
    if found.verdict in {Verdict.WEAKENS, Verdict.CONTRADICTS}:
        assert found.opposing, "what speaks against it must be shown"
    if found.level in BEYOND and found.verdict in {Verdict.CONSISTENT_WITH, Verdict.NOT_ADDRESSED}:
        assert BEYOND[found.level] in found.words


def test_nothing_is_supported_or_shown_that_should_not_be(table: Table) -> None:
    found = {row: table(row).verdict for row in ROWS}
    too_strong = [
        f"{row.scene}: {row.id}: {verdict} instead of {row.verdict}"
        for row, verdict in found.items()
        if verdict in STRONG and verdict != row.verdict and (verdict, row.verdict) != ("supports", "shows")
    ]
    assert not too_strong, "\n".join(too_strong)


def test_the_upper_rungs_never_get_more_than_consistent_with(table: Table) -> None:
    upper = [(row, table(row)) for row in ROWS if table(row).level in UPPER]
    assert len(upper) >= 20
    assert not [f"{row.id}: {found.verdict}" for row, found in upper if found.verdict not in ALLOWED]
    assert not [f"{row.id}" for row in ROWS if row.level in {"L6", "L7", "L8", "L9"} and row.verdict in STRONG]


def test_the_table_covers_every_relation_quantifier_level_and_verdict() -> None:
    claims = [claim_of(row) for row in ROWS]
    assert len(ROWS) >= 60
    assert len({(row.scene, row.id) for row in ROWS}) == len(ROWS)
    assert {one.relation.kind for one in claims} == set(get_args(RelationKind))
    assert {one.quantifier.kind for one in claims} == set(get_args(QuantifierKind))
    assert {row.level for row in ROWS} == {level.value for level in Level}
    assert {row.verdict for row in ROWS} == {verdict.value for verdict in Verdict}
    assert min(Counter(row.verdict for row in ROWS).values()) >= 8
    assert {row.scene for row in ROWS} - {"demo"} <= set(SCENES)
    assert set(SCENES) == {row.scene for row in ROWS} - {"demo"}, "scenes that no row looks at"
    assert all(row.why for row in ROWS)
