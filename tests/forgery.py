"""Cases as a forger makes them: every hash and every link of the chain agrees, whatever is said."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from roundel import case as cases
from roundel import custody, package

ANALYSIS_ID = "0123456789abcdef"
Event = tuple[str, str, dict[str, Any]]
"""What happened, to what, and details."""


def chained(events: Sequence[Event]) -> tuple[bytes, bytes]:
    """A custody log with a whole chain, and its head."""
    lines, previous, seq = [], custody.GENESIS, -1
    for seq, (event, subject, details) in enumerate(events):
        body = {"seq": seq, "at": "2026-01-01T00:00:00+00:00", "who": "x", "event": event, "subject": subject}
        body |= {"details": details, "previous": previous}
        previous = custody._hash(body)
        lines.append(custody._line(body, previous))
    return b"".join(lines), custody._head(seq, previous)


def write_log(case: Path, events: Sequence[Event]) -> None:
    """Put a whole log into a case."""
    log, head = chained(events)
    (case / custody.FILE).write_bytes(log)
    (case / custody.HEAD).write_bytes(head)


def manifest(contents: Mapping[str, bytes]) -> bytes:
    """The manifest that agrees with these files."""
    return "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(contents.items())).encode()


def forged_case(
    case: Path, analysis: bytes, video: str, detections: bytes = b"", more: Mapping[str, bytes] | None = None
) -> Path:
    """A case with one package, of a video with the hash ``video``, that agrees with its manifest and its log."""
    name = f"{cases.VIDEOS}/{video.removeprefix('sha256:')}/{ANALYSIS_ID}"
    place = case / name
    place.mkdir(parents=True)
    contents = {package.ANALYSIS: analysis, package.DETECTIONS: gzip.compress(detections, mtime=0), **(more or {})}
    listed = manifest(contents)
    for file, data in (*contents.items(), (package.MANIFEST, listed)):
        (place / file).parent.mkdir(exist_ok=True)
        (place / file).write_bytes(data)
    digest = f"sha256:{hashlib.sha256(listed).hexdigest()}"
    received: Event = ("received", video, {"name": "clip.mp4", "path": "/clip.mp4", "size_bytes": 1})
    write_log(case, [received, (cases.ANALYSED, name, {"manifest_sha256": digest, "video": video})])
    return case
