"""The published form of footage that is shown twice."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from roundel.record.base import Part, Sha256, Span
from roundel.types import Repeat

Row = Annotated[list[float], Field(min_length=3, max_length=3)]


class MatchReference(Part):
    """Where the same footage is."""

    sha256: Sha256 = Field(description="the video that shows it too; the video's own hash: it shows the footage twice")
    range: Span = Field(description="seconds of that video")


class MatchRecord(Part):
    """Footage that is shown twice, proven by pictures. Which of two videos is the copy, pictures do not tell."""

    query: Span = Field(description="seconds of this video; of a repeat within it, the later ones")
    reference: MatchReference = Field(description="where the same footage is")
    mirrored: bool = Field(description="left and right are exchanged")
    method: str = Field(description="how it was found and verified")
    inliers: int = Field(description="places of the best pair of pictures that lie as one map between them says")
    verified_pairs: int = Field(description="pairs of keyframes that were compared and show the same")
    speed: float = Field(description="seconds of the reference in a second of this video")
    slack_seconds: float = Field(description="how far off the reference's range may be, where footage hardly moves")
    edits: list[str] = Field(description="what tells this picture from the reference's")
    at_seconds: Span = Field(description="times of the best pair: in this video, in the reference")
    transform: Annotated[list[Row], Field(min_length=3, max_length=3)] = Field(
        description="homography from the picture of this time to the reference's, both with sides of 1",
    )
    overlay: str = Field(description="picture: one laid over the other")
    beside: str = Field(description="picture: both side by side")
    same_objects: list[tuple[str, str]] = Field(
        description="tracks that are one object because the footage is shown again: the later, the earlier"
    )


MATCHING = "PDQ hashes of keyframes; SIFT features and a homography by RANSAC; comparison of the pixels"


def record_of(repeat: Repeat, sha256: str) -> MatchRecord:
    """The published form of a repeat within the video of this hash."""
    return MatchRecord(
        query=list(repeat.later),
        reference=MatchReference(sha256=sha256, range=list(repeat.earlier)),
        mirrored=repeat.mirrored,
        method=MATCHING,
        inliers=repeat.inliers,
        verified_pairs=repeat.pairs,
        speed=repeat.speed,
        slack_seconds=repeat.slack_seconds,
        edits=list(repeat.edits),
        at_seconds=list(repeat.at_seconds),
        transform=[[round(value, 6) for value in row] for row in repeat.transform],
        overlay=repeat.overlay,
        beside=repeat.beside,
        same_objects=list(repeat.same),
    )
