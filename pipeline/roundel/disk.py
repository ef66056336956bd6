"""Files that are read within limits, appear whole or not at all, and are held by one process at a time."""

from __future__ import annotations

import errno
import fcntl
import glob
import os
import platform
import shutil
import stat
import tempfile
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from roundel.errors import UsageError

PARTIAL = ".partial-"
IN_USE = "in-use"
MOST_DOTS = 200


def open_regular(path: Path, *, follow: bool = True) -> BinaryIO:
    """Open a regular file for reading; whatever else may lie there, the call does not wait.

    Args:
        path: the file.
        follow: whether it may be a link to a file. Files that Roundel has written are no links.

    Raises:
        OSError: if it cannot be opened, or is a folder, pipe or device.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW))
    except OSError as error:
        if error.errno == errno.ELOOP and not follow:
            raise OSError(errno.ELOOP, "is a link, which Roundel never writes", str(path)) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is a folder, pipe or device", str(path))
    return os.fdopen(descriptor, "rb")


def lies_within(path: Path, folder: Path) -> bool:
    """Whether a path, with every link followed, lies below a folder."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def read_bounded(path: Path, most_bytes: int, *, follow: bool = True) -> bytes:
    """The bytes of a regular file that is not larger than it should be.

    Raises:
        OSError: if it cannot be opened, is a folder, pipe or device, or is larger.
    """
    with open_regular(path, follow=follow) as stream:
        is_larger = os.fstat(stream.fileno()).st_size > most_bytes
        data = b"" if is_larger else stream.read(most_bytes + 1)  # it may grow meanwhile
    if is_larger or len(data) > most_bytes:
        raise OSError(errno.EFBIG, f"is larger than {most_bytes:,} bytes", str(path))
    return data


def read_toml(path: Path, most_bytes: int) -> dict[str, Any]:
    """The tables of a TOML file that is not larger than it should be.

    Raises:
        OSError: as :func:`read_bounded`.
        ValueError: as :func:`parse_toml`.
    """
    return parse_toml(read_bounded(path, most_bytes).decode("utf-8"))


def parse_toml(text: str) -> dict[str, Any]:
    """The tables of a TOML text.

    Raises:
        ValueError: if it is no TOML, or would take long to read: the library needs memory and time that grow with the
            square of the number of parts of a key.
    """
    for number, line in enumerate(text.splitlines(), 1):
        if line.count(".") > MOST_DOTS:
            raise ValueError(f"line {number} has more than {MOST_DOTS} dots")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


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
def scratch(purpose: str) -> Iterator[Path]:
    """A temporary folder for this process, which is removed at the end.

    It is locked until then. Those of killed processes of this user and machine are removed first.

    Raises:
        OSError: if there is no room for it.
    """
    _remove_abandoned()
    with tempfile.TemporaryDirectory(prefix=f"roundel-{purpose}{_scratch_mark()}") as name:
        folder = Path(name)
        with (folder / "new").open("w") as stream:
            with suppress(OSError):  # some network folders cannot lock: nothing is removed there
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (folder / "new").rename(folder / IN_USE)  # locked from the moment that others see it
            (folder / "content").mkdir()
            try:
                yield folder / "content"
            finally:
                shutil.rmtree(folder / "content", ignore_errors=True)  # first: without its mark nobody finds it again


def _scratch_mark() -> str:
    """Part of the names of temporary folders of this machine: the locks of another may not be seen here."""
    return f".{platform.node()}.tmp-"


def _remove_abandoned() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"roundel-*{glob.escape(_scratch_mark())}*"):
        with suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            with open_regular(folder / IN_USE, follow=False) as stream:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder / "content", ignore_errors=True)
                shutil.rmtree(folder)


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
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        stream = os.fdopen(descriptor, "a+", encoding="utf-8")
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
