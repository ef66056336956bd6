"""Copies of a plan on several machines whose results go to one address: one run at a time for each part."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import pytest

from batch.fakes import forget_memory, small_plan
from roundel.batch import lease as leases
from roundel.batch import run as runs
from roundel.batch.deadline import Deadline
from roundel.batch.lease import Lease
from roundel.batch.plan import Plan
from roundel.batch.store import RemoteStore
from roundel.errors import UsageError
from small_case import SMALL, SOURCE

MakeClip = Callable[..., Path]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Twenty times as fast as the real thing."""
    for name in ("BEAT_SECONDS", "LOOK_SECONDS"):
        monkeypatch.setattr(leases, name, getattr(leases, name) / 20)
    forget_memory()
    yield
    forget_memory()


@pytest.fixture
def copies(make_clip: MakeClip, tmp_path: Path) -> list[Plan]:
    """Three copies of a plan, as on three machines."""
    plan = small_plan(tmp_path / "plan", "memory://results", make_clip("lease.mp4", SOURCE, *SMALL))
    for number in (1, 2):
        shutil.copytree(plan.folder, tmp_path / f"copy-{number}")
    return [plan, *(replace(plan, folder=tmp_path / f"copy-{number}") for number in (1, 2))]


def watch_seconds() -> float:
    return leases.MOST_SILENT_LOOKS * leases.LOOK_SECONDS


def claimed(
    plan: Plan,
    shard: str | None = None,
    deadline: Deadline | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> AbstractContextManager[None]:
    return runs.claimed(plan, shard, deadline or Deadline(), tell)


def on_record(plan: Plan) -> list[Lease]:
    return [Lease.model_validate_json(content) for content in RemoteStore(plan).contents(leases.LEASES)]


def wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.01)


def leave_behind(plan: Plan, **facts: Any) -> Lease:
    """What a run that was killed on another machine leaves."""
    lease = Lease(**{"id": "0" * 32, "part": "", "lock": "elsewhere:1", "who": "process 7 on elsewhere", **facts})
    RemoteStore(plan).write(lease.name, lease.model_dump_json())
    return lease


@pytest.mark.parametrize(("first", "second"), [(None, None), (None, "1/2"), ("1/2", None), ("1/2", "01/2")])
def test_who_comes_later_to_the_same_part_is_refused(first: str | None, second: str | None, copies: list[Plan]) -> None:
    with claimed(copies[0], first):
        time.sleep(1.5 * watch_seconds())
        part = "shard 1/2" if first else "this plan"
        says = rf"copy-1: another run works on {part} \(process \d+ on .+\), with results at the same address; wait"
        with pytest.raises(UsageError, match=says):
            claimed(copies[1], second).__enter__()
        assert [lease.is_held for lease in on_record(copies[0])] == [True]
    assert on_record(copies[0]) == []
    with claimed(copies[1], second):
        pass


def test_other_parts_do_not_disturb_each_other(copies: list[Plan]) -> None:
    begun = time.monotonic()
    with claimed(copies[0], "1/3"), claimed(copies[1], "2/3"), claimed(copies[2], "3/3", None, pytest.fail):
        assert time.monotonic() - begun < watch_seconds(), "nobody waited"
        assert sorted(lease.part for lease in on_record(copies[0])) == ["1/3", "2/3", "3/3"]


@pytest.mark.parametrize("is_held", [True, False])
def test_a_run_of_which_nothing_is_heard_has_ended(is_held: bool, copies: list[Plan]) -> None:
    leave_behind(copies[0], is_held=is_held)
    begun, told = time.monotonic(), list[str]()
    with claimed(copies[0], None, None, told.append):
        says = "process 7 on elsewhere may be at work on it; waiting until that is clear"
        assert told == [f"{copies[0].folder}: {says}"]
        assert time.monotonic() - begun > watch_seconds()
        assert [lease.id for lease in on_record(copies[0])] != ["0" * 32]


def test_one_that_was_killed_in_this_folder_holds_nobody_up(copies: list[Plan]) -> None:
    """The lock of the folder says that it has ended."""
    with claimed(copies[0]):
        (mine,) = on_record(copies[0])
    leave_behind(copies[0], is_held=True, lock=mine.lock)
    begun = time.monotonic()
    with claimed(copies[0]):
        assert time.monotonic() - begun < watch_seconds()


