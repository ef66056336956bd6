"""Make an archive of short clips, some of them broken, for tests and measurements of ``roundel batch``.

    python tools/make_archive.py --out archive --clips 500 --broken 25

The clips are pieces of the demo clip, each with bytes of its own. The same arguments give the same files.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

DEMO = Path(__file__).resolve().parent.parent / "pipeline" / "roundel" / "demo" / "clip.mp4"
PIECES = 20
SECONDS = 1.0

Breaks = Callable[[bytes, Random], bytes]
BROKEN: tuple[Breaks, ...] = (
    lambda whole, random: whole[: random.randint(1, 200)],
    lambda whole, random: whole[: len(whole) // 2],
    lambda whole, random: b"<!doctype html><title>not found</title>" + random.randbytes(8),
    lambda whole, random: bytes(random.randint(1000, 9000)),
    lambda whole, random: random.randbytes(random.randint(100, 9000)),
    lambda whole, random: b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n" + random.randbytes(4).hex().encode(),
    lambda whole, random: b"",
    lambda whole, random: whole[:40] + random.randbytes(len(whole) - 40),
)


def make(out: Path, clips: int, broken: int, seed: int = 0, width: int = 320) -> list[Path]:
    """Write the archive; returns the paths in order. What is there already is kept."""
    out.mkdir(parents=True, exist_ok=True)
    random = Random(seed)
    paths = [out / f"clip-{number:05}.mp4" for number in range(clips)]
    bad = set(random.sample(range(clips), broken))
    pieces = [_piece(out, number, width) for number in range(min(PIECES, clips))]
    for number, path in enumerate(paths):
        content = b""
        if not path.exists() or number in bad:
            _copy(pieces[number % len(pieces)], path, f"{seed}-{number}")
        if number in bad:
            content = path.read_bytes()
            path.write_bytes(BROKEN[number % len(BROKEN)](content, random))
    for piece in pieces:
        piece.unlink()
    return paths


def _ffmpeg(*arguments: str) -> None:
    command = ["ffmpeg", "-v", "error", "-y", *arguments]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def _piece(out: Path, number: int, width: int) -> Path:
    path = out / f".piece-{number}.mp4"
    picture = f"scale={width}:-2,fps=12,hue=h={number}"
    _ffmpeg("-ss", str(number * 0.97 % 20), "-t", str(SECONDS), "-i", f"file:{DEMO}", "-vf", picture, "-an", str(path))
    return path


def _copy(piece: Path, path: Path, comment: str) -> None:
    """The same pictures with bytes of their own."""
    _ffmpeg("-i", f"file:{piece}", "-c", "copy", "-metadata", f"comment={comment}", f"file:{path}")


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=500)
    parser.add_argument("--broken", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--width", type=int, default=320)
    wanted = parser.parse_args()
    made = make(wanted.out, wanted.clips, wanted.broken, wanted.seed, wanted.width)
    print(f"{wanted.out}: {len(made)} files, {wanted.broken} of them broken")
    return 0


if __name__ == "__main__":
    sys.exit(main())
