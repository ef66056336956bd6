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
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel.disk import flush, open_regular, read_bounded
from roundel.errors import IntegrityError, StallError, TakenError
from roundel.fingerprint.keyframes import Keyframe, Still
from roundel.fingerprint.storage import KeyframeWriter
from roundel.matching.footage import Footage, from_package
from roundel.media.identity import sha256_of
from roundel.record import Analysis, reason, schema_json, to_json
from roundel.types import Shot, VideoIdentity

ANALYSIS = "analysis.json"
DETECTIONS = "detections.jsonl.gz"
MANIFEST = "manifest-sha256.txt"
SCHEMA = "analysis.schema.json"
README = "README.txt"
EXHIBITS = "exhibits"
PARTIAL = ".partial-"
EXHIBIT_NAME = re.compile(r"exhibits/[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}")
"""A name of a picture that leads nowhere out of its package."""
FETCHED = "-fetch"
"""End of the name of a partial package that is a copy from elsewhere."""
MOST_BEGINNINGS = 100
PAUSE_SECONDS = 0.001  # longer after each beginning, so that whoever removes can come to an end
MOST_MANIFEST_BYTES = 64 * 1024**2
MOST_FACTS_BYTES = 256 * 1024**2
MOST_FRAME_BYTES = 16 * 1024**2
MOST_DETECTIONS_BYTES = 8 * 1024**3
MOST_FILE_BYTES = 64 * 1024**3
_MANIFEST_LINE = re.compile(r"[0-9a-f]{64}  [^\r]{1,1024}")

_README_TEXT = """\
This folder holds one analysis of one video by Roundel.

analysis.json          the facts; every field is described in analysis.schema.json
detections.jsonl.gz    one line of JSON for each analysed frame: seconds, pts and time_base (the exact time is pts times
                       time_base), frame (its number, from 0), shot, in_transition, and boxes; of each box: xyxy (left,
                       top, right, bottom in pixels of the upright video), class and score (the strongest), track, and
                       scores (one for each of the classes listed in analysis.json, in that order)
fingerprints.jsonl.gz  one line of JSON for each keyframe: seconds, frame, pts and time_base as above, starts_shot, and
                       forms: for each part of the picture (region: left, top, right, bottom as shares of its sides)
                       the PDQ hash, that of its mirror image, and the quality, 0 to 100
stills.zip             a grey picture of each keyframe, at most 384 pixels long, named by the number of its frame
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
        by = f"{platform.node()}-{os.getpid()}-{threading.get_ident()}"
        self._folder = target.parent / f"{PARTIAL}{target.name}-{by}"
        self._raw = _begin(self._folder)
        self._lines = gzip.GzipFile(filename="", mode="wb", fileobj=self._raw, mtime=0)
        self._keyframes = KeyframeWriter(self._folder)

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

    def keyframe(self, keyframe: Keyframe, still: Still) -> None:
        """Keep the fingerprints and the picture of a keyframe."""
        self._keyframes.add(keyframe, still)

    def footage(self, name: str, shots: tuple[Shot, ...]) -> Footage:
        """What was kept for matching; no keyframe may follow."""
        self._keyframes.close()
        return from_package(self._folder, name, tuple((shot.start_seconds, shot.end_seconds) for shot in shots))

    def commit(self, analysis: Analysis) -> str:
        """Write the facts and the manifest and put the package in its place.

        Returns:
            The hash of the manifest, which stands for the whole package.

        Raises:
            TakenError: if another package has taken the place meanwhile and is not the same.
        """
        self._lines.close()
        self._raw.flush()
        self._keyframes.close()
        wanted = {exhibit.file for exhibit in analysis.exhibits}
        for path in (self._folder / EXHIBITS).iterdir():
            if f"{EXHIBITS}/{path.name}" not in wanted:
                path.unlink()
        for name, text in ((ANALYSIS, to_json(analysis)), (SCHEMA, schema_json()), (README, _README_TEXT)):
            (self._folder / name).write_text(text, encoding="utf-8")
        write_manifest(self._folder)
        digest = put_in_place(self._folder, self.target)
        self._raw.close()
        return digest

    def discard(self) -> None:
        """Remove what was written so far."""
        for stream in (self._lines, self._raw):
            with contextlib.suppress(OSError):  # a full disk: what could not be written is not wanted any more
                stream.close()
        self._keyframes.abandon()
        shutil.rmtree(self._folder, ignore_errors=True)


def take_facts(folder: Path, facts: bytes) -> bool:
    """Let a package that was just written say what another one says of the same bytes under another name.

    Args:
        folder: the package.
        facts: content of the other one's ``analysis.json``.

    Returns:
        False, with the package as it was, if the other one differs in anything but the name.
    """
    mine = read_analysis(folder)
    try:
        theirs = Analysis.model_validate_json(facts)
    except ValueError:
        return False
    if theirs.video.names == mine.video.names or _nameless(theirs) != _nameless(mine):
        return False
    (folder / ANALYSIS).write_bytes(facts)
    write_manifest(folder)
    return True


def _nameless(analysis: Analysis) -> Analysis:
    """The facts without the name; a failure's message begins with it."""
    video = analysis.video.model_copy(update={"names": []})
    failure = analysis.failure and analysis.failure.model_copy(update={"message": ""})
    return analysis.model_copy(update={"video": video, "failure": failure})


