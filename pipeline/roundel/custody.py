"""The custody log: what was done with a case, when and by whom. Append-only lines, each chained to the one before.

A changed, removed or inserted line breaks the chain. ``custody.head`` names the last line, so that a log cut short at
its end is noticed. Somebody who rewrites all lines and the head is noticed only by a head that was kept elsewhere:
``roundel verify`` prints it for that purpose.
"""

from __future__ import annotations

import errno
import fcntl
import getpass
import hashlib
import itertools
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from roundel.disk import open_regular, read_bounded
from roundel.errors import IntegrityError

FILE = "custody.jsonl"
HEAD = "custody.head"
GENESIS = "sha256:" + "0" * 64
TAIL_BYTES = 64 * 1024
MOST_LINE_BYTES = 4 * 1024**2


@dataclass(frozen=True, slots=True)
class Event:
    """One line: number, UTC time, person, what happened to what, and the hashes that chain it."""

    seq: int
    at: str
    who: str
    event: str
    subject: str
    details: dict[str, Any]
    previous: str
    hash: str


def _hash(body: dict[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(_encode(text)).hexdigest()}"


def _encode(text: str) -> bytes:
    """UTF-8; bytes of file names that are no text become JSON escapes, which read back as they were."""
    return text.encode("utf-8", "backslashreplace")


def _line(body: dict[str, Any], digest: str) -> bytes:
    return _encode(json.dumps({**body, "hash": digest}, ensure_ascii=False)) + b"\n"


def who() -> str:
    """The person who acts: ``ROUNDEL_ACTOR``, else the name of the account."""
    try:
        return os.environ.get("ROUNDEL_ACTOR") or getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def append(case: Path, event: str, subject: str, details: dict[str, Any] | None = None) -> Event:
    """Add an event and make sure that it is on the disk.

    Raises:
        IntegrityError: if the end of the log is damaged or missing, so that nothing can be chained to it.
        OSError: if it cannot be written; the log is then as it was before.
    """
    path = case / FILE
    with _open_log(path) as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        last = _last_line(stream, path)
        _check_head(case, _read_head(case), last)
        body: dict[str, Any] = {
            "seq": last.seq + 1 if last else 0,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "who": who(),
            "event": event,
            "subject": subject,
            "details": details or {},
            "previous": last.hash if last else GENESIS,
        }
        entry = Event(**body, hash=_hash(body))
        if last is None:
            (case / HEAD).touch()
        _write(stream, _line(body, entry.hash))
        _write_head(case, entry)
    return entry


def _open_log(path: Path) -> IO[bytes]:
    """The log, to be read and added to; a new one where there is none, and never what a link leads to."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    return os.fdopen(descriptor, "a+b", buffering=0)


def _write(stream: IO[bytes], line: bytes) -> None:
    """Write a line to the disk whole or not at all."""
    size = os.fstat(stream.fileno()).st_size
    try:
        if stream.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), stream.name)
        os.fsync(stream.fileno())
    except BaseException:
        os.ftruncate(stream.fileno(), size)
        raise


def _last_line(stream: IO[bytes], path: Path) -> Event | None:
    start, tail = stream.seek(0, os.SEEK_END), b""
    while start > 0 and b"\n" not in tail[:-1] and len(tail) < MOST_LINE_BYTES:
        step = min(TAIL_BYTES, start)
        start -= step
        stream.seek(start)
        tail = stream.read(step) + tail
    if not tail:
        return None
    try:
        return _parse(tail[:-1].rpartition(b"\n")[2]) if tail.endswith(b"\n") else _parse(b"")
    except ValueError as error:
        raise IntegrityError(
            f"{path}: the last line is damaged; run roundel verify {path.parent}, and restore the log from a copy"
        ) from error


def _parse(line: bytes) -> Event:
    """The event of a line.

    Raises:
        ValueError: if it is none.
    """
    try:
        event = Event(**json.loads(line))
    except (TypeError, RecursionError) as error:
        raise ValueError("no event") from error
    texts = (event.at, event.who, event.event, event.subject, event.previous, event.hash)
    if type(event.seq) is not int or not isinstance(event.details, dict) or not all(isinstance(t, str) for t in texts):
        raise ValueError("no event")
    return event


def _head(seq: int, digest: str) -> bytes:
    return f"{seq} {digest}\n".encode() if seq >= 0 else b""


def _read_head(case: Path) -> bytes | None:
    path = case / HEAD
    return read_bounded(path, TAIL_BYTES, follow=False) if path.is_file() else None


def _write_head(case: Path, event: Event) -> None:
    """In place and in one go: what is written before is never longer."""
    descriptor = os.open(case / HEAD, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        os.pwrite(descriptor, _head(event.seq, event.hash), 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_head(case: Path, stated: bytes | None, last: Event | None) -> None:
    """The head names the last line, or the one before it if the machine stopped between writing the two."""
    allowed = {_head(last.seq, last.hash), _head(last.seq - 1, last.previous)} if last else {None, b""}
    if stated not in allowed:
        raise IntegrityError(
            f"{case / FILE}: its last line is not the one that {HEAD} names: the end of the log was removed or "
            f"changed, or {HEAD} was; restore both from a copy"
        )


def read(case: Path) -> Iterator[Event]:
    """All events in order.

    Raises:
        IntegrityError: at the first line that is damaged or breaks the chain, or at the end if lines are missing there.
    """
    path = case / FILE
    if not path.is_file():
        raise IntegrityError(f"{path}: the custody log is missing; restore it from a copy")
    event = None
    try:
        with open_regular(path, follow=False) as stream:
            fcntl.flock(stream, fcntl.LOCK_SH)
            stated, left = _read_head(case), os.fstat(stream.fileno()).st_size
            fcntl.flock(stream, fcntl.LOCK_UN)  # what is added from now on is not read
            for number in itertools.count():
                line = stream.readline(min(left, MOST_LINE_BYTES))
                left -= len(line)
                if not line:
                    break
                event = _checked(path, number, line, event)
                yield event
    except OSError as error:
        raise IntegrityError(f"{error.filename or path}: {error.strerror or error}; restore it from a copy") from error
    _check_head(case, stated, event)


def _checked(path: Path, number: int, line: bytes, before: Event | None) -> Event:
    """The event of a line, if the line is as it was written and follows the event before it."""
    try:
        event = _parse(line)
    except ValueError as error:
        raise IntegrityError(f"{path}: line {number + 1} is no event: it was changed") from error
    body = {key: value for key, value in asdict(event).items() if key != "hash"}
    previous = before.hash if before else GENESIS
    if event.seq != number or event.previous != previous or _hash(body) != event.hash:
        raise IntegrityError(f"{path}: the chain breaks at line {number + 1}: it, or the line before it, was changed")
    if _line(body, event.hash) != line:
        raise IntegrityError(f"{path}: line {number + 1} is not written as Roundel writes it: it was changed")
    return event
