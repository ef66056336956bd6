"""The clips of benchmarks/copies.py: real clips and their edited copies, published copies, and pans over photographs.

Everything is divided by source into two halves: ``tune`` was looked at while the method was built and its thresholds
were chosen, ``report`` was not.
"""

from __future__ import annotations

import argparse
import pickle
import random
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from make_copies import EDITS, Copy, make_copies
from roundel.config import load
from roundel.fingerprint.keyframes import Keyframe
from roundel.fingerprint.storage import decode_still, encode_still
from roundel.matching.footage import Footage, fingerprint_video

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
DEMO = ROOT / "pipeline" / "roundel" / "demo" / "clip.mp4"
SOURCES = {
    "tune": ("convoy_from_air", "lav", "portrait_tank", "V_AIRPLANE_010"),
    "report": (
        "base_from_air",
        "mtlb",
        "demo",
        "V_AIRPLANE_031",
        "V_BIRD_010",
        "V_DRONE_016",
        "V_HELICOPTER_012",
        "V_HELICOPTER_030",
    ),
}
PLAIN = ("V_AIRPLANE_031",)
"""Clips of a clear sky: every keyframe's quality is 0, so there is nothing that could be recognised."""
PHOTOS = {
    # archive, folder, how many; one picture for each prefix before the given sign
    "tune": (("types.tar.xz", "_main.", 60), ("detector-heldout.tar.xz", "/uav_samuel/images/", 30)),
    "report": (
        ("detector-heldout.tar.xz", "/combat_aircraft_web/images/", 24),
        ("detector-heldout.tar.xz", "/ships_typesofships/images/", 24),
        ("detector-heldout.tar.xz", "/tanks_amannoufel/images/", 28),
        ("detector-heldout.tar.xz", "/neg_visdrone/images/", 16),
    ),
}
PAN_SIZE, PAN_SECONDS, PAN_FPS = (400, 240), 4, 10
PATTERNS = ("hd-no-bar", "longer-no-bar", "sd-grey-bar", "sd-with-large-logo-bar", "sd-with-small-logo-bar")


@dataclass(frozen=True, slots=True)
class Half:
    """The clips of one half: all that is searched, the edited copies of some, and which of those shows which."""

    references: dict[str, Path]
    copies: dict[str, Copy]
    folder: Path


def material(half: str, media: Path, data: Path, work: Path) -> Half:
    """Make what is missing of one half."""
    sources = {name: DEMO if name == "demo" else media / "real" / f"{name}.mp4" for name in SOURCES[half]}
    folder = work / half / "copies"
    made = make_copies(list(sources.values()), folder, tuple(EDITS))
    references = dict(sources)
    for path in pans(half, data, work / half / "pans"):
        references[path.stem] = path
    names = {path.name: name for name, path in sources.items()}
    copies = {
        copy.file: Copy(
            copy.edit,
            copy.file,
            names[copy.source],
            names[copy.host] if copy.host else None,
            copy.copy,
            copy.original,
            copy.speed,
            copy.mirrored,
        )
        for copy in made
    }
    return Half(references, copies, folder)


def pans(half: str, data: Path, folder: Path) -> list[Path]:
    """Clips that pan slowly over photographs, one clip a photograph."""
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / "done"
    if not done.exists():
        rng = random.Random(f"{half} pans")
        for archive, part, count in PHOTOS[half]:
            chosen: list[tuple[str, np.ndarray]] = []
            with tarfile.open(data / archive) as tar:
                members = sorted(
                    (item for item in tar.getmembers() if item.isfile() and part in item.name), key=lambda x: x.name
                )
                wanted = {item.name for item in rng.sample(members, min(count, len(members)))}
                for item in members:
                    stream = tar.extractfile(item) if item.name in wanted else None
                    if stream is not None:
                        picture = cv2.imdecode(np.frombuffer(stream.read(), np.uint8), cv2.IMREAD_COLOR)
                        chosen.append((item.name, picture))
            for number, (name, picture) in enumerate(chosen):
                stem = f"{part.strip('/_.').replace('/', '-')}-{number:02}-{Path(name).name.split('.')[0][:24]}"
                pan(picture, folder / f"{stem}.mp4", rng)
        done.touch()
    return sorted(folder.glob("*.mp4"))


def pan(picture: np.ndarray, path: Path, rng: random.Random) -> None:
    """A clip in which a window of three quarters of the picture's size moves from one place to another."""
    height, width = picture.shape[:2]
    share = 0.75
    start, end = ((rng.uniform(0, 1 - share), rng.uniform(0, 1 - share)) for _ in range(2))
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24"]
    command += ["-s", f"{PAN_SIZE[0]}x{PAN_SIZE[1]}", "-r", str(PAN_FPS), "-i", "-", "-c:v", "libx264"]
    command += ["-preset", "veryfast", "-pix_fmt", "yuv420p", "-threads", "1", str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for number in range(PAN_SECONDS * PAN_FPS):
            part = number / (PAN_SECONDS * PAN_FPS - 1)
            left, top = (a + (b - a) * part for a, b in zip(start, end, strict=True))
            corners = np.array([[left * width, top * height], [(left + share) * width, top * height]], np.float32)
            third = np.array([[left * width, (top + share) * height]], np.float32)
            target = np.array([[0, 0], [PAN_SIZE[0], 0], [0, PAN_SIZE[1]]], np.float32)
            turn = cv2.getAffineTransform(np.vstack([corners, third]), target)
            process.stdin.write(cv2.warpAffine(picture, turn, PAN_SIZE, flags=cv2.INTER_AREA).tobytes())
    if process.returncode:
        raise RuntimeError(f"{path}: ffmpeg ended with {process.returncode}")


def footage(path: Path, name: str, cache: Path) -> Footage:
    """The footage of a clip; keyframes are kept in the cache."""
    cache.mkdir(parents=True, exist_ok=True)
    kept = cache / f"{name}.pickle"
    if not kept.exists():
        found: list[tuple[Keyframe, bytes]] = []
        fingerprint_video(path, load().media, lambda keyframe, still: found.append((keyframe, encode_still(still))))
        partial = kept.with_suffix(".partial")
        partial.write_bytes(pickle.dumps(found))
        partial.replace(kept)
    keyframes = pickle.loads(kept.read_bytes())  # noqa: S301 - written above
    stills = {keyframe.ref: data for keyframe, data in keyframes}
    return Footage(name, tuple(item for item, _ in keyframes), lambda ref: decode_still(stills[ref], name))


def patterns(media: Path) -> Iterator[tuple[str, Path]]:
    """The published near-duplicates, and the unrelated clip beside them."""
    for name in PATTERNS:
        yield f"pattern-{name}", media / "copies" / f"pattern-{name}.mp4"
    yield "doorknob-hd-no-bar", media / "copies" / "doorknob-hd-no-bar.mp4"


def options(about: str) -> argparse.Namespace:
    """The command line of a benchmark on these clips; ``about`` is its docstring."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--media", type=Path, default=SHARED / "media")
    parser.add_argument("--data", type=Path, default=SHARED / "data")
    parser.add_argument("--half", choices=("tune", "report"), nargs="+", default=["tune", "report"])
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "roundel-copies")
    parser.add_argument("--jobs", type=int, default=2)
    return parser.parse_args()
