"""Keyframes on disk: their hashes as lines of JSON, their pictures in an uncompressed zip file.

``fingerprints.jsonl.gz`` has one line for each keyframe. Hashes are written with their algorithm and all 64 digits::

    {"seconds": 0.5, "frame": 12, "pts": 6144, "time_base": "1/12288", "starts_shot": false,
     "forms": {"whole": {"hash": "pdq:…", "mirrored": "pdq:…", "quality": 100, "region": [0, 0, 1, 1]}, …}}

A region is the part of the picture that was hashed: left, top, right, bottom as shares of width and height.

``stills.zip`` holds a grey picture of each, named by the number of its frame. The same keyframes give the same bytes.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import zipfile
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np

from roundel.errors import IntegrityError, UsageError
from roundel.fingerprint.forms import FORMS, Region
from roundel.fingerprint.keyframes import Fingerprint, Keyframe, Still
from roundel.fingerprint.pdq import ALGORITHM, parse
from roundel.types import FrameRef, Timestamp

FINGERPRINTS = "fingerprints.jsonl.gz"
STILLS = "stills.zip"
WEBP_QUALITY = 50
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first date a zip file can hold: no clock enters the bytes


class KeyframeWriter:
    """Writes the two files into a folder; :meth:`close` completes them."""

    def __init__(self, folder: Path) -> None:
        self._raw = (folder / FINGERPRINTS).open("wb")
        self._lines = gzip.GzipFile(filename="", mode="wb", fileobj=self._raw, mtime=0)
        self._stills = zipfile.ZipFile(folder / STILLS, "w")

    def add(self, keyframe: Keyframe, still: Still) -> None:
        """Write one keyframe and its picture."""
        self._lines.write((json.dumps(line_of(keyframe), separators=(",", ":")) + "\n").encode())
        self._stills.writestr(zipfile.ZipInfo(still_name(keyframe.ref), _LONG_AGO), encode_still(still))

    def close(self) -> None:
        """Complete both files."""
        self._lines.close()
        self._raw.close()
        self._stills.close()

    def abandon(self) -> None:
        """Let go of both files, whatever state they are in."""
        with contextlib.suppress(OSError):
            self.close()


def still_name(ref: FrameRef) -> str:
    """The name of a keyframe's picture in the zip file."""
    return f"{ref.index:08}.webp"


def line_of(keyframe: Keyframe) -> dict[str, Any]:
    """What a line says of a keyframe."""
    at = keyframe.ref.at
    forms = {
        item.form: {
            "hash": f"{ALGORITHM}:{item.bits.hex()}",
            "mirrored": f"{ALGORITHM}:{item.mirrored_bits.hex()}",
            "quality": item.quality,
            "region": item.region,
        }
        for item in keyframe.fingerprints
    }
    known = {"seconds": at.seconds, "frame": keyframe.ref.index, "pts": at.pts, "time_base": str(at.time_base)}
    return {**known, "starts_shot": keyframe.starts_shot, "forms": forms}


def _region(values: list[float]) -> Region:
    left, top, right, bottom = map(float, values)
    return left, top, right, bottom


def _parsed(line: dict[str, Any]) -> Keyframe:
    at = Timestamp(int(line["pts"]), Fraction(line["time_base"]))
    found = tuple(
        Fingerprint(form, _region(said["region"]), parse(said["hash"]), parse(said["mirrored"]), int(said["quality"]))
        for form, said in ((form, line["forms"][form]) for form in FORMS if form in line["forms"])
    )
    return Keyframe(FrameRef(int(line["frame"]), at), bool(line["starts_shot"]), found)


def read_keyframes(folder: Path) -> tuple[Keyframe, ...]:
    """The keyframes of a package, oldest first.

    Raises:
        IntegrityError: if the file is missing or is not as it was written.
    """
    path = folder / FINGERPRINTS
    try:
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            return tuple(_parsed(json.loads(line)) for line in stream)
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, UsageError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise IntegrityError(f"{path}: cannot be read as fingerprints: {said}; analyse the video again") from error


class StillReader:
    """The pictures of a package's keyframes, read one at a time. Close it, or use it in a ``with`` statement."""

    def __init__(self, folder: Path) -> None:
        """Open the pictures of a package.

        Raises:
            IntegrityError: if the file is missing or no zip file.
        """
        self._path = folder / STILLS
        try:
            self._stills = zipfile.ZipFile(self._path)
        except (OSError, zipfile.BadZipFile) as error:
            raise IntegrityError(f"{self._path}: cannot be read as pictures: {error}") from error

    def __call__(self, ref: FrameRef) -> Still:
        """The picture of a keyframe.

        Raises:
            IntegrityError: if it is missing or cannot be decoded.
        """
        try:
            data = self._stills.read(still_name(ref))
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise IntegrityError(f"{self._path}: {still_name(ref)}: cannot be read: {error}") from error
        return decode_still(data, f"{self._path}: {still_name(ref)}")

    def close(self) -> None:
        """Close the file."""
        self._stills.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def encode_still(still: Still) -> bytes:
    """A picture (h, w) as WebP."""
    written, data = cv2.imencode(".webp", still, [cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY])
    assert written, "a picture of at most 384 pixels can always be encoded"
    return data.tobytes()


def decode_still(data: bytes, name: str) -> Still:
    """A picture (h, w) from WebP.

    Raises:
        IntegrityError: if it cannot be decoded.
    """
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise IntegrityError(f"{name}: cannot be decoded; check the package with roundel verify")
    return np.asarray(picture, np.uint8)
