"""The evidence package: one directory for one analysis of one video, complete or absent, and checkable without Roundel.

It is written under a temporary name, flushed to the disk and renamed. ``manifest-sha256.txt`` is in the format of
``sha256sum``, so ``sha256sum -c manifest-sha256.txt`` checks it anywhere.
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import hashlib
import json
import os
import platform
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel.disk import flush
from roundel.errors import IntegrityError, StallError
from roundel.media.identity import sha256_of
from roundel.record import Analysis, schema_json, to_json
from roundel.types import VideoIdentity

ANALYSIS = "analysis.json"
DETECTIONS = "detections.jsonl.gz"
MANIFEST = "manifest-sha256.txt"
SCHEMA = "analysis.schema.json"
README = "README.txt"
EXHIBITS = "exhibits"
PARTIAL = ".partial-"
EXHIBIT_NAME = re.compile(r"exhibits/[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}")
"""A name of a picture that leads nowhere out of its package."""
_MANIFEST_LINE = re.compile(r"[0-9a-f]{64}  [^\r]+")

_README_TEXT = """\
This folder holds one analysis of one video by Roundel.

analysis.json          the facts; every field is described in analysis.schema.json
detections.jsonl.gz    one line of JSON for each analysed frame: seconds, pts and time_base (the exact time is pts times
                       time_base), frame (its number, from 0), shot, in_transition, and boxes; of each box: xyxy (left,
                       top, right, bottom in pixels of the upright video), class and score (the strongest), track, and
                       scores (one for each of the classes listed in analysis.json, in that order)
exhibits/              pictures made from the video: whole frames and crops of objects
manifest-sha256.txt    hashes of all files here; check them with: sha256sum -c manifest-sha256.txt

