"""Verbs on claims: ``claims new``, ``claims check`` and ``claims schema``."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from dataclasses import asdict, replace
from datetime import date
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roundel.cli.claim_words import show_claims
from roundel.cli.output import JsonOption, QuietOption, fail, messages, number, print_json, results, say, visible
from roundel.errors import EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, UsageError

if TYPE_CHECKING:
    from roundel.claims.files.names import Names
    from roundel.claims.files.problems import FileProblemsError
    from roundel.claims.model import Claim

app = typer.Typer(help="Write down what is claimed about footage, and check it.", no_args_is_help=True)


class SchemaName(StrEnum):
    """Files that have a schema."""

    CLAIMS = "claims"
    FINDINGS = "findings"


def catalogue_names() -> Names:
    """The catalogue that claims are read with."""
    from roundel.catalogue import load
    from roundel.claims.files.names import CatalogueNames

    return CatalogueNames(load())


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="Claim file (YAML).", show_default=False)],
    case: Annotated[Path | None, typer.Option("--case", help="Folder of the case with the footage.")] = None,
    findings: Annotated[
        list[Path] | None,
        typer.Option("--findings", help="Findings of people, YAML or CSV (may be given several times)."),
    ] = None,
    page: Annotated[Path | None, typer.Option("--page", help="Write the assessment as an HTML page.")] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Hold claims against footage, catalogue and people's findings: for, against, and what cannot be said.

    Example: **roundel claims check claims.yaml --case raqqa --findings findings.csv**

    Without a case only people's findings and the catalogue are used. Mistakes in the files are listed with line and
    column.
    """
    from roundel import claims_check
    from roundel.case import require
    from roundel.claims.files.problems import FileProblemsError
    from roundel.disk import replace_text
    from roundel.report import render_claims, sheet_of

    if case is not None:
        require(case)
    if page is not None and not page.absolute().parent.is_dir():
        raise UsageError(f"{page.parent}: is no folder; make it first, or give another place to --page")
    if page is not None and page.is_dir():
        raise UsageError(f"{page}: is a folder; give the page a file name, as {page / 'claims.html'}")
    try:
        found = claims_check.check(file, findings or (), case)
    except FileProblemsError as error:
        return _refuse(error, as_json)
    if case is not None:
        claims_check.keep(case, found)
    if page is not None:
        replace_text(page, render_claims(sheet_of([found], case, page)))
    if as_json:
        print_json({"ok": True, **found.model_dump(mode="json", by_alias=True)})
        return EXIT_OK
    show_claims(found.claims, results.print)
    if not found.footage:
        say("No footage was examined: what is said rests on people's findings and the catalogue alone.", quiet)
    kept = f"Kept in {case}. Next: roundel report {shlex.quote(str(case))}" if case is not None else ""
    say(f"{number(len(found.claims), 'claim')} assessed. {kept}".strip(), quiet)
    return EXIT_OK


def _refuse(error: FileProblemsError, as_json: bool) -> int:
    if as_json:
        rows = [
            {
                "file": str(problem.place.file),
                "line": problem.place.line,
                "column": problem.place.column_name or problem.place.column,
                "message": problem.text,
            }
            for problem in error.problems
        ]
        print_json({"ok": False, "problems": rows})
    for line in error.lines():
        fail(line)
    return EXIT_USAGE


def _plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value


@app.command("schema")
def schema(
    name: Annotated[SchemaName, typer.Argument(help="Which file it describes.")] = SchemaName.CLAIMS,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Print the JSON Schema of claim files, or of files of findings, with which editors help while you write.

    Example: **roundel claims schema > claims.schema.json**
    """
    text = resources.files("roundel.claims.files").joinpath("schema", f"{name}.schema.json").read_text(encoding="utf-8")
    if as_json:
        print_json(json.loads(text))
    else:
        typer.echo(text, nl=False)
    return EXIT_OK


@app.command("new")
def new(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="Claim file to make, or to add the claim to; without it the text is printed.", show_default=False
        ),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Ask what is claimed, question by question, and write it as a claim file with comments.

    Example: **roundel claims new claims.yaml**
    """
    from roundel.claims.files.problems import FileProblemsError
    from roundel.claims.files.reading import read_claims
    from roundel.cli.claim_questions import ask_for_claim

    names = catalogue_names()
    used: tuple[str, ...] = ()
    if file is not None and (file.exists() or file.is_symlink()):
        try:
            used = tuple(claim.id for claim in read_claims(file, names).claims)
        except FileProblemsError as error:
            return _refuse(error, as_json)
        say(f"The claim will be added to {file}, which has {number(len(used), 'claim')}.", quiet)
    elif file is not None and not file.parent.is_dir():
        raise UsageError(f"{file.parent}: is no folder; make it first, or give another place")
    try:
        claim = ask_for_claim(names, used, quiet)
    except EOFError as error:
        messages.print()
        raise UsageError("the input ended before the claim was complete; nothing was written, start again") from error
    except KeyboardInterrupt as error:
        messages.print("\nInterrupted; nothing was written.")
        raise typer.Exit(EXIT_INTERRUPTED) from error
    text = _write(claim, file, names)
    if as_json:
        print_json({"file": None if file is None else str(file), "claim": _plain(asdict(claim)), "text": text})
    elif file is None:
        typer.echo(text, nl=False)
    else:
        say(f"{file}: the claim {claim.id} was written. You may edit the file; then: roundel claims check", quiet)
    return EXIT_OK


def _write(claim: Claim, file: Path | None, names: Names) -> str:
    """Write a claim to a new file, or add it to one that exists, and give the whole text.

    The text is read back first: nothing is written unless it says the old claims and this one.
    """
    from roundel.claims.files.reading import read_claim_text, read_claims
    from roundel.claims.files.source_text import open_text
    from roundel.claims.files.writing import claim_lines, new_file, with_claim

    place = file or Path("claims.yaml")
    before: tuple[Claim, ...] = ()
    adding = file is not None and file.exists()
    if adding:
        before = read_claims(place, names).claims
        try:
            text = with_claim(open_text(place, "a claim file")[0], place, claim)
        except UsageError as error:
            for line in claim_lines(claim):
                messages.print(visible(line))
            raise UsageError(f"{error}; the claim is printed above") from error
    else:
        text = new_file(claim)
    again = tuple(replace(item, line=0) for item in read_claim_text(text, place, "", names).claims)
    if again != tuple(replace(item, line=0) for item in (*before, claim)):
        raise UsageError(f"{place}: the claim could not be added without changing others; nothing was written")
    if file is not None:
        _save(file, text, adding)
    return text


def _save(file: Path, text: str, adding: bool) -> None:
    if not adding:
        with file.open("x", encoding="utf-8", newline="") as stream:
            stream.write(text)
        return
    target = file.resolve()
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("x", encoding="utf-8", newline="") as stream:
            stream.write(text)
        shutil.copymode(target, part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
