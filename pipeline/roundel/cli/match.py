"""The verb ``match``: footage of a case, or of single videos, that other cases show too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roundel import notes, words
from roundel.cli.cases import PageOption, PagePreviewsOption, Previews
from roundel.cli.output import JsonOption, QuietOption, fail, number, print_json, results, say, visible
from roundel.errors import EXIT_OK, EXIT_SOME_FAILED, MediaError, UsageError

if TYPE_CHECKING:
    from roundel.claims.dates import Read
    from roundel.record import AttestedDate
    from roundel.recycled.find import Found, Reference, SameFile
    from roundel.recycled.hints import Hint
    from roundel.recycled.sources import CaseVideos
    from roundel.report.matched import Shown

MOST_NAMES = 8


class Candidates(StrEnum):
    """How candidates are looked for."""

    EXACT = "exact"
    WORDS = "words"


@dataclass(slots=True)
class _Result:
    """What came of all queries; ``cases`` has the case of each thing found, ``None`` for a file that is in none."""

    found: list[Found] = field(default_factory=list)
    cases: list[Path | None] = field(default_factory=list)
    same_files: list[SameFile] = field(default_factory=list)
    hints: list[Hint] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    known: dict[str, set[str]] = field(default_factory=dict)
    """Hashes of videos by the names and hashes that may be meant in a file of dates."""
    failed: list[str] = field(default_factory=list)

    def add(self, item: Found | SameFile | Hint, case: Path | None) -> None:
        """Note what was found."""
        from roundel.recycled.find import Found, SameFile

        if isinstance(item, Found):
            self.found.append(item)
            self.cases.append(case)
        elif isinstance(item, SameFile):
            self.same_files.append(item)
        else:
            self.hints.append(item)

    def know(self, sha256: str, names: Sequence[str]) -> None:
        """Note what a video is called."""
        for name in (*names, sha256, sha256.removeprefix("sha256:")):
            self.known.setdefault(name, set()).add(sha256)


def match(
    queries: Annotated[
        list[Path],
        typer.Argument(metavar="CASE|VIDEO…", help="Cases, or videos that are in none.", show_default=False),
    ],
    against: Annotated[
        list[Path],
        typer.Option(help="Case in which the footage is looked for; may be given several times.", show_default=False),
    ],
    method: Annotated[
        Candidates,
        typer.Option(help="exact: all hashes are compared; words: faster in large archives, and may miss videos."),
    ] = Candidates.EXACT,
    dates: Annotated[
        Path | None, typer.Option(help="When videos were published, as people attest it: findings, YAML or CSV.")
    ] = None,
    page: PageOption = None,
    previews: PagePreviewsOption = Previews.VEILED,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Find footage that other videos show too, edited or not. Matches of a case are kept in it; nothing is sent.

    Example: **roundel match raqqa --against archive --page matches.html**
    """
    from roundel.recycled.find import Reference
    from roundel.recycled.sources import CaseVideos
    from roundel.report.search import check_page

    if page is not None:
        check_page(page)
    folders = list({folder.absolute(): folder for folder in queries}.values())
    cases = {folder: CaseVideos(folder) for folder in folders if _is_folder(folder)}
    references = [Reference(folder, method.value) for folder in {one.resolve(): one for one in against}.values()]
    result = _Result()
    for videos in (*cases.values(), *(reference.videos for reference in references)):
        for video in videos.by_video:
            result.know(video, videos.names(video))
    if dates is not None:
        _read_dates(dates, result)  # what is wrong with it is said before the work, not after it
    _find(folders, cases, references, result, quiet)
    read = _dates(dates, result, list(cases), quiet)
    shown = _shown(result, read)
    if page is not None:
        _write_page(page, shown, result, references, previews)
    if as_json:
        print_json(_told(shown, result, references, read, page))
    else:
        _print(shown, result, references, page)
    return EXIT_SOME_FAILED if result.failed else EXIT_OK


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error


def _find(
    folders: Sequence[Path],
    cases: dict[Path, CaseVideos],
    references: Sequence[Reference],
    result: _Result,
    quiet: bool,
) -> None:
    from roundel.config import load
    from roundel.recycled.run import match_case, match_file
    from roundel.recycled.sources import from_file

    for folder in folders:
        if folder in cases:
            result.asked.append(f"the case {words.shorten(cases[folder].name, 80)}")
            for item in match_case(cases[folder], references):
                result.add(item, folder)
            for left in cases[folder].left_out:
                fail(f"{folder / left}: was not compared: it does not agree with the custody log; run roundel verify")
            continue
        try:
            say(f"{folder.name}: its pictures are being read.", quiet)
            source = from_file(folder, load().media)
        except MediaError as error:
            fail(str(error))
            result.failed.append(str(error))
            continue
        result.asked.append(words.shorten(source.video.names[0], 80))
        result.know(source.sha256, source.video.names)
        for item in match_file(source, references):
            result.add(item, None)
    for reference in references:
        for text in reference.not_compared:
            fail(f"was not compared: {text}")


def _read_dates(path: Path, result: _Result) -> Read:
    from roundel.claims.dates import read_dates

    return read_dates(path, lambda name: sorted(result.known.get(name, ())))


def _dates(path: Path | None, result: _Result, cases: Sequence[Path], quiet: bool) -> list[AttestedDate]:
    """The dates that people attest: those of the file, which the cases then keep, and those they have kept before."""
    from roundel.record import dates_json

    read: Read | None = None
    if path is not None:
        read = _read_dates(path, result)
        if read.unused:
            entries = "1 entry was" if read.unused == 1 else f"{read.unused:,} entries were"
            say(f"{path}: {entries} not used: no dates, or of videos that are not compared here.", quiet)
        for case in cases:
            details: dict[str, object] = {"dates_file": path.name, "dates_file_sha256": read.dates.file.sha256}
            notes.keep_dates(case, path.stem, dates_json(read.dates), details)
    kept = [date for case in cases for file in notes.read_dates(case) for date in file.dates]
    return list({date.model_dump_json(): date for date in [*(read.dates.dates if read else ()), *kept]}.values())


