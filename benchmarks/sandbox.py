"""What does the sandbox cost?

    python benchmarks/sandbox.py [VIDEO] [--rounds 100]

Medians in milliseconds, the ways taken in turns: to start a program that does nothing, to read the header of a short
clip, and to decode that clip. The ways are: no protection; only a shell that sets the limits; the same and a network
namespace of its own, made by the program ``unshare``; the sandbox. Then what is paid once in a process.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from roundel.config import MediaConfig
from roundel.media.process import limits, program
from roundel.sandbox import attempts, landlock, programs, run, seccomp
from roundel.sandbox.start import SHELL, _limiting

CONFIG = MediaConfig()
LIMITS = limits(CONFIG)
NAMESPACE = ("unshare", "--user", "--map-current-user", "--net", "--")


def make_clip(folder: Path) -> Path:
    """Ten seconds of 640 × 360."""
    path = folder / "clip.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25", "-t", "10", "-c:v", "libx264"]
    subprocess.run([program("ffmpeg"), "-v", "error", *source, "-pix_fmt", "yuv420p", path], check=True)
    return path


def bare(command: Sequence[str], _: Path) -> int:
    """A child with nothing around it."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, start_new_session=True)
    return done.returncode


def limited(command: Sequence[str], video: Path) -> int:
    return bare([str(SHELL), "-c", f'{_limiting(LIMITS)} && exec "$@"', "sh", *command], video)


def namespaced(command: Sequence[str], video: Path) -> int:
    return limited([*NAMESPACE, *command], video)


def sandboxed(command: Sequence[str], video: Path) -> int:
    return run(command, LIMITS, 600, [video]).returncode


WAYS: dict[str, Callable[[Sequence[str], Path], int]] = {
    "no protection": bare,
    "limits": limited,
    "limits and namespace": namespaced,
    "sandbox": sandboxed,
}


def milliseconds(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - start)


def compare(command: Sequence[str], video: Path, rounds: int) -> str:
    times: dict[str, list[float]] = {name: [] for name, way in WAYS.items() if way(command, video) == 0}
    for _ in range(rounds):
        for name, values in times.items():
            values.append(milliseconds(lambda way=WAYS[name]: way(command, video)))
    return ", ".join(f"{name} {statistics.median(values):.2f}" for name, values in times.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=100)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        video = (given.video or make_clip(Path(folder))).absolute()
        show = [program("ffprobe"), "-v", "error", "-show_format", "-show_streams", f"file:{video}"]
        decode = [
            program("ffmpeg"),
            "-v",
            "error",
            "-nostdin",
            "-threads",
            "1",
            "-i",
            f"file:{video}",
            "-f",
            "null",
            "-",
        ]
        nothing = shutil.which("true") or "/bin/true"
        print(f"landlock ABI {landlock.abi()}, filter of system calls: {'yes' if seccomp.available() else 'no'}")
        print(f"a program that does nothing: {compare([nothing], video, given.rounds)}")
        print(f"ffprobe: {compare(show, video, given.rounds)}")
        print(f"ffmpeg decodes all frames: {compare(decode, video, max(3, given.rounds // 10))}")
    programs.needs.cache_clear()
    attempts._tried.cache_clear()
    print(
        f"once in a process: libraries of ffmpeg {milliseconds(lambda: programs.needs(Path(decode[0]))):.1f}, ", end=""
    )
    print(f"trying the protections {milliseconds(attempts.protections):.1f}")


if __name__ == "__main__":
    main()