def write_manifest(folder: Path) -> None:
    """Write the hashes of all files of a folder, in the format of ``sha256sum``."""
    lines = [f"{sha256_of(path).removeprefix('sha256:')}  {name}\n" for name, path in files(folder)]
    (folder / MANIFEST).write_text("".join(lines), encoding="utf-8")


def put_in_place(folder: Path, target: Path) -> str:
    """Make a whole package appear at once: flush every byte of it to the disk, then rename its folder.

    Returns:
        The hash of the manifest, which stands for the whole package.

    Raises:
        TakenError: if another package has taken the place meanwhile and is not the same.
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
            raise TakenError(
                f"{target}: there is a package already that differs from this one, and this run did not "
                "write it; move it out of the case and run again"
            ) from None
        shutil.rmtree(folder)
    flush(target.parent)
    flush(target.parent.parent)
    return digest


def _begin(folder: Path) -> BinaryIO:
    """Make the folder of a package that is written now.

    Its file of detections is locked as long as it is open: by that :func:`remove_left_overs` knows it. What it removes
    before the lock is there is made again.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for beginning in range(MOST_BEGINNINGS):
        time.sleep(beginning * PAUSE_SECONDS)
        with contextlib.suppress(FileNotFoundError):
            folder.mkdir(parents=True, exist_ok=True)
            raw = (folder / DETECTIONS).open("wb")
            try:
                fcntl.flock(raw, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(raw.fileno()), (folder / DETECTIONS).stat()):
                    (folder / EXHIBITS).mkdir(exist_ok=True)
                    return raw
            except (BlockingIOError, FileNotFoundError):  # it is being removed
                raw.close()
            except OSError:  # some network folders cannot lock
                (folder / EXHIBITS).mkdir(exist_ok=True)
                return raw
    raise StallError(f"{folder}: is removed again and again by another program; stop it and run again")


def remove_left_overs(videos: Path) -> None:
    """Remove what interrupted runs have left, but nothing that another run writes or fetches at this moment.

    One after the other: two that have seen the same folder could move two aside, the second one just begun.
    """
    try:
        descriptor = os.open(videos, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        with contextlib.suppress(OSError):  # some network folders cannot lock
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        for folder in videos.glob(f"*/{PARTIAL}*"):
            if not folder.name.endswith(FETCHED):
                _remove_unlocked(folder)
    finally:
        os.close(descriptor)


def _remove_unlocked(folder: Path) -> None:
    """Remove a partial package, unless somebody writes it: its file of detections is then there, and locked.

    That file is the first thing in a package. An empty folder may get one at any moment.
    """
    with contextlib.suppress(FileNotFoundError, BlockingIOError), contextlib.ExitStack() as stack:
        names = {path.name for path in folder.iterdir()}
        if DETECTIONS in names:
            stream = stack.enter_context((folder / DETECTIONS).open("rb"))
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(stream.fileno()), (folder / DETECTIONS).stat()):
                return  # it was begun anew meanwhile
        if not names:
            with contextlib.suppress(OSError):  # it has just been begun
                folder.rmdir()
            return
        aside = folder.with_name(f"{PARTIAL}removed-{platform.node()}-{os.getpid()}-{threading.get_ident()}")
        folder.rename(aside)  # at once: who begins anew in its place does not lose a part of that
        shutil.rmtree(aside, ignore_errors=True)


