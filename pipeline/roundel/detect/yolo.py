"""From pictures to boxes with any network of the YOLO kind: the same steps around every engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel.config import DetectorConfig
from roundel.detect.nms import suppress
from roundel.detect.slicing import TILE_SCALE, Placed, drop_cut_boxes, input_size, is_large, letterbox, tile_boxes
from roundel.types import Detections

Picture = NDArray[np.uint8]


class Network(Protocol):
    """The bare network of one engine."""

    engine: str
    precision: str
    version: str
    classes: tuple[str, ...]

    def forward(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, 3, h, w) RGB in 0..1 → (n, 4 + classes, anchors): centre x, y, width, height in pixels, class scores."""
        ...


class YoloDetector:
    """Letterbox, run, decode, suppress. Has no state between calls."""

    def __init__(self, network: Network, config: DetectorConfig, classes: tuple[str, ...] | None = None) -> None:
        self._network, self._config = network, config
        self.classes = classes or network.classes

    def uses_tiles(self, width: int, height: int) -> bool:
        """Whether frames of this size are cut into tiles."""
        mode = self._config.tiles
        large = len(tile_boxes(width, height, self._config.input_px)) > 1
        return large and (mode == "on" or (mode == "auto" and is_large(width, height, self._config.input_px)))

    def input_scale(self, width: int, height: int) -> float:
        """Pixels of the network's input per pixel of a picture of this size, for small objects."""
        return 1 / TILE_SCALE if self.uses_tiles(width, height) else self._config.input_px / max(width, height)

    def detect(self, pictures: Sequence[Picture]) -> list[Detections]:
        """Find objects on pictures (uint8, h × w × 3, BGR), which may differ in size."""
        inputs: dict[tuple[int, int], list[tuple[int, Picture, Placed, tuple[int, int, int, int]]]] = {}
        for index, picture in enumerate(pictures):
            height, width = picture.shape[:2]
            regions = [(0, 0, width, height)]
            if self.uses_tiles(width, height):
                regions += tile_boxes(width, height, self._config.input_px)
            for left, top, right, bottom in regions:
                size = input_size(right - left, bottom - top, self._config.input_px)
                canvas, placed = letterbox(picture[top:bottom, left:right], size, left, top)
                inputs.setdefault(size, []).append((index, canvas, placed, (left, top, right, bottom)))
        found: list[list[Detections]] = [[] for _ in pictures]
        for items in inputs.values():
            for start in range(0, len(items), self._config.batch):
                chunk = items[start : start + self._config.batch]
                for (index, _, placed, region), boxes in zip(
                    chunk, self._run([item[1] for item in chunk]), strict=True
                ):
                    height, width = pictures[index].shape[:2]
                    moved = Detections(placed.to_picture(boxes.xyxy), boxes.scores)
                    found[index].append(drop_cut_boxes(moved, region, width, height))
        return [self._merge(parts, picture.shape[:2]) for parts, picture in zip(found, pictures, strict=True)]

    def _run(self, canvases: Sequence[Picture]) -> list[Detections]:
        batch = cv2.dnn.blobFromImages(list(canvases), scalefactor=1 / 255, swapRB=True)
        output = self._network.forward(np.asarray(batch, np.float32))
        return [self._decode(picture) for picture in output]

    def _decode(self, output: NDArray[np.float32]) -> Detections:
        """One picture's raw output, (4 + classes, anchors), to boxes in input pixels above the score threshold."""
        keep = output[4:].max(axis=0) >= self._config.score
        centre, size, scores = output[:2, keep].T, output[2:4, keep].T, output[4:, keep].T
        return Detections(np.hstack([centre - size / 2, centre + size / 2]), np.ascontiguousarray(scores))

    def _merge(self, parts: list[Detections], shape: tuple[int, ...]) -> Detections:
        height, width = shape
        xyxy = np.concatenate([part.xyxy for part in parts])
        xyxy = np.clip(xyxy, 0, np.array([width, height] * 2, np.float32))
        joined = Detections(xyxy, np.concatenate([part.scores for part in parts]))
        return suppress(joined, self._config.nms_iou, self._config.contained)
