"""Ray Data as an engine: addresses go through its queue, never pixels; an actor holds one copy of the models.

A failure of a video is a row. What Ray retries is only what concerns machines: an actor whose process ended is started
again and its rows are done again.
"""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from roundel.batch.deadline import Deadline
from roundel.batch.outcome import Outcome, outcome_of
from roundel.batch.plan import Item, Plan
from roundel.batch.pool import END_SECONDS, TICK_SECONDS, Shape, end_with_parent
from roundel.batch.worker import TargetError, Worker, facts_for_worker, plan_from
from roundel.errors import EXIT_INTERRUPTED, MissingProgramError, RoundelError
from roundel.quiet import hush

LOG = "ray.log"
TURNS = 32
"""So many times each actor takes items, at least: the last ones are spread evenly."""
MOST_IN_HAND = 16
"""Items that an actor takes at once: handing them over costs Ray some ten milliseconds."""
OBJECT_STORE_BYTES = 128 * 1024**2
"""Enough for addresses and outcomes; Ray would take 30 % of the memory."""


class ClusterError(RoundelError):
    """The cluster went away in the middle of a run."""

    exit_code = EXIT_INTERRUPTED


class Actor:
    """One copy of the models in a Ray worker process."""

    def __init__(self, facts: dict[str, Any], threads: int | None, ends_at: float | None) -> None:
        hush()
        self._ends_at, self._slowest = ends_at, 0.0
        self._failure = ""
        try:
            self._worker: Worker | None = Worker(plan_from(facts), threads)
        except RoundelError as error:  # an actor that cannot start would be started again for ever
            self._worker, self._failure = None, str(error)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """A batch of items (columns as in :class:`Item`) gives a batch of outcomes as JSON."""
        return {"answer": [self._answer(Item(**json.loads(text))) for text in batch["item"]]}

    def _answer(self, item: Item) -> str:
        if self._failure or self._worker is None:
            return f"error {self._failure}"
        if self._ends_at is not None and time.time() + self._slowest >= self._ends_at:
            return f"outcome {outcome_of(item, status='left', again=True).model_dump_json()}"
        try:
            outcome = self._worker.process(item)
        except TargetError as error:
            self._failure = str(error)
            return f"error {self._failure}"
        self._slowest = max(self._slowest, outcome.work_seconds)
        return f"outcome {outcome.model_dump_json()}"


def run_ray(plan: Plan, items: Sequence[Item], shape: Shape, deadline: Deadline, gpus: float) -> Generator[Outcome]:
    """Analyse items on a Ray cluster: the one that ``RAY_ADDRESS`` names, else a new one on this machine.

    Ray ends its driver when a node process dies, and writes to the terminal: its driver is a process of its own, which
    writes to ``PLAN/ray.log``.

    Args:
        plan: the plan; with a local target, all nodes must see it and the case at the same path.
        items: what is to be done.
        shape: how many actors, and processors for each.
        deadline: when to stop; what is under way is dropped then, unless the time was set beforehand.
        gpus: share of a GPU for each actor.

    Raises:
        MissingProgramError: if Ray is not installed.
        ClusterError: if the cluster goes away.
        RoundelError: if results cannot be kept.
    """
    if importlib.util.find_spec("ray") is None:
        raise MissingProgramError("--engine ray needs Ray; install it with: pip install 'roundel[ray]'")
    spawn = multiprocessing.get_context("spawn")
    mine, theirs = spawn.Pipe(duplex=False)
    ends_at = None if deadline.ends is None else time.time() + deadline.ends - deadline.clock()
    log = str(plan.folder.absolute() / LOG)
    process = spawn.Process(target=drive, args=(theirs, log, facts_for_worker(plan), items, shape, ends_at, gpus))
    process.start()
    theirs.close()
    try:
        while not deadline.asked:
            if not mine.poll(TICK_SECONDS):
                continue
            kind, content = mine.recv()
            if kind == "end":
                return
            if kind == "error":
                raise content
            yield content
    except EOFError:
        process.join(END_SECONDS)
        raise ClusterError(
            f"the Ray cluster failed (see {log}); what is finished stays, and the same command goes on"
        ) from None
    finally:
        process.terminate()
        process.join(END_SECONDS)
        process.kill()


def drive(
    pipe: Connection,
    log: str,
    facts: dict[str, Any],
    items: Sequence[Item],
    shape: Shape,
    ends_at: float | None,
    gpus: float,
) -> None:
    """Main function of the process that talks to Ray: outcomes go into the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()
    with Path(log).open("ab", buffering=0) as stream:
        for descriptor in (1, 2):
            os.dup2(stream.fileno(), descriptor)
    hush()
    import ray

    here = "RAY_ADDRESS" not in os.environ
    if here:
        os.environ.setdefault("RAY_worker_niceness", "0")  # Ray's 15 would let any other program go first
    ray.init(
        log_to_driver=False,
        include_dashboard=False if here else None,
        object_store_memory=OBJECT_STORE_BYTES if here else None,
    )
    try:
        for outcome in _stream(ray, facts, items, shape, ends_at, gpus):
            pipe.send(("outcome", outcome))
        pipe.send(("end", None))
    except RoundelError as error:
        pipe.send(("error", error))
    finally:
        ray.shutdown()


def _stream(
    ray: Any,  # noqa: ANN401
    facts: dict[str, Any],
    items: Sequence[Item],
    shape: Shape,
    ends_at: float | None,
    gpus: float,
) -> Iterator[Outcome]:
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = False
    rows = [{"item": json.dumps(asdict(item))} for item in items]
    actors = min(shape.processes, len(items))
    in_hand = max(1, min(MOST_IN_HAND, len(items) // (actors * TURNS)))
    data = ray.data.from_items(rows, override_num_blocks=-(-len(rows) // in_hand)).map_batches(
        Actor,
        fn_constructor_args=(facts, shape.threads, ends_at),
        compute=ray.data.ActorPoolStrategy(size=actors),
        batch_size=1,
        num_cpus=shape.threads or 1,
        num_gpus=gpus,
    )
    for row in data.iter_rows():
        kind, _, text = row["answer"].partition(" ")
        if kind == "error":
            raise RoundelError(text)
        outcome = Outcome.model_validate_json(text)
        if outcome.status != "left":
            yield outcome