def files(folder: Path) -> Iterator[tuple[str, Path]]:
    """The files of a package without its manifest, as (name within the package, path), sorted."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if (path.is_symlink() or not path.is_dir()) and name != MANIFEST:
            yield name, path


def each_frame(folder: Path, take: Callable[[dict[str, Any]], None], so: str = "") -> None:
    """Hand over what was detected in each examined frame of a package, one after the other.

    Args:
        folder: the package.
        take: gets the frame; what it raises because something in it is missing or wrong is an error of the file.
        so: what follows for the user if the file cannot be read.

    Raises:
        IntegrityError: if it cannot be read or holds more than any analysis writes.
    """
    path, unpacked = folder / DETECTIONS, 0
    try:
        with open_regular(path, follow=False) as packed, gzip.open(packed, "rb") as stream:
            while line := stream.readline(MOST_FRAME_BYTES):
                unpacked += len(line)
                if unpacked > MOST_DETECTIONS_BYTES:
                    raise ValueError(f"it unpacks to more than {MOST_DETECTIONS_BYTES:,} bytes")
                take(json.loads(line))
    except (OSError, EOFError, ValueError, KeyError, TypeError, RecursionError, zlib.error) as error:
        raise IntegrityError(f"{path}: cannot be read{so}: {error}; check the case with roundel verify") from error


def agrees(folder: Path, name: str) -> bool:
    """Whether one file of a package is the one that its manifest names."""
    path = folder / name
    if path.is_symlink() or not path.is_file():
        return False
    line = f"{sha256_of(path).removeprefix('sha256:')}  {name}"
    return line in (folder / MANIFEST).read_text(encoding="utf-8", errors="replace").split("\n")


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
    told = read_bounded(path, MOST_MANIFEST_BYTES, follow=False).decode("utf-8", "replace")
    expected = {}
    for number, line in enumerate(told.split("\n")[:-1], start=1):
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
    except OSError as error:
        return [f"{manifest}: {error.strerror or error}, so it is none that Roundel has written"]
    except ValueError as error:
        return [f"{manifest}: {error}"]
    present = dict(files(folder))
    found = [f"{folder / name}: is missing" for name in sorted(expected.keys() - present.keys())]
    found += [f"{folder / name}: was added" for name in sorted(present.keys() - expected.keys())]
    for name in sorted(expected.keys() & present.keys()):
        path = present[name]
        if path.is_symlink() or not path.is_file():
            found.append(f"{path}: was changed")
        elif path.stat().st_size > MOST_FILE_BYTES:  # nothing that Roundel writes; hashing it may take hours
            found.append(f"{path}: was changed: it is larger than {MOST_FILE_BYTES:,} bytes")
        elif sha256_of(path) != f"sha256:{expected[name]}":
            found.append(f"{path}: was changed")
    return found


def read_analysis(folder: Path) -> Analysis:
    """The facts of a package.

    Raises:
        IntegrityError: if they cannot be read.
    """
    try:
        facts = read_bounded(folder / ANALYSIS, MOST_FACTS_BYTES, follow=False)
        return Analysis.model_validate_json(facts.decode("utf-8"))
    except (OSError, ValueError) as error:
        raise IntegrityError(f"{folder / ANALYSIS}: cannot be read: {reason(error)}") from error
