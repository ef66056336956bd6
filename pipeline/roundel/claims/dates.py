"""Days on which videos were published or filmed, as people attest them in a file of findings (docs/claims.md).

``published`` and ``date`` speak of their ``video``; ``earlier_copy`` says when its ``reference`` was public.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from roundel.catalogue import load
from roundel.claims.files.findings import read_findings
from roundel.claims.files.names import CatalogueNames
from roundel.claims.files.problems import FileProblemsError, Place, Problem
from roundel.claims.model import DateSpan, Finding
from roundel.record import DATES_VERSION, AttestedDate, AttestedDates, ClaimSource

PUBLISHED, FILMED = "published", "filmed"
KINDS = ("published", "earlier_copy", "date")
Resolve = Callable[[str], Sequence[str]]
"""The hashes of the videos that a hash or a file name may mean."""


@dataclass(frozen=True, slots=True)
class Read:
    """Dates from a file, and how many of its entries were not used: of another kind, or of a video not compared."""

    dates: AttestedDates
    unused: int


def read_dates(path: Path, resolve: Resolve) -> Read:
    """Dates from a file of findings (YAML or CSV).

    Raises:
        UsageError: if the file cannot be used; as FileProblemsError with every problem and its place.
    """
    source, findings = read_findings(path, CatalogueNames(load()))
    problems: list[Problem] = []
    dates: list[AttestedDate] = []
    unused = 0
    for item in findings:
        if item.kind not in KINDS:
            unused += 1
            continue
        wrong = _problem_of(item)
        known = [] if wrong else list(resolve(_video_of(item)))
        if len(known) > 1:
            wrong = f"{_video_of(item)} is the name of {len(known)} videos; give the hash of the one that is meant"
        if wrong:
            problems.append(Problem(Place(path, item.line, 1), wrong))
        elif known:
            dates.append(_dated(item, known[0]))
        else:
            unused += 1
    if problems:
        raise FileProblemsError(problems)
    text = path.read_text(encoding="utf-8-sig")
    ordered = sorted(dates, key=lambda item: (item.video, item.last or "", item.who))
    file = ClaimSource(name=path.name, sha256=source.sha256, text=text)
    return Read(AttestedDates(schema_version=DATES_VERSION, file=file, dates=ordered), unused)


def _problem_of(item: Finding) -> str:
    """What is wrong with a finding as a date; empty if nothing is."""
    if item.kind != "earlier_copy" and not item.video:
        return "a date needs video; write video: and the hash or file name of the video"
    if item.when is None or (item.when.first is None and item.when.last is None):
        return "a date needs when; write when: 2014-08-31"
    if not item.source:
        return "a date needs source, also if it was seen: the publication or document; write its address in quotes"
    return ""


def _video_of(item: Finding) -> str:
    return item.reference if item.kind == "earlier_copy" else item.video


def _dated(item: Finding, video: str) -> AttestedDate:
    when = item.when or DateSpan()
    return AttestedDate(
        video=video,
        says=FILMED if item.kind == "date" else PUBLISHED,
        first=when.first.isoformat() if when.first else None,
        last=when.last.isoformat() if when.last else None,
        who=item.who,
        found=item.found.isoformat(),
        basis=item.basis,
        source=item.source,
        note=item.note,
    )
