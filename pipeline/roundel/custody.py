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
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from roundel.disk import open_regular, read_bounded, remove_partials, replace_text
from roundel.errors import IntegrityError

FILE = "custody.jsonl"
HEAD = "custody.head"
GENESIS = "sha256:" + "0" * 64
REPAIRED = "repaired"
TAIL_BYTES = 64 * 1024
MOST_LINE_BYTES = 4 * 1024**2
GROUP = 500
"""Lines that are flushed to the disk together."""
MOST_TAIL_BYTES = 64 * 1024**2
_ANNOUNCEMENT = re.compile(rb"(?<=\n)\+([0-9]{1,3})\n\Z")


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


Entry = tuple[str, str, dict[str, Any]]
"""What happened, to what, and the details."""


def append(case: Path, event: str, subject: str, details: dict[str, Any] | None = None) -> Event:
    """Add an event and make sure that it is on the disk.

    Raises:
        IntegrityError: if the end of the log is damaged or missing, so that nothing can be chained to it.
        OSError: if it cannot be written; the log is then as it was before.
    """
    return extend(case, [(event, subject, details or {})])[-1]


def extend(case: Path, entries: Sequence[Entry]) -> list[Event]:
    """Add events, up to ``GROUP`` of them at a time all or none.

    An unfinished line that an interrupted run has left at the end is removed, and that is noted.

    Raises:
        IntegrityError: if the end of the log is damaged or missing, so that nothing can be chained to it.
        OSError: if they cannot be written; the log is then as it was before the group.
    """
    path = case / FILE
    added: list[Event] = []
    with _open_log(path) as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        tail, unfinished = _tail(stream, path)
        stated = _read_head(case)
        _check_head(case, stated, tail)
        remove_partials(case / HEAD)
        if unfinished:
            os.ftruncate(stream.fileno(), stream.seek(0, os.SEEK_END) - unfinished)
            entries = [(REPAIRED, FILE, {"removed_bytes": unfinished}), *entries]
        last = tail[-1] if tail else None
        if last is None:
            (case / HEAD).touch()
        elif stated != _head(last.seq, last.hash):  # never more than one interruption behind
            _write_head(case, _head(last.seq, last.hash))
        for start in range(0, len(entries), GROUP):
            group = _chained(last, entries[start : start + GROUP])
            if len(group) > 1:
                _announce(case, len(group))
            _write(stream, b"".join(_line(_body(event), event.hash) for event in group))
            last = group[-1]
            _write_head(case, _head(last.seq, last.hash))
            added += group
    return added


def _chained(last: Event | None, entries: Sequence[Entry]) -> list[Event]:
    found: list[Event] = []
    for event, subject, details in entries:
        body: dict[str, Any] = {
            "seq": last.seq + 1 if last else 0,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "who": who(),
            "event": event,
            "subject": subject,
            "details": details,
            "previous": last.hash if last else GENESIS,
        }
        last = Event(**body, hash=_hash(body))
        found.append(last)
    return found


def _body(event: Event) -> dict[str, Any]:
    return {key: value for key, value in asdict(event).items() if key != "hash"}


