"""Verbs for archives: ``batch plan``, ``run``, ``status`` and ``merge``."""

from __future__ import annotations

import shlex
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roundel.cli.output import JsonOption, QuietOption, messages, number, print_json, results, say, visible
from roundel.config import load
from roundel.errors import EXIT_INTEGRITY, EXIT_INTERRUPTED, EXIT_OK, EXIT_SOME_FAILED, UsageError

if TYPE_CHECKING:
    from roundel.batch.deadline import Deadline
    from roundel.batch.estimate import Estimate
    from roundel.batch.merge import Merged
    from roundel.batch.outcome import Outcome
    from roundel.batch.plan import Plan
    from roundel.batch.status import Status

app = typer.Typer(
    help="Work through an archive: on this machine, on a Ray cluster or with SLURM.", no_args_is_help=True
)
PlanArgument = Annotated[Path, typer.Argument(metavar="PLAN", help="Folder of the plan.", show_default=False)]
ShardOption = Annotated[str | None, typer.Option(help="Only this part of the plan, such as 2/8.")]
REFRESH_SECONDS = 5.0


class EngineName(StrEnum):
    """Who does the work."""

    LOCAL = "local"
    RAY = "ray"
    SLURM = "slurm"


@app.command("plan")
def plan_batch(
    plan: PlanArgument,
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT…",
            help="Videos, folders, .txt or .csv lists, and addresses such as s3://bucket/folder.",
            show_default=False,
        ),
    ],
    to: Annotated[
        str,
        typer.Option("--to", help="Folder of the case, or an address such as s3://bucket/results.", show_default=False),
    ],
    shards: Annotated[int, typer.Option(min=1, help="Parts for SLURM; writes PLAN/batch.sbatch.")] = 1,
    time_limit: Annotated[str, typer.Option(help="Time limit of each SLURM task.")] = "4:00:00",
    cpus: Annotated[int, typer.Option(min=1, help="Processors of each SLURM task.")] = 4,
    gpus: Annotated[int, typer.Option(min=0, help="GPUs of each SLURM task.")] = 0,
    config: Annotated[Path | None, typer.Option(help="TOML file with settings.")] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Analyse a sample and say what the whole will cost.")
    ] = False,
    sample: Annotated[int, typer.Option(min=1, help="Inputs of the sample.")] = 8,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Write down what is to be analysed, where the results go and with which settings.

    Example: **roundel batch plan archive.plan footage/ s3://seized/2014 --to raqqa**
    """
    from roundel.batch import plan as plans
    from roundel.batch.deadline import parse_time
    from roundel.batch.estimate import estimate as estimate_cost
    from roundel.batch.run import shape_for
    from roundel.batch.slurm import write_sbatch
    from roundel.batch.sources import collect
    from roundel.batch.store import require_case
    from roundel.detect.gpus import gpus_for

    limit = parse_time(time_limit)
    settings = load(config)
    found = collect(inputs)
    if found.passed_over:
        named = f"{number(len(found.passed_over), 'file')} without a video's name, such as {found.passed_over[0]}"
        say(f"passed over: {named}", quiet)
    items = plans.items_of(
        found.found,
        settings.media.max_bytes,
        lambda source: say(f"comparing files of equal size: {source}", quiet),
    )
    made = plans.write(plan, to, settings, items, shards)
    require_case(made)
    facts: dict[str, object] = {"plan": str(plan), "id": made.id, "inputs": len(made.items), "to": made.target}
    facts |= {"analysed": len(made.work), "passed_over": list(found.passed_over)}
    script = write_sbatch(made, limit, cpus, gpus) if shards > 1 else None
    cost = None
    if estimate:
        shape = shape_for(None, gpus_for(settings.detector))
        cost = estimate_cost(made, shape, sample, lambda item: say(f"sample: {item.name}", quiet))
    if as_json:
        print_json({**facts, "sbatch": str(script) if script else None, "estimate": cost.as_json() if cost else None})
        return EXIT_OK
    same = len(made.items) - len(made.work)
    results.print(f"{number(len(made.items), 'input')}{f', {same} of them the same bytes as another' if same else ''}.")
    for line in _cost_lines(cost) if cost else ():
        results.print(line)
    if script is not None:
        results.print(f"Next: sbatch {visible(shlex.quote(str(script)))}")
    else:
        results.print(f"Next: roundel batch run {visible(shlex.quote(str(plan)))}")
    return EXIT_OK


def _cost_lines(cost: Estimate) -> Iterator[str]:
    low, high = (_hours(hours * 3600) for hours in cost.work_hours_range)
    unit = f"one video after the other, {number(cost.threads, 'thread')}{' and a GPU' if cost.on_gpu else ''}"
    yield f"Estimate from {number(cost.sampled, 'input')} ({cost.failed} of them failed), 5 to 95 % of what they allow:"
    yield f"  work, {unit}: {_hours(cost.work_hours * 3600)} ({low} to {high})"
    yield f"  a run on this machine works on {number(cost.at_once, 'video')} at once"
    low, high = (_bytes(gib * 1024**3) for gib in cost.package_gib_range)
    yield f"  results: {_bytes(cost.package_gib * 1024**3)} ({low} to {high})"
    yield f"  video: about {_hours(cost.video_hours * 3600)}"


@app.command("run")
def run_batch(
    plan: PlanArgument,
    engine: Annotated[EngineName, typer.Option(help="local: processes here; ray: a Ray cluster; slurm: one shard.")] = (
        EngineName.LOCAL
    ),
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes; default: one a GPU or, without, one a processor, as memory allows."),
    ] = None,
    shard: ShardOption = None,
    time_limit: Annotated[str | None, typer.Option(help="Begin nothing that would not end within this time.")] = None,
    gpus_per_worker: Annotated[float, typer.Option(min=0, help="Share of a GPU for each Ray worker.")] = 0.0,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Analyse what is missing. May be interrupted in any way and started again.

    Example: **roundel batch run archive.plan**
    """
    from roundel.batch import plan as plans
    from roundel.batch.deadline import Deadline, parse_time
    from roundel.batch.records import outcomes
    from roundel.batch.run import claimed, missing, run, settled, suspects_in
    from roundel.batch.store import open_store

    if engine == EngineName.SLURM and shard is None:
        raise UsageError("--engine slurm works on one shard: give --shard, such as 1/8")
    if gpus_per_worker and engine != EngineName.RAY:
        raise UsageError("--gpus-per-worker shares out the GPUs of a Ray cluster: add --engine ray, or leave it out")
    if gpus_per_worker > 1 and not gpus_per_worker.is_integer():
        raise UsageError(f"--gpus-per-worker {gpus_per_worker:g}: Ray shares out whole GPUs, or a part of one")
    made = plans.read(plan)
    deadline = Deadline.after(parse_time(time_limit) if time_limit else None)
    with claimed(made, shard, deadline, lambda text: say(text, quiet)):
        store = open_store(made)
        known = outcomes(store)
        items = missing(made, store, shard, known)
        suspects = suspects_in(known)
        earlier = {item.id: known.pop(item.id, None) for item in items}
        with _finishing(deadline), _view(made, shard, known, quiet or as_json) as show:
            for outcome in run(made, items, engine.value, workers, deadline, gpus_per_worker, suspects):
                known[outcome.id] = outcome
                show(outcome)
        if engine == EngineName.RAY:
            known |= settled(store, known, earlier)
    whole = engine != EngineName.SLURM and shard is None
    return _end_of_run(made, shard, known, whole, as_json, quiet)


