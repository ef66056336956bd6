"""When videos were published or filmed, as people attest it, and what follows for two that show the same footage.

Pictures prove that two videos show the same footage; they do not tell which is the copy. Only a date gives a direction,
and only as far as whoever attests it is right. Dates are findings of people (docs/claims.md) of these kinds:
``published`` and ``date`` of a ``video``, and ``earlier_copy``, whose ``reference`` is the video that was published.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from roundel.catalogue import load
from roundel.claims.files.findings import read_findings
from roundel.claims.files.grammar import days_words
from roundel.claims.files.names import CatalogueNames
from roundel.claims.files.problems import FileProblemsError, Place, Problem
from roundel.claims.model import DateSpan, Finding
from roundel.record import DATES_VERSION, AttestedDate, AttestedDates, ClaimSource, MatchedVideo

PUBLISHED, FILMED = "published", "filmed"
KINDS = ("published", "earlier_copy", "date")
Resolve = Callable[[str], Sequence[str]]
"""The hashes of the videos that a hash or a file name may mean."""


@dataclass(frozen=True, slots=True)
class Read:
    """Dates from a file, and how many of its entries were not used: of another kind, or of a video not compared."""

    dates: AttestedDates
    unused: int


@dataclass(frozen=True, slots=True)
class Direction:
    """Which of two videos was public first, as far as people attest it, in a sentence; ``filmed`` is another one.

    ``earlier`` is ``None`` if only a date of filming is excluded.
    """

    earlier: Literal["query", "reference"] | None
    sentences: tuple[str, ...]


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


def direction(query: MatchedVideo, reference: MatchedVideo, dates: Iterable[AttestedDate]) -> Direction | None:
    """What dates say of two videos that show the same footage; ``None`` if they say nothing.

    One was public before the other only if its last possible day is before the first possible day of every attested
    publication of the other. A day of filming is excluded if the footage was public before the first possible day.
    """
    known = list(dates)
    there, here = (_of(known, video, PUBLISHED) for video in (reference, query))
    earlier: Literal["query", "reference"] | None = None
    sentences = []
    for name, first, other, later in (("reference", reference, query, here), ("query", query, reference, there)):
        proof = _earliest(there if name == "reference" else here)
        if proof is None:
            continue
        if _is_before(proof, later):
            earlier = "reference" if name == "reference" else "query"
            after = min(later, key=lambda item: item.first or "")
            sentences.append(
                f"{_public(first, proof)}, before the first attested publication of {named(other)} "
                f"({span(after)}, attested by {after.who}: {after.source}). Which file was made from which, dates do "
                "not tell."
            )
        sentences += [
            f"{_public(first, proof)}, but {filmed.who} dates the filming of {named(other)} to {span(filmed)} "
            f"({filmed.source}): for this footage one of the two is wrong."
            for filmed in _of(known, other, FILMED)
            if _is_before(proof, [filmed])
        ]
    return Direction(earlier, tuple(sentences)) if sentences else None


def earliest(video: str, dates: Iterable[AttestedDate]) -> AttestedDate | None:
    """The attested publication of a video that proves most: that with the earliest last possible day."""
    return _earliest([item for item in dates if item.video == video and item.says == PUBLISHED])


def span(item: AttestedDate) -> str:
    """The days of a date, as short as they can be: 2014-08 for a month."""
    first, last = (date.fromisoformat(day) if day else None for day in (item.first, item.last))
    return days_words(DateSpan(first, last))


def named(video: MatchedVideo) -> str:
    """A video by its case and one of its names."""
    return f"{video.case}/{video.names[0]}" if video.case else video.names[0]


def _public(video: MatchedVideo, proof: AttestedDate) -> str:
    when = span(proof)
    when = when if when.startswith("by ") else f"by {proof.last}" if when != proof.last else f"on {when}"
    return f"{named(video)}, and so this footage, had been published {when} (attested by {proof.who}: {proof.source})"


def _of(dates: Sequence[AttestedDate], video: MatchedVideo, says: str) -> list[AttestedDate]:
    return [item for item in dates if item.video == video.sha256 and item.says == says]


def _earliest(dates: Sequence[AttestedDate]) -> AttestedDate | None:
    return min((item for item in dates if item.last), key=lambda item: (item.last or "", item.who), default=None)


def _is_before(proof: AttestedDate, later: Sequence[AttestedDate]) -> bool:
    """Whether the last possible day of one date is before the first possible day of all others; some must be there."""
    return bool(later) and all(proof.last is not None and item.first and proof.last < item.first for item in later)


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
