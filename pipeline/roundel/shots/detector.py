"""The shot detector: takes frames, decides cuts and dissolves with a delay, labels frames and closes shots."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from roundel.shots.cuts import is_cut, looks_like_cut
from roundel.shots.dissolves import Ramp, find_ramp
from roundel.shots.pictures import History
from roundel.shots.settings import ShotSettings
from roundel.types import FrameRef, Seconds, Shot, Transition, TransitionKind

_CONTEXT: Final = 24
"""Frames that are kept after they were labelled, as the past of the frames that follow."""
_LONE_FRAME_SECONDS: Final = 0.04
"""Length of a shot's last frame where the video has no second frame to measure a step from."""


@dataclass(frozen=True, slots=True)
class FrameLabel:
    """The shot that a frame belongs to.

    ``in_transition`` is True inside a dissolve or fade and on the two frames next to a cut, where encoders and
    frame-rate converters mix the takes: such frames prove nothing about what was seen together.
    """

    ref: FrameRef
    shot: int
    in_transition: bool


class ShotDetector:
    """Divides a stream of thumbnails into shots, with a delay of at most about three seconds of video.

    ``push`` every frame in order, then ``finish`` once. Inside, frames are counted from 0 after each jump in time; the
    result uses the numbers and times of their :class:`FrameRef`.
    """

    def __init__(self, settings: ShotSettings | None = None) -> None:
        self._set = settings or ShotSettings()
        self._shots: list[Shot] = []
        self._opened: tuple[FrameRef, Transition] | None = None
        self._steps: deque[Seconds] = deque(maxlen=self._set.max_frames)
        self._suspects = False
        self._restart()

    def _restart(self) -> None:
        """Forget all frames: nothing before a jump in time is compared with anything after it."""
        self._past = History(self._set.motion_px)
        self._decided = 0  # frames before this one are known to be cuts or not
        self._labelled = 0  # frames before this one have left
        self._searched: Seconds = float("-inf")
        self._cuts: list[int] = []
        self._ramps: list[Ramp] = []
        self._mixed_until = 0
        self._divide: tuple[int, Transition] | None = None

    @property
    def suspects_cut(self) -> bool:
        """Whether the frame pushed last looks like the first of a shot, judged by the past alone."""
        return self._suspects

    @property
    def shots(self) -> tuple[Shot, ...]:
        """The shots that have ended; after ``finish`` all of them."""
        return tuple(self._shots)

    def push(self, ref: FrameRef, thumbnail: NDArray[np.uint8]) -> list[FrameLabel]:
        """Take the next frame and return the labels that it settles, oldest first.

        Args:
            ref: Number and presentation time. A time before the previous frame's starts a new shot.
            thumbnail: YUV, uint8 (h, w, 3).
        """
        labels: list[FrameLabel] = []
        newest = self._past.frames[-1].ref if self._past.frames else None
        if newest and ref.at.exact < newest.at.exact:
            labels = self._settle(final=True)
            self._close(newest.at.seconds + self._step(), ref.index)
            self._open(ref, Transition("cut", ref.at.seconds, ref.at.seconds))
            self._restart()
        elif newest:
            self._steps.append(ref.at.seconds - newest.at.seconds)
        else:
            self._open(ref, Transition("start", ref.at.seconds, ref.at.seconds))
        self._past.append(ref, thumbnail)
        self._suspects = len(self._past.frames) == 1 or looks_like_cut(self._past.spikes, self._set)
        return labels + self._settle(final=False)

    def finish(self) -> list[FrameLabel]:
        """Label the frames that wait and close the last shot."""
        labels = self._settle(final=True)
        if self._past.frames:
            newest = self._past.frames[-1].ref
            self._close(newest.at.seconds + self._step(), newest.index + 1)
            self._restart()
        return labels

    def _settle(self, *, final: bool) -> list[FrameLabel]:
        """Decide what can be decided and label the frames about which nothing can change any more."""
        past = self._past
        while self._decided < past.end and (final or self._is_ripe(self._decided)):
            frame = self._decided
            if frame > past.base and is_cut(past, frame - past.base, self._set):
                self._search(frame - 1)
                self._cuts.append(frame)
            elif self._is_due(frame) or (final and frame == past.end - 1):
                self._search(frame)
            self._decided += 1
        labels = []
        while self._labelled < past.end and (final or self._is_settled(self._labelled)):
            labels.append(self._label(self._labelled, final=final))
            self._labelled += 1
        drop = self._labelled - past.base - _CONTEXT
        if drop >= 16:
            past.drop(drop)
            self._cuts = [cut for cut in self._cuts if cut >= past.base]
        return labels

    def _is_ripe(self, frame: int) -> bool:
        """Whether enough frames follow to judge a spike."""
        following = self._past.end - 1 - frame
        passed = self._past.seconds[-1] - self._past.time(frame)
        return following >= 1 and ((passed > self._set.flash_seconds and following >= 6) or passed > 1.0)

    def _is_due(self, frame: int) -> bool:
        """Whether to search for dissolves that end here: now and then, and at each frame in times of rapid change."""
        at = frame - self._past.base
        rapid = max(self._past.spikes[max(0, at - 5) : at + 1]) > 3 * self._set.cut_floor
        return rapid or self._past.time(frame) - self._searched >= self._set.search_step_seconds

    def _is_settled(self, frame: int) -> bool:
        """Whether no window that is still to be searched reaches back to a frame."""
        if frame >= self._decided:
            return False
        waited = self._past.time(self._decided - 1) - self._past.time(frame)
        return waited > self._set.window_seconds[-1] or self._past.end - frame > self._set.max_frames

    def _search(self, last: int) -> None:
        """Look for a dissolve in the windows that end with frame ``last`` and hold no cut."""
        past = self._past
        self._searched = past.time(last)
        floor = max(0, (self._cuts[-1] if self._cuts else 0) - past.base)
        begin = end = last - past.base
        for length in self._set.window_seconds:
            while begin > floor and self._searched - past.seconds[begin - 1] <= length + 1e-6:
                begin -= 1
            if end - begin >= 3:
                found = find_ramp(past, begin, end, floor, self._set)
                if found is not None:
                    self._remember(found)

    def _remember(self, ramp: Ramp) -> None:
        """Keep the best of overlapping dissolves; one that has begun to be labelled stays."""
        if ramp.begin < max(self._mixed_until, self._labelled):
            return
        rivals = [other for other in self._ramps if other.begin < ramp.end and ramp.begin < other.end]
        if all(ramp.cost < other.cost for other in rivals):
            self._ramps = sorted([other for other in self._ramps if other not in rivals] + [ramp])

    def _label(self, frame: int, *, final: bool) -> FrameLabel:
        """Label one frame, dividing the shot where a cut or the middle of a dissolve is reached."""
        past = self._past
        ref = past.frames[frame - past.base].ref
        while self._ramps and self._ramps[0].begin <= frame:
            ramp = self._ramps.pop(0)
            if ramp.begin == frame:
                self._enter(ramp, final=final)
        cut = frame in self._cuts
        if cut and frame >= self._mixed_until:
            self._close(ref.at.seconds, ref.index)
            self._open(ref, Transition("cut", ref.at.seconds, ref.at.seconds))
        elif self._divide and self._divide[0] == frame:
            self._close(ref.at.seconds, ref.index)
            self._open(ref, self._divide[1])
        return FrameLabel(ref, len(self._shots), cut or frame + 1 in self._cuts or frame < self._mixed_until)

    def _enter(self, ramp: Ramp, *, final: bool) -> None:
        """Begin to label a dissolve: settle where the shots divide and what the range is.

        A fade out and the fade in that soon follows are one transition. No shot begins or ends with it where there is
        nothing but the plain picture before or after.
        """
        past, most = self._past, self._set.plain_seconds
        begin, end, plain_after = ramp.begin, ramp.end, ramp.plain_after
        if plain_after and self._ramps:
            following = self._ramps[0]
            if following.plain_before and past.time(following.begin) - past.time(end - 1) <= most:
                end, plain_after = following.end, False
                self._ramps.pop(0)
        newest = past.seconds[-1]
        stop = past.time(end) if end < past.end else newest + self._step()
        kind: TransitionKind = "fade" if ramp.plain_before or ramp.plain_after else "dissolve"
        self._mixed_until = end
        self._divide = (begin + end) // 2, Transition(kind, past.time(begin), stop)
        assert self._opened is not None
        opened, transition = self._opened
        if ramp.plain_before and past.time(begin) - max(opened.at.seconds, transition.end_seconds) <= most:
            self._divide = None
            self._open(opened, Transition(transition.kind, transition.start_seconds, stop))
        elif plain_after and final and newest - stop <= most:
            self._divide = None

    def _step(self) -> Seconds:
        """The usual time between frames."""
        return float(np.median(self._steps)) if self._steps else _LONE_FRAME_SECONDS

    def _open(self, ref: FrameRef, transition: Transition) -> None:
        """Begin a shot with frame ``ref``."""
        self._opened = ref, transition

    def _close(self, end_seconds: Seconds, end_frame: int) -> None:
        """End the open shot before frame number ``end_frame``."""
        assert self._opened is not None
        ref, transition = self._opened
        span = ref.at.seconds, round(end_seconds, 6)
        self._shots.append(Shot(len(self._shots), ref.index, end_frame, *span, transition))
