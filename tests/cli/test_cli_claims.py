"""``roundel claims``."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from roundel.claims.files.reading import read_claims
from roundel.claims.model import (
    Claim,
    CoverageStatement,
    DateSpan,
    Quantifier,
    RecallStatement,
    Relation,
    Scope,
    Subject,
)
from roundel.cli import claims
from small_names import SmallNames

Call = Callable[..., Any]
SIMPLE = """\
# by hand
schema_version: "1"
claims:
  - id: one
    text: They are jets.   # words
    by: a speaker
    subject: aircraft
"""


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "catalogue_names", SmallNames)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets what will be typed, line by line."""

    def give(*lines: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))

    return give


def test_all_mistakes_are_told_and_end_with_2(tmp_path: Path, call: Call) -> None:
    file = tmp_path / "claims.yaml"
    file.write_text(SIMPLE.replace("aircraft", "aircaft") + "    relation: visibel\n")
    said = call("claims", "check", file)
    assert (said.code, said.out) == (2, "")
    assert said.err.splitlines() == [
        f'Error: {file}:7:14: "aircaft" is not in the catalogue; did you mean aircraft?',
        f'Error: {file}:8:15: "visibel" is no relation; did you mean visible?',
    ]
    found = json.loads(call("claims", "check", file, "--json").out)
    assert found["problems"][1] == {
        "file": str(file),
        "line": 8,
        "column": 15,
        "message": '"visibel" is no relation; did you mean visible?',
    }


def test_what_is_not_there_ends_with_2(tmp_path: Path, call: Call) -> None:
    file = tmp_path / "claims.yaml"
    said = call("claims", "check", file)
    assert (said.code, said.err) == (2, f"Error: {file}: does not exist; give a claim file\n")
    file.write_text(SIMPLE)
    assert call("claims", "check", file, "--case", tmp_path / "none").code == 2


