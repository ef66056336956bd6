"""Footage as far as it is compared: keyframes and their pictures, from a package or from a video."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from roundel.config import MediaConfig
from roundel.fingerprint.keyframes import Fingerprinter, Keep, Keyframe, Still
from roundel.fingerprint.storage import StillReader, decode_still, encode_still, read_keyframes
from roundel.media.colour import thumbnail
from roundel.media.decode import VideoDecoder
from roundel.media.probe import probe
from roundel.shots import ShotDetector
from roundel.types import FrameRef, Span


@dataclass(frozen=True, slots=True, eq=False)
class Footage:
    """What is compared of one video.

    ``name`` tells it from others, best by its hash. ``still`` gives the picture of a keyframe. ``shots`` are only
    needed to look for repeats within the video: nothing is a repeat of its own shot.
    """

    name: str
    keyframes: tuple[Keyframe, ...]
    still: Callable[[FrameRef], Still]
    shots: tuple[Span, ...] = ()


def from_package(folder: Path, name: str, shots: tuple[Span, ...] = ()) -> Footage:
    """The footage of a package.

    Raises:
        IntegrityError: if its fingerprints or pictures are missing or are not as they were written.
    """
    return Footage(name, read_keyframes(folder), StillReader(folder), shots)


def from_video(path: Path, config: MediaConfig, name: str | None = None) -> Footage:
    """The footage of a video that was not analysed; its pictures are held in memory, encoded.

    Raises:
        MediaError: if it cannot be read as video.
    """
    keyframes: list[Keyframe] = []
    stills: dict[FrameRef, bytes] = {}

    def keep(keyframe: Keyframe, still: Still) -> None:
        keyframes.append(keyframe)
        stills[keyframe.ref] = encode_still(still)

    fingerprint_video(path, config, keep)
    return Footage(name or path.name, tuple(keyframes), lambda ref: decode_still(stills[ref], str(path)))


def fingerprint_video(path: Path, config: MediaConfig, keep: Keep) -> None:
    """Decode a video and hand over its keyframes with their pictures, as an analysis does.

    Raises:
        MediaError: if it cannot be read as video.
    """
    shots, fingerprinter = ShotDetector(), Fingerprinter(keep)
    for frame in VideoDecoder(path, probe(path, config), config):
        small = thumbnail(frame)
        shots.push(frame.ref, small)
        fingerprinter.push(frame, small, shots.suspects_cut)
    fingerprinter.finish()
