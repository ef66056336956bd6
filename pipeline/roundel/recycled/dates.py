"""When videos were published or filmed, as people attest it, and what follows for two that show the same footage.

Pictures prove that two videos show the same footage; they do not tell which is the copy. Only a date gives a direction,
and only as far as whoever attests it is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from roundel.claims.dates import FILMED, PUBLISHED
from roundel.claims.files.grammar import days_words
from roundel.claims.model import DateSpan
from roundel.record import AttestedDate, MatchedVideo


@dataclass(frozen=True, slots=True)
class Direction:
    """Which of two videos was public first, as far as people attest it, in a sentence; ``filmed`` is another one.

    ``earlier`` is ``None`` if only a date of filming is excluded.
    """

    earlier: Literal["query", "reference"] | None
    sentences: tuple[str, ...]


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
