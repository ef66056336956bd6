"""A source is its bytes; what is no file is refused at once."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from roundel.config import MediaConfig
from roundel.errors import MediaError
from roundel.media.identity import identify
from roundel.media.probe import probe


def test_the_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "b.mp4"
    data = os.urandom(3_000_000)
    path.write_bytes(data)
    identity = identify(path)
    assert identity.sha256 == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert identity.size_bytes == len(data)
    assert identity.names == ("b.mp4",)


@pytest.mark.parametrize("read", [identify, lambda path: probe(path, MediaConfig())], ids=["identify", "probe"])
@pytest.mark.parametrize("kind", ["folder", "missing", "empty", "pipe", "zeros", "no entry", "long"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, kind: str, read) -> None:
    path = tmp_path / "thing.mp4"
    says = "is a folder, pipe or device"
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "zeros":
            path.symlink_to("/dev/zero")
        case "missing":
            says = "does not exist"
        case "empty":
            path.touch()
            says = "is empty|is no video"
        case "no entry":
            path.symlink_to(tmp_path / "nowhere")
            says = "does not exist"
        case "long":
            path = tmp_path / ("x" * 300)
            says = "cannot be read: File name too long"
    began = time.monotonic()
    with pytest.raises(MediaError, match=says) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert time.monotonic() - began < 5


def test_a_file_that_may_not_be_read_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.mp4"
    path.write_bytes(b"x")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(MediaError, match=r"secret\.mp4: cannot be read: Permission denied"):
        identify(path)
