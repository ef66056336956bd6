"""How well writing is read: recall on rendered markings, false readings on crops without any, and time.

    python benchmarks/reading.py                                        # rendered markings and the demo's "226"
    python benchmarks/reading.py --images DIR --labels DIR [--most 200] # false readings on crops of a YOLO data set
    python benchmarks/reading.py --clips VIDEO…                         # false readings on the tracks of clips

Rendered: known text in DejaVu Sans Bold (part of matplotlib) on the sides of the demo's cut-outs, seen in four views
that differ in scale, perspective, blur and noise. False readings: every reading is printed, so that a person can see
whether the picture really holds it. A crop of a still picture stands for a track of three views that differ in scale,
place, gamma and noise; the same crop alone stands for a track of one view.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from roundel import config as settings
from roundel.analyze import analyze_video
from roundel.detect import load_detector
from roundel.specialists import Specialists
from roundel.text import load_reader
from roundel.types import VideoIdentity, View

ROOT = Path(__file__).resolve().parents[1]
FONT = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans-Bold.ttf"
TEXTS = ("226", "2357", "Б-14", "٢٢٦", "T-72B3", "RF-81728")
SIZES_PX = (8, 10, 12, 16, 24)  # height of a digit in the video
BLURS_PX = (0.0, 1.2)
HARDWARE = range(7)  # classes of the data set that are hardware, as in the shipped detector
LOOK_ALIKES = str.maketrans("АВЕКМНОРСТХ", "ABEKMHOPCTX")  # the same shapes in Cyrillic: no reader tells them apart
Picture = NDArray[np.uint8]


def view(crop: Picture, seconds: float) -> View:
    """A crop as a view of an object that fills it."""
    box = (0.0, 0.0, float(crop.shape[1]), float(crop.shape[0]))
    return View(seconds, box, box, 0.9, crop, 1.0)


def painted(text: str, size_px: int, blur_px: float, turn: float, light: bool, random: np.random.Generator) -> Picture:
    """A vehicle's side of about 320 × 180 px with the text on it, its digits ``size_px`` high."""
    scale = 4
    base = cv2.imread(str(ROOT / "tools" / "cutouts" / "stryker.png"), cv2.IMREAD_UNCHANGED)
    base = cv2.resize(base[..., :3], (320 * scale, 180 * scale), interpolation=cv2.INTER_CUBIC)
    font = ImageFont.truetype(str(FONT), round(size_px * scale / 0.73))
    layer = Image.new("L", (320 * scale, 180 * scale))
    ImageDraw.Draw(layer).text((160 * scale, 95 * scale), text, fill=255, font=font, anchor="mm")
    mask = np.asarray(layer, np.float32)[..., None] / 255
    plate = cv2.GaussianBlur(mask, (0, 0), size_px * scale * 0.9)[..., None]
    plate = np.clip(plate / max(1e-6, float(plate.max())) * 3, 0, 1)
    ground = base * (1 - plate) + np.float32((70, 85, 80)) * plate
    colour = np.float32((215, 225, 225)) if light else np.float32((25, 25, 28))
    large = ground * (1 - mask * 0.9) + colour * (mask * 0.9)
    width, height = 320 * scale, 180 * scale
    corners = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    moved = (
        corners + np.float32([[0, turn * height], [0, -turn * height], [0, turn * height], [0, -turn * height]]) * 0.4
    )
    large = cv2.warpPerspective(large, cv2.getPerspectiveTransform(corners, moved), (width, height), borderMode=1)
    zoom = random.uniform(0.95, 1.08)
    small = cv2.resize(large, (round(320 * zoom), round(180 * zoom)), interpolation=cv2.INTER_AREA)
    if blur_px:
        small = cv2.GaussianBlur(small, (0, 0), blur_px)
    noisy = np.clip(small + random.normal(0, 4, small.shape), 0, 255).astype(np.uint8)
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", noisy, (cv2.IMWRITE_JPEG_QUALITY, 80))[1], 1), np.uint8)


def jittered(crop: Picture, random: np.random.Generator) -> Picture:
    """The crop as another frame of a video may show it."""
    height, width = crop.shape[:2]
    scale, shift = random.uniform(0.9, 1.12), random.uniform(-0.03, 0.03, 2) * (width, height)
    moved = cv2.warpAffine(
        crop, np.float32([[scale, 0, shift[0]], [0, scale, shift[1]]]), (width, height), borderMode=cv2.BORDER_REFLECT
    )
    bright = 255 * (moved / 255.0) ** random.uniform(0.8, 1.25) + random.normal(0, 3, moved.shape)
    return np.clip(bright, 0, 255).astype(np.uint8)


