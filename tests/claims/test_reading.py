"""What good claim files and findings say."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roundel.claims.files import grammar
from roundel.claims.files.findings import read_findings
from roundel.claims.files.reading import ClaimFile, read_claim_text, read_claims
from roundel.claims.files.writing import describe_claim, new_file, with_claim
from roundel.claims.model import (
    Claim,
    CoverageStatement,
    DateSpan,
    Finding,
    Quantifier,
    RecallStatement,
    Relation,
    Scope,
    Subject,
)
from small_names import STATES, TITLES, SmallNames

HERE = Path(__file__).parent
FULL = HERE / "good" / "full.yaml"
DAY = date(2024, 5, 1)


def spoken(claim: Claim) -> Claim:
    """A claim without its place."""
    return replace(claim, line=0)


def read(text: str) -> ClaimFile:
    return read_claim_text(text, Path("claims.yaml"), "", SmallNames())


def test_every_part_of_a_claim_is_read() -> None:
    found = read_claims(FULL, SmallNames())
    assert found.claims[0] == Claim(
        id="two-aircraft",
        text="It is two aircraft.",
        by="an official",
        quantifier=Quantifier("exactly", 2),
        subject=Subject(("mig-21", "l-39"), "SUHH", "0357"),
        relation=Relation("supplied_by", actor="RU", when=DateSpan(date(2014, 1, 1), date(2014, 12, 31))),
        scope=Scope(("clip.mp4",), 10.0, 21.5, "a place", DateSpan(date(2014, 8, 24), None)),
        said=DateSpan(date(2014, 9, 2), date(2014, 9, 2)),
        source="P15",
        coverage=CoverageStatement("The whole apron is shown.", "a pilot"),
        recall=RecallStatement(45, 50, "test of May"),
        line=6,
    )
    assert found.sha256 == f"sha256:{hashlib.sha256(FULL.read_bytes()).hexdigest()}"
    table = HERE / "good" / "findings.csv"
    assert [(item.path, item.sha256) for item in found.files] == [
        (table, f"sha256:{hashlib.sha256(table.read_bytes()).hexdigest()}")
    ]
    assert [(item.id, item.line) for item in found.findings] == [("inside", 3), ("t1", 2), ("t2", 3), ("t3", 6)]


def test_what_is_left_out_has_the_plain_meaning() -> None:
    claim = read("schema_version: 1\nclaims: [{id: a, text: t, by: b, subject: aircraft}]").claims[0]
    assert (claim.quantifier, claim.relation, claim.scope) == (Quantifier("some"), Relation("visible"), Scope())
    assert (claim.said, claim.source, claim.coverage, claim.recall) == (None, "", None, None)


@pytest.mark.parametrize(
    ("written", "relation"),
    [
        ("continuous", Relation("continuous")),
        ("{operated_by: group:free-army}", Relation("operated_by", actor="group:free-army")),
        ("{manufactured_in: PL}", Relation("manufactured_in", actor="PL")),
        ("{same_individual_as: 2357}", Relation("same_individual_as", reference="2357")),
        ("{same_footage_as: sha256:ab}", Relation("same_footage_as", reference="sha256:ab")),
        ("{first_published_by: 2014-08-31}", Relation("first_published_by", when=DateSpan(None, date(2014, 8, 31)))),
        ("{supplied_by: Syria}", Relation("supplied_by", actor="SY")),
    ],
)
def test_relations(written: str, relation: Relation) -> None:
    text = "schema_version: 1\nclaims: [{id: a, text: t, by: b, subject: aircraft, relation: " + written + "}]"
    assert read(text).claims[0].relation == relation


@pytest.mark.parametrize(("text", "kind"), [("No", "no"), ("no", "no"), ("ALL", "all"), ("at_least  3", "at_least")])
def test_yaml_makes_nothing_else_of_a_quantifier(text: str, kind: str) -> None:
    written = f"schema_version: 1\nclaims: [{{id: a, text: t, by: b, subject: aircraft, quantifier: {text}}}]"
    assert read(written).claims[0].quantifier.kind == kind


def test_a_table_says_the_same_as_yaml(tmp_path: Path) -> None:
    rows = read_findings(HERE / "good" / "findings.csv", SmallNames())[1]
    entries = read_findings(HERE / "good" / "findings.yaml", SmallNames())[1]
    assert [replace(row, line=0) for row in rows] == [replace(entry, line=0) for entry in entries]
    assert rows[0] == Finding("t1", "type", "A. Analyst", DAY, "seen", types={"mig-21": 0.86, "other": 0.14}, line=2)
    assert rows[1].note == "two lines,\nwith a comma; and more"
    assert (rows[1].count, rows[1].nodes, rows[1].tracks) == (Quantifier("at_least", 1), ("mig-21", "l-39"), ("a", "b"))
    assert rows[2].when == DateSpan(date(2014, 8, 1), date(2014, 9, 30))


def test_a_single_type_is_certain_and_marks_of_excel_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes("\ufeffid,kind,who,found,basis,of\r\na,type,é,2024-05-01,seen,mig-21\r\n".encode())
    found = read_findings(path, SmallNames())[1][0]
    assert (found.types, found.who) == ({"mig-21": 1.0}, "é")


def test_probabilities_are_kept_as_written_within_rounding(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(
        "- {id: a, kind: type, who: w, found: 2024-05-01, basis: seen,\n"
        "   types: {mig-21: 0.333, l-39: 0.333, other: 0.333}}"
    )
    assert read_findings(path, SmallNames())[1][0].types == {"mig-21": 0.333, "l-39": 0.333, "other": 0.333}


def test_further_findings_are_read_with_a_claim_file(tmp_path: Path) -> None:
    path = tmp_path / "more.yaml"
    path.write_text("[{id: more, kind: edited, who: w, found: 2024-05-01, basis: seen}]")
    found = read_claims(FULL, SmallNames(), [path])
    assert found.findings[-1].id == "more"
    assert found.files[-1].path == path


def _sayable(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


texts = st.text(min_size=1, max_size=30).map(str.strip).filter(bool).filter(_sayable)
dates = st.dates(date(1900, 1, 1), date(2100, 12, 31))
spans = st.tuples(dates, dates).map(lambda pair: DateSpan(min(pair), max(pair))) | dates.map(
    lambda d: DateSpan(None, d)
)
months = st.sampled_from(["2014", "2014-02", "2016-02", "1999-12"]).map(grammar.days)
numbers = st.integers(1, 999999)
quantifiers = (
    st.sampled_from([Quantifier("some"), Quantifier("no"), Quantifier("all")])
    | numbers.map(lambda n: Quantifier("exactly", n))
    | numbers.map(lambda n: Quantifier("at_least", n))
    | numbers.map(lambda n: Quantifier("at_most", high=n))
    | st.tuples(numbers, numbers).map(lambda pair: Quantifier("between", min(pair), max(pair)))
)
actors = st.sampled_from([*STATES.values(), "group:free-army"])
relations = (
    st.sampled_from([Relation("visible"), Relation("continuous")])
    | st.builds(Relation, st.just("supplied_by"), actors, when=st.none() | spans | months)
    | st.builds(Relation, st.sampled_from(["operated_by", "manufactured_in"]), actors)
    | st.builds(Relation, st.sampled_from(["same_individual_as", "same_footage_as"]), reference=texts)
    | dates.map(lambda d: Relation("first_published_by", when=DateSpan(None, d)))
)
nodes = st.lists(st.sampled_from(list(TITLES)), min_size=1, max_size=3, unique=True).map(tuple)
hundredths = st.integers(0, 10**7).map(lambda n: n / 100)
claims = st.builds(
    Claim,
    st.from_regex("[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True),
    texts,
    texts,
    quantifiers,
    st.builds(Subject, nodes, st.none() | st.sampled_from(list(STATES.values())), st.none() | texts),
    relations,
    st.builds(
        Scope,
        st.lists(texts, max_size=2).map(tuple),
        st.none() | hundredths,
        st.none(),
        st.none() | texts,
        st.none() | spans | months,
    ),
    st.none() | spans | months,
    texts | st.just(""),
    st.none() | st.builds(CoverageStatement, texts, texts),
    st.none() | st.builds(RecallStatement, st.integers(0, 9), st.integers(9, 99), texts),
)


@given(claims)
def test_a_claim_that_is_written_is_read_back(claim: Claim) -> None:
    assert [spoken(item) for item in read(new_file(claim)).claims] == [claim]
    assert describe_claim(claim, SmallNames()).startswith(f"{claim.id}: ")


@given(claims.map(lambda claim: replace(claim, id="new")), st.sampled_from(["\n", "\r\n"]))
def test_a_claim_is_added_and_all_else_stays(claim: Claim, newline: str) -> None:
    before = AROUND.replace("\n", newline)
    after = with_claim(before, Path("claims.yaml"), claim)
    head, tail = before.split("# the end")
    assert after.startswith(head.rstrip("\r\n"))
    assert after.endswith("# the end" + tail)
    found = read(after.replace("[f.csv]", "[{id: f, kind: edited, who: w, found: 2024-01-01, basis: seen}]"))
    assert [item.id for item in found.claims] == ["one", "two", "new"]
    assert spoken(found.claims[-1]) == claim


AROUND = """\
# mine
schema_version: "1"
claims:
    # the first
    - id: one
      text: |
        several
        lines

      by: somebody
      subject: aircraft   # any
    - {id: two, text: t, by: b, subject: l-39}

# the end
findings: [f.csv]
# really
"""


def test_a_claim_in_one_line() -> None:
    claim = read_claims(FULL, SmallNames()).claims[0]
    assert describe_claim(claim, SmallNames()) == (
        "two-aircraft: exactly 2 MiG-21 or L-39 Albatros (design origin: Soviet Union) "
        'marked "0357", supplied by Russia (2014); in clip.mp4; said by an official (2014-09-02)'
    )
