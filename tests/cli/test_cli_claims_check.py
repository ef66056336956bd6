"""``roundel claims check`` with and without a case, and ``analyze --claims``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import FakeDetector
from roundel import case as cases
from roundel import custody, notes

Call = Callable[..., Any]
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "tabqa_2014" / "claims.yaml"
TWO = """\
schema_version: "1"
claims:
  - {id: two, text: Two vehicles., by: a speaker, quantifier: at least 2, subject: armoured_vehicle}
  - {id: one, text: A vehicle., by: a speaker, subject: armoured_vehicle}
  - {id: sent, text: Sent by Russia., by: a speaker, subject: armoured_vehicle, relation: {supplied_by: Russia}}
  - id: elsewhere
    text: In the other film.
    by: a speaker
    subject: aircraft
    scope: {videos: [other.mp4]}
"""


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    path = tmp_path / "claims.yaml"
    path.write_text(TWO)
    return path


@pytest.fixture
def case(tmp_path: Path, clip: Path, fake: FakeDetector, call: Call) -> Path:
    assert call("analyze", clip, "--case", tmp_path / "case").code == 0
    return tmp_path / "case"


def test_without_a_case_only_findings_and_catalogue_speak(call: Call) -> None:
    said = call("claims", "check", EXAMPLE)
    assert said.code == 0
    assert "sent-by-russia (L8): weakens" in said.out
    assert "As worded, the claim is not supported" in said.out
    assert "for (video)" not in said.out
    assert "No footage was examined" in said.err
    found = json.loads(call("claims", "check", EXAMPLE, "--json").out)
    assert (found["ok"], found["footage"]) == (True, [])
    assert found["claim_file"]["text"] == EXAMPLE.read_text(encoding="utf-8")
    assert [item["name"] for item in found["findings_files"]] == ["findings.yaml"]


def test_claims_are_held_against_a_case_and_kept_in_it(case: Path, claims: Path, call: Call) -> None:
    found = json.loads(call("claims", "check", claims, "--case", case, "--json").out)
    verdicts = {claim["id"]: claim["verdict"] for claim in found["claims"]}
    assert verdicts["one"] == "consistent_with"  # the fake detector is not calibrated
    assert verdicts["two"] == "not_addressed"
    assert verdicts["sent"] == "not_addressed"
    assert verdicts["elsewhere"] == "cannot_be_assessed"
    assert all(claim["alternatives"] and claim["derivation"] for claim in found["claims"])
    [footage] = found["footage"]
    assert footage["names"] == ["cli-one.mp4"]
    kept = case / notes.CLAIMS / "claims.json"
    assert json.loads(kept.read_text())["claims"] == found["claims"]
    event = list(custody.read(case))[-1]
    assert (event.event, event.details["verdicts"]) == (notes.CLAIMS_CHECKED, verdicts)
    assert call("verify", case).code == 0


def test_the_same_claims_on_the_same_case_give_the_same_bytes(case: Path, claims: Path, call: Call) -> None:
    kept = case / notes.CLAIMS / "claims.json"
    call("claims", "check", claims, "--case", case, "--quiet")
    first = kept.read_bytes()
    call("claims", "check", claims, "--case", case, "--quiet")
    assert kept.read_bytes() == first


def test_kept_claims_that_were_changed_or_put_there_are_noticed(case: Path, claims: Path, call: Call) -> None:
    call("claims", "check", claims, "--case", case, "--quiet")
    kept = case / notes.CLAIMS / "claims.json"
    text = kept.read_text()
    kept.write_text(text.replace("not_addressed", "shows"))
    said = call("verify", case)
    assert (said.code, "claims/claims.json: was changed" in said.out) == (3, True)
    kept.write_text(text)
    assert call("verify", case).code == 0
    (kept.parent / "more.json").write_text("{}")
    said = call("verify", case)
    assert (said.code, "more.json: the custody log does not mention this file" in said.out) == (3, True)


def test_no_claim_is_held_against_changed_evidence(case: Path, claims: Path, call: Call) -> None:
    [facts] = case.glob("videos/*/*/analysis.json")
    facts.write_text(facts.read_text().replace("armoured_vehicle", "aircraft"))
    said = call("claims", "check", claims, "--case", case)
    assert (said.code, "no claim is held against changed evidence" in said.err) == (3, True)


def test_of_two_analyses_of_a_video_the_later_one_counts(
    case: Path, clip: Path, claims: Path, fake: FakeDetector, call: Call
) -> None:
    call("analyze", clip, "--case", case, "--sample-fps", "all", "--quiet")
    assert len(cases.packages(case)) == 2
    [footage] = json.loads(call("claims", "check", claims, "--case", case, "--json").out)["footage"]
    latest = [event.subject for event in custody.read(case) if event.event == cases.ANALYSED][-1]
    assert latest.endswith(footage["analysis"])


def test_analyze_puts_claims_into_the_packages(
    tmp_path: Path, clip: Path, claims: Path, fake: FakeDetector, call: Call
) -> None:
    case = tmp_path / "with"
    said = call("analyze", clip, "--case", case, "--claims", claims)
    assert (said.code, "one: consistent with" in said.out) == (0, True)
    [facts] = case.glob("videos/*/*/analysis.json")
    assert [claim["id"] for claim in json.loads(facts.read_text())["claims"]] == ["two", "one", "sent", "elsewhere"]
    assert call("verify", case, "--rerun").code == 0
    assert "skipped" in call("analyze", clip, "--case", case, "--claims", claims).out
    claims.write_text(TWO.replace("at least 2", "at least 3"))
    assert "done" in call("analyze", clip, "--case", case, "--claims", claims).out
    claims.write_text(TWO.replace("armoured_vehicle", "armoured_vehikle"))
    said = call("analyze", clip, "--case", case, "--claims", claims)
    assert (said.code, "claims.yaml:3:" in said.err, "armoured_vehicle" in said.err) == (2, True, True)
    assert said.err.count("\n") == 3
