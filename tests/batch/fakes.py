"""Batches within this process: a fake detector, no types, no writing; addresses in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import fsspec

from conftest import FakeDetector, loaded
from roundel.batch import plan as plans
from roundel.batch.outcome import Outcome
from roundel.batch.plan import Item, Plan
from roundel.batch.pool import Shape
from roundel.batch.sources import collect
from roundel.batch.worker import Worker
from roundel.specialists import Specialists
from small_case import SETTINGS, detector


def small_plan(folder: Path, target: Path | str, *inputs: Path | str, shards: int = 1) -> Plan:
    """A plan with the settings of the small case."""
    return plans.write(folder, str(target), SETTINGS, plans.items_of(collect(map(str, inputs)).found), shards)


def use_fakes(monkeypatch, by: FakeDetector | None = None) -> FakeDetector:
    """Let every worker of this process use a fake detector."""
    by = by or detector()
    monkeypatch.setattr("roundel.batch.worker.load_detector", lambda *_: loaded(by))
    monkeypatch.setattr("roundel.batch.worker.load_specialists", lambda *_: Specialists())
    return by


def in_process(plan: Plan, items: Sequence[Item], shape: Shape, stop: Callable[[], bool]) -> Iterator[Outcome]:
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
