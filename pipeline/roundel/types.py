"""The facts that move through the pipeline: frozen dataclasses over numpy and the standard library.

Pixels travel in :class:`Frame` objects and are dropped; everything else here is small and is kept. Boxes are
``xyxy`` in pixels of the video's display orientation (after rotation, before any scaling). Hashes are written
``sha256:<64 hex>``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Seconds = float
Span = tuple[Seconds, Seconds]
TransitionKind = Literal["start", "cut", "dissolve", "fade"]


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A presentation time as the container states it.

    >>> Timestamp(pts=3003, time_base=Fraction(1, 30000)).seconds
    0.1001
    """

    pts: int
    time_base: Fraction

    @property
    def exact(self) -> Fraction:
        """The time in seconds, without rounding."""
        return self.pts * self.time_base

    @property
    def seconds(self) -> Seconds:
        """The time in seconds, rounded to the microsecond."""
        return round(float(self.exact), 6)


@dataclass(frozen=True, slots=True)
class VideoIdentity:
    """What makes a source the same source: its bytes. Names are attributes of it."""

    sha256: str
    size_bytes: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Colour:
    """Colour description of a stream; ``None`` where the file does not state it."""

    range_from_header: str | None
    space_from_header: str | None
    primaries_from_header: str | None
    transfer_from_header: str | None


WRITING_UNREAD = "Writing was not read"
"""How the warning begins that a result has whose reader of writing failed."""


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What the container says about its best video stream, before anything is decoded.

    ``width`` and ``height`` are in display orientation; ``coded_width`` and ``coded_height`` are not.
    """

    format_name: str
    codec: str
    pixel_format: str
    stream_index: int
    width: int
    height: int
    coded_width: int
    coded_height: int
    rotation: int
    """Degrees clockwise to turn the coded picture upright: 0, 90, 180 or 270."""
    sample_aspect_ratio: str
    time_base: Fraction
    frame_rate_from_header: Fraction | None
    start_seconds_from_header: Seconds | None
    duration_seconds_from_header: Seconds | None
    colour: Colour
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FrameRef:
    """Which frame: its number in decoding order (0-based) and its time."""

    index: int
    at: Timestamp


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A decoded picture on its way through the pipeline.

    ``i420`` is the flat planar 4:2:0 buffer (uint8, ``width × height`` luma, then U, then V with both sides halved and
    rounded up). The range is always limited (16 to 235); ``matrix`` says how to turn it into RGB
    (:mod:`roundel.media.colour`).
    """

    ref: FrameRef
    width: int
    height: int
    i420: NDArray[np.uint8]
    matrix: Literal["bt601", "bt709", "bt2020"]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the video was read, and how we know.

    ``missing_seconds`` are half-open ranges in which the file promises picture and none could be decoded.
    """

    decoded_frames: int
    decoded_seconds: Seconds
    first_seconds: Seconds | None
    duration_seconds_from_content: Seconds
    variable_frame_rate: bool
    missing_seconds: tuple[Span, ...]
    decoder_errors: int
    decoder_messages: tuple[str, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transition:
    """How a shot begins. A cut has no length; a dissolve or fade covers ``[start_seconds, end_seconds)``."""

    kind: TransitionKind
    start_seconds: Seconds
    end_seconds: Seconds


@dataclass(frozen=True, slots=True)
class Shot:
    """A half-open range ``[start_seconds, end_seconds)`` of frames ``[first_frame, end_frame)`` from one camera take.

    Shots tile the video: each decoded frame is in exactly one. A dissolve is divided at its middle.
    """

    index: int
    first_frame: int
    end_frame: int
    start_seconds: Seconds
    end_seconds: Seconds
    transition_in: Transition


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Boxes on one picture as parallel arrays.

    ``xyxy``: float32 (n, 4), pixels; ``scores``: float32 (n, c), the detector's score for each of ``c`` classes, not
    only the largest. Scores are not probabilities.
    """

    xyxy: NDArray[np.float32]
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.xyxy)

    @property
    def score(self) -> NDArray[np.float32]:
        """The largest class score of each box, (n,)."""
        return self.scores.max(axis=1) if len(self) else np.zeros(0, np.float32)

    @property
    def label(self) -> NDArray[np.intp]:
        """The index of the class with the largest score, (n,)."""
        return self.scores.argmax(axis=1) if len(self) else np.zeros(0, np.intp)

    def select(self, keep: NDArray[np.intp] | NDArray[np.bool_]) -> Detections:
        """The boxes that ``keep`` (indices or mask) picks, in its order."""
        return Detections(self.xyxy[keep], self.scores[keep])

    @staticmethod
    def empty(classes: int) -> Detections:
        """No boxes, for a detector of ``classes`` classes."""
        return Detections(np.zeros((0, 4), np.float32), np.zeros((0, classes), np.float32))


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One good view of a track: the picture file (relative to the package), where and when it was taken."""

    file: str
    seconds: Seconds
    xyxy: tuple[float, float, float, float]
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One look at a track: a crop (h, w, 3, BGR), the box it shows and how good it is for a person (larger is better).

    ``xyxy`` is the object's box in pixels of the video, ``crop_xyxy`` the region that the crop was made from.
    """

    seconds: Seconds
    xyxy: tuple[float, float, float, float]
    crop_xyxy: tuple[float, float, float, float]
    score: float
    crop: NDArray[np.uint8]
    quality: float


