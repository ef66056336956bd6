"""``roundel catalogue``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from catalogue_exports import NEW, OLD, OLD_HEADER
from roundel import case as cases
from roundel import custody
from roundel.config import Config
from roundel.media.identity import sha256_of

Call = Callable[..., Any]


@pytest.fixture
def case(tmp_path: Path) -> Path:
    cases.create(tmp_path / "case", Config())
    return tmp_path / "case"


@pytest.fixture
def register(tmp_path: Path) -> Path:
    path = tmp_path / "trade-register.csv"
    path.write_text(OLD, encoding="utf-8")
    return path


def test_show_prints_facts_with_their_sources(call: Call) -> None:
    said = call("catalogue", "show", "mig-21")
    assert (said.code, said.err) == (0, "")
    for line in (
        "design origin: Soviet Union (stated) [P1]",
        "first flight: 1955-02-14 (Ye-2, sources disagree) [P1b]",
        "made in: India (licence or assembly)",
        "1973, to Syria: 8 MiG-21F-13 from Czechoslovakia (second hand) [S1 L24390]",
        "captured 2014 by Islamic State from Syria: at most 23:",
        "J-7 / F-7 (j-7): no part that separates them is sourced",
        "wing, seen from above: here fixed delta, there swing wing, span out about twice [P12]",
        "What to look at",
        "Deliveries: SIPRI Arms Transfers Database, (c) SIPRI; fair use only",
    ):
        assert line in said.out
    assert "Russia" not in said.out.partition("Sources\n")[0]


def test_show_says_what_it_leaves_out_and_what_can_be_faked(call: Call) -> None:
    said = call("catalogue", "show", "su-34")
    assert "design origin: not given, since no source better than tier D states it" in said.out
    assert "no part by which it can be told is sourced" in said.out
    assert "DCS" not in said.out
    assert "beware: skirts or mud can hide it" in call("catalogue", "show", "T-54-55").out


def test_show_as_json_and_for_one_recipient(call: Call) -> None:
    found = json.loads(call("catalogue", "show", "mig-21", "--json", "--recipient", "Poland").out)
    assert (found["id"], found["deliveries"], found["notice"]) == ("mig-21", [], "")
    assert found["design_origin"][0]["value"] == "SUHH"
    found = json.loads(call("catalogue", "show", "fighter", "--json").out)
    assert (found["kind"], "mig-21" in found["types"]) == ("class", True)


def test_unknown_types_and_states_end_with_2_and_a_suggestion(call: Call) -> None:
    said = call("catalogue", "show", "mig21x")
    assert (said.code, "did you mean" in said.err) == (2, True)
    said = call("catalogue", "show", "mig-21", "--recipient", "Syrai")
    assert (said.code, "did you mean Syria (SY)" in said.err) == (2, True)


def test_search(call: Call) -> None:
    assert "mig-21  MiG-21, fighter" in call("catalogue", "search", "fishbed").out
    assert json.loads(call("catalogue", "search", "fishbed", "--json").out)[0]["id"] == "mig-21"
    said = call("catalogue", "search", "qqqqqqqqqq")
    assert (said.code, said.out, "Nothing in the catalogue" in said.err) == (0, "", True)


def test_check_ends_with_0_or_2(call: Call, tmp_path: Path) -> None:
    said = call("catalogue", "check")
    assert (said.code, "no problem found" in said.out) == (0, True)
    assert json.loads(call("catalogue", "check", "--json").out)["ok"]
    said = call("catalogue", "check", tmp_path)
    assert (said.code, said.out.count("is missing"), "3 problems" in said.err) == (2, 3, True)


def test_import_says_what_it_took_and_what_matched_nothing(call: Call, case: Path, register: Path) -> None:
    said = call("catalogue", "import", register, "--case", case)
    assert said.code == 0, said.err
    assert "5 deliveries read (older layout, UTF-8), 3 of types that the catalogue has; 5 in" in said.err
    assert "which you should check: L-39ZO Albatros as l-39" in said.err
    assert "Kept without a type: Fagot, X-Wing" in said.err
    assert "no state of the catalogue: Utopia" in said.err
    assert call("verify", case).code == 0
    event = [event for event in custody.read(case) if event.subject == cases.CATALOGUE_ROWS][-1]
    assert event.details["file_sha256"] == sha256_of(register)
    assert (event.details["file"], event.details["rows"]) == ("trade-register.csv", 5)
    assert "to Utopia: about 12 MiG-21MF from Soviet Union" in call("catalogue", "show", "mig-21", "--case", case).out
    assert "Utopia" not in call("catalogue", "show", "mig-21").out


def test_both_layouts_fill_a_case_alike(call: Call, tmp_path: Path, register: Path) -> None:
    rows = []
    for name, text in (("one", OLD), ("two", NEW)):
        cases.create(tmp_path / name, Config())
        register.write_text(text, encoding="utf-8")
        assert call("catalogue", "import", register, "--case", tmp_path / name, "--quiet").code == 0
        lines = (tmp_path / name / cases.CATALOGUE_ROWS).read_text(encoding="utf-8").splitlines()
        rows.append([line.rpartition(",SIPRI:")[0] or line.rpartition(',"SIPRI:')[0] for line in lines[1:]])
    assert rows[0] == rows[1]
    assert len(rows[0]) == 5


@pytest.mark.parametrize("name", [cases.CATALOGUE_ROWS, cases.CATALOGUE_NOTICE])
def test_verify_notices_a_changed_a_missing_and_an_added_file(
    call: Call, case: Path, register: Path, name: str
) -> None:
    call("catalogue", "import", register, "--case", case)
    path = case / name
    path.write_bytes(path.read_bytes().replace(b"SIPRI", b"SIPR1", 1))
    said = call("verify", case)
    assert (said.code, said.out) == (3, f"{path}: was changed\n")
    path.unlink()
    assert f"{path}: is missing" in call("verify", case).out
    (path.parent / "more.csv").touch()
    assert f"{path.parent / 'more.csv'}: was added" in call("verify", case).out


def test_changed_rows_are_neither_used_nor_built_upon(call: Call, case: Path, register: Path) -> None:
    call("catalogue", "import", register, "--case", case)
    rows = case / cases.CATALOGUE_ROWS
    rows.write_text(rows.read_text(encoding="utf-8").replace(",12,12,", ",13,13,"), encoding="utf-8")
    for arguments in (("import", register), ("show", "mig-21")):
        said = call("catalogue", *arguments, "--case", case)
        assert (said.code, "was changed; run roundel verify" in said.err) == (3, True)


def test_rows_that_nobody_imported_are_noticed(call: Call, case: Path) -> None:
    path = case / cases.CATALOGUE_ROWS
    path.parent.mkdir()
    path.touch()
    assert f"{path}: the custody log does not mention this file" in call("verify", case).out


def test_an_unreadable_line_ends_with_1_and_the_rest_is_kept(call: Call, case: Path, register: Path) -> None:
    register.write_text(OLD + "Utopia,Russia,1999,,1,,T-72,tank,many,,2000,New,,1,1,1\n", encoding="utf-8")
    said = call("catalogue", "import", register, "--case", case, "--json")
    found = json.loads(said.out)
    assert (said.code, found["rows"], found["unmatched"]) == (1, 5, {"Fagot": 1, "X-Wing": 1})
    assert "line 11: the number delivered is 'many'" in said.err
    assert call("verify", case).code == 0


def test_what_is_no_export_or_no_case_is_refused(call: Call, case: Path, register: Path, tmp_path: Path) -> None:
    register.write_text("a,b\n1,2\n", encoding="utf-8")
    said = call("catalogue", "import", register, "--case", case)
    assert (said.code, "has no line with the columns" in said.err) == (2, True)
    register.write_text(OLD_HEADER, encoding="utf-8")
    said = call("catalogue", "import", register, "--case", tmp_path / "nowhere")
    assert (said.code, "is no case" in said.err) == (2, True)
    assert not (tmp_path / "nowhere").exists()
