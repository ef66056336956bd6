"""Frames a second of the GPU's decoder and of the processor's, each in the sandbox, through Roundel's own reader.

    python benchmarks/nvdec.py [VIDEO …] [--seconds 20] [--rounds 3]

Without a video: the clip of the demo, and drawn ones of 1920 × 1080 pixels, with film grain, in H.264 and HEVC. The two
take turns in one run; medians and the smallest and largest of the rounds are printed, starting and ending included.
The processor decodes with one thread, as an analysis does.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from roundel import cuda
from roundel.config import MediaConfig
from roundel.media.decode import VideoDecoder
from roundel.media.probe import probe

DEMO = Path(__file__).resolve().parents[1] / "pipeline" / "roundel" / "demo" / "clip.mp4"
CODINGS = {
    "h264.mp4": ["libx264", "-preset", "veryfast"],
    "hevc.mp4": ["libx265", "-preset", "veryfast", "-x265-params", "log-level=none"],
}


def drawn(folder: Path, name: str, seconds: int) -> Path:
    """A moving pattern with noise, about 8 megabits a second."""
    source = ["-f", "lavfi", "-i", f"testsrc2=size=1920x1080:rate=25:duration={seconds}", "-vf", "noise=alls=8:allf=t"]
    coding = ["-c:v", *CODINGS[name], "-b:v", "8M", "-pix_fmt", "yuv420p"]
    subprocess.run(["ffmpeg", "-v", "error", *source, *coding, str(folder / name)], check=True)
    return folder / name


def frames_a_second(video: Path, hwaccel: str) -> float:
    """One reading of a whole video."""
    config = MediaConfig.model_validate({"hwaccel": hwaccel})
    info, began = probe(video, config), time.perf_counter()
    frames = sum(1 for _ in VideoDecoder(video, info, config))
    return frames / (time.perf_counter() - began)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="*", type=Path)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print(cuda.driver().devices[0].name)
    with tempfile.TemporaryDirectory() as folder:
        videos = given.videos or [DEMO, *(drawn(Path(folder), name, given.seconds) for name in CODINGS)]
        for video in videos:
            rates: dict[str, list[float]] = {"off": [], "cuda": []}
            for number in range(given.rounds + 1):
                for hwaccel, found in rates.items():
                    rate = frames_a_second(video, hwaccel)
                    if number:  # the first round warms up
                        found.append(rate)
            shown = (f"{statistics.median(found):7.0f} ({min(found):.0f}–{max(found):.0f})" for found in rates.values())
            print(f"{video.name:12} processor {next(shown)}, GPU {next(shown)} frames a second", flush=True)


if __name__ == "__main__":
    main()
