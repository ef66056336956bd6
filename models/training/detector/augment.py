"""Training inputs: views of pictures at sizes that do not give the class away, mosaics, pasted objects, colours.

In the data, large flying things are all fighters and small ones are all drones, so a network learns size instead of
shape. Here a view is scaled so that one of its objects gets a size drawn evenly on a logarithmic scale, whatever its
class. Objects cut out of a plain sky are pasted into other pictures, so that the sky does not name them either.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from training.detector.pictures import Picture
from training.detector.prepare import foreground

GREY = 114
LEAST_VISIBLE = 0.35  # a box that is cut stays if this share of it is still in the picture …
LEAST_SIDE_PX = 3.0  # … and it is not smaller than this
SCALES = (0.05, 3.0)
LEAST_FILL = 0.6  # a view's picture is at least this share of the canvas; smaller objects come from finer mosaics
MOST_CUTOUTS = 600

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture (h, w, 3) with boxes (n, 4) in its pixels and class indices (n,)."""

    pixels: Pixels
    boxes: Floats
    labels: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Cutout:
    """An object with soft transparency: pixels (h, w, 3), alpha (h, w) in 0..1."""

    pixels: Pixels
    alpha: Floats
    label: int


def cut_out(item: Picture, pixels: Pixels, least_px: int = 24) -> list[Cutout]:
    """The objects of a picture that stand alone against a plain sky."""
    found = []
    for box, label in zip(item.pixel_boxes(pixels.shape), item.labels, strict=True):
        mask = foreground(pixels, box)
        if mask is None or min(mask.shape) < least_px or not 0.05 < mask.mean() < 0.8:
            continue
        left, top = np.maximum(np.round(box[:2]), 0).astype(int)
        crop = pixels[top : top + mask.shape[0], left : left + mask.shape[1]]
        closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
        alpha = cv2.GaussianBlur(closed.astype(np.float32), (3, 3), 0)
        if crop.shape[:2] == alpha.shape:
            found.append(Cutout(np.ascontiguousarray(crop), np.asarray(alpha, np.float32), int(label)))
    return found


