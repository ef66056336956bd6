"""Identity of a source: its bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from roundel.errors import MediaError
from roundel.types import VideoIdentity

CHUNK = 1024 * 1024


def sha256_of(path: Path) -> str:
    """The hash of a file's bytes as ``sha256:<64 hex>``."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
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


def identify(path: Path) -> VideoIdentity:
    """Hash a file and note its file name, without folders.

    Raises:
        MediaError: if it is no readable regular file.
    """
    require_file(path)
    try:
        size = path.stat().st_size
        if size == 0:
            raise MediaError(f"{path}: is empty (0 bytes); get the file again from where it came")
        sha256 = sha256_of(path)
    except OSError as error:
        raise MediaError(f"{path}: cannot be read: {error.strerror}") from error
    return VideoIdentity(sha256, size, (path.name,))
