"""Where one camera take ends and the next begins: hard cuts to the frame, dissolves and fades as ranges.

The detector sees a small picture of every frame and keeps about three seconds of them.

*Hard cuts.* Frames are compared by how far each pixel lies outside the range of values that the other frame shows
within a few pixels (an envelope made by grey dilation and erosion), which small motion and grain do not leave. A cut is
a spike of that distance over its neighbourhood, unless the scene comes back within a fifth of a second (a flash) or
block matching finds the same scene on both sides (a jerk of the camera, a change of exposure).

*Dissolves and fades.* As in twin comparison (Zhang, Kankanhalli and Smoliar, "Automatic partitioning of full-motion
video", 1993) the two ends of a range must differ clearly while its single steps do not. Instead of summing histogram
differences the frames between must be linear mixtures ``(1 - a) A + a B`` of the two ends with a rising ``a``, which is
the production model of a dissolve. A pan, a zoom or a passing object shows pictures in the middle that lie off the line
between the ends. A fade is a dissolve of which one end is a plain picture.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel.types import FrameRef, Seconds, Shot, Transition, TransitionKind

_CONTEXT: Final = 24
"""Frames that are kept after they were labelled, as the past of the frames that follow."""
_LONE_FRAME_SECONDS: Final = 0.04
"""Length of a shot's last frame where the video has no second frame to measure a step from."""

_Thumbnail = NDArray[np.uint8]
_Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ShotSettings:
    """Thresholds of the shot detector. Distances are in grey levels of 8 bits, times in seconds of video."""

    motion_px: int = 3
    """Motion between two frames, in pixels of the thumbnail, that does not count as a difference."""
    cut_floor: float = 1.0
    """Smallest distance between two frames that can be a cut (mean over the pixels, summed over Y, U and V)."""
    cut_ratio: float = 3.0
    """How many times the distances nearby a cut must exceed."""
    same_scene: float = 0.75
    """Block correlation from which two frames count as pictures of the same scene, 0 to 1."""
    flash_seconds: Seconds = 0.2
    """A scene that comes back after at most this time was not cut."""
    window_seconds: tuple[Seconds, ...] = (0.2, 0.3, 0.45, 0.7, 1.0, 1.5, 2.4)
    """Lengths of the ranges in which a dissolve is looked for. The last one bounds memory and delay."""
    dissolve_floor: float = 4.0
    """Smallest difference of a dissolve's ends (root mean square over the pixels of a 16-pixel-wide picture)."""
    dissolve_detail: float = 0.6
    """Largest excess of edge energy in the middle of a dissolve: 0 is a mixture of two pictures, 1 is motion."""
    dissolve_residual: float = 0.2
    """Largest share of the ends' squared difference that the mixture model may leave unexplained."""
    search_step_seconds: Seconds = 0.06
    """Time between two searches for dissolves."""
    plain_seconds: Seconds = 0.5
    """A plain picture that lasts at most this long between two fades belongs to the transition."""
    plain: float = 4.0
    """Largest standard deviation of the luma of a plain picture, the end of a fade."""
    max_frames: int = 256
    """Most frames that wait for a decision; bounds memory and delay at high frame rates."""


@dataclass(frozen=True, slots=True)
class FrameLabel:
    """The shot that a frame belongs to.

    ``in_transition`` is True inside a dissolve or fade and on the two frames next to a cut, where encoders and
    frame-rate converters mix the takes: such frames prove nothing about what was seen together.
    """

    ref: FrameRef
    shot: int
    in_transition: bool


DEBUG = None

class _Kept(NamedTuple):
    """A frame that waits: its thumbnail and the lowest and highest values near each pixel."""

    ref: FrameRef
    thumbnail: _Thumbnail
    low: _Thumbnail
    high: _Thumbnail
    detail: float


class _Ramp(NamedTuple):
    """A dissolve: frames ``[begin, end)`` are mixed. The lowest cost wins among overlapping ones."""

    begin: int
    end: int
    plain_before: bool
    plain_after: bool
    cost: float


