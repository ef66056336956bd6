"""What people and programs see: messages and progress on standard error, results on standard output."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from roundel.classes import tree
from roundel.record import Analysis, CountRecord

if TYPE_CHECKING:
    from roundel.analyze import Progress as OnProgress

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no messages besides errors.")]
CaseArgument = Annotated[Path, typer.Argument(help="Folder of the case.", show_default=False)]

messages = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
results = Console(highlight=False, soft_wrap=True, emoji=False)


def fail(message: str) -> None:
    """One line about what went wrong."""
    messages.print(f"[bold red]Error:[/] {visible(message)}")


def say(message: str, quiet: bool) -> None:
    """A message, unless the user wants none."""
    if not quiet:
        messages.print(visible(message))


def print_json(value: Any) -> None:  # noqa: ANN401
    """The machine-readable result."""
    text = json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True)
    typer.echo(text.encode("utf-8", "backslashreplace"))  # parts of file names that are no text become JSON escapes


def number(count: int, thing: str) -> str:
    """A number of things.

    >>> number(1, "video"), number(0, "file")
    ('1 video', '0 files')
    """
    return f"{count} {thing}{'s' * (count != 1)}"


def visible(text: str) -> str:
    r"""Text from outside made safe for a line on a terminal: what controls it becomes visible, markup is none.

    >>> print(visible("a\x1b[red]\u202eb"))
    a\x1b\[red]\u202eb
    """
    shown = "".join(char if char.isprintable() or char == " " else ascii(char)[1:-1] for char in text)
    return escape(shown)


class _Speed(ProgressColumn):
    """Seconds of video done in a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}× real time" if task.speed else "", style="progress.data.speed")


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Any]:
    """Gives a function that makes the progress callback of one video."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        _Speed(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=messages, disable=quiet or not messages.is_terminal, transient=True) as bars:

        def start(path: Path) -> OnProgress:
            for old in bars.task_ids:
                bars.remove_task(old)
            task = bars.add_task(visible(path.name), total=None)

            def update(done_seconds: float, total_seconds: float | None) -> None:
                bars.update(task, completed=done_seconds, total=total_seconds)

            return update

        yield start


def describe_count(name: str, count: CountRecord) -> str:
    """A count in one phrase.

    >>> describe_count("aircraft", CountRecord(lower=1, estimate=2, interval=[1, 3], upper=3, proof=[]))
    'aircraft: at least 1; 3 sightings'
    """
    sightings = number(count.upper + count.shown_again, "sighting")
    if count.shown_again:
        sightings += f", {count.shown_again} of them shown again"
    title = tree()[name].title if name in tree() else name
    return (
        f"{title}: at least {count.lower}; {sightings}" if count.lower else f"{title}: {sightings}, too weak to count"
    )


def describe(analysis: Analysis) -> str:
    """What an analysis found, in one line."""
    if analysis.failure is not None:
        return analysis.failure.message
    found = [describe_count(name, count) for name, count in analysis.counts.items()]
    missing = sum(to - since for since, to in analysis.coverage.missing_seconds) if analysis.coverage else 0.0
    damage = [f"{missing:.1f} s of the video are missing"] if missing else []
    return " · ".join([*found, *damage]) or "nothing was detected, which is no proof that nothing is there"


def describe_markings(analysis: Analysis) -> str:
    """The serial-like writing that was read on objects, in one line; empty if there is none."""
    read = sorted({reading.text for track in analysis.tracks for reading in track.readings if reading.serial_like})
    return f"read on objects by machine, unchecked: {', '.join(read[:12])}" if read else ""
