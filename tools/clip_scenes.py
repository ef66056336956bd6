"""What a made clip shows: cut-outs, placements, camera moves, scenes, and ready lists of scenes.

Positions are fractions of the frame as the camera sees it at zoom 1 and centre (0.5, 0.5): x to the right, y down.
A scene may be looked at up to 0.35 beyond the left and right edge and 0.25 beyond the upper and lower edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

BackdropKind = Literal["desert", "steppe", "yard", "sky", "flat", "black"]
Layout = Literal["plain", "split_screen", "mirrored_halves", "picture_in_picture"]
TransitionKind = Literal["cut", "dissolve", "fade"]


@dataclass(frozen=True, slots=True)
class CutOut:
    """A photograph of one object with a transparent surround."""

    file: str
    label: str
    """The class in the detector's names."""
    what: str
    marking: str | None = None
    also_shows: tuple[str, ...] = ()
    """Classes of other things that the photograph shows and that a detector may rightly report."""

    @property
    def node(self) -> str:
        """The coarse class that a report shows: one node for anything that flies, else the class itself."""
        return "aircraft" if self.label.endswith("_aircraft") else self.label


CUTOUTS: dict[str, CutOut] = {
    "bradley": CutOut("bradley.png", "armoured_vehicle", "M2 Bradley infantry fighting vehicle", "226", ("person",)),
    "stryker": CutOut("stryker.png", "armoured_vehicle", "Stryker infantry carrier vehicle"),
    "f22": CutOut("f22.png", "combat_aircraft", "F-22 Raptor"),
    "747": CutOut("747.png", "other_aircraft", "Boeing 747 (VC-25A)", "UNITED STATES OF AMERICA"),
    "dumper": CutOut("dumper.png", "civil_vehicle", "site dumper"),
    "garbage_truck": CutOut("garbage_truck.png", "civil_vehicle", "refuse collection lorry"),
}


@dataclass(frozen=True, slots=True)
class CameraMove:
    """Where the camera looks at the start and end of a scene: (centre x, centre y, zoom)."""

    start: tuple[float, float, float] = (0.5, 0.5, 1.0)
    end: tuple[float, float, float] = (0.5, 0.5, 1.0)
    shake_px: float = 0.0
    """Amplitude of the hand shake in pixels of a frame 480 high."""


STILL = CameraMove()


