"""When a run has to stop, and times as people and SLURM write them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from roundel.batch.outcome import Outcome
from roundel.errors import UsageError

_CLOCK = re.compile(r"(?:(?P<d>[0-9]{1,4})-)?(?P<h>[0-9]{1,4}):(?P<m>[0-5][0-9]):(?P<s>[0-5][0-9])")
_DAYS = re.compile(r"(?P<d>[0-9]{1,4})-(?P<h>[0-9]{1,2})(?::(?P<m>[0-5][0-9]))?")
_WORDS = re.compile(r"(?=.)" + "".join(f"(?:(?P<{unit}>[0-9]{{1,7}}){unit})?" for unit in "dhms"))
_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


@dataclass(slots=True)
class Deadline:
    """When to stop: ``asked`` by a signal, or ``taken_over`` by another run; at a time limit, as slow items allow."""

    ends: float | None = None
    asked: bool = False
    taken_over: bool = False
    slowest_seconds: float = 0.0
    clock: Callable[[], float] = field(default=time.monotonic)

    @classmethod
    def after(cls, seconds: float | None) -> Deadline:
        """A deadline in so many seconds, or none."""
        return cls(None if seconds is None else time.monotonic() + seconds)

    def take_over(self) -> None:
        """Another run has the place of this one."""
        self.taken_over = True

    def passed(self) -> bool:
        """Whether nothing new should be begun: an item as slow as the slowest would not end in time."""
        return (
            self.asked
            or self.taken_over
            or (self.ends is not None and self.clock() + self.slowest_seconds >= self.ends)
        )

    def learn(self, outcome: Outcome) -> None:
        """Take note of how long an item took."""
        self.slowest_seconds = max(self.slowest_seconds, outcome.work_seconds)


def parse_time(text: str) -> float:
    """Seconds of a time as SLURM or people write it.

    >>> parse_time("4:00:00"), parse_time("1-12:00"), parse_time("3h50m"), parse_time("90s")
    (14400.0, 129600.0, 13800.0, 90.0)

    Raises:
        UsageError: if it is none.
    """
    stripped = text.strip().lower()
    for form in (_CLOCK, _DAYS, _WORDS):
        if match := form.fullmatch(stripped):
            return float(sum(int(number or 0) * _SECONDS[unit] for unit, number in match.groupdict().items()))
    if match := re.fullmatch(r"([0-9]{1,4}):[0-5][0-9]", stripped):
        raise UsageError(f"{text}: hours or minutes? SLURM reads minutes; write {match[1]}m or {match[1]}h")
    raise UsageError(f"{text}: is no time; write it as 4:00:00 (hours, minutes, seconds), 1-12:00:00 or 3h50m")
