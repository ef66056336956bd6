"""Which frames the detector sees: a base rate, more around detections, and enough of every shot. One decode.

The frames between two base samples are held until the detector has spoken about both; then they are analysed too, or
dropped. What is held is bounded by the dense rate, not by the length of the video, and the choice depends on the
frames alone, never on how fast they were processed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from roundel.config import SamplingConfig
from roundel.types import Frame

SHOT_START_SECONDS = 0.25  # after a cut, frames are held more densely for this long: the shot may be very short
SHOT_START_FPS = 24.0
EARLY = 0.5  # a sample is taken up to this share of a frame step early rather than late


@dataclass(slots=True, eq=False)
class Interval:
    """A base sample and the frames held until the next one. Held frames numbered in ``wanted`` are analysed anyway."""

    base: Frame
    held: list[Frame] = field(default_factory=list)
    wanted: set[int] = field(default_factory=set)

    def chosen(self, dense: bool) -> list[Frame]:
        """The held frames to analyse."""
        return [frame for frame in self.held if dense or frame.ref.index in self.wanted]


class Sampler:
    """Offer it every frame in order. A base sample opens a new interval, and the one before it is then complete."""

    def __init__(self, config: SamplingConfig) -> None:
        self._config = config
        self._open: Interval | None = None
        self._in_shot = 0
        self._shot_start = 0.0
        self._previous = 0.0

    def offer(self, frame: Frame, starts_shot: bool) -> Interval | None:
        """Take the next frame. Returns the interval that it opens if it is a base sample, else ``None``."""
        now = frame.ref.at.seconds
        step = now - self._previous
        self._previous = now
        if self._open is None or starts_shot or step < 0:
            self.finish()
            self._shot_start, self._in_shot = now, 0
        elif not self._is_base(now, step):
            self._hold(frame, self._open, step)
            return None
        else:
            self._ask(followed=1)
        self._in_shot += 1
        self._open = Interval(frame)
        return self._open

    def finish(self) -> None:
        """The shot or the video has ended: ask for held frames where the shot has too few samples."""
        self._ask(followed=0)

    def _ask(self, followed: int) -> None:
        """Want held frames as long as the shot, which may end after the ``followed`` next base sample, has too few."""
        if self._open is not None:
            candidates = [frame.ref.index for frame in self._open.held]
            wanted = _spread(candidates, self._config.per_shot - self._in_shot - followed, followed)
            self._open.wanted.update(wanted)
            self._in_shot += len(wanted)

    def _hold(self, frame: Frame, interval: Interval, step: float) -> None:
        now = frame.ref.at.seconds
        last = interval.held[-1] if interval.held else interval.base
        scarce = self._in_shot + len(interval.held) < self._config.per_shot
        if scarce or now - last.ref.at.seconds >= self._hold_spacing(now) - EARLY * step:
            interval.held.append(frame)

    def _is_base(self, now: float, step: float) -> bool:
        if self._open is None or self._config.base_fps == "all":
            return True
        return now - self._open.base.ref.at.seconds >= 1 / self._config.base_fps - EARLY * step

    def _hold_spacing(self, now: float) -> float:
        young = now - self._shot_start <= SHOT_START_SECONDS
        return 1 / max(self._config.dense_fps, SHOT_START_FPS if young else 0.0)


def _spread(items: list[int], count: int, followed: int) -> list[int]:
    """Up to ``count`` of the items, evenly spaced: the last one among them, or none too near to what follows.

    >>> _spread([1, 2, 3, 4, 5, 6], 2, followed=0), _spread([1, 2, 3, 4, 5, 6], 2, followed=1)
    ([3, 6], [2, 4])
    """
    count = min(count, len(items))
    return [items[(index + 1) * (len(items) + followed) // (count + followed) - 1] for index in range(count)]
