"""What is said of footage that two videos share, in words that are no stronger than the proof."""

from __future__ import annotations

from collections.abc import Sequence

from roundel import words
from roundel.matching.segments import LEAST_AGREEMENT, LEAST_INLIERS, LEAST_PAIRS, LEAST_TOTAL
from roundel.record import FootageMatch, MatchedVideo
from roundel.recycled.dates import named
from roundel.recycled.find import SameFile

CAUTION = (
    "A match says that both videos show the same footage. It does not say which of the two is the copy, nor that one "
    "of them is the first: both may come from a third video. A machine found it; look at the pictures."
)
NOTHING = (
    "Nothing was found that these videos share. That is no proof: footage that is much altered, very short, dark or "
    "plain is missed, and only the videos of these cases were compared."
)
THRESHOLDS = (
    f"At least {LEAST_PAIRS} pairs of pictures have to agree, each in {LEAST_INLIERS} places and in "
    f"{LEAST_AGREEMENT:.0%} of the compared parts of the picture, and all together in {LEAST_TOTAL} places."
)
UNDATED = "Which of the two was public first is not known: no date is attested that tells."
SLACK_SECONDS = 0.5
"""Less is not worth a word: keyframes are half a second apart."""


def line(match: FootageMatch, query: MatchedVideo, reference: MatchedVideo) -> str:
    """A match in one line; a video of a case is called by the case and its name only if it is the reference."""
    how = ", ".join(match.edits) or "no difference noticed"
    if match.speed != 1:
        how += f" ({words.number(match.speed)} s of the latter in a second)"
    slack = f", give or take {match.slack_seconds:.1f} s" if match.slack_seconds >= SLACK_SECONDS else ""
    pairs = f"{match.verified_pairs:,} pairs of pictures, up to {match.inliers:,} places agree"
    tracks = len(match.same_objects)
    objects = "1 pair of tracks is one object" if tracks == 1 else f"{tracks:,} pairs of tracks are one object each"
    same = f"; {objects}" if tracks else ""
    return (
        f"{query.names[0]} {span(match.query)} shows what {named(reference)} shows at "
        f"{span(match.reference.range)}{slack}: {how}; {pairs}{same}"
    )


def same_file(found: SameFile) -> str:
    """A file that lies in both places, in one line."""
    return f"{found.query.names[0]} is the same file as {named(found.reference)}: the same bytes"


def span(seconds: Sequence[float]) -> str:
    """A range of times."""
    return f"{words.clock(seconds[0])}–{words.clock(seconds[1])}"


def how_found(said: Sequence[str]) -> str:
    """How it was found and verified; ``said`` has what the search of each case says of itself."""
    return f"Candidates: {'; '.join(dict.fromkeys(said))}. {THRESHOLDS}"