Nothing here was changed after it was written: a changed, missing or added file does not agree with the manifest.
The video itself is not in this folder. Its SHA-256 is the name of the folder above and stands in analysis.json.
Scores are no probabilities. Objects that were not detected are in no count. What was not found is not proven absent.
"""


def analysis_id(identity: VideoIdentity, provenance: dict[str, object]) -> str:
    """The name of an analysis: 16 hex digits from the video's hash and everything that determines the result."""
    text = json.dumps({"video": identity.sha256, "provenance": provenance}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def location(case: Path, sha256: str, analysis: str) -> Path:
    """Where a package lies in a case."""
    return case / "videos" / sha256.removeprefix("sha256:") / analysis


class PackageWriter:
    """Takes pictures and boxes while an analysis runs; :meth:`commit` makes the package appear at once."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self._folder = target.parent / f"{PARTIAL}{target.name}-{platform.node()}-{os.getpid()}"
        shutil.rmtree(self._folder, ignore_errors=True)
        (self._folder / EXHIBITS).mkdir(parents=True)
        self._raw = (self._folder / DETECTIONS).open("wb")
        with contextlib.suppress(OSError):  # some network folders cannot lock
            fcntl.flock(self._raw, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._lines = gzip.GzipFile(filename="", mode="wb", fileobj=self._raw, mtime=0)

    def picture(self, name: str, image: NDArray[np.uint8]) -> str:
        """Keep a picture as PNG."""
        written, data = cv2.imencode(".png", image)
        if not written:
            raise IntegrityError(f"{name}: the picture could not be encoded")
        (self._folder / EXHIBITS / name).write_bytes(data.tobytes())
        return f"{EXHIBITS}/{name}"

    def detections(self, line: dict[str, Any]) -> None:
        """Keep the boxes of one analysed frame."""
        self._lines.write((json.dumps(line, separators=(",", ":")) + "\n").encode())

    def commit(self, analysis: Analysis) -> str:
        """Write the facts and the manifest and put the package in its place.

        Returns:
            The hash of the manifest, which stands for the whole package.

        Raises:
            StallError: if another package has taken the place meanwhile and is not the same.
        """
        self._lines.close()
        self._raw.flush()
        wanted = {exhibit.file for exhibit in analysis.exhibits}
        for path in (self._folder / EXHIBITS).iterdir():
            if f"{EXHIBITS}/{path.name}" not in wanted:
                path.unlink()
        for name, text in ((ANALYSIS, to_json(analysis)), (SCHEMA, schema_json()), (README, _README_TEXT)):
            (self._folder / name).write_text(text, encoding="utf-8")
        manifest = "".join(f"{sha256_of(path).removeprefix('sha256:')}  {name}\n" for name, path in files(self._folder))
        (self._folder / MANIFEST).write_text(manifest, encoding="utf-8")
        digest = put_in_place(self._folder, self.target)
        self._raw.close()
        return digest

    def discard(self) -> None:
        """Remove what was written so far."""
        for stream in (self._lines, self._raw):
            with contextlib.suppress(OSError):  # a full disk: what could not be written is not wanted any more
                stream.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def put_in_place(folder: Path, target: Path) -> str:
    """Make a whole package appear at once: flush every byte of it to the disk, then rename its folder.

    Returns:
        The hash of the manifest, which stands for the whole package.

    Raises:
        StallError: if another package has taken the place meanwhile and is not the same.
    """
    for _, path in files(folder):
        flush(path)
    flush(folder / MANIFEST)
    for inner in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
        flush(inner)
    flush(folder)
    digest = manifest_sha256(folder)
    try:
        folder.rename(target)
    except OSError:
        if not target.is_dir():
            raise
        if problems(target) or manifest_sha256(target) != digest:
            raise StallError(
                f"{target}: there is a package already that differs from this one, and this run did not "
                "write it; move it out of the case and run again"
            ) from None
        shutil.rmtree(folder)
    flush(target.parent)
    flush(target.parent.parent)
    return digest


def remove_left_overs(videos: Path) -> None:
    """Remove what interrupted runs have left, but nothing that another run writes at this moment."""
    for folder in videos.glob(f"*/{PARTIAL}*"):
        with contextlib.suppress(FileNotFoundError), contextlib.ExitStack() as stack:
            if (folder / DETECTIONS).is_file():
                stream = stack.enter_context((folder / DETECTIONS).open("rb"))
                try:
                    fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
            shutil.rmtree(folder)


def files(folder: Path) -> Iterator[tuple[str, Path]]:
    """The files of a package without its manifest, as (name within the package, path), sorted."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if (path.is_symlink() or not path.is_dir()) and name != MANIFEST:
            yield name, path


def manifest_sha256(folder: Path) -> str:
    """The hash of the manifest, which stands for the whole package."""
    return sha256_of(folder / MANIFEST)


def listed(folder: Path) -> dict[str, str]:
    """The hash (``sha256:…``) of each file of a package by its name, as the manifest states it.

    Raises:
        IntegrityError: if the manifest cannot be read.
    """
    try:
        return {name: f"sha256:{digest}" for name, digest in _manifest(folder / MANIFEST).items()}
    except (OSError, ValueError) as error:
        raise IntegrityError(f"{folder / MANIFEST}: cannot be read: {error}") from error


def _manifest(path: Path) -> dict[str, str]:
    """The digest of each file; ValueError says which line is none of a manifest."""
    expected = {}
    for number, line in enumerate(path.read_bytes().decode("utf-8", "replace").split("\n")[:-1], start=1):
        if not _MANIFEST_LINE.fullmatch(line):
            raise ValueError(f"line {number} is no manifest line")
        digest, _, name = line.partition("  ")
        expected[name] = digest
    return expected


def problems(folder: Path) -> list[str]:
    """What is wrong with a package: changed, missing and added files. Empty if it is whole."""
    manifest = folder / MANIFEST
    if folder.is_symlink() or manifest.is_symlink():
        return [f"{folder}: is a link, which Roundel never writes"]
    if not manifest.is_file():
        return [f"{manifest}: is missing"]
    try:
        expected = _manifest(manifest)
    except ValueError as error:
        return [f"{manifest}: {error}"]
    present = dict(files(folder))
    found = [f"{folder / name}: is missing" for name in sorted(expected.keys() - present.keys())]
    found += [f"{folder / name}: was added" for name in sorted(present.keys() - expected.keys())]
    for name in sorted(expected.keys() & present.keys()):
        path = present[name]
        if path.is_symlink() or sha256_of(path) != f"sha256:{expected[name]}":
            found.append(f"{path}: was changed")
    return found


def read_analysis(folder: Path) -> Analysis:
    """The facts of a package.

    Raises:
        IntegrityError: if they cannot be read.
    """
    try:
        return Analysis.model_validate_json((folder / ANALYSIS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise IntegrityError(f"{folder / ANALYSIS}: cannot be read: {str(error).splitlines()[0]}") from error
