"""The lines of Roundel's own exchange format, one JSON object a line; docs/fingerprints.md describes every field.

``header``, then for each video one ``video`` and its ``keyframe`` lines, then ``end`` with the hash of all bytes before
it and the signature. A field or a value that is not described here is refused: no file can carry anything else along.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from roundel.exchange.model import Basis, Says
from roundel.exchange.signing import PUBLIC_KEY, SIGNATURE
from roundel.fingerprint.forms import FORMS, Form
from roundel.fingerprint.keyframes import VERSION as FORMS_VERSION
from roundel.words import visible

NAME: Final = "roundel-fingerprints"
VERSION: Final = 1
MOST_LINE_BYTES: Final = 64 * 1024
MOST_SECONDS: Final = 1e7
MOST_ATTESTED: Final = 50
MOST_LINE: Final = 300
_SHA256 = r"^sha256:[0-9a-f]{64}$"


def _day(text: str) -> str:
    date.fromisoformat(text)
    return text


def _plain(text: str) -> str:
    if text.strip() != text or visible(text) != text:
        raise ValueError("must have no hidden characters and no spaces at its ends")
    return text


Line = Annotated[str, Field(min_length=1, max_length=MOST_LINE), AfterValidator(_plain)]
Day = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_day)]
Sha256 = Annotated[str, Field(pattern=_SHA256)]
Seconds = Annotated[float, Field(ge=-MOST_SECONDS, le=MOST_SECONDS)]
Pixels = Annotated[int, Field(ge=1, le=2**20)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Header(_Part):
    """Who gives these fingerprints, and how they were made."""

    kind: Literal["header"] = "header"
    format: Literal["roundel-fingerprints"] = NAME
    version: Literal[1] = VERSION
    algorithm: Literal["pdq"] = "pdq"
    forms: Literal["pdq-forms-1"] = FORMS_VERSION
    contributor: Line
    created: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")]
    tool: Line
    public_key: Annotated[str, Field(pattern=f"^{PUBLIC_KEY.pattern}$")] | None = None
    licence: Line | None = None
    notes: Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_plain)] | None = None

    @model_validator(mode="after")
    def _is_a_time(self) -> Header:
        datetime.fromisoformat(self.created)
        return self


class Dated(_Part):
    """A person says between which days a video was published, or filmed."""

    says: Says
    first: Day | None = None
    last: Day | None = None
    who: Line
    found: Day
    basis: Basis
    source: Line

    @model_validator(mode="after")
    def _agrees(self) -> Dated:
        if self.first is None and self.last is None:
            raise ValueError("a date needs a first or a last possible day")
        if self.first is not None and self.last is not None and self.first > self.last:
            raise ValueError("the first possible day is after the last one")
        return self


class VideoLine(_Part):
    """A video: its hash, and what it looks like from outside."""

    kind: Literal["video"] = "video"
    sha256: Sha256
    duration_seconds: Annotated[float, Field(ge=0, le=MOST_SECONDS)] | None = None
    width: Pixels | None = None
    height: Pixels | None = None
    name: Line | None = None
    attested: Annotated[list[Dated], Field(max_length=MOST_ATTESTED)] = []


class HashLine(_Part):
    """The hash of one form of a picture."""

    form: Form
    hash: Annotated[str, Field(pattern=r"^pdq:[0-9a-f]{64}$")]
    quality: Annotated[int, Field(ge=0, le=100)]


class KeyframeLine(_Part):
    """A picture of the video before it."""

    kind: Literal["keyframe"] = "keyframe"
    seconds: Seconds
    hashes: Annotated[list[HashLine], Field(min_length=1, max_length=len(FORMS))]


class End(_Part):
    """How much the file holds, the hash of all bytes before this line, and the signature."""

    kind: Literal["end"] = "end"
    videos: Annotated[int, Field(ge=0)]
    hashes: Annotated[int, Field(ge=0)]
    sha256: Sha256
    signature: Annotated[str, Field(pattern=f"^{SIGNATURE.pattern}$")] | None = None


AnyLine = Header | VideoLine | KeyframeLine | End
ADAPTER: Final[TypeAdapter[AnyLine]] = TypeAdapter(Annotated[AnyLine, Field(discriminator="kind")])


def text_of(line: AnyLine) -> bytes:
    """A line as it is written: ASCII, fields in the order of their description, those that say nothing left out."""
    said = {key: value for key, value in line.model_dump(exclude_none=True).items() if value != []}
    return json.dumps(said, separators=(",", ":")).encode() + b"\n"
