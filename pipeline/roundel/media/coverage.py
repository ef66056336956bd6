"""How much of a video was read: damage accounting while the frames pass by."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction

from roundel.types import Coverage, MediaInfo, Span, Timestamp
from roundel.words import shorten

MESSAGES_KEPT = 20
MESSAGE_LENGTH = 500
GAP_SECONDS = 0.25  # a step that is longer than the usual one by this, and by twice the usual one, is a gap
EDGE_SECONDS = 0.5  # the header may promise this much more at either end: rounding and audio padding
STEADY_SHARE = 0.98  # share of steps near the usual one in a video of constant frame rate
STEPS_KEPT = 4096
JUMPS_NAMED = 20
WARNINGS_KEPT = 60
DENSE_FORMATS = {"mpegts", "mpeg"}  # a time at least every 0.7 s: ISO/IEC 13818-1, 2.7.4
_ADDRESS = re.compile(r"0x[0-9a-f]+")


class CoverageMeter:
    """Fed with the time of every frame and every complaint of the decoder; bounded memory."""

    def __init__(self, info: MediaInfo) -> None:
        self._info = info
        self.frames = 0
        self._first: Timestamp | None = None
        self._last: Timestamp | None = None
        self._elapsed = Fraction(0)
        self._latest = Fraction(0)
        self._steps: Counter[Fraction] = Counter()
        self._wide: list[tuple[Fraction, Fraction]] = []
        self._errors = 0
        self._messages: list[str] = []
        self._warnings: dict[str, None] = {}
        self._more_warnings = 0
        self._jumps = 0
        self._lock = threading.Lock()

    @property
    def elapsed_seconds(self) -> float:
        """Seconds of picture that have passed, jumps left out."""
        return float(self._elapsed)

    def complain(self, message: str) -> None:
        """Count a message of the decoder and keep the first different ones. Called from the thread that reads them."""
        text = _ADDRESS.sub("0x…", shorten(message, MESSAGE_LENGTH)).strip()
        with self._lock:
            self._errors += 1
            if text not in self._messages and len(self._messages) < MESSAGES_KEPT:
                self._messages.append(text)

    def warn(self, message: str) -> None:
        """Note something odd about the content, once."""
        if len(self._warnings) < WARNINGS_KEPT:
            self._warnings.setdefault(message)
        elif message not in self._warnings:
            self._more_warnings += 1

    def add(self, at: Timestamp) -> None:
        """Note the next frame."""
        self.frames += 1
        if self._last is None:
            self._first = at
            self._latest = at.exact
        else:
            step = at.exact - self._last.exact
            if step < 0:
                self._jump_back(self._last, at)
            else:
                self._elapsed += step
                if len(self._steps) < STEPS_KEPT or step in self._steps:
                    self._steps[step] += 1
                if step > GAP_SECONDS:
                    self._wide.append((self._last.exact, at.exact))
        self._last = at
        self._latest = max(self._latest, at.exact)

    def _jump_back(self, last: Timestamp, at: Timestamp) -> None:
        self._jumps += 1
        if self._jumps <= JUMPS_NAMED:
            self.warn(f"time jumps back from {last.seconds:.3f} s to {at.seconds:.3f} s; a new shot begins there")
        if self._wide and self._wide[-1][0] < at.exact <= self._wide[-1][1]:
            _, to = self._wide.pop()  # one wrong time made the gap: its frames follow now
            self._elapsed += at.exact - to

    def _left_out(self) -> Iterator[str]:
        """How often something was noted that is not listed."""
        if (more := self._jumps - JUMPS_NAMED) > 0:
            yield f"time jumps back {more} more times"
        if self._more_warnings:
            yield f"{self._more_warnings} more oddities of this kind are not listed"

    def expected(self, time_base: Fraction) -> Timestamp:
        """The time that the next frame should have, for frames that carry none."""
        if self._last is None:
            return Timestamp(0, time_base)
        return Timestamp(round((self._last.exact + self._usual_step()) / time_base), time_base)

    def _usual_step(self) -> Fraction:
        """The median step between frames; from the header's frame rate where there is one frame only."""
        half = self._steps.total() / 2
        seen = 0
        for step in sorted(self._steps):
            seen += self._steps[step]
            if seen >= half and step > 0:
                return step
        rate = self._info.frame_rate_from_header
        return 1 / rate if rate else Fraction(1, 25)

    def _is_variable(self, usual: Fraction) -> bool:
        tolerance = max(usual / 10, Fraction(2, 1000))
        near = sum(count for step, count in self._steps.items() if abs(step - usual) <= tolerance)
        return self._steps.total() > 1 and near < STEADY_SHARE * self._steps.total()

    def result(self) -> Coverage:
        """The account so far."""
        usual = self._usual_step()
        variable = self._is_variable(usual)
        missing = self._gaps(usual, variable)
        inner = sum((to - since for since, to in missing), 0.0)
        missing = [*self._missing_head(), *missing, *self._missing_tail(usual)]
        with self._lock:
            errors, messages = self._errors, tuple(self._messages)
        duration = float(self._elapsed + usual) if self.frames else 0.0
        return Coverage(
            decoded_frames=self.frames,
            decoded_seconds=round(max(0.0, duration - inner), 6),
            first_seconds=self._first.seconds if self._first else None,
            duration_seconds_from_content=round(duration, 6),
            variable_frame_rate=variable,
            missing_seconds=tuple(missing),
            decoder_errors=errors,
            decoder_messages=messages,
            warnings=(*self._warnings, *self._left_out()),
        )

    def _gaps(self, usual: Fraction, variable: bool) -> list[Span]:
        """Ranges without picture.

        With a variable frame rate a long step is normal, unless the decoder complained or the format forbids it.
        """
        if variable and not self._errors and self._info.format_name not in DENSE_FORMATS:
            return []
        return [
            (round(float(since + usual), 6), round(float(to), 6))
            for since, to in self._wide
            if to - since > usual + max(2 * usual, Fraction(GAP_SECONDS))
        ]

    def _missing_head(self) -> list[Span]:
        start = self._info.start_seconds_from_header
        if start is None or self._first is None:
            return []
        first = self._first.seconds
        return [(round(start, 6), first)] if first - start > EDGE_SECONDS else []

    def _missing_tail(self, usual: Fraction) -> list[Span]:
        promised = self._info.duration_seconds_from_header
        if promised is None or not self.frames:
            return []
        end = float(self._latest + usual)
        promised_end = (self._info.start_seconds_from_header or 0.0) + promised
        return [(round(end, 6), round(promised_end, 6))] if promised_end - end > EDGE_SECONDS else []
