"""docs/claims.md says what the reader does, with the catalogue that is shipped."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from test_schema import CLAIMS, FINDINGS, valid

from roundel.catalogue import load
from roundel.claims.files import findings, grammar, reading
from roundel.claims.files.names import CatalogueNames
from roundel.claims.files.terms import UNKNOWN, state_of
from roundel.claims.model import FindingKind, Quantifier
from roundel.errors import UsageError

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "claims.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```(?:yaml|csv)\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
NAMES = CatalogueNames(load())


def test_the_example_is_read(tmp_path: Path) -> None:
    for name, text in zip(("claims.yaml", "findings.yaml", "findings.csv"), EXAMPLES, strict=True):
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = reading.read_claims(tmp_path / "claims.yaml", NAMES)
    assert [claim.id for claim in found.claims] == ["two-aircraft", "same-aircraft", "sent-by-russia"]
    assert [finding.id for finding in found.findings] == ["type-1", "serial-1", "holder-1", "seen-1", "copy-1"]
    assert found.claims[2].relation.actor == "RU"
    assert found.claims[0].scope.end_seconds == 141.5
    assert found.findings[3].count == Quantifier("at_least", 3)
    assert valid(EXAMPLES[0], CLAIMS)
    assert valid(EXAMPLES[1], FINDINGS)


def test_every_key_and_word_is_explained() -> None:
    words = {
        *reading.FILE_KEYS, *reading.CLAIM_KEYS, *reading.SUBJECT_KEYS, *reading.SCOPE_KEYS, *reading.COVERAGE_KEYS,
        *reading.RECALL_KEYS, *reading.RELATIONS, *findings.KEYS, *get_args(FindingKind), *grammar.QUANTIFIERS,
    }  # fmt: skip
    prose = re.sub(r"^```.*?^```$", "", DOCUMENT, flags=re.MULTILINE | re.DOTALL)
    explained = " ".join(re.findall(r"`([^`]+)`", prose))
    assert {word for word in words if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", explained)} == set()


def test_the_table_of_kinds_is_that_of_the_reader() -> None:
    rows = re.findall(r"^\| (`[^|]+`) \| ([^|]*) \| [^|]* \|$", DOCUMENT.partition("## Findings")[2], re.MULTILINE)
    told = {
        kind: tuple(tuple(re.findall("`(.+?)`", part)) for part in needs.split(",") if "`" in part)
        for kinds, needs in rows
        for kind in re.findall("`(.+?)`", kinds)
    }
    assert told == dict(findings.NEEDS)


def test_the_catalogue_gives_the_names_that_claims_need() -> None:
    assert NAMES.is_node("aircraft")
    assert not NAMES.is_node("spoon")
    assert {"mig-21", "aircraft", "person"} <= set(NAMES.nodes())
    assert all(NAMES.is_node(node) for node in NAMES.nodes())
    assert NAMES.find("MiG-21")[0] == "mig-21"
    assert (NAMES.node_title("mig-21"), NAMES.state_name("SUHH")) == ("MiG-21", "Soviet Union")
    for code in ("RU", "SUHH", "SY", "group:islamic-state"):
        assert NAMES.state_code(code) == code
    with pytest.raises(UsageError, match="names nobody"):
        state_of(NAMES, UNKNOWN)
