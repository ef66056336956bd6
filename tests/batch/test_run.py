"""Who may work on which part of a plan at the same time, what is missing, and a case or a plan that was moved."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from batch.fakes import analyse_once, forget_memory, in_process, small_plan, use_fakes, work
from roundel import case as cases
from roundel import custody, package
from roundel.batch import plan as plans
from roundel.batch import pool
from roundel.batch import run as runs
from roundel.batch.deadline import Deadline
from roundel.batch.merge import merge
from roundel.batch.outcome import KILLED, MOST_TRIES, Outcome, outcome_of
from roundel.batch.plan import Item, Plan
from roundel.batch.pool import Shape
from roundel.batch.records import outcomes, record, recorded
from roundel.batch.store import TargetError, open_store
from roundel.errors import UsageError
from small_case import OTHER_SOURCE, SETTINGS, SMALL, SOURCE, tree_of

MakeClip = Callable[..., Path]


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    use_fakes(monkeypatch)
    monkeypatch.setattr(runs, "run_pool", in_process)
    analyse_once(monkeypatch)
    forget_memory()
    yield
    forget_memory()


@pytest.fixture
def inputs(make_clip: MakeClip, tmp_path: Path) -> list[Path]:
    clips = make_clip("run-one.mp4", SOURCE, *SMALL), make_clip("run-two.mp4", OTHER_SOURCE, *SMALL)
    return [Path(shutil.copyfile(clip, tmp_path / clip.name)) for clip in clips]


@pytest.fixture
def plan(inputs: list[Path], tmp_path: Path) -> Plan:
    return small_plan(tmp_path / "plan", tmp_path / "case", *inputs)


def claimed(plan: Plan, shard: str | None) -> AbstractContextManager[None]:
    return runs.claimed(plan, shard, Deadline(), pytest.fail)


def refused(says: str) -> AbstractContextManager[pytest.ExceptionInfo[UsageError]]:
    return pytest.raises(UsageError, match=says)


# Who may work


def test_a_whole_run_stands_alone(plan: Plan) -> None:
    with claimed(plan, None):
        with refused(rf"plan: another run works on this plan; wait for it or stop it \(process {os.getpid()} on "):
            claimed(plan, None).__enter__()
        with refused(r"plan: a run of the whole of this plan is at work; wait for it or stop it \(process "):
            claimed(plan, "1/2").__enter__()
    with (
        claimed(plan, "1/2"),
        refused("plan: a shard of this plan is at work; wait for it or stop it"),
    ):
        claimed(plan, None).__enter__()
    with claimed(plan, None):
        pass


@pytest.mark.parametrize("same", ["2/2", "02/02", "2/002"])
def test_each_shard_is_worked_on_once(same: str, plan: Plan) -> None:
    with (
        claimed(plan, "1/2"),
        claimed(plan, "2/2"),
        refused("another run works on shard"),
    ):
        claimed(plan, same).__enter__()


@pytest.mark.parametrize("shard", ["x", "3/2", "../../x/2", "0/0"])
def test_no_shard_leaves_no_trace(shard: str, plan: Plan, tmp_path: Path) -> None:
    before = tree_of(tmp_path)
    with refused("give a number and how many there are"):
        claimed(plan, shard).__enter__()
    assert tree_of(tmp_path) == before


def test_locks_are_gone_afterwards(plan: Plan, tmp_path: Path) -> None:
    with claimed(plan, "1/2"), claimed(plan, "2/2"):
        assert (tmp_path / "case" / cases.LOCK).exists()
    names = {path.name for folder in (plan.folder, tmp_path / "case") for path in folder.iterdir()}
    assert not [name for name in names if "lock" in name]


def test_shards_that_start_and_end_at_any_moment_never_refuse_each_other(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an array job starts them: all at once, in a case with so many folders that clearing it takes a while."""
    real = package.remove_left_overs

    def slowly(videos: Path) -> None:
        real(videos)
        time.sleep(0.02)

    monkeypatch.setattr(package, "remove_left_overs", slowly)
    errors: list[Exception] = []
    start = threading.Barrier(8)

    def shard(number: int) -> None:
        start.wait()
        for _ in range(3):
            try:
                with claimed(plan, f"{number}/8"):
                    pass
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=shard, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert list(cases.problems(tmp_path / "case")) == []


def test_what_was_left_over_is_removed_before_and_after_a_run(plan: Plan, tmp_path: Path) -> None:
    left_over = tmp_path / "case" / "videos" / ("0" * 64) / f"{package.PARTIAL}x-host-1"
    cases.create(tmp_path / "case", SETTINGS)
    left_over.mkdir(parents=True)
    writer = package.PackageWriter(left_over.parent / "y")
    with claimed(plan, None):
        assert [path.name for path in left_over.parent.iterdir()] == [writer._folder.name]
        left_over.mkdir()
    assert [path.name for path in left_over.parent.iterdir()] == [writer._folder.name]
    writer.discard()


