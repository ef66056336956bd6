"""Ray Data as an engine: addresses go through its queue, never pixels; an actor holds one copy of the models.

A failure of a video is a row. What Ray retries is only what concerns machines: an actor whose process ended is started
again and its rows are done again.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import multiprocessing
import os
import signal
import time
import uuid
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection

from roundel.batch.deadline import Deadline
from roundel.batch.outcome import Outcome
from roundel.batch.parent import END_SECONDS
from roundel.batch.plan import Item, Plan
from roundel.batch.pool import TICK_SECONDS, WORKER_BYTES
from roundel.batch.ray_driver import Job, drive
from roundel.batch.records import outcomes, stop_run, take_back
from roundel.batch.store import TargetError, open_store
from roundel.batch.worker import facts_for_worker
from roundel.detect import available_threads
from roundel.errors import EXIT_INTERRUPTED, MissingProgramError, RoundelError

LOG = "ray.log"
PATIENCE_SECONDS = 10.0
"""After a request to stop: how long nothing is heard until a look at the outcomes says whether anything is under way.

Each look takes as long again to come: there may be a hundred thousand of them.
"""


class ClusterError(RoundelError):
    """The cluster went away in the middle of a run."""

    exit_code = EXIT_INTERRUPTED


def run_ray(
    plan: Plan, items: Sequence[Item], workers: int | None, deadline: Deadline, gpus: float
) -> Generator[Outcome]:
    """Analyse items on a Ray cluster: the one that ``RAY_ADDRESS`` names, else a new one on this machine.

    Ray ends its driver when a node process dies, and writes to the terminal: its driver is a process of its own, which
    writes to ``PLAN/ray.log``. After the last outcome it ends the cluster while the caller goes on.

    Args:
        plan: the plan; with a local target, all nodes must see it and the case at the same path.
        items: what is to be done.
        workers: how many actors; as many as the cluster has room for, if ``None``. They share its processors.
        deadline: when to stop: nothing new is begun then, and what is under way is finished.
        gpus: share of a GPU for each actor.

    Raises:
        MissingProgramError: if Ray is not installed.
        ClusterError: if the cluster goes away.
        RoundelError: if no cluster can be had, it has no room, or results cannot be kept.
    """
    if importlib.util.find_spec("ray") is None:
        raise MissingProgramError("--engine ray needs Ray; install it with: pip install 'roundel[ray]'")
    spawn = multiprocessing.get_context("spawn")
    mine, theirs = spawn.Pipe(duplex=False)
    job = Job(
        facts=facts_for_worker(plan),
        run=uuid.uuid4().hex,
        items=tuple(json.dumps(asdict(item)) for item in items),
        log=str(plan.folder.absolute() / LOG),
        actors=workers,
        cpus=available_threads(),
        actor_bytes=WORKER_BYTES,
        gpus=gpus,
        ends_at=None if deadline.ends is None else time.time() + deadline.ends - deadline.clock(),
    )
    process = spawn.Process(target=drive, args=(theirs, job))
    process.start()
    theirs.close()
    request, ended, lost = _Request(plan, job.run, deadline), False, False
    try:
        while True:
            heard = mine.poll(TICK_SECONDS)
            if request.is_met(heard):
                return
            if not heard:
                continue
            kind, _, text = _received(mine).partition(" ")
            if kind == "end":
                ended = True
                return
            if kind == "error":
                raise RoundelError(text)
            yield Outcome.model_validate_json(text)
    except EOFError:
        lost = True
        process.join(END_SECONDS)
        raise ClusterError(
            f"the Ray cluster failed (see {job.log}); what is finished stays, and the same command goes on"
        ) from None
    finally:
        if not ended:
            try:
                _stop(plan, job.run)
            finally:  # one more request to end comes while an address does not answer
                if process.is_alive() and process.pid is not None:
                    os.kill(process.pid, signal.SIGUSR1)
                process.join(END_SECONDS)
                process.kill()
            if not lost:
                _take_back(plan, job.run)


@dataclass(slots=True)
class _Request:
    """Passes a request to stop on to the actors, and finds out whether any of them works at all.

    A cluster may have no room for one until others have ended.
    """

    plan: Plan
    run: str
    deadline: Deadline
    told: bool = False
    since: float = 0.0
    patience: float = PATIENCE_SECONDS

    def is_met(self, heard: bool) -> bool:
        """Whether there is a request and nothing is under way. ``heard``: whether the driver has said anything."""
        now = time.monotonic()
        if not self.told and self.deadline.passed():
            self.told, self.since = _stop(self.plan, self.run), now
        if heard:
            self.since = now
        if not self.told or now - self.since < self.patience:
            return False
        self.since, self.patience = now, self.patience * 2
        return not _is_under_way(self.plan, self.run)


def _received(pipe: Connection) -> str:
    """What the driver says.

    Raises:
        EOFError: if it is gone, also in the middle of a word.
    """
    try:
        return str(pipe.recv())
    except OSError as error:
        raise EOFError from error


def _stop(plan: Plan, run: str) -> bool:
    """Ask the actors to begin nothing more; false if that cannot be put on record now."""
    try:
        stop_run(open_store(plan), run)
    except TargetError:
        return False
    return True


def _is_under_way(plan: Plan, run: str) -> bool:
    """Whether an actor has begun an item and not ended it, as far as can be known."""
    try:
        return any(outcome.run == run and outcome.tries > 0 for outcome in outcomes(open_store(plan)).values())
    except TargetError:
        return True


def _take_back(plan: Plan, run: str) -> None:
    """What the actors had in hand when a run was dropped, or ended for a reason that is not the items', was no try."""
    store = open_store(plan)
    with contextlib.suppress(TargetError):  # then the tries count
        for outcome in outcomes(store).values():
            if outcome.run == run:
                take_back(store, outcome.id, run)
