"""Peak memory of an analysis as the video gets longer.

    python benchmarks/memory.py [VIDEO] [--minutes 2 20] [--sample-fps F]

The video (the demo clip if none is given) is repeated without re-encoding until it has the length asked for. Each
length is analysed by the command line in a process of its own; every 0.1 s the resident memory of that process and its
children is added up.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLIP = HERE.parent / "pipeline" / "roundel" / "demo" / "clip.mp4"


def resident(pid: int) -> int:
    """Bytes of a process and its descendants."""
    total, pids = 0, [pid]
    while pids:
        process = pids.pop()
        try:
            status = Path(f"/proc/{process}/status").read_text()
            pids += map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split())
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))
    return total


def repeated(video: Path, minutes: float, folder: Path) -> Path:
    target = folder / f"{minutes:g}min.mp4"
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-stream_loop",
        "-1",
        "-i",
        str(video),
        "-t",
        str(minutes * 60),
        "-c",
        "copy",
        str(target),
    ]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path, nargs="?", default=CLIP)
    parser.add_argument("--minutes", type=float, nargs="+", default=[2, 20])
    parser.add_argument("--sample-fps", default="2")
    parser.add_argument("--tiles", default="off")
    given = parser.parse_args()
    roundel = Path(sys.executable).parent / "roundel"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for minutes in given.minutes:
            clip = repeated(given.video, minutes, folder)
            command = [roundel, "analyze", clip, "--case", folder / f"case-{minutes:g}", "--quiet"]
            command += ["--sample-fps", given.sample_fps, "--tiles", given.tiles]
            start, peak = time.perf_counter(), 0
            process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)
            while process.poll() is None:
                peak = max(peak, resident(process.pid))
                time.sleep(0.1)
            seconds = time.perf_counter() - start
            print(
                f"{minutes:6g} min: peak {peak / 2**20:7.0f} MiB, {seconds:7.1f} s, status {process.returncode}",
                flush=True,
            )
            clip.unlink()


if __name__ == "__main__":
    main()
