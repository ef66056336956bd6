"""What every engine runs: load the models once, then turn one item after another into a package and an outcome."""

from __future__ import annotations

import os
import platform
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from roundel import case as cases
from roundel import job, package
from roundel.batch.outcome import KILLED, MOST_TRIES, Outcome, outcome_of
from roundel.batch.plan import Item, Plan
from roundel.batch.records import agree_on, is_stopped, record, recorded
from roundel.batch.sources import NO_ROOM, fetched, is_address
from roundel.batch.store import TargetError, no_room, open_store
from roundel.detect import load_detector
from roundel.errors import MediaError, RoundelError, StallError, TakenError
from roundel.media.identity import identify
from roundel.media.nvdec import kept_from
from roundel.specialists import load_specialists
from roundel.types import VideoIdentity


class Worker:
    """Analyses items. Stateless but for its models; the outcome is on record before it is returned."""

    def __init__(self, plan: Plan, threads: int | None = None, run: str = "") -> None:
        """Load the models, for ``threads`` threads.

        With ``run``, what has come to its end in the run of that name is not done again in it.

        Raises:
            UsageError: if the plan was begun with other versions.
            TargetError: if results cannot be kept.
        """
        import cv2

        self._plan, self._store, self._run = plan, open_store(plan), run
        case = None if is_address(plan.target) else Path(plan.target)
        if threads is not None:
            cv2.setNumThreads(threads)
        self._loaded = load_detector(plan.config.detector, threads)
        self._specialists = load_specialists(plan.config, case)
        self._made_with = job.provenance(plan.config, self._loaded, self._specialists)
        agree_on(self._store, self._made_with)

    def process(self, item: Item) -> Outcome:
        """Analyse one item and put its outcome on record. A failure of the file is data.

        That it was begun is on record first: an item that ends its process again and again is given up, whoever
        began that process.

        Raises:
            TargetError: if results cannot be kept.
        """
        started = time.monotonic()
        before = recorded(self._store, item.id)
        if before is not None and before.ended_in(self._run):
            return before
        tries, notes = (before.tries, before.notes) if before is not None else (0, {})
        if tries >= MOST_TRIES:
            return self._ended(_given_up(item).model_copy(update={"notes": notes}), started)
        begun = outcome_of(item, status="left", tries=tries + 1, notes=notes, run=self._run)
        record(self._store, begun)
        try:
            result = self._analysed(item, begun)
        except Exception as error:
            result = _failure(item, error)
        return self._ended(result, started)

    def _ended(self, result: Outcome, started: float) -> Outcome:
        result = result.model_copy(
            update={
                "run": self._run,
                "work_seconds": round(time.monotonic() - started, 3),
                "ended_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "worker": f"{platform.node()}:{os.getpid()}",
            }
        )
        return self._record(result)

    def is_stopped(self) -> bool:
        """Whether nothing new is to be begun in this run.

        Raises:
            TargetError: if that cannot be known.
        """
        return is_stopped(self._store, self._run)

    def _record(self, outcome: Outcome) -> Outcome:
        """Put an outcome on record; returns what is there.

        If the item came to its end in this run meanwhile, that stays: a worker that was given up, because its machine
        could not be reached, may go on beside the one that took its place.
        """
        found = recorded(self._store, outcome.id)
        if found is not None and found.ended_in(self._run):
            return found
        record(self._store, outcome)
        return outcome

    def _analysed(self, item: Item, begun: Outcome) -> Outcome:
        with fetched(item.source, item.name, self._plan.config.media.max_bytes) as path:
            try:
                return self._packed(item, path, begun)
            except Exception as error:
                return _failure(item, error, path)

    def _packed(self, item: Item, path: Path, begun: Outcome) -> Outcome:
        identity = replace(identify(path, self._plan.config.media.max_bytes), names=(job.readable(item.name),))
        _check_as_planned(item, identity)
        analysis = package.analysis_id(identity, self._made_with)
        with self._store.workplace() as place:
            folder = package.location(place, identity.sha256, analysis)
            name = folder.relative_to(place).as_posix()
            self._store.bring(name, place)
            notes = begun.notes  # of whoever made a package and ended before that was on record
            if is_new := not folder.is_dir():
                notes = {cases.PROTECTIONS: kept_from(self._plan.config.media)}
                now = self._record(begun.model_copy(update={"notes": notes}))
                if now.status != "left":
                    return now
                self._analyse(path, identity, folder)
            if wrong := package.problems(folder):
                raise StallError(f"{wrong[0]}; nothing was analysed; move the package out of the case and run again")
            if is_new:
                self._store.keep(folder, name)
            return _outcome(item, identity, folder, name, notes)

    def _analyse(self, path: Path, identity: VideoIdentity, folder: Path) -> None:
        """Write a package, unless somebody else puts one of the same bytes under another name there meanwhile."""
        plan, made_with = self._plan, self._made_with
        try:
            writer = package.PackageWriter(folder)
            job.analyze_into(
                writer, path, identity, plan.config, self._loaded, made_with, specialists=self._specialists
            )
        except OSError as error:
            raise no_room(error, str(folder)) from error
        except TakenError:
            if tuple(package.read_analysis(folder).video.names) == identity.names:  # then it should have been the same
                raise


