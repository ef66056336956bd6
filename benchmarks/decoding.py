"""What does decoding on one thread cost, and what does it buy?

    python benchmarks/decoding.py [VIDEO …] [--rounds 5]

For each video: seconds to decode it on one thread and on as many as ffmpeg likes, medians in one run. Then a copy of
the first video with seeded bit flips is decoded several times each way, and the different pixel hashes are counted.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import statistics
import tempfile
import time
from pathlib import Path

from roundel.config import MediaConfig
from roundel.media import decode
from roundel.media.decode import VideoDecoder
from roundel.media.probe import probe

HERE = Path(__file__).resolve().parent
REAL = HERE.parents[1] / "shared" / "media" / "real"
CONFIG = MediaConfig()
ARGUMENTS = decode.ffmpeg_arguments


def with_threads(threads: str) -> None:
    """Let the decoder be called with another number of threads."""

    def arguments(*given) -> list[str]:
        command = ARGUMENTS(*given)
        command[command.index("-threads") + 1] = threads
        return command

    decode.ffmpeg_arguments = arguments


def run(video: Path, hashed: bool = False) -> tuple[float, str]:
    digest, start = hashlib.sha256(), time.perf_counter()
    for frame in VideoDecoder(video, probe(video, CONFIG), CONFIG):
        if hashed:
            digest.update(frame.i420)
    return time.perf_counter() - start, digest.hexdigest()


def damaged(video: Path, folder: Path) -> Path:
    data, chance = bytearray(video.read_bytes()), random.Random(0)
    for _ in range(60):
        data[chance.randrange(len(data) // 20, len(data) * 19 // 20)] ^= 1 << chance.randrange(8)
    copy = folder / f"damaged{video.suffix}"
    copy.write_bytes(data)
    return copy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", type=Path, nargs="*", default=[REAL / "mtlb.mp4", REAL / "base_from_air.mp4"])
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    for video in given.videos:
        times: dict[str, list[float]] = {"1": [], "0": []}
        for _ in range(given.rounds):
            for threads, values in times.items():
                with_threads(threads)
                values.append(run(video)[0])
        one, many = (statistics.median(times[threads]) for threads in ("1", "0"))
        print(f"{video.name}: one thread {one:.2f} s, ffmpeg's choice {many:.2f} s, ratio {one / many:.2f}")
    with tempfile.TemporaryDirectory() as folder:
        copy = damaged(given.videos[0], Path(folder))
        for threads, name in (("1", "one thread"), ("0", "ffmpeg's choice")):
            with_threads(threads)
            hashes = {run(copy, hashed=True)[1] for _ in range(given.rounds)}
            print(f"damaged {given.videos[0].name}, {name}: {len(hashes)} different results in {given.rounds} runs")


if __name__ == "__main__":
    main()
