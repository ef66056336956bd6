"""The published form of footage that is shown twice: within a video, and in two videos."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import Field

from roundel.record.base import Part, Sha256, Span, canonical, of_version
from roundel.record.claims import ClaimSource
from roundel.types import Repeat

MATCHES_VERSION = "1"
DATES_VERSION = "1"

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


class PicturePair(Part):
    """Two pictures, one of each video, that were compared and show the same."""

    seconds: Span = Field(description="time in this video, time in the reference")
    frames: list[int] = Field(
        min_length=2, max_length=2, description="number of the frame in this video, in the reference; from 0"
    )
    forms: list[str] = Field(
        min_length=2, max_length=2, description="which part of each picture was hashed: whole, content, inset …"
    )
    distance: int = Field(description="bits, of 256, in which the nearest hashes of the two pictures differ")
    inliers: int = Field(description="places that lie as the map between the two pictures says")
    compared: int = Field(description="parts of the picture, of 64, whose pixels could be compared")
    agreement: float = Field(description="share of those parts whose pixels agree")
    transform: list[Row] = Field(
        min_length=3,
        max_length=3,
        description="homography from this video's picture to the reference's, both with sides of length 1",
    )


class FootageMatch(MatchRecord):
    """Footage that two videos show."""

    pairs: list[PicturePair] = Field(description="the pairs of pictures that prove it, in the order of time")
    same_objects: list[tuple[str, str]] = Field(
        description="tracks that are one object because both videos show the same footage: of this video, of the "
        "reference; nobody may add them up"
    )


class MatchedVideo(Part):
    """One of two videos that were compared."""

    sha256: Sha256 = Field(description="hash of the video")
    names: list[str] = Field(description="file names under which it had been received when it was compared")
    case: str = Field(description="name of the folder of its case; empty for a file that is in no case")
    package: str = Field(description="its package within the case; empty for a file that is in no case")
    manifest_sha256: Sha256 | None = Field(description="hash of that package's manifest; null if there is none")


class VideoMatches(Part):
    """All footage that two videos share: ``match.json``. A machine found it, and nobody has confirmed it."""

    schema_version: Annotated[str, of_version(MATCHES_VERSION)] = Field(description="version of this form")
    id: str = Field(description="16 hex digits made from both packages and from made_with")
    query: MatchedVideo = Field(description="the video that was looked for; this video in all that follows")
    reference: MatchedVideo = Field(description="the video in which it was found; it need not be the older one")
    made_with: dict[str, Any] = Field(description="versions and settings that the result depends on")
    matches: list[FootageMatch] = Field(description="each part that both show, by its time in the query")


class AttestedDate(Part):
    """When a video was published or filmed, as a person says. No machine found any of this."""

    video: Sha256 = Field(description="hash of the video")
    says: str = Field(description="published: when it was public; filmed: when it is said to have been filmed")
    first: str | None = Field(description="first possible day, year-month-day; null if open")
    last: str | None = Field(description="last possible day; null if open")
    who: str = Field(description="the person who attests it")
    found: str = Field(description="the day on which that person found it")
    basis: str = Field(description="seen, reported or document")
    source: str = Field(description="the publication or document, with its address or archive mark")
    note: str = Field(description="what the person adds; may be empty")


class AttestedDates(Part):
    """Dates that people attest for videos, from one file: ``dates/NAME.json`` of a case."""

    schema_version: Annotated[str, of_version(DATES_VERSION)] = Field(description="version of this form")
    file: ClaimSource = Field(description="the file as it was written")
    dates: list[AttestedDate] = Field(description="its dates that are about videos of the cases compared")


def matches_json(matches: VideoMatches) -> str:
    """Canonical text of the matches of two videos."""
    return canonical(matches)


def matches_schema_json() -> str:
    """The JSON Schema of ``match.json``."""
    return json.dumps(VideoMatches.model_json_schema(by_alias=True), sort_keys=True, indent=1) + "\n"


def dates_json(dates: AttestedDates) -> str:
    """Canonical text of attested dates."""
    return canonical(dates)
