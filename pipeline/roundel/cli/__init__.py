"""The command line: thin verbs over the library. Results go to standard output, all else to standard error."""

from __future__ import annotations

import signal
import sys
from typing import Any

import typer

from roundel import __version__
from roundel.cli import (
    analyze,
    batch,
    cases,
    catalogue,
    claims,
    demo,
    doctor,
    fingerprints,
    gallery,
    match,
    models,
    search,
)
from roundel.cli.output import fail
from roundel.errors import EXIT_INTERRUPTED, EXIT_USAGE, RoundelError
from roundel.quiet import hush


def _leave(code: int | None, **_: Any) -> None:  # noqa: ANN401
    """Every verb returns its exit code."""
    raise typer.Exit(code or 0)


app = typer.Typer(
    name="roundel",
    help="Military hardware in video footage: what is visible, how many at least, and the evidence to check it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    result_callback=_leave,
    rich_markup_mode="markdown",
)
app.command("analyze")(analyze.analyze)
app.command("report")(cases.report)
app.command("verify")(cases.verify)
app.command("match")(match.match)
app.command("search")(search.search)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.add_typer(batch.app, name="batch")
app.add_typer(models.app, name="models")
app.add_typer(gallery.app, name="gallery")
app.add_typer(claims.app, name="claims")
app.add_typer(fingerprints.app, name="fingerprints")
app.add_typer(catalogue.app, name="catalogue")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"roundel {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    pass


def main() -> None:
    """Entry point: errors become one clear line and an exit code of the contract.

    A request to end (SIGTERM) is treated as Ctrl-C: children are ended, temporary files go, what is finished stays.
    """
    hush()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app()
    except RoundelError as error:
        for line in error.lines():
            fail(line)
        sys.exit(error.exit_code)
    except OSError as error:
        what = f"{error.filename or 'a file'}: {error.strerror or error}"
        fail(f"{what}; check that the place exists, has room and may be written to, then run again")
        sys.exit(EXIT_USAGE)
    except MemoryError:
        fail("there is not enough memory for this; free some, or give smaller files, then run again")
        sys.exit(EXIT_USAGE)
    except KeyboardInterrupt:
        fail("Interrupted.")
        sys.exit(EXIT_INTERRUPTED)
