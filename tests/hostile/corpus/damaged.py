"""Files cut off and files with flipped bits, in five containers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from corpus.entry import Entry, Place, analyze

TRUNCATIONS, FLIPS = 50, 200
READ = frozenset({0, 1})


def _clips(place: Place) -> list[Path]:
    h264 = ("-c:v", "libx264", "-preset", "veryfast", "-g", "12", "-pix_fmt", "yuv420p")
    return [
        place.demo("demo.mp4", *h264),
        place.demo("demo-fast.mp4", *h264, "-movflags", "+faststart"),
        place.demo("demo.mkv", *h264),
        place.demo("demo.ts", "-c:v", "mpeg2video", "-b:v", "1M"),
        place.demo("demo.avi", "-c:v", "mpeg4", "-b:v", "1M"),
    ]


def truncated(place: Place) -> Iterator[Entry]:
    """Cut off at evenly spaced points, the first of them after a few bytes."""
    clips = _clips(place)
    each = TRUNCATIONS // len(clips)
    for clip in clips:
        data = clip.read_bytes()
        for number in range(each):
            kept = 7 if number == 0 else len(data) * number // each
            path = place.write(f"{clip.stem}-{number}{clip.suffix}", data[:kept])
            yield analyze("truncated", path.name, path, exits=READ, together=True)


def flipped(place: Place) -> Iterator[Entry]:
    """One to a hundred flipped bits; in every second file all of them within the first 2,000 bytes."""
    clips = _clips(place)
    for number in range(FLIPS):
        clip = clips[number % len(clips)]
        data = bytearray(clip.read_bytes())
        reach = min(2000, len(data)) if number // len(clips) % 2 else len(data)
        for _ in range(place.draw.choice((1, 3, 10, 30, 100))):
            data[place.draw.randrange(reach)] ^= 1 << place.draw.randrange(8)
        path = place.write(f"{clip.stem}-{number}{clip.suffix}", bytes(data))
        yield analyze("flipped bits", path.name, path, exits=READ, together=True)