def test_of_those_that_come_together_one_goes_on(copies: list[Plan]) -> None:
    for _ in range(3):
        start, over, outcomes = threading.Barrier(len(copies)), threading.Event(), list[str]()

        def come(plan: Plan) -> None:
            start.wait()  # noqa: B023
            try:
                with claimed(plan):
                    outcomes.append("held")  # noqa: B023
                    over.wait(60)  # noqa: B023
            except UsageError:
                outcomes.append("refused")  # noqa: B023

        threads = [threading.Thread(target=come, args=(plan,)) for plan in copies]
        for thread in threads:
            thread.start()
        wait_for(lambda: len(outcomes) == len(copies))  # noqa: B023
        over.set()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["held", "refused", "refused"]


def test_a_run_that_another_has_taken_for_ended_stops_and_says_so(
    copies: list[Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its machine is frozen for a while, in the middle of saying that it is alive."""
    deadline, told, frozen = Deadline(), list[str](), threading.Event()
    real = leases._Keeper.say

    def say(keeper: leases._Keeper, **news: bool) -> None:
        if keeper.plan == copies[0] and not news:
            frozen.wait()
        real(keeper, **news)

    with claimed(copies[0], None, deadline, told.append):
        monkeypatch.setattr(leases._Keeper, "say", say)
        with claimed(copies[1]):
            assert not deadline.passed()
            frozen.set()
            wait_for(deadline.passed)
            assert not deadline.asked, "the first signal is still the first"
            wait_for(lambda: told)
            assert told[0].startswith(f"{copies[0].folder}: this machine was not heard of at memory://results for a")
            with pytest.raises(UsageError, match="another run works on this plan"):
                claimed(copies[2]).__enter__()
    assert on_record(copies[0]) == []


def test_a_holder_that_is_seldom_looked_at_is_not_taken_for_ended(
    copies: list[Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine of who comes later is slow."""
    deadline = Deadline()
    with claimed(copies[0], None, deadline, pytest.fail):
        monkeypatch.setattr(leases, "LOOK_SECONDS", 2 * watch_seconds())
        with pytest.raises(UsageError, match="another run works on this plan"):
            claimed(copies[1]).__enter__()
    assert not deadline.passed()


def test_nothing_need_be_deleted(copies: list[Plan], monkeypatch: pytest.MonkeyPatch) -> None:
    """Who keeps evidence may not be allowed to."""

    def refuse(*_: Any) -> None:
        raise PermissionError("Access Denied")

    monkeypatch.setattr(fsspec.filesystem("memory"), "rm_file", refuse)
    for _ in range(2):
        with claimed(copies[0], None, None, pytest.fail):
            pass
    leave_behind(copies[0], is_held=True)
    for waits in (True, False):
        begun = time.monotonic()
        with claimed(copies[1]):
            assert (time.monotonic() - begun > watch_seconds()) == waits


def test_an_address_that_is_away_for_a_while_costs_nothing(copies: list[Plan], monkeypatch: pytest.MonkeyPatch) -> None:
    deadline, failed = Deadline(), list[str]()

    def away(place: str, *_: Any, **__: Any) -> None:
        failed.append(place)
        raise ConnectionError("no route to host")

    with claimed(copies[0], None, deadline):
        before = on_record(copies[0])[0].beats
        with monkeypatch.context() as patch:
            patch.setattr(fsspec.filesystem("memory"), "pipe_file", away)
            patch.setattr(fsspec.filesystem("memory"), "cat_file", away)
            wait_for(lambda: len(failed) >= 3)
        wait_for(lambda: on_record(copies[0])[0].beats > before)
    assert not deadline.asked


def test_noise_in_the_place_of_a_lease_counts_as_none(copies: list[Plan]) -> None:
    RemoteStore(copies[0]).write(f"{leases.LEASES}/x.json", "{")
    odd = Lease.model_construct(id="../../../x", part="", lock="", who="", beats=0, is_over=False, is_held=True)
    RemoteStore(copies[0]).write(f"{leases.LEASES}/y.json", odd.model_dump_json())
    with claimed(copies[0], None, None, pytest.fail):
        pass
