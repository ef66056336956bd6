"""Milliseconds for a picture: the engines, and several calls of one thread against one call of several.

    python benchmarks/engines.py [--checkpoint best.pt] [--size 416x256] [--rounds 40]

The configurations take turns in one run, so that other work on the machine hits all alike; medians are printed. Each
round runs eight pictures, as many at a time as there are calls.
"""

from __future__ import annotations

import argparse
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import roundel_models
from roundel.detect import available_threads
from roundel.detect.onnx import OnnxNetwork
from roundel.detect.openvino import OpenVinoNetwork
from roundel.detect.ultralytics import TorchNetwork

CHECKPOINT = Path(__file__).resolve().parents[2] / "shared" / "models" / "bootstrap" / "best.pt"
PICTURES = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    parser.add_argument("--size", default="416x256")
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    weights, threads = roundel_models.weights("hardware-v0"), available_threads()
    kinds = {
        f"onnx, {threads} calls of 1 thread": (OnnxNetwork(weights, threads, 1), threads),
        f"onnx, 1 call of {threads} threads": (OnnxNetwork(weights, 1, threads), 1),
        f"openvino, 1 call of {threads} threads": (OpenVinoNetwork(weights, threads), 1),
    }
    if given.checkpoint.is_file():
        kinds[f"torch (checkpoint), 1 call of {threads} threads"] = (TorchNetwork(given.checkpoint, threads), 1)
    pictures = [np.random.default_rng(n).random((1, 3, height, width), np.float32) for n in range(PICTURES)]
    times: dict[str, list[float]] = {name: [] for name in kinds}
    for number in range(given.rounds + 1):
        for name, (network, calls) in kinds.items():
            with ThreadPoolExecutor(calls) as pool:
                start = time.perf_counter()
                list(pool.map(network.forward, pictures))
                if number:
                    times[name].append((time.perf_counter() - start) / PICTURES * 1000)
    print(f"{width} × {height} pixels, {threads} processors, medians of {given.rounds} rounds of {PICTURES} pictures")
    for name, values in times.items():
        quartiles = statistics.quantiles(values, n=4)
        print(f"{name:45} {statistics.median(values):6.1f} ms   (quartiles {quartiles[0]:.1f} to {quartiles[2]:.1f})")


if __name__ == "__main__":
    main()
