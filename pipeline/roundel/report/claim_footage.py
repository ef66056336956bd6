"""The inputs of a page of claims, from checks that were made: files, footage and how it was examined, pictures."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from roundel import case as cases
from roundel import package, words
from roundel.catalogue import load
from roundel.errors import IntegrityError
from roundel.record import Analysis, ClaimFootage, ClaimsCheck
from roundel.report.claim_sheet import ClaimsSheet, ExaminedVideo, InputFile, Pictures, no_pictures
from roundel.report.facts import coverage_line
from roundel.report.method import model_line, validation_line
from roundel.report.pictures import Album, Picture

TITLE = "Claims, and what speaks for and against them"


@dataclass(frozen=True, slots=True)
class ExaminedFootage:
    """The fields of a ``ClaimsSheet`` that come from the footage; none of it if no case is given."""

    videos: tuple[ExaminedVideo, ...] = ()
    model: str = ""
    validation: str = ""
    pictures: Pictures = no_pictures


def sheet_of(checks: Sequence[ClaimsCheck], case: Path | None, page: Path) -> ClaimsSheet:
    """Everything that the page of these checks shows.

    Args:
        checks: each of one claim file, in the order in which they are to be shown.
        case: the case that they were held against, if any.
        page: the file that the page will be written to.

    Raises:
        IntegrityError: if a package of the case is not as it was written.
    """
    used = {(item.sha256, item.analysis): item for check in checks for item in check.footage}
    footage = examined_footage(case, page, used.values()) if case is not None else ExaminedFootage()
    sources = [("Claim file", check.claim_file) for check in checks]
    sources += [("Findings", item) for check in checks for item in check.findings_files]
    return ClaimsSheet(
        title=words.listed([check.title for check in checks if check.title]) or TITLE,
        about=" ".join(check.about for check in checks if check.about),
        records=tuple(record for check in checks for record in check.claims),
        files=tuple(InputFile(what, item.name, item.sha256) for what, item in sources),
        videos=footage.videos,
        model=footage.model,
        validation=footage.validation,
        made=f"Roundel {words.listed(sorted({check.tool_version for check in checks}))}",
        sources=load().sources,
        pictures=footage.pictures,
    )


def examined_footage(case: Path, page: Path, used: Iterable[ClaimFootage]) -> ExaminedFootage:
    """The footage that claims were held against, with exhibits as seen from the place of the page.

    Args:
        case: the folder of the case.
        page: the file that the page will be written to.
        used: which videos, and which analysis of each.

    Raises:
        UsageError: if the folder is no case.
        IntegrityError: if a package is not as it was written.
    """
    cases.require(case)
    folders = sorted({package.location(case, item.sha256, item.analysis) for item in used})
    for folder in folders:
        broken = package.problems(folder)
        if broken:
            raise IntegrityError(f"{broken[0]}; no page is made of changed evidence: run roundel verify {case}")
    read = [(folder, package.read_analysis(folder)) for folder in folders]
    received = cases.names(case)
    albums: dict[str, list[Album]] = {}
    for folder, analysis in read:
        albums.setdefault(analysis.video.sha256, []).append(Album(analysis, folder))

    def picture(video: str, file: str) -> Picture | None:
        return next((found for album in albums.get(video, ()) if (found := album.exhibit(file))), None)

    analyses = [analysis for _, analysis in read]
    return ExaminedFootage(
        videos=tuple(
            _video(analysis, folder, page, [*analysis.video.names, *received.get(analysis.video.sha256, [])])
            for folder, analysis in read
        ),
        model="; ".join(dict.fromkeys(model_line(analysis.provenance) for analysis in analyses)),
        validation="; ".join(dict.fromkeys(validation_line(analysis.provenance) for analysis in analyses)),
        pictures=picture,
    )


def _video(analysis: Analysis, folder: Path, page: Path, names: Sequence[str]) -> ExaminedVideo:
    if analysis.failure:
        coverage = f"not analysed: {words.shorten(analysis.failure.message)}"
    else:
        coverage = coverage_line(analysis.coverage) or "how much of it was examined is not recorded"
    return ExaminedVideo(
        name=words.shorten(names[0], 120) if names else "video without a name",
        sha256=analysis.video.sha256,
        coverage=coverage,
        package=Path(os.path.relpath(folder, page.parent)).as_posix() if _beside(folder, page) else "",
        analysed=analysis.failure is None,
    )


def _beside(folder: Path, page: Path) -> bool:
    """Whether the page lies in the case that holds a package, so that both travel together."""
    return folder.resolve().parents[2] in page.resolve().parents
