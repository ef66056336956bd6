"""Take what a plan has made into the books of a case: the custody log and the index. May be done at any time, again.

Nobody else writes the index, and of a batch nobody else writes the log: on network folders, many writers are one too
many.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from roundel import case as cases
from roundel import custody, index, package
from roundel.batch.outcome import Outcome
from roundel.batch.plan import Item, Plan
from roundel.batch.records import outcomes
from roundel.batch.sources import is_address
from roundel.batch.store import LocalStore, RemoteStore, TargetError, open_store, require_case
from roundel.disk import locked
from roundel.errors import RoundelError, UsageError

RECEIVED, FAILED = "received", "failed"


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge has found. ``problems`` are packages that were not taken, with the reason."""

    case: Path
    packages: int
    new_packages: int
    events: int
    problems: tuple[str, ...]


def merge(plan: Plan, case: Path | None = None, waits: bool = False) -> Merged:
    """Bring custody log and index of a case up to date with a plan.

    Args:
        plan: the plan.
        case: for results at an address: the local case that takes them; made if it does not exist.
        waits: until another merge into this case has ended.

    Raises:
        UsageError: if no local case is given for results at an address, or another merge is at work.
        IntegrityError: if the custody log is damaged.
        TargetError: if the address cannot be reached.
    """
    if is_address(plan.target):
        if case is None:
            raise UsageError(f"{plan.target}: give the local case that takes the results, with --case")
        cases.create(case, plan.config)
    else:
        if case is not None and case.resolve() != Path(plan.target).resolve():
            raise UsageError(f"{case}: the results of this plan lie in {plan.target}; leave out --case")
        case = Path(plan.target)
        require_case(plan)
    store = open_store(plan)
    with locked(case / cases.MERGE_LOCK, f"{case}: another merge is at work in this case; wait for it", waits=waits):
        known = outcomes(store)
        problems = dict(_take(store, case, known))
        good = {item_id: outcome for item_id, outcome in known.items() if item_id not in problems}
        added = custody.extend(case, list(_news(plan, case, good)))
        damaged = {known[item_id].package for item_id in problems}
        refreshed = index.refresh(case, damaged)
    return Merged(case, refreshed.packages, refreshed.added, len(added), tuple(sorted(problems.values())))


def _take(store: LocalStore | RemoteStore, case: Path, known: dict[str, Outcome]) -> Iterator[tuple[str, str]]:
    """Check every package, and fetch what lies elsewhere; yields those that are not as they were written."""
    if isinstance(store, RemoteStore):
        _drop_unfinished(case)
    for outcome in known.values():
        if outcome.package is None:
            continue
        folder = case / outcome.package
        try:
            if not folder.is_dir() and isinstance(store, RemoteStore):
                store.fetch(outcome.package, case)
            wrong = package.problems(folder)
            if not wrong and package.manifest_sha256(folder) != outcome.manifest_sha256:
                wrong = [f"{folder / package.MANIFEST}: is not the one that was written when it was analysed"]
        except TargetError:
            raise
        except RoundelError as error:
            wrong = [str(error)]
        if wrong:
            yield outcome.id, f"{wrong[0]}; it was not taken up. Move the package away and run the plan again"


def _drop_unfinished(case: Path) -> None:
    for partial in (case / cases.VIDEOS).glob(f"*/{package.PARTIAL}*{package.FETCHED}"):
        shutil.rmtree(partial, ignore_errors=True)


def _news(plan: Plan, case: Path, known: dict[str, Outcome]) -> Iterator[custody.Entry]:
    """The events that the log does not hold yet, in the order of the plan."""
    received: set[tuple[str, object]] = set()
    analysed: dict[str, object] = {}
    failed: set[tuple[str, object]] = set()
    for event in custody.read(case):
        if event.event == RECEIVED:
            received.add((event.subject, event.details.get("path")))
        elif event.event == cases.ANALYSED:
            analysed[event.subject] = event.details.get("manifest_sha256")
        elif event.event == FAILED:
            failed.add((event.subject, event.details.get("message")))
    for item in plan.items:
        outcome = known.get(item.same_as or item.id)
        if outcome is None or outcome.status == "left":
            continue
        if outcome.package is None:
            if item.same_as is None and (item.source, outcome.message) not in failed:
                yield FAILED, item.source, {"kind": outcome.kind, "message": outcome.message}
            continue
        yield from _received(item, outcome, received)
        if analysed.get(outcome.package) != outcome.manifest_sha256:
            analysed[outcome.package] = outcome.manifest_sha256
            details = {"manifest_sha256": outcome.manifest_sha256, "video": outcome.video_sha256, **outcome.notes}
            yield cases.ANALYSED, outcome.package, {**details, "worker": outcome.worker, "plan": plan.id}


def _received(item: Item, outcome: Outcome, received: set[tuple[str, object]]) -> Iterator[custody.Entry]:
    if outcome.video_sha256 is not None and (outcome.video_sha256, item.source) not in received:
        received.add((outcome.video_sha256, item.source))
        details = {"name": item.name, "path": item.source, "size_bytes": outcome.size_bytes}
        yield RECEIVED, outcome.video_sha256, details
