"""Files that appear whole or not at all."""

from __future__ import annotations

import fcntl
import os
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from roundel.errors import UsageError

PARTIAL = ".partial-"


def replace_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8 so that nobody ever sees a part of it; an older one is replaced.

    What an interrupted run left beside it is removed.

    Raises:
        OSError: if it cannot be written; the older file is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_partials(path)
    partial = path.with_name(f".{path.name}{PARTIAL}{platform.node()}-{os.getpid()}-{threading.get_ident()}")
    try:
        while True:
            with partial.open("w", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            with suppress(FileNotFoundError):  # somebody else who writes the same file took it for left over
                partial.replace(path)
                break
        flush(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def remove_partials(path: Path) -> None:
    """Remove what interrupted runs of :func:`replace_text` have left beside a file."""
    for other in path.parent.iterdir():
        if other.name.startswith(f".{path.name}{PARTIAL}"):
            other.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Make sure that a file's bytes, or a folder's entries, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path, busy: str = "", shared: bool = False, waits: bool = False) -> Iterator[None]:
    """Hold a lock file; the system releases it however this process ends. It is removed by who holds it last.

    Args:
        path: the lock file; it says who took it.
        busy: what to say if somebody else holds it; who that is, as far as known, is added.
        shared: several may hold it so at the same time, but nobody exclusively.
        waits: until nobody else holds it; for what takes a moment.

    Raises:
        UsageError: if somebody else holds it.
        OSError: if the place knows no locks.
    """
    how = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if waits else fcntl.LOCK_NB)
    stream = _take(path, busy, how)
    with stream:
        stream.seek(0)
        stream.truncate()
        stream.write(f"process {os.getpid()} on {platform.node()}")
        stream.flush()
        try:
            yield
        finally:
            with suppress(BlockingIOError):
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)


def _take(path: Path, busy: str, how: int) -> TextIO:
    while True:
        stream = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(stream, how)
            with suppress(FileNotFoundError):
                if path.stat().st_ino == os.fstat(stream.fileno()).st_ino:
                    return stream
        except BlockingIOError:
            stream.seek(0)
            holder = stream.read(200).strip()
            stream.close()
            raise UsageError(f"{busy}{f' ({holder})' if holder else ''}") from None
        except OSError:
            stream.close()
            raise
        stream.close()  # who held it before has removed it meanwhile
