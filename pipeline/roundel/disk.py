"""Files that are read within limits, and files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


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


def replace_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8 so that nobody ever sees a part of it; an older one is replaced.

    What an interrupted run left beside it is removed.

    Raises:
        OSError: if it cannot be written; the older file is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left_over in path.parent.glob(f".{path.name}.partial-*"):
        left_over.unlink()
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
