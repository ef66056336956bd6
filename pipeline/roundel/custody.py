"""The custody log: what was done with a case, when and by whom. Append-only lines, each chained to the one before.

A changed, removed or inserted line breaks the chain. A log that was cut short at its end is noticed by what it no
longer mentions: every package must have its event.
"""

from __future__ import annotations

import fcntl
import getpass
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from roundel.errors import IntegrityError

FILE = "custody.jsonl"
GENESIS = "sha256:" + "0" * 64


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
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def who() -> str:
    """The person who acts: ``ROUNDEL_ACTOR``, else the name of the account."""
    try:
        return os.environ.get("ROUNDEL_ACTOR") or getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def append(case: Path, event: str, subject: str, details: dict[str, Any] | None = None) -> Event:
    """Add an event and make sure that it is on the disk.

    Raises:
        IntegrityError: if the last line of the log cannot be read, so that nothing can be chained to it.
    """
    path = case / FILE
    with path.open("a+b") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        last = _last_line(stream.name)
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
        stream.write((json.dumps({**body, "hash": entry.hash}, ensure_ascii=False) + "\n").encode())
        stream.flush()
        os.fsync(stream.fileno())
    return entry


def _last_line(path: str) -> Event | None:
    last = None
    for number, line in enumerate(Path(path).read_bytes().splitlines(), start=1):
        last = (number, line)
    if last is None:
        return None
    try:
        return Event(**json.loads(last[1]))
    except (ValueError, TypeError) as error:
        raise IntegrityError(
            f"{path}: line {last[0]} is damaged; run roundel verify, and restore the log from a copy"
        ) from error


def read(case: Path) -> Iterator[Event]:
    """All events in order.

    Raises:
        IntegrityError: at the first line that is damaged or breaks the chain.
    """
    path = case / FILE
    if not path.is_file():
        raise IntegrityError(f"{path}: the custody log is missing")
    previous = GENESIS
    raw = path.read_bytes()
    if raw and not raw.endswith(b"\n"):
        raise IntegrityError(f"{path}: the last line is incomplete")
    for number, line in enumerate(raw.splitlines()):
        try:
            event = Event(**json.loads(line))
            canonical = {key: value for key, value in json.loads(line).items() if key != "hash"}
        except (ValueError, TypeError) as error:
            raise IntegrityError(f"{path}: line {number + 1} is no event") from error
        if event.seq != number or event.previous != previous or _hash(canonical) != event.hash:
            raise IntegrityError(
                f"{path}: the chain breaks at line {number + 1}: it, or the line before it, was changed"
            )
        written = (json.dumps({**canonical, "hash": event.hash}, ensure_ascii=False)).encode()
        if written != line:
            raise IntegrityError(f"{path}: line {number + 1} is not written as Roundel writes it: it was changed")
        previous = event.hash
        yield event
