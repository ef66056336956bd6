"""Real processes: what becomes of a batch when some of them are killed, or when it is asked to stop."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from batch.archives import ROUNDEL, digests, plan_for, roundel
from chaos import Disturbed, descendants, examine, kind_of, work_through
from roundel import case as cases
from roundel.batch.outcome import KILLED, MOST_TRIES, Outcome
from roundel.batch.plan import Plan
from roundel.batch.pool import Shape, _Pool, run_pool
from roundel.batch.records import outcome_name, outcomes
from roundel.batch.store import LocalStore
from roundel.batch.worker import Worker
from roundel.errors import RoundelError


@contextmanager
def running(plan: Plan, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A run in a process of its own, ended at the end in any case."""
    process = subprocess.Popen(
        [*ROUNDEL, "batch", "run", str(plan.folder), *options],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(condition: Callable[[], object], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.05)


def ended(plan: Plan) -> dict[str, Outcome]:
    return {item_id: found for item_id, found in outcomes(LocalStore(plan)).items() if found.status != "left"}


def workers_of(pid: int) -> list[int]:
    return [child for child, command in descendants(pid).items() if kind_of(command, "local") == "worker"]


def test_two_processes_make_the_same_bytes_as_one(archive: Path, undisturbed: dict[str, str], tmp_path: Path) -> None:
    plan_for(tmp_path / "plan", archive, tmp_path / "case")
    assert roundel("batch", "run", tmp_path / "plan", "--workers", "2", "--quiet").returncode == 1
    assert digests(tmp_path / "case") == undisturbed


def test_several_videos_at_once_in_one_process_make_the_same_bytes(
    archive: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    plan = plan_for(tmp_path / "plan", archive, tmp_path / "case")
    cases.create(tmp_path / "case", plan.config)
    shape = Shape(1, 2, videos_at_once=4, devices=("0",))
    found = list(run_pool(plan, plan.work, shape, lambda: False))
    assert len(found) == len(plan.work)
    assert len({outcome.worker for outcome in found if outcome.worker}) == 1
    assert digests(tmp_path / "case") == undisturbed


def test_a_batch_under_constant_kills_loses_and_duplicates_nothing(
    archive: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    plan = plan_for(tmp_path / "plan", archive, tmp_path / "case")
    report = Disturbed(seed=1)
    work_through(plan.folder, "local", report)
    examine(plan.folder, tmp_path / "case", undisturbed, report)
    assert not report.wrong
    assert report.killed


def test_workers_end_when_the_run_is_killed_and_the_next_run_goes_on(
    archive: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    plan = plan_for(tmp_path / "plan", archive, tmp_path / "case")
    with running(plan, "--workers", "2") as process:
        wait_for(lambda: any(outcome.package for outcome in ended(plan).values()))
        below = list(descendants(process.pid))
        assert below
        process.kill()
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in below), 20)
    kept = {
        plan.folder / outcome_name(item_id): (plan.folder / outcome_name(item_id)).stat().st_mtime_ns
        for item_id, outcome in ended(plan).items()
        if outcome.package is not None
    }
    assert kept
    assert roundel("batch", "run", plan.folder, "--quiet").returncode == 1
    assert digests(tmp_path / "case") == undisturbed
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_asked_to_stop_it_finishes_what_is_under_way_and_says_so(archive: Path, tmp_path: Path) -> None:
    plan = plan_for(tmp_path / "plan", archive, tmp_path / "case")
    with running(plan, "--workers", "1") as process:
        wait_for(lambda: ended(plan))
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopping: what is under way is finished first" in err
    assert "left. The same command goes on." in err
    assert 0 < len(ended(plan)) < 8
    assert "left" in out
    assert not list((tmp_path / "case" / "videos").glob("*/.partial-*"))


def test_nothing_is_begun_that_would_not_end_in_time(archive: Path, tmp_path: Path) -> None:
    plan = plan_for(tmp_path / "plan", archive, tmp_path / "case")
    done = roundel("batch", "run", plan.folder, "--time-limit", "0s")
    assert done.returncode == 130
    assert "8 inputs: 0 done, 0 failed, 8 left" in done.stdout
    assert not ended(plan)


@pytest.mark.parametrize("videos_at_once", [1, 2])
def test_an_item_whose_process_always_ends_is_given_up_and_the_others_go_on(
    videos_at_once: int, archive: Path, make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    shutil.copy(archive / "clip-00000.mp4", folder / "b.mp4")
    source = "testsrc2=size=160x120:rate=25"
    shutil.copy(make_clip("poison.mp4", source, "-t", "300", "-preset", "ultrafast"), folder / "a.mp4")
    plan = plan_for(tmp_path / "plan", folder, tmp_path / "case")
    over, killed = threading.Event(), set()

    def kill_those_at_the_long_one() -> None:
        while not over.wait(0.05):
            for pid in workers_of(os.getpid()):
                if any("a.mp4" in command and "ffmpeg" in command for command in descendants(pid).values()):
                    os.kill(pid, signal.SIGKILL)
                    killed.add(pid)

    shape = Shape(1, 1, videos_at_once)
    killer = threading.Thread(target=kill_those_at_the_long_one)
    killer.start()
    try:
        found = {item.name: item for item in run_pool(plan, plan.work, shape, lambda: False)}
    finally:
        over.set()
        killer.join()
    assert found["b.mp4"].status == "done"
    assert len(killed) == MOST_TRIES
    assert (found["a.mp4"].kind, found["a.mp4"].again, found["a.mp4"].package) == (KILLED, True, None)
    assert f"was ended by SIGKILL, {MOST_TRIES} times; is there enough memory?" in found["a.mp4"].message


@pytest.mark.parametrize("waiting", [1, 2, 3])
def test_no_more_processes_start_than_there_are_videos(
    waiting: int, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_for(tmp_path / "plan", archive, tmp_path / "case")
    cases.create(tmp_path / "case", plan.config)
    begun, real = list[object](), _Pool._new_member
    monkeypatch.setattr(_Pool, "_new_member", lambda pool: begun.append(pool) or real(pool))
    assert len(list(run_pool(plan, plan.work[:waiting], Shape(2), lambda: False))) == waiting
    assert len(begun) == min(waiting, 2)


def test_processes_that_cannot_start_end_the_run_with_the_reason(archive: Path, tmp_path: Path) -> None:
    plan = plan_for(tmp_path / "plan", archive, tmp_path / "case")
    Worker(plan)
    made_with = plan.folder / "made-with.json"
    made_with.write_text(json.dumps({**json.loads(made_with.read_text()), "tool_version": "0.0.1"}))
    with pytest.raises(RoundelError, match=r"begun with other versions .*tool_version: 0\.0\.1 there"):
        list(run_pool(plan, plan.work, Shape(1), lambda: False))
