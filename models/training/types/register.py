"""``identify.toml``: what the steps say about the network, the gallery and the calibration. Never edited by hand."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import roundel_models

PATH = roundel_models.ROOT / "identify.toml"
HEAD = (
    "# The type network, its gallery and its calibration. Written by the steps of models/training/types; not by hand.\n"
)


def update(table: str, values: dict[str, Any]) -> None:
    """Replace one table of the file; ``table`` may have a dot in it."""
    data = tomllib.loads(PATH.read_text(encoding="utf-8")) if PATH.is_file() else {}
    place = data
    *outer, last = table.split(".")
    for name in outer:
        place = place.setdefault(name, {})
    place[last] = values
    PATH.write_text(HEAD + "".join(_tables("", data)), encoding="utf-8")
    roundel_models.identify.cache_clear()


def _tables(prefix: str, data: dict[str, Any]) -> list[str]:
    plain = {key: value for key, value in data.items() if not isinstance(value, dict)}
    lines = [f"\n[{prefix.rstrip('.')}]\n"] if plain else []
    lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in plain.items()]
    for key, value in data.items():
        if isinstance(value, dict):
            lines += _tables(f"{prefix}{key}.", value)
    return lines