class Augmenter:
    """Makes training inputs. All choices come from the generator that is passed in, so a step can be repeated."""

    def __init__(self, pictures: Sequence[Picture], settings: dict[str, Any], cut_sources: Sequence[str]) -> None:
        self._settings = settings
        self._items = [Labelled(item.read(), np.zeros((0, 4), np.float32), item.labels) for item in pictures]
        self._items = [
            Labelled(loaded.pixels, item.pixel_boxes(loaded.pixels.shape), item.labels)
            for loaded, item in zip(self._items, pictures, strict=True)
        ]
        self._cutouts = [
            cutout
            for item, loaded in zip(pictures, self._items, strict=True)
            if item.source in cut_sources
            for cutout in cut_out(item, loaded.pixels)
        ][:MOST_CUTOUTS]
        self._odds = _odds(pictures, settings["adapted_weight"])

    def draw(self, side_px: int, plain: bool, draw: np.random.Generator) -> Labelled:
        """One input of ``side_px`` × ``side_px``; ``plain`` inputs are whole pictures without mosaic or pasting."""
        settings = self._settings
        grid = 1 if plain else 1 + int(np.searchsorted(np.cumsum(settings["grids"]), draw.random()))
        if grid > 1:
            made = self._mosaic(side_px, min(grid, len(settings["grids"])), draw)
        else:
            made = self._view(self._pick(draw), side_px, side_px, draw, 0.3 if plain else settings["centred"])
        if not plain and self._cutouts and draw.random() < settings["pasted"]:
            made = _paste(made, self._cutouts[draw.integers(len(self._cutouts))], draw)
        return _recolour(_flip(made, draw), draw)

    def _pick(self, draw: np.random.Generator) -> Labelled:
        return self._items[int(np.searchsorted(self._odds, draw.random()))]

    def _mosaic(self, side_px: int, grid: int, draw: np.random.Generator) -> Labelled:
        """``grid`` × ``grid`` pictures; the inner edges are drawn around even ones."""
        edges = [
            [round(side_px * (cell + draw.uniform(-0.25, 0.25)) / grid) if 0 < cell < grid else side_px * cell // grid
             for cell in range(grid + 1)]
            for _ in range(2)
        ]  # fmt: skip
        canvas = np.full((side_px, side_px, 3), GREY, np.uint8)
        boxes, labels = [], []
        for (left, right), (top, bottom) in itertools.product(*(itertools.pairwise(line) for line in edges)):
            part = self._view(self._pick(draw), right - left, bottom - top, draw, self._settings["centred"])
            canvas[top:bottom, left:right] = part.pixels
            boxes.append(part.boxes + np.array([left, top] * 2, np.float32))
            labels.append(part.labels)
        return Labelled(canvas, np.concatenate(boxes), np.concatenate(labels))

    def _view(self, item: Labelled, width: int, height: int, draw: np.random.Generator, centred: float) -> Labelled:
        """A picture scaled and placed on a canvas, either by its own size or by that of one of its objects."""
        tall, wide = item.pixels.shape[:2]
        fitted = min(width / wide, height / tall)
        if len(item.boxes) and draw.random() < centred:
            box = item.boxes[draw.integers(len(item.boxes))]
            low, high = self._settings["object_px"]
            target = np.exp(draw.uniform(np.log(low), np.log(min(high, 0.95 * max(width, height)))))
            scale = float(np.clip(target / max(box[2:] - box[:2]), max(LEAST_FILL * fitted, SCALES[0]), SCALES[1]))
            middle = (box[:2] + box[2:]) / 2 * scale
            half = (box[2:] - box[:2]) / 2 * scale
            place = [
                draw.uniform(min(half[axis], side / 2), max(side - half[axis], side / 2))
                for axis, side in enumerate((width, height))
            ]
            shift = np.array(place) - middle
        else:
            scale = fitted * draw.uniform(LEAST_FILL, 1.25)
            shift = np.array([_slide(side, length * scale, draw) for side, length in ((width, wide), (height, tall))])
        return _placed(item, scale, shift, width, height, draw)


def _odds(pictures: Sequence[Picture], adapted_weight: float) -> NDArray[np.float64]:
    """Cumulative odds of the pictures.

    Rare classes come more often, by the square root of their rarity (Gupta et al., LVIS, CVPR 2019), and pictures of
    the adapted sources by their weight.
    """
    present = [set(item.labels.tolist()) for item in pictures]
    share = {label: sum(label in labels for labels in present) / len(pictures) for label in set().union(*present)}
    weights = np.array(
        [
            max((np.sqrt(0.15 / share[label]) for label in labels), default=0.5)
            * (adapted_weight if item.source.startswith("adapt:") else 1.0)
            for item, labels in zip(pictures, present, strict=True)
        ]
    )
    return np.asarray(np.cumsum(np.clip(weights, 0.5, 12.0)) / np.clip(weights, 0.5, 12.0).sum())


def _slide(side: float, length: float, draw: np.random.Generator) -> float:
    return float(draw.uniform(min(0.0, side - length), max(0.0, side - length)))


def _placed(
    item: Labelled, scale: float, shift: NDArray[np.float64], width: int, height: int, draw: np.random.Generator
) -> Labelled:
    border = cv2.BORDER_REFLECT_101 if not len(item.boxes) and draw.random() < 0.5 else cv2.BORDER_CONSTANT
    pixels = item.pixels
    if scale < 0.6:  # shrink by area first: a linear warp would pass over pixels
        size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
        matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float64)
    else:
        matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float64)
    made = cv2.warpAffine(
        pixels, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=border, borderValue=(GREY, GREY, GREY)
    )
    boxes = item.boxes * np.float32(scale) + np.tile(shift, 2).astype(np.float32)
    cut = np.clip(boxes, 0, np.array([width, height] * 2, np.float32))
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    size_left = cut[:, 2:] - cut[:, :2]
    keep = (size_left.prod(axis=1) >= LEAST_VISIBLE * area) & (size_left.min(axis=1, initial=np.inf) >= LEAST_SIDE_PX)
    return Labelled(np.asarray(made, np.uint8), np.asarray(cut[keep], np.float32), item.labels[keep])


