"""Ray Data as an engine: addresses go through its queue, never pixels; an actor holds one copy of the models.

A failure of a video is a row. What Ray retries is only what concerns machines: an actor whose process ended is started
again and its rows are done again.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from roundel.batch.deadline import Deadline
from roundel.batch.outcome import Outcome, outcome_of
from roundel.batch.plan import Item, Plan
from roundel.batch.pool import Shape
from roundel.batch.worker import TargetError, Worker, facts_for_worker, plan_from
from roundel.errors import MissingProgramError, RoundelError
from roundel.quiet import hush

OBJECT_STORE_BYTES = 128 * 1024**2
"""Enough for addresses and outcomes; Ray would take 30 % of the memory."""


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

    Args:
        plan: the plan; with a local target, all nodes must see it and the case at the same path.
        items: what is to be done.
        shape: how many actors, and processors for each.
        deadline: when to stop.
        gpus: share of a GPU for each actor.

    Raises:
        MissingProgramError: if Ray is not installed.
        RoundelError: if the cluster goes away, or results cannot be kept.
    """
    hush()
    try:
        import ray
    except ImportError as error:
        raise MissingProgramError(
            f"--engine ray needs Ray ({error}); install it with: pip install 'roundel[ray]'"
        ) from error
    try:
        with _session(ray):
            yield from _stream(ray, plan, items, shape, deadline, gpus)
    except (ray.exceptions.RayError, ConnectionError) as error:
        reason = (str(error).splitlines() or [""])[0] or type(error).__name__
        raise RoundelError(
            f"the Ray cluster failed ({reason}); what is finished stays. The same command goes on"
        ) from error


@contextlib.contextmanager
def _session(ray: Any) -> Iterator[None]:  # noqa: ANN401
    if ray.is_initialized():
        yield
        return
    here = "RAY_ADDRESS" not in os.environ
    alone = {"include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES} if here else {}
    ray.init(log_to_driver=False, logging_level=logging.ERROR, **alone)
    try:
        yield
    finally:
        ray.shutdown()


def _stream(
    ray: Any,  # noqa: ANN401
    plan: Plan,
    items: Sequence[Item],
    shape: Shape,
    deadline: Deadline,
    gpus: float,
) -> Iterator[Outcome]:
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ends_at = None if deadline.ends is None else time.time() + deadline.ends - deadline.clock()
    rows = [{"item": json.dumps(asdict(item))} for item in items]
    actors = min(shape.processes, len(items))
    data = ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
        Actor,
        fn_constructor_args=(facts_for_worker(plan), shape.threads, ends_at),
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
        if deadline.asked:
            return
