"""Verbs on a case: ``report`` and ``verify``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from roundel.cli.output import CaseArgument, JsonOption, QuietOption, number, print_json, results, say, visible
from roundel.errors import EXIT_INTEGRITY, EXIT_OK, EXIT_SOME_FAILED

MOST_LISTED = 40  # problems of a case; --json lists all


class Previews(StrEnum):
    """How pictures look when the page is opened."""

    VEILED = "veiled"
    CLEAR = "clear"


PageOption = Annotated[Path | None, typer.Option(help="Write a page with the pictures to this HTML file.")]
PagePreviewsOption = Annotated[
    Previews, typer.Option(help="On the page: veiled: pictures are grey and blurred until shown; clear: shown.")
]


def make_report(case: Path, previews: str) -> tuple[Path, Path | None]:
    """Render the report of a case, and the page of its claims if there are any; their hashes go to the custody log."""
    from roundel import case as cases
    from roundel import custody
    from roundel.media.identity import sha256_of
    from roundel.report import render_case, render_claims_of

    cases.require(case)
    shown: Literal["clear", "veiled"] = "clear" if previews == Previews.CLEAR else "veiled"
    claims = render_claims_of(case, previews=shown)
    page = render_case(case, previews=shown)
    for made in (claims, page):
        if made is not None:
            custody.append(case, cases.REPORTED, made.relative_to(case).as_posix(), {"sha256": sha256_of(made)})
    return page, claims


def report(
    case: CaseArgument,
    previews: Annotated[
        Previews,
        typer.Option(help="veiled: pictures are grey and blurred until the reader shows them; clear: shown at once."),
    ] = Previews.VEILED,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Write the report of a case: one HTML page that needs nothing else and can be sent on.

    Example: **roundel report raqqa**
    """
    page, claims = make_report(case, previews)
    if as_json:
        print_json({"report": str(page), "claims": str(claims) if claims else None})
    else:
        results.print(visible(str(page)))
        if claims is not None:
            results.print(visible(str(claims)))
    return EXIT_OK


def verify(
    case: CaseArgument,
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Repeat every analysis from its video and compare the results.")
    ] = False,
    video: Annotated[
        list[Path] | None,
        typer.Option(help="Where a video lies now, if it was moved (for --rerun; may be given several times)."),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Check that nothing in a case was changed, removed or added since it was written.

    Example: **roundel verify raqqa --rerun**
    """
    from roundel import case as cases
    from roundel import custody

    found = list(dict.fromkeys(cases.problems(cases.require(case, links=True))))
    not_repeated: list[str] = []
    repeated = 0
    if rerun and not found:
        from roundel.disk import scratch
        from roundel.rerun import rerun_case

        with scratch("rerun") as folder:
            for outcome in rerun_case(case, video or [], folder):
                say(f"{outcome.package.parent.name[:12]}…/{outcome.package.name}: {outcome.status}", quiet)
                repeated += outcome.status == "same"
                found += outcome.details if outcome.status == "different" else []
                not_repeated += outcome.details if outcome.status == "not repeated" else []
    if rerun and found and not repeated:
        say("Nothing was repeated, because the case is not as it was written.", quiet)
    head = "" if found else list(custody.read(case))[-1].hash
    packages = len(cases.packages(case))
    if as_json:
        print_json(
            {
                "ok": not found,
                "problems": found,
                "not_repeated": not_repeated,
                "packages": packages,
                "repeated": repeated,
                "custody_head": head,
            }
        )
    else:
        for line in found[:MOST_LISTED]:
            results.print(visible(line))
        if len(found) > MOST_LISTED:
            results.print(f"and {number(len(found) - MOST_LISTED, 'problem')} more; --json lists all")
        for line in not_repeated:
            results.print(f"not repeated: {visible(line)}")
        if not found:
            results.print(f"{number(packages, 'package')} and the custody log are as they were written.")
            if rerun:
                results.print(f"{number(repeated, 'package')} repeated: the same bytes.")
            results.print(f"Last entry of the log: {head}")
            results.print("Keep that line elsewhere: with it, a later rewriting of the whole log can be noticed.")
    return EXIT_INTEGRITY if found else EXIT_SOME_FAILED if not_repeated else EXIT_OK
