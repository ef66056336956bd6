"""Drawn streets seen from above: hard negatives, since no openly licensed pictures of that kind are at hand.

The detector took façades for armour and small dark cars for fighters on aerial street pictures. Here such scenes are
drawn with random colours, light and perspective (domain randomisation; Tobin et al., IROS 2017): roads with markings,
blocks with rows of windows, trees and cars. Nothing in them is labelled: with boxes, the many drawn cars drowned the
few real ones, and AP50 of civil vehicles fell from 0.73 to 0.55 on the validation pictures.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.detector.pictures import Picture

PLAN_PX = 900
VIEW = (512, 320)

Pixels = NDArray[np.uint8]


def street(draw: np.random.Generator) -> Pixels:
    """A picture (h, w, 3, BGR)."""
    plan = _ground(draw)
    _cars(plan, draw)
    _trees(plan, draw)
    view = _tilted(plan, draw)
    horizon = int(draw.integers(0, VIEW[1] // 3))
    _facades(view, horizon, draw)
    pixels = view.astype(np.float32) * draw.uniform(0.35, 1.2) + draw.normal(0, draw.uniform(1, 9), view.shape)
    pixels = cv2.GaussianBlur(pixels, (0, 0), float(draw.uniform(0.4, 1.3)))
    return np.clip(pixels, 0, 255).astype(np.uint8)


def _tint(draw: np.random.Generator, low: int, high: int, spread: int = 25) -> tuple[int, int, int]:
    grey = draw.uniform(low, high)
    blue, green, red = (int(np.clip(grey + draw.uniform(-spread, spread), 0, 255)) for _ in range(3))
    return blue, green, red


def _ground(draw: np.random.Generator) -> Pixels:
    """Ground, one or two roads, lane markings and crossings, seen from straight above."""
    plan = np.full((PLAN_PX, PLAN_PX, 3), _tint(draw, 70, 180), np.uint8)
    rough = cv2.resize(draw.normal(0, 14, (90, 90, 1)).astype(np.float32), (PLAN_PX, PLAN_PX))[..., None]
    plan = np.clip(plan + rough, 0, 255).astype(np.uint8)
    for turned in range(int(draw.integers(1, 3))):
        middle, half = int(draw.integers(250, 650)), int(draw.integers(60, 150))
        road = plan if not turned else plan.transpose(1, 0, 2)
        road[:, middle - half : middle + half] = _tint(draw, 50, 140, 8)
        for lane in range(-1, 2):
            x = middle + lane * half // 2
            for y in range(0, PLAN_PX, 60):
                road[y : y + int(draw.integers(20, 60)), x - 2 : x + 2] = _tint(draw, 180, 250, 8)
        y = int(draw.integers(0, PLAN_PX - 60))
        for x in range(middle - half, middle + half, 16):
            road[y : y + 50, x : x + 8] = _tint(draw, 180, 250, 8)
    return np.ascontiguousarray(plan)


def _cars(plan: Pixels, draw: np.random.Generator) -> None:
    """Cars with windows and shadows."""
    for _ in range(int(draw.integers(8, 45))):
        centre = draw.uniform(40, PLAN_PX - 40, 2)
        length = draw.uniform(34, 52) * (draw.uniform(1.6, 2.6) if draw.random() < 0.15 else 1)
        angle = float(draw.choice([0, 90]) + draw.normal(0, 6))
        body = cv2.boxPoints((tuple(centre), (length, length * draw.uniform(0.4, 0.5)), angle))
        dark = draw.random() < 0.5
        shade = body + np.array([4, 5])
        cv2.fillConvexPoly(plan, shade.astype(np.int32), _tint(draw, 20, 60, 5), cv2.LINE_AA)
        cv2.fillConvexPoly(
            plan, body.astype(np.int32), _tint(draw, *((15, 70) if dark else (90, 245)), 60), cv2.LINE_AA
        )
        for part, size in ((-0.18, 0.14), (0.2, 0.12)):
            shift = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))]) * length * part
            glass = cv2.boxPoints((tuple(centre + shift), (length * size, length * 0.36), angle))
            cv2.fillConvexPoly(plan, glass.astype(np.int32), _tint(draw, 10, 70, 10), cv2.LINE_AA)


def _trees(plan: Pixels, draw: np.random.Generator) -> None:
    for _ in range(int(draw.integers(0, 30))):
        centre = draw.integers(0, PLAN_PX, 2)
        green = (int(draw.integers(10, 60)), int(draw.integers(60, 130)), int(draw.integers(20, 80)))
        for _ in range(12):
            place = tuple(int(value) for value in centre + draw.normal(0, 14, 2))
            shade = tuple(int(value * draw.uniform(0.6, 1.2)) for value in green)
            cv2.circle(plan, place, int(draw.integers(5, 16)), shade, -1, cv2.LINE_AA)


def _tilted(plan: Pixels, draw: np.random.Generator) -> Pixels:
    """The plan seen at an angle: its far edge is narrower."""
    width, height = VIEW
    narrow, top = draw.uniform(0, 0.38) * width, draw.uniform(0, 0.3) * height
    grown = draw.uniform(1.0, 1.7)
    target = np.array([[narrow, top], [width - narrow, top], [width, height], [0, height]], np.float32)
    target = ((target - (width / 2, height / 2)) * grown + (width / 2, height / 2)).astype(np.float32)
    source = np.array([[0, 0], [PLAN_PX, 0], [PLAN_PX, PLAN_PX], [0, PLAN_PX]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, target)
    view = cv2.warpPerspective(plan, matrix, VIEW, flags=cv2.INTER_AREA, borderValue=_tint(draw, 90, 220))
    return np.asarray(view, np.uint8)


def _facades(view: Pixels, horizon: int, draw: np.random.Generator) -> None:
    """Blocks at both sides, with rows of windows, roofs and signs."""
    width, height = VIEW
    for _ in range(int(draw.integers(1, 7))):
        left_side = draw.random() < 0.5
        x = int(draw.uniform(-0.1, 0.12) * width) if left_side else int(draw.uniform(0.75, 0.95) * width)
        wide, high = int(draw.uniform(0.12, 0.3) * width), int(draw.uniform(0.2, 0.9) * height)
        y = int(draw.uniform(horizon - 40, 0.5 * height))
        slant = int(draw.uniform(-0.25, 0.25) * high)
        wall = np.array([[x, y], [x + wide, y + slant], [x + wide, y + high + slant], [x, y + high]])
        cv2.fillConvexPoly(view, wall, _tint(draw, 80, 230), cv2.LINE_AA)
        roof = np.array([[x, y], [x + wide, y + slant], [x + wide - 25, y + slant - 25], [x + 15, y - 30]])
        cv2.fillConvexPoly(view, roof, _tint(draw, 60, 200, 50), cv2.LINE_AA)
        rows, columns = int(draw.integers(3, 9)), int(draw.integers(2, 9))
        glass = _tint(draw, 20, 120)
        for row in range(rows):
            for column in range(columns):
                u, v = (column + 0.25) / columns, (row + 0.25) / rows
                w = np.array([x + u * wide, y + v * high + u * slant])
                size = np.array([wide / columns * 0.55, high / rows * 0.5])
                pane = w + size * np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
                cv2.fillConvexPoly(view, pane.astype(np.int32), glass, cv2.LINE_AA)
        if draw.random() < 0.4:
            foot = np.array([[x, y + high], [x + wide, y + high + slant]])
            band = np.vstack([foot, foot[::-1] - (0, 24)])
            cv2.fillConvexPoly(view, band, _tint(draw, 60, 200, 90), cv2.LINE_AA)


def make_streets(folder: Path, count: int, seed: int) -> list[Picture]:
    """Draw ``count`` streets into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for number in range(count):
        pixels = street(np.random.default_rng([seed, number]))
        file = folder / f"street-{number:04d}.jpg"
        cv2.imwrite(str(file), pixels, [cv2.IMWRITE_JPEG_QUALITY, 85])
        found.append(Picture(str(file), "drawn streets", "train", True, ()))
    return found
