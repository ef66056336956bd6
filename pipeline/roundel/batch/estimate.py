"""What a plan will cost, from a sample of it that is really analysed."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from roundel import case as cases
from roundel.batch.outcome import Outcome
from roundel.batch.plan import Item, Plan
from roundel.batch.pool import Shape
from roundel.batch.worker import Worker
from roundel.disk import scratch

SAMPLE = 8
DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Estimate:
    """Cost of all inputs, with the 5 and 95 % of draws from the sample; wide if the inputs differ much.

    ``work_hours`` are hours of one process with ``threads`` threads, one video at a time (with a GPU, if ``on_gpu``); a
    run on this machine analyses ``at_once`` videos at the same time.
    """

    inputs: int
    sampled: int
    failed: int
    on_gpu: bool
    threads: int
    at_once: int
    work_hours: float
    work_hours_range: tuple[float, float]
    package_gib: float
    package_gib_range: tuple[float, float]
    video_hours: float

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def sample_of(items: Sequence[Item], size: int = SAMPLE) -> tuple[Item, ...]:
    """A random sample that is the same each time: ids are hashes."""
    return tuple(sorted(items, key=lambda item: item.id[::-1])[:size])


def estimate(plan: Plan, shape: Shape, size: int = SAMPLE, told: Callable[[Item], None] = lambda _: None) -> Estimate:
    """Analyse a sample into a temporary case and scale it up.

    One process with its share of the machine does it. Means are scaled by the number of inputs; the range comes from
    drawing the sample again and again with replacement.
    """
    outcomes = []
    with scratch("estimate") as folder:
        trial = replace(plan, folder=folder / "plan", target=str(folder / "case"))
        cases.create(Path(trial.target), plan.config)
        worker = Worker(trial, shape.threads)
        for item in sample_of(plan.work, size):
            told(item)
            outcomes.append(worker.process(item))
    return scaled(outcomes, len(plan.work), shape)


def scaled(sample: Sequence[Outcome], inputs: int, shape: Shape) -> Estimate:
    """Scale a sample up to so many inputs."""
    work = _scaled([outcome.work_seconds / 3600 for outcome in sample], inputs)
    gib = _scaled([outcome.package_bytes / 1024**3 for outcome in sample], inputs)
    video, _ = _scaled([outcome.video_seconds / 3600 for outcome in sample], inputs)
    failed = sum(outcome.status == "failed" for outcome in sample)
    at_once = shape.processes * shape.videos_at_once
    return Estimate(inputs, len(sample), failed, bool(shape.devices), shape.threads, at_once, *work, *gib, video)


def _scaled(values: Sequence[float], inputs: int) -> tuple[float, tuple[float, float]]:
    random = Random(0)  # noqa: S311 - draws from a sample, no secret
    means = sorted(statistics.fmean(random.choices(values, k=len(values))) for _ in range(DRAWS))
    low, high = means[DRAWS // 20], means[-DRAWS // 20]
    return statistics.fmean(values) * inputs, (low * inputs, high * inputs)
