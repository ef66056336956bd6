"""``roundel verify`` and ``roundel report`` with their exit codes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import FakeDetector
from roundel import case as cases
from roundel import custody
from test_case import forge

Call = Callable[..., Any]


@pytest.fixture
def video(clip: Path, tmp_path: Path) -> Path:
    return Path(shutil.copyfile(clip, tmp_path / "video.mp4"))


@pytest.fixture
def case(video: Path, tmp_path: Path, call: Call, fake: FakeDetector) -> Path:
    assert call("analyze", video, "--case", tmp_path / "case").code == 0
    return tmp_path / "case"


def test_a_whole_case_ends_with_0_and_prints_the_head_to_keep(case: Path, call: Call) -> None:
    said = call("verify", case)
    head = list(custody.read(case))[-1].hash
    assert (said.code, said.err) == (0, "")
    assert "1 package and the custody log are as they were written." in said.out
    assert f"Last entry of the log: {head}" in said.out
    assert json.loads(call("verify", case, "--json").out) == {
        "ok": True, "problems": [], "not_repeated": [], "packages": 1, "repeated": 0, "custody_head": head,
    }  # fmt: skip


def test_a_changed_byte_ends_with_3_and_names_the_file(case: Path, call: Call) -> None:
    facts = next(case.glob("videos/*/*/analysis.json"))
    facts.write_bytes(facts.read_bytes().replace(b"0", b"1", 1))
    said = call("verify", case)
    assert (said.code, said.out) == (3, f"{facts}: was changed\n")
    found = json.loads(call("verify", case, "--json").out)
    assert (found["ok"], found["problems"], found["custody_head"]) == (False, [f"{facts}: was changed"], "")
    said = call("verify", case, "--rerun")
    assert said.code == 3
    assert "Nothing was repeated, because the case is not as it was written." in said.err


def test_a_removed_log_ends_with_3(case: Path, call: Call) -> None:
    (case / custody.FILE).unlink()
    said = call("verify", case)
    assert (said.code, "the custody log is missing" in said.out) == (3, True)


def test_what_is_no_case_ends_with_2(tmp_path: Path, call: Call) -> None:
    for verb in ("verify", "report"):
        said = call(verb, tmp_path / "nowhere")
        assert (said.code, said.out) == (2, "")
        assert "is no case" in said.err
        assert f"make one with: roundel analyze VIDEO --case {tmp_path / 'nowhere'}" in said.err


def test_a_rerun_of_an_untouched_case_ends_with_0(case: Path, call: Call) -> None:
    said = call("verify", case, "--rerun")
    assert (said.code, ": same" in said.err) == (0, True)
    assert json.loads(call("verify", case, "--rerun", "--json").out)["repeated"] == 1


def test_a_forged_case_passes_the_check_and_fails_the_rerun(case: Path, call: Call) -> None:
    forge(case)
    assert call("verify", case).code == 0
    said = call("verify", case, "--rerun")
    assert said.code == 3
    assert "analysis.json: the repeated analysis gives something else" in said.out


def test_a_moved_video_ends_with_1_and_is_found_with_the_option(
    case: Path, video: Path, tmp_path: Path, call: Call
) -> None:
    moved = video.rename(tmp_path / "moved.mp4")
    said = call("verify", case, "--rerun")
    assert said.code == 1
    assert "not repeated: " in said.out
    assert "give its place with --video PATH" in said.out
    said = call("verify", case, "--rerun", "--video", moved)
    assert (said.code, "not repeated" in said.out) == (0, False)


def test_a_report_is_noted_in_the_log_and_checked(case: Path, call: Call) -> None:
    said = call("report", case)
    assert said.code == 0, said.err
    page = Path(said.out.strip())
    assert page == case / cases.REPORT / cases.REPORT_PAGE
    assert call("verify", case).code == 0
    assert json.loads(call("report", case, "--previews", "clear", "--json").out) == {
        "report": str(page),
        "claims": None,
    }
    assert call("verify", case).code == 0
    page.write_text(page.read_text() + " ")
    assert (call("verify", case).code, f"{page}: was changed" in call("verify", case).out) == (3, True)
    assert call("report", case, "--previews", "some").code == 2