def _distance(a: _Kept, b: _Kept) -> float:
    """Mean distance of two frames' pixels from each other's envelopes, in grey levels summed over Y, U and V."""
    outside = (
        cv2.subtract(b.thumbnail, a.high),
        cv2.subtract(a.low, b.thumbnail),
        cv2.subtract(a.thumbnail, b.high),
        cv2.subtract(b.low, a.thumbnail),
    )
    total = sum(cv2.norm(part, cv2.NORM_L1) for part in outside)
    return float(total) / (2 * a.thumbnail.shape[0] * a.thumbnail.shape[1])


def _same_scene(a: _Thumbnail, b: _Thumbnail, reach: int = 5) -> float:
    """How well the luma of ``a``'s blocks is found near its place in ``b``, 0 to 1.

    The median over a 4 x 4 grid of normalised correlations, after a global shift found by phase correlation. Blind to
    gain and offset. Blocks without texture in both pictures have no say; 0 where fewer than four blocks have one.
    """
    first, second = (np.ascontiguousarray(picture[..., 0]) for picture in (a, b))
    height, width = first.shape
    if min(height, width) < 8 * 4:
        return 0.0
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    (dx, dy), response = cv2.phaseCorrelate(first.astype(np.float32), second.astype(np.float32), window)
    if response < 0.1 or abs(dx) > width / 3 or abs(dy) > height / 3:
        dx = dy = 0.0
    moved = cv2.warpAffine(
        second, np.array([[1, 0, -dx], [0, 1, -dy]], np.float32), (width, height), borderMode=cv2.BORDER_REPLICATE
    )
    scores = []
    for top, bottom in _edges(height, 4):
        for left, right in _edges(width, 4):
            patch = first[top + reach : bottom - reach, left + reach : right - reach]
            area = moved[top:bottom, left:right]
            if max(patch.std(), area.std()) >= 3.0:
                found = cv2.matchTemplate(area, patch, cv2.TM_CCOEFF_NORMED) if patch.std() > 1.0 else np.zeros(1)
                scores.append(float(found.max()))
    return float(np.median(scores)) if len(scores) >= 4 else 0.0


def _envelope(picture: _Thumbnail, kernel: _Thumbnail) -> tuple[_Thumbnail, _Thumbnail]:
    """The lowest and the highest value near each pixel."""
    return cv2.erode(picture, kernel).astype(np.uint8, copy=False), cv2.dilate(picture, kernel).astype(np.uint8, copy=False)


def _row(picture: _Thumbnail) -> _Floats:
    """The picture 16 pixels wide or high, as one vector."""
    height, width = picture.shape[:2]
    size = (16, max(1, round(16 * height / width))) if width >= height else (max(1, round(16 * width / height)), 16)
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32).ravel() - 128


