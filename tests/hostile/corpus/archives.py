"""Things that are no video at all, or two things at once, under names of videos."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterator

from corpus.entry import Entry, Place, analyze

HTML = b"<!doctype html><script>fetch('http://127.0.0.1:9/')</script><img src=http://127.0.0.1:9/x.png><video src=x>"


def archives(place: Place) -> Iterator[Entry]:
    """Archives, bombs, pages, polyglots and empty files."""
    kind = "archives and other things"
    plain = place.clip("poly.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p").read_bytes()
    things = {
        "zip.mp4": _zipped("clip.mp4", plain),
        "zip-bomb.mp4": _zip_bomb(),
        "nested.zip": _nested(6),
        "nested.mp4": _nested(6),
        "tar.mp4": _tar(plain),
        "bomb.gz": _gzip_bomb(),
        "bomb.mp4": _gzip_bomb(),
        "clip.mp4.gz": gzip.compress(plain, mtime=0),
        "swf-bomb.mp4": b"CWS\x0a" + (2**31 - 1).to_bytes(4, "little") + zlib.compress(bytes(20_000_000)),
        "page.html": HTML,
        "page.mp4": HTML,
        "empty.mp4": b"",
        "nul.mp4": bytes(1_000_000),
        "ff.mp4": b"\xff" * 1_000_000,
        "text.mp4": b"secret words\n" * 10_000,
        "pdf.mp4": b"%PDF-1.7\n1 0 obj<</Type/Catalog/OpenAction<</S/URI/URI(http://127.0.0.1:9/)>>>>endobj\n",
        "elf.mp4": b"\x7fELF\x02\x01\x01" + bytes(5000),
        "id3.mp4": b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + bytes(1000),
    }
    for name, content in things.items():
        yield analyze(kind, name, place.write(name, content), exits=frozenset({1}), together=True)
    for name, content in {"zip-after.mp4": plain + _zipped("x", b"y"), "html-after.mp4": plain + HTML}.items():
        yield analyze(kind, name, place.write(name, content), exits=frozenset({0}), together=True)
    for name, content in {"html-before.mp4": HTML + plain, "zip-before.mp4": _zipped("x", b"y") + plain}.items():
        yield analyze(kind, name, place.write(name, content), exits=frozenset({0, 1}), together=True)
    for name, head in {"sparse.mp4": b"", "sparse-mdat.mp4": plain}.items():
        path = place.write(name, head)
        with path.open("r+b") as stream:
            stream.truncate(2**40)
        yield analyze(kind, f"{name}, 1 TiB", path, exits=frozenset({1}), says="limit")


def _zipped(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), content)
    return stream.getvalue()


def _zip_bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo("bomb")
        info.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(info, "w", force_zip64=True) as inner:
            for _ in range(256):
                inner.write(bytes(1024**2))
    return stream.getvalue()


def _nested(levels: int) -> bytes:
    data = b"x"
    for level in range(levels):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(8):
                archive.writestr(zipfile.ZipInfo(f"{level}-{number}.zip"), data)
        data = stream.getvalue()
    return data


def _tar(content: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in ("../../escaped.mp4", "/tmp/escaped.mp4"):  # noqa: S108
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def _gzip_bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(bytes(1024**2)) for _ in range(256)) + packer.flush()