def _end_of_run(
    plan: Plan, shard: str | None, known: dict[str, Outcome], merges: bool, as_json: bool, quiet: bool
) -> int:
    from roundel.batch.merge import merge
    from roundel.batch.sources import is_address
    from roundel.batch.status import status_of

    status = status_of(plan, known, shard)
    merged = merge(plan, waits=True) if merges and not is_address(plan.target) else None
    problems = merged.problems if merged is not None else ()
    if as_json:
        print_json({**status.as_json(), "merged": merged is not None, "problems": list(problems)})
    else:
        for line in (*_status_lines(status), *problems):
            results.print(visible(line))
        if status.left:
            say(f"{number(status.left, 'input')} left. The same command goes on.", quiet)
        elif merged is not None:
            say(f"Case: {plan.target}. Next: roundel report {shlex.quote(plan.target)}", quiet)
        else:
            when = ", when all shards have ended" if shard is not None else ""
            into = " --case CASE" if is_address(plan.target) else ""
            say(f"Next{when}: roundel batch merge {shlex.quote(str(plan.folder))}{into}", quiet)
    if status.left:
        return EXIT_INTERRUPTED
    return EXIT_INTEGRITY if problems else EXIT_SOME_FAILED if status.failed else EXIT_OK


@contextmanager
def _finishing(deadline: Deadline) -> Iterator[None]:
    """The first request to end lets what is under way finish; the second drops it."""

    def ask(signum: int, _: object) -> None:
        if deadline.asked:
            say("Dropped. What is finished stays, and the same command goes on.", quiet=False)
            raise KeyboardInterrupt
        deadline.asked = True
        say("Stopping: what is under way is finished first. Once more to drop it.", quiet=False)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


