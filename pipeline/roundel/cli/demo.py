"""The verb ``demo``: two clips whose contents are known, analysed, and what both show, beside the truth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roundel import words
from roundel.classes import tree
from roundel.cli.analyze import run
from roundel.cli.output import JsonOption, QuietOption, results, visible
from roundel.config import load
from roundel.errors import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from roundel.record import Analysis, MatchRecord
    from roundel.recycled.find import Found

DEMO_CLIP = Path(__file__).parent.parent / "demo" / "clip.mp4"
REPOST = DEMO_CLIP.with_name("repost.mp4")
"""Another channel's clip, in which a shot of the first is shown again."""
TRUTHS = {DEMO_CLIP: DEMO_CLIP.with_name("truth.json"), REPOST: REPOST.with_suffix(".json")}


def demo(
    case: Annotated[Path, typer.Option(help="Folder of the case.")] = Path("roundel-demo"),
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Analyse two demo clips, whose contents are known, find what both show, and make their report.

    Example: **roundel demo**
    """
    from roundel.cli.cases import make_report

    code, outcomes = run(list(TRUTHS), case, load(), as_json, quiet)
    if code == EXIT_INTERRUPTED:
        return code
    analyses = {outcome.path.name: outcome.analysis for outcome in outcomes}
    packages = {outcome.path.name: outcome.package for outcome in outcomes}
    copies = _copies(case, analyses)
    page, _ = make_report(case, "veiled")
    if not as_json:
        for clip, truth in TRUTHS.items():
            results.print(_beside_truth(clip.name, json.loads(truth.read_text("utf-8")), analyses.get(clip.name)))
        _print_repeat(analyses.get(DEMO_CLIP.name), packages.get(DEMO_CLIP.name))
        _print_copies(case, copies)
        results.print(f"Report: {visible(str(page.absolute()))}")
    return code


def _copies(case: Path, analyses: dict[str, Analysis | None]) -> list[Found]:
    """What the second clip shows of the first; the case keeps it."""
    from roundel.recycled.find import Found, Reference
    from roundel.recycled.run import match_case
    from roundel.recycled.sources import CaseVideos

    both = {analysis.video.sha256 for analysis in analyses.values() if analysis is not None}
    found = [item for item in match_case(CaseVideos(case), [Reference(case)]) if isinstance(item, Found)]
    return [item for item in found if {item.matches.query.sha256, item.matches.reference.sha256} <= both]


def _beside_truth(name: str, truth: dict[str, Any], analysis: Analysis | None) -> str:
    """The true numbers of a clip, and whether each lies between the bounds that were found."""
    counts = analysis.counts if analysis else {}
    outside = [
        title
        for title, real in truth["distinct"].items()
        if title not in counts or not counts[title].lower <= real <= counts[title].upper
    ]
    verdict = f"Outside the bounds: {', '.join(outside)}." if outside else "Each number lies between its bounds."
    return f"{name} really shows: {_numbers(truth['distinct'])}. {verdict}"


def _numbers(distinct: dict[str, int]) -> str:
    return ", ".join(f"{real} {tree()[name].title}" for name, real in distinct.items())


def _print_repeat(analysis: Analysis | None, package: Path | None) -> None:
    """The shot that the first clip shows twice, and where that really is."""
    from roundel.recycled.said import span

    truth = json.loads(TRUTHS[DEMO_CLIP].read_text("utf-8"))
    later = next(shot for shot in truth["shots"] if shot["mirrored_of"] is not None)
    earlier = truth["shots"][later["mirrored_of"]]
    real = [[shot[end] / truth["fps"] for end in ("first_frame", "end_frame")] for shot in (later, earlier)]
    matches: Sequence[MatchRecord] = analysis.matches if analysis else ()
    for match in matches:
        edits = ", ".join(match.edits) or "no difference noticed"
        results.print(
            f"{DEMO_CLIP.name} {span(match.query)} shows again what it shows at {span(match.reference.range)}: {edits}"
        )
    results.print(f"  in truth: {span(real[0])} shows {span(real[1])}, mirrored{'' if matches else '; not found'}")
    if package is not None:
        for match in matches:
            _print_overlay(package / match.overlay)


def _print_copies(case: Path, copies: Sequence[Found]) -> None:
    """What both clips show, and where that really is."""
    from roundel.recycled.said import UNDATED, line, span

    truth = json.loads(TRUTHS[REPOST].read_text("utf-8"))
    copied = truth["copied"]
    for item in copies:
        for match in item.matches.matches:
            results.print(visible(line(match, item.matches.query, item.matches.reference)))
    results.print(
        f"  in truth: {span(copied['seconds'])} shows {span(copied['source_seconds'])} of {copied['source']}, "
        f"{words.listed(copied['edits'])}{'' if copies else '; not found'}"
    )
    if not copies:
        return
    results.print(f"  {UNDATED}")
    results.print(
        f"  Numbers of the two videos must not be added up: both together really show "
        f"{_numbers(truth['distinct_in_both_videos'])}."
    )
    for item in copies:
        folder = case.absolute() / "matches" / item.matches.id
        for match in item.matches.matches:
            _print_overlay(folder / match.overlay)


def _print_overlay(picture: Path) -> None:
    results.print(f"  Overlay: {visible(str(picture.absolute()))}")
