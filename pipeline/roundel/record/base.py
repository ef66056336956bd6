"""What all published forms have in common."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from roundel.words import shorten

LARGEST = 2**53 - 1
"""Larger numbers are not the same in every reader of JSON: RFC 8259, section 6."""

Sha256 = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


Span = Annotated[list[float], Field(min_length=2, max_length=2, description="[from, to) in seconds")]


def _has_both_ends(interval: list[int]) -> list[int]:
    if len(interval) != 2:
        raise ValueError("an interval has two ends")
    return interval


Interval = Annotated[list[int], AfterValidator(_has_both_ends)]


def of_version(known: str) -> AfterValidator:
    """Refuses a form of another version: it may mean other things by the same names."""

    def check(version: str) -> str:
        if version != known:
            found = shorten(version, 40)
            raise ValueError(f"it has form {found}, and this Roundel reads form {known}; use the Roundel that wrote it")
        return version

    return AfterValidator(check)


class Part(BaseModel):
    """Base of all parts: frozen, and nothing undescribed gets in."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _keep_numbers_exact(cls, value: Any) -> Any:  # noqa: ANN401
        waiting = [value]
        while waiting:
            part = waiting.pop()
            if isinstance(part, dict):
                waiting += part.values()
            elif isinstance(part, list | tuple):
                waiting += part
            elif isinstance(part, int | float) and abs(part) > LARGEST:
                raise ValueError(f"a number is larger than {LARGEST}")
        return value


def canonical(record: Part) -> str:
    """Canonical text: sorted keys, fixed layout, one newline at the end."""
    values = record.model_dump(mode="json", by_alias=True)
    return json.dumps(values, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def reason(error: OSError | ValueError) -> str:
    """Why a record cannot be read, in a line; of several reasons the first."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if not isinstance(error, ValidationError):
        return str(error).splitlines()[0]
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    said = first["msg"].removeprefix("Value error, ")
    return shorten(f"{where}: {said}" if where else said)
