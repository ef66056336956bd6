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
from roundel.errors import WeightsError
from roundel.types import Detections

Picture = NDArray[np.uint8]
Region = tuple[int, int, int, int]


class Network(Protocol):
    """The bare network of one engine."""

    engine: str
    precision: str
    version: str
    classes: tuple[str, ...]

    def forward(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, 3, h, w) RGB in 0..1 → (n, 4 + classes, anchors): centre x, y, width, height in pixels, class scores.

        Or (n, boxes, 6) from a network that suppresses by itself: x1, y1, x2, y2, score, class.
        """
        ...


def raw_boxes(output: NDArray[np.float32], classes: int) -> NDArray[np.float32]:
    """A network's output as (n, 4 + classes, anchors), whichever of the two known forms it has.

    Of an end-to-end output, (n, boxes, 6), only the best class of each box has a score; the other ones get 0.

    Raises:
        WeightsError: if it has neither form.
    """
    if output.ndim == 3 and output.shape[1] == 4 + classes:
        return output
    if output.ndim != 3 or output.shape[2] != 6:
        raise WeightsError(
            f"the network gives an output of shape {output.shape} for {classes} classes, where (pictures, "
            f"{4 + classes}, anchors) or (pictures, boxes, 6) is known; export a YOLOv5u, YOLOv8, YOLO11 or newer "
            "detection model with ultralytics"
        )
    corners, score = output[..., :4], output[..., 4]
    label = np.clip(np.round(output[..., 5]), 0, classes - 1).astype(np.intp)
    boxes = np.zeros((len(output), 4 + classes, output.shape[1]), np.float32)
    boxes[:, :2] = ((corners[..., :2] + corners[..., 2:]) / 2).transpose(0, 2, 1)
    boxes[:, 2:4] = (corners[..., 2:] - corners[..., :2]).transpose(0, 2, 1)
    picture, box = np.indices(score.shape)
    boxes[picture, 4 + label, box] = score
    return boxes


class ClassColumns:
    """Which columns of a network's scores make up which class: ignored ones are dropped, several may be one class."""

    def __init__(self, nodes: Sequence[str | None]) -> None:
        """Take the class of each column, ``None`` for one that is ignored."""
        self.classes = tuple(dict.fromkeys(node for node in nodes if node is not None))
        self._members = [[index for index, node in enumerate(nodes) if node == name] for name in self.classes]
        self._unchanged = self.classes == tuple(nodes)

    def merge(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores (columns, anchors) as (classes, anchors): the largest of each class's columns."""
        if self._unchanged:
            return scores
        return np.stack([scores[members].max(axis=0) for members in self._members])


class YoloDetector:
    """Letterbox, run, decode, suppress. Has no state between calls."""

    def __init__(self, network: Network, config: DetectorConfig, nodes: tuple[str | None, ...] | None = None) -> None:
        """Take a network and the class of each of its columns: their names, if ``nodes`` is not given."""
        self._network, self._config = network, config
        self._columns = ClassColumns(nodes or network.classes)
        self.classes = self._columns.classes

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
        regions: dict[tuple[int, int], list[tuple[int, Region]]] = {}
        for index, picture in enumerate(pictures):
            height, width = picture.shape[:2]
            parts = [(0, 0, width, height)]
            if self.uses_tiles(width, height):
                parts += tile_boxes(width, height, self._config.input_px)
            for left, top, right, bottom in parts:
                size = input_size(right - left, bottom - top, self._config.input_px)
                regions.setdefault(size, []).append((index, (left, top, right, bottom)))
        found: list[list[Detections]] = [[] for _ in pictures]
        for size, items in regions.items():
            for start in range(0, len(items), self._config.batch):
                chunk = items[start : start + self._config.batch]
                fitted = [_fit(pictures[index], region, size) for index, region in chunk]
                every = self._run([canvas for canvas, _ in fitted])
                for (index, region), (_, placed), boxes in zip(chunk, fitted, every, strict=True):
                    height, width = pictures[index].shape[:2]
                    moved = Detections(placed.to_picture(boxes.xyxy), boxes.scores)
                    found[index].append(drop_cut_boxes(moved, region, width, height))
        return [self._merge(parts, picture.shape[:2]) for parts, picture in zip(found, pictures, strict=True)]

    def _run(self, canvases: Sequence[Picture]) -> list[Detections]:
        batch = cv2.dnn.blobFromImages(list(canvases), scalefactor=1 / 255, swapRB=True)
        output = self._network.forward(np.asarray(batch, np.float32))
        return [self._decode(picture) for picture in raw_boxes(output, len(self._network.classes))]

    def _decode(self, output: NDArray[np.float32]) -> Detections:
        """One picture's raw output, (4 + columns, anchors), to boxes in input pixels above the score threshold."""
        merged = self._columns.merge(output[4:])
        keep = merged.max(axis=0) >= self._config.score
        centre, size, scores = output[:2, keep].T, output[2:4, keep].T, merged[:, keep].T
        return Detections(np.hstack([centre - size / 2, centre + size / 2]), np.ascontiguousarray(scores))

    def _merge(self, parts: list[Detections], shape: tuple[int, ...]) -> Detections:
        height, width = shape
        xyxy = np.concatenate([part.xyxy for part in parts])
        xyxy = np.clip(xyxy, 0, np.array([width, height] * 2, np.float32))
        joined = Detections(xyxy, np.concatenate([part.scores for part in parts]))
        return suppress(joined, self._config.nms_iou, self._config.contained)


def _fit(picture: Picture, region: Region, size: tuple[int, int]) -> tuple[Picture, Placed]:
    left, top, right, bottom = region
    return letterbox(picture[top:bottom, left:right], size, left, top)
