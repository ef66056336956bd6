"""The command line, called in this process as the entry point calls it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import FakeDetector, loaded
from roundel import cli, rerun
from roundel import detect as seam
from small_case import OTHER_SOURCE, SMALL, SOURCE, detector


@dataclass(frozen=True, slots=True)
class Said:
    """What a call printed and its exit code."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the user's weights that is empty, and settings that nobody has changed."""
    monkeypatch.setenv("ROUNDEL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Call ``roundel`` with arguments; a traceback would end the test."""

    def run(*arguments: str | Path) -> Said:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["roundel", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return Said(int(ended.value.code or 0), out, err)

    return run


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeDetector:
    """The detector of all calls in a test."""
    by = detector()
    monkeypatch.setattr(seam, "load_detector", lambda _: loaded(by))
    monkeypatch.setattr(rerun, "load_detector", lambda _: loaded(by))
    return by


@pytest.fixture(scope="session")
def clip(make_clip: Callable[..., Path]) -> Path:
    return make_clip("cli-one.mp4", SOURCE, *SMALL)


@pytest.fixture(scope="session")
def clip2(make_clip: Callable[..., Path]) -> Path:
    return make_clip("cli-two.mp4", OTHER_SOURCE, *SMALL)
