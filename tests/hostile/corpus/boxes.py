"""Boxes in boxes, boxes of impossible lengths, and tables that promise more than the file holds."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from corpus.entry import Entry, Place, analyze

FTYP = struct.pack(">I4s4sI4s", 20, b"ftyp", b"isom", 0, b"isom")
READ = frozenset({0, 1})


def boxes(place: Place) -> Iterator[Entry]:
    """MP4."""
    kind = "deep and impossible boxes"
    for name, inner in (("moov", b"moov"), ("trak", b"trak"), ("udta", b"udta"), ("unknown", b"zzzz")):
        path = place.write(f"deep-{name}.mp4", FTYP + nested(inner, 100_000))
        yield analyze(kind, path.name, path, together=True)
    for name, length in (("zero", 0), ("one", 1), ("seven", 7), ("most", 2**32 - 1)):
        path = place.write(f"box-{name}.mp4", FTYP + struct.pack(">I4s", length, b"moov") + bytes(64))
        yield analyze(kind, path.name, path, together=True)
    for name, length in (("63", 2**63), ("64", 2**64 - 1), ("15", 15)):
        path = place.write(f"large-{name}.mp4", FTYP + struct.pack(">I4sQ", 1, b"moov", length) + bytes(64))
        yield analyze(kind, path.name, path, together=True)
    many = FTYP + struct.pack(">I4s", 8, b"free") * 300_000
    yield analyze(kind, "300,000 empty boxes", place.write("many.mp4", many), together=True)
    plain = place.clip("plain.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p").read_bytes()
    for table in (b"stts", b"stsc", b"stsz", b"stco", b"stss", b"ctts", b"elst"):
        if table not in plain:
            continue
        at = plain.index(table) + (12 if table == b"stsz" else 8)  # the number of entries
        for name, count in (("none", 0), ("many", 2**31 - 1), ("most", 2**32 - 1)):
            path = place.write(f"{table.decode()}-{name}.mp4", plain[:at] + struct.pack(">I", count) + plain[at + 4 :])
            yield analyze(kind, path.name, path, exits=READ, together=True)
    streams = b"".join(_track(number) for number in range(3000))
    movie = FTYP + struct.pack(">I4s", 8 + len(streams), b"moov") + streams
    yield analyze(kind, "3,000 tracks", place.write("tracks.mp4", movie), together=True)
    text = b"x" * 5_000_000
    tags = _box(b"udta", _box(b"meta", bytes(4) + _box(b"ilst", _box(b"\xa9nam", _box(b"data", bytes(8) + text)))))
    path = place.write("tag-5MB.mp4", _with_udta(plain, tags))
    yield analyze(kind, "title of 5,000,000 characters", path, exits=READ, together=True)


def ebml(place: Place) -> Iterator[Entry]:
    """Matroska."""
    kind = "deep and impossible boxes"
    head = b"\x1a\x45\xdf\xa3" + _size(11) + b"\x42\x82" + _size(8) + b"matroska"
    elements = {"segment": "18538067", "tags": "1254c367", "chapters": "b6", "simple": "67c8"}
    for name, number in elements.items():
        element = bytes.fromhex(number)
        body = (element + b"\x01\xff\xff\xff\xff\xff\xff\xff") * 20_000
        path = place.write(f"deep-{name}.mkv", head + b"\x18\x53\x80\x67\x01" + b"\xff" * 7 + body)
        yield analyze(kind, path.name, path, together=True)
    for name, length in (("zero", b"\x80"), ("unknown", b"\xff"), ("most", b"\x01" + b"\xff" * 6 + b"\xfe")):
        path = place.write(f"size-{name}.mkv", head + b"\x18\x53\x80\x67" + length + b"\x15\x49\xa9\x66" + length)
        yield analyze(kind, path.name, path, together=True)


def nested(name: bytes, depth: int) -> bytes:
    """Boxes of one name, each in the one before."""
    return b"".join(struct.pack(">I4s", 8 * (depth - level), name) for level in range(depth))


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def _track(number: int) -> bytes:
    header = bytes(12) + struct.pack(">I", number + 1) + bytes(68)
    handler = _box(b"hdlr", bytes(8) + b"vide" + bytes(13))
    return _box(b"trak", _box(b"tkhd", header) + _box(b"mdia", handler))


def _with_udta(data: bytes, tags: bytes) -> bytes:
    """The movie with tags at the end of its moov, which is the last box of the file."""
    at = data.index(b"moov") - 4
    length = int.from_bytes(data[at : at + 4], "big")
    return data[:at] + struct.pack(">I", length + len(tags)) + data[at + 4 : at + length] + tags + data[at + length :]


def _size(length: int) -> bytes:
    return bytes([0x80 | length])
