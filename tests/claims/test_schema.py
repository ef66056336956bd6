"""The schemas for editors say the same as the reader."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
import yaml
from test_bad_files import BAD_CLAIMS, BAD_FINDINGS

from roundel.claims.files import findings, reading, terms
from roundel.claims.files.problems import FileProblemsError
from roundel.claims.model import Basis, FindingKind, QuantifierKind
from small_names import SmallNames

HERE = Path(__file__).parent


def schema(name: str) -> dict[str, Any]:
    text = resources.files("roundel.claims.files").joinpath("schema", f"{name}.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


CLAIMS, FINDINGS = schema("claims"), schema("findings")
DEFS = CLAIMS["$defs"]


class Editor(yaml.BaseLoader):
    """YAML 1.2 as editors read it: numbers, true, false and null; dates, times and ``no`` are texts."""


Editor.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(~|null|)$"), None)
for tag, pattern in (
    ("int", r"^[-+]?[0-9]+$"),
    ("float", r"^[-+]?([0-9]+\.[0-9]*|\.[0-9]+)$"),
    ("bool", "^(true|false)$"),
):
    Editor.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), None)
Editor.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(loader.construct_scalar(node)))
Editor.add_constructor("tag:yaml.org,2002:float", lambda loader, node: float(loader.construct_scalar(node)))
Editor.add_constructor("tag:yaml.org,2002:bool", lambda loader, node: loader.construct_scalar(node) == "true")
Editor.add_constructor("tag:yaml.org,2002:null", lambda loader, node: None)


def valid(text: str, by: dict[str, Any]) -> bool:
    value = yaml.load(text, Loader=Editor)  # noqa: S506
    return not list(jsonschema.Draft202012Validator(by).iter_errors(value))


def test_the_schemas_are_schemas() -> None:
    for each in (CLAIMS, FINDINGS):
        jsonschema.Draft202012Validator.check_schema(each)
    assert DEFS["finding"] == FINDINGS["$defs"]["finding"]
    assert all(DEFS[name] == value for name, value in FINDINGS["$defs"].items())


def test_keys_and_words_are_those_of_the_reader() -> None:
    assert tuple(CLAIMS["properties"]) == reading.FILE_KEYS
    assert tuple(DEFS["claim"]["properties"]) == reading.CLAIM_KEYS
    assert tuple(DEFS["subject"]["anyOf"][1]["properties"]) == reading.SUBJECT_KEYS
    assert tuple(DEFS["scope"]["properties"]) == reading.SCOPE_KEYS
    assert tuple(DEFS["coverage"]["properties"]) == reading.COVERAGE_KEYS
    assert tuple(DEFS["recall"]["properties"]) == reading.RECALL_KEYS
    assert tuple(DEFS["finding"]["properties"]) == findings.KEYS
    assert tuple(DEFS["finding"]["properties"]["kind"]["enum"]) == get_args(FindingKind)
    assert tuple(DEFS["finding"]["properties"]["basis"]["enum"]) == get_args(Basis)
    assert tuple(DEFS["days"]["anyOf"][2]["properties"]) == terms.SPAN_KEYS
    assert {words.split(" 2")[0].replace(" ", "_") for words in DEFS["quantifier"]["examples"]} == set(
        get_args(QuantifierKind)
    )
    alone, *others = DEFS["relation"]["anyOf"]
    assert tuple(alone["enum"]) == reading.ALONE
    assert {*alone["enum"], *(key for other in others for key in other["required"])} == set(reading.RELATIONS)


def test_what_each_kind_of_finding_needs_is_that_of_the_reader() -> None:
    rules = {
        rule["if"]["properties"]["kind"]["const"]: rule["then"]
        for rule in DEFS["finding"]["allOf"]
        if "kind" in rule["if"]["properties"]
    }
    assert set(rules) == set(findings.NEEDS)
    for kind, groups in findings.NEEDS.items():
        said = [(key,) for key in rules[kind].get("required", ())]
        said += (
            [tuple(key for part in rules[kind]["anyOf"] for key in part["required"])] if "anyOf" in rules[kind] else []
        )
        assert tuple(said) == groups
        refused = {key for key, kinds in findings.ONLY_FOR.items() if kind not in kinds}
        assert set(rules[kind]["properties"]) == refused


def test_every_key_is_described() -> None:
    for part in (DEFS["claim"], DEFS["finding"], DEFS["scope"], DEFS["coverage"], DEFS["recall"]):
        for key, value in part["properties"].items():
            assert value.get("description") or DEFS[value["$ref"].split("/")[-1]].get("description"), key


GOOD = [
    "{}",
    "{quantifier: no}",
    "{quantifier: at_least 2, said: 2014}",
    "{quantifier: between 2 and 4, said: 2014-09}",
    "{said: 2014-01 to 2015, scope: {from: 10, to: 1:02:03.5, filmed: by 2014}}",
    "{said: {last: 2014-08-31}, scope: {videos: clip.mp4, from: 0:10}}",
    "{relation: continuous}",
    "{relation: {same_individual_as: 2357}}",
    "{relation: {first_published_by: 2014-08-31}}",
    "{relation: {supplied_by: Russia, when: {first: 2013, last: 2014-02}}}",
    "{relation: {operated_by: group:free-army}}",
    "{coverage: {text: all, who: me}, recall: {found: 0, objects: 1, source: s}}",
]


@pytest.mark.parametrize("more", GOOD)
def test_good_claims_are_good_for_both(more: str, tmp_path: Path) -> None:
    inner = more.strip("{}") if more == "{}" else ", " + more[1:-1]
    text = f'schema_version: "1"\nclaims:\n- {{id: a, text: t, by: b, subject: [mig-21, aircraft]{inner}}}\n'
    path = tmp_path / "claims.yaml"
    path.write_text(text)
    assert len(reading.read_claims(path, SmallNames()).claims) == 1
    assert valid(text, CLAIMS)


def test_the_good_files_are_good_for_both() -> None:
    assert valid((HERE / "good" / "full.yaml").read_text(encoding="utf-8"), CLAIMS)
    assert valid((HERE / "good" / "findings.yaml").read_text(encoding="utf-8"), FINDINGS)


BEYOND = (
    "catalogue", "did you mean aircraft", "did you mean Russia", "did you mean Poland", "did you mean Libya",
    "group:free-army", "was used before", "no such day", "year is not", "before the first", "not after", "cannot be",
    "write between 2 and 4", "no time in", "add up to", "did you mean mig-21", "types or of", "how likely",
    "stands here again", "neither .yaml", "nowhere", "was used",
    "anchor or alias", "is a tag of YAML",
)  # fmt: skip
"""Mistakes that a schema cannot see, because they are about names, sums, order or other files."""


def is_yaml(text: str) -> bool:
    try:
        yaml.load(text, Loader=Editor)  # noqa: S506
    except yaml.YAMLError:
        return False
    return "? [a]" not in text


@pytest.mark.parametrize(
    "text",
    [text for text, _, _, phrase in BAD_CLAIMS if is_yaml(text) and not any(word in phrase for word in BEYOND)],
)
def test_bad_claims_are_bad_for_the_schema(text: str) -> None:
    assert not valid(text, CLAIMS)


@pytest.mark.parametrize(
    "text",
    [text for text, _, _, phrase in BAD_FINDINGS if is_yaml(text) and not any(word in phrase for word in BEYOND)],
)
def test_bad_findings_are_bad_for_the_schema(text: str) -> None:
    assert not valid(text, FINDINGS)


@pytest.mark.parametrize("kind", get_args(FindingKind))
def test_a_finding_with_all_it_needs_is_good_for_both(kind: FindingKind, tmp_path: Path) -> None:
    values = {
        "of": "mig-21", "types": "{mig-21: 1}", "tracks": "[t1]", "serial": '"1"', "part": "intake", "place": "p",
        "when": "2014", "actor": "Syria", "reference": "r",
    }  # fmt: skip
    needs = "".join(f", {group[0]}: {values[group[0]]}" for group in findings.NEEDS[kind])
    text = f"- {{id: a, kind: {kind}, who: w, found: 2024-05-01, basis: seen{needs}}}\n"
    path = tmp_path / "f.yaml"
    path.write_text(text)
    assert findings.read_findings(path, SmallNames())[1][0].kind == kind
    assert valid(text, FINDINGS)
    for group in findings.NEEDS[kind]:
        less = text.replace(f", {group[0]}: {values[group[0]]}", "")
        path.write_text(less)
        with pytest.raises(FileProblemsError, match="needs"):
            findings.read_findings(path, SmallNames())
        assert not valid(less, FINDINGS)
