"""Does looking at the mirrored picture as well pay? AP50 on the held-out pictures with and without it, in one run.

    python benchmarks/flips.py [--model hardware-v1]

A box of the picture and the box of its mirror image that overlaps it by at least 0.55 become one: the mean of both,
with the mean of their scores; a box without a partner keeps half of its scores. Needs the held-out pictures
(ROUNDEL_SHARED).
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

from roundel.config import DetectorConfig
from roundel.detect import load_detector
from roundel.detect.nms import iou
from roundel.types import Detections
from training.detector.evaluate import CURVE_SCORE, Examined, chosen, examine, matches, questions, score_pictures
from training.metrics import average_precision

PARTNER_IOU = 0.55


def mirrored(found: Detections, width: int) -> Detections:
    """The boxes of a mirrored picture in the coordinates of the picture itself."""
    x1, y1, x2, y2 = found.xyxy.T
    return Detections(np.stack([width - x2, y1, width - x1, y2], 1).astype(np.float32), found.scores)


def together(one: Detections, other: Detections) -> Detections:
    """Boxes of both views, partners joined."""
    overlap = iou(one.xyxy, other.xyxy) if len(one) and len(other) else np.zeros((len(one), len(other)))
    boxes, scores, taken = [], [], set()
    for index in np.argsort(-one.score, kind="stable"):
        free = [column for column in range(len(other)) if column not in taken and overlap[index, column] >= PARTNER_IOU]
        best = max(free, key=lambda column: overlap[index, column], default=None)
        if best is None:
            boxes.append(one.xyxy[index])
            scores.append(one.scores[index] / 2)
        else:
            taken.add(best)
            boxes.append((one.xyxy[index] + other.xyxy[best]) / 2)
            scores.append((one.scores[index] + other.scores[best]) / 2)
    for column in range(len(other)):
        if column not in taken:
            boxes.append(other.xyxy[column])
            scores.append(other.scores[column] / 2)
    if not boxes:
        return one
    return Detections(np.array(boxes, np.float32), np.array(scores, np.float32))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="hardware-v1")
    given = parser.parse_args()
    loaded = load_detector(DetectorConfig(model=given.model, score=CURVE_SCORE, tiles="off"))
    straight = examine(loaded, score_pictures())
    both: list[Examined] = []
    for item in straight:
        pixels = item.picture.read()
        found = loaded.detector.detect([np.ascontiguousarray(pixels[:, ::-1])])[0]
        both.append(replace(item, found=together(item.found, mirrored(found, pixels.shape[1]))))
    print("| question | pictures | AP50 straight | AP50 with mirror image |\n|---|---|---|---|")
    for question in questions():
        values = []
        for examined in (straight, both):
            matched = matches(chosen(examined, question), loaded.detector.classes, question.group)
            values.append(average_precision(matched, 0, np.ones(len(matched.truths))))
        print(f"| {question.title} | {len(chosen(straight, question))} | {values[0]:.3f} | {values[1]:.3f} |")


if __name__ == "__main__":
    main()
