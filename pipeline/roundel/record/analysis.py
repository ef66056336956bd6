"""The published form of a result: ``analysis.json`` and its JSON Schema. Every field is described here."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import Field

from roundel.record.base import Interval, Part, Sha256, Span, canonical, of_version
from roundel.record.claims import ClaimRecord
from roundel.record.matches import MatchRecord, record_of
from roundel.types import Count, Reading, Shot, Sighting, TypeOpinion, VideoResult

SCHEMA_VERSION = "2"

Box = Annotated[
    list[float], Field(min_length=4, max_length=4, description="x1, y1, x2, y2 in pixels of the upright video")
]
_NOTHING: list[Any] = []


class Video(Part):
    """The source: its bytes make it the same source, whatever it is called."""

    sha256: Sha256 = Field(description="hash of the file as it was analysed")
    size_bytes: int = Field(description="bytes of the file")
    names: list[str] = Field(
        description="file name when it was analysed; names it came under later are in custody.jsonl"
    )


class Media(Part):
    """What the container states (from_header) and what decoding showed (from_content)."""

    format_name: str = Field(description="container formats as ffmpeg names them")
    codec: str = Field(description="video codec as ffmpeg names it")
    pixel_format: str = Field(description="layout of the pixels as ffmpeg names it")
    stream_index: int = Field(description="number of the analysed stream within the file")
    width: int = Field(description="upright, in stored pixels")
    height: int = Field(description="upright, in stored pixels")
    coded_width: int = Field(description="as stored, before the picture is turned upright")
    coded_height: int = Field(description="as stored, before the picture is turned upright")
    rotation: int = Field(description="degrees clockwise that make the stored picture upright")
    sample_aspect_ratio: str = Field(description="width to height of one stored pixel")
    time_base: str = Field(description="seconds per tick of the stream's clock, as a fraction")
    frame_rate_from_header: str | None = Field(description="mean frames a second as a fraction; null if not stated")
    start_seconds_from_header: float | None = Field(description="time of the first frame; null if not stated")
    duration_seconds_from_header: float | None = Field(description="stated length of the video; null if not stated")
    duration_seconds_from_content: float = Field(description="from the first to the end of the last decoded frame")
    variable_frame_rate: bool = Field(description="whether the steps between the decoded frames differ")
    colour: dict[str, str | None] = Field(
        description="colour range, space, primaries and transfer as the file states them"
    )
    warnings: list[str] = Field(description="what a reader of the results must know about the file")


class CoverageRecord(Part):
    """How much of the video was read."""

    decoded_frames: int = Field(description="frames that could be decoded")
    decoded_seconds: float = Field(description="time that the decoded frames cover")
    analysed_frames: int = Field(description="frames that the detector looked at")
    first_seconds: float | None = Field(description="time of the first decoded frame")
    missing_seconds: list[Span] = Field(
        description="ranges in which the file promises picture and none could be decoded"
    )
    decoder_errors: int = Field(description="complaints of the decoder")
    decoder_messages: list[str] = Field(description="the first different complaints of the decoder")


class ShotRecord(Part):
    """One camera take. Shots tile the video; a dissolve is divided at its middle."""

    index: int = Field(description="number of the shot, from 0")
    first_frame: int = Field(description="number of its first frame in the video, from 0")
    end_frame: int = Field(description="number of the frame after its last one")
    start_seconds: float = Field(description="time of its first frame")
    end_seconds: float = Field(description="time at which the next shot begins")
    transition_in: str = Field(description="start, cut, dissolve or fade")
    transition_seconds: Span = Field(description="range of the transition; empty for a cut")


class ExemplarRecord(Part):
    """A view of a track."""

    file: str = Field(description="picture, relative to the package")
    seconds: float = Field(description="time of the frame")
    xyxy: Box = Field(description="x1, y1, x2, y2 in pixels of the upright video")
    score: float = Field(description="the detector's score of this view; no probability")


class ReadingRecord(Part):
    """Writing as a machine read it. Nobody has confirmed it."""

    text: str = Field(description="the most likely characters")
    script: str = Field(description="ISO 15924 code of the script; Zyyy for digits and signs alone")
    confidence: float = Field(description="the engine's confidence, 0 to 1; no probability")
    alternatives: list[list[tuple[str, float]]] = Field(
        description="for each character of the text: the characters it may be, with the engine's weight, largest first"
    )
    views: int = Field(description="number of views in which it was read")
    seconds: float = Field(description="time of the view in which it was read best")
    xyxy: Box = Field(description="where, in that view: x1, y1, x2, y2 in pixels of the upright video")
    serial_like: bool = Field(description="has the form of a serial or tactical number")


class CaptionRecord(ReadingRecord):
    """Writing in one frame of a shot, on no object that is followed there."""

    shot: int = Field(description="index of the shot")


class TypeRecord(Part):
    """Which type an object may be."""

    node: str = Field(description="deepest type, family or class whose probability passes the threshold")
    posterior: dict[str, float] = Field(
        description="probability of each type and of the families and classes above; other: a type that the gallery "
        "does not hold; unknown: the views do not tell"
    )
    credible: list[str] = Field(description="smallest set of types, other and unknown that holds nine tenths")
    second_opinion: list[tuple[str, float]] = Field(
        description="what another network takes the object for, if that contradicts the detector's class: node, share"
    )


class TrackRecord(Part):
    """One object followed within one shot (a sighting)."""

    id: str = Field(description="name of the track within this analysis")
    shot: int = Field(description="index of the shot it was seen in")
    class_: str = Field(alias="class", description="deepest class that the evidence and the model's validation allow")
    score: float = Field(description="mean of the better half of the detector's scores; no probability")
    start_seconds: float = Field(description="time of the first frame in which it was seen")
    end_seconds: float = Field(description="time of the last frame in which it was seen")
    frames: int = Field(description="analysed frames in which it was seen")
    posterior: dict[str, float] = Field(
        description="for each node of the class tree the probability that the track is an object of it, as calibrated "
        "on held-out clips; without a calibration its share of the fused scores"
    )
    posterior_calibrated: bool = Field(description="true: probabilities; false: shares of scores")
    alternatives: list[tuple[str, float]] = Field(description="other classes of the detector and their shares")
    set_aside: float = Field(
        0.0, description="share of the fused scores whose label was not used: the object is too small for that label"
    )
    burnt_in: bool = Field(description="a graphic laid over the picture, such as a logo; it is in no count")
    exemplars: list[str] = Field(description="files of its best views, spread in time")
    views: list[ExemplarRecord] = Field(description="the same views with time, place and score")
    type: TypeRecord | None = Field(description="which type it may be; null if it was not looked at for its type")
    readings: list[ReadingRecord] = Field(description="markings that a machine read on the object")


class ProofRecord(Part):
    """A frame that shows these tracks side by side."""

    seconds: float = Field(description="time of the frame")
    tracks: list[str] = Field(description="the tracks seen in it, each of them another object")
    boxes: list[Box] = Field(description="where each of them is, in the same order")
    exhibit: str = Field(description="picture of the frame, relative to the package")


class CountRecord(Part):
    """Numbers of distinct objects of a class, classes below it included. Objects that were not detected are in none."""

    lower: int = Field(description="at least so many different objects are seen side by side in the proof frames")
    estimate: int = Field(description="median over random ways to explain the tracks; no likeness is used")
    interval: Interval = Field(description="5 to 95 % of the ways to explain the tracks")
    upper: int = Field(description="so many if no object is seen twice but where the footage itself is shown again")
    shown_again: int = Field(0, description="tracks that are another one of them, because the footage is shown again")
    proof: list[ProofRecord] = Field(description="frames that prove the lower bound")


class Exhibit(Part):
    """A derived picture and how it was made from the source."""

    file: str = Field(description="picture, relative to the package")
    derived_from: Sha256 = Field(description="hash of the video that the picture was made from")
    seconds: float = Field(description="time of the frame")
    method: str = Field(description="how it was made from the frame")


class FailureRecord(Part):
    """Why there is no result."""

    kind: str = Field(description="name of the error")
    message: str = Field(description="what happened, to which file, and what to do")


class Analysis(Part):
    """Everything one analysis says about one video."""

    schema_version: Annotated[str, of_version(SCHEMA_VERSION)] = Field(
        description="version of this form; another one may mean other things by the same names"
    )
    video: Video = Field(description="the source")
    media: Media | None = Field(description="what kind of video it is; null if it could not be read")
    coverage: CoverageRecord | None = Field(description="how much of it was read; null if it could not be read")
    provenance: dict[str, Any] = Field(description="tool, weights, engine, settings and library versions")
    classes: list[str] = Field(description="the detector's classes, in the order of the scores in detections.jsonl.gz")
    shots: list[ShotRecord] = Field(description="camera takes; they tile the video")
    tracks: list[TrackRecord] = Field(description="objects followed within one shot")
    brief_tracks: int = Field(description="tracks seen too briefly or weakly to be listed; their boxes are kept")
    counts: dict[str, CountRecord] = Field(description="numbers of distinct objects by class")
    captions: list[CaptionRecord] = Field(description="writing in one frame of each shot, on no followed object")
    exhibits: list[Exhibit] = Field(description="the pictures in this package")
    claims: list[ClaimRecord] = Field(description="the claims that were given to the analysis, assessed on this video")
    matches: list[MatchRecord] = Field(description="footage that the video shows again")
    failure: FailureRecord | None = Field(description="why there is no result; null if there is one")


def to_record(result: VideoResult, classes: tuple[str, ...]) -> Analysis:
    """Put a result into its published form; claims are assessed on that form, so they are added to it afterwards."""
    video = result.video
    return Analysis(
        schema_version=SCHEMA_VERSION,
        video=Video(sha256=video.sha256, size_bytes=video.size_bytes, names=list(video.names)),
        media=_media(result),
        coverage=_coverage(result),
        provenance=dict(result.provenance),
        classes=list(classes),
        shots=[_shot(shot) for shot in result.shots],
        tracks=[_track(sighting) for sighting in result.sightings],
        brief_tracks=result.brief_tracks,
        counts={name: _count(count) for name, count in sorted(result.counts.items())},
        captions=[CaptionRecord(shot=item.shot, **_reading(item.reading)) for item in result.captions],
        exhibits=_exhibits(result),
        claims=_NOTHING,
        matches=[record_of(repeat, video.sha256) for repeat in result.repeats],
        failure=FailureRecord(kind=result.failure.kind, message=result.failure.message) if result.failure else None,
    )


def to_json(analysis: Analysis) -> str:
    """Canonical text: sorted keys, fixed layout, one newline at the end."""
    return canonical(analysis)


def schema_json() -> str:
    """The JSON Schema of ``analysis.json``."""
    return json.dumps(Analysis.model_json_schema(by_alias=True), sort_keys=True, indent=1) + "\n"


def _media(result: VideoResult) -> Media | None:
    media, coverage = result.media, result.coverage
    if media is None or coverage is None:
        return None
    return Media(
        format_name=media.format_name,
        codec=media.codec,
        pixel_format=media.pixel_format,
        stream_index=media.stream_index,
        width=media.width,
        height=media.height,
        coded_width=media.coded_width,
        coded_height=media.coded_height,
        rotation=media.rotation,
        sample_aspect_ratio=media.sample_aspect_ratio,
        time_base=str(media.time_base),
        frame_rate_from_header=str(media.frame_rate_from_header) if media.frame_rate_from_header else None,
        start_seconds_from_header=media.start_seconds_from_header,
        duration_seconds_from_header=media.duration_seconds_from_header,
        duration_seconds_from_content=coverage.duration_seconds_from_content,
        variable_frame_rate=coverage.variable_frame_rate,
        colour={
            "range_from_header": media.colour.range_from_header,
            "space_from_header": media.colour.space_from_header,
            "primaries_from_header": media.colour.primaries_from_header,
            "transfer_from_header": media.colour.transfer_from_header,
        },
        warnings=[*media.warnings, *coverage.warnings],
    )


def _coverage(result: VideoResult) -> CoverageRecord | None:
    coverage = result.coverage
    if coverage is None:
        return None
    return CoverageRecord(
        decoded_frames=coverage.decoded_frames,
        decoded_seconds=coverage.decoded_seconds,
        analysed_frames=result.analysed_frames,
        first_seconds=coverage.first_seconds,
        missing_seconds=[list(span) for span in coverage.missing_seconds],
        decoder_errors=coverage.decoder_errors,
        decoder_messages=list(coverage.decoder_messages),
    )


def _shot(shot: Shot) -> ShotRecord:
    entry = shot.transition_in
    return ShotRecord(
        index=shot.index,
        first_frame=shot.first_frame,
        end_frame=shot.end_frame,
        start_seconds=shot.start_seconds,
        end_seconds=shot.end_seconds,
        transition_in=entry.kind,
        transition_seconds=[entry.start_seconds, entry.end_seconds],
    )


def _track(sighting: Sighting) -> TrackRecord:
    return TrackRecord(
        id=sighting.id,
        shot=sighting.shot,
        **{"class": sighting.node},
        score=sighting.score,
        start_seconds=sighting.start_seconds,
        end_seconds=sighting.end_seconds,
        frames=sighting.frames,
        posterior=sighting.posterior,
        posterior_calibrated=sighting.calibrated,
        alternatives=list(sighting.alternatives),
        set_aside=sighting.set_aside,
        burnt_in=sighting.burnt_in,
        exemplars=[view.file for view in sighting.exemplars],
        views=[
            ExemplarRecord(file=view.file, seconds=view.seconds, xyxy=list(view.xyxy), score=view.score)
            for view in sighting.exemplars
        ],
        type=_type(sighting.type) if sighting.type else None,
        readings=[ReadingRecord(**_reading(item)) for item in sighting.readings],
    )


def _type(opinion: TypeOpinion) -> TypeRecord:
    return TypeRecord(
        node=opinion.node,
        posterior=opinion.posterior,
        credible=list(opinion.credible),
        second_opinion=list(opinion.second_opinion),
    )


def _reading(reading: Reading) -> dict[str, Any]:
    return {
        "text": reading.text,
        "script": reading.script,
        "confidence": reading.confidence,
        "alternatives": [list(character) for character in reading.alternatives],
        "views": reading.views,
        "seconds": reading.seconds,
        "xyxy": list(reading.xyxy),
        "serial_like": reading.serial_like,
    }


def _count(count: Count) -> CountRecord:
    return CountRecord(
        lower=count.lower,
        estimate=count.estimate,
        interval=list(count.interval),
        upper=count.upper,
        shown_again=count.shown_again,
        proof=[
            ProofRecord(
                seconds=proof.seconds,
                tracks=list(proof.tracks),
                boxes=[list(box) for box in proof.boxes],
                exhibit=proof.exhibit,
            )
            for proof in count.proof
        ],
    )


OVERLAY = "a grey frame in orange and an earlier one of the same footage in blue, laid over it"
BESIDE = "a grey frame beside an earlier one of the same footage"


def _exhibits(result: VideoResult) -> list[Exhibit]:
    source = result.video.sha256
    found = {
        view.file: Exhibit(
            file=view.file,
            derived_from=source,
            seconds=view.seconds,
            method="crop of one object with a margin, scaled down if large",
        )
        for sighting in result.sightings
        for view in sighting.exemplars
    }
    for count in result.counts.values():
        for proof in count.proof:
            whole = Exhibit(
                file=proof.exhibit,
                derived_from=source,
                seconds=proof.seconds,
                method="whole frame, scaled down if large",
            )
            found.setdefault(proof.exhibit, whole)
    for repeat in result.repeats:
        for file, method in ((repeat.overlay, OVERLAY), (repeat.beside, BESIDE)):
            found[file] = Exhibit(file=file, derived_from=source, seconds=repeat.at_seconds[0], method=method)
    return [found[name] for name in sorted(found)]
