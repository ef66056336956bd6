"""Work through a plan: find what is missing, hand it to an engine, stop in time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from roundel import case as cases
from roundel import package
from roundel.batch.deadline import Deadline
from roundel.batch.outcome import Outcome
from roundel.batch.plan import Item, Plan, in_shard, parse_shard
from roundel.batch.pool import Shape, run_pool
from roundel.batch.sources import is_address
from roundel.batch.store import LocalStore, RemoteStore, outcomes, require_case
from roundel.detect import available_threads
from roundel.disk import locked

EngineName = Literal["local", "ray", "slurm"]
WORKER_BYTES = 1 << 30
"""Memory that one process is reckoned with: peak of an analysis, see benchmarks/batch.py."""
CHECKS_AT_ONCE = 4


def missing(plan: Plan, store: LocalStore | RemoteStore, shard: str | None = None) -> tuple[Item, ...]:
    """The items without a verified package, in the order of the plan."""
    items = in_shard(plan.work, shard)
    known = outcomes(store)

    def done(item: Item) -> bool:
        outcome = known.get(item.id)
        if outcome is None or outcome.package is None or outcome.manifest_sha256 is None:
            return False
        return store.holds(outcome.package, outcome.manifest_sha256)

    with ThreadPoolExecutor(CHECKS_AT_ONCE) as threads:
        return tuple(item for item, there in zip(items, threads.map(done, items), strict=True) if not there)


def workers_for(asked: int | None) -> int:
    """How many processes: as many as processors, or as memory allows."""
    if asked is not None:
        return asked
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return max(1, min(available_threads(), int(line.split()[1]) * 1024 // WORKER_BYTES))
    return available_threads()


def shape_for(workers: int | None, gpus_per_worker: float = 0.0) -> Shape:
    """The processes for this machine: each gets an equal share of the processors."""
    processes = workers_for(workers)
    return Shape(processes, max(1, available_threads() // processes))


@contextlib.contextmanager
def claimed(plan: Plan, shard: str | None) -> Iterator[None]:
    """Make sure that nobody else works on this part of the plan, and that the case is no business of `analyze` now.

    What interrupted runs left in the case is removed, now and at the end.

    Raises:
        UsageError: if somebody else is at work, the shard is none, or the case is gone.
    """
    part = "" if shard is None else "-{}-of-{}".format(*parse_shard(shard))
    name = f"{plan.folder}: another run works on {'this plan' if shard is None else f'shard {shard}'}"
    with contextlib.ExitStack() as stack:
        stack.enter_context(locked(plan.folder / f"run{part}.lock", f"{name}; wait for it or stop it"))
        others = "a shard" if shard is None else "a run of the whole"
        busy = f"{plan.folder}: {others} of this plan is at work; wait for it or stop it"
        stack.enter_context(locked(plan.folder / "shards.lock", busy, shared=shard is not None))
        require_case(plan)
        if not is_address(plan.target):
            case = Path(plan.target)
            stack.enter_context(cases.at_work(case, shared=True))
            package.remove_left_overs(case / cases.VIDEOS)
            stack.callback(package.remove_left_overs, case / cases.VIDEOS)
        yield


def run(
    plan: Plan, items: Sequence[Item], engine: EngineName, shape: Shape, deadline: Deadline, gpus: float = 0.0
) -> Iterator[Outcome]:
    """Analyse items with an engine; yields each outcome as it comes.

    Raises:
        RoundelError: if processes cannot start, the cluster goes away or results cannot be kept.
    """
    if not items:
        return
    if engine == "ray":
        from roundel.batch.ray_engine import run_ray

        results = run_ray(plan, items, shape, deadline, gpus)
    else:
        results = run_pool(plan, items, shape, deadline.passed)
    with contextlib.closing(results):
        for outcome in results:
            deadline.learn(outcome)
            yield outcome
