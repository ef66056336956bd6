"""Dates that people attest for the videos of a case, from a file of findings (docs/claims.md).

Findings of the kinds ``published`` and ``date`` speak of their ``video``; ``earlier_copy`` says when the video that is
its ``reference`` was public. Notes are left out: they are not written for others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from roundel.catalogue import load
from roundel.claims.files.findings import read_findings
from roundel.claims.files.names import CatalogueNames
from roundel.claims.files.problems import FileProblemsError, Place, Problem
from roundel.claims.model import Finding
from roundel.exchange.lines import MOST_LINE
from roundel.exchange.model import Attested, Says

_SAYS: Final[Mapping[str, Says]] = {"published": "published", "earlier_copy": "published", "date": "filmed"}


def read_dates(path: Path, names: Mapping[str, Sequence[str]]) -> dict[str, tuple[Attested, ...]]:
    """The dates of a file by the hash of the video.

    Args:
        path: a file of findings, YAML or CSV.
        names: the names of each video that may be meant, by its hash.

    Raises:
        UsageError: if the file cannot be used; as FileProblemsError with every problem and its place.
    """
    _, findings = read_findings(path, CatalogueNames(load()))
    found: dict[str, list[Attested]] = {}
    problems: list[Problem] = []
    for item in findings:
        if item.kind not in _SAYS:
            continue
        text = item.reference if item.kind == "earlier_copy" else item.video
        meant = [sha256 for sha256, known in names.items() if text in (sha256, sha256.removeprefix("sha256:"), *known)]
        wrong = _problem(item, text, len(meant))
        if wrong:
            problems.append(Problem(Place(path, item.line, 1), wrong))
        elif meant:
            found.setdefault(meant[0], []).append(_attested(item))
    if problems:
        raise FileProblemsError(problems)
    return {sha256: tuple(sorted(items, key=repr)) for sha256, items in found.items()}


def _problem(item: Finding, text: str, meant: int) -> str:
    """What is wrong with a finding as a date; empty if nothing is."""
    if not text:
        return "a date needs video; write video: and the hash or file name of the video"
    if item.when is None or (item.when.first is None and item.when.last is None):
        return "a date needs when; write when: 2014-08-31"
    if not item.source:
        return "a date needs source, also if it was seen: the publication or document; write its address in quotes"
    if max(len(item.source), len(item.who)) > MOST_LINE:
        return f"who and source may have {MOST_LINE} characters each; shorten them"
    return f"{text[:80]} is the name of {meant} videos; give the hash of the one that is meant" if meant > 1 else ""


def _attested(item: Finding) -> Attested:
    assert item.when is not None, "a date without when is a problem"
    first, last = (day.isoformat() if day else None for day in (item.when.first, item.when.last))
    return Attested(_SAYS[item.kind], first, last, item.who, item.found.isoformat(), item.basis, item.source)