@dataclass(frozen=True, slots=True)
class Reading:
    """Writing as a machine read it, fused over the views of a track or taken from one frame of a shot.

    ``alternatives`` holds, for each character of ``text``, the characters it may be with the engine's weight, largest
    first. ``confidence`` is the engine's, 0..1; it is no probability.
    """

    text: str
    script: str
    """ISO 15924 code: Latn, Cyrl, Arab, Hebr; Zyyy for digits and signs alone."""
    confidence: float
    alternatives: tuple[tuple[tuple[str, float], ...], ...]
    views: int
    """In how many views it was read."""
    seconds: Seconds
    xyxy: tuple[float, float, float, float]
    """Where, in pixels of the video, in the view that was read best."""
    serial_like: bool


@dataclass(frozen=True, slots=True)
class Caption:
    """Writing in one frame of a shot that belongs to no object that is followed there."""

    shot: int
    reading: Reading


@dataclass(frozen=True, slots=True)
class TypeOpinion:
    """Which type an object may be, from its views.

    ``posterior`` holds the gallery's types, the families and classes above them, ``other`` (a type that the gallery
    does not hold) and ``unknown`` (the views do not tell). ``node`` is the deepest node that passes the threshold,
    ``credible`` the smallest set of types, ``other`` and ``unknown`` that holds nine tenths of the probability.
    """

    node: str
    posterior: dict[str, float]
    credible: tuple[str, ...]
    second_opinion: tuple[tuple[str, float], ...] = ()
    """What another network takes the object for, where that contradicts the detector's class: node and share."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A track inside one shot with what is known about it.

    ``node`` is the deepest node of the class tree whose share of the fused scores passes the threshold;
    ``posterior`` gives every node's share, or its probability where the detector is ``calibrated``; ``alternatives``
    are the other detector classes and their shares, strongest first.
    """

    id: str
    shot: int
    node: str
    score: float
    start_seconds: Seconds
    end_seconds: Seconds
    frames: int
    posterior: dict[str, float]
    alternatives: tuple[tuple[str, float], ...]
    calibrated: bool = False
    set_aside: float = 0.0
    """Share of the fused scores whose label was not used because the object is too small for it."""
    burnt_in: bool = False
    """A graphic laid over the picture, such as a logo: it keeps its place and its pixels while the scene moves."""
    exemplars: tuple[Exemplar, ...] = ()
    type: TypeOpinion | None = None
    """``None`` where the object was not looked at for its type."""
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class Proof:
    """One frame that shows ``tracks`` side by side, at ``boxes`` (``xyxy``, pixels of the video)."""

    seconds: Seconds
    tracks: tuple[str, ...]
    boxes: tuple[tuple[float, float, float, float], ...]
    exhibit: str


@dataclass(frozen=True, slots=True)
class Count:
    """How many distinct objects of a class: ``lower ≤ estimate ≤ upper`` over the objects that were detected."""

    lower: int
    estimate: int
    interval: tuple[int, int]
    upper: int
    proof: tuple[Proof, ...] = ()
    shown_again: int = 0
    """Sightings that are another one of them again, because the footage is: so many more than ``upper`` there are."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """Footage of a video that the same video shows again, proven by pictures.

    Seconds ``later`` show what seconds ``earlier`` have shown; a second of the later one takes ``speed`` seconds of the
    earlier. ``pairs`` keyframes were compared, ``inliers`` places of the best pair lie as one map says. ``same`` are
    the tracks that are one object therefore. ``overlay`` and ``beside`` are pictures of the proof, of ``at_seconds``;
    ``transform`` maps the later of them to the earlier one, both with sides of 1.
    """

    later: Span
    earlier: Span
    speed: float
    mirrored: bool
    slack_seconds: Seconds
    edits: tuple[str, ...]
    pairs: int
    inliers: int
    same: tuple[tuple[str, str], ...]
    at_seconds: tuple[Seconds, Seconds]
    transform: tuple[tuple[float, ...], ...]
    overlay: str
    beside: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a video has no result. The kind is the name of a RoundelError."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class VideoResult:
    """Everything one analysis says about one video. ``failure`` is set instead of the facts when it could not run."""

    video: VideoIdentity
    media: MediaInfo | None
    coverage: Coverage | None
    analysed_frames: int
    provenance: dict[str, object]
    shots: tuple[Shot, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    brief_tracks: int = 0
    """Tracks that were seen too briefly or too weakly to be a sighting; their boxes are kept."""
    counts: dict[str, Count] = field(default_factory=dict)
    captions: tuple[Caption, ...] = ()
    repeats: tuple[Repeat, ...] = ()
    failure: Failure | None = None