def _open_log(path: Path) -> IO[bytes]:
    """The log, to be read and added to; a new one where there is none, and never what a link leads to."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    return os.fdopen(descriptor, "a+b", buffering=0)


def _write(stream: IO[bytes], lines: bytes) -> None:
    """Write lines to the disk whole or not at all."""
    size = os.fstat(stream.fileno()).st_size
    try:
        if stream.write(lines) != len(lines):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), stream.name)
        os.fsync(stream.fileno())
    except BaseException:
        os.ftruncate(stream.fileno(), size)
        raise


def _tail(stream: IO[bytes], path: Path) -> tuple[list[Event], int]:
    """The last events, at most one more than a group, and the bytes of an unfinished line after them."""
    start, tail = stream.seek(0, os.SEEK_END), b""
    while start > 0 and tail.count(b"\n") <= GROUP + 1 and len(tail) < MOST_TAIL_BYTES:
        step = min(TAIL_BYTES, start)
        start -= step
        stream.seek(start)
        tail = stream.read(step) + tail
    whole, _, unfinished = tail.rpartition(b"\n")
    lines = whole.split(b"\n")[-(GROUP + 1) :] if whole else []
    try:
        return [_parse(line) for line in lines], len(unfinished)
    except ValueError as error:
        raise IntegrityError(
            f"{path}: one of its last lines is damaged; run roundel verify {path.parent}, and restore the log from a "
            "copy"
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


def _write_head(case: Path, head: bytes) -> None:
    """In place if nothing has to be cut off, which would take a second step; else a new file takes its place."""
    path = case / HEAD
    if path.is_file() and path.stat().st_size > len(head):
        replace_text(path, head.decode())
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        os.pwrite(descriptor, head, 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _announce(case: Path, count: int) -> None:
    """Say in the head that so many lines are about to be added together."""
    named = (_read_head(case) or b"").partition(b"\n")[0]
    replace_text(case / HEAD, f"{named.decode()}\n+{count}\n")


def _check_head(case: Path, stated: bytes | None, tail: Sequence[Event]) -> None:
    """The head names the last line, or one before it if the machine stopped while lines were added after that one.

    Without an announcement that is one line.
    """
    named, announcement = stated, _ANNOUNCEMENT.search(stated or b"")
    if announcement is not None and stated is not None:
        named = stated[: announcement.start()] if announcement.start() > 1 else b""
    most = min(int(announcement[1]), GROUP) if announcement is not None else 1
    allowed: set[bytes | None] = {_head(event.seq, event.hash) for event in tail[-(most + 1) :]}
    if not tail:
        allowed |= {None, b""}
    elif len(tail) <= most:
        allowed.add(b"")
    if named not in allowed:
        raise IntegrityError(
            f"{case / FILE}: its last line is not the one that {HEAD} names: the end of the log was removed or "
            f"changed, or {HEAD} was; restore the log from a copy, and {HEAD} with it"
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
    tail: deque[Event] = deque(maxlen=GROUP + 1)
    is_unfinished = False
    try:
        with open_regular(path, follow=False) as stream:
            fcntl.flock(stream, fcntl.LOCK_SH)
            stated, left = _read_head(case), os.fstat(stream.fileno()).st_size
            fcntl.flock(stream, fcntl.LOCK_UN)  # what is added from now on is not read
            for number in itertools.count():
                line = stream.readline(min(left, MOST_LINE_BYTES))
                left -= len(line)
                is_unfinished = bool(line) and not line.endswith(b"\n") and not left
                if not line or is_unfinished:
                    break
                event = _checked(path, number, line, event)
                tail.append(event)
                yield event
    except OSError as error:
        raise IntegrityError(f"{error.filename or path}: {error.strerror or error}; restore it from a copy") from error
    _check_head(case, stated, list(tail))
    if is_unfinished:
        raise IntegrityError(
            f"{path}: ends in an unfinished line: a run was interrupted while it wrote, or bytes were added; the next "
            "roundel analyze or roundel batch run removes it and notes that"
        )


def _checked(path: Path, number: int, line: bytes, before: Event | None) -> Event:
    """The event of a line, if the line is as it was written and follows the event before it."""
    try:
        event = _parse(line)
    except ValueError as error:
        raise IntegrityError(f"{path}: line {number + 1} is no event: it was changed") from error
    body = _body(event)
    previous = before.hash if before else GENESIS
    if event.seq != number or event.previous != previous or _hash(body) != event.hash:
        raise IntegrityError(f"{path}: the chain breaks at line {number + 1}: it, or the line before it, was changed")
    if _line(body, event.hash) != line:
        raise IntegrityError(f"{path}: line {number + 1} is not written as Roundel writes it: it was changed")
    return event
