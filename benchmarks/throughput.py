"""How fast is an analysis, beside its parts alone and beside ``yolo track``?

    python benchmarks/throughput.py [VIDEO] [--checkpoint best.pt] [--rounds 3] [--tiles off]

All in one run on the same video, weights and machine; medians of the rounds. ``decode alone`` reads every frame through
Roundel's decoder and drops it; ``inference alone`` runs the detector on the frames that the analysis chose, already in
memory; ``roundel analyze`` goes without types and text, ``with types and text`` is the whole; ``yolo track`` is
ultralytics' own command on a checkpoint of the same size with a stride that gives it as many frames.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import sys
import tempfile
import time
import types
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from roundel import job, package
from roundel.config import load
from roundel.detect import LoadedDetector, available_threads, load_detector
from roundel.media.decode import VideoDecoder
from roundel.media.identity import identify
from roundel.media.probe import probe
from roundel.quiet import hush
from roundel.specialists import Specialists, load_specialists

HERE = Path(__file__).resolve().parent
CLIP = HERE.parent / "pipeline" / "roundel" / "demo" / "clip.mp4"
CHECKPOINT = HERE.parents[1] / "shared" / "models" / "bootstrap" / "best.pt"


class Recorder:
    """A detector that passes calls on and keeps the pictures of each call."""

    def __init__(self, loaded: LoadedDetector) -> None:
        self._inner, self.classes, self.calls = loaded.detector, loaded.detector.classes, []

    def detect(self, pictures):
        self.calls.append([picture.copy() for picture in pictures])
        return self._inner.detect(pictures)

    def input_scale(self, width: int, height: int) -> float:
        return self._inner.input_scale(width, height)


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def decode(video: Path, config) -> None:
    for _ in VideoDecoder(video, probe(video, config.media), config.media):
        pass


def infer(loaded: LoadedDetector, calls: list) -> None:
    """The same calls as in the analysis, as many at a time."""
    with ThreadPoolExecutor(loaded.calls) as pool:
        list(pool.map(loaded.detector.detect, calls))


def analyze(video: Path, config, loaded: LoadedDetector, specialists: Specialists) -> None:
    with tempfile.TemporaryDirectory() as folder:
        writer = package.PackageWriter(Path(folder) / "package")
        made_with = job.provenance(config, loaded, specialists)
        job.analyze_into(writer, video, identify(video), config, loaded, made_with, specialists=specialists)


def stand_in_for_torchvision() -> None:
    """Beside a CPU build of torch PyPI's torchvision cannot load; put the one function that tracking needs there."""
    try:
        importlib.import_module("torchvision")
    except RuntimeError:
        for name in [name for name in sys.modules if name.startswith("torchvision")]:
            del sys.modules[name]
        stub, ops = types.ModuleType("torchvision"), types.ModuleType("torchvision.ops")
        stub.ops, ops.nms = ops, greedy_nms
        sys.modules.update({"torchvision": stub, "torchvision.ops": ops})


def greedy_nms(boxes, scores, limit: float):
    import torch

    from roundel.detect.nms import iou

    order = np.argsort(-scores.numpy(), kind="stable")
    xyxy, kept = boxes.numpy(), []
    while len(order):
        kept.append(order[0])
        order = order[1:][iou(xyxy[order[:1]], xyxy[order[1:]])[0] <= limit]
    return torch.as_tensor(np.array(kept, np.int64))


def yolo_track(video: Path, checkpoint: Path, stride: int, input_px: int) -> int:
    from ultralytics import YOLO

    model = YOLO(str(checkpoint))
    model.predict(np.zeros((64, 64, 3), np.uint8), imgsz=input_px, verbose=False)
    start = time.perf_counter()
    found = model.track(
        str(video), imgsz=input_px, vid_stride=stride, stream=True, tracker="bytetrack.yaml", verbose=False
    )
    frames = sum(1 for _ in found)
    yolo_track.seconds = time.perf_counter() - start
    return frames


def main() -> None:
    hush()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path, nargs="?", default=CLIP)
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tiles", choices=["auto", "on", "off"], default="off")
    arguments = parser.parse_args()
    video = arguments.video.resolve()
    config = load(flags={"detector": {"tiles": arguments.tiles}})
    loaded = load_detector(config.detector)
    recorder = Recorder(loaded)
    analyze(video, config, LoadedDetector(recorder, loaded.provenance, loaded.shown_as, loaded.least_px), Specialists())
    frames = sum(len(call) for call in recorder.calls)
    info = probe(video, config.media)
    total = sum(1 for _ in VideoDecoder(video, info, config.media))
    stride = max(1, round(total / frames))

    types_and_text = load_specialists(config)
    names = ("decode alone", "inference alone", "roundel analyze", "with types and text")
    times: dict[str, list[float]] = {name: [] for name in names}
    tracked = 0
    if arguments.checkpoint.is_file():
        stand_in_for_torchvision()
        times["yolo track"] = []
    for _ in range(arguments.rounds):
        times["decode alone"].append(seconds(lambda: decode(video, config)))
        times["inference alone"].append(seconds(lambda: infer(loaded, recorder.calls)))
        times["roundel analyze"].append(seconds(lambda: analyze(video, config, loaded, Specialists())))
        times["with types and text"].append(seconds(lambda: analyze(video, config, loaded, types_and_text)))
        if "yolo track" in times:
            tracked = yolo_track(video, arguments.checkpoint, stride, config.detector.input_px)
            times["yolo track"].append(yolo_track.seconds * frames / tracked)
    middle = {name: statistics.median(values) for name, values in times.items()}
    print(
        f"{video.name}: {total} frames of {info.width} × {info.height}, {frames} analysed, tiles {arguments.tiles}, "
        f"{loaded.provenance['engine']}, {available_threads()} threads, medians of {arguments.rounds} rounds"
    )
    for name, value in middle.items():
        print(f"{name:20} {value:7.2f} s   (rounds: {', '.join(f'{item:.2f}' for item in times[name])})")
    bound = max(middle["decode alone"], middle["inference alone"])
    print(f"analyze / max(decode, inference) = {middle['roundel analyze'] / bound:.2f}")
    if "yolo track" in middle:
        ratio = middle["yolo track"] / middle["roundel analyze"]
        print(f"yolo track ({tracked} frames, scaled to {frames}) / analyze = {ratio:.2f}")


if __name__ == "__main__":
    main()
