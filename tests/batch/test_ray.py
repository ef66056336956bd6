"""Ray Data as the engine, on a cluster of this machine alone."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from batch.archives import ROUNDEL, digests, plan_for, roundel
from chaos import descendants
from roundel import case as cases
from roundel.batch.deadline import Deadline
from roundel.batch.outcome import KILLED, MOST_TRIES, outcome_of
from roundel.batch.plan import Plan
from roundel.batch.ray_driver import Job, Node, _until_all_stopped, spread
from roundel.batch.ray_engine import _Request
from roundel.batch.records import is_stopped, outcomes, record
from roundel.batch.status import status_of
from roundel.batch.store import open_store

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


def start(plan: Plan, *options: str) -> subprocess.Popen[str]:
    command = [*ROUNDEL, "batch", "run", str(plan.folder), "--engine", "ray", "--workers", "1", "--quiet", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_an_outcome(plan: Plan) -> None:
    until = time.monotonic() + 120
    while all(outcome.status == "left" for outcome in outcomes(open_store(plan)).values()):
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


def test_answers_end_when_every_actor_has_stopped() -> None:
    answers = ["outcome 1", "left a", "left a", "outcome 2", "left b", "outcome 3"]
    assert list(_until_all_stopped(iter(answers), 2)) == ["outcome 1", "outcome 2"]
    assert list(_until_all_stopped(iter(answers), 3)) == ["outcome 1", "outcome 2", "outcome 3"]


def test_a_request_to_stop_is_met_when_nothing_is_under_way(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There may be no actor that could say so. A disk that is full for a while delays the request, no more."""
    plan, deadline = plan_for(tmp_path / "plan", archive, tmp_path / "case"), Deadline()
    store, item = open_store(plan), plan.items[0]
    request = _Request(plan, "a", deadline, patience=0.0)
    assert not request.is_met(heard=False)
    deadline.asked = True
    with monkeypatch.context() as patch:
        patch.setattr("roundel.batch.store.replace_text", refuse)
        assert not request.is_met(heard=False)
    assert not is_stopped(store, "a")
    record(store, outcome_of(item, status="left", tries=1, run="a"))
    assert not request.is_met(heard=False)
    assert is_stopped(store, "a")
    record(store, outcome_of(item, status="left", tries=1, run="b"))
    assert request.is_met(heard=False)
    assert not _Request(plan, "a", deadline, patience=60.0).is_met(heard=False)


