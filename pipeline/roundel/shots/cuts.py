"""Hard cuts: spikes of the distance between neighbouring frames that are neither a flash nor a jerk."""

from __future__ import annotations

import numpy as np

from roundel.shots.pictures import History, distance, mixture, same_scene
from roundel.shots.settings import ShotSettings


def is_cut(past: History, at: int, settings: ShotSettings) -> bool:
    """Whether the frame with index ``at`` is the first of a new shot.

    A frame in which a converter mixed the two takes belongs to the old one: the cut is where the mixing ends.
    """
    spikes = past.spikes
    if spikes[at] < settings.cut_floor:
        return False
    if at + 1 < len(spikes) and spikes[at + 1] > spikes[at] / 4 and _is_blend(past, at, settings):
        return False
    last = at - 2 if at > 1 and _is_blend(past, at - 1, settings) else at - 1
    near = [spikes[k] for k in (last, at + 1) if 0 < k < len(spikes)]
    around = spikes[max(1, at - 6) : at] + spikes[at + 1 : at + 7]
    calm = max([*near, float(np.percentile(around, 65)) if around else 0.0])
    if spikes[at] < settings.cut_ratio * calm + settings.cut_floor or _comes_back(past, at, settings):
        return False
    return same_scene(past.frames[last].thumbnail, past.frames[at].thumbnail) < settings.same_scene


def looks_like_cut(spikes: list[float], settings: ShotSettings) -> bool:
    """Whether the newest spike stands out from the spikes before it."""
    if len(spikes) < 2:
        return False
    past = spikes[-9:-1]
    return spikes[-1] > settings.cut_floor + settings.cut_ratio * max(past[-1], float(np.median(past)))


def _is_blend(past: History, at: int, settings: ShotSettings) -> bool:
    """Whether a frame is a mixture of the frames around it, as frame-rate converters make at a cut."""
    if not 0 < at < len(past.frames) - 1:
        return False
    weight, residual, difference = mixture(past.rows[at - 1 : at + 2], 0, 2)
    return bool(difference > settings.dissolve_floor and residual[1] < 0.02 and 0.05 < weight[1] < 0.95)


def _comes_back(past: History, at: int, settings: ShotSettings) -> bool:
    """Whether the scene on one side of a spike is seen again on the other side within a flash's length."""
    limit = settings.flash_seconds + 1e-6
    for later in range(at + 1, len(past.frames)):
        if past.seconds[later] - past.seconds[at] > limit:
            break
        if _is_again(past, at - 1, later, past.spikes[at], settings):
            return True
    for earlier in range(at - 2, -1, -1):
        if past.seconds[at] - past.seconds[earlier + 1] > limit:
            break
        if _is_again(past, earlier, at, past.spikes[at], settings):
            return True
    return False


def _is_again(past: History, earlier: int, later: int, spike: float, settings: ShotSettings) -> bool:
    """Whether two frames that are apart show the same."""
    a, b = past.frames[earlier], past.frames[later]
    apart = distance(a, b)
    if apart < 0.3 * spike:
        return True
    return apart < 0.6 * spike and same_scene(a.thumbnail, b.thumbnail) > settings.same_scene
