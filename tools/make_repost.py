"""Makes the second demo clip: another channel's, which passes a shot of the demo clip off as its own.

    python tools/make_repost.py --source pipeline/roundel/demo/clip.mp4 --out pipeline/roundel/demo/repost.mp4

The copied shot is taken from the encoded clip, as somebody does who has nothing else: cropped, mirrored, smaller, under
a sign and a headline, and encoded once more. Around it are two shots of the channel's own. The truth is written beside
the clip (same name, ``.json``), in the form of ``make_clip.py`` and with ``copied``: which seconds show which seconds
of the source, and which objects both show.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from clip_backdrop import Image
from clip_render import Box
from clip_scenes import CUTOUTS, CameraMove, Placement, Scene
from make_clip import SCHEMA_VERSION, box_entry, encode, format_truth, render_frames
from make_copies import logo

COPIED_SHOT = 0
FPS, SIZE, SEED = 25, (640, 360), 2
CRF = 27
CROP = 0.95
HEADLINE = "LIVE: COLUMN ON THE MOVE THIS MORNING"
HEADLINE_SHARE = 0.13
EDITS = ("mirrored", "cropped", "smaller", "sign in a corner", "headline below", "encoded again")
SAMPLE_EVERY = 5
OWN: tuple[Scene, ...] = (
    Scene(
        seconds=3.2,
        backdrop="yard",
        backdrop_seed=6,
        placements=(Placement("garbage_truck", "garbage_truck", x=0.50, y=0.78, width=0.40),),
        camera=CameraMove((0.47, 0.48, 1.0), (0.53, 0.48, 1.05), shake_px=1.4),
    ),
    Scene(
        seconds=2.8,
        backdrop="steppe",
        backdrop_seed=4,
        camera=CameraMove((0.60, 0.5, 1.05), (0.38, 0.5, 1.05), shake_px=1.4),
    ),
)
"""The channel's own shots: one before the copied one, one after."""

Drawn = tuple[Image, list[Box]]


def make_repost(source: Path, path: Path) -> dict[str, Any]:
    """Write the clip and its truth.

    Args:
        source: the demo clip; ``truth.json`` beside it says what it shows.
        path: the MP4 file to write.

    Returns:
        The truth that was written.

    Raises:
        RuntimeError: if ffmpeg fails.
        OSError: if the source's truth cannot be read, or the new one not written.
    """
    known = json.loads(source.with_name("truth.json").read_text(encoding="utf-8"))
    shot = known["shots"][COPIED_SHOT]
    boxes: list[dict[str, Any]] = []
    lengths: list[int] = []

    def images() -> Iterator[Image]:
        number = 0
        for part in (_own(OWN[0], SEED), _copied(source, known), _own(OWN[1], SEED + 1)):
            first = number
            for image, seen in part:
                if number % SAMPLE_EVERY == 0:
                    boxes.extend(box_entry(number, box) for box in seen)
                yield _branded(image)
                number += 1
            lengths.append(number - first)

    encode(images(), path, Fraction(FPS), SIZE, CRF, "slower")
    first, end = lengths[0], lengths[0] + lengths[1]
    copied = {
        "seconds": [first / FPS, end / FPS],
        "source": source.name,
        "source_seconds": [shot["first_frame"] / FPS, shot["end_frame"] / FPS],
        "edits": list(EDITS),
        "objects": sorted({box["object"] for box in _boxes_of(known, shot)}),
    }
    truth = _truth(known, lengths, boxes, copied)
    path.with_suffix(".json").write_text(format_truth(truth), encoding="utf-8")
    return truth


def _truth(
    known: dict[str, Any], lengths: Sequence[int], boxes: list[dict[str, Any]], copied: dict[str, Any]
) -> dict[str, Any]:
    new = [CUTOUTS[placement.cutout] for scene in OWN for placement in scene.placements]
    names = [placement.object_id for scene in OWN for placement in scene.placements]
    own = [
        {"id": name, "class": cutout.label, "node": cutout.node, "what": cutout.what, "marking": cutout.marking,
         "also_shows": list(cutout.also_shows)}
        for name, cutout in zip(names, new, strict=True)
    ]  # fmt: skip
    objects = [item for item in known["objects"] if item["id"] in copied["objects"]] + own
    starts = [sum(lengths[:index]) for index in range(len(lengths) + 1)]
    shots = [
        {"index": index, "first_frame": starts[index], "end_frame": starts[index + 1],
         "transition_in": {"kind": "cut" if index else "start", "first_frame": starts[index],
                           "end_frame": starts[index]},
         "mirrored_of": None, "layout": "plain"}
        for index in range(len(lengths))
    ]  # fmt: skip
    return {
        "schema_version": SCHEMA_VERSION, "fps": FPS, "size": list(SIZE), "frames": starts[-1], "seed": SEED,
        "shots": shots, "objects": objects, "boxes": boxes, "distinct": _by_node(objects), "copied": copied,
        "distinct_in_both_videos": _by_node([*known["objects"], *own]),
    }  # fmt: skip