def _given_up(item: Item) -> Outcome:
    begun = f"was begun {MOST_TRIES} times and did not come to an end"
    message = f"{item.source}: {begun}; is there enough memory and time?"
    return outcome_of(item, status="failed", again=True, kind=KILLED, message=message)


def _check_as_planned(item: Item, identity: VideoIdentity) -> None:
    if item.sha256 is not None and item.sha256 != identity.sha256:
        raise StallError(f"{item.source}: was changed since the plan was made; make a new plan")


def _outcome(item: Item, identity: VideoIdentity, folder: Path, name: str, notes: dict[str, Any]) -> Outcome:
    """The outcome of an item with a package; one under another name was made by somebody else, in unknown ways."""
    analysis = package.read_analysis(folder)
    failure, coverage = analysis.failure, analysis.coverage
    return outcome_of(
        item,
        status="failed" if failure else "done",
        package=name,
        manifest_sha256=package.manifest_sha256(folder),
        video_sha256=identity.sha256,
        size_bytes=identity.size_bytes,
        kind=failure.kind if failure else None,
        message=failure.message if failure else "",
        package_bytes=sum(path.stat().st_size for _, path in package.files(folder)),
        video_seconds=coverage.decoded_seconds if coverage else 0.0,
        notes=notes if tuple(analysis.video.names) == identity.names else {},
    )


def _failure(item: Item, error: Exception, path: Path | None = None) -> Outcome:
    """The outcome of an item that has no package; what is said about the copy at ``path`` is said about its source.

    Raises:
        TargetError: the error itself, if it stands in the way of all other items, too.
    """
    if isinstance(error, TargetError):
        raise error
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        raise no_room(error, tempfile.gettempdir()) from error
    message = str(error)
    if isinstance(error, MemoryError):
        message = f"{item.source}: there was not enough memory; run it with fewer workers"
    elif not isinstance(error, RoundelError):
        message = f"{item.source}: unexpected {type(error).__name__}: {error}. Please report this with the file."
    if path is not None:
        message = message.replace(str(path), item.source)
    again = not isinstance(error, MediaError) or isinstance(error, StallError)
    return outcome_of(item, status="failed", again=again, kind=type(error).__name__, message=message)


def facts_for_worker(plan: Plan) -> dict[str, Any]:
    """What a worker process needs to know of a plan, without its items."""
    return {
        "folder": str(plan.folder.absolute()),
        "id": plan.id,
        "target": plan.target,
        "config": plan.config.model_dump(mode="json"),
    }


def plan_from(facts: dict[str, Any]) -> Plan:
    """The plan, without its items, that :func:`facts_for_worker` describes."""
    from roundel.config import Config

    return Plan(Path(facts["folder"]), facts["id"], facts["target"], Config.from_values(facts["config"]), 1, ())