@dataclass(frozen=True, slots=True)
class Placement:
    """One object in a scene. ``x`` is its middle; ``y`` its lowest point, or its middle if it is airborne."""

    cutout: str
    object_id: str
    x: float
    y: float
    width: float
    """Width of the object's picture as a fraction of the frame's width at zoom 1."""
    flip: bool = False
    airborne: bool = False
    rotate_degrees: float = 0.0
    travel: tuple[float, float] = (0.0, 0.0)
    """How far it moves during the scene, in the same fractions."""
    grow: float = 1.0
    """Its size at the end of the scene divided by its size at the start."""
    depicted: bool = False
    """A picture of the object on a board in the scene, not the object itself: it does not count as present."""
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Factors on blue, green and red that match the photograph to the light of the scene."""


@dataclass(frozen=True, slots=True)
class Entry:
    """How a scene takes over from the one before. The boundary is the middle of the transition."""

    kind: TransitionKind = "cut"
    seconds: float = 0.0


CUT = Entry()


@dataclass(frozen=True, slots=True)
class Scene:
    """One shot. Its length runs from boundary to boundary, so lengths add up to the clip's length.

    ``inset`` is the scene in the right half of a split screen or in the corner of a picture-in-picture (upper right).
    ``mirrored_of`` repeats an earlier scene of the list flipped left to right, pixel by pixel before encoding;
    of the other fields only ``entry`` is then used.
    """

    seconds: float = 2.0
    placements: tuple[Placement, ...] = ()
    camera: CameraMove = STILL
    backdrop: BackdropKind = "desert"
    backdrop_seed: int | None = None
    """Scenes with one backdrop, seed and size share one place; None takes a place of its own."""
    layout: Layout = "plain"
    inset: Scene | None = None
    entry: Entry = CUT
    mirrored_of: int | None = None
    noise: float = 2.2
    """Standard deviation of the sensor noise in grey levels; 0 for none."""
    clutter: bool = True
    """Whether berms, sheds, trees and stones stand about."""

    def __post_init__(self) -> None:
        """Refuse a layout without what it needs."""
        if (self.layout in ("split_screen", "picture_in_picture")) != (self.inset is not None):
            raise ValueError(f"layout {self.layout!r} and inset do not fit: two-picture layouts need one, others none")


def demo_scenes() -> tuple[Scene, ...]:
    """The shots of the demo clip: each thing that the analysis has to tell apart occurs once."""
    return DEMO


_WARM = (0.90, 0.99, 0.97)
DEMO: tuple[Scene, ...] = (
    Scene(
        seconds=3.8,
        backdrop="desert",
        backdrop_seed=11,
        placements=(
            Placement("stryker", "stryker", x=0.80, y=0.74, width=0.40, gain=(0.95, 1.0, 1.04)),
            Placement("bradley", "bradley", x=0.30, y=0.84, width=0.43, gain=_WARM),
        ),
        camera=CameraMove((0.50, 0.52, 1.0), (0.59, 0.52, 1.05), shake_px=1.6),
    ),
    Scene(
        seconds=2.2,
        backdrop="desert",
        backdrop_seed=23,
        camera=CameraMove((0.36, 0.5, 1.05), (0.62, 0.5, 1.05), shake_px=1.4),
    ),
    Scene(
        seconds=3.2,
        backdrop="desert",
        backdrop_seed=37,
        placements=(Placement("bradley", "bradley", x=0.54, y=0.86, width=0.55, gain=_WARM),),
        camera=CameraMove((0.46, 0.52, 0.95), (0.52, 0.54, 1.15), shake_px=1.2),
    ),
    Scene(
        seconds=3.2,
        backdrop="sky",
        backdrop_seed=5,
        placements=(
            Placement("f22", "f22", x=0.40, y=0.46, width=0.36, airborne=True, rotate_degrees=-10,
                      travel=(0.16, 0.06), grow=1.25),
        ),
        camera=CameraMove((0.44, 0.48, 1.0), (0.54, 0.52, 1.0), shake_px=2.0),
    ),
    Scene(
        seconds=3.4,
        backdrop="steppe",
        backdrop_seed=8,
        entry=Entry("dissolve", 1.0),
        placements=(
            Placement("747", "vc25", x=0.66, y=0.34, width=0.50, airborne=True, rotate_degrees=4,
                      travel=(-0.22, -0.04)),
        ),
        camera=CameraMove((0.56, 0.44, 1.05), (0.44, 0.42, 1.05), shake_px=1.8),
    ),
    Scene(
        seconds=2.8,
        backdrop="yard",
        backdrop_seed=3,
        placements=(Placement("dumper", "dumper", x=0.54, y=0.86, width=0.35),),
        camera=CameraMove((0.53, 0.46, 1.0), (0.47, 0.47, 1.06), shake_px=1.2),
    ),
    Scene(mirrored_of=2),
)  # fmt: skip


def random_scenes(seconds: float, seed: int, objects: int = 2, plain: bool = False) -> tuple[Scene, ...]:
    """Scenes for a test clip of any length: hard cuts, 1.4 to 4 s each, ``objects`` distinct objects taking turns.

    Args:
        seconds: Length of the clip. Scenes but the last are multiples of 0.2 s, whole frames at common rates.
        seed: Chooses lengths, places and camera moves.
        objects: How many distinct objects take turns, 0 to 6.
        plain: Flat backdrops, still camera, no noise: quick to make.
    """
    names = tuple(CUTOUTS)[:objects]
    if not 0 <= objects <= len(CUTOUTS):
        raise ValueError(f"objects must be 0 to {len(CUTOUTS)}, there is one cut-out for each")
    rng = np.random.default_rng(seed)
    scenes: list[Scene] = []
    left = seconds
    while left > 1e-9:
        length = left if left < 3.0 else round(float(rng.uniform(1.5, min(4.0, left - 1.5))) * 5) / 5
        name = names[len(scenes) % len(names)] if names else None
        scenes.append(_random_scene(length, name, rng, plain))
        left = round(left - length, 6)
    return tuple(scenes)


def _random_scene(length: float, name: str | None, rng: np.random.Generator, plain: bool) -> Scene:
    airborne = name in ("f22", "747")
    ground: Sequence[BackdropKind] = ("desert", "steppe", "yard")
    backdrop: BackdropKind = "flat" if plain else "sky" if airborne else ground[int(rng.integers(len(ground)))]
    x, width = float(rng.uniform(0.35, 0.65)), float(rng.uniform(0.3, 0.45))
    y = float(rng.uniform(0.4, 0.6)) if airborne else float(rng.uniform(0.75, 0.9))
    placements = () if name is None else (Placement(name, name, x, y, width, airborne=airborne),)
    pan, zoom = float(rng.uniform(-0.08, 0.08)), float(rng.uniform(1.0, 1.12))
    camera = STILL if plain else CameraMove((0.5 - pan, 0.5, 1.0), (0.5 + pan, 0.52, zoom), shake_px=1.2)
    place = int(rng.integers(8))
    return Scene(length, placements, camera, backdrop, place, noise=0.0 if plain else 2.2)
