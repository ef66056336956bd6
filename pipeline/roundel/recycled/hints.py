"""Videos of which only contributed fingerprints are known: near hashes are a hint, and nothing that could be kept."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from roundel import words
from roundel.archive.stops import Stop, stop_hashes
from roundel.exchange.candidates import SAID, HashCandidate, hash_candidates
from roundel.exchange.model import Attested, Video
from roundel.exchange.store import Received
from roundel.record import MatchedVideo
from roundel.recycled.sources import Source

HINT_CAUTION = (
    "Hashes alone prove nothing, and a picture can be made to have a given hash. Ask whoever contributed them for the "
    "moment in question, and match the videos."
)


@dataclass(frozen=True, slots=True)
class Hint:
    """A part of a video whose hashes are near contributed ones; ``candidate`` is missing if it is that very file."""

    query: MatchedVideo
    received: Received
    video: Video
    candidate: HashCandidate | None


def hints(
    query: Source, contributed: Sequence[Received], compared: Collection[str], stops: Sequence[Stop]
) -> Iterator[Hint]:
    """What contributed fingerprints hint at.

    Args:
        query: the video.
        contributed: the contributions of a case.
        compared: hashes of the videos whose pictures are there: they are compared by these.
        stops: plain pictures that many unrelated videos share; they hint at nothing.
    """
    for received in contributed:
        others = [video for video in received.contribution.videos if video.sha256 not in compared]
        for video in others:
            if video.sha256 == query.sha256:
                yield Hint(query.video, received, video, None)
        unlike = [video for video in others if video.sha256 != query.sha256]
        for candidate in hash_candidates(query.footage, unlike, stop_hashes(stops)):
            yield Hint(query.video, received, candidate.video, candidate)


def hint_line(hint: Hint) -> str:
    """A hint in one line."""
    there, name = _from(hint), hint.query.names[0]
    found = hint.candidate
    if found is None:
        return f"{name} has the hash of {there}: the same bytes, if the contribution is right"
    times = f" at {_span(found.contributed_seconds)}" if found.contributed_seconds is not None else ""
    details = [
        f"{found.pairs} pairs of hashes, half of them at most {found.distance} of 256 bits apart",
        *(["mirrored"] if found.mirrored else []),
        *([f"{words.number(found.speed)} s of the latter in a second"] if found.speed not in {None, 1.0} else []),
        *([f"{found.padded} of them had lost leading zeros"] if found.padded else []),
        *(["its pictures have no times"] if found.contributed_seconds is None else []),
    ]
    return (
        f"{name} {_span(found.query_seconds)} may show what {there} shows{times}, {SAID}: {', '.join(details)}"
        f"{''.join(_date(item) for item in hint.video.attested)}"
    )


def _from(hint: Hint) -> str:
    received = hint.received
    label = words.shorten(hint.video.name or hint.video.label, 80)
    who = words.shorten(received.contributor, 60) if received.contributor else "somebody not named"
    return f"{label} of the fingerprints {received.name} ({received.trust}; contributed by {who})"


def _date(item: Attested) -> str:
    days = f"from {item.first or 'an unknown day'} to {item.last or 'an unknown day'}"
    days = f"on {item.first}" if item.first == item.last else days
    who, source = (words.shorten(text, 80) for text in (item.who, item.source))
    return f"; {item.says} {days}, as the contribution says that {who} attests ({source})"


def _span(seconds: Sequence[float]) -> str:
    return words.time_range(seconds[0], seconds[1])
