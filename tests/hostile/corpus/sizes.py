"""Headers that promise too much: pictures, numbers of frames, durations; and streams that go on."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from corpus.entry import Entry, Place, analyze, ffmpeg

READ = frozenset({0, 1})
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


def huge_pictures(place: Place) -> Iterator[Entry]:
    """Headers of many pixels; some of the pictures are really there."""
    kind = "huge pictures"
    avc = place.clip("size.mp4", *H264).read_bytes()
    at = avc.index(b"avc1", avc.index(b"stsd")) + 28
    for width, height in ((65535, 65535), (0, 0), (65535, 1), (1, 65535)):
        path = place.write(f"avc1-{width}x{height}.mp4", avc[:at] + struct.pack(">HH", width, height) + avc[at + 4 :])
        yield analyze(kind, path.name, path, exits=READ)
    vp9 = _bits((2, 2), (0, 6), (1, 1), (0, 1), (0x498342, 24), (1, 3), (0, 1), (65535, 16), (65535, 16)) + bytes(64)
    yield analyze(kind, "vp9 in ivf", place.write("vp9.ivf", _ivf(b"VP90", vp9)), exits=frozenset({1}))
    av1 = _bits((0, 3), (1, 2), (1, 1), (31, 5), (15, 4), (15, 4), (65535, 16), (65535, 16), (0, 6), (0, 16))
    obu = b"\x12\x00" + b"\x0a" + bytes([len(av1)]) + av1 + b"\x32\x10" + bytes(16)
    yield analyze(kind, "av1 in ivf", place.write("av1.ivf", _ivf(b"AV01", obu)), exits=frozenset({1}))
    for width, height in ((65535, 65535), (8000, 4000)):
        screen = struct.pack("<HH", width, height)
        path = place.write(f"screen-{width}.gif", gif_head(screen) + GIF_FRAME * 3 + b";")
        yield analyze(kind, path.name, path, exits=READ)
    for name, sides in (("raw", (46000, 46000)), ("small", (30000, 1000))):
        path = place.write(f"{name}.avi", avi(sides, 25, bytes(64), 3))
        yield analyze(kind, path.name, path, exits=READ)
    png = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0))
    yield analyze(kind, "png", place.write("huge.png", png + _chunk(b"IDAT", zlib.compress(bytes(9)))))
    webp = b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8L" + struct.pack("<I", 10) + b"\x2f" + b"\xff" * 9
    yield analyze(kind, "webp", place.write("huge.webp", webp))
    for size, frames in (("12288x12288", 1), ("8192x4320", 12)):
        yield analyze(kind, f"real {size}", flat(place, f"flat-{size}.mp4", size, frames), exits=READ)
    small, large, over = (flat(place, f"{size}.ts", size, 6) for size in ("320x180", "8192x4320", "12288x12288"))
    grows = place.write("grows.ts", small.read_bytes() + large.read_bytes())
    yield analyze(kind, "grows in mid-stream", grows, exits=READ)
    grows = place.write("over.ts", small.read_bytes() + over.read_bytes())
    yield analyze(kind, "grows over the limit in mid-stream", grows, exits=READ)


def many_frames(place: Place) -> Iterator[Entry]:
    """Frames that cost the sender a few bytes each, times that jump, sizes that change, and streams over the limits."""
    kind = "many or endless frames"
    thousand = gif_head(b"\1\0\1\0") + GIF_FRAME * 2000
    yield analyze(kind, "gif of 2,000 frames, no end", place.write("noend.gif", thousand), exits=READ)
    many = place.write("20000.avi", avi((2, 2), 10000, bytes(16), 20_000))
    yield analyze(kind, "20,000 frames of 2 x 2", many, exits=READ)
    if place.full:
        million = place.write("million.avi", avi((2, 2), 10000, bytes(16), 1_000_000))
        yield analyze(kind, "1,000,000 frames of 2 x 2", million, exits=READ, seconds=1500)
        large = flat(place, "flat-long.mp4", "8192x4320", 300)
        yield analyze(kind, "300 flat frames of 8192 x 4320", large, exits=READ, seconds=300)
    limits = {"ROUNDEL_MEDIA__MAX_FRAMES": "500", "ROUNDEL_MEDIA__MAX_DURATION_SECONDS": "60"}
    raw = place.clip("raw.h264", *H264, "-bsf:v", "h264_mp4toannexb").read_bytes()
    path = place.write("endless.h264", raw * 100)
    yield analyze(kind, "h264 that goes on, limit of 500 frames", path, exits=frozenset({1}), settings=limits)
    ts = place.clip("raw.ts", "-c:v", "mpeg2video").read_bytes()
    path = place.write("endless.ts", ts * 100)
    name = "ts that jumps back again and again, limit of 500 frames"
    yield analyze(kind, name, path, exits=frozenset({1}), settings=limits)
    yield analyze(kind, "ts that jumps back 40 times", place.write("jumps.ts", ts * 40), exits=READ)
    sides = (f"{64 + 2 * number}x{48 + 2 * number}" for number in range(100))
    sizes = b"".join(flat(place, f"{size}.ts", size, 1).read_bytes() for size in sides)
    yield analyze(kind, "100 pictures of 100 sizes", place.write("sizes.ts", sizes), exits=READ)


def odd_times(place: Place) -> Iterator[Entry]:
    """Durations, clocks and edit lists that make no sense."""
    kind = "odd times"
    mp4 = place.clip("time.mp4", *H264).read_bytes()
    at = mp4.index(b"mvhd") + 16
    header = mp4.index(b"mdhd") + 16
    for name, scale, length in (
        ("ages", 1, 2**32 - 1),
        ("no-clock", 0, 1),
        ("nothing", 1000, 0),
        ("fast", 2**32 - 1, 1),
    ):
        values = struct.pack(">II", scale, length)
        changed = mp4[:at] + values + mp4[at + 8 :]
        changed = changed[:header] + values + changed[header + 8 :]
        yield analyze(kind, f"mp4 {name}", place.write(f"{name}.mp4", changed), exits=READ)
    steps = mp4.index(b"stts") + 8
    for name, delta in (("zero", 0), ("huge", 2**31 - 1), ("negative", 2**32 - 1)):
        table = mp4[steps : steps + 8] + struct.pack(">I", delta)
        path = place.write(f"stts-{name}.mp4", mp4[:steps] + table + mp4[steps + 12 :])
        yield analyze(kind, f"mp4 steps {name}", path, exits=READ)
    edits = mp4.index(b"elst") + 12
    for name, length, start, rate in (
        ("far", 2**32 - 1, 2**31 - 1, 1),
        ("empty", 2**31, -1, 0),
        ("back", 1, -(2**31), -1),
    ):
        entry = struct.pack(">Iihh", length, start, rate, 0)
        path = place.write(f"elst-{name}.mp4", mp4[:edits] + entry + mp4[edits + 12 :])
        yield analyze(kind, f"mp4 edit list {name}", path, exits=READ)
    for name, rate in (("0 fps", 0), ("4 billion fps", 2**32 - 1)):
        path = place.write(f"rate-{rate}.avi", avi((16, 16), rate, bytes(768), 10))
        yield analyze(kind, f"avi of {name}", path, exits=READ)
    tagged = place.clip("tag.mkv", "-c:v", "mpeg4", "-metadata:s:v", f"DURATION={'9' * 400}:00:00").read_bytes()
    yield analyze(kind, "mkv duration of 400 digits", place.write("tag.mkv", tagged), exits=READ)
    mkv = place.clip("float.mkv", "-c:v", "mpeg4").read_bytes()
    at = mkv.index(b"\x44\x89\x88") + 3  # Duration, a float of 8 bytes
    for name, value in (("nan", float("nan")), ("inf", float("inf")), ("1e300", 1e300), ("negative", -5.0)):
        path = place.write(f"float-{name}.mkv", mkv[:at] + struct.pack(">d", value) + mkv[at + 8 :])
        yield analyze(kind, f"mkv duration {name}", path, exits=READ)


GIF_FRAME = b"!\xf9\x04\x00\x01\x00\x00\x00," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"


def gif_head(screen: bytes) -> bytes:
    """The head of a GIF with two colours; ``screen`` is its width and height, little-endian."""
    return b"GIF89a" + screen + b"\x80\0\0" + b"\0\0\0\xff\xff\xff"


def avi(sides: tuple[int, int], rate: int, picture: bytes, frames: int) -> bytes:
    """An AVI of raw BGR pictures, without an index; the length of its list is what it really is."""
    width, height = sides
    strh = (0, 0, 0, 0, 1, rate, 0, frames, len(picture), 0, 0, 0, 0, width & 0xFFFF, height & 0xFFFF)
    stream = b"vidsDIB " + struct.pack("<IHHIIIIIIII4H", *strh)
    layout = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(picture), 0, 0, 0, 0)
    main = struct.pack("<14I", 100, 0, 0, 0, frames, 0, 1, len(picture), width, height, 0, 0, 0, 0)
    lists = _riff(b"LIST", b"strl" + _riff(b"strh", stream) + _riff(b"strf", layout))
    head = _riff(b"LIST", b"hdrl" + _riff(b"avih", main) + lists)
    return _riff(b"RIFF", b"AVI " + head + _riff(b"LIST", b"movi" + _riff(b"00db", picture) * frames))


def _riff(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _ivf(codec: bytes, frame: bytes) -> bytes:
    head = b"DKIF" + struct.pack("<HH4sHHIIII", 0, 32, codec, 65535, 65535, 25, 1, 1, 0)
    return head + struct.pack("<IQ", len(frame), 0) + frame


def _bits(*fields: tuple[int, int]) -> bytes:
    """Values of so many bits each, one after the other, filled up to whole bytes."""
    text = "".join(f"{value:0{length}b}" for value, length in fields)
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


def flat(place: Place, name: str, size: str, frames: int) -> Path:
    """A clip of one colour, so that large frames take few bytes."""
    path = place.clips / name
    if not path.exists():
        source = ["-f", "lavfi", "-i", f"color=s={size}:r=12:c=gray", "-frames:v", str(frames)]
        ffmpeg(*source, *H264, "-bitexact", str(path))
    return path
