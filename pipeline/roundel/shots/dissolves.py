"""Dissolves and fades: ranges of frames that are mixtures of the frames at their two ends."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from roundel.shots.pictures import Floats, History, distance, is_plain, mixture, same_scene
from roundel.shots.settings import ShotSettings


class Ramp(NamedTuple):
    """A dissolve: the frames numbered ``[begin, end)`` are mixed. The lowest cost wins among overlapping ones."""

    begin: int
    end: int
    plain_before: bool
    plain_after: bool
    cost: float


class _Fit(NamedTuple):
    """A ramp between two unmixed frames (indices) and how well the mixture model holds."""

    first: int
    last: int
    difference: float
    unexplained: float
    error: float


def find_ramp(past: History, begin: int, end: int, floor: int, settings: ShotSettings) -> Ramp | None:
    """The dissolve in the frames with indices ``begin`` to ``end``; the shot reaches back to ``floor``."""
    fit = _fit(past.rows[begin : end + 1], settings)
    return _judge(past, fit._replace(first=begin + fit.first, last=begin + fit.last), floor, settings) if fit else None


def _fit(rows: Floats, settings: ShotSettings) -> _Fit | None:
    """Fit a ramp to the mixture weights of some rows, first between the outermost, then between its own ends."""
    weight, residual, difference = mixture(rows, 0, -1)
    if difference < settings.dissolve_floor or float(residual.mean()) > 2 * _limit(difference, settings) + 0.02:
        return None
    steps = np.diff(weight)
    if -float(steps[steps < 0].sum()) > 0.3:
        return None
    low, high = _quarter_line(weight)
    first, last = max(0, int(np.floor(low))), min(len(rows) - 1, int(np.ceil(high)))
    if last - first < 3:
        return None
    weight, residual, difference = mixture(rows, first, last)
    if difference < settings.dissolve_floor or float(residual[first:last].mean()) > 2 * _limit(difference, settings):
        return None
    low, high = _ramp_ends(weight)
    model = np.clip((np.arange(len(rows)) - low) / (high - low), 0, 1)
    first, last = max(0, int(np.floor(low))), min(len(rows) - 1, int(np.ceil(high)))
    if last - first < 3:
        return None
    error = float(np.sqrt(((weight - model)[first : last + 1] ** 2).mean()))
    return _Fit(first, last, difference, float(residual[first + 1 : last].mean()), error) if error <= 0.1 else None


def _judge(past: History, fit: _Fit, floor: int, settings: ShotSettings) -> Ramp | None:
    """Accept or refuse a ramp, cheap tests first.

    Less may stay unexplained where the ends differ little and where there is excess detail: both come from slow motion.
    """
    first, last = fit.first, fit.last
    limit = _limit(fit.difference, settings)
    if fit.unexplained > limit:
        return None
    before, after = past.frames[first].thumbnail, past.frames[last].thumbnail
    plain = (
        any(is_plain(kept.thumbnail, settings.plain) for kept in past.frames[max(floor, first - 2) : first + 1]),
        any(is_plain(kept.thumbnail, settings.plain) for kept in past.frames[last : last + 3]),
    )
    fade = any(plain) and fit.unexplained < 0.03
    excess = 0.0 if fade else max(0.0, _excess(past, first, last))
    if excess > settings.dissolve_detail or last - first - 1 < (2 if fade else 4):
        return None
    drift = _drift(past, first, last, floor, plain if fade else (False, False))
    if fit.unexplained > limit * (1 - 1.2 * excess) or drift > (0.8 if excess < 0.3 else 0.5):
        return None
    if fade and last - first < 8 and _is_flash(past, first, last, settings):
        return None
    if not fade and same_scene(before, after) > settings.same_scene:
        return None
    cost = fit.unexplained + fit.error + 0.2 * drift + 0.2 * excess
    return Ramp(past.base + first + 1, past.base + last, *plain, cost)


def _is_flash(past: History, first: int, last: int, settings: ShotSettings) -> bool:
    """Whether the picture on one side of a quick fade is seen again on its other side."""
    before, after = past.frames[first], past.frames[last]
    near = 0.1 * distance(before, after)
    pairs = [(before, later) for later in past.frames[last + 1 : last + 7]]
    pairs += [(earlier, after) for earlier in past.frames[max(0, first - 6) : first]]
    return any(
        distance(a, b) < near or same_scene(a.thumbnail, b.thumbnail) > settings.same_scene
        for a, b in pairs
        if not (is_plain(a.thumbnail, settings.plain) or is_plain(b.thumbnail, settings.plain))
    )


def _excess(past: History, first: int, last: int) -> float:
    """How much more edge energy the middle of a ramp has than a mixture: 0 for a dissolve, 1 for motion.

    Mixing two unrelated pictures scales their edges by ``1 - a`` and ``a``, hence their energies by the squares.
    """
    energy = np.array([kept.detail for kept in past.frames[first : last + 1]])
    a = np.linspace(0, 1, len(energy))
    mixed = (1 - a) ** 2 * energy[0] + a**2 * energy[-1]
    moved = (1 - a) * energy[0] + a * energy[-1]
    middle = slice(len(a) // 4 or 1, -(len(a) // 4 or 1))
    return float((energy - mixed)[middle].sum() / max((moved - mixed)[middle].sum(), 1e-6))


def _drift(past: History, first: int, last: int, floor: int, skip: tuple[bool, bool]) -> float:
    """Speed of change just outside a ramp along the ramp's direction, as a share of the speed inside.

    ``skip`` leaves out the side before or after: beyond the plain picture of a fade another fade may run.
    """
    span = max(4, (last - first) // 2)
    step = past.rows[last] - past.rows[first]
    scale = float(step @ step) / (last - first)
    drift = 0.0
    sides = (max(floor, first - span), first), (last, min(len(past.frames) - 1, last + span))
    for (low, high), skipped in zip(sides, skip, strict=True):
        if high > low and not skipped:
            place = np.arange(low, high + 1) - (low + high) / 2
            slope = float(place @ (past.rows[low : high + 1] @ step)) / float(place @ place)
            drift = max(drift, abs(slope) / max(scale, 1e-6))
    return drift


def _limit(difference: float, settings: ShotSettings) -> float:
    """How much may stay unexplained between ends that differ so much."""
    return settings.dissolve_residual * min(1.0, (difference / settings.dissolve_clear) ** 2)


def _quarter_line(weight: Floats) -> tuple[float, float]:
    """Where the line through the quarter points of a rising ramp leaves 0 and reaches 1."""
    rise = max(1, int(np.argmax(weight >= 0.25)))
    top = min(len(weight) - 2, len(weight) - 1 - int(np.argmax(weight[::-1] <= 0.75)))
    quarter = rise - 1 + (0.25 - float(weight[rise - 1])) / max(float(weight[rise] - weight[rise - 1]), 1e-3)
    three = top + (0.75 - float(weight[top])) / max(float(weight[top + 1] - weight[top]), 1e-3)
    half = max(0.5, (three - quarter) / 2)
    return max(0.0, quarter - half), min(len(weight) - 1.0, three + half)


_SHIFTS: Final = np.arange(-4, 4.5, 0.5)
_STARTS: Final = np.repeat(_SHIFTS, len(_SHIFTS))
_ENDS: Final = np.tile(_SHIFTS, len(_SHIFTS))


def _ramp_ends(weight: Floats) -> tuple[float, float]:
    """Where a rising ramp in ``weight`` leaves 0 and reaches 1, by least squares near the line's ends."""
    low, high = _quarter_line(weight)
    starts, ends = _STARTS + low, _ENDS + high
    valid = ends - starts >= 1.5
    starts, ends = starts[valid], ends[valid]
    if not len(starts):
        return low, max(high, low + 1)
    model = np.clip((np.arange(len(weight)) - starts[:, None]) / (ends - starts)[:, None], 0, 1)
    best = int(((model - weight) ** 2).sum(1).argmin())
    return float(starts[best]), float(ends[best])