def _shown(result: _Result, dates: Sequence[AttestedDate]) -> list[Shown]:
    from roundel.recycled.dates import direction
    from roundel.recycled.keep import pictures_of
    from roundel.report.matched import Shown

    return [
        Shown(item, pictures_of(case, item), direction(item.matches.query, item.matches.reference, dates))
        for item, case in zip(result.found, result.cases, strict=True)
    ]


def _compared(references: Sequence[Reference]) -> str:
    """With what was compared, and how."""
    from roundel.recycled.said import how_found

    names = words.some([words.shorten(one.videos.name, 80) for one in references], MOST_NAMES)
    videos = number(sum(one.compared for one in references), "video")
    stops = sum(one.stops for one in references)
    left = (
        f" {number(stops, 'plain picture')} that many videos share, such as title cards, prove nothing."
        if stops
        else ""
    )
    given = sum(one.contributed for one in references)
    hashes = f", and by hashes alone with {number(given, 'video')} of contributed fingerprints" if given else ""
    return f"Compared with {videos} of {names}{hashes}. {how_found([one.said for one in references])}{left}"


def _write_page(
    page: Path, shown: Sequence[Shown], result: _Result, references: Sequence[Reference], previews: Previews
) -> None:
    from roundel.config import load
    from roundel.detect import load_detector
    from roundel.recycled.hints import hint_line
    from roundel.recycled.said import NOTHING, same_file
    from roundel.report.matched import match_page, write_page

    loose = any(item.found.query_folder is None for item in shown)
    finder = load_detector(load().detector).detector if loose else None
    same = [f"{same_file(item)}." for item in result.same_files]
    hinted = [f"{hint_line(item)}." for item in result.hints]
    asked = words.some(result.asked, MOST_NAMES)
    made = match_page(shown, asked, _compared(references), same, hinted, NOTHING, finder)
    write_page(made, page, previews.value)


def _print(shown: Sequence[Shown], result: _Result, references: Sequence[Reference], page: Path | None) -> None:
    from roundel.recycled.hints import HINT_CAUTION, hint_line
    from roundel.recycled.said import CAUTION, NOTHING, UNDATED, line, same_file

    for file in result.same_files:
        results.print(visible(same_file(file)))
    for one in shown:
        matches = one.found.matches
        for item in matches.matches:
            results.print(visible(line(item, matches.query, matches.reference)))
        said = one.direction.sentences if one.direction is not None else ()
        for sentence in said:
            results.print(f"  people attest: {visible(sentence)}")
        if not said:
            results.print(f"  {UNDATED}")
    for hint in result.hints:
        results.print(visible(hint_line(hint)))
    if not shown and not result.same_files and not result.hints:
        results.print(NOTHING)
    results.print(visible(_compared(references)))
    if shown:
        results.print(CAUTION)
    if result.hints:
        results.print(HINT_CAUTION)
    kept = sorted({str(case) for case in result.cases if case is not None})
    if kept:
        results.print(f"Kept in matches/ of {visible(words.listed(kept))}, with an overlay of each.")
    if page is not None:
        results.print(f"Page: {visible(str(page))}")


def _told(
    shown: Sequence[Shown],
    result: _Result,
    references: Sequence[Reference],
    dates: Sequence[AttestedDate],
    page: Path | None,
) -> dict[str, Any]:
    from roundel.recycled.said import CAUTION, THRESHOLDS, line

    return {
        "matches": [
            {
                **item.found.matches.model_dump(mode="json"),
                "kept": str(case / "matches" / item.found.matches.id) if case is not None else None,
                "lines": [
                    line(one, item.found.matches.query, item.found.matches.reference)
                    for one in item.found.matches.matches
                ],
                "attested_by_people": {
                    "earlier": item.direction.earlier if item.direction is not None else None,
                    "sentences": list(item.direction.sentences) if item.direction is not None else [],
                },
            }
            for item, case in zip(shown, result.cases, strict=True)
        ],
        "same_files": [
            {"query": item.query.model_dump(mode="json"), "reference": item.reference.model_dump(mode="json")}
            for item in result.same_files
        ],
        "hints": [_hinted(item) for item in result.hints],
        "references": [
            {
                "case": str(one.videos.case),
                "videos": one.compared,
                "candidates": one.said,
                "stop_list": one.stops,
                "contributed": one.contributed,
                "not_compared": list(one.not_compared),
            }
            for one in references
        ],
        "dates": [item.model_dump(mode="json") for item in dates],
        "failed": result.failed,
        "verification": THRESHOLDS,
        "caution": CAUTION,
        "page": str(page) if page else None,
    }


def _hinted(item: Hint) -> dict[str, Any]:
    from roundel.recycled.hints import hint_line

    found = item.candidate
    return {
        "line": hint_line(item),
        "query": item.query.model_dump(mode="json"),
        "contribution": item.received.place,
        "contributor": item.received.contributor,
        "trust": item.received.trust,
        "video": {"sha256": item.video.sha256, "label": item.video.label},
        "seconds": list(found.query_seconds) if found is not None else None,
        "contributed_seconds": list(found.contributed_seconds)
        if found is not None and found.contributed_seconds is not None
        else None,
        "pairs": found.pairs if found is not None else None,
        "verified_by_pictures": False,
    }
