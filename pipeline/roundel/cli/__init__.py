"""The command line: thin verbs over the library. Results go to standard output, progress and messages to standard error."""

from __future__ import annotations

import sys

import click
import typer

from roundel import __version__
from roundel.cli import analyze, cases, doctor, models
from roundel.cli.output import fail
from roundel.errors import EXIT_INTERRUPTED, EXIT_USAGE, RoundelError
from roundel.quiet import hush

app = typer.Typer(
    name="roundel",
    help="Military hardware in video footage: what is visible, how many at least, and the evidence to check it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command("analyze")(analyze.analyze)
app.command("report")(cases.report)
app.command("verify")(cases.verify)
app.command("demo")(analyze.demo)
app.command("doctor")(doctor.doctor)
app.add_typer(models.app, name="models")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"roundel {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
) -> None:
    pass


def main() -> None:
    """Entry point: errors become one clear line and an exit code of the contract."""
    hush()
    try:
        code = app(standalone_mode=False)
    except RoundelError as error:
        fail(str(error))
        sys.exit(error.exit_code)
    except click.exceptions.Abort:
        sys.exit(EXIT_INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_USAGE)
    except KeyboardInterrupt:
        fail("Interrupted.")
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        sys.exit(0)
    sys.exit(code if isinstance(code, int) else 0)