@pytest.mark.parametrize("name", ["claims", "findings"])
def test_the_schemas_are_printed(name: str, call: Call) -> None:
    said = call("claims", "schema", name)
    assert (said.code, said.err) == (0, "")
    assert json.loads(said.out) == json.loads(call("claims", "schema", name, "--json").out)
    assert json.loads(said.out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


FULL = (
    'It is "two" aircraft: # no more', "an official", "2.9.2014", "2014-09-02", "P15",   # a date that is asked again
    "two", "exactly 2",                                                                  # how many
    "mig", "1", "L-39", "1", "",                                                         # of what, searched
    "Soviet Unon", "Soviet Union", "2357",
    "3", "Russia", "2014",                                                               # supplied by
    "clip one.mp4, b.mp4", "0:10", "0:05", "0:21.5",                                     # an end before the start
    "an air base", "2014-08",
    "y", "The whole apron.", "a pilot",
    "y", "50", "51", "45", "test of May",
    "two-aircraft",
)  # fmt: skip
SAID = Claim(
    "two-aircraft",
    'It is "two" aircraft: # no more',
    "an official",
    Quantifier("exactly", 2),
    Subject(("mig-21", "l-39"), "SUHH", "2357"),
    Relation("supplied_by", actor="RU", when=DateSpan(date(2014, 1, 1), date(2014, 12, 31))),
    Scope(("clip one.mp4", "b.mp4"), 10.0, 21.5, "an air base", DateSpan(date(2014, 8, 1), date(2014, 8, 31))),
    DateSpan(date(2014, 9, 2), date(2014, 9, 2)),
    "P15",
    CoverageStatement("The whole apron.", "a pilot"),
    RecallStatement(45, 50, "test of May"),
)
SHORT = ("Это самолёты", "x", "", "", "", "aircraft", "", "", "", "", "", "", "", "")


def said_in(file: Path) -> list[Claim]:
    return [replace(claim, line=0) for claim in read_claims(file, SmallNames()).claims]


def test_answers_become_a_file_that_says_them(tmp_path: Path, call: Call, typed: Callable[..., None]) -> None:
    file = tmp_path / "claims.yaml"
    typed(*FULL)
    said = call("claims", "new", file)
    assert (said.code, said.out) == (0, ""), said.err
    assert said_in(file) == [SAID]
    for phrase in (
        "write a day as 2014-08-31", "is no quantifier", "1  MiG-21 (mig-21)", "did you mean Soviet Union?",
        "that is not after the start", "not more than the 50 objects", "Without both, the claim cannot be assessed",
    ):  # fmt: skip
        assert phrase in said.err
    assert file.read_text().startswith("# A claim file of Roundel.")
    assert call("claims", "check", file).code == 0


def test_enter_leaves_out_what_may_be_left_out(tmp_path: Path, call: Call, typed: Callable[..., None]) -> None:
    file = tmp_path / "claims.yaml"
    typed(*SHORT)
    assert call("claims", "new", file, "--quiet").code == 0
    assert said_in(file) == [
        Claim("claim", "Это самолёты", "x", Quantifier("some"), Subject(("aircraft",)), Relation("visible"))
    ]


def test_each_relation_asks_for_what_it_needs(call: Call, typed: Callable[..., None]) -> None:
    for answers, line in (
        (("2", "group:free-army"), '{operated_by: "group:free-army"}'),
        (("4", "Poland"), '{manufactured_in: "PL"}'),
        (("5", "2357"), '{same_individual_as: "2357"}'),
        (("6", "2014", "2014-08-31"), "{first_published_by: 2014-08-31}"),
        (("7", "b.mp4"), '{same_footage_as: "b.mp4"}'),
        (("9", "8"), "continuous"),
        (("visible",), "visible"),
    ):
        typed(*SHORT[:9], *answers, *SHORT[10:])
        said = call("claims", "new")
        assert (said.code, f"    relation: {line}\n" in said.out) == (0, True), said


def test_a_claim_is_added_to_a_file_and_its_comments_stay(
    tmp_path: Path, call: Call, typed: Callable[..., None]
) -> None:
    file = tmp_path / "claims.yaml"
    file.write_text(SIMPLE)
    typed(*SHORT[:-1], "one", "")
    said = call("claims", "new", file)
    assert said.code == 0, said.err
    assert file.read_text().startswith(SIMPLE)
    assert [claim.id for claim in said_in(file)] == ["one", "claim"]
    assert '"one" is taken' in said.err
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["claims.yaml"]


def test_a_file_that_is_no_claim_file_is_left_alone(tmp_path: Path, call: Call, typed: Callable[..., None]) -> None:
    file = tmp_path / "notes.txt"
    for text in ("my notes", "schema_version: 1\nclaims: [{id: a, text: t, by: b, subject: aircraft}]\n"):
        file.write_text(text)
        typed(*SHORT)
        assert call("claims", "new", file).code == 2
        assert file.read_text() == text


def test_mistakes_in_a_file_to_add_to_are_told_before_anything_is_asked(tmp_path: Path, call: Call) -> None:
    file = tmp_path / "claims.yaml"
    file.write_text(SIMPLE.replace("aircraft", "aircaft") + "    relation: visibel\n")
    said = call("claims", "new", file)
    assert (said.code, len(said.err.splitlines())) == (2, 2)


def test_the_end_of_the_input_is_told_and_nothing_is_written(
    tmp_path: Path, call: Call, typed: Callable[..., None]
) -> None:
    file = tmp_path / "claims.yaml"
    for count in range(len(FULL)):
        typed(*FULL[:count])
        said = call("claims", "new", file)
        assert (said.code, file.exists()) == (2, False)
        assert said.err.endswith(
            "Error: the input ended before the claim was complete; nothing was written, start again\n"
        )


def test_an_interruption_ends_with_130(tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", interrupt)
    said = call("claims", "new", tmp_path / "claims.yaml")
    assert (said.code, said.err.splitlines()[-1]) == (130, "Interrupted; nothing was written.")


def test_without_a_folder_nothing_is_asked(tmp_path: Path, call: Call) -> None:
    said = call("claims", "new", tmp_path / "none" / "claims.yaml")
    assert (said.code, "is no folder" in said.err) == (2, True)


def test_the_claim_is_printed_as_json(call: Call, typed: Callable[..., None]) -> None:
    typed(*FULL)
    found = json.loads(call("claims", "new", "--json").out)
    assert found["claim"]["quantifier"] == {"kind": "exactly", "low": 2, "high": None}
    assert found["file"] is None
    assert "two-aircraft" in found["text"]
