"""The recipe: one TOML file that every step reads, and where things are."""

from __future__ import annotations

import os
import tarfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
WORKSPACE = Path(os.environ.get("ROUNDEL_WORKSPACE", PROJECT / "workspace"))
"""What the steps make; git ignores it."""
SHARED = Path(os.environ.get("ROUNDEL_SHARED", PROJECT.parent / "shared"))
"""The folder with training data, held-out data and start weights; it is not part of the project."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """``settings`` are the tables of the file; ``workspace`` takes what the steps make."""

    name: str
    settings: dict[str, Any]
    workspace: Path

    def path(self, *parts: str) -> Path:
        """A path within this recipe's own part of the workspace; its folder exists."""
        target = self.workspace.joinpath(self.name, *parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        return target


def load_recipe(file: Path) -> Recipe:
    """Read a recipe. The workspace is ``$ROUNDEL_WORKSPACE`` or ``workspace/`` in the project (git ignores it).

    Raises:
        SystemExit: naming the file, if it cannot be read.
    """
    try:
        settings = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SystemExit(f"{file}: cannot be read as a recipe: {error}") from error
    return Recipe(file.stem, settings, WORKSPACE)


def extracted(archive: str) -> Path:
    """The folder of an archive of ``shared/data``, extracted once into the workspace."""
    source = SHARED / "data" / f"{archive}.tar.xz"
    target = WORKSPACE / "data" / archive
    if not target.is_dir():
        if not source.is_file():
            raise SystemExit(f"{source}: is not there; set ROUNDEL_SHARED to the folder that holds data/")
        partial = target.with_name(f".{archive}.{os.getpid()}")
        partial.mkdir(parents=True)
        with tarfile.open(source) as tar:
            tar.extractall(partial, filter="data")
        folders = list(partial.iterdir())
        (folders[0] if len(folders) == 1 else partial).rename(target)
        if partial.is_dir():
            partial.rmdir()
    return target
