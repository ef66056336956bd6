"""``roundel fingerprints``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import FakeDetector
from roundel import case as cases
from roundel.config import Config
from small_case import analyse
from small_exchange import balanced

Call = Callable[..., Any]


@pytest.fixture
def case(tmp_path: Path, clip: Path) -> Path:
    analyse(tmp_path / "theirs", clip)
    return tmp_path / "theirs"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    cases.create(tmp_path / "mine", Config())
    return tmp_path / "mine"


def test_a_signed_export_is_taken_by_whoever_trusts_the_key(
    call: Call, fake: FakeDetector, case: Path, mine: Path, tmp_path: Path
) -> None:
    made = call("fingerprints", "key", "--out", tmp_path / "me.pem")
    public = made.out.strip()
    assert (made.code, public[:8]) == (0, "ed25519:")
    out = tmp_path / "a.jsonl.gz"
    told = call("fingerprints", "export", case, "--out", out, "--contributor", "A. Name", "--key", tmp_path / "me.pem")
    assert told.code == 0
    assert "1 video, " in told.out
    assert f"signed with {public}" in told.out
    assert "Not signed" not in told.err
    refused = call("fingerprints", "import", out, "--case", mine)
    assert refused.code == 2
    assert "--trust" in refused.err
    taken = call("fingerprints", "import", out, "--case", mine, "--trust", public)
    assert taken.code == 0
    assert "imported: a.jsonl.gz: 1 video" in taken.out
    assert "which you trust" in taken.out
    again = call("fingerprints", "import", out, "--case", mine, "--trust", public, "--json")
    assert [(item["is_new"], item["trust"]) for item in json.loads(again.out)["imported"]] == [(False, "trusted")]
    assert call("verify", mine).code == 0


def test_an_export_without_key_says_so(call: Call, fake: FakeDetector, case: Path, tmp_path: Path) -> None:
    told = call("fingerprints", "export", case, "--out", tmp_path / "a.jsonl", "--contributor", "A", "--quiet")
    assert told.code == 0
    assert "Not signed" in told.err
    told = call("fingerprints", "export", case, "--out", tmp_path / "b.jsonl", "--contributor", "A", "--json")
    assert json.loads(told.out)["public_key"] is None
    again = call("fingerprints", "export", case, "--out", tmp_path / "a.jsonl", "--contributor", "A")
    assert again.code == 2
    assert "exists" in again.err


def test_a_vpdq_file_with_a_hostile_name_is_imported(call: Call, mine: Path, tmp_path: Path) -> None:
    path = tmp_path / "[red]x\x1b[31m\u202e.txt"
    path.write_text(f"0,100,{balanced(np.random.default_rng(1))},0.000\n")
    told = call("fingerprints", "import", path, "--case", mine, "--untrusted", "--contributor", "B. \x1bName")
    assert told.code == 0
    assert "\x1b" not in told.out
    assert "\u202e" not in told.out
    assert "[red]x" in told.out
    assert "not signed: anybody may have written it" in told.out
    path.write_text("0,100,12,0\n0,100,zz,0\n")
    wrong = call("fingerprints", "import", path, "--case", mine, "--untrusted", "--format", "vpdq")
    assert wrong.code == 2
    assert wrong.err.count("Error") == 2


def test_a_changed_file_ends_with_the_code_of_integrity(
    call: Call, fake: FakeDetector, case: Path, mine: Path, tmp_path: Path
) -> None:
    out = tmp_path / "a.jsonl"
    call("fingerprints", "export", case, "--out", out, "--contributor", "A")
    out.write_bytes(out.read_bytes().replace(b'"quality":', b'"quality": ', 1))
    told = call("fingerprints", "import", out, "--case", mine, "--untrusted")
    assert told.code == 3
    assert "was altered or damaged" in told.err
    text = out.read_bytes()
    out.write_bytes(text[: text.rindex(b'{"kind":"end"')])
    told = call("fingerprints", "import", out, "--case", mine, "--untrusted")
    assert told.code == 3
    assert "cut short" in told.err


def test_a_key_is_never_replaced(call: Call, tmp_path: Path) -> None:
    assert call("fingerprints", "key", "--out", tmp_path / "me.pem", "--json").code == 0
    again = call("fingerprints", "key", "--out", tmp_path / "me.pem")
    assert again.code == 2
    assert "never replaced" in again.err
