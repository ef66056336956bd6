"""How far a plan is: numbers, rates under odd clocks, figures for Prometheus, times as people write them, estimates."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from batch.fakes import small_plan, use_fakes
from roundel.batch import estimate as estimates
from roundel.batch.deadline import Deadline, parse_time
from roundel.batch.estimate import sample_of, scaled
from roundel.batch.outcome import Outcome
from roundel.batch.plan import Item, Plan, item_id
from roundel.batch.pool import Shape
from roundel.batch.status import METRICS, Status, status_of, write_metrics
from roundel.errors import UsageError
from small_case import OTHER_SOURCE, SETTINGS, SMALL, SOURCE

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def plan_of(count: int, same: int = 0) -> Plan:
    """A plan of so many inputs, and more that are the same as the first."""
    items = [Item(item_id(f"/{number}"), f"/{number}", f"{number}", 1) for number in range(count)]
    items += [Item(item_id(f"/same{n}"), f"/same{n}", f"same{n}", 1, "sha256:0", items[0].id) for n in range(same)]
    return Plan(Path("plan"), "0" * 16, "/case", SETTINGS, 1, tuple(items))


def ended(item: Item, at: datetime | str = NOW, status: str = "done", **facts: object) -> Outcome:
    at = at if isinstance(at, str) else at.isoformat(timespec="seconds")
    values = {"id": item.id, "source": item.source, "name": item.name, "status": status, "ended_at": at, **facts}
    return Outcome.model_validate(values)


def known(plan: Plan, *times: datetime | str) -> dict[str, Outcome]:
    return {item.id: ended(item, at) for item, at in zip(plan.work, times, strict=False)}


# Numbers


def test_each_input_is_counted_once() -> None:
    plan = plan_of(6, same=2)
    outcomes = known(plan, NOW, NOW)
    facts = {"package_bytes": 100, "video_seconds": 1.5, "work_seconds": 2.25}
    outcomes[plan.work[0].id] = ended(plan.work[0], **facts)
    for number, kind, again in ((2, "MediaError", False), (3, "StallError", True), (4, "MediaError", False)):
        outcomes[plan.work[number].id] = ended(plan.work[number], status="failed", kind=kind, again=again, **facts)
    found = status_of(plan, outcomes, now=NOW)
    assert (found.inputs, found.same, found.done, found.failed, found.again, found.left) == (8, 2, 2, 3, 1, 1)
    assert found.failures == {"MediaError": 2, "StallError": 1}
    assert (found.package_bytes, found.video_seconds, found.work_seconds) == (400, 6.0, 9.0)
    assert json.loads(json.dumps(found.as_json()))["failures"] == found.failures


def test_shards_add_up_to_the_whole() -> None:
    plan = plan_of(40, same=3)
    outcomes = known(plan, *[NOW] * 25)
    whole = status_of(plan, outcomes, now=NOW)
    parts = [status_of(plan, outcomes, f"{number}/7", NOW) for number in range(1, 8)]
    for name in ("inputs", "same", "done", "failed", "left"):
        assert sum(getattr(part, name) for part in parts) == getattr(whole, name)


def test_outcomes_of_another_plan_are_not_counted() -> None:
    plan = plan_of(2)
    other = Item(item_id("other"), "other", "other", 1)
    assert status_of(plan, {other.id: ended(other)}, now=NOW).done == 0


@pytest.mark.parametrize("outcomes", [{}, None])
def test_nothing_done_and_all_done_divide_by_nothing(outcomes: dict[str, Outcome] | None) -> None:
    plan = plan_of(3)
    found = status_of(plan, known(plan, NOW, NOW, NOW) if outcomes is None else outcomes, now=NOW)
    assert (found.per_hour, found.seconds_left) == (None, None)
    assert found.left == (0 if outcomes is None else 3)


# Rates


def minutes(*numbers: float) -> list[datetime]:
    return [NOW + timedelta(minutes=number) for number in numbers]


@pytest.mark.parametrize(
    ("times", "per_hour"),
    [
        (minutes(-10, -8, -6, -4, -2), 30.0),
        (minutes(-2, -10, -6, -4, -8), 30.0),
        (minutes(-600, -500, -10, -8, -6), 30.0),  # only what lies together
        (minutes(-700, -698, -696), 30.0),  # long ago, at that rate
        (minutes(-10, -8, -6, 10, 600_000), 30.0),  # a clock that is fast
        (minutes(-10, -8, -6, -20_000_000), 30.0),  # a clock that is slow
        (minutes(-90, -60, -30), 2.0),  # long videos: fewer than two in a quarter of an hour
        (minutes(-90, -60, -30, -5_000_000, 40_000_000), 2.0),
        (minutes(-5), None),
        (minutes(-5, -5, -5), None),
        (minutes(5, 10, 15), None),  # all clocks are fast
        ([], None),
    ],
)
def test_the_rate_is_that_of_the_last_work(times: list[datetime], per_hour: float | None) -> None:
    plan = plan_of(10)
    found = status_of(plan, known(plan, *times), now=NOW)
    assert found.per_hour == per_hour
    left = 10 - len(times)
    assert found.seconds_left == (None if per_hour is None else pytest.approx(left / per_hour * 3600, rel=0.02))


@pytest.mark.parametrize("text", ["", "yesterday", "2026-05-01T11:00:00", "9999-99-99"])
def test_an_end_that_is_no_time_has_no_part_in_the_rate(text: str) -> None:
    plan = plan_of(4)
    found = status_of(plan, known(plan, *minutes(-10, -8), text), now=NOW)
    assert (found.done, found.per_hour) == (3, 30.0)


@settings(deadline=None)
@given(st.lists(st.datetimes(timezones=st.just(UTC)), max_size=12), st.datetimes(timezones=st.just(UTC)))
def test_no_clocks_break_the_rate(times: list[datetime], now: datetime) -> None:
    plan = plan_of(20)
    found = status_of(plan, known(plan, *times), now=now)
    if found.per_hour is not None:
        assert 0 < found.per_hour < float("inf")
        assert found.seconds_left is not None
        assert 0 < found.seconds_left < float("inf")


# Prometheus


def samples(path: Path) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(path.read_text(encoding="utf-8"))
    return {
        (sample.name, *(value for key, value in sorted(sample.labels.items()) if key != "plan")): sample.value
        for family in families
        for sample in family.samples
    }


def test_the_figures_can_be_parsed(tmp_path: Path) -> None:
    plan = plan_of(9, same=1)
    outcomes = known(plan, *minutes(-6, -4, -2))
    outcomes[plan.work[5].id] = ended(plan.work[5], NOW, "failed", kind='Od"d\nKind\\', package_bytes=5)
    status = status_of(plan, outcomes, now=NOW)
    write_metrics(tmp_path / METRICS, status)
    found = samples(tmp_path / METRICS)
    assert {state: found["roundel_batch_items", state] for state in ("done", "failed", "left", "same")} == {
        "done": 3, "failed": 1, "left": 5, "same": 1,
    }  # fmt: skip
    assert found["roundel_batch_failures", 'Od"d\nKind\\'] == 1
    assert found["roundel_batch_items_per_hour",] == status.per_hour
    assert found["roundel_batch_seconds_left",] == status.seconds_left
    assert found["roundel_batch_package_bytes",] == 5
    write_metrics(tmp_path / METRICS, status_of(plan, {}, now=NOW))
    assert ("roundel_batch_items_per_hour",) not in samples(tmp_path / METRICS), "no rate is no number"
    assert [path.name for path in tmp_path.iterdir()] == [METRICS]


# Times


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("4:00:00", 14400), ("04:00:00", 14400), ("0:00:01", 1), ("100:00:00", 360000), ("1-12:00:00", 129600),
        ("1-12:00", 129600), ("2-0", 172800), ("3h50m", 13800), ("3h", 10800), ("50m", 3000), ("90s", 90), ("0s", 0),
        ("1d", 86400), ("1d2h3m4s", 93784), (" 3h ", 10800), ("1d4s", 86404), ("3H50M", 13800),
    ],
)  # fmt: skip
def test_times_as_slurm_and_people_write_them(text: str, seconds: float) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "4", "4.5h", "-4h", "4h-", "four hours", "m50", "50m3h", "4:0:00", "4:60:00", "4:00:60", "::", "1-",
        "-1", "1-2-3", "4:00:00:00", "h", "٤h", "inf", "nan", "1e3s", "4h\n30m", "4 h", "9" * 5000 + "s", "UNLIMITED",
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"is no time; write it as 4:00:00 \(hours, minutes, seconds\), 1-12:00:00 or"):
        parse_time(text)


def test_two_numbers_are_refused_because_slurm_reads_minutes() -> None:
    with pytest.raises(UsageError, match=r"30:00: hours or minutes\? SLURM reads minutes; write 30m or 30h"):
        parse_time("30:00")


def test_nothing_is_begun_that_would_not_end_in_time() -> None:
    now = itertools.count()
    deadline = Deadline(ends=10.0, clock=lambda: float(next(now)))
    assert [deadline.passed() for _ in range(5)] == [False] * 5
    deadline.learn(ended(plan_of(1).items[0], work_seconds=4.0))
    deadline.learn(ended(plan_of(1).items[0], work_seconds=1.0))
    assert [deadline.passed() for _ in range(3)] == [False, True, True]
    assert not Deadline.after(None).passed()
    assert Deadline.after(0).passed()
    assert Deadline(asked=True).passed()


# Estimates


def test_means_are_scaled_by_the_number_of_inputs() -> None:
    plan = plan_of(4)
    facts = [(3600.0, 1 << 30, 60.0), (7200.0, 3 << 30, 180.0), (3600.0, 1 << 30, 60.0), (7200.0, 3 << 30, 180.0)]
    sample = [
        ended(item, status="failed" if number == 3 else "done", work_seconds=w, package_bytes=b, video_seconds=v)
        for number, (item, (w, b, v)) in enumerate(zip(plan.items, facts, strict=True))
    ]
    found = scaled(sample, 1000, Shape(2))
    assert (found.inputs, found.sampled, found.failed, found.on_gpu) == (1000, 4, 1, False)
    assert (found.threads, found.at_once) == (1, 2)
    assert found.work_hours == pytest.approx(1500)
    assert found.package_gib == pytest.approx(2000)
    assert found.video_hours == pytest.approx(1000 * 120 / 3600)
    low, high = found.work_hours_range
    assert 1000 <= low < 1500 < high <= 2000
    assert scaled(sample, 1000, Shape(2)) == found
    json.dumps(found.as_json())


def test_a_sample_of_equals_leaves_no_range() -> None:
    outcomes = [ended(plan_of(1).items[0], work_seconds=36.0)] * 3
    on_gpu = Shape(2, 4, videos_at_once=4, devices=("0", "1"))
    found = scaled(outcomes, 100, on_gpu)
    assert (found.on_gpu, found.threads, found.at_once) == (True, 4, 8)
    assert found.work_hours == pytest.approx(1.0)
    assert found.work_hours_range == pytest.approx((1.0, 1.0))
    assert scaled(outcomes[:1], 100, on_gpu).work_hours_range == pytest.approx((1.0, 1.0))


def test_the_sample_is_the_same_each_time_and_no_larger_than_the_plan() -> None:
    items = plan_of(50).items
    assert sample_of(items, 8) == sample_of(items[::-1], 8)
    assert len(set(sample_of(items, 8))) == 8
    assert set(sample_of(items[:3], 8)) == set(items[:3])


def test_an_estimate_leaves_nothing_behind(
    make_clip: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fakes(monkeypatch)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video" * 100)
    clips = make_clip("status-one.mp4", SOURCE, *SMALL), make_clip("status-two.mp4", OTHER_SOURCE, *SMALL)
    plan = small_plan(tmp_path / "plan", tmp_path / "case", *clips, broken)
    before = sorted(tmp_path.rglob("*"))
    told: list[str] = []
    found = estimates.estimate(plan, Shape(1), size=8, told=lambda item: told.append(item.name))
    assert sorted(told) == sorted(item.name for item in plan.work)
    assert (found.inputs, found.sampled, found.failed) == (3, 3, 1)
    assert found.work_hours > 0
    assert found.package_gib > 0
    assert found.video_hours == pytest.approx(2 / 3600, rel=0.1)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_status_names_its_plan() -> None:
    assert isinstance(status_of(plan_of(1), {}, now=NOW), Status)
    assert status_of(plan_of(1), {}).plan == "0" * 16
