"""What all published forms have in common."""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Sha256 = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class Part(BaseModel):
    """Base of all parts: frozen, and nothing undescribed gets in."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def canonical(record: Part) -> str:
    """Canonical text: sorted keys, fixed layout, one newline at the end."""
    values = record.model_dump(mode="json", by_alias=True)
    return json.dumps(values, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
