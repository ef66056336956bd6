"""Attested dates of the videos of a case, as they go to others: without notes, which were not written for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from roundel.claims import dates
from roundel.errors import UsageError
from roundel.exchange.lines import MOST_LINE
from roundel.exchange.model import Attested
from roundel.words import shorten


def read_dates(path: Path, names: Mapping[str, Sequence[str]]) -> dict[str, tuple[Attested, ...]]:
    """The dates of a file of findings by the hash of the video.

    Args:
        path: a file of findings, YAML or CSV.
        names: the names of each video that may be meant, by its hash.

    Raises:
        UsageError: if the file cannot be used; as FileProblemsError with every problem and its place.
    """

    def meant(text: str) -> list[str]:
        return [sha256 for sha256, known in names.items() if text in (sha256, sha256.removeprefix("sha256:"), *known)]

    found: dict[str, list[Attested]] = {}
    for item in dates.read_dates(path, meant).dates.dates:
        if max(len(item.source), len(item.who)) > MOST_LINE:
            of = shorten(item.who, 40)
            raise UsageError(
                f"{path}: a date of {of}: who and source may have {MOST_LINE} characters each; shorten them"
            )
        given = item.model_dump(exclude={"video", "note"})
        found.setdefault(item.video, []).append(Attested(**given))
    return {sha256: tuple(sorted(items, key=repr)) for sha256, items in found.items()}
