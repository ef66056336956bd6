"""Photos of a type, given to a gallery, and galleries of a case."""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace

from corpus.entry import Entry, Place, ffmpeg
from corpus.sizes import GIF_FRAME, gif_head
from corpus.texts import empty_case


def png(width: int, height: int, rows: int | None = None, kind: int = 2) -> bytes:
    """A PNG of zeros with so many rows really in it."""
    packer = zlib.compressobj(9)
    row = bytes(1 + width * {0: 1, 2: 3, 6: 4}[kind])
    data = b"".join(packer.compress(row) for _ in range(height if rows is None else rows)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in ((b"IHDR", head), (b"IDAT", data), (b"IEND", b""))
    )


def photos(place: Place) -> Iterator[Entry]:
    """Photos."""
    place.folder.mkdir(parents=True, exist_ok=True)
    plain = place.folder / "plain.jpg"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=320x240", "-frames:v", "1", str(plain))
    jpeg = plain.read_bytes()
    sof = jpeg.index(b"\xff\xc0") + 5
    huge = jpeg[:sof] + struct.pack(">HH", 65500, 65500) + jpeg[sof + 4 :]
    text = b"zTXtx\0\0" + zlib.compress(bytes(50_000_000))
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    good = png(64, 64)
    files = {
        "bomb.png": png(30_000, 30_000),
        "header.png": png(40_000, 20_000, 1),
        "thin.png": png(900_000, 33),
        "text-bomb.png": good[:33] + chunk + good[33:],
        "huge.jpg": huge,
        "cut.jpg": jpeg[: len(jpeg) // 2],
        "many.gif": gif_head(b"\x40\0\x40\0") + GIF_FRAME * 100_000,
        "huge.gif": gif_head(b"\xff\xff\xff\xff") + GIF_FRAME + b";",
        "huge.bmp": b"BM" + struct.pack("<IIIIiiHHIIiiII", 60, 0, 54, 40, 30_000, 30_000, 1, 24, 0, 0, 0, 0, 0, 0),
        "huge.ppm": b"P6 40000 20000 255\n" + bytes(1000),
        "huge.pgm": b"P5 2147483647 2147483647 255\n",
        "huge.tif": _tiff(60_000, 60_000),
        "huge.hdr": b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 60000 +X 60000\n",
        "huge.exr": b"v/1\x01\x02\0\0\0" + bytes(200),
        "huge.jp2": bytes.fromhex("0000000c6a5020200d0a870a") + bytes(200),
        "huge.webp": b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8L" + struct.pack("<I", 10) + b"\x2f" + b"\xff" * 9,
        "huge.pam": b"P7\nWIDTH 60000\nHEIGHT 60000\nDEPTH 3\nMAXVAL 255\nENDHDR\n",
        "script.svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        "page.jpg": b"<!doctype html><img src=http://127.0.0.1:9/>",
        "video.jpg": place.clip("photo.mp4", "-c:v", "mpeg4").read_bytes(),
        "empty.jpg": b"",
        "noise.jpg": os.urandom(100_000),
    }
    kind, case = "photos", str(empty_case(place))
    for name, content in files.items():
        arguments = ("gallery", "add", "mig-21", str(place.write(name, content)), "--case", case, "--quiet")
        exits = frozenset({0, 1}) if name in ("cut.jpg", "text-bomb.png") else frozenset({1})
        yield Entry(kind, name, arguments, exits=exits)
    for name, target in (("zero.jpg", "/dev/zero"), ("loop.jpg", "loop.jpg")):
        (place.folder / name).symlink_to(target)
        yield Entry(kind, name, ("gallery", "add", "mig-21", str(place.folder / name), "--case", case, "--quiet"))
    os.mkfifo(place.folder / "fifo.jpg")
    yield Entry(kind, "pipe", ("gallery", "add", "mig-21", str(place.folder / "fifo.jpg"), "--case", case, "--quiet"))


def galleries(place: Place) -> Iterator[Entry]:
    """The gallery of a case that a stranger has sent."""
    clip = str(place.clip("photo.mp4", "-c:v", "mpeg4"))
    files = {
        "deep": b"[" * 200_000,
        "numbers": b'{"format": "roundel-gallery-1", "types": ' + b"9" * 5000 + b"}",
        "binary": os.urandom(10_000),
        "other vectors": json.dumps(
            {
                "format": "roundel-gallery-1",
                "network_sha256": "sha256:" + "0" * 64,
                "types": {"x-1": {"parent": "combat_aircraft", "title": "<script>", "level": "type"}},
                "photos": [],
            }
        ).encode(),
    }
    for name in (*files, "pipe", "1 TiB"):
        case = empty_case(replace(place, folder=place.folder / f"of-{name.replace(' ', '-')}"))
        (case / "gallery").mkdir()
        path = case / "gallery" / "gallery.json"
        exits = frozenset({0} if name == "pipe" else {2})  # what is no file is no gallery
        if name == "pipe":
            os.mkfifo(path)
        elif name == "1 TiB":
            with path.open("wb") as stream:
                stream.truncate(2**40)
        else:
            path.write_bytes(files[name])
        yield Entry("photos", f"gallery of a case: {name}", ("analyze", clip, "--case", str(case)), exits=exits)


def _tiff(width: int, height: int) -> bytes:
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: 100}
    table = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + table + bytes(104)
