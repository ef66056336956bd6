"""Identity of a source: its bytes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from roundel.disk import open_regular
from roundel.errors import MediaError, MediaLimitError
from roundel.types import VideoIdentity

CHUNK = 1024 * 1024


def sha256_of(path: Path) -> str:
    """The hash of a file's bytes as ``sha256:<64 hex>``; of a file that grows, those that it has at the beginning.

    Raises:
        OSError: if it cannot be read, or is no regular file.
    """
    digest = hashlib.sha256()
    with open_regular(path) as stream:
        left = os.fstat(stream.fileno()).st_size
        while left > 0 and (chunk := stream.read(min(CHUNK, left))):
            digest.update(chunk)
            left -= len(chunk)
    return f"sha256:{digest.hexdigest()}"


def require_file(path: Path) -> None:
    """Refuse what is no regular file: a device or a pipe would never end.

    Raises:
        MediaError: saying what it is instead.
    """
    try:
        if not path.is_file():
            reason = "is a folder, pipe or device" if path.exists() else "does not exist"
            raise MediaError(f"{path}: {reason}; give a video file")
    except OSError as error:
        raise MediaError(f"{path}: cannot be read: {error.strerror}") from error


def identify(path: Path, most_bytes: int | None = None) -> VideoIdentity:
    """Hash a file and note its file name, without folders.

    Args:
        path: the file.
        most_bytes: the size from which on it is not hashed: a file can state any size and take no room on the disk.

    Raises:
        MediaError: if it is no readable regular file.
        MediaLimitError: if it is too large.
    """
    require_file(path)
    try:
        size = path.stat().st_size
        if size == 0:
            raise MediaError(f"{path}: is empty (0 bytes); get the file again from where it came")
        if most_bytes is not None and size > most_bytes:
            raise MediaLimitError(
                f"{path}: {size:,} bytes are over the limit of {most_bytes:,} (media.max_bytes in the configuration)"
            )
        sha256 = sha256_of(path)
    except OSError as error:
        raise MediaError(f"{path}: cannot be read: {error.strerror}") from error
    return VideoIdentity(sha256, size, (path.name,))
