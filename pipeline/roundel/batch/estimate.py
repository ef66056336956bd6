"""What a plan will cost, from a sample of it that is really analysed."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from roundel import case as cases
from roundel.batch.outcome import Outcome
from roundel.batch.plan import Item, Plan
from roundel.batch.worker import Worker

SAMPLE = 8
DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Estimate:
    """Cost of all inputs, with the 5 and 95 % of draws from the sample; wide if the inputs differ much.

    ``work_hours`` are hours of one process (of one GPU, if ``on_gpu``).
    """

    inputs: int
    sampled: int
    failed: int
    on_gpu: bool
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


def estimate(plan: Plan, on_gpu: bool, size: int = SAMPLE, told: Callable[[Item], None] = lambda _: None) -> Estimate:
    """Analyse a sample into a temporary case and scale it up.

    Means are scaled by the number of inputs; the range comes from drawing the sample again and again with replacement.
    """
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="roundel-estimate-") as scratch:
        trial = replace(plan, folder=Path(scratch, "plan"), target=str(Path(scratch, "case")))
        cases.create(Path(trial.target), plan.config)
        worker = Worker(trial)
        for item in sample_of(plan.work, size):
            told(item)
            outcomes.append(worker.process(item))
    return scaled(outcomes, len(plan.work), on_gpu)


def scaled(sample: Sequence[Outcome], inputs: int, on_gpu: bool) -> Estimate:
    """Scale a sample up to so many inputs."""
    work = _scaled([outcome.work_seconds / 3600 for outcome in sample], inputs)
    gib = _scaled([outcome.package_bytes / 1024**3 for outcome in sample], inputs)
    video, _ = _scaled([outcome.video_seconds / 3600 for outcome in sample], inputs)
    failed = sum(outcome.status == "failed" for outcome in sample)
    return Estimate(inputs, len(sample), failed, on_gpu, *work, *gib, video)


def _scaled(values: Sequence[float], inputs: int) -> tuple[float, tuple[float, float]]:
    random = Random(0)  # noqa: S311 - draws from a sample, no secret
    means = sorted(statistics.fmean(random.choices(values, k=len(values))) for _ in range(DRAWS))
    low, high = means[DRAWS // 20], means[-DRAWS // 20]
    return statistics.fmean(values) * inputs, (low * inputs, high * inputs)
