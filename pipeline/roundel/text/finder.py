"""Where writing may be: glyph-like components of both polarities, chained into lines. No learned part.

A stroke of a painted number is darker or lighter than what surrounds it, and its neighbours have the same height, the
same baseline and the same grey. Components come from a local threshold at two scales; chains of them are cut out,
straightened and given to the engine dark on light. The finder proposes generously: what is no writing is refused by
what the engine makes of it (:mod:`roundel.text.reader`).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]

WINDOWS = (1.0, 2.5)  # sizes of the local threshold's window, in units of the base window
BASE_WINDOW_PX = 25
LEAST_GLYPH_PX = 7  # height in the picture as it is given
LEAST_CONTRAST = 22.0  # grey levels between a glyph and what surrounds it
LINE_PX = 40  # height of a line's glyphs when it is given to the engine: about what Tesseract was trained on
MARGIN = 0.35  # of the glyphs' height, around a line: with more, Tesseract is less sure of the same characters
CLEAR_FROM = (0.12, 0.2)  # of the glyphs' height: farther out, beside and above or below them, the margin is blank
UPSCALE = 2.0  # thresholds are taken on a picture enlarged by this


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A line of writing as it may be: a picture (h, w), dark on light, and its box (x1, y1, x2, y2) in the source."""

    picture: Grey
    xyxy: tuple[float, float, float, float]
    glyph_px: float
    """Median height of its components in the source."""
    worth: float
    """How much it looks like a line; the larger the better."""


@dataclass(frozen=True, slots=True)
class _Glyph:
    x1: float
    y1: float
    x2: float
    y2: float
    grey: float
    fill: float
    contrast: float

    @property
    def height(self) -> float:
        return self.y2 - self.y1

    @property
    def width(self) -> float:
        return self.x2 - self.x1

    @property
    def middle(self) -> float:
        return (self.y1 + self.y2) / 2


