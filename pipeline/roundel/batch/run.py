"""Work through a plan: find what is missing, hand it to an engine, stop in time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from roundel import case as cases
from roundel import package
from roundel.batch.deadline import Deadline
from roundel.batch.lease import leased
from roundel.batch.outcome import Outcome
from roundel.batch.plan import Item, Plan, in_shard, parse_shard
from roundel.batch.pool import WORKER_BYTES, Shape, run_pool
from roundel.batch.records import outcomes, record
from roundel.batch.store import RemoteStore, Store, open_store, require_case
from roundel.detect import available_threads
from roundel.detect.gpus import gpus_for
from roundel.disk import locked

EngineName = Literal["local", "ray", "slurm"]
CHECKS_AT_ONCE = 4
CHECKS_WAITING = 1000
VIDEOS_PER_GPU = 4
"""Videos under way in a process with a GPU, if it has as many processors: decoding keeps about one busy for each."""


def missing(
    plan: Plan, store: Store, shard: str | None = None, known: Mapping[str, Outcome] | None = None
) -> tuple[Item, ...]:
    """The items without a verified package, in the order of the plan, those last that have ended a process before.

    ``known`` saves reading the outcomes again.
    """
    items = in_shard(plan.work, shard)
    known = outcomes(store) if known is None else known

    def done(item: Item) -> bool:
        outcome = known.get(item.id)
        if outcome is None or outcome.package is None or outcome.manifest_sha256 is None:
            return False
        return store.holds(outcome.package, outcome.manifest_sha256)

    found: list[Item] = []
    with ThreadPoolExecutor(CHECKS_AT_ONCE) as threads:
        for since in range(0, len(items), CHECKS_WAITING):
            some = items[since : since + CHECKS_WAITING]
            found += (item for item, there in zip(some, threads.map(done, some), strict=True) if not there)
    last = suspects_in(known)
    return tuple(sorted(found, key=lambda item: item.id in last))


def suspects_in(known: Mapping[str, Outcome]) -> frozenset[str]:
    """The items that have ended a process, as far as is known."""
    return frozenset(item_id for item_id, outcome in known.items() if outcome.ended_its_process)


def settled(store: Store, known: Mapping[str, Outcome], earlier: Mapping[str, Outcome | None]) -> dict[str, Outcome]:
    """After a run with Ray: what is on record and did not come through its queue.

    A result that was replaced because an actor that Ray had given up began the item once more is put on record again.

    Args:
        store: where outcomes are.
        known: what came through the queue, among others.
        earlier: what was on record of the run's items before it.
    """
    found = {}
    for item_id, outcome in outcomes(store).items():
        if item_id not in earlier:
            continue
        if outcome.status != "left":
            if outcome != earlier[item_id]:
                found[item_id] = outcome
        elif item_id in known:
            record(store, known[item_id])
    return found


def workers_for(asked: int | None) -> int:
    """How many processes: as many as processors, or as memory allows."""
    if asked is not None:
        return asked
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return max(1, min(available_threads(), int(line.split()[1]) * 1024 // WORKER_BYTES))
    return available_threads()


def shape_for(workers: int | None, gpus: Sequence[str] = ()) -> Shape:
    """The processes for this machine: each gets an equal share of the processors.

    With GPUs there is one process for each, which analyses several videos at once to fill the GPU's batches.
    """
    processes = len(gpus) if gpus and workers is None else workers_for(workers)
    threads = max(1, available_threads() // processes)
    return Shape(processes, threads, min(VIDEOS_PER_GPU, threads) if gpus else 1, tuple(gpus))


@contextlib.contextmanager
def claimed(plan: Plan, shard: str | None, deadline: Deadline, tell: Callable[[str], None]) -> Iterator[None]:
    """Make sure that nobody else works on this part of the plan, and that the case is no business of `analyze` now.

    What interrupted runs left in the case is removed, now and at the end.

    Args:
        plan: the plan.
        shard: the part, such as ``2/8``; ``None`` for the whole.
        deadline: is told to stop if results go to an address and another run there has taken this one for ended.
        tell: is told whom it waits for there, and of that.

    Raises:
        UsageError: if somebody else is at work, the shard is none, or the case is gone.
        TargetError: if the address cannot be reached.
    """
    number_and_count = () if shard is None else parse_shard(shard)
    part = "-{}-of-{}".format(*number_and_count) if number_and_count else ""
    name = f"{plan.folder}: another run works on {'this plan' if shard is None else f'shard {shard}'}"
    with contextlib.ExitStack() as stack:
        stack.enter_context(locked(plan.folder / f"run{part}.lock", f"{name}; wait for it or stop it"))
        others = "a shard" if shard is None else "a run of the whole"
        busy = f"{plan.folder}: {others} of this plan is at work; wait for it or stop it"
        stack.enter_context(locked(plan.folder / "shards.lock", busy, shared=shard is not None))
        require_case(plan)
        store = open_store(plan)
        if isinstance(store, RemoteStore):
            stack.enter_context(leased(plan, store, "/".join(map(str, number_and_count)), deadline.take_over, tell))
        else:
            case = Path(plan.target)
            stack.enter_context(cases.at_work(case, shared=True))
            package.remove_left_overs(case / cases.VIDEOS)
            stack.callback(package.remove_left_overs, case / cases.VIDEOS)
        yield


def run(
    plan: Plan,
    items: Sequence[Item],
    engine: EngineName,
    workers: int | None,
    deadline: Deadline,
    gpus: float = 0.0,
    suspects: Set[str] = frozenset(),
) -> Iterator[Outcome]:
    """Analyse items with an engine; yields each outcome as it comes.

    Args:
        plan: the plan.
        items: what is to be done.
        engine: who does it.
        workers: how many processes, or actors of Ray; ``None`` for what there is room for.
        deadline: when to stop.
        gpus: share of a GPU for each actor of Ray. Processes of this machine share what there is.
        suspects: ids of items that have ended a process before.

    Raises:
        RoundelError: if processes cannot start, the cluster goes away or results cannot be kept.
    """
    if not items:
        return
    if engine == "ray":
        from roundel.batch.ray_engine import run_ray

        results = run_ray(plan, items, workers, deadline, gpus)
    else:
        results = run_pool(plan, items, shape_for(workers, gpus_for(plan.config.detector)), deadline.passed, suspects)
    with contextlib.closing(results):
        for outcome in results:
            deadline.learn(outcome)
            yield outcome
