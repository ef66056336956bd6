"""Processes on this machine. One that ends, however it ends, costs the items in its hands one try and nothing else.

``concurrent.futures`` gives up a whole pool when one process is killed; here each process has a pipe of its own, so
that the others never notice. Whoever waits for a lock that a killed process held would wait for ever: there is none.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import uuid
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from roundel.batch.outcome import KILLED, MOST_TRIES, Outcome, outcome_of
from roundel.batch.parent import END_SECONDS, end_with_parent
from roundel.batch.plan import Item, Plan
from roundel.batch.records import record, recorded, take_back
from roundel.batch.store import TargetError, open_store
from roundel.batch.worker import Worker, facts_for_worker, plan_from
from roundel.errors import RoundelError
from roundel.quiet import hush

WORKER_BYTES = 1 << 30
"""Memory that one process is reckoned with: peak of an analysis, see benchmarks/batch.py."""
TICK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Shape:
    """How many processes, and what each may use: threads, videos at a time, a CUDA device."""

    processes: int
    threads: int = 1
    videos_at_once: int = 1
    devices: tuple[str, ...] = ()


@dataclass(slots=True)
class _Member:
    process: SpawnProcess
    pipe: Connection
    device: str | None
    hands: dict[str, Item] = field(default_factory=dict)
    ready: bool = False


def run_pool(
    plan: Plan, items: Sequence[Item], shape: Shape, stop: Callable[[], bool], suspects: Set[str] = frozenset()
) -> Generator[Outcome]:
    """Analyse items; yields each outcome as it comes.

    Args:
        plan: the plan.
        items: what is to be done.
        shape: the processes.
        stop: asked all the time; once it is true nothing new is begun, and what is under way is finished.
        suspects: ids of items that have ended a process before; such an item has a process for itself.

    Raises:
        RoundelError: if processes cannot start, or results cannot be kept.
    """
    pool = _Pool(plan, shape, suspects)
    try:
        yield from pool.work(items, stop)
    finally:
        pool.end()


class _Pool:
    def __init__(self, plan: Plan, shape: Shape, suspects: Set[str]) -> None:
        self._facts, self._shape, self._store = facts_for_worker(plan), shape, open_store(plan)
        self._spawn = multiprocessing.get_context("spawn")
        self._run = uuid.uuid4().hex
        self._tries: Counter[str] = Counter()
        self._suspects = set(suspects)
        self._members: list[_Member] = []
        self._false_starts = 0
        self._reason = ""

    def work(self, items: Sequence[Item], stop: Callable[[], bool]) -> Iterator[Outcome]:
        waiting = deque(items)
        while waiting or any(member.hands for member in self._members):
            stopping = stop()
            if stopping and not any(member.hands for member in self._members):
                return
            busy = sum(bool(member.hands) for member in self._members)
            while not stopping and len(self._members) < min(self._shape.processes, len(waiting) + busy):
                self._members.append(self._new_member())
            for member in self._members if not stopping else ():
                while waiting and self._may_take(member, waiting[0]):
                    self._hand_over(member, waiting.popleft())
            speaking = wait([member.pipe for member in self._members], TICK_SECONDS)
            for member in [member for member in self._members if member.pipe in speaking]:
                try:
                    kind, content = member.pipe.recv()
                except (EOFError, OSError):
                    yield from self._bury(member, waiting)
                    continue
                if kind == "ready":
                    member.ready, self._false_starts = True, 0
                elif kind == "false start":
                    self._reason = f" ({content})"
                elif kind == "outcome":
                    member.hands.pop(content.id, None)
                    yield content
                else:
                    raise content

    def _new_member(self) -> _Member:
        mine, theirs = self._spawn.Pipe()
        taken = Counter(member.device for member in self._members)
        device = min(self._shape.devices, key=lambda name: taken[name], default=None)
        process = self._spawn.Process(
            target=serve,
            args=(theirs, self._facts, self._run, self._shape.threads, self._shape.videos_at_once, device),
            name="roundel-worker",
            daemon=True,
        )
        process.start()
        theirs.close()
        return _Member(process, mine, device)

    def _may_take(self, member: _Member, item: Item) -> bool:
        if not member.ready or not member.hands:
            return member.ready
        return len(member.hands) < self._shape.videos_at_once and self._suspects.isdisjoint((item.id, *member.hands))

    def _hand_over(self, member: _Member, item: Item) -> None:
        member.hands[item.id] = item
        with contextlib.suppress(OSError):  # it has just ended: its pipe will say so
            member.pipe.send(item)

    def _bury(self, member: _Member, waiting: deque[Item]) -> Iterator[Outcome]:
        """A process has ended: its items get another try, but for those whose end is on record."""
        member.process.join(END_SECONDS)
        member.pipe.close()
        self._members.remove(member)
        how = _how_it_ended(member.process.exitcode)
        if not member.ready:
            self._false_starts += 1
            if self._false_starts > MOST_TRIES * self._shape.processes:
                raise RoundelError(
                    f"a process for the analysis {how} before it was ready{self._reason}, {self._false_starts} times "
                    "in a row; is there enough memory? run it with fewer workers, and see roundel doctor"
                )
        for item in member.hands.values():
            found = recorded(self._store, item.id)
            if found is not None and found.ended_in(self._run):
                yield found
                continue
            self._tries[item.id] += 1
            self._suspects.add(item.id)
            if self._tries[item.id] < MOST_TRIES:
                waiting.append(item)
                continue
            message = f"{item.source}: the process that analysed it {how}, {MOST_TRIES} times; is there enough memory?"
            outcome = outcome_of(item, status="failed", again=True, kind=KILLED, message=message, run=self._run)
            if found is not None:
                outcome = outcome.model_copy(update={"notes": found.notes})
            record(self._store, outcome)
            yield outcome

    def end(self) -> None:
        """End all processes, at once if they are still busy: what they drop then was no try."""
        for member in self._members:
            with contextlib.suppress(OSError):
                member.pipe.send(None)
            if member.hands and member.process.pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(member.process.pid, signal.SIGUSR1)
        for member in self._members:
            member.process.join(END_SECONDS)
            if member.process.is_alive():
                member.process.kill()
                member.process.join(END_SECONDS)
            member.pipe.close()
            for item_id in member.hands:
                with contextlib.suppress(TargetError):  # then the try counts
                    take_back(self._store, item_id, self._run)
        self._members.clear()


def _how_it_ended(code: int | None) -> str:
    """In words.

    >>> _how_it_ended(-9), _how_it_ended(1)
    ('was ended by SIGKILL', 'ended with status 1')
    """
    if code is not None and code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with status {code}"


def serve(
    pipe: Connection, facts: dict[str, Any], run: str, threads: int, videos_at_once: int, device: str | None
) -> None:
    """Main function of a worker process: items in, outcomes out, until ``None`` comes or the parent is gone.

    SIGINT and SIGTERM often reach a whole group of processes: the parent alone decides what follows from them, and
    sends SIGUSR1 if work is to be dropped.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, signal.default_int_handler)
    threading.Thread(target=end_with_parent, daemon=True).start()
    if device is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = device
    hush()
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError, EOFError):
        _serve(pipe, facts, run, threads, videos_at_once)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # nothing is left to be dropped


def _serve(pipe: Connection, facts: dict[str, Any], run: str, threads: int, videos_at_once: int) -> None:
    try:
        worker = Worker(plan_from(facts), threads, run)
    except RoundelError as error:
        pipe.send(("error", error))
        return
    except Exception as error:  # a program that was killed, no memory: another try may succeed
        pipe.send(("false start", f"{type(error).__name__}: {error}"))
        return
    pipe.send(("ready", None))
    if videos_at_once == 1:
        while (item := pipe.recv()) is not None:
            pipe.send(_attempt(worker, item))
    else:
        _serve_several(pipe, worker, videos_at_once)


def _serve_several(pipe: Connection, worker: Worker, videos_at_once: int) -> None:
    sending = threading.Lock()

    def attempt(item: Item) -> None:
        answer = _attempt(worker, item)
        with sending:
            pipe.send(answer)

    with ThreadPoolExecutor(videos_at_once, thread_name_prefix="video") as threads:
        while (item := pipe.recv()) is not None:
            threads.submit(attempt, item)


def _attempt(worker: Worker, item: Item) -> tuple[str, Outcome | TargetError]:
    try:
        return "outcome", worker.process(item)
    except TargetError as error:
        return "error", error