def find_lines(picture: NDArray[np.uint8], most: int) -> list[Line]:
    """Up to ``most`` lines of a picture (h, w, 3, BGR), the likeliest first."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    large = np.asarray(cv2.resize(grey, None, fx=UPSCALE, fy=UPSCALE, interpolation=cv2.INTER_CUBIC), np.uint8)
    found: list[Line] = []
    for light in (False, True):
        source = np.asarray(255 - large if light else large, np.uint8)
        for factor in WINDOWS:
            glyphs = _glyphs(source, factor)
            found += [_line(source, chain) for chain in _chains(glyphs)]
    return _distinct(sorted(found, key=lambda line: (-line.worth, line.xyxy)))[:most]


def _glyphs(source: Grey, factor: float) -> list[_Glyph]:
    window = int(BASE_WINDOW_PX * UPSCALE * factor) | 1
    mask = cv2.adaptiveThreshold(source, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, window, 9)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    height, width = source.shape
    least, most = LEAST_GLYPH_PX * UPSCALE, 0.5 * height
    found = []
    for index in range(1, count):
        x, y, w, h, area = (int(value) for value in stats[index])
        if not (least <= h <= most and 0.12 * h <= w <= 7 * h and 0.12 <= area / (w * h) <= 0.95):
            continue
        if x <= 1 or y <= 1 or x + w >= width - 1 or y + h >= height - 1:
            continue
        part = labels[y : y + h, x : x + w] == index
        around = source[max(0, y - 3) : y + h + 3, max(0, x - 3) : x + w + 3]
        inside = float(np.median(source[y : y + h, x : x + w][part]))
        ring = _ring(part)
        outside = float(np.median(source[y : y + h, x : x + w][ring])) if ring.any() else float(np.median(around))
        if outside - inside >= LEAST_CONTRAST:
            found.append(_Glyph(x, y, x + w, y + h, inside, area / (w * h), outside - inside))
    return found


def _ring(part: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels of the component's box that are not the component's nor beside it."""
    grown = cv2.dilate(part.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return np.asarray(~grown, np.bool_)


def _linked(one: _Glyph, other: _Glyph) -> bool:
    """Whether two glyphs, ``one`` left of ``other``, may stand beside each other in a line."""
    tall, small = max(one.height, other.height), min(one.height, other.height)
    gap = other.x1 - one.x2
    return (
        small >= 0.62 * tall
        and abs(one.middle - other.middle) <= 0.3 * tall
        and -0.25 * tall <= gap <= 0.75 * tall
        and abs(one.grey - other.grey) <= 40
    )


def _chains(glyphs: list[_Glyph]) -> list[list[_Glyph]]:
    """Maximal chains of linked glyphs from left to right; a single wide component (joined script) is one, too."""
    glyphs = sorted(glyphs, key=lambda glyph: (glyph.x1, glyph.y1))
    follows: dict[int, int] = {}
    taken: set[int] = set()
    for index, one in enumerate(glyphs):
        options = [
            (other.x1 - one.x2 + 2 * abs(one.middle - other.middle), number)
            for number, other in enumerate(glyphs)
            if number not in taken and number != index and other.x1 > one.x1 and _linked(one, other)
        ]
        if options:
            follows[index] = min(options)[1]
            taken.add(follows[index])
    found = []
    for start in range(len(glyphs)):
        if start in taken:
            continue
        chain = [glyphs[start]]
        at = start
        while at in follows:
            at = follows[at]
            chain.append(glyphs[at])
        if len(chain) >= 2 or 1.5 <= chain[0].width / chain[0].height <= 6:
            found.append(chain)
    return found


def _line(source: Grey, chain: list[_Glyph]) -> Line:
    heights = np.array([glyph.height for glyph in chain])
    height = float(np.median(heights))
    x1, x2 = min(glyph.x1 for glyph in chain), max(glyph.x2 for glyph in chain)
    y1, y2 = min(glyph.y1 for glyph in chain), max(glyph.y2 for glyph in chain)
    slope = 0.0
    if len(chain) >= 3:
        across = np.array([(glyph.x1 + glyph.x2) / 2 for glyph in chain])
        down = np.array([glyph.middle for glyph in chain])
        slope = float(np.polyfit(across, down, 1)[0])
    picture = _cut(source, (x1, y1, x2, y2), slope, height)
    evenness = 1.0 - float(heights.std() / heights.mean())
    contrast = min(1.0, float(np.median([glyph.contrast for glyph in chain])) / 80)
    worth = evenness * contrast * min(len(chain), 8) ** 0.5
    box = (x1 / UPSCALE, y1 / UPSCALE, x2 / UPSCALE, y2 / UPSCALE)
    return Line(picture, box, height / UPSCALE, round(worth, 4))


def _cut(source: Grey, box: tuple[float, float, float, float], slope: float, height: float) -> Grey:
    """The line upright, its glyphs ``LINE_PX`` high, with stretched contrast, on a light margin."""
    x1, y1, x2, y2 = box
    centre = ((x1 + x2) / 2, (y1 + y2) / 2)
    scale = LINE_PX / height
    turn = cv2.getRotationMatrix2D(centre, float(np.degrees(np.arctan(slope))), scale)
    tall = (y2 - y1) if slope == 0 else max(height * 1.15, (y2 - y1) - abs(slope) * (x2 - x1))
    wide = (x2 - x1 + 2 * MARGIN * height) * scale
    high = (tall + 2 * MARGIN * height) * scale
    turn[0, 2] += wide / 2 - centre[0]
    turn[1, 2] += high / 2 - centre[1]
    size = (min(1600, max(1, round(wide))), min(200, max(1, round(high))))
    interpolation = cv2.INTER_CUBIC if scale >= 1 else cv2.INTER_AREA
    part = cv2.warpAffine(source, turn, size, flags=interpolation, borderMode=cv2.BORDER_REPLICATE)
    low, top = np.percentile(part, (2, 90))
    side, ends = (round((MARGIN - clear) * height * scale) for clear in CLEAR_FROM)
    part[:, :side] = part[:, -side:] = part[:ends] = part[-ends:] = round(float(top))
    stretched = (part.astype(np.float32) - low) * (235 / max(1.0, float(top - low))) + 10
    return np.asarray(np.clip(stretched, 0, 255), np.uint8)


def _overlap(one: Line, other: Line) -> float:
    """Intersection over the smaller area."""
    a, b = np.array(one.xyxy), np.array(other.xyxy)
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    if (sides <= 0).any():
        return 0.0
    return float(sides.prod() / min((a[2:] - a[:2]).prod(), (b[2:] - b[:2]).prod()))


def _distinct(lines: list[Line]) -> list[Line]:
    """Drop lines that a better one covers."""
    kept: list[Line] = []
    for line in lines:
        if all(_overlap(line, other) < 0.7 for other in kept):
            kept.append(line)
    return kept
