"""The process that talks to Ray, and what Ray's worker processes run.

A cluster takes longer to start than anything that Roundel does before its first input: this module loads nothing that
is not needed for the start, and what the analysis needs is loaded in the actors alone.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roundel.batch.parent import END_SECONDS, end_with_parent
from roundel.errors import RoundelError
from roundel.quiet import hush

if TYPE_CHECKING:
    from roundel.batch.worker import Worker

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
    items: tuple[str, ...]
    """Items as JSON."""
    log: str
    actors: int
    threads: int | None
    gpus: float
    """Share of a GPU for each actor."""
    ends_at: float | None
    """When to stop, by the clock of the day: it is the same on all nodes."""


class Actor:
    """One copy of the models in a Ray worker process."""

    def __init__(self, facts: dict[str, Any], threads: int | None, ends_at: float | None) -> None:
        hush()
        from roundel.batch.worker import Worker, plan_from

        self._ends_at, self._slowest = ends_at, 0.0
        self._failure = ""
        try:
            self._worker: Worker | None = Worker(plan_from(facts), threads)
        except RoundelError as error:  # an actor that cannot start would be started again for ever
            self._worker, self._failure = None, str(error)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """A batch of items (columns as in :class:`~roundel.batch.plan.Item`) gives a batch of outcomes as JSON."""
        return {"answer": [self._answer(text) for text in batch["item"]]}

    def _answer(self, text: str) -> str:
        from roundel.batch.outcome import outcome_of
        from roundel.batch.plan import Item
        from roundel.batch.worker import TargetError

        item = Item(**json.loads(text))
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


def drive(pipe: Connection, job: Job) -> None:
    """Main function of the process: answers of the actors go into the pipe, then ``end``.

    After that it ends the cluster that it began, or itself if that takes too long.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()
    with Path(job.log).open("ab", buffering=0) as stream:
        for descriptor in (1, 2):
            os.dup2(stream.fileno(), descriptor)
    hush()
    import ray

    loading = threading.Thread(target=importlib.import_module, args=("ray.data",))
    loading.start()
    own: dict[str, Any] = {}
    if "RAY_ADDRESS" not in os.environ:
        os.environ.setdefault("RAY_worker_niceness", "0")  # Ray's 15 would let any other program go first
        own = {"address": "local", "include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
    ray.init(log_to_driver=False, **own)
    loading.join()
    try:
        for answer in _answers(job):
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


def _answers(job: Job) -> Iterator[str]:
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = False
    data = ray.data.from_items(
        [{"item": item} for item in job.items], override_num_blocks=blocks(len(job.items), job.actors)
    ).map_batches(
        Actor,
        fn_constructor_args=(job.facts, job.threads, job.ends_at),
        compute=ray.data.ActorPoolStrategy(size=job.actors),
        batch_size=1,
        num_cpus=job.threads or 1,
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
