"""Fingerprints that somebody contributed, whatever format they came in."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from roundel.fingerprint.forms import FORMS, Form
from roundel.fingerprint.pdq import BYTES
from roundel.matching.candidates import LEAST_QUALITY
from roundel.types import Seconds

Format = Literal["roundel", "vpdq", "auto-archiver"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
Says = Literal["published", "filmed"]
Basis = Literal["seen", "reported", "document"]
Trust = Literal["trusted", "unknown key", "unsigned"]
"""``trusted``: signed with a key that the user named; ``unknown key``: signed, the user did not say by whom."""
TRUSTS: Final[tuple[Trust, ...]] = get_args(Trust)

UNKNOWN_QUALITY: Final = -1
BALANCED: Final = 120
"""Bits that are one: half of them, since each says whether a value is above the median; few less if values are equal.

A hash without a quality that has fewer is that of a drawn or empty picture, or lost more than leading zeros.
``benchmarks/exchange.py`` counts them in footage.
"""


@dataclass(frozen=True, slots=True)
class Attested:
    """A person says when a video was published, or filmed: between two days as 2013-05-01, ``None`` where that is open.

    ``found`` is the day on which ``who`` found it, ``source`` the publication or document.
    """

    says: Says
    first: str | None
    last: str | None
    who: str
    found: str
    basis: Basis
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class Video:
    """The fingerprints of one video, as parallel arrays with a row for each hash.

    ``label`` tells it from the others of its file. ``seconds`` (n,) is NaN where the file has no time, ``form`` (n,)
    numbers :data:`roundel.fingerprint.forms.FORMS`, ``hashes`` is (n, 32), ``quality`` (n,) is 0 to 100, or -1 where
    the file does not say, ``padded`` (n,) is true where leading zeros were missing and were put back.
    """

    label: str
    seconds: NDArray[np.float64]
    form: NDArray[np.uint8]
    hashes: NDArray[np.uint8]
    quality: NDArray[np.int16]
    padded: NDArray[np.bool_]
    sha256: str | None = None
    name: str | None = None
    duration_seconds: Seconds | None = None
    width: int | None = None
    height: int | None = None
    attested: tuple[Attested, ...] = ()

    @property
    def useful(self) -> NDArray[np.bool_]:
        """Which hashes (n,) are those of pictures that have something in them to be known by."""
        ones = np.bitwise_count(self.hashes).sum(axis=1)
        return np.where(self.quality == UNKNOWN_QUALITY, ones >= BALANCED, self.quality >= LEAST_QUALITY)


@dataclass(frozen=True, slots=True, eq=False)
class Contribution:
    """What one file holds. ``public_key`` is that of a signature that was verified; ``None``: the file has none."""

    format: Format
    sha256: str
    videos: tuple[Video, ...]
    contributor: str | None = None
    created: str | None = None
    tool: str | None = None
    notes: str | None = None
    licence: str | None = None
    public_key: str | None = None

    @property
    def hashes(self) -> int:
        """How many hashes it holds."""
        return sum(len(video.hashes) for video in self.videos)

    @property
    def padded(self) -> int:
        """How many of them had lost leading zeros."""
        return sum(int(video.padded.sum()) for video in self.videos)


class Rows:
    """Collects the hashes of one video."""

    def __init__(self) -> None:
        self._seconds, self._quality = array("d"), array("h")
        self._form, self._hashes, self._padded = bytearray(), bytearray(), bytearray()

    def add(
        self, seconds: float | None, bits: bytes, quality: int | None = None, form: Form = "whole", padded: bool = False
    ) -> None:
        """Add a hash of 32 bytes; ``None`` for a time or quality that the file does not say."""
        self._seconds.append(math.nan if seconds is None else seconds)
        self._quality.append(UNKNOWN_QUALITY if quality is None else quality)
        self._form.append(FORMS.index(form))
        self._hashes += bits
        self._padded.append(padded)

    def __len__(self) -> int:
        return len(self._form)

    def video(self, label: str) -> Video:
        """The video with the hashes so far."""
        return Video(
            label,
            np.frombuffer(self._seconds, np.float64),
            np.frombuffer(self._form, np.uint8),
            np.frombuffer(self._hashes, np.uint8).reshape(-1, BYTES),
            np.frombuffer(self._quality, np.int16),
            np.frombuffer(self._padded, np.uint8).astype(np.bool_),
        )
