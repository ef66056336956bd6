"""Synthetic fingerprints for benchmarks/recycled_scale.py: shots over photographs, with the changes of real footage.

A shot starts with the hashes of a photograph (whole, inner, upper and strip; plain or mirrored). Its keyframes differ
from the first one in the bits in which those of a real shot differ from its first. All hashes of a video have the same
5 to 35 % of their bits flipped, so that two videos over one photograph are no copies of each other, and each hash one
bit in 64 of its own. So hashes are as unevenly spread as those of photographs, and come in runs as those of footage do.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from roundel.fingerprint.forms import FORMS
from roundel.fingerprint.keyframes import Fingerprint, Keyframe, fingerprints
from roundel.fingerprint.layout import Layout
from roundel.fingerprint.pdq import LONGEST_PX, shrink
from roundel.matching.candidates import LEAST_QUALITY, Table
from roundel.matching.footage import Footage
from roundel.types import FrameRef, Timestamp

SHOT_FORMS = 4
FLIPPED = (0.05, 0.35)
MINUTES = (1.0, 12.0)
WHOLE = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Pool:
    """Photographs (n, 2, 4, 32), and shots: seconds (k,) and changes (k, 4, 32)."""

    photographs: np.ndarray
    shots: tuple[tuple[np.ndarray, np.ndarray], ...]

    def video(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Seconds (k,) and hashes (k, 4, 32) of a video."""
        length, at = 60 * rng.uniform(*MINUTES), 0.0
        times, parts = [], []
        while at < length:
            seconds, changes = self.shots[rng.integers(len(self.shots))]
            first = self.photographs[rng.integers(len(self.photographs)), rng.integers(2)]
            parts.append(first ^ changes)
            times.append(at + seconds)
            at = float(times[-1][-1]) + 0.25
        hashes = np.concatenate(parts)
        hashes ^= np.packbits(rng.random(256) < rng.uniform(*FLIPPED))
        noise = rng.integers(0, 2**64, (6, *hashes.shape[:2], 4), np.uint64)
        hashes ^= np.bitwise_and.reduce(noise).view(np.uint8)
        return np.concatenate(times), hashes


def pool(archive: Path, footages: Iterable[Footage], kept: Path) -> Pool:
    """Hash the photographs of an archive, and take the changes from footage; the hashes are kept."""
    if not kept.exists():
        with tarfile.open(archive) as tar:
            made = [hashes for hashes in map(_hashed, _pictures(tar)) if hashes is not None]
        with kept.open("wb") as stream:
            np.save(stream, np.stack(made))
    return Pool(np.load(kept), tuple(shot for footage in footages for shot in _shots(footage.keyframes)))


def _pictures(tar: tarfile.TarFile) -> Iterator[np.ndarray]:
    for item in tar:
        stream = tar.extractfile(item) if item.isfile() and item.name.endswith((".jpg", ".png")) else None
        picture = None if stream is None else cv2.imdecode(np.frombuffer(stream.read(), np.uint8), cv2.IMREAD_GRAYSCALE)
        if picture is not None and min(picture.shape) >= 64:
            yield picture


def _hashed(picture: np.ndarray) -> np.ndarray | None:
    """(2, 4, 32), or nothing if the picture is too plain."""
    assert max(shrink(picture).shape) <= LONGEST_PX
    limited = (shrink(picture).astype(np.float32) * (219 / 255) + 16).astype(np.uint8)
    found = fingerprints(limited, Layout())
    if len(found) < SHOT_FORMS or min(item.quality for item in found) < LEAST_QUALITY:
        return None
    both = [[item.bits for item in found], [item.mirrored_bits for item in found]]
    return np.array([[np.frombuffer(bits, np.uint8) for bits in side] for side in both])


def _shots(keyframes: Sequence[Keyframe]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    starts = [place for place, item in enumerate(keyframes) if item.starts_shot]
    for first, end in zip(starts, [*starts[1:], len(keyframes)], strict=True):
        shot = [item for item in keyframes[first:end] if len(item.fingerprints) >= SHOT_FORMS]
        if len(shot) >= 3 and min(item.fingerprints[0].quality for item in shot) >= LEAST_QUALITY:
            bits = [[np.frombuffer(form.bits, np.uint8) for form in item.fingerprints[:SHOT_FORMS]] for item in shot]
            hashes = np.array(bits)
            seconds = np.array([item.seconds for item in shot])
            yield seconds - seconds[0], hashes ^ hashes[0]


def table(hashes: np.ndarray) -> Table:
    """The rows of a video as an index takes them up."""
    count = hashes.shape[0] * SHOT_FORMS
    keyframe = np.repeat(np.arange(hashes.shape[0], dtype=np.int32), SHOT_FORMS)
    form = np.tile(np.arange(SHOT_FORMS, dtype=np.int32), hashes.shape[0])
    return Table(hashes.reshape(count, 32), np.zeros(count, np.int32), keyframe, form, np.zeros(count, np.bool_))


def keyframes(seconds: np.ndarray, hashes: np.ndarray) -> Iterator[Keyframe]:
    """The same as keyframes; mirrored hashes are not searched in an index, and are those of the picture here."""
    for number, (at, forms) in enumerate(zip(seconds, hashes, strict=True)):
        made = tuple(
            Fingerprint(form, WHOLE, bits.tobytes(), bits.tobytes(), 100)
            for form, bits in zip(FORMS[:SHOT_FORMS], forms, strict=True)
        )
        yield Keyframe(FrameRef(number, Timestamp(round(1000 * at), Fraction(1, 1000))), number == 0, made)
