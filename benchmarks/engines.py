"""Milliseconds for a picture and average precision: every engine and precision that this machine can run.

    python benchmarks/engines.py [--checkpoint best.pt] [--int8 FILE] [--half FILE] [--size 416x256] [--ap]

The configurations take turns in one run, so that other work on the machine hits all alike; medians are printed. Each
round runs eight pictures, as many at a time as there are calls. ``--ap`` adds AP50 over the held-out pictures of
``training.detector.evaluate`` (mean over the classes with more than 20 boxes; armour on the 85 leak-free pictures); it
needs the training data. The INT8 and float16 files are made by ``training.detector.quantize`` and
``training.detector.export --half``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import roundel_models
from roundel.config import DetectorConfig
from roundel.detect import LoadedDetector, available_threads
from roundel.detect.onnx import OnnxNetwork
from roundel.detect.openvino import OpenVinoNetwork
from roundel.detect.ultralytics import TorchNetwork
from roundel.detect.yolo import YoloDetector

CHECKPOINT = Path(__file__).resolve().parents[1] / "workspace" / "detector" / "best.pt"
PICTURES = 8


def configurations(given: argparse.Namespace) -> dict[str, tuple[Any, int]]:
    """The networks by name, each with the number of calls at a time."""
    shipped, threads = roundel_models.weights(given.model), available_threads()
    files = {"float32": shipped, "float16": given.half, "INT8": given.int8}
    kinds: dict[str, tuple[Any, int]] = {}
    for precision, path in files.items():
        if path is None or not path.is_file():
            continue
        if path.suffix == ".onnx":
            kinds[f"onnx {precision}, {threads} calls of 1 thread"] = (OnnxNetwork(path, threads, 1), threads)
        kinds[f"openvino {precision}, 1 call of {threads} threads"] = (OpenVinoNetwork(path, threads), 1)
    kinds[f"onnx float32, 1 call of {threads} threads"] = (OnnxNetwork(shipped, 1, threads), 1)
    if given.checkpoint.is_file():
        kinds[f"torch float32 (checkpoint), 1 call of {threads} threads"] = (TorchNetwork(given.checkpoint, threads), 1)
    return kinds


def milliseconds(kinds: dict[str, tuple[Any, int]], width: int, height: int, rounds: int) -> dict[str, list[float]]:
    """Times for a picture, round by round."""
    pictures = [np.random.default_rng(n).random((1, 3, height, width), np.float32) for n in range(PICTURES)]
    times: dict[str, list[float]] = {name: [] for name in kinds}
    for number in range(rounds + 1):
        for name, (network, calls) in kinds.items():
            with ThreadPoolExecutor(calls) as pool:
                start = time.perf_counter()
                list(pool.map(network.forward, pictures))
                if number:
                    times[name].append((time.perf_counter() - start) / PICTURES * 1000)
    return times


def precisions(network: Any) -> tuple[float, float]:
    """AP50: mean over the classes of the held-out pictures, and of armour on the leak-free pictures."""
    from training.detector.evaluate import (
        CURVE_SCORE,
        chosen,
        examine,
        matches,
        questions,
        score_pictures,
        source_pictures,
    )
    from training.metrics import average_precision

    detector = YoloDetector(network, DetectorConfig(score=CURVE_SCORE, tiles="off"))
    loaded = LoadedDetector(detector, {})
    source = examine(loaded, [item for _, item in source_pictures()])
    found = [matches(source, detector.classes, (name,)) for name in detector.classes]
    each = [average_precision(item, 0, np.ones(len(item.truths))) for item in found if item.truths.sum() > 20]
    armour = matches(chosen(examine(loaded, score_pictures()), questions()[0]), detector.classes, ("armoured_vehicle",))
    return float(np.mean(each)), average_precision(armour, 0, np.ones(len(armour.truths)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="hardware-v1")
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    parser.add_argument("--int8", type=Path, default=CHECKPOINT.with_name("hardware-v1-int8.xml"))
    parser.add_argument("--half", type=Path, default=CHECKPOINT.with_name("hardware-v1-fp16.onnx"))
    parser.add_argument("--size", default="416x256")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--ap", action="store_true")
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    kinds = configurations(given)
    times = milliseconds(kinds, width, height, given.rounds)
    print(
        f"{width} × {height} pixels, {available_threads()} processors, {given.rounds} rounds of {PICTURES} pictures\n"
    )
    print("| engine | ms a picture, median (quartiles) | AP50, classes | AP50, armour |\n|---|---|---|---|")
    for name, values in times.items():
        low, _, high = statistics.quantiles(values, n=4)
        whole, armour = (f"{value:.3f}" for value in precisions(kinds[name][0])) if given.ap else ("–", "–")
        print(f"| {name} | {statistics.median(values):.1f} ({low:.1f}–{high:.1f}) | {whole} | {armour} |", flush=True)


if __name__ == "__main__":
    main()
