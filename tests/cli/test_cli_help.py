"""Help, ``doctor``, ``demo`` and what is made safe for a terminal."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from typer.main import get_command

from conftest import FakeDetector
from roundel import __version__, cli
from roundel.cli import doctor
from roundel.cli.output import visible

Call = Callable[..., Any]
ROUNDEL = Path(sys.executable).with_name("roundel")


def commands(group: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """All verbs with their names."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*before, name))
        else:
            yield (*before, name), command


VERBS = dict(commands(get_command(cli.app)))


def test_the_verbs_of_the_contract_are_there() -> None:
    assert {
        ("analyze",), ("report",), ("verify",), ("demo",), ("doctor",),
        ("models", "list"), ("models", "add"), ("models", "verify"),
    } <= VERBS.keys()  # fmt: skip


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_verb_has_an_example_and_the_common_options(verb: tuple[str, ...], call: Call) -> None:
    said = call(*verb, "--help")
    assert (said.code, said.err) == (0, "")
    assert f"Example: roundel {' '.join(verb)}" in said.out
    for option in ("--json", "--quiet", "--help"):
        assert option in said.out


def test_help_and_version_are_printed_quickly_by_the_installed_program() -> None:
    done = subprocess.run([ROUNDEL, "--help"], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(name in done.stdout for name, *_ in VERBS)


def test_the_version_is_printed(call: Call) -> None:
    assert call("--version").out == f"roundel {__version__}\n"


def test_an_unknown_verb_ends_with_2(call: Call) -> None:
    said = call("anlyze")
    assert (said.code, said.out, "--help" in said.err) == (2, "", True)


def test_no_heavy_library_is_loaded_for_help() -> None:
    program = (
        "import sys, roundel.cli; print(sorted({'torch', 'ultralytics', 'openvino', 'onnxruntime'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_healthy_machine_ends_with_0(call: Call) -> None:
    said = call("doctor")
    assert (said.code, "BAD" in said.out) == (0, False), said.out
    found = json.loads(call("doctor", "--json").out)
    assert found["ok"]
    assert [check["name"] for check in found["checks"]] == list(doctor.CHECKS)


def test_missing_ffmpeg_ends_with_2_and_what_to_type(tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run([ROUNDEL, "doctor"], capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert done.returncode == 2
    assert "BAD  ffmpeg: ffmpeg is not installed. On Debian or Ubuntu: sudo apt-get install ffmpeg" in done.stdout
    assert "ok   weights" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("status", [1, 127])
def test_a_broken_ffmpeg_is_reported_and_not_a_crash(
    status: int, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    from roundel.media import process

    for name in ("ffmpeg", "ffprobe"):
        (tmp_path / name).write_text(f"#!/bin/sh\nexit {status}\n")
        (tmp_path / name).chmod(0o755)
    process.ffmpeg_version.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    said = call("doctor")
    process.ffmpeg_version.cache_clear()
    assert (said.code, "BAD  ffmpeg: " in said.out) == (2, True)


def test_doctor_says_which_protections_are_missing_and_what_to_do(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"reads_only_its_input": False, "writes_nothing": True, "no_network": False, "limits": None}
    monkeypatch.setattr("roundel.sandbox.protections", lambda: found)
    (line,) = (line for line in call("doctor").out.splitlines() if "sandbox: " in line)
    for part in (
        "decoders are kept from writing or changing files; ",
        "NOT kept from reading files other than its input and system libraries, using a network and exceeding its "
        "limits of memory and time; ",
        "Linux 5.13 or newer with landlock switched on",
        "a container that has no network (docs/sandbox.md)",
    ):
        assert part in line


def test_the_demo_analyses_its_clips_and_makes_a_report(
    tmp_path: Path, call: Call, fake: FakeDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = tmp_path / "demo"
    said = call("demo", "--case", case)
    assert said.code == 0, said.err
    for clip in ("clip.mp4", "repost.mp4"):
        assert f"{clip} really shows: " in said.out
    assert "repost.mp4 0:03.20–0:07.00 shows what demo/clip.mp4 shows at 0:00.00–0:03.80: mirrored" in said.out
    assert "Numbers of the two videos must not be added up" in said.out
    (overlay,) = (line.removeprefix("  Overlay: ") for line in said.out.splitlines() if line.startswith("  Overlay: "))
    assert Path(overlay).is_relative_to(case / "matches")
    assert Path(overlay).is_file()
    assert said.out.splitlines()[-1] == f"Report: {case / 'report' / 'index.html'}"
    assert call("verify", case).code == 0
    pictures = fake.pictures
    assert call("demo", "--case", case).code == 0
    assert fake.pictures == pictures
    assert [item["status"] for item in json.loads(call("demo", "--case", case, "--json").out)["videos"]] == [
        "skipped"
    ] * 2


@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_is_printed_as_one_harmless_line(text: str) -> None:
    stream = io.StringIO()
    Console(
        file=stream, force_terminal=True, color_system="truecolor", soft_wrap=True, highlight=False, emoji=False
    ).print(f"[bold]{visible(text)}[/] end")
    shown = stream.getvalue()
    assert shown.endswith(" end\n")
    inner = shown.removesuffix(" end\n").replace("\x1b[1m", "").replace("\x1b[0m", "")
    assert inner == "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
