"""Writes the fingerprints of a case for others: hashes, times and sizes, and nothing by which footage could be seen."""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from pydantic import ValidationError

from roundel import __version__, package
from roundel import case as cases
from roundel.disk import PARTIAL, flush
from roundel.errors import IntegrityError, UsageError
from roundel.exchange.lines import AnyLine, Dated, End, HashLine, Header, KeyframeLine, VideoLine, text_of
from roundel.exchange.model import Attested
from roundel.exchange.signing import Key
from roundel.exchange.source import MOST_TEXT_BYTES
from roundel.fingerprint.keyframes import Keyframe
from roundel.fingerprint.pdq import ALGORITHM
from roundel.fingerprint.storage import FINGERPRINTS, read_keyframes
from roundel.media.identity import sha256_of
from roundel.words import shorten, visible

LEAST_PREFIX: Final = 8
MOST_NAME: Final = 300
_PLACES: Final = 6  # of seconds


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is exported, and what is said about it.

    ``videos``: only these, by the first digits of their hash or by a name they came under; all if empty.
    ``attested``: by the hash of the video. ``names``: a name of each video is written, too; it may reveal a source.
    """

    contributor: str
    videos: tuple[str, ...] = ()
    names: bool = False
    attested: Mapping[str, Sequence[Attested]] = field(default_factory=dict)
    licence: str | None = None
    notes: str | None = None
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: ``without_fingerprints`` are hashes of videos of which no hash is kept."""

    videos: int
    hashes: int
    dated: int
    sha256: str
    public_key: str | None
    without_fingerprints: tuple[str, ...]


def export(case: Path, out: Path, wanted: Wanted, key: Key | None = None) -> Exported:
    """Write the fingerprints of a case to a new file; compressed if its name ends in ``.gz``.

    The same packages, words, time and key give the same bytes. Of several analyses of a video the last one is taken.

    Raises:
        UsageError: if the file exists, a word cannot be written, a wanted video is not there, or it is too much.
        IntegrityError: if a package is not as the custody log says.
        OSError: if it cannot be written; nothing is then left of it.
    """
    chosen = _chosen(case, wanted.videos)
    header = _header(wanted, key)
    missing = tuple(sha256 for sha256, folder in chosen.items() if not (folder / FINGERPRINTS).is_file())
    names = cases.names(case) if wanted.names else {}
    with new_file(out) as raw:
        output = _Output(raw, compressed=out.name.endswith(".gz"))
        output.write(header)
        for sha256, folder in sorted(chosen.items()):
            if sha256 not in missing:
                name = next(iter(names.get(sha256, ())), None)
                _write_video(output, folder, sha256, name, wanted.attested.get(sha256, ()))
        output.end(key)
    return Exported(output.videos, output.hashes, output.dated, sha256_of(out), header.public_key, missing)


def known_videos(case: Path) -> dict[str, list[str]]:
    """The names under which each analysed video of a case came, by its hash."""
    names = cases.names(case)
    return {sha256: names.get(sha256, []) for sha256 in _chosen(case, ())}


class _Output:
    def __init__(self, raw: IO[bytes], *, compressed: bool) -> None:
        self._stream: IO[bytes] = gzip.GzipFile("", "wb", fileobj=raw, mtime=0) if compressed else raw  # type: ignore[assignment]
        self._compressed = compressed
        self._digest = hashlib.sha256()
        self._bytes = 0
        self.videos = self.hashes = self.dated = 0

    def write(self, line: AnyLine) -> None:
        text = text_of(line)
        self._bytes += len(text)
        if self._bytes > MOST_TEXT_BYTES:
            raise UsageError(
                f"these are more than {MOST_TEXT_BYTES // 1024**2} MiB of fingerprints, more than is read from one "
                "file; export some of the videos at a time with --video"
            )
        self._digest.update(text)
        self._stream.write(text)
        self.videos += isinstance(line, VideoLine)
        self.dated += isinstance(line, VideoLine) and bool(line.attested)
        self.hashes += len(line.hashes) if isinstance(line, KeyframeLine) else 0

    def end(self, key: Key | None) -> None:
        sha256 = f"sha256:{self._digest.hexdigest()}"
        signature = None if key is None else key.sign(sha256)
        self.write(End(videos=self.videos, hashes=self.hashes, sha256=sha256, signature=signature))
        if self._compressed:
            self._stream.close()


def _header(wanted: Wanted, key: Key | None) -> Header:
    created = (wanted.created or datetime.now(UTC)).astimezone(UTC)
    try:
        return Header(
            contributor=wanted.contributor,
            created=created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            tool=f"roundel {__version__}",
            public_key=None if key is None else key.public,
            licence=wanted.licence,
            notes=wanted.notes,
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UsageError(f"--{first['loc'][0]}: {first['msg']}; write it in other words") from error


def _write_video(output: _Output, folder: Path, sha256: str, name: str | None, attested: Sequence[Attested]) -> None:
    if not package.agrees(folder, FINGERPRINTS) or not package.agrees(folder, package.ANALYSIS):
        raise IntegrityError(f"{folder}: was changed; run roundel verify, and restore it from a copy")
    media = package.read_analysis(folder).media
    output.write(
        VideoLine(
            sha256=sha256,
            duration_seconds=media.duration_seconds_from_content if media else None,
            width=media.width if media else None,
            height=media.height if media else None,
            name=None if name is None else shorten(visible(name).strip() or "?", MOST_NAME // 2),
            attested=[Dated(**asdict(item)) for item in attested],
        )
    )
    for keyframe in read_keyframes(folder):
        output.write(line_of(keyframe))


def line_of(keyframe: Keyframe) -> KeyframeLine:
    """What is told of a keyframe."""
    hashes = [
        HashLine(form=item.form, hash=f"{ALGORITHM}:{item.bits.hex()}", quality=item.quality)
        for item in keyframe.fingerprints
    ]
    return KeyframeLine(seconds=round(keyframe.seconds, _PLACES), hashes=hashes)


def _chosen(case: Path, videos: Sequence[str]) -> dict[str, Path]:
    """The package of each video that is wanted, by the hash of the video: the last one that the log notes."""
    latest: dict[str, Path] = {}
    present = set(cases.packages(case))
    for place, event in cases.logged(case).items():
        folder = case / place
        if folder not in present or not cases.agrees(folder, event):
            raise IntegrityError(f"{folder}: is not as the custody log says; run roundel verify, and restore it")
        latest[f"sha256:{folder.parent.name}"] = folder
    if not videos:
        return latest
    names = cases.names(case)
    found: set[str] = set()
    for wanted in videos:
        digits = wanted.removeprefix("sha256:")
        mine = {sha256 for sha256 in latest if wanted in names.get(sha256, ())}
        if len(digits) >= LEAST_PREFIX:
            mine |= {sha256 for sha256 in latest if sha256.removeprefix("sha256:").startswith(digits)}
        if not mine:
            raise UsageError(
                f"--video {shorten(wanted, 80)}: is no video of {case}; give a file name it came under, or the first "
                f"{LEAST_PREFIX} digits of its SHA-256"
            )
        found |= mine
    return {sha256: latest[sha256] for sha256 in found}


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that appears whole or not at all, and takes the place of none.

    Raises:
        UsageError: if something is there already.
        OSError: if it cannot be written.
    """
    partial = path.with_name(f".{path.name}{PARTIAL}{os.getpid()}")
    _require_free(path)
    try:
        with partial.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        _require_free(path)
        partial.replace(path)
        flush(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def _require_free(path: Path) -> None:
    if path.is_symlink() or path.exists():
        raise UsageError(f"{path}: exists; name a new file, or remove that one first")
