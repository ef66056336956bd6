"""The matches that a case keeps, as claims are told of them."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from pathlib import Path

from roundel import notes
from roundel.claims.model import Attested, Copy, DateSpan
from roundel.record import AttestedDate, FootageMatch, MatchedVideo
from roundel.recycled.dates import earliest, named
from roundel.recycled.keep import kept

PARTS = {
    "query": {"picture-in-picture", "cropped in the reference"},
    "reference": {"picture-in-picture in the reference", "cropped"},
}
"""Edits by which the other video holds only a part of the picture of this one."""


def copies_of(case: Path) -> dict[str, list[Copy]]:
    """The copies of each video by its hash: of the query in the reference, and the other way round.

    Raises:
        IntegrityError: if a match or a file of dates is not as it was written.
    """
    dates = [item for file in notes.read_dates(case) for item in file.dates]
    found: dict[str, list[Copy]] = defaultdict(list)
    for item in kept(case):
        folder = item.folder.relative_to(case).as_posix()
        query, reference = item.matches.query, item.matches.reference
        for match in item.matches.matches:
            where = f"{folder}/{match.overlay}"
            found[query.sha256].append(_copy(match, match.query, "query", reference, where, dates))
            found[reference.sha256].append(_copy(match, match.reference.range, "reference", query, where, dates))
    return found


def _copy(
    match: FootageMatch, seconds: list[float], side: str, other: MatchedVideo, where: str, dates: list[AttestedDate]
) -> Copy:
    proof = earliest(other.sha256, dates)
    return Copy(
        sha256=other.sha256,
        name=named(other),
        seconds=(seconds[0], seconds[1]),
        whole_picture=not PARTS[side] & set(match.edits),
        pairs=match.verified_pairs,
        exhibit=where,
        public=_attested(proof) if proof is not None else None,
    )


def _attested(item: AttestedDate) -> Attested:
    first, last = (date.fromisoformat(day) if day else None for day in (item.first, item.last))
    return Attested(DateSpan(first, last), item.who, item.source)
