"""Batches within this process: a fake detector, no types, no writing; addresses in memory."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence, Set
from pathlib import Path

import fsspec

from conftest import FakeDetector, loaded
from roundel import package
from roundel.batch import plan as plans
from roundel.batch.outcome import Outcome
from roundel.batch.plan import Item, Plan
from roundel.batch.pool import Shape
from roundel.batch.sources import collect
from roundel.batch.worker import Worker
from roundel.specialists import Specialists
from roundel.types import VideoIdentity
from small_case import SETTINGS, detector


def small_plan(folder: Path, target: Path | str, *inputs: Path | str, shards: int = 1) -> Plan:
    """A plan with the settings of the small case."""
    found = collect(map(str, inputs)).found
    return plans.write(folder, str(target), SETTINGS, plans.items_of(found, SETTINGS.media.max_bytes), shards)


def use_fakes(monkeypatch, by: FakeDetector | None = None) -> FakeDetector:
    """Let every worker of this process use a fake detector."""
    by = by or detector()
    monkeypatch.setattr("roundel.batch.worker.load_detector", lambda *_: loaded(by))
    monkeypatch.setattr("roundel.batch.worker.load_specialists", lambda *_: Specialists())
    return by


_KEPT = tempfile.TemporaryDirectory(prefix="roundel-tests-")


def analyse_once(monkeypatch) -> None:
    """Let workers analyse each video once in all tests of this process; a copy of its package serves the others."""
    real = Worker._analyse

    def analyse(worker: Worker, path: Path, identity: VideoIdentity, folder: Path) -> None:
        kept = Path(_KEPT.name, identity.sha256[-64:], folder.name, os.fsencode(identity.names[0]).hex()[:200])
        if not kept.is_dir():
            real(worker, path, identity, folder)
            shutil.copytree(folder, kept)
            return
        shutil.copytree(kept, partial := folder.parent / f"{package.PARTIAL}copy")
        package.put_in_place(partial, folder)

    monkeypatch.setattr(Worker, "_analyse", analyse)


def in_process(
    plan: Plan, items: Sequence[Item], shape: Shape, stop: Callable[[], bool], suspects: Set[str] = frozenset()
) -> Iterator[Outcome]:
    """An engine like ``run_pool``, within this process."""
    worker = Worker(plan)
    for item in items:
        if stop():
            return
        yield worker.process(item)


def work(plan: Plan, items: Sequence[Item] | None = None) -> list[Outcome]:
    """Analyse the items of a plan one after the other."""
    worker = Worker(plan)
    return [worker.process(item) for item in (plan.work if items is None else items)]


def put(address: str, content: bytes) -> str:
    """A file in memory, such as ``memory://archive/a.mp4``."""
    with fsspec.open(address, "wb") as stream:
        stream.write(content)
    return address


def forget_memory() -> None:
    """Empty the file system in memory, which lives as long as the process."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    files.pseudo_dirs[:] = [""]