@contextmanager
def _view(plan: Plan, shard: str | None, known: dict[str, Outcome], quiet: bool) -> Iterator[Callable[[Outcome], None]]:
    """A line of progress, a line for each failure, and the figures for Prometheus."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from roundel.batch.status import METRICS, status_of, write_metrics

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    metrics = plan.folder / (METRICS if shard is None else f"metrics-{shard.replace('/', '-of-')}.prom")
    written = 0.0
    with Progress(*columns, console=messages, disable=quiet or not messages.is_terminal, transient=True) as bars:
        status = status_of(plan, known, shard)
        task = bars.add_task("analysing", total=status.inputs - status.same, completed=status.done + status.failed)

        def show(outcome: Outcome) -> None:
            nonlocal written
            bars.advance(task)
            if outcome.status == "failed":
                why = outcome.message.removeprefix(f"{outcome.name}: ").removeprefix(f"{outcome.source}: ")
                say(f"{outcome.source} (failed): {why}", quiet)
            if time.monotonic() - written >= REFRESH_SECONDS:
                write_metrics(metrics, status_of(plan, known, shard))
                written = time.monotonic()

        yield show
        write_metrics(metrics, status_of(plan, known, shard))


@app.command("status")
def show_status(
    plan: PlanArgument,
    shard: ShardOption = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on showing it every few seconds until all is done.")
    ] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Say how far a plan is: rate, time left, failures by kind. Works beside a run.

    Example: **roundel batch status archive.plan --watch**
    """
    from rich.live import Live
    from rich.text import Text

    from roundel.batch import plan as plans
    from roundel.batch.records import outcomes
    from roundel.batch.status import status_of
    from roundel.batch.store import open_store

    if watch and as_json:
        raise UsageError("--watch is for people: leave it out, or --json")
    made = plans.read(plan)
    store = open_store(made)
    status = status_of(made, outcomes(store), shard)
    if watch:
        with Live(console=results, transient=True, auto_refresh=False) as view:
            while status.left:
                view.update(Text("\n".join(_status_lines(status))), refresh=True)
                time.sleep(REFRESH_SECONDS)
                status = status_of(made, outcomes(store), shard)
    if as_json:
        print_json(status.as_json())
    else:
        for line in _status_lines(status):
            results.print(visible(line))
    return EXIT_OK


def _status_lines(status: Status) -> Iterator[str]:
    same = f", {status.same} the same bytes as another" if status.same else ""
    yield f"{number(status.inputs, 'input')}: {status.done} done, {status.failed} failed, {status.left} left{same}"
    for kind, count in status.failures.items():
        yield f"  {kind}: {count}"
    if status.again:
        yield f"  {status.again} of the failed may succeed when the plan is run again"
    if status.per_hour is not None:
        left = f", about {_hours(status.seconds_left or 0)} left" if status.left else ""
        yield f"  {status.per_hour:.0f} inputs an hour{left}"
    size = _bytes(status.package_bytes)
    yield f"  {_hours(status.video_seconds)} of video, {_hours(status.work_seconds)} of work, {size} of results"


def _hours(seconds: float) -> str:
    """A length of time as people say it.

    >>> _hours(42), _hours(600), _hours(90000)
    ('42 s', '10 min', '25.0 h')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _bytes(size: float) -> str:
    """A size as people say it.

    >>> _bytes(1536), _bytes(3 * 1024**3)
    ('2 KiB', '3.0 GiB')
    """
    for unit, factor in (("GiB", 1024**3), ("MiB", 1024**2)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size / 1024:.0f} KiB"


@app.command("merge")
def merge_batch(
    plan: PlanArgument,
    case: Annotated[Path | None, typer.Option(help="The case that takes results from an address.")] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Check every result and take it into the custody log and the index of the case. May be done at any time.

    Example: **roundel batch merge archive.plan**
    """
    from roundel.batch import plan as plans
    from roundel.batch.merge import merge

    merged = merge(plans.read(plan), case)
    if as_json:
        print_json(_merged_as_json(merged))
    else:
        for line in merged.problems:
            results.print(visible(line))
        results.print(
            f"{visible(str(merged.case))}: {number(merged.packages, 'package')}, {merged.new_packages} of them new; "
            f"{number(merged.events, 'event')} added to the custody log."
        )
    return EXIT_INTEGRITY if merged.problems else EXIT_OK


def _merged_as_json(merged: Merged) -> dict[str, object]:
    return {
        "case": str(merged.case),
        "packages": merged.packages,
        "new_packages": merged.new_packages,
        "events": merged.events,
        "problems": list(merged.problems),
    }