def recall(reader, sizes: Sequence[int]) -> None:
    print("rendered markings, four views each: share read exactly (share with another reading)")
    print("digit height  " + "".join(f"  blur {blur:.1f} px     " for blur in BLURS_PX))
    for size in sizes:
        cells = []
        for blur in BLURS_PX:
            right, wrong, missed = 0, 0, list[str]()
            for number, text in enumerate(TEXTS):
                random = np.random.default_rng(1000 * size + number)
                turns = (-0.12, 0.0, 0.06, 0.12)
                views = [
                    view(painted(text, size, blur, turn, number % 2 == 0, random), float(index))
                    for index, turn in enumerate(turns)
                ]
                found = [reading.text.translate(LOOK_ALIKES) for reading in reader.read_object(views)]
                right += text.translate(LOOK_ALIKES) in found
                wrong += any(item != text.translate(LOOK_ALIKES) for item in found)
                missed += [] if [text] == found else [f"{text}: {', '.join(found) or 'nothing'}"]
            if missed:
                print(f"    {size} px, blur {blur}: {'; '.join(missed)}", flush=True)
            cells.append(f"  {right / len(TEXTS):4.0%} ({wrong / len(TEXTS):4.0%})    ")
        print(f"{size:6d} px     " + " ".join(cells), flush=True)


def crops(images: Path, labels: Path) -> Iterator[tuple[str, Picture]]:
    """Crops of hardware of at least 96 px from a data set in YOLO's form, with the margin that an analysis leaves."""
    for label in sorted(labels.glob("*.txt")):
        picture = cv2.imread(str(images / f"{label.stem}.jpg"))
        if picture is None:
            continue
        height, width = picture.shape[:2]
        for number, line in enumerate(label.read_text().splitlines()):
            kind, x, y, w, h = (float(value) for value in line.split()[:5])
            if int(kind) in HARDWARE and max(w * width, h * height) >= 96:
                left, right = (round(min(1, max(0, x + side * 0.58 * w)) * width) for side in (-1, 1))
                top, bottom = (round(min(1, max(0, y + side * 0.58 * h)) * height) for side in (-1, 1))
                yield f"{label.stem}#{number}", picture[top:bottom, left:right]


def false_readings(reader, images: Path, labels: Path, most: int) -> None:
    every = list(crops(images, labels))
    chosen = every[:: max(1, len(every) // most)][:most]
    for views in (1, 3):
        total, seconds = 0, 0.0
        for number, (name, crop) in enumerate(chosen):
            random = np.random.default_rng(number)
            pictures = [crop, *(jittered(crop, random) for _ in range(views - 1))]
            began = time.perf_counter()
            found = reader.read_object([view(picture, float(index)) for index, picture in enumerate(pictures)])
            seconds += time.perf_counter() - began
            for reading in found:
                total += 1
                print(
                    f"    {name}: {reading.text!r} {reading.confidence:.2f} in {reading.views} at {reading.xyxy}",
                    flush=True,
                )
        print(
            f"{views} view(s): {total} readings on {len(chosen)} crops: {100 * total / len(chosen):.1f} per 100 crops; "
            f"{seconds / len(chosen) / views:.2f} s a crop",
            flush=True,
        )


class _Nowhere:
    def picture(self, name: str, image: Picture) -> str:
        return name

    def detections(self, line: dict) -> None:
        pass


def clips(reader, videos: Sequence[Path]) -> None:
    config = settings.load()
    loaded = load_detector(config.detector)
    tracks = views = readings = captions = 0
    for video in videos:
        identity = VideoIdentity("sha256:" + "0" * 64, video.stat().st_size, (video.name,))
        began = time.perf_counter()
        result = analyze_video(video, identity, config, loaded, _Nowhere(), {}, None, Specialists(reader=reader))
        seconds = time.perf_counter() - began
        pictured = [item for item in result.sightings if item.exemplars]
        tracks, views = tracks + len(pictured), views + sum(len(item.exemplars) for item in pictured)
        print(f"{video.name}: {len(pictured)} tracks, {len(result.shots)} shots, {seconds:.1f} s")
        for item in pictured:
            for found in item.readings:
                readings += 1
                print(
                    f"    {item.id} {item.node}: {found.text!r} {found.confidence:.2f} in {found.views} at {found.xyxy}"
                )
        for caption in result.captions:
            captions += 1
            found = caption.reading
            print(f"    caption in shot {caption.shot}: {found.text!r} {found.confidence:.2f} at {found.xyxy}")
    print(f"{readings} readings on {tracks} tracks ({views} views); {captions} captions", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--most", type=int, default=200)
    parser.add_argument(
        "--sizes", type=int, nargs="*", default=SIZES_PX, help="heights of the rendered digits in pixels"
    )
    parser.add_argument("--clips", type=Path, nargs="*")
    asked = parser.parse_args()
    reader, facts = load_reader(settings.load().text)
    print(facts)
    if reader is None:
        parser.error("there is no reader")
    if asked.images:
        false_readings(reader, asked.images, asked.labels, asked.most)
    elif asked.clips:
        clips(reader, asked.clips)
    else:
        recall(reader, asked.sizes)
        clips(reader, [ROOT / "pipeline" / "roundel" / "demo" / "clip.mp4"])


if __name__ == "__main__":
    main()