def _paste(made: Labelled, cutout: Cutout, draw: np.random.Generator) -> Labelled:
    """Lay an object over the picture where it covers no other by more than a little."""
    side = made.pixels.shape[0]
    target = np.exp(draw.uniform(np.log(16), np.log(0.6 * side)))
    scale = float(np.clip(target / max(cutout.alpha.shape), 0.1, 4.0))
    width, height = (max(4, round(length * scale)) for length in (cutout.alpha.shape[1], cutout.alpha.shape[0]))
    if max(width, height) >= side:
        return made
    left, top = (int(draw.integers(0, side - length)) for length in (width, height))
    box = np.array([left, top, left + width, top + height], np.float32)
    low, high = np.maximum(box[:2], made.boxes[:, :2]), np.minimum(box[2:], made.boxes[:, 2:])
    shared = np.maximum(high - low, 0).prod(axis=1)
    areas = (made.boxes[:, 2:] - made.boxes[:, :2]).prod(axis=1)
    if (shared > 0.1 * np.minimum(areas, width * height)).any():
        return made
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    alpha = np.clip(cv2.resize(cutout.alpha, (width, height), interpolation=method), 0, 1)[..., None]
    pixels = cv2.resize(cutout.pixels, (width, height), interpolation=method).astype(np.float32)
    gain = draw.uniform(0.7, 1.4)
    canvas = made.pixels.copy()
    under = canvas[top : top + height, left : left + width].astype(np.float32)
    blended = np.clip(pixels * gain, 0, 255) * alpha + under * (1 - alpha)
    canvas[top : top + height, left : left + width] = blended.astype(np.uint8)
    return Labelled(canvas, np.vstack([made.boxes, box]), np.append(made.labels, cutout.label))


def _flip(made: Labelled, draw: np.random.Generator) -> Labelled:
    if draw.random() < 0.5:
        return made
    width = made.pixels.shape[1]
    boxes = made.boxes.copy()
    boxes[:, [0, 2]] = width - made.boxes[:, [2, 0]]
    return Labelled(np.ascontiguousarray(made.pixels[:, ::-1]), boxes, made.labels)


def _recolour(made: Labelled, draw: np.random.Generator) -> Labelled:
    """Hue, saturation and brightness; sometimes grey, equalised, blurred, noisy or compressed again, as footage is."""
    pixels = made.pixels
    hsv = cv2.cvtColor(pixels, cv2.COLOR_BGR2HSV)
    gains = 1 + draw.uniform(-1, 1, 3) * (0.02, 0.6, 0.4)
    ramp = np.arange(256, dtype=np.float32)
    tables = [
        ((ramp * gains[0]) % 180).astype(np.uint8),
        np.clip(ramp * gains[1], 0, 255).astype(np.uint8),
        np.clip(ramp * gains[2], 0, 255).astype(np.uint8),
    ]
    pixels = cv2.cvtColor(
        cv2.merge([cv2.LUT(c, t) for c, t in zip(cv2.split(hsv), tables, strict=True)]), cv2.COLOR_HSV2BGR
    )
    if draw.random() < 0.08:
        pixels = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    if draw.random() < 0.06:
        light, first, second = cv2.split(cv2.cvtColor(pixels, cv2.COLOR_BGR2LAB))
        equal = cv2.createCLAHE(clipLimit=float(draw.uniform(2, 8)), tileGridSize=(8, 8)).apply(light)
        pixels = cv2.cvtColor(cv2.merge([equal, first, second]), cv2.COLOR_LAB2BGR)
    if draw.random() < 0.12:
        pixels = cv2.GaussianBlur(pixels, (0, 0), float(draw.uniform(0.5, 1.8)))
    if draw.random() < 0.1:
        noise = draw.normal(0, draw.uniform(3, 14), pixels.shape).astype(np.float32)
        pixels = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    if draw.random() < 0.25:
        _, packed = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(draw.integers(20, 80))])
        pixels = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    return Labelled(np.asarray(pixels, np.uint8), made.boxes, made.labels)
