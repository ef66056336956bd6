"""Several threads share one network: each gets what it would have got alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import roundel_models
from roundel.config import DetectorConfig
from roundel.detect.batching import SharedNetwork
from roundel.detect.onnx import OnnxNetwork
from roundel.detect.yolo import YoloDetector

SIZES = ((32, 32), (32, 64))
POISON = -1.0


class Sums:
    """Treats each picture by itself; refuses poisoned pictures; notes every call."""

    engine, precision, version, classes = "fake", "none", "0", ("uav",)

    def __init__(self, seconds: float = 0.0, most: int = 99) -> None:
        self.calls: list[tuple[int, ...]] = []
        self._seconds, self._most, self._busy = seconds, most, threading.Lock()

    def forward(self, batch: np.ndarray) -> np.ndarray:
        assert self._busy.acquire(blocking=False), "two calls at the same time"
        try:
            self.calls.append(batch.shape)
            time.sleep(self._seconds)
            if len(batch) > self._most:
                raise MemoryError(f"{len(batch)} pictures")
            if (batch == POISON).any():
                raise ValueError(f"poison {batch.min(axis=(1, 2, 3)).tolist()}")
            sums = batch.sum(axis=(1, 2, 3), dtype=np.float64).astype(np.float32)
            return np.repeat(sums[:, None, None], 5, axis=1)
        finally:
            self._busy.release()


def pictures(count: int, size: tuple[int, int], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((count, 3, *size), np.float32)


def ask(network: SharedNetwork, batches: Sequence[np.ndarray], threads: int) -> list[np.ndarray | Exception]:
    def one(batch: np.ndarray) -> np.ndarray | Exception:
        try:
            return network.forward(batch)
        except Exception as error:
            return error

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, batches))


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(1, 5), st.sampled_from(SIZES), st.booleans()), min_size=1, max_size=12),
    st.integers(1, 8),
    st.integers(1, 8),
    st.booleans(),
)
def test_each_request_gets_its_own_answer_or_its_own_error(
    asked: list[tuple[int, tuple[int, int], bool]], most: int, threads: int, filled: bool
) -> None:
    batches = [pictures(count, size, seed) for seed, (count, size, _) in enumerate(asked)]
    for batch, (_, _, poisoned) in zip(batches, asked, strict=True):
        if poisoned:
            batch[-1, 0, 0, 0] = POISON
    bare = Sums(seconds=0.001)
    answers = ask(SharedNetwork(bare, most, 0.001, filled), batches, threads)
    for answer, batch, (_, _, poisoned) in zip(answers, batches, asked, strict=True):
        if poisoned:
            assert isinstance(answer, ValueError)
            assert len(str(answer).split(",")) <= max(len(batch), most), "an error that other pictures take part in"
        else:
            assert isinstance(answer, np.ndarray)
            assert answer.tobytes() == Sums().forward(batch).tobytes()
    largest = max(most, *(len(batch) for batch in batches))
    assert all(shape[0] <= largest for shape in bare.calls)
    if filled:
        assert all(shape[0] >= most for shape in bare.calls)


def test_requests_that_come_together_go_through_in_one_call() -> None:
    bare = Sums()
    network = SharedNetwork(bare, most=8, wait_seconds=5)
    began = time.monotonic()
    ask(network, [pictures(2, (32, 32), seed) for seed in range(4)], threads=4)
    assert bare.calls == [(8, 3, 32, 32)]
    assert time.monotonic() - began < 5, "a full batch waits for nobody"


def test_requests_gather_while_the_network_is_at_work() -> None:
    bare = Sums(seconds=0.2)
    network = SharedNetwork(bare, most=8, wait_seconds=0)
    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(network.forward, pictures(1, (32, 32), 0))
        time.sleep(0.1)
        rest = [pool.submit(network.forward, pictures(1, (32, 32), seed)) for seed in range(1, 5)]
        assert all(len(item.result()) == 1 for item in (first, *rest))
    assert [shape[0] for shape in bare.calls] == [1, 4]


def test_one_alone_waits_no_longer_than_it_must() -> None:
    network = SharedNetwork(Sums(), most=8, wait_seconds=0.01)
    began = time.monotonic()
    network.forward(pictures(1, (32, 32), 0))
    assert 0.01 <= time.monotonic() - began < 1


def test_the_fault_of_one_request_is_no_other_ones() -> None:
    good, bad = pictures(1, (32, 32), 0), np.full((1, 3, 32, 32), POISON, np.float32)
    bare = Sums()
    answers = ask(SharedNetwork(bare, most=3, wait_seconds=5), [good, bad, good], threads=3)
    assert [type(answer) for answer in answers] == [np.ndarray, ValueError, np.ndarray]
    assert str(answers[1]) == "poison [-1.0]"
    assert bare.calls[0] == (3, 3, 32, 32)


def test_a_batch_that_is_too_large_for_the_memory_is_done_one_by_one() -> None:
    bare = Sums(most=2)
    answers = ask(SharedNetwork(bare, most=4, wait_seconds=5), [pictures(1, (32, 32), n) for n in range(4)], threads=4)
    assert all(isinstance(answer, np.ndarray) for answer in answers)
    assert [shape[0] for shape in bare.calls] == [4, 1, 1, 1, 1]


def test_every_call_of_a_filled_network_has_the_same_number_of_pictures() -> None:
    bare = Sums()
    network = SharedNetwork(bare, most=4, wait_seconds=0, filled=True)
    for count in (1, 3, 4):
        given_pictures = pictures(count, (32, 64), count)
        assert network.forward(given_pictures).tobytes() == Sums().forward(given_pictures).tobytes()
    assert bare.calls == [(4, 3, 32, 64)] * 3


@pytest.mark.parametrize("filled", [False, True])
def test_the_shipped_network_gives_the_same_bytes_together_and_alone(filled: bool) -> None:
    bare = OnnxNetwork(roundel_models.weights(DetectorConfig().model), 1, 1)
    scenes = [
        np.random.default_rng(seed).integers(0, 256, (240 + 16 * (seed % 3), 320, 3)).astype(np.uint8)
        for seed in range(6)
    ]
    config = DetectorConfig(batch=4, score=0.001)
    alone = [YoloDetector(bare, config).detect([scene])[0] for scene in scenes]
    together = YoloDetector(SharedNetwork(bare, 4, 0.05, filled), config)
    with ThreadPoolExecutor(6) as pool:
        shared = list(pool.map(lambda scene: together.detect([scene])[0], scenes))
    assert sum(map(len, alone)) > 0
    for one, other in zip(alone, shared, strict=True):
        assert one.xyxy.tobytes() == other.xyxy.tobytes()
        assert one.scores.tobytes() == other.scores.tobytes()
