"""Makes video clips with known truth from photographs of vehicles and generated places.

As a program (see ``--help``) it remakes the demo clip or makes a test clip, each with its truth beside it::

    python tools/make_clip.py --demo --out pipeline/roundel/demo/clip.mp4
    python tools/make_clip.py --out test.mp4 --seconds 12 --seed 3 --size 640x360 --fps 25 --objects 2

As a library, :func:`make_clip` renders any list of :class:`Scene`. Frames are streamed into ffmpeg, so memory does not
grow with the length of the clip.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TypedDict

import cv2
import numpy as np

from clip_backdrop import Image
from clip_render import Box, SceneRenderer, mirror
from clip_scenes import CUTOUTS, CameraMove, Entry, Placement, Scene, demo_scenes, random_scenes

__all__ = ["CUTOUTS", "CameraMove", "Entry", "Placement", "Scene", "Truth", "demo_scenes", "encode", "make_clip",
           "random_scenes", "render_frames"]  # fmt: skip

SCHEMA_VERSION = "1"
CUTOUT_FOLDER = Path(__file__).resolve().parent / "cutouts"
DEMO_SIZE, DEMO_SEED = (854, 480), 1


class Truth(TypedDict):
    """What is in a clip, as written to its truth file."""

    schema_version: str
    fps: int | str
    size: list[int]
    frames: int
    seed: int
    shots: list[dict[str, Any]]
    objects: list[dict[str, Any]]
    boxes: list[dict[str, Any]]
    distinct: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Shot:
    """Frames of one scene. ``lead`` and ``tail`` are how far it is drawn beyond its boundaries, for dissolves."""

    scene: Scene
    first: int
    end: int
    entry_half: int
    """Half the length in frames of the transition at its start."""
    lead: int
    tail: int


def make_clip(
    scenes: Sequence[Scene],
    path: Path,
    fps: int | Fraction = 25,
    size: tuple[int, int] = (640, 360),
    seed: int = 0,
    *,
    cutouts: Path = CUTOUT_FOLDER,
    sample_every: int = 5,
    crf: int = 24,
    preset: str = "medium",
) -> Truth:
    """Render scenes into an H.264 MP4 file without sound and write its truth beside it (same name, ``.json``).

    The same scenes, seed and versions of ffmpeg, OpenCV and numpy give the same bytes.

    Args:
        scenes: The shots in order. The first one's ``entry`` is ignored.
        path: The MP4 file to write.
        fps: Frames per second.
        size: Width and height in pixels, both even.
        seed: Decides noise, hand shake, and places that have no seed of their own.
        cutouts: Folder of the cut-outs.
        sample_every: Boxes are recorded for every n-th frame.
        crf: Quality for x264: lower is better and larger.
        preset: Speed preset for x264.

    Returns:
        The truth that was written.

    Raises:
        ValueError: If scenes and transitions do not fit together, or a side is odd.
        RuntimeError: If ffmpeg fails.
    """
    shots = _lay_out(scenes, fps)
    truth = _truth_without_boxes(shots, fps, size, seed)

    def images() -> Iterator[Image]:
        for number, (image, boxes) in enumerate(render_frames(scenes, fps, size, seed, cutouts=cutouts)):
            if number % sample_every == 0:
                truth["boxes"].extend(box_entry(number, box) for box in boxes)
            yield image

    encode(images(), path, Fraction(fps), size, crf, preset)
    path.with_suffix(".json").write_text(format_truth(truth), encoding="utf-8")
    return truth


def encode(
    images: Iterable[Image], path: Path, rate: Fraction, size: tuple[int, int], crf: int = 24, preset: str = "medium"
) -> None:
    """Write frames, uint8 (height, width, 3) BGR, into an H.264 MP4 file without sound.

    Raises:
        RuntimeError: If ffmpeg fails.
    """
    command = [
        "ffmpeg", "-nostdin", "-loglevel", "error", "-y", "-f", "rawvideo", "-pixel_format", "bgr24",
        "-video_size", f"{size[0]}x{size[1]}", "-framerate", f"{rate.numerator}/{rate.denominator}", "-i", "pipe:0",
        "-an", "-vf", "scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_int+bitexact",
        "-c:v", "libx264", "-preset", preset, "-crf", str(crf), "-g", "50", "-pix_fmt", "yuv420p", "-threads", "1",
        "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv",
        "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-movflags", "+faststart",
        "-f", "mp4", f"file:{path.resolve()}",
    ]  # fmt: skip
    # ffmpeg is told to report errors only, a few lines at most; they go to this process's own stderr.
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        try:
            for image in images:
                process.stdin.write(image.tobytes())
        except BrokenPipeError as error:
            raise RuntimeError(f"{path}: ffmpeg stopped early, see its message above") from error
        process.stdin.close()
        if process.wait() != 0:
            raise RuntimeError(f"{path}: ffmpeg ended with code {process.returncode}, see its message above")


def render_frames(
    scenes: Sequence[Scene],
    fps: int | Fraction = 25,
    size: tuple[int, int] = (640, 360),
    seed: int = 0,
    *,
    cutouts: Path = CUTOUT_FOLDER,
) -> Iterator[tuple[Image, list[Box]]]:
    """The frames of a clip before encoding, uint8 (height, width, 3) BGR, with the boxes on each."""
    if size[0] % 2 or size[1] % 2:
        raise ValueError(f"size {size[0]}x{size[1]}: both sides must be even")
    shots = _lay_out(scenes, fps)
    before, current = None, _Take(shots, 0, size, float(fps), seed=seed, cutouts=cutouts)
    for index, shot in enumerate(shots):
        after = (
            _Take(shots, index + 1, size, float(fps), seed=seed, cutouts=cutouts) if index + 1 < len(shots) else None
        )
        out_half = shots[index + 1].entry_half if after else 0
        length = shot.end - shot.first
        for k in range(length):
            if before is not None and k < shot.entry_half:
                old = shots[index - 1]
                step, total = shot.entry_half + k, 2 * shot.entry_half
                yield _mix(
                    before, old.end - old.first + k, current, k, step=step, total=total, kind=shot.scene.entry.kind
                )
            elif after is not None and k >= length - out_half:
                step, total = k - (length - out_half), 2 * out_half
                kind = shots[index + 1].scene.entry.kind
                yield _mix(current, k, after, k - length, step=step, total=total, kind=kind)
            else:
                yield current.frame(k)
        if after is not None:
            before, current = current, after


class _Take:
    """Frames of one shot, numbered from its boundary; a mirrored shot draws its original and flips it."""

    def __init__(
        self, shots: Sequence[_Shot], index: int, size: tuple[int, int], fps: float, *, seed: int, cutouts: Path
    ) -> None:
        original = shots[index].scene.mirrored_of
        self._flip = original is not None
        self._parts = (shots, index if original is None else original, size, fps, seed, cutouts)
        self._renderer: SceneRenderer | None = None

    def frame(self, number: int) -> tuple[Image, list[Box]]:
        if self._renderer is None:
            shots, index, size, fps, seed, cutouts = self._parts
            shot = shots[index]
            span = (-shot.lead, shot.end - shot.first + shot.tail)
            self._renderer = SceneRenderer(shot.scene, size, fps, span, seed=1000 * seed + 10 * index, cutouts=cutouts)
        image, boxes = self._renderer.frame(number)
        return mirror(image, boxes) if self._flip else (image, boxes)


def _lay_out(scenes: Sequence[Scene], fps: int | Fraction) -> list[_Shot]:
    """Give each scene its frames and check that scenes and transitions fit together."""
    if not scenes:
        raise ValueError("no scenes: a clip needs at least one")
    halves = [round(s.entry.seconds * fps / 2) if s.entry.kind != "cut" else 0 for s in scenes]
    halves = [0, *halves[1:], 0]
    shots: list[_Shot] = []
    first = 0
    for index, scene in enumerate(scenes):
        source = scene
        if scene.mirrored_of is not None:
            if not 0 <= scene.mirrored_of < index or scenes[scene.mirrored_of].mirrored_of is not None:
                raise ValueError(f"scene {index}: mirrored_of must name an earlier scene that is not itself a mirror")
            source = scenes[scene.mirrored_of]
        length = max(1, round(source.seconds * fps))
        if halves[index] + halves[index + 1] > length:
            raise ValueError(f"scene {index}: {length} frames are too few for the transitions at its ends")
        lead = halves[index] if scene.entry.kind == "dissolve" else 0
        after = scenes[index + 1].entry.kind if index + 1 < len(scenes) else "cut"
        tail = halves[index + 1] if after == "dissolve" else 0
        shots.append(_Shot(scene, first, first + length, halves[index], lead, tail))
        first += length
    return shots


def _mix(
    old: _Take, old_number: int, new: _Take, new_number: int, *, step: int, total: int, kind: str
) -> tuple[Image, list[Box]]:
    """Frame ``step`` of a transition of ``total`` frames; a fade goes through black."""
    share = (step + 1) / (total + 1)
    if kind == "fade":
        level = abs(2 * share - 1)
        image, boxes = old.frame(old_number) if step < total // 2 else new.frame(new_number)
        return cv2.convertScaleAbs(image, alpha=level).astype(np.uint8), _dimmed(boxes, level)
    (image_old, boxes_old), (image_new, boxes_new) = old.frame(old_number), new.frame(new_number)
    mixed = cv2.addWeighted(image_old, 1 - share, image_new, share, 0).astype(np.uint8)
    return mixed, _dimmed(boxes_old, 1 - share) + _dimmed(boxes_new, share)


def _dimmed(boxes: Sequence[Box], level: float) -> list[Box]:
    return [Box(**{**asdict(box), "opacity": round(box.opacity * level, 3)}) for box in boxes]


def _placements(scene: Scene) -> Iterator[Placement]:
    yield from scene.placements
    if scene.inset is not None:
        yield from _placements(scene.inset)


def _truth_without_boxes(shots: Sequence[_Shot], fps: int | Fraction, size: tuple[int, int], seed: int) -> Truth:
    objects: dict[str, dict[str, Any]] = {}
    real: dict[str, str] = {}
    rows: list[dict[str, Any]] = []
    for index, shot in enumerate(shots):
        half, kind = shot.entry_half, shot.scene.entry.kind
        entry = {
            "kind": "start" if index == 0 else kind if half else "cut",
            "first_frame": shot.first - half,
            "end_frame": shot.first + half,
        }
        rows.append({
            "index": index, "first_frame": shot.first, "end_frame": shot.end, "transition_in": entry,
            "mirrored_of": shot.scene.mirrored_of, "layout": shot.scene.layout,
        })  # fmt: skip
        for placement in _placements(shot.scene) if shot.scene.mirrored_of is None else ():
            cutout = CUTOUTS[placement.cutout]
            objects[placement.object_id] = {
                "id": placement.object_id, "class": cutout.label, "node": cutout.node,
                "what": cutout.what, "marking": cutout.marking, "also_shows": list(cutout.also_shows),
            }  # fmt: skip
            if not placement.depicted:
                real[placement.object_id] = cutout.node
    rate = Fraction(fps)
    return Truth(
        schema_version=SCHEMA_VERSION,
        fps=int(rate) if rate.denominator == 1 else str(rate),
        size=list(size),
        frames=shots[-1].end,
        seed=seed,
        shots=rows,
        objects=list(objects.values()),
        boxes=[],
        distinct={node: list(real.values()).count(node) for node in sorted(set(real.values()))},
    )


def box_entry(frame: int, box: Box) -> dict[str, Any]:
    """One box as it is written; marks that do not apply are left out."""
    entry: dict[str, Any] = {"frame": frame, "object": box.object_id, "xyxy": [round(v, 1) for v in box.xyxy],
                             "visible_fraction": box.visible_fraction}  # fmt: skip
    if box.opacity < 1:
        entry["opacity"] = box.opacity
    return entry | {mark: True for mark in ("reflected", "depicted", "inset") if getattr(box, mark)}


def format_truth(truth: Mapping[str, Any]) -> str:
    """JSON with one list entry per line, so that a change shows as a small difference."""
    parts = []
    for key, value in truth.items():
        text = json.dumps(value)
        if isinstance(value, list) and value and isinstance(value[0], dict):
            text = "[\n" + ",\n".join("  " + json.dumps(item) for item in value) + "\n ]"
        parts.append(f' "{key}": {text}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Make a video clip with known truth (written beside it as .json).")
    parser.add_argument("--out", type=Path, required=True, help="the MP4 file to write")
    parser.add_argument("--demo", action="store_true", help="the demo clip; length, objects and seed are fixed")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", default="640x360", help="WIDTHxHEIGHT, even numbers")
    parser.add_argument("--fps", default="25", help="a number or a fraction such as 30000/1001")
    parser.add_argument("--objects", type=int, default=2, help="distinct objects that take turns, 0 to 6")
    parser.add_argument("--plain-test", action="store_true", help="flat places, still camera, no noise: quick to make")
    parser.add_argument("--cutouts", type=Path, default=CUTOUT_FOLDER, help="folder of the cut-outs")
    given = parser.parse_args(arguments)
    try:
        if given.demo:
            truth = make_clip(demo_scenes(), given.out, 25, DEMO_SIZE, DEMO_SEED, cutouts=given.cutouts, crf=22,
                              preset="slower")  # fmt: skip
            given.out.with_suffix(".json").replace(given.out.with_name("truth.json"))
        else:
            width, height = (int(side) for side in given.size.split("x"))
            scenes = random_scenes(given.seconds, given.seed, given.objects, given.plain_test)
            preset = "ultrafast" if given.plain_test else "medium"
            truth = make_clip(scenes, given.out, Fraction(given.fps), (width, height), given.seed,
                              cutouts=given.cutouts, preset=preset)  # fmt: skip
    except (ValueError, OSError, RuntimeError) as error:
        sys.stderr.write(f"make_clip: {error}\n")
        return 1
    sys.stdout.write(f"{given.out}: {truth['frames']} frames, {len(truth['shots'])} shots, {truth['distinct']}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