def _by_node(objects: Sequence[dict[str, Any]]) -> dict[str, int]:
    nodes = [item["node"] for item in objects]
    return {node: nodes.count(node) for node in sorted(set(nodes))}


def _own(scene: Scene, seed: int) -> Iterator[Drawn]:
    yield from render_frames([scene], FPS, SIZE, seed)


def _copied(source: Path, known: dict[str, Any]) -> Iterator[Drawn]:
    """The frames of the copied shot as the encoded clip has them, edited, with the boxes of what is on them."""
    shot = known["shots"][COPIED_SHOT]
    width, height = known["size"]
    command = ["ffmpeg", "-nostdin", "-loglevel", "error", "-i", f"file:{source.resolve()}", "-f", "rawvideo",
               "-pix_fmt", "bgr24", "-"]  # fmt: skip
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    frames = np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)
    cut = (1 - CROP) / 2
    left, top = round(cut * width), round(cut * height)
    for number in range(shot["first_frame"], shot["end_frame"]):
        inner = frames[number, top : height - top, left : width - left][:, ::-1]
        image = np.asarray(cv2.resize(inner, SIZE, interpolation=cv2.INTER_AREA), np.uint8)
        seen = [box for box in _boxes_of(known, shot) if box["frame"] == number]
        yield image, [_moved(box, (width, height), (left, top)) for box in seen]


def _boxes_of(known: dict[str, Any], shot: dict[str, Any]) -> list[dict[str, Any]]:
    return [box for box in known["boxes"] if shot["first_frame"] <= box["frame"] < shot["end_frame"]]


def _moved(box: dict[str, Any], size: tuple[int, int], corner: tuple[int, int]) -> Box:
    """A box of the source in the copied picture; what the crop takes away is not visible."""
    (width, height), (left, top) = size, corner
    x1, y1, x2, y2 = box["xyxy"]
    inside = (max(x1, left), max(y1, top), min(x2, width - left), min(y2, height - top))
    share = (inside[2] - inside[0]) * (inside[3] - inside[1]) / ((x2 - x1) * (y2 - y1))
    across, down = SIZE[0] / (width - 2 * left), SIZE[1] / (height - 2 * top)
    at = ((width - left - inside[2]) * across, (inside[1] - top) * down,
          (width - left - inside[0]) * across, (inside[3] - top) * down)  # fmt: skip
    seen = Box(box["object"], at, round(box["visible_fraction"] * share, 3))
    return Box(**{**asdict(seen), "opacity": box.get("opacity", 1.0)})


def _branded(image: Image) -> Image:
    """With the channel's sign in a corner and its headline below."""
    height, width = image.shape[:2]
    sign = logo(width, height)
    marked = np.where(sign[..., 3:] > 0, sign[..., :3], image)
    top = round(height * (1 - HEADLINE_SHARE))
    marked[top:] = (120, 40, 20)
    marked[top : top + 2] = 255
    at = (round(width * 0.04), round(height * (1 - HEADLINE_SHARE * 0.33)))
    cv2.putText(marked, HEADLINE, at, 0, height / 560, (255, 255, 255), max(1, height // 300), cv2.LINE_AA)
    return np.ascontiguousarray(marked, np.uint8)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Make the second demo clip, which holds a copied shot of the first.")
    parser.add_argument("--source", type=Path, required=True, help="the demo clip, with truth.json beside it")
    parser.add_argument("--out", type=Path, required=True, help="the MP4 file to write")
    given = parser.parse_args(arguments)
    try:
        truth = make_repost(given.source, given.out)
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"make_repost: {error}\n")
        return 1
    sys.stdout.write(f"{given.out}: {truth['frames']} frames, {truth['copied']}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
