"""How far a plan is: numbers, rate, time left, failures by kind; for people, programs and Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from roundel.batch.outcome import Outcome
from roundel.batch.plan import Plan, in_shard

METRICS = "metrics.prom"
RATE_WINDOW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Status:
    """Numbers of inputs. ``same`` have the bytes of another input and are not analysed again.

    ``failed`` have a package that says why, or none; ``again`` of them may succeed at another try. Rates are ``None``
    as long as too little has ended.
    """

    plan: str
    inputs: int
    same: int
    done: int
    failed: int
    again: int
    left: int
    failures: Mapping[str, int]
    video_seconds: float
    work_seconds: float
    package_bytes: int
    per_hour: float | None
    seconds_left: float | None

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def status_of(
    plan: Plan, known: Mapping[str, Outcome], shard: str | None = None, now: datetime | None = None
) -> Status:
    """Count outcomes. Nothing is verified here: ``run`` and ``merge`` do that."""
    work = in_shard(plan.work, shard)
    ended = [known[item.id] for item in work if item.id in known and known[item.id].status != "left"]
    done = sum(outcome.status == "done" for outcome in ended)
    failed = [outcome for outcome in ended if outcome.status == "failed"]
    left = len(work) - done - len(failed)
    ids = {item.id for item in work}
    same = sum(item.same_as in ids for item in plan.items)
    per_hour = _rate(ended, now or datetime.now(UTC))
    return Status(
        plan.id,
        len(work) + same,
        same,
        done,
        len(failed),
        sum(outcome.again for outcome in failed),
        left,
        dict(sorted(Counter(outcome.kind or "unknown" for outcome in failed).items())),
        round(sum(outcome.video_seconds for outcome in ended), 3),
        round(sum(outcome.work_seconds for outcome in ended), 3),
        sum(outcome.package_bytes for outcome in ended),
        per_hour,
        None if per_hour is None else float(f"{left / per_hour * 3600:.4g}"),
    )


def _rate(ended: Iterable[Outcome], now: datetime) -> float | None:
    """Items an hour over the last quarter of an hour of work; over the last three items, if those take longer.

    Clocks of other machines may be off: what lies in the future is left out, and without a span there is no rate.
    """
    times = sorted(time for time in map(_ended_at, ended) if time is not None and time <= now)
    recent = [time for time in times if times[-1] - time < RATE_WINDOW]
    if len(recent) < 2:
        recent = times[-3:]
    span = (recent[-1] - recent[0]).total_seconds() if recent else 0.0
    return float(f"{(len(recent) - 1) / span * 3600:.4g}") if span > 0 else None


def _ended_at(outcome: Outcome) -> datetime | None:
    try:
        time = datetime.fromisoformat(outcome.ended_at)
    except ValueError:
        return None
    return time if time.tzinfo is not None else None


def write_metrics(path: Path, status: Status) -> None:
    """Figures for the textfile collector of Prometheus's node exporter; the file appears whole."""
    from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

    registry = CollectorRegistry()
    state = Gauge("roundel_batch_items", "Inputs of the plan by state", ["plan", "state"], registry=registry)
    for name, count in (("done", status.done), ("failed", status.failed), ("left", status.left), ("same", status.same)):
        state.labels(status.plan, name).set(count)
    failures = Gauge("roundel_batch_failures", "Failed inputs by kind", ["plan", "kind"], registry=registry)
    for kind, number in status.failures.items():
        failures.labels(status.plan, kind).set(number)
    for name, text, value in (
        ("roundel_batch_video_seconds", "Seconds of video read", status.video_seconds),
        ("roundel_batch_work_seconds", "Seconds of work of all processes", status.work_seconds),
        ("roundel_batch_package_bytes", "Bytes of the packages", float(status.package_bytes)),
        ("roundel_batch_items_per_hour", "Inputs an hour", status.per_hour),
        ("roundel_batch_seconds_left", "Seconds until all is done, at this rate", status.seconds_left),
    ):
        if value is not None:
            Gauge(name, text, ["plan"], registry=registry).labels(status.plan).set(value)
    write_to_textfile(str(path), registry)
