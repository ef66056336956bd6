"""Weights, class tree and other data that Roundel ships."""

from __future__ import annotations

import hashlib
import tomllib
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


def weights(name: str) -> Path:
    """The path of shipped weights, after its hash has been checked.

    Raises:
        KeyError: if no such weights are shipped.
        ValueError: if the file is not the one that was registered.
    """
    entry = registry()[name]
    path: Path = ROOT / entry["file"]
    found = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    if found != entry["sha256"]:
        raise ValueError(
            f"{path}: is not the file that was registered as {name} ({found} instead of {entry['sha256']})"
        )
    return path
