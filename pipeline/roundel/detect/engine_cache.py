"""Engines that TensorRT has built for one GPU, kept by what determines them.

Building takes minutes, and two builds of the same network differ: TensorRT chooses among its kernels by timing them.
So an engine is built once and used again as long as weights, precision, shapes, GPU and versions are the same; the hash
of its bytes is part of every result. An engine is a program for the GPU: one that is not as it was written is never
loaded, but built again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from roundel.disk import replace_text
from roundel.errors import WeightsError
from roundel.media.identity import sha256_of

NOTE = "engine.json"
SUFFIX = ".engine"


@dataclass(slots=True)
class Kept:
    """The folder of an engine; after the engine was built or loaded there, the hash of its bytes."""

    folder: Path
    was_there: bool
    sha256: str = ""


def cache_folder() -> Path:
    """Where engines are kept: in ``XDG_CACHE_HOME`` or the user's ``.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "roundel" / "engines"


@contextmanager
def kept_engine(name: str, facts: Mapping[str, str]) -> Iterator[Kept]:
    """A folder to build or load an engine in. Other processes that want the same one wait.

    The folder is empty unless it holds the engine that was built for the same facts. What is in it at the end is noted,
    unless there was an error.

    Args:
        name: how the folder's name begins.
        facts: everything that determines the engine.

    Raises:
        WeightsError: if the cache cannot be written to, or no engine was put there.
    """
    digest = hashlib.sha256(json.dumps(dict(facts), sort_keys=True).encode()).hexdigest()
    folder = cache_folder() / f"{name}-{digest[:16]}"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folder.with_name(f"{folder.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            kept = Kept(folder, _is_whole(folder, facts))
            if not kept.was_there:  # only who holds the lock touches the folder
                if folder.exists():
                    shutil.rmtree(folder)
                folder.mkdir(mode=0o700)
            yield kept
            hashes = _hashes(folder)
            if not hashes:
                raise WeightsError(f"{folder}: TensorRT has built no engine there; see roundel doctor --gpu")
            replace_text(folder / NOTE, json.dumps({"facts": dict(facts), "files": hashes}, indent=1) + "\n")
            kept.sha256 = _hash_of_all(hashes)
    except OSError as error:
        raise WeightsError(
            f"{error.filename or folder}: {error.strerror or error}; engines of TensorRT are kept there: make room, or "
            "set XDG_CACHE_HOME to another place"
        ) from error


def _is_whole(folder: Path, facts: Mapping[str, str]) -> bool:
    """Whether a folder holds the engine that was built for these facts, with not a byte changed."""
    try:
        note = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        return bool(note == {"facts": dict(facts), "files": _hashes(folder)})
    except (OSError, ValueError, RecursionError):
        return False


def _hashes(folder: Path) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in sorted(folder.glob(f"*{SUFFIX}"))}


def _hash_of_all(hashes: Mapping[str, str]) -> str:
    """The hash of one file; or of the hashes of several, which TensorRT makes of a network that it runs in parts."""
    if len(hashes) == 1:
        return next(iter(hashes.values()))
    return f"sha256:{hashlib.sha256(''.join(hashes.values()).encode()).hexdigest()}"
