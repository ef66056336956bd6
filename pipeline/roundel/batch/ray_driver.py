"""The process that talks to Ray, and what Ray's worker processes run.

A cluster takes longer to start than anything that Roundel does before its first input: this module loads nothing that
is not needed for the start, and what the analysis needs is loaded in the actors alone.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from roundel.batch.parent import END_SECONDS, end_with_parent
from roundel.errors import RoundelError
from roundel.quiet import hush

if TYPE_CHECKING:
    from roundel.batch.worker import Worker

ADDRESS = "RAY_ADDRESS"
"""Names a cluster; without it a new one on this machine does the work."""
KNOCK_SECONDS = 15.0
TURNS = 32
"""So many times each actor takes items, at least: the last ones are spread evenly."""
MOST_IN_HAND = 16
"""Items that an actor takes at once: handing them over costs Ray some ten milliseconds."""
OBJECT_STORE_BYTES = 128 * 1024**2
"""Enough for addresses and outcomes; Ray would take 30 % of the memory."""


@dataclass(frozen=True, slots=True)
class Job:
    """What the driver is told."""

    facts: dict[str, Any]
    """The plan, as :func:`~roundel.batch.worker.plan_from` reads it."""
    run: str
    """Name of the run: the store is asked under it whether to stop."""
    items: tuple[str, ...]
    """Items as JSON."""
    log: str
    actors: int | None
    """As many as the cluster has room for, if ``None``."""
    cpus: int
    """Processors of this machine, for a cluster of its own."""
    actor_bytes: int
    gpus: float
    """Share of a GPU for each actor."""
    ends_at: float | None
    """When to stop, by the clock of the day: it is the same on all nodes."""


class Actor:
    """One copy of the models in a Ray worker process."""

    def __init__(self, facts: dict[str, Any], run: str, threads: int, ends_at: float | None) -> None:
        hush()
        import ray

        from roundel.batch.worker import Worker, plan_from

        self._name = ray.get_runtime_context().get_actor_id()  # stays the same when Ray starts the actor again
        self._ends_at, self._slowest = ends_at, 0.0
        self._stopped, self._failure = False, ""
        try:
            self._worker: Worker | None = Worker(plan_from(facts), threads, run)
        except RoundelError as error:  # an actor that cannot start would be started again for ever
            self._worker, self._failure = None, str(error)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """A batch of items (columns as in :class:`~roundel.batch.plan.Item`) gives a batch of outcomes as JSON."""
        return {"answer": [self._answer(text) for text in batch["item"]]}

    def _answer(self, text: str) -> str:
        from roundel.batch.plan import Item
        from roundel.batch.store import TargetError

        if self._failure or self._worker is None:
            return f"error {self._failure}"
        try:
            self._stopped = self._stopped or self._is_late() or self._worker.is_stopped()
            if self._stopped:
                return f"left {self._name}"
            outcome = self._worker.process(Item(**json.loads(text)))
        except TargetError as error:
            self._failure = str(error)
            return f"error {self._failure}"
        self._slowest = max(self._slowest, outcome.work_seconds)
        return f"outcome {outcome.model_dump_json()}"

    def _is_late(self) -> bool:
        return self._ends_at is not None and time.time() + self._slowest >= self._ends_at


def drive(pipe: Connection, job: Job) -> None:
    """Main function of the process: answers of the actors go into the pipe, then ``end``, or ``error`` and why.

    After that it ends the cluster that it began, or itself if that takes too long. As with the workers of a pool, the
    parent decides what follows from SIGINT and SIGTERM, and sends SIGUSR1 if work is to be dropped.
    """
    _leave_signals_to_the_parent()
    threading.Thread(target=end_with_parent, daemon=True).start()
    with Path(job.log).open("ab", buffering=0) as stream:
        for descriptor in (1, 2):
            os.dup2(stream.fileno(), descriptor)
    hush()
    import ray

    loading = threading.Thread(target=importlib.import_module, args=("ray.data",))
    loading.start()
    own: dict[str, Any] = {}
    if not os.environ.get(ADDRESS):
        os.environ.setdefault("RAY_worker_niceness", "0")  # Ray's 15 would let any other program go first
        own = {"address": "local", "include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
        own["num_cpus"] = job.cpus
    try:
        _knock()
        ray.init(log_to_driver=False, **own)
        _leave_signals_to_the_parent()  # Ray has set handlers of its own
    except Exception as error:
        pipe.send(f"error {_no_start(error, job.log)}")
        return
    loading.join()
    try:
        nodes = [Node.of(node["Resources"]) for node in ray.nodes() if node["Alive"]]
        actors, threads = spread(nodes, job)
        if not actors:
            pipe.send(f"error {_no_room(nodes, job)}")
            return
        for answer in _until_all_stopped(_answers(job, actors, threads), actors):
            pipe.send(answer)
            if answer.startswith("error "):
                break
        else:
            pipe.send("end ")
    finally:
        too_long = threading.Timer(END_SECONDS, os._exit, (0,))
        too_long.daemon = True
        too_long.start()
        ray.shutdown()


def _leave_signals_to_the_parent() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, lambda *_: sys.exit(1))


def _knock() -> None:
    """Ray would try for a quarter of an hour to reach a cluster that is not there.

    Raises:
        OSError: if nobody answers at the address.
        ValueError: if it is none.
    """
    address = os.environ.get(ADDRESS, "")
    place = urlsplit(address if "://" in address else f"//{address}")
    if place.hostname and place.port:  # there are none in "auto"
        socket.create_connection((place.hostname, place.port), KNOCK_SECONDS).close()


def _no_start(error: Exception, log: str) -> str:
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    reason = " ".join(said.split()).rstrip(".") or type(error).__name__
    if address := os.environ.get(ADDRESS):
        return (
            f"{address}: cannot be used as a Ray cluster: {reason}; check {ADDRESS}, and that the cluster runs with "
            f"the same versions of Ray and Python and the same RAY_AUTH_MODE; more is in {log}"
        )
    return f"a Ray cluster cannot be started on this machine: {reason}; use --engine local; more is in {log}"


def _no_room(nodes: Sequence[Node], job: Job) -> str:
    largest = max((node.cpus for node in nodes), default=0), max((node.gpus for node in nodes), default=0)
    wanted = f"a processor and {job.gpus:g} of a GPU" if job.gpus else "a processor"
    return (
        f"no machine of the Ray cluster has {wanted} for a worker (the most on one are {largest[0]} processors and "
        f"{largest[1]:g} GPUs); start such a machine first, or change --gpus-per-worker"
    )


@dataclass(frozen=True, slots=True)
class Node:
    """What a machine of the cluster offers."""

    cpus: int
    gpus: float
    memory_bytes: float

    @classmethod
    def of(cls, resources: Mapping[str, float]) -> Node:
        """As Ray names it."""
        return cls(int(resources.get("CPU", 0)), resources.get("GPU", 0.0), resources.get("memory", 0.0))

    def room(self, threads: int, gpus: float, actor_bytes: int = 0) -> int:
        """So many actors it can take at once. A share below 1 is one of a single GPU; Ray gives no parts of several.

        >>> Node(16, 2, 0).room(2, 0.4), Node(16, 2, 0).room(2, 2), Node(16, 2, 64).room(2, 0, 16)
        (4, 1, 4)
        """
        room = self.cpus // threads
        if gpus:
            room = min(room, int(self.gpus * int(1 / gpus) if gpus <= 1 else self.gpus // gpus))
        return min(room, int(self.memory_bytes / actor_bytes)) if actor_bytes else room


def spread(nodes: Sequence[Node], job: Job) -> tuple[int, int]:
    """How many actors, and processors for each: all of them, if they can be shared out evenly.

    More actors than there is room for may be asked for: those that fit do the work. None at all, if not even
    one fits.
    """
    room = sum(node.room(1, job.gpus) for node in nodes)
    fitting = max(1, sum(node.room(1, job.gpus, job.actor_bytes) for node in nodes))
    actors = min(fitting if job.actors is None else job.actors, len(job.items)) if room else 0
    threads = 1
    while actors and sum(node.room(threads + 1, job.gpus) for node in nodes) >= actors:
        threads += 1
    return actors, threads


def _until_all_stopped(answers: Iterator[str], actors: int) -> Iterator[str]:
    """Answers without those that something is left; once that came from every actor, none works any more.

    One that was started again in between counts once: its name is the same.
    """
    stopped = set()
    for answer in answers:
        kind, _, who = answer.partition(" ")
        if kind != "left":
            yield answer
            continue
        stopped.add(who)
        if len(stopped) >= actors:
            return


def _answers(job: Job, actors: int, threads: int) -> Iterator[str]:
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = False
    data = ray.data.from_items(
        [{"item": item} for item in job.items], override_num_blocks=blocks(len(job.items), actors)
    ).map_batches(
        Actor,
        fn_constructor_args=(job.facts, job.run, threads, job.ends_at),
        compute=ray.data.ActorPoolStrategy(size=actors),
        batch_size=1,
        num_cpus=threads,
        num_gpus=job.gpus,
    )
    for row in data.iter_rows():
        yield row["answer"]


def blocks(items: int, actors: int) -> int:
    """How many portions the items come in.

    >>> blocks(8, 2), blocks(500, 2), blocks(100_000, 2)
    (8, 72, 6250)
    """
    in_hand = max(1, min(MOST_IN_HAND, items // (actors * TURNS)))
    return -(-items // in_hand)
