"""What does decoding on one thread cost, and what does it buy?

    python benchmarks/decoding.py [VIDEO …] [--rounds 5] [--copies 1] [--busy 4]

For each video: seconds to decode it on one thread and on as many as ffmpeg likes, medians in one run. Then copies of
a drawn clip with seeded bit flips are decoded several times with each choice of threads for the decoder and for the
output, beside so many busy processes; counted are the copies whose pixels are not the same in all runs.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from roundel.config import MediaConfig
from roundel.media import decode
from roundel.media.decode import VideoDecoder
from roundel.media.probe import probe

HERE = Path(__file__).resolve().parent
REAL = HERE.parents[1] / "shared" / "media" / "real"
CONFIG = MediaConfig()
ARGUMENTS = decode.ffmpeg_arguments


CHOICES = {"one thread": ("1", "1"), "one for the decoder": ("1", "0"), "ffmpeg's choice": ("0", "0")}
"""Threads of the decoder and of the output; 0 lets ffmpeg choose."""


def with_threads(choice: str) -> None:
    """Let ffmpeg be called with another number of threads."""

    def arguments(*given) -> list[str]:
        command = ARGUMENTS(*given)
        places = [at + 1 for at, word in enumerate(command) if word == "-threads"]
        for at, threads in zip(places, CHOICES[choice], strict=True):
            command[at] = threads
        return command

    decode.ffmpeg_arguments = arguments


@contextlib.contextmanager
def busy(processes: int) -> Iterator[None]:
    """Keep processors busy."""
    started = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in started:
            process.kill()


def run(video: Path, hashed: bool = False) -> tuple[float, str]:
    digest, start = hashlib.sha256(), time.perf_counter()
    for frame in VideoDecoder(video, probe(video, CONFIG), CONFIG):
        if hashed:
            digest.update(frame.i420)
    return time.perf_counter() - start, digest.hexdigest()


def drawn(folder: Path) -> Path:
    """Three seconds of H.264 with several slices a picture, so that parts of pictures can get lost."""
    clip = folder / "drawn.ts"
    source = ["-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25", "-t", "3", "-pix_fmt", "yuv420p"]
    coding = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-bf", "2", "-slices", "4"]
    subprocess.run(["ffmpeg", "-v", "error", *source, *coding, str(clip)], check=True)
    return clip


def damaged(video: Path, folder: Path, seed: int) -> Path:
    data, chance = bytearray(video.read_bytes()), np.random.default_rng(seed)
    for at in chance.integers(2000, len(data), 60):
        data[at] ^= 1 << chance.integers(0, 8)
    copy = folder / f"damaged-{seed}{video.suffix}"
    copy.write_bytes(data)
    return copy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", type=Path, nargs="*", default=[REAL / "mtlb.mp4", REAL / "base_from_air.mp4"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--busy", type=int, default=0)
    given = parser.parse_args()
    for video in given.videos:
        times: dict[str, list[float]] = {choice: [] for choice in CHOICES}
        for _ in range(given.rounds):
            for choice, values in times.items():
                with_threads(choice)
                values.append(run(video)[0])
        print(
            f"{video.name}:",
            ", ".join(f"{choice} {statistics.median(values):.2f} s" for choice, values in times.items()),
        )
    with tempfile.TemporaryDirectory() as folder, busy(given.busy):
        clip = drawn(Path(folder))
        copies = [damaged(clip, Path(folder), seed) for seed in range(given.copies)]
        for choice in CHOICES:
            with_threads(choice)
            results = [len({run(copy, hashed=True)[1] for _ in range(given.rounds)}) for copy in copies]
            differing = sum(number > 1 for number in results)
            print(f"{choice}: {differing} of {given.copies} damaged copies differ between {given.rounds} runs")


if __name__ == "__main__":
    main()
