"""What a search asks for and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from roundel.classes import lineage, tree
from roundel.errors import UsageError
from roundel.record import Analysis
from roundel.types import Seconds

MOST_HITS = 500
CAUTION = (
    "Similarity is no identity and no probability: two vehicles of one kind look more alike than one vehicle from two "
    "sides."
)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which sightings count: of a class or one below it, seen at some moment of a range of the video's time."""

    node: str | None = None
    since_seconds: Seconds | None = None
    until_seconds: Seconds | None = None
    limit: int = 20

    def __post_init__(self) -> None:
        """Refuse what can find nothing.

        Raises:
            UsageError: for an unknown class, a range that ends before it begins, or an odd number of results.
        """
        if self.node is not None and self.node not in tree():
            raise UsageError(f"--class {self.node}: is no class; the classes are {', '.join(sorted(tree()))}")
        since, until = self.since_seconds, self.until_seconds
        if since is not None and until is not None and until < since:
            raise UsageError(f"--to {until:g}: is before --from {since:g}")
        if not 1 <= self.limit <= MOST_HITS:
            raise UsageError(f"--limit {self.limit}: give a number from 1 to {MOST_HITS}")

    @property
    def narrow(self) -> bool:
        """Whether only sightings can pass, and not what has no class and no time."""
        return self.node is not None or self.since_seconds is not None or self.until_seconds is not None

    def take(self, class_: str | None, start_seconds: Seconds, end_seconds: Seconds) -> bool:
        """Whether a sighting, or a caption without a class, passes."""
        if self.node is not None and (class_ is None or self.node not in _ancestry(class_)):
            return False
        return (self.since_seconds is None or end_seconds >= self.since_seconds) and (
            self.until_seconds is None or start_seconds <= self.until_seconds
        )


def _ancestry(class_: str) -> tuple[str, ...]:
    return lineage(class_) if class_ in tree() else (class_,)


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was found: the case, the package in it, that package's facts, and the names of its video."""

    case: Path
    package: str
    analysis: Analysis
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alike:
    """A sighting that looks like the query; ``similarity``: cosine, of its most similar picture ``file``."""

    place: Place
    track: str
    similarity: float
    file: str
    seconds: Seconds


@dataclass(frozen=True, slots=True)
class Found:
    """Words that were found.

    Args:
        place: where.
        kind: reading, caption, name or container.
        how: exact, look-alike or alternative.
        text: all that was written there.
        excerpt: the part of it around the match, in pieces; true for those that match.
        seconds: when, for readings and captions.
        track: the sighting that it was read on.
        file: the picture of that sighting which is nearest in time.
    """

    place: Place
    kind: str
    how: str
    text: str
    excerpt: tuple[tuple[str, bool], ...]
    seconds: Seconds | None = None
    track: str | None = None
    file: str | None = None
