"""Makes edited copies of video clips, as people do who pass old footage off as new, with the truth beside them.

    python tools/make_copies.py CLIP.mp4 OTHER.mp4 --out FOLDER

Each clip is copied once for each edit; the next clip in the list is the host of pictures-in-picture and of footage that
is cut in. ``copies.json`` in the folder says which seconds of which copy show which seconds of which clip. What is
there already is not made again. :func:`make_copies` does the same from Python.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

TRUTH = "copies.json"
QUALITY = "26"
SPEED = 1.1
INSERTED_SECONDS, INSERTED_AT = 5.0, 3.0
INSET, INSET_MARGIN = 0.34, 0.04
BAR_SHARE = 0.2  # height of the lower third
CROP = 0.9
TURN_DEGREES = 2


@dataclass(frozen=True, slots=True)
class Clip:
    """A source: its size and length."""

    path: Path
    width: int
    height: int
    seconds: float
    start: float


@dataclass(frozen=True, slots=True)
class Copy:
    """An edited copy: seconds ``copy`` of ``file`` show seconds ``original`` of ``source``, ``speed`` times as fast."""

    edit: str
    file: str
    source: str
    host: str | None
    copy: tuple[float, float]
    original: tuple[float, float]
    speed: float = 1.0
    mirrored: bool = False


def measure(path: Path) -> Clip:
    """The size of a clip, and the time from its first to the end of its last frame."""
    ask = "stream=width,height,r_frame_rate:frame=pts_time"
    command = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", ask, "-of", "json", str(path)]
    said = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    times = sorted(float(frame["pts_time"]) for frame in said["frames"] if "pts_time" in frame)
    stream = said["streams"][0]
    step = (times[-1] - times[0]) / max(1, len(times) - 1)
    return Clip(path, stream["width"], stream["height"], round(times[-1] - times[0] + step, 3), times[0])


def _even(value: float) -> int:
    return 2 * max(1, round(value / 2))


def _simple(*filters: str) -> Callable[[Clip, Clip, Path], list[str]]:
    def arguments(clip: Clip, host: Clip, folder: Path) -> list[str]:
        return ["-i", str(clip.path), "-vf", ",".join([*filters, _even_size()])]

    return arguments


def _even_size() -> str:
    return "scale=trunc(iw/2)*2:trunc(ih/2)*2"


def _overlaid(draw: Callable[[int, int], np.ndarray]) -> Callable[[Clip, Clip, Path], list[str]]:
    def arguments(clip: Clip, host: Clip, folder: Path) -> list[str]:
        picture = folder / f".{clip.path.stem}.{draw.__name__}.png"
        cv2.imwrite(str(picture), draw(clip.width, clip.height))
        graph = f"[0:v][1:v]overlay=0:0,{_even_size()}"
        return ["-i", str(clip.path), "-i", str(picture), "-filter_complex", graph]

    return arguments


def lower_third(width: int, height: int) -> np.ndarray:
    """A bar with a headline across the lower part of the picture, as BGRA."""
    picture = np.zeros((height, width, 4), np.uint8)
    top = round(height * (1 - BAR_SHARE))
    picture[top:] = (150, 30, 30, 255)
    picture[top : top + max(2, height // 60)] = (255, 255, 255, 255)
    size = height * BAR_SHARE / 60
    for line, text in enumerate(("BREAKING: STRIKE ON AIR BASE", "live - sources say dozens of vehicles lost")):
        at = (width // 30, round(height - BAR_SHARE * height * (0.55 - 0.35 * line)))
        cv2.putText(picture, text, at, 0, size * (1 - 0.3 * line), (255, 255, 255, 255), max(1, round(size * 2)))
    return picture


def logo(width: int, height: int) -> np.ndarray:
    """A channel's sign in the upper right corner, as BGRA."""
    picture = np.zeros((height, width, 4), np.uint8)
    radius = round(0.08 * min(width, height))
    centre = width - 2 * radius, round(1.8 * radius)
    cv2.circle(picture, centre, radius, (30, 30, 220, 255), -1, cv2.LINE_AA)
    cv2.circle(picture, centre, round(radius * 0.8), (255, 255, 255, 255), max(2, radius // 8), cv2.LINE_AA)
    at = centre[0] - round(radius * 0.62), centre[1] + radius // 4
    cv2.putText(picture, "TV7", at, 0, radius / 38, (255, 255, 255, 255), max(1, radius // 12), cv2.LINE_AA)
    return picture


def _inset(clip: Clip, host: Clip, folder: Path) -> list[str]:
    width = _even(host.width * INSET)
    height = _even(width * clip.height / clip.width)
    if height > 0.6 * host.height:
        height = _even(0.6 * host.height)
        width = _even(height * clip.width / clip.height)
    margin = round(INSET_MARGIN * host.width)
    graph = (
        f"[1:v]setpts=PTS-STARTPTS,scale={width}:{height},setsar=1,"
        f"pad=iw+4:ih+4:2:2:white[inset];[0:v]setpts=PTS-STARTPTS,setsar=1[host];"
        f"[host][inset]overlay={margin}:{margin}:shortest=1,{_even_size()}"
    )
    return ["-stream_loop", "-1", "-i", str(host.path), "-i", str(clip.path), "-filter_complex", graph]


def _upright(clip: Clip, host: Clip, folder: Path) -> list[str]:
    """9:16 with the picture in the middle and a blurred, enlarged copy of it around; upright clips become 16:9."""
    width, height = (1280, 720) if clip.height > clip.width else (720, 1280)
    graph = (
        f"[0:v]setsar=1,split[a][b];[a]scale={width}:{height}:force_original_aspect_ratio=increase,"
        f"crop={width}:{height},gblur=sigma=24[back];"
        f"[b]scale={width}:{height}:force_original_aspect_ratio=decrease[front];"
        "[back][front]overlay=(W-w)/2:(H-h)/2"
    )
    return ["-i", str(clip.path), "-filter_complex", graph]


def _inserted_range(clip: Clip) -> tuple[float, float]:
    length = min(INSERTED_SECONDS, clip.seconds)
    first = round((clip.seconds - length) / 2, 1)
    return first, first + length


def _inserted(clip: Clip, host: Clip, folder: Path) -> list[str]:
    first, last = _inserted_range(clip)
    size = f"{_even(host.width)}:{_even(host.height)}"
    same = f"fps=25,format=yuv420p,scale={size}"
    fitted = f"{same}:force_original_aspect_ratio=decrease,pad={size}:(ow-iw)/2:(oh-ih)/2,setsar=1"
    at = min(INSERTED_AT, host.seconds / 2)
    graph = (
        f"[0:v]setpts=PTS-STARTPTS,split[h1][h2];[h1]trim=0:{at},setpts=PTS-STARTPTS,{same},setsar=1[a];"
        f"[1:v]setpts=PTS-STARTPTS,trim={first}:{last},setpts=PTS-STARTPTS,{fitted}[b];"
        f"[h2]trim={at}:{at + 4},setpts=PTS-STARTPTS,{same},setsar=1[c];[a][b][c]concat=n=3:v=1:a=0"
    )
    return ["-i", str(host.path), "-i", str(clip.path), "-filter_complex", graph]


EDITS: dict[str, Callable[[Clip, Clip, Path], list[str]]] = {
    "re-encoded": _simple("null"),
    "160 pixels": _simple("scale=160:-2"),
    "grey": _simple("hue=s=0"),
    "lower third": _overlaid(lower_third),
    "logo": _overlaid(logo),
    "letterbox": _simple("pad=iw:ih*4/3:0:(oh-ih)/2"),
    "crop 10 %": _simple(f"crop=iw*{CROP}:ih*{CROP}", f"scale=iw/{CROP}:ih/{CROP}"),
    "mirror": _simple("hflip"),
    "picture-in-picture": _inset,
    "rotated 2°": _simple(f"rotate={TURN_DEGREES}*PI/180"),
    "speed 1.1": _simple(f"setpts=PTS/{SPEED}"),
    "upright, blurred bars": _upright,
    "5 s cut in": _inserted,
    "mirror, logo, letterbox": _overlaid(logo),
}
"""How ffmpeg makes each copy. Re-encoding is done to all of them, strongly to the first."""


def _truth(edit: str, file: str, clip: Clip, host: Clip) -> Copy:
    whole = (0.0, clip.seconds)
    hosted = edit in ("picture-in-picture", "5 s cut in")
    named = (edit, file, clip.path.name, host.path.name if hosted else None)
    if edit == "5 s cut in":
        first, last = _inserted_range(clip)
        at = min(INSERTED_AT, host.seconds / 2)
        return Copy(*named, (at, at + last - first), (clip.start + first, clip.start + last))
    original = (clip.start, clip.start + clip.seconds)
    if edit == "speed 1.1":
        return Copy(*named, (0.0, clip.seconds / SPEED), original, SPEED)
    return Copy(*named, whole, original, mirrored=edit.startswith("mirror"))


def file_name(clip: Path, edit: str) -> str:
    """The file name of a copy."""
    return f"{clip.stem}.{re.sub('[^a-z0-9]+', '-', edit).strip('-')}.mp4"


def make_copy(clip: Clip, host: Clip, edit: str, folder: Path) -> Copy:
    """Make one copy, if it is not there yet."""
    path = folder / file_name(clip.path, edit)
    if not path.exists():
        arguments = EDITS[edit](clip, host, folder)
        if edit == "mirror, logo, letterbox":
            arguments[-1] += ",hflip,pad=iw:ih*4/3:0:(oh-ih)/2," + _even_size()
        crf = "34" if edit == "re-encoded" else QUALITY
        partial = path.with_suffix(".partial.mp4")
        coding = ["-an", "-c:v", "libx264", "-preset", "veryfast", "-crf", crf, "-pix_fmt", "yuv420p", "-bitexact"]
        command = ["ffmpeg", "-v", "error", "-y", "-threads", "1", *arguments, "-fps_mode", "vfr", *coding]
        subprocess.run([*command, str(partial)], check=True, stdin=subprocess.DEVNULL)
        partial.replace(path)
    return _truth(edit, path.name, clip, host)


def make_copies(clips: Sequence[Path], folder: Path, edits: Sequence[str] = tuple(EDITS)) -> list[Copy]:
    """Make all copies of all clips into a folder.

    Raises:
        CalledProcessError: if ffmpeg cannot read a clip or lacks a filter.
    """
    folder.mkdir(parents=True, exist_ok=True)
    measured = [measure(path) for path in clips]
    copies = [
        make_copy(clip, measured[(number + 1) % len(measured)], edit, folder)
        for number, clip in enumerate(measured)
        for edit in edits
    ]
    for picture in folder.glob(".*.png"):
        picture.unlink()
    (folder / TRUTH).write_text(json.dumps([asdict(copy) for copy in copies], indent=1, ensure_ascii=False) + "\n")
    return copies


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description="Makes edited copies of video clips, with the truth beside them.")
    parser.add_argument("clips", type=Path, nargs="+", help="clips; the next one is the host of what is cut in")
    parser.add_argument("--out", type=Path, required=True, help="folder of the copies")
    parser.add_argument("--edits", nargs="+", choices=EDITS, default=list(EDITS))
    given = parser.parse_args()
    for copy in make_copies(given.clips, given.out, given.edits):
        print(f"{copy.file}: {copy.edit} of {copy.source}")


if __name__ == "__main__":
    main()
