"""One network for many threads: what they ask at the same time goes through it in one call.

There is no thread of its own and hence nothing to shut down: of the threads that ask, one at a time runs the network,
for the others, too.

A GPU takes about as long for one picture as for several, and chooses its algorithms by the size of the batch, so that
a picture's last digits would depend on which other videos happen to be under way. Filled up to the same number of
pictures every time, they do not (docs/adr/0015).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roundel.detect.yolo import Network

WAIT_SECONDS = 0.002
"""How long a batch that is not full waits for more. While the network is at work requests come together anyway."""


@dataclass(slots=True, eq=False)
class _Request:
    batch: NDArray[np.float32]
    output: NDArray[np.float32] | None = None
    error: Exception | None = None

    @property
    def done(self) -> bool:
        return self.output is not None or self.error is not None

    def result(self) -> NDArray[np.float32]:
        if self.error is not None:
            raise self.error
        assert self.output is not None
        return self.output


class SharedNetwork:
    """A network that any number of threads may call at the same time; the bare one gets one call at a time.

    On a GPU it needs that: calls side by side of one session on CUDA fail or give other bytes (docs/adr/0015).
    """

    def __init__(self, network: Network, most: int, wait_seconds: float = WAIT_SECONDS, filled: bool = False) -> None:
        """Take a network.

        Args:
            network: the bare network.
            most: pictures in one call of it, unless one request alone has more.
            wait_seconds: how long a batch that is not full waits for more.
            filled: whether each call has ``most`` pictures, missing ones being black.
        """
        self.engine, self.precision, self.version = network.engine, network.precision, network.version
        self.classes = network.classes
        self._network, self._most, self._wait_seconds, self._filled = network, most, wait_seconds, filled
        self._changed = threading.Condition()
        self._waiting: list[_Request] = []
        self._at_work = False

    def forward(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the network, possibly together with what other threads ask; see :class:`Network`.

        What goes wrong with one request is raised to the one who made it.
        """
        request = _Request(batch)
        with self._changed:
            self._waiting.append(request)
            self._changed.notify_all()
            self._changed.wait_for(lambda: request.done or not self._at_work)
            if request.done:
                return request.result()
            self._at_work = True
        try:
            self._run(self._gather(request))
        finally:
            with self._changed:
                self._at_work = False
                self._changed.notify_all()
        return request.result()

    def _gather(self, own: _Request) -> list[_Request]:
        """The requests for one call: this one, and others with pictures of the same size as far as they fit."""
        until = time.monotonic() + self._wait_seconds
        with self._changed:
            while True:
                group, pictures = [own], len(own.batch)
                for other in self._waiting:
                    fits = other.batch.shape[1:] == own.batch.shape[1:] and pictures + len(other.batch) <= self._most
                    if other is not own and fits:
                        group.append(other)
                        pictures += len(other.batch)
                left_seconds = until - time.monotonic()
                if pictures >= self._most or left_seconds <= 0:
                    self._waiting = [item for item in self._waiting if item not in group]
                    return group
                self._changed.wait(left_seconds)

    def _run(self, group: Sequence[_Request]) -> None:
        try:
            output = self._call(np.concatenate([item.batch for item in group]))
        except Exception as error:
            if len(group) == 1:
                group[0].error = error
                return
            for item in group:  # whose fault it is shows when each is alone
                self._run([item])
            return
        ends = np.cumsum([len(item.batch) for item in group])
        for item, part in zip(group, np.split(output, ends[:-1]), strict=True):
            item.output = part

    def _call(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        missing = self._most - len(batch)
        if not self._filled or missing <= 0:
            return self._network.forward(batch)
        black = np.zeros((missing, *batch.shape[1:]), np.float32)
        return self._network.forward(np.concatenate([batch, black]))[: len(batch)]
