"""Thresholds of the shot detector."""

from __future__ import annotations

from dataclasses import dataclass

from roundel.types import Seconds


@dataclass(frozen=True, slots=True)
class ShotSettings:
    """Thresholds of the shot detector. Distances are in grey levels of 8 bits, times in seconds of video."""

    motion_px: int = 3
    """Motion between two frames, in pixels of the thumbnail, that does not count as a difference."""
    cut_floor: float = 4.0
    """Smallest distance between two frames that can be a cut (mean over the pixels, summed over Y, U and V)."""
    cut_ratio: float = 3.0
    """How many times the distances nearby a cut must exceed."""
    same_scene: float = 0.8
    """Block correlation from which two frames count as pictures of the same scene, 0 to 1."""
    flash_seconds: Seconds = 0.2
    """A scene that comes back after at most this time was not cut."""
    window_seconds: tuple[Seconds, ...] = (0.2, 0.3, 0.45, 0.7, 1.0, 1.5, 2.4)
    """Lengths of the ranges in which a dissolve is looked for. The last one bounds memory and delay."""
    dissolve_floor: float = 4.0
    """Smallest difference of a dissolve's ends (root mean square over the pixels of a 16-pixel-wide picture)."""
    dissolve_clear: float = 14.0
    """Difference of a dissolve's ends below which ever less may stay unexplained: slow motion makes small ones."""
    dissolve_detail: float = 0.6
    """Largest excess of edge energy in the middle of a dissolve: 0 is a mixture of two pictures, 1 is motion."""
    dissolve_residual: float = 0.17
    """Largest share of the ends' squared difference that the mixture model may leave unexplained."""
    search_step_seconds: Seconds = 0.09
    """Time between two searches for dissolves."""
    plain_seconds: Seconds = 0.5
    """A plain picture that lasts at most this long between two fades belongs to the transition."""
    plain: float = 4.0
    """Largest standard deviation of the luma of a plain picture, the end of a fade."""
    max_frames: int = 256
    """Most frames that wait for a decision; bounds memory and delay at high frame rates."""
