"""Ray Data as the engine, on a cluster of this machine alone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from batch.archives import ROUNDEL, digests, plan_for, roundel
from chaos import descendants
from roundel import case as cases
from roundel.batch.plan import Plan

pytest.importorskip("ray")
pytestmark = [pytest.mark.ray, pytest.mark.xdist_group("ray")]


@pytest.fixture(autouse=True)
def _scratch(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ray's own files go to a place of their own; its sockets need a short path."""
    folder = Path(f"/tmp/roundel-ray-{os.getpid()}")  # noqa: S108
    monkeypatch.setenv("RAY_TMPDIR", str(folder))
    folder.mkdir(exist_ok=True)
    yield
    shutil.rmtree(folder, ignore_errors=True)


def start(plan: Plan) -> subprocess.Popen[str]:
    command = [*ROUNDEL, "batch", "run", str(plan.folder), "--engine", "ray", "--workers", "1", "--quiet"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_an_outcome(plan: Plan) -> None:
    until = time.monotonic() + 120
    while not list((plan.folder / "outcomes").rglob("*.json")):
        assert time.monotonic() < until, (plan.folder / "ray.log").read_text()[-2000:]
        time.sleep(0.1)


def kill_below(pid: int, name: str) -> int:
    chosen = [child for child, command in descendants(pid).items() if name in command]
    for child in chosen:
        os.kill(child, signal.SIGKILL)
    return len(chosen)


def test_an_actor_that_is_killed_costs_nothing_and_the_bytes_are_the_same(
    archive: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    plan = plan_for(tmp_path / "plan", archive, tmp_path / "case")
    run = start(plan)
    wait_for_an_outcome(plan)
    assert kill_below(run.pid, "ray::MapWorker") == 1
    out, err = run.communicate(timeout=180)
    assert run.returncode == 1, err
    assert "8 inputs: 6 done, 2 failed, 0 left" in out
    assert err == ""
    assert digests(tmp_path / "case") == undisturbed
    assert not list(cases.problems(tmp_path / "case"))


def test_a_node_that_is_killed_ends_the_run_with_one_line_and_the_next_run_goes_on(
    archive: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    plan = plan_for(tmp_path / "plan", archive, tmp_path / "case")
    run = start(plan)
    wait_for_an_outcome(plan)
    assert kill_below(run.pid, "raylet/raylet") == 1
    out, err = run.communicate(timeout=180)
    assert (run.returncode, out) == (130, "")
    assert err.startswith("Error: the Ray cluster failed (see ")
    assert err.count("\n") == 1
    again = roundel("batch", "run", plan.folder, "--quiet")
    assert again.returncode == 1, again.stderr
    assert digests(tmp_path / "case") == undisturbed


def test_versions_that_differ_are_said_by_the_actor(archive: Path, tmp_path: Path) -> None:
    plan = plan_for(tmp_path / "plan", archive, tmp_path / "case")
    (plan.folder / "made-with.json").write_text('{"tool_version": "0.0.1"}')
    run = start(plan)
    _, err = run.communicate(timeout=180)
    assert run.returncode == 2, err
    assert "this plan was begun with other versions" in err
    assert err.count("Error:") == 1
