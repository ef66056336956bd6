"""Pictures a second when several videos share one network: each for itself, put together, and put together and filled.

    python benchmarks/batching.py [--device cpu|cuda] [--videos 4] [--batch 8] [--rounds 7] [--size 416x256]

Each video is a thread that asks for one picture after another, as an analysis does. The ways take turns in one run, so
that other work on the machine hits all alike; medians and the smallest and largest of the rounds are printed. On a
processor each call has one thread; put together, there is one call at a time, with all threads. A GPU gets one call at
a time in any way, as in an analysis.
"""

from __future__ import annotations

import argparse
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

import roundel_models
from roundel import cuda
from roundel.config import DetectorConfig
from roundel.detect import available_threads
from roundel.detect.batching import SharedNetwork
from roundel.detect.onnx import OnnxNetwork
from roundel.detect.providers import choose

PICTURES = 24
"""For each video and round."""


def ways(device: str, batch: int) -> dict[str, Any]:
    """The networks by name."""
    path, providers = roundel_models.weights(DetectorConfig().model), choose(device)
    bare = OnnxNetwork(path, 1, 1, providers)
    alone = SharedNetwork(bare, 1) if providers.on_gpu else bare
    together = bare if providers.on_gpu else OnnxNetwork(path, 1, available_threads(), providers)
    return {
        "each for itself": alone,
        "put together": SharedNetwork(together, batch),
        "put together and filled": SharedNetwork(together, batch, filled=True),
    }


def pictures_a_second(network: Any, videos: int, width: int, height: int) -> float:
    """One round."""
    picture = np.random.default_rng(0).random((1, 3, height, width), np.float32)

    def video(_: int) -> None:
        for _ in range(PICTURES):
            network.forward(picture)

    began = time.perf_counter()
    with ThreadPoolExecutor(videos) as pool:
        list(pool.map(video, range(videos)))
    return videos * PICTURES / (time.perf_counter() - began)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--videos", type=int, default=4)
    parser.add_argument("--batch", type=int, default=DetectorConfig().batch)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--size", default="416x256")
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    networks = ways(given.device, given.batch)
    rates: dict[str, list[float]] = {name: [] for name in networks}
    for number in range(given.rounds + 1):
        for name, network in networks.items():
            rate = pictures_a_second(network, given.videos, width, height)
            if number:  # the first round warms up
                rates[name].append(rate)
    where = cuda.driver().devices[0].name if given.device == "cuda" else f"{available_threads()} processors"
    print(f"{where}, {given.videos} videos, batches of {given.batch}, pictures of {width} × {height}")
    for name, found in rates.items():
        print(f"{name:24} {statistics.median(found):8.1f} a second ({min(found):.1f}–{max(found):.1f})")


if __name__ == "__main__":
    main()
