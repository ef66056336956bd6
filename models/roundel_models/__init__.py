"""Weights, class tree and other data that Roundel ships."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent


@cache
def registry() -> dict[str, dict[str, Any]]:
    """The shipped weights by name: file, sha256, licence, input size, classes and how they are shown."""
    return tomllib.loads((ROOT / "registry.toml").read_text(encoding="utf-8"))


@cache
def classes() -> dict[str, dict[str, Any]]:
    """The nodes of the class tree by name: parent, title, hardware, pictures."""
    return tomllib.loads((ROOT / "classes.toml").read_text(encoding="utf-8"))


@cache
def mappings() -> dict[str, Path]:
    """The shipped mappings from the classes of public data sets to the class tree, by name."""
    return {file.stem: file for file in sorted((ROOT / "mappings").glob("*.yaml"))}


@cache
def types() -> dict[str, dict[str, Any]]:
    """The types that can be named and the families above them: parent (a family or a class), title, level."""
    return tomllib.loads((ROOT / "types.toml").read_text(encoding="utf-8"))


@cache
def identify() -> dict[str, Any]:
    """The tables ``network``, ``gallery``, ``calibration`` and ``size`` of the identification of types."""
    return tomllib.loads((ROOT / "identify.toml").read_text(encoding="utf-8"))


def checked(entry: Mapping[str, Any]) -> Path:
    """The path of a shipped file whose ``file`` and ``sha256`` an entry gives, after its hash has been checked.

    Raises:
        ValueError: if it is missing or not the file that was registered.
    """
    path: Path = ROOT / entry["file"]
    if not path.is_file():
        raise ValueError(f"{path}: is missing")
    found = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    if found != entry["sha256"]:
        raise ValueError(f"{path}: is not the file that was registered ({found} instead of {entry['sha256']})")
    return path


def weights(name: str) -> Path:
    """The path of shipped weights, after its hash has been checked.

    Raises:
        KeyError: if no such weights are shipped.
        ValueError: if the file is not the one that was registered.
    """
    return checked(registry()[name])
