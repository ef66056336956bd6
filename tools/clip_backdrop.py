"""Generated places: sky, hills, ground in perspective, and what stands on it. Seeded, nothing is read from disk.

A backdrop is two layers on one canvas: ``far`` (sky and hills, opaque) and ``near`` (ground and clutter, premultiplied
alpha), so that a pan moves them at different rates.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from clip_scenes import BackdropKind

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]
Colour = tuple[float, float, float]

MARGIN_X, MARGIN_Y = 0.35, 0.25
"""How far the canvas reaches beyond the frame on each side, in fractions of the frame."""
DETAIL = 1.2
"""Canvas pixels per frame pixel, so that zooming in stays sharp."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours (blue, green, red; 0 to 255) and layout of one kind of place."""

    horizon: float
    zenith: Colour
    haze: Colour
    cloud: float
    """How much of the sky clouds cover, 0 to 1."""
    hills: Colour
    ground_far: Colour
    ground_near: Colour
    berms: int = 0
    sheds: int = 0
    trees: int = 0
    stones: int = 0
    ruts: int = 0


PALETTES: dict[str, Palette] = {
    "desert": Palette(0.40, (178, 142, 98), (206, 214, 214), 0.25, (150, 160, 168), (148, 178, 196), (92, 126, 152),
                      berms=5, stones=420, ruts=2),
    "steppe": Palette(0.66, (186, 140, 86), (220, 216, 206), 0.50, (140, 140, 118), (112, 150, 146), (58, 100, 98),
                      trees=7, stones=200),
    "yard": Palette(0.38, (190, 170, 148), (218, 216, 210), 0.70, (140, 138, 128), (156, 160, 162), (112, 118, 122),
                    sheds=3, trees=4, berms=1, stones=260, ruts=2),
    "sky": Palette(1.45, (178, 128, 66), (222, 204, 176), 0.45, (0, 0, 0), (0, 0, 0), (0, 0, 0)),
    "flat": Palette(0.45, (200, 180, 160), (210, 205, 200), 0.0, (0, 0, 0), (150, 160, 165), (110, 125, 135)),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Backdrop:
    """``far``: uint8 (h, w, 3); ``near``: uint8 (h, w, 4) with premultiplied colour; both BGR on the same canvas."""

    far: Image
    near: Image


def make_backdrop(kind: BackdropKind, size: tuple[int, int], seed: int, clutter: bool = True) -> Backdrop:
    """Paint a place for frames of ``size`` (width, height)."""
    width = round(size[0] * (1 + 2 * MARGIN_X) * DETAIL)
    height = round(size[1] * (1 + 2 * MARGIN_Y) * DETAIL)
    if kind == "black":
        return Backdrop(np.zeros((height, width, 3), np.uint8), np.zeros((height, width, 4), np.uint8))
    palette = PALETTES[kind]
    rng = np.random.default_rng([seed, sorted(PALETTES).index(kind)])
    horizon = round((palette.horizon + MARGIN_Y) / (1 + 2 * MARGIN_Y) * height)
    far = _sky(palette, width, height, min(horizon, height), rng)
    colour = np.full((height, width, 3), palette.ground_far, np.float32)
    alpha = np.zeros((height, width), np.float32)
    if horizon < height:
        if kind != "flat":
            _hills(far, palette, horizon, rng)
        colour[horizon:] = _ground(palette, width, height - horizon, rng, textured=kind != "flat")
        alpha[horizon:] = np.minimum(1, np.arange(height - horizon, dtype=np.float32) / 2 + 0.3)[:, None]
        if clutter:
            _clutter(colour, alpha, palette, horizon, rng)
    near = np.dstack([colour * alpha[..., None], alpha * 255])
    return Backdrop(_to_uint8(far), _to_uint8(near))


def fractal_noise(height: int, width: int, rng: np.random.Generator, cell: float, octaves: int = 5) -> Floats:
    """Smooth noise of zero mean and unit deviation; ``cell`` is the size of its largest lumps in pixels."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        step = max(cell / 2**octave, 1.0)
        grid = rng.standard_normal((int(height / step) + 3, int(width / step) + 3)).astype(np.float32)
        large = cv2.resize(grid, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)
        total += large[:height, :width] * 0.55**octave
    return np.asarray((total - total.mean()) / (total.std() + 1e-6), np.float32)


def _to_uint8(image: Floats) -> Image:
    return np.asarray(np.clip(image + 0.5, 0, 255), np.uint8)


def _colour(colour: Colour) -> Floats:
    return np.array(colour, np.float32)


def _sky(palette: Palette, width: int, height: int, horizon: int, rng: np.random.Generator) -> Floats:
    ramp = np.clip(np.arange(height, dtype=np.float32) / max(horizon, 1), 0, 1)[:, None, None] ** 1.5
    sky = np.repeat(_colour(palette.zenith) * (1 - ramp) + _colour(palette.haze) * ramp, width, axis=1)
    if palette.cloud > 0:
        # Clouds are flatter towards the horizon: sample one noise field with rows that get denser there.
        field = fractal_noise(2 * height, width, rng, cell=height / 2.2, octaves=6)
        rise = np.clip(np.arange(height) / max(horizon, 1), 0, 1)
        rows = ((0.6 * rise + 0.4 * rise**3) * (2 * height - 1)).astype(np.float32)
        grid_x, grid_y = np.meshgrid(np.arange(width, dtype=np.float32), rows)
        field = cv2.remap(field, grid_x, grid_y, cv2.INTER_LINEAR).astype(np.float32)
        cover = np.clip((field - (0.9 - 1.6 * palette.cloud)) / 1.8, 0, 1)[..., None] * (0.75 - 0.35 * ramp)
        shade = np.clip(1.0 - 0.05 * np.roll(field, height // 60, axis=0), 0.86, 1.04)[..., None]
        sky = sky * (1 - cover) + np.array((242, 240, 238), np.float32) * shade * cover
    return np.asarray(sky, np.float32)


def _hills(far: Floats, palette: Palette, horizon: int, rng: np.random.Generator) -> None:
    height, width = far.shape[:2]
    for depth in (0.0, 1.0):
        profile = fractal_noise(1, width, rng, cell=width / 5, octaves=6)[0]
        rise = np.clip((0.035 - 0.014 * depth) * height * (1 + 0.55 * profile), 1, None)
        cover = np.clip(np.arange(height)[:, None] - (horizon - rise[None, :]), 0, 1).astype(np.float32)[..., None]
        grain = fractal_noise(height, width, rng, cell=height / 12)[..., None]
        tone = _colour(palette.hills) * (0.35 + 0.25 * depth) + _colour(palette.haze) * (0.65 - 0.25 * depth)
        far[:] = far * (1 - cover) + (tone + 3.0 * grain) * cover


def _ground(palette: Palette, width: int, rows: int, rng: np.random.Generator, textured: bool) -> Floats:
    depth = ((np.arange(rows, dtype=np.float32) + 0.5) / rows)[:, None]
    near = np.clip(depth * 1.5, 0, 1)[..., None] ** 0.7
    base = np.repeat(_colour(palette.ground_far) * (1 - near) + _colour(palette.ground_near) * near, width, axis=1)
    if not textured:
        return np.asarray(base, np.float32)
    side = 1024
    lumps = fractal_noise(side, side, rng, cell=160, octaves=7)
    grit = fractal_noise(side, side, rng, cell=7, octaves=3)
    texture = cv2.copyMakeBorder(0.9 * lumps + 0.6 * grit, 0, side, 0, side, cv2.BORDER_REFLECT)
    distance = 1 / (depth + 0.035)
    across = (np.arange(width, dtype=np.float32) / width - 0.5)[None, :]
    grid_x = np.mod(across * distance * 620 + rng.uniform(0, side), 2 * side - 1).astype(np.float32)
    grid_y = np.repeat(np.mod(distance * 250, 2 * side - 1), width, axis=1).astype(np.float32)
    tone = cv2.remap(texture.astype(np.float32), grid_x, grid_y, cv2.INTER_LINEAR)
    patches = cv2.resize(fractal_noise(rows, max(width // 5, 8), rng, cell=rows / 5), (width, rows))
    fine = rng.standard_normal((rows, width)).astype(np.float32)
    strength = np.clip(depth * 3, 0.1, 1)
    light = 1 + strength * (0.075 * tone + 0.03 * fine) + 0.045 * patches
    return np.asarray(base * light[..., None], np.float32)


def _clutter(colour: Floats, alpha: Floats, palette: Palette, horizon: int, rng: np.random.Generator) -> None:
    for _ in range(palette.trees):
        _trees(colour, alpha, palette, horizon, rng)
    for _ in range(palette.berms):
        _berm(colour, alpha, palette, horizon, rng)
    for number in range(palette.sheds):
        place = (number + rng.uniform(0.2, 0.7)) / palette.sheds
        _shed(colour, alpha, palette, horizon, place=place, rng=rng)
    for _ in range(palette.ruts):
        _rut(colour, horizon, rng)
    _stones(colour, palette, horizon, rng)


def _berm(colour: Floats, alpha: Floats, palette: Palette, horizon: int, rng: np.random.Generator) -> None:
    """A bank of earth: a lumpy ridge, lit from above, with its foot a little below the horizon."""
    height, width = alpha.shape
    foot = horizon + rng.uniform(0.005, 0.06) * height
    middle, half = rng.uniform(0, width), rng.uniform(0.06, 0.2) * width
    top = rng.uniform(0.025, 0.06) * height
    x = (np.arange(width, dtype=np.float32) - middle) / half
    ridge = top * np.clip(1 - np.abs(x) ** 2.5, 0, None) * (1 + 0.12 * fractal_noise(1, width, rng, width / 20)[0])
    y = np.arange(height, dtype=np.float32)[:, None]
    up = np.clip((foot - y) / (ridge[None, :] + 1), 0, 1)[..., None]
    cover = np.clip(y - (foot - ridge[None, :]), 0, 1) * np.clip((foot + 0.012 * height - y) / (0.03 * height), 0, 1)
    cover = (cover * np.clip(ridge - 0.5, 0, 1)[None, :])[..., None].astype(np.float32)
    grain = fractal_noise(height, width, rng, cell=height / 14)[..., None]
    tone = (0.55 * _colour(palette.ground_far) + 0.45 * _colour(palette.ground_near)) * (0.82 + 0.2 * up)
    colour[:] = colour * (1 - cover) + (tone + 6 * grain) * cover
    alpha[:] = np.maximum(alpha, cover[..., 0])


def _shed(
    colour: Floats, alpha: Floats, palette: Palette, horizon: int, *, place: float, rng: np.random.Generator
) -> None:
    """A corrugated hall: front wall with a door, and a roof seen edge-on."""
    height, width = alpha.shape
    foot = horizon + int(rng.uniform(0.01, 0.035) * height)
    wide, high = int(rng.uniform(0.14, 0.22) * width), int(rng.uniform(0.10, 0.15) * height)
    left, top = int(place * width - wide / 2), foot - high
    wall = _colour(((150, 152, 150), (138, 146, 156), (150, 140, 126))[int(rng.integers(3))])
    paint = colour.copy()
    mask = np.zeros((height, width), np.uint8)
    roof = np.array([[left - 6, top], [left + wide + 6, top], [left + wide - 12, top - high // 4],
                     [left + 12, top - high // 4]], np.int32)  # fmt: skip
    cv2.rectangle(mask, (left, top), (left + wide, foot), 255, -1)
    cv2.fillPoly(mask, [roof], 255, cv2.LINE_AA)
    ribs = 1 + 0.03 * np.sign(np.sin(np.arange(width) * 2 * np.pi / 7))[None, :, None]
    paint[:] = wall * ribs
    cv2.fillPoly(paint, [roof], [float(v) for v in wall * 0.78], cv2.LINE_AA)
    door = left + int(rng.uniform(0.15, 0.6) * wide)
    cv2.rectangle(paint, (door, foot - int(high * 0.68)), (door + wide // 5, foot), [float(v) for v in wall * 0.6], -1)
    paint += 4 * fractal_noise(height, width, rng, cell=height / 10)[..., None]
    paint = 0.78 * paint + 0.22 * _colour(palette.haze)
    cover = (mask.astype(np.float32) / 255)[..., None]
    shade = cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), height / 160)[..., None]
    colour[horizon:] *= 1 - 0.25 * shade[horizon:]
    colour[:] = colour * (1 - cover) + paint * cover
    alpha[:] = np.maximum(alpha, cover[..., 0])


def _trees(colour: Floats, alpha: Floats, palette: Palette, horizon: int, rng: np.random.Generator) -> None:
    """A clump of foliage on the horizon, made of many small overlapping crowns."""
    height, width = alpha.shape
    middle, half = rng.uniform(0, width), rng.uniform(0.03, 0.11) * width
    tall = rng.uniform(0.018, 0.035) * height
    mask = np.zeros((height, width), np.float32)
    for _ in range(int(60 + half)):
        x = rng.normal(middle, half / 2)
        radius = tall * rng.uniform(0.15, 0.4)
        y = horizon - rng.uniform(0, 1) ** 1.5 * tall * np.exp(-(((x - middle) / half) ** 2))
        cv2.circle(mask, (round(x * 8), round(y * 8)), max(round(radius * 8), 4), 1.0, -1, cv2.LINE_AA, 3)
    mask[horizon + max(2, round(height * 0.004)) :] = 0
    cover = mask[..., None]
    grain = fractal_noise(height, width, rng, cell=tall / 2, octaves=3)[..., None]
    tone = np.array((58, 82, 72), np.float32) * 0.62 + _colour(palette.haze) * 0.28 + 8 * grain
    colour[:] = colour * (1 - cover) + tone * cover
    alpha[:] = np.maximum(alpha, mask)


def _rut(colour: Floats, horizon: int, rng: np.random.Generator) -> None:
    """A pair of wheel tracks that runs towards the horizon."""
    height, width = colour.shape[:2]
    mask = np.zeros((height, width), np.float32)
    depth = np.linspace(0.02, 1.0, 60)
    start, lean, bend = rng.uniform(0.3, 0.7), rng.uniform(-0.7, 0.7), rng.uniform(-0.15, 0.15)
    middle = width * (start + lean * depth + bend * np.sin(depth * 3))
    y = horizon + depth * (height - horizon)
    for side in (-1, 1):
        x = middle + side * depth * width * 0.045
        for k in range(len(depth) - 1):
            ends = ((round(x[k]), round(y[k])), (round(x[k + 1]), round(y[k + 1])))
            cv2.line(mask, *ends, 1.0, max(1, round(depth[k] * width * 0.014)), cv2.LINE_AA)
    mask = cv2.GaussianBlur(mask, (0, 0), height / 260).astype(np.float32)
    broken = np.clip(0.75 + 0.35 * fractal_noise(height, width, rng, cell=height / 30), 0, 1)
    colour *= 1 - 0.13 * (mask * broken)[..., None]


def _stones(colour: Floats, palette: Palette, horizon: int, rng: np.random.Generator) -> None:
    height, width = colour.shape[:2]
    for _ in range(palette.stones):
        depth = rng.uniform(0.08, 1.0)
        x, y = rng.uniform(0, width), horizon + depth * (height - horizon)
        radius = depth * height * rng.uniform(0.0012, 0.0042)
        row = min(int(y), height - 1)
        here = colour[row, min(int(x), width - 1)].copy()
        for drop, light in ((0.35 * radius, 0.72), (0.0, rng.uniform(0.9, 1.16))):
            centre = (round(x * 16), round((y + drop) * 16))
            axes = (max(round(radius * 16 * 1.5), 4), max(round(radius * 16 * 0.8), 3))
            cv2.ellipse(colour, centre, axes, 0, 0, 360, [float(v) for v in here * light], -1, cv2.LINE_AA, 4)