def test_a_package_that_is_begun_while_left_overs_are_removed_is_written(tmp_path: Path) -> None:
    over = threading.Event()
    errors: list[Exception] = []

    def remove() -> None:
        while not over.is_set():
            try:
                package.remove_left_overs(tmp_path)
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=remove) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for number in range(300):
            writer = package.PackageWriter(tmp_path / "video" / f"analysis{number}")
            (writer._folder / package.EXHIBITS / "x.png").write_bytes(b"x")
            assert (writer._folder / package.DETECTIONS).is_file()
            writer.discard()
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert errors == []


@pytest.mark.parametrize("others", [0, 1])
def test_who_removes_a_left_over_late_does_not_take_what_was_begun_in_its_place(
    others: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shards remove left-overs when they start, each of them; one is slow, and a worker begins meanwhile."""
    target = tmp_path / "video" / "analysis"
    writer = package.PackageWriter(target)
    left_over = writer._folder
    kept = Path(shutil.copytree(left_over, tmp_path / "kept"))
    writer.discard()
    kept.rename(left_over)
    locked, go, real = threading.Event(), threading.Event(), fcntl.flock

    def lock(stream: object, how: int) -> None:
        real(stream, how)  # type: ignore[arg-type]
        if how == fcntl.LOCK_SH | fcntl.LOCK_NB and not locked.is_set():
            locked.set()
            go.wait()

    monkeypatch.setattr(fcntl, "flock", lock)
    threads = [threading.Thread(target=package.remove_left_overs, args=(tmp_path,)) for _ in range(1 + others)]
    threads[0].start()
    locked.wait()
    for thread in threads[1:]:
        thread.start()
        thread.join(0.2)
    writer = package.PackageWriter(target)
    go.set()
    for thread in threads:
        thread.join()
    assert (writer._folder / package.DETECTIONS).is_file()
    writer.discard()


# What is missing


def test_only_what_has_no_whole_package_is_missing(plan: Plan, tmp_path: Path) -> None:
    cases.create(tmp_path / "case", SETTINGS)
    store = open_store(plan)
    assert runs.missing(plan, store) == plan.work
    first, second = work(plan)
    assert runs.missing(plan, store) == ()
    (tmp_path / "case" / str(first.package) / package.README).write_text("changed")
    assert [item.id for item in runs.missing(plan, store)] == [first.id]
    shutil.rmtree(tmp_path / "case" / str(second.package))
    assert [item.id for item in runs.missing(plan, store)] == [first.id, second.id]
    for shard in ("1/2", "2/2"):
        assert set(runs.missing(plan, store, shard)) == set(plans.in_shard(plan.work, shard))


def test_what_has_ended_a_process_before_comes_last_and_has_a_process_for_itself(plan: Plan, tmp_path: Path) -> None:
    first, second = plan.work
    store = open_store(plan)
    record(store, outcome_of(first, status="left", tries=1))
    assert runs.missing(plan, store) == (second, first)
    assert runs.suspects_in(outcomes(store)) == {first.id}
    record(store, outcome_of(first, status="failed", kind=KILLED))
    assert runs.suspects_in(outcomes(store)) == {first.id}
    three = (first, second, replace(second, id="f" * 16))
    engine = pool._Pool(plan, Shape(1, 1, videos_at_once=2), runs.suspects_in(outcomes(store)))
    member = pool._Member(None, None, None)  # type: ignore[arg-type]
    assert not engine._may_take(member, second), "it is not ready"
    member.ready = True
    for hands, may in (((), three), (three[:1], ()), (three[1:2], three[1:]), (three[1:], ())):
        member.hands = {item.id: item for item in hands}
        assert tuple(item for item in three if engine._may_take(member, item)) == may


def test_a_result_whose_process_ended_before_it_could_say_so_is_the_result(plan: Plan) -> None:
    store, item, waiting = open_store(plan), plan.work[0], deque[Item]()
    engine = pool._Pool(plan, Shape(1), frozenset())
    process = SimpleNamespace(join=lambda _: None, exitcode=-9)

    def bury() -> list[Outcome]:
        member = pool._Member(process, SimpleNamespace(close=lambda: None), None, {item.id: item}, ready=True)
        engine._members.append(member)
        return list(engine._bury(member, waiting))

    for status in ("done", "failed"):
        record(store, result := outcome_of(item, status=status, run=engine._run))
        assert bury() == [result]
        assert outcomes(store) == {item.id: result}
    record(store, outcome_of(item, status="left", tries=MOST_TRIES, run=engine._run, notes={"a": 1}))
    assert [bury() for _ in range(MOST_TRIES - 1)] == [[]] * (MOST_TRIES - 1)
    assert list(waiting) == [item] * (MOST_TRIES - 1)
    (given_up,) = bury()
    assert (given_up.kind, given_up.notes, outcomes(store)) == (KILLED, {"a": 1}, {item.id: given_up})


def test_a_full_disk_when_an_item_is_given_up_is_said_as_that(plan: Plan) -> None:
    item = plan.work[0]
    engine = pool._Pool(plan, Shape(1), frozenset())
    engine._tries[item.id] = MOST_TRIES - 1
    process = SimpleNamespace(join=lambda _: None, exitcode=-9)
    member = pool._Member(process, SimpleNamespace(close=lambda: None), None, {item.id: item}, ready=True)
    engine._members.append(member)
    (plan.folder / "outcomes").write_text("in the way")
    with pytest.raises(TargetError, match="what is finished stays"):
        list(engine._bury(member, deque()))


def test_what_a_run_drops_at_its_end_was_no_try(plan: Plan) -> None:
    """One was begun; the other lay in the hands of its process and keeps the tries of an earlier run."""
    store = open_store(plan)
    engine = pool._Pool(plan, Shape(1, 1, videos_at_once=2), frozenset())
    for item, run in zip(plan.work, (engine._run, "earlier"), strict=True):
        record(store, outcome_of(item, status="left", tries=2, run=run))
    process = SimpleNamespace(pid=None, join=lambda _: None, is_alive=lambda: False)
    pipe = SimpleNamespace(send=lambda _: None, close=lambda: None)
    member = pool._Member(process, pipe, None)  # type: ignore[arg-type]
    member.hands = {item.id: item for item in plan.work}
    engine._members.append(member)
    engine.end()
    assert [recorded(store, item.id).tries for item in plan.work] == [1, 2]


def test_a_run_does_what_is_missing_and_stops_in_time(plan: Plan, tmp_path: Path) -> None:
    cases.create(tmp_path / "case", SETTINGS)
    deadline = Deadline()
    found = []
    for outcome in runs.run(plan, plan.work, "local", 1, deadline):
        found.append(outcome)
        deadline.asked = True
    assert len(found) == 1
    assert deadline.slowest_seconds == found[0].work_seconds
    left = runs.missing(plan, open_store(plan))
    assert [item.id for item in left] == [plan.work[1].id]
    assert len(list(runs.run(plan, left, "local", 1, Deadline()))) == 1
    assert runs.missing(plan, open_store(plan)) == ()
    assert list(runs.run(plan, (), "ray", 1, Deadline())) == [], "nothing starts for nothing"


def test_an_input_whose_processes_always_end_is_on_record_as_failed_and_tried_again_by_the_next_run(
    plan: Plan, tmp_path: Path
) -> None:
    cases.create(tmp_path / "case", SETTINGS)
    item, waiting = plan.work[0], deque[Item]()
    engine = pool._Pool(plan, Shape(1), frozenset())
    for number in range(1, pool.MOST_TRIES + 1):
        member = pool._Member(
            SimpleNamespace(join=lambda _: None, exitcode=-9), SimpleNamespace(close=lambda: None), None
        )
        member.hands, member.ready = {item.id: item}, True
        engine._members.append(member)
        found = list(engine._bury(member, waiting))
        assert engine._suspects == {item.id}
        assert (list(waiting), engine._members) == ([item] if number < pool.MOST_TRIES else [], [])
        waiting.clear()
    assert outcomes(open_store(plan)) == {item.id: found[0]}
    assert "was ended by SIGKILL, 3 times; is there enough memory?" in found[0].message
    assert item in runs.missing(plan, open_store(plan))
    assert [event.event for event in custody.read(merge(plan).case)][-1] == "failed"
    work(plan, [item])
    assert merge(plan).packages == 1


@pytest.mark.parametrize(("asked", "processes"), [(1, 1), (3, 3), (1000, 1000)])
def test_each_process_gets_a_thread_at_least(asked: int, processes: int) -> None:
    shape = runs.shape_for(asked)
    assert shape.processes == processes
    assert shape.threads is not None
    assert shape.threads >= 1


def test_as_many_processes_as_memory_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "available_threads", lambda: 64)
    assert 1 <= runs.workers_for(None) <= 64
    monkeypatch.setattr(runs, "WORKER_BYTES", 1 << 60)
    assert runs.workers_for(None) == 1


# Moved


def test_a_plan_that_was_moved_goes_on(plan: Plan, tmp_path: Path) -> None:
    cases.create(tmp_path / "case", SETTINGS)
    work(plan, plan.work[:1])
    moved = plans.read(Path(shutil.move(plan.folder, tmp_path / "elsewhere")))
    with claimed(moved, None):
        left = runs.missing(moved, open_store(moved))
        assert [item.id for item in left] == [plan.work[1].id]
        work(moved, left)
    assert merge(moved).packages == 2
    assert list(cases.problems(tmp_path / "case")) == []


def test_a_case_that_was_moved_is_not_silently_made_anew(plan: Plan, tmp_path: Path) -> None:
    cases.create(tmp_path / "case", SETTINGS)
    work(plan)
    merge(plan)
    shutil.move(tmp_path / "case", tmp_path / "elsewhere")
    for act in (lambda: claimed(plan, None).__enter__(), lambda: merge(plan)):
        with refused(r"case: the case of this plan is gone with its results; move it back, or make a new plan"):
            act()
        assert not (tmp_path / "case").exists()
    shutil.move(tmp_path / "elsewhere", tmp_path / "case")
    assert merge(plan).events == 0
    assert len(outcomes(open_store(plan))) == 2
