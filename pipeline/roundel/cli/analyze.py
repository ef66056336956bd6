"""The verb ``analyze``, and what every verb that analyses does."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roundel.cli.output import (
    JsonOption,
    QuietOption,
    describe,
    describe_markings,
    number,
    print_json,
    progress_bar,
    results,
    say,
    visible,
)
from roundel.config import Config, load
from roundel.errors import EXIT_INTERRUPTED, EXIT_OK, EXIT_SOME_FAILED, RoundelError, UsageError
from roundel.words import shorten

if TYPE_CHECKING:
    from roundel.claims.files.reading import ClaimFile
    from roundel.job import Inputs, Outcome


def analyze(
    videos: Annotated[
        list[Path],
        typer.Argument(
            metavar="VIDEO|DIR|LIST…", help="Videos, folders of videos, or .txt lists of paths.", show_default=False
        ),
    ],
    case: Annotated[Path, typer.Option(help="Folder of the case; made if it does not exist.", show_default=False)],
    model: Annotated[str | None, typer.Option(help="Weights: a name from 'roundel models list', or a path.")] = None,
    engine: Annotated[str | None, typer.Option(help="auto, onnx, openvino, tensorrt or ultralytics.")] = None,
    sample_fps: Annotated[str | None, typer.Option(help="Frames a second for the detector at least, or 'all'.")] = None,
    tiles: Annotated[
        str | None, typer.Option(help="auto, on or off: cut frames into tiles to find small objects.")
    ] = None,
    claims: Annotated[
        Path | None, typer.Option(help="Claim file: each video's package says what the video does to the claims.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file with settings.")] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Find military hardware in videos and write the evidence into a case.

    Example: **roundel analyze footage.mp4 --case raqqa**

    What is done already is skipped, so the same command goes on where it was interrupted.
    """
    flags: dict[str, dict[str, Any]] = {
        "detector": {"model": model, "engine": engine, "tiles": tiles},
        "sampling": {"base_fps": _sample_fps(sample_fps)},
    }
    settings = load(config, flags)
    return run(videos, case, settings, as_json, quiet, claims)[0]


def _read_claims(file: Path) -> ClaimFile:
    """The claims of a file.

    Raises:
        FileProblemsError: with everything that is wrong in it.
    """
    from roundel.catalogue import load as load_catalogue
    from roundel.claims.files.names import CatalogueNames
    from roundel.claims.files.reading import read_claims

    return read_claims(file, CatalogueNames(load_catalogue()))


def _sample_fps(text: str | None) -> float | str | None:
    if text is None or text == "all":
        return text
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise UsageError(f"--sample-fps {text}: give a number of frames a second above 0, or 'all'")
    return value


def run(
    videos: list[Path], case: Path, settings: Config, as_json: bool, quiet: bool, claims: Path | None = None
) -> tuple[int, list[Outcome]]:
    """Analyse videos into a case and print what was found.

    Returns:
        The exit code, and what came of each video.

    Raises:
        RoundelError: if nothing can be analysed, or the case cannot be written.
    """
    from roundel import case as cases
    from roundel import job
    from roundel.detect import load_detector
    from roundel.specialists import load_specialists

    inputs = _collect(videos, quiet)
    claim_file = _read_claims(claims) if claims is not None else None
    if cases.is_case(case):
        with cases.at_work(cases.require(case)):  # a case in which a run is at work is left as it is
            pass
    loaded = load_detector(settings.detector)
    specialists = load_specialists(settings, case)
    cases.create(case, settings)
    outcomes, interrupted = [], False
    try:
        with progress_bar(quiet or as_json) as start:
            for outcome in job.run(inputs.files, case, settings, loaded, start, specialists, claim_file):
                outcomes.append(outcome)
                if not as_json:
                    text = describe(outcome.analysis) if outcome.analysis else outcome.message
                    name = visible(shorten(outcome.path.name))
                    results.print(f"[bold]{name}[/] ({outcome.status}): {visible(shorten(text, 1000))}")
                    if outcome.analysis and (markings := describe_markings(outcome.analysis)):
                        results.print(f"  {visible(markings)}")
                    for claim in outcome.analysis.claims if outcome.analysis else ():
                        results.print(f"  {visible(claim.id)}: {claim.verdict.replace('_', ' ')}")
    except KeyboardInterrupt:
        interrupted = True
        done = f"{len(outcomes)} of {number(len(inputs.files), 'video')} finished and kept"
        say(f"Interrupted: {done}. The same command goes on.", quiet=False)
    except OSError as error:
        raise RoundelError(
            f"{error.filename or case}: {error.strerror or error}; {len(outcomes)} of "
            f"{number(len(inputs.files), 'video')} finished and kept. Make room or give access, then the same command "
            "goes on."
        ) from error
    if as_json:
        print_json(_as_json(case, outcomes))
    else:
        say(f"Case: {case}. Next: roundel report {shlex.quote(str(case))}", quiet)
    failed = sum(outcome.status == "failed" for outcome in outcomes)
    if failed and not as_json:
        others = "; the others are complete" if failed < len(outcomes) else ""
        say(f"{failed} of {number(len(outcomes), 'video')} failed{others}.", quiet)
    return EXIT_INTERRUPTED if interrupted else EXIT_SOME_FAILED if failed else EXIT_OK, outcomes


def _collect(videos: list[Path], quiet: bool) -> Inputs:
    """The files that are to be analysed; what is passed over is said.

    Raises:
        UsageError: if there is none.
    """
    from roundel import job

    inputs = job.collect(videos)
    left_out = []
    if inputs.passed_over:
        left_out.append((f"{number(len(inputs.passed_over), 'file')} without a video's name", inputs.passed_over[0]))
    if inputs.links:
        left_out.append((f"{len(inputs.links)} of links out of the folder, pipes and devices", inputs.links[0]))
    if not inputs.files:
        other = f" ({', '.join(said for said, _ in left_out)})" if left_out else ""
        raise UsageError(
            f"{', '.join(map(str, videos))}: no video found{other}; give videos, folders of videos, or .txt lists"
        )
    for said, example in left_out:
        say(f"passed over: {said}, such as {example}", quiet)
    return inputs


def _as_json(case: Path, outcomes: list[Outcome]) -> dict[str, Any]:
    return {
        "case": str(case),
        "videos": [
            {
                "path": str(outcome.path),
                "status": outcome.status,
                "package": str(outcome.package) if outcome.package else None,
                "message": outcome.message,
                "claims": [claim.model_dump(mode="json", by_alias=True) for claim in outcome.analysis.claims]
                if outcome.analysis
                else [],
                "counts": {name: count.model_dump(mode="json") for name, count in outcome.analysis.counts.items()}
                if outcome.analysis
                else {},
            }
            for outcome in outcomes
        ],
    }