def refuse(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_it_finishes_what_is_under_way(number: int, archive: Path, tmp_path: Path) -> None:
    """The signal comes to the run and to Ray's driver, as it does from a terminal."""
    plan = plan_for(tmp_path / "plan", archive, tmp_path / "case")
    run = start(plan)
    wait_for_an_outcome(plan)
    run.send_signal(number)
    for pid, command in descendants(run.pid).items():
        if "spawn_main" in command:
            os.kill(pid, number)
    out, err = run.communicate(timeout=180)
    assert run.returncode == 130, err
    assert "Stopping: what is under way is finished first. Once more to drop it." in err
    left = status_of(plan, found := outcomes(open_store(plan))).left
    assert 0 < left < len(plan.work)
    assert f"{left} left" in out
    assert all(outcome.status != "left" for outcome in found.values())


def test_an_item_whose_process_always_ends_is_given_up(
    archive: Path, make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    shutil.copy(archive / "clip-00000.mp4", folder / "b.mp4")
    fatal = make_clip("fatal.mp4", "testsrc2=size=160x120:rate=25", "-t", "300", "-preset", "ultrafast")
    shutil.copy(fatal, folder / "a.mp4")
    plan = plan_for(tmp_path / "plan", folder, tmp_path / "case")
    run, killed = start(plan), set[int]()
    while run.poll() is None:
        time.sleep(0.05)
        for pid, command in descendants(run.pid).items():
            if "ray::MapWorker" in command and any("a.mp4" in below for below in descendants(pid).values()):
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
    out, err = run.communicate()
    assert (run.returncode, err, len(killed)) == (1, "", MOST_TRIES)
    assert "2 inputs: 1 done, 1 failed, 0 left" in out
    assert f"  {KILLED}: 1" in out


def test_a_cluster_that_is_there_does_the_work_and_goes_on_afterwards(
    archive: Path, undisturbed: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    command = [sys.executable, "-c", "from ray.scripts.scripts import main; main()", "start", "--head", "--block"]
    command += [f"--port={address.rpartition(':')[2]}", "--num-cpus=2", "--include-dashboard=false"]
    command += ["--object-store-memory=134217728", f"--temp-dir={os.environ['RAY_TMPDIR']}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as head:
        try:
            monkeypatch.setenv("RAY_ADDRESS", address)
            until, out = time.monotonic() + 120, ""
            plan = plan_for(tmp_path / "plan", archive, tmp_path / "case")
            while "8 inputs: 6 done, 2 failed, 0 left" not in out:
                assert time.monotonic() < until
                out, err = start(plan).communicate(timeout=180)
                assert not err or "cannot be used as a Ray cluster" in err
            assert err == ""
            assert digests(tmp_path / "case") == undisturbed
            assert head.poll() is None
        finally:
            head.terminate()


def test_a_cluster_that_cannot_be_reached_is_said_as_that(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    plan = plan_for(tmp_path / "plan", archive, tmp_path / "case")
    run = start(plan)
    out, err = run.communicate(timeout=180)
    assert (run.returncode, out) == (2, "")
    assert err.startswith("Error: 127.0.0.1:9: cannot be used as a Ray cluster: ")
    assert err.count("\n") == 1
    assert "check RAY_ADDRESS" in err


def test_a_cluster_without_room_for_a_worker_is_said_as_that(archive: Path, tmp_path: Path) -> None:
    plan = plan_for(tmp_path / "plan", archive, tmp_path / "case")
    run = start(plan, "--gpus-per-worker", "500")
    out, err = run.communicate(timeout=180)
    assert (run.returncode, out) == (2, "")
    assert err.startswith(
        "Error: no machine of the Ray cluster has a processor and 500 of a GPU for a worker (the most on"
    )
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("nodes", "wanted", "gpus", "items", "expected"),
    [
        ([Node(2, 0, 8)], 2, 0, 500, (2, 1)),
        ([Node(2, 0, 8)], None, 0, 500, (2, 1)),
        ([Node(2, 0, 1.5)], None, 0, 500, (1, 2)),
        ([Node(2, 0, 0.5)], None, 0, 500, (1, 2)),
        ([Node(2, 0, 8)], 5, 0, 500, (5, 1)),
        ([Node(16, 0, 64), Node(8, 0, 64)], 3, 0, 500, (3, 8)),
        ([Node(16, 0, 64), Node(8, 0, 64)], None, 0, 3, (3, 8)),
        ([Node(16, 2, 64), Node(64, 0, 64)], None, 0.5, 500, (4, 4)),
        ([Node(16, 2, 64), Node(64, 0, 64)], None, 1, 500, (2, 8)),
        ([Node(16, 4, 64)], None, 2, 500, (2, 8)),
        ([Node(2, 4, 64)], None, 0.5, 500, (2, 1)),
        ([Node(16, 1, 64)], 1, 2, 500, (0, 1)),
        ([Node(0, 0, 64)], 1, 0, 500, (0, 1)),
        ([], None, 0, 500, (0, 1)),
    ],
)
def test_processors_and_gpus_of_a_cluster_are_shared_out_evenly(
    nodes: list[Node], wanted: int | None, gpus: float, items: int, expected: tuple[int, int]
) -> None:
    job = Job({}, "", ("{}",) * items, "", wanted, cpus=1, actor_bytes=1, gpus=gpus, ends_at=None)
    assert spread(nodes, job) == expected