def _detail(picture: _Thumbnail) -> float:
    """Energy of the luma's edges: mean squared difference of pixels two apart, at half size."""
    height, width = picture.shape[:2]
    luma = cv2.resize(np.ascontiguousarray(picture[..., 0]), (max(3, width // 2), max(3, height // 2)), interpolation=cv2.INTER_AREA)
    across = cv2.norm(luma[:, 2:], luma[:, :-2], cv2.NORM_L2SQR)
    return (across + cv2.norm(luma[2:], luma[:-2], cv2.NORM_L2SQR)) / luma.size


def _is_plain(picture: _Thumbnail, limit: float) -> bool:
    """Whether a picture is one tone, edges and borders aside."""
    height, width = picture.shape[:2]
    return float(picture[height // 8 : height - height // 8, width // 8 : width - width // 8, 0].std()) < limit


def _edges(length: int, parts: int) -> list[tuple[int, int]]:
    """``length`` cut into ``parts`` ranges."""
    edges = [length * k // parts for k in range(parts + 1)]
    return list(zip(edges, edges[1:], strict=False))


def _mixture(rows: _Floats, first: int, last: int) -> tuple[_Floats, _Floats, float]:
    """Each row as a mixture of the rows ``first`` and ``last``.

    Returns the weights ``a`` of the last row, the squared residuals as shares of the squared difference of the two
    rows, and that difference (root mean square).
    """
    start = rows[first]
    step = rows[last] - start
    squared = float(step @ step)
    moved = rows - start
    weight = moved @ step / np.float32(max(squared, 1e-6))
    residual = np.einsum("ij,ij->i", moved, moved) / np.float32(max(squared, 1e-6)) - weight * weight
    return weight, np.maximum(residual, 0), (squared / rows.shape[1]) ** 0.5


def _ramp_ends(weight: _Floats) -> tuple[float, float]:
    """Where a rising ramp in ``weight`` leaves 0 and reaches 1, by least squares near its quarter points."""
    n = len(weight)
    quarter = int(np.argmax(weight >= 0.25))
    three = n - 1 - int(np.argmax(weight[::-1] <= 0.75))
    half = (three + 1 - quarter) / 2
    low = np.arange(-4, 4.5, 0.5) + max(0.0, quarter - half)
    high = np.arange(-4, 4.5, 0.5) + min(n - 1.0, three + half)
    starts, ends = (grid.ravel() for grid in np.meshgrid(low, high))
    valid = ends - starts >= 1.5
    if not valid.any():
        return quarter - 1.0, three + 1.0
    starts, ends = starts[valid], ends[valid]
    model = np.clip((np.arange(n) - starts[:, None]) / (ends - starts)[:, None], 0, 1)
    best = int(((model - weight) ** 2).sum(1).argmin())
    return float(starts[best]), float(ends[best])


class ShotDetector:
    """Divides a stream of thumbnails into shots, with a delay of at most about three seconds of video.

    ``push`` every frame in order, then ``finish`` once. Frames are counted from 0 as they come; the result uses the
    numbers and times of their :class:`FrameRef`.
    """

    def __init__(self, settings: ShotSettings = ShotSettings()) -> None:
        self._set = settings
        self._kernel = np.ones((2 * settings.motion_px + 1,) * 2, np.uint8)
        self._shots: list[Shot] = []
        self._opened: tuple[FrameRef, Transition] | None = None
        self._steps: deque[Seconds] = deque(maxlen=settings.max_frames)
        self._suspects = False
        self._restart()

    def _restart(self) -> None:
        """Forget all frames: nothing before a jump in time is compared with anything after it."""
        self._kept: list[_Kept] = []
        self._seconds: list[Seconds] = []
        self._spike: list[float] = []
        self._rows = np.zeros((0, 0), np.float32)
        self._base = 0  # number of the frame at index 0 of the lists
        self._decided = 0  # frames before this one are known to be cuts or not
        self._labelled = 0  # frames before this one have left
        self._searched: Seconds = float("-inf")
        self._cuts: list[int] = []
        self._ramps: list[_Ramp] = []
        self._mixed_until = 0
        self._boundary = -1
        self._transition: Transition | None = None

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
        if self._kept and ref.at.exact < self._kept[-1].ref.at.exact:
            labels = self._settle(final=True)
            self._close(ref, Transition("cut", ref.at.seconds, ref.at.seconds))
            self._restart()
            self._suspects = True
        elif self._opened is None:
            self._opened = ref, Transition("start", ref.at.seconds, ref.at.seconds)
            self._suspects = True
        else:
            self._steps.append(ref.at.seconds - self._seconds[-1])
            self._suspects = False
        self._append(ref, thumbnail)
        return labels + self._settle(final=False)

    def finish(self) -> list[FrameLabel]:
        """Label the frames that wait and close the last shot."""
        labels = self._settle(final=True)
        if self._kept:
            self._close(None, None)
            self._restart()
        return labels

    def _append(self, ref: FrameRef, thumbnail: _Thumbnail) -> None:
        if self._kept and thumbnail.shape != self._kept[-1].thumbnail.shape:
            height, width = self._kept[-1].thumbnail.shape[:2]
            thumbnail = cv2.resize(thumbnail, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
        kept = _Kept(ref, thumbnail, *_envelope(thumbnail, self._kernel), _detail(thumbnail))
        spike = _distance(self._kept[-1], kept) if self._kept else 0.0
        if len(self._spike) > 1:
            past = self._spike[-8:]
            calm = max(past[-1], float(np.median(past)))
            self._suspects = spike > self._set.cut_floor + self._set.cut_ratio * calm
        self._kept.append(kept)
        self._spike.append(spike)
        self._seconds.append(ref.at.seconds)
        row = _row(thumbnail)
        index = len(self._kept) - 1
        if index >= len(self._rows):
            grown = np.zeros((2 * index + 64, len(row)), np.float32)
            if index:
                grown[:index] = self._rows[:index]
            self._rows = grown
        self._rows[index] = row

    def _settle(self, *, final: bool) -> list[FrameLabel]:
        """Decide what can be decided and label the frames about which nothing can change any more."""
        end = self._base + len(self._kept)
        while self._decided < end and (final or self._is_ripe(self._decided)):
            frame = self._decided
            if frame > self._base and self._is_cut(frame):
                self._search(frame - 1)
                self._cuts.append(frame)
            elif self._time(frame) - self._searched >= self._set.search_step_seconds or frame == end - 1:
                self._search(frame)
            self._decided += 1
        labels = []
        while self._labelled < end and (final or self._is_settled(self._labelled)):
            labels.append(self._label(self._labelled, final=final))
            self._labelled += 1
        self._forget()
        return labels

    def _time(self, frame: int) -> Seconds:
        return self._seconds[frame - self._base]

    def _is_ripe(self, frame: int) -> bool:
        """Whether enough frames follow to judge a spike."""
        following = self._base + len(self._kept) - 1 - frame
        passed = self._seconds[-1] - self._time(frame)
        return following >= 1 and ((passed > self._set.flash_seconds and following >= 6) or passed > 1.0)

    def _is_settled(self, frame: int) -> bool:
        if self._base + len(self._kept) - frame > self._set.max_frames:
            return frame < self._decided
        return frame < self._decided and self._time(self._decided - 1) - self._time(frame) > self._set.window_seconds[-1]

    def _is_cut(self, frame: int) -> bool:
        """Whether ``frame`` is the first of a new shot."""
        at = frame - self._base
        spike = self._spike
        if spike[at] < self._set.cut_floor:
            return False
        if at + 1 < len(spike) and spike[at + 1] > spike[at] * 0.25 and self._is_blend(at, at + 1):
            return False
        blended = at > 1 and self._is_blend(at - 1, at)
        last = at - 2 if blended else at - 1
        near = [spike[k] for k in (last, at + 1) if 0 < k < len(spike)]
        around = spike[max(1, at - 6) : at] + spike[at + 1 : at + 7]
        calm = max([*near, float(np.percentile(around, 65)) if around else 0.0])
        if spike[at] < self._set.cut_ratio * calm + self._set.cut_floor or self._comes_back(at):
            return False
        return _same_scene(self._kept[last].thumbnail, self._kept[at].thumbnail) < self._set.same_scene

    def _is_blend(self, middle: int, after: int) -> bool:
        """Whether one frame is a mixture of the frames around it, as frame-rate converters make at a cut."""
        if not 0 < middle < after < len(self._kept):
            return False
        weight, residual, difference = _mixture(self._rows[middle - 1 : after + 1], 0, 2)
        return bool(difference > self._set.dissolve_floor and residual[1] < 0.02 and 0.05 < weight[1] < 0.95)

    def _comes_back(self, at: int) -> bool:
        """Whether the scene on one side of a spike is seen again on its other side within a flash's length."""
        limit = self._set.flash_seconds + 1e-6
        for later in range(at + 1, len(self._kept)):
            if self._seconds[later] - self._seconds[at] > limit:
                break
            if self._is_again(at - 1, later, self._spike[at]):
                return True
        for past in range(at - 2, -1, -1):
            if self._seconds[at] - self._seconds[past + 1] > limit:
                break
            if self._is_again(past, at, self._spike[at]):
                return True
        return False

    def _is_again(self, past: int, later: int, spike: float) -> bool:
        a, b = self._kept[past], self._kept[later]
        return _distance(a, b) < 0.3 * spike or _same_scene(a.thumbnail, b.thumbnail) > self._set.same_scene

    def _search(self, last: int) -> None:
        """Look for a dissolve in the windows that end with frame ``last`` and hold no cut."""
        self._searched = self._time(last)
        floor = max(self._base, self._cuts[-1] if self._cuts else 0)
        end = last - self._base
        begin = end
        for length in self._set.window_seconds:
            while begin > floor - self._base and self._searched - self._seconds[begin - 1] <= length + 1e-6:
                begin -= 1
            if end - begin < 3:
                continue
            found = self._fit(begin, end, floor - self._base)
            if found is not None:
                self._remember(found)

    def _remember(self, ramp: _Ramp) -> None:
        """Keep the best of overlapping dissolves; one that has begun to be labelled stays."""
        if ramp.begin < self._mixed_until or ramp.begin < self._labelled:
            return
        rivals = [other for other in self._ramps if other.begin < ramp.end and ramp.begin < other.end]
        if all(ramp.cost < other.cost for other in rivals):
            self._ramps = [other for other in self._ramps if other not in rivals] + [ramp]

    def _fit(self, begin: int, end: int, floor: int) -> _Ramp | None:
        """The dissolve in the frames with indices ``begin`` to ``end``, which may look back to ``floor``."""
        rows = self._rows[begin : end + 1]
        weight, residual, difference = _mixture(rows, 0, -1)
        if difference < self._set.dissolve_floor or float(residual.mean()) > 2 * self._set.dissolve_residual:
            return None
        steps = np.diff(weight)
        if -float(steps[steps < 0].sum()) > 0.3:
            return None
        low, high = _ramp_ends(weight)
        first, last = max(0, int(np.floor(low))), min(len(rows) - 1, int(np.ceil(high)))
        if last - first < 3:
            return None
        weight, residual, difference = _mixture(rows, first, last)
        low, high = _ramp_ends(weight)
        model = np.clip((np.arange(len(rows)) - low) / (high - low), 0, 1)
        first, last = max(0, int(np.floor(low))), min(len(rows) - 1, int(np.ceil(high)))
        if last - first < 2:
            return None
        inside = slice(first + 1, last)
        error = float(np.sqrt(((weight - model)[first : last + 1] ** 2).mean()))
        unexplained = float(residual[inside].mean())
        drift = self._drift(begin + first, begin + last, floor)
        if DEBUG is not None:
            DEBUG.append((self._base + begin, self._base + end, self._base + begin + first + 1, self._base + begin + last, round(difference, 1), round(unexplained, 3), round(error, 3), round(drift, 2),
              _same_scene(self._kept[begin + first].thumbnail, self._kept[begin + last].thumbnail), self._excess(begin + first, begin + last)))
        if difference < self._set.dissolve_floor or unexplained > self._set.dissolve_residual or error > 0.1 or drift > 0.5:
            return None
        excess = self._excess(begin + first, begin + last)
        if excess > self._set.dissolve_detail:
            return None
        before, after = self._kept[begin + first].thumbnail, self._kept[begin + last].thumbnail
        if _same_scene(before, after) > self._set.same_scene:
            return None
        return _Ramp(
            self._base + begin + first + 1,
            self._base + begin + last,
            _is_plain(before, self._set.plain),
            _is_plain(after, self._set.plain),
            unexplained + error + 0.2 * drift + 0.2 * max(excess, 0.0),
        )

    def _excess(self, first: int, last: int) -> float:
        """How much more edge energy the middle of a ramp has than a mixture: 0 for a dissolve, 1 for motion.

        Mixing two unrelated pictures scales their edges by ``1 - a`` and ``a``, hence their energies by the squares.
        """
        energy = np.array([kept.detail for kept in self._kept[first : last + 1]])
        a = np.linspace(0, 1, len(energy))
        mixed = (1 - a) ** 2 * energy[0] + a**2 * energy[-1]
        moved = (1 - a) * energy[0] + a * energy[-1]
        middle = slice(len(a) // 4 or 1, -(len(a) // 4 or 1))
        return float((energy - mixed)[middle].sum() / max((moved - mixed)[middle].sum(), 1e-6))

    def _drift(self, first: int, last: int, floor: int) -> float:
        """Speed of change just outside a ramp along the ramp's direction, as a share of the speed inside."""
        span = max(3, (last - first) // 3)
        low, high = max(floor, first - span), min(len(self._kept) - 1, last + span)
        step = self._rows[last] - self._rows[first]
        scale = float(step @ step) / (last - first)
        before = float((self._rows[first] - self._rows[low]) @ step) / max(first - low, 1)
        after = float((self._rows[high] - self._rows[last]) @ step) / max(high - last, 1)
        return max(abs(before), abs(after)) / max(scale, 1e-6)

    def _label(self, frame: int, *, final: bool) -> FrameLabel:
        """Label one frame, dividing the shot where a cut or the middle of a dissolve is reached."""
        ref = self._kept[frame - self._base].ref
        while self._ramps and min(self._ramps).begin < frame:
            self._ramps.remove(min(self._ramps))
        if self._ramps and min(self._ramps).begin == frame:
            self._enter(min(self._ramps), final=final)
        if frame in self._cuts:
            if frame >= self._mixed_until:
                self._close(ref, Transition("cut", ref.at.seconds, ref.at.seconds))
        elif frame == self._boundary and self._transition is not None:
            self._close(ref, self._transition)
        beside = frame in self._cuts or frame + 1 in self._cuts
        return FrameLabel(ref, len(self._shots), beside or frame < self._mixed_until)

    def _enter(self, ramp: _Ramp, *, final: bool) -> None:
        """Begin to label a dissolve: settle where the shots divide and what the range is."""
        self._ramps.remove(ramp)
        begin, end = ramp.begin, ramp.end
        kind: TransitionKind = "fade" if ramp.plain_before or ramp.plain_after else "dissolve"
        if ramp.plain_after:
            for other in sorted(self._ramps):
                if other.plain_before and other.begin >= end and self._time(other.begin) - self._time(end - 1) <= self._set.plain_seconds:
                    self._ramps.remove(other)
                    end = other.end
                    break
        self._mixed_until = end
        newest = len(self._kept) - 1
        stop = self._seconds[end - self._base] if end - self._base <= newest else self._seconds[newest] + self._step()
        self._transition = Transition(kind, self._time(begin), stop)
        self._boundary = (begin + end) // 2
        assert self._opened is not None
        opened, transition = self._opened
        if ramp.plain_before and self._time(begin) - opened.at.seconds <= self._set.plain_seconds:
            self._boundary = -1
            self._opened = opened, Transition(transition.kind, transition.start_seconds, stop)
        elif ramp.plain_after and final and self._seconds[newest] - stop <= self._set.plain_seconds and end == ramp.end:
            self._boundary = -1

    def _step(self) -> Seconds:
        """The usual time between frames."""
        return round(float(np.median(self._steps)), 6) if self._steps else _LONE_FRAME_SECONDS

    def _close(self, ref: FrameRef | None, transition: Transition | None) -> None:
        """End the open shot before ``ref`` (or at the end of the video) and open the next one."""
        assert self._opened is not None
        first, opened = self._opened
        newest = self._kept[-1].ref
        jump = ref is None or ref.at.exact < newest.at.exact and ref.index > newest.index
        end = newest.at.seconds + self._step() if jump else ref.at.seconds
        end_frame = newest.index + 1 if ref is None else ref.index
        self._shots.append(Shot(len(self._shots), first.index, end_frame, first.at.seconds, round(end, 6), opened))
        self._opened = None if ref is None or transition is None else (ref, transition)

    def _forget(self) -> None:
        """Drop the frames that were labelled and are no longer needed as the past of others."""
        drop = self._labelled - self._base - _CONTEXT
        if drop >= 16:
            self._kept, self._seconds, self._spike = self._kept[drop:], self._seconds[drop:], self._spike[drop:]
            self._rows[: len(self._kept)] = self._rows[drop : drop + len(self._kept)]
            self._base += drop
            self._cuts = [cut for cut in self._cuts if cut >= self._base]
