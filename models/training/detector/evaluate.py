"""Step 4: measure a detector on pictures it was not trained on, and write ``models/cards/NAME.metrics.json``.

    python -m training.detector.evaluate [--model hardware-v1] [--input-px 416] [--write]

The detector runs as users run it: the same letterbox and the same suppression over all classes, only with a lower
score so that curves are whole. In-source: the validation and test pictures of the training sources. Cross-source: the
``score`` pictures of the held-out set, from sources that no picture was trained on – except uav_samuel and
ships_typesofships, whose other half (role ``adapt``) is in the training data of models from v1 on.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roundel.config import DetectorConfig, TrackingConfig
from roundel.detect import LoadedDetector, load_detector
from roundel.types import Detections
from training.detector.pictures import CLASSES, Picture, read_boxes, read_manifest
from training.detector.prepare import LOOSE, tightened
from training.detector.small_objects import measure_small_objects
from training.metrics import Matched, average_precision, join, match_picture, summary
from training.recipe import PROJECT, extracted

CARDS = PROJECT / "models" / "cards"
CURVE_SCORE = 0.005
SHIPPED_SCORE = TrackingConfig().start_score  # a box of this score starts a track
MILITARY = ("combat_aircraft", "helicopter", "uav", "armoured_vehicle", "missile", "warship")
SIZES_PX2 = {"small": (0, 32**2), "medium": (32**2, 96**2), "large": (96**2, np.inf)}  # as in COCO

Group = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A measurement on one held-out folder: the classes that count as one, in the truth and in the answers."""

    title: str
    folder: str
    group: Group
    keep: Callable[[str], bool] = lambda _: True


@dataclass(frozen=True, slots=True)
class Examined:
    """A picture with what was found on it."""

    picture: Picture
    shape: tuple[int, ...]
    found: Detections


def leak_free() -> set[str]:
    """The tank pictures that are no suspected copies of training pictures."""
    with (extracted("detector-heldout") / "tanks_leak_check.csv").open(encoding="utf-8", newline="") as file:
        return {row["file"] for row in csv.DictReader(file) if row["suspect_leak"] == "no"}


def questions() -> list[Question]:
    """What is asked of the ``score`` pictures."""
    clean = leak_free()
    return [
        Question("armour, 85 leak-free pictures", "tanks_amannoufel", ("armoured_vehicle",), clean.__contains__),
        Question("armour, all 158 pictures", "tanks_amannoufel", ("armoured_vehicle",)),
        Question("fixed wing", "combat_aircraft_web", ("combat_aircraft", "other_aircraft")),
        Question("combat aircraft", "combat_aircraft_web", ("combat_aircraft",)),
        Question("drones", "uav_samuel", ("uav",)),
        Question("any aircraft on drones", "uav_samuel", ("combat_aircraft", "other_aircraft", "helicopter", "uav")),
        Question("any ship", "ships_typesofships", ("warship", "civil_ship")),
        Question("warship", "ships_typesofships", ("warship",)),
        Question("civil ship", "ships_typesofships", ("civil_ship",)),
    ]


def score_pictures() -> list[Picture]:
    """The held-out pictures that nothing was trained on; ``source`` is their folder."""
    root = extracted("detector-heldout")
    return [
        Picture(str(root / row["file"]), row["file"].split("/")[0], "score", False, read_boxes(root, row["file"]))
        for row in read_manifest(root)
        if row["role"] == "score"
    ]


def _source_picture(root: Path, row: dict[str, str]) -> Picture:
    name = Path(row["file"]).name.split("__")[0]
    item = Picture(str(root / row["file"]), name, row["split"], False, read_boxes(root, row["file"]))
    return tightened(item) if name == LOOSE else item


def source_pictures() -> list[tuple[str, Picture]]:
    """Group and picture of the validation and test pictures of the training sources.

    Loose boxes against the sky are tightened as for training: a network that learnt tight boxes would be scored wrong.
    """
    root = extracted("detector-train")
    return [
        (row["group"].split(":", 1)[1], _source_picture(root, row))
        for row in read_manifest(root)
        if row["split"] in {"val", "test"}
    ]


def examine(loaded: LoadedDetector, pictures: Sequence[Picture]) -> list[Examined]:
    """Run the detector over pictures."""
    examined = []
    for item in pictures:
        pixels = item.read()
        examined.append(Examined(item, pixels.shape, loaded.detector.detect([pixels])[0]))
    return examined


def matches(examined: Sequence[Examined], classes: Sequence[str], group: Group, size: str | None = None) -> Matched:
    """Compare what was found with the truth for classes that count as one. ``size``: only true boxes of that size."""
    columns = [classes.index(name) for name in group if name in classes]
    wanted = {CLASSES.index(name) for name in group}
    parts, truths = [], []
    for item in examined:
        truth = item.picture.pixel_boxes(item.shape)[[label in wanted for label in item.picture.labels]]
        scores = item.found.scores[:, columns].max(axis=1) if columns else np.zeros(len(item.found), np.float32)
        keep = scores >= CURVE_SCORE
        boxes, scores = item.found.xyxy[keep], scores[keep]
        counted = _of_size(truth, size)
        hits, ignored = match_picture(boxes, scores, truth, counted)
        if size is not None:
            ignored |= ~hits & ~_of_size(boxes, size)[:, None]
        parts.append((scores, hits, ignored))
        truths.append(int(counted.sum()))
    return join(parts, truths)


def _of_size(boxes: NDArray[np.float32], size: str | None) -> NDArray[np.bool_]:
    if size is None:
        return np.ones(len(boxes), bool)
    low, high = SIZES_PX2[size]
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return np.asarray((area >= low) & (area < high))


def false_boxes(examined: Sequence[Examined], classes: Sequence[str], score: float) -> float:
    """Boxes of a military class with at least this score per 1,000 pictures that show none."""
    military = {index for index, name in enumerate(classes) if name in MILITARY}
    wrong = sum(
        int(label) in military and top >= score
        for item in examined
        for label, top in zip(item.found.label, item.found.score, strict=True)
    )
    return round(1000 * wrong / len(examined), 1)


def chosen(examined: Sequence[Examined], question: Question) -> list[Examined]:
    """The pictures that a question is about."""
    root = str(extracted("detector-heldout"))
    return [
        item
        for item in examined
        if item.picture.source == question.folder and question.keep(item.picture.file.removeprefix(root).lstrip("/"))
    ]


def suppressed_by_class(model: str, input_px: int) -> dict[str, float]:
    """AP50 of the questions with the suppression of the scorer that gave the first detector's figures: by 0.6 alone."""
    config = DetectorConfig(model=model, score=CURVE_SCORE, tiles="off", input_px=input_px, nms_iou=0.6, contained=1.0)
    loaded = load_detector(config)
    examined = examine(loaded, score_pictures())
    found = {}
    for question in questions():
        matched = matches(chosen(examined, question), loaded.detector.classes, question.group)
        found[question.title] = round(average_precision(matched, 0, np.ones(len(matched.truths))), 3)
    return found


def evaluate(model: str, input_px: int) -> dict[str, Any]:
    """Every figure of the card."""
    loaded = load_detector(DetectorConfig(model=model, score=CURVE_SCORE, tiles="off", input_px=input_px))
    classes = loaded.detector.classes
    held_out = examine(loaded, score_pictures())
    in_source = examine(loaded, [item for _, item in source_pictures()])
    by_folder = {
        item.picture.source: [other for other in held_out if other.picture.source == item.picture.source]
        for item in held_out
    }
    cross = {
        question.title: summary(matches(chosen(held_out, question), classes, question.group), SHIPPED_SCORE)
        for question in questions()
    }
    return {
        "model": Path(model).stem,
        "weights_sha256": loaded.provenance["weights_sha256"],
        "engine": f"{loaded.provenance['engine']} {loaded.provenance['precision']}",
        "input_px": input_px,
        "score": SHIPPED_SCORE,
        "cross_source": cross,
        "ap50_suppressed_by_class": suppressed_by_class(model, input_px),
        "in_source": {
            split: {
                name: summary(matches(_of_split(in_source, split), classes, (name,)), SHIPPED_SCORE) for name in CLASSES
            }
            for split in ("val", "test")
        },
        "by_size": {size: summary(matches(in_source, classes, CLASSES[:8], size), SHIPPED_SCORE) for size in SIZES_PX2},
        "false_military_boxes_per_1000": {
            folder: {str(score): false_boxes(by_folder[folder], classes, score) for score in (0.25, 0.4, SHIPPED_SCORE)}
            for folder in ("neg_visdrone", "neg_scikit")
        },
        "small_objects": measure_small_objects(model),
    }


def _of_split(examined: Sequence[Examined], split: str) -> list[Examined]:
    return [item for item in examined if item.picture.split == split]


def table(metrics: dict[str, Any]) -> str:
    """The figures as Markdown tables."""
    head = "| {} | pictures | boxes | AP50 | AP50-95 | recall | precision |\n|---|---|---|---|---|---|---|"
    lines = [head.format("cross-source")]
    lines += [_row(name, row) for name, row in metrics["cross_source"].items()]
    for split, rows in metrics["in_source"].items():
        lines += ["", head.format(f"in-source, {split}"), *(_row(name, row) for name, row in rows.items())]
    lines += ["", head.format("in-source, by size, military and civil hardware as one class")]
    lines += [_row(name, row) for name, row in metrics["by_size"].items()]
    scores = list(next(iter(metrics["false_military_boxes_per_1000"].values())))
    lines += ["", f"| false military boxes per 1,000 pictures | {' | '.join(f'at {score}' for score in scores)} |"]
    lines += ["|---" * (1 + len(scores)) + "|"]
    lines += [
        f"| {folder} | {' | '.join(str(row[score]) for score in scores)} |"
        for folder, row in metrics["false_military_boxes_per_1000"].items()
    ]
    lines += [
        "",
        "| objects whose longest side has … px in a frame of 1280 × 720 | objects | found untiled | found tiled |",
    ]
    lines += ["|---|---|---|---|"]
    lines += [
        f"| {row['px']} | {row['objects']} | {row['untiled']} | {row['tiled']} |" for row in metrics["small_objects"]
    ]
    return "\n".join(lines) + "\n"


def _row(name: str, row: dict[str, Any]) -> str:
    def cell(figure: list[float]) -> str:
        value, low, high = figure
        return "–" if np.isnan(value) else f"{value:.3f} ({low:.2f}–{high:.2f})"

    cells = [cell(row[key]) for key in ("ap50", "ap50_95", "recall", "precision")]
    return f"| {name} | {row['pictures']} | {row['boxes']} | {' | '.join(cells)} |"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="hardware-v1")
    parser.add_argument("--input-px", type=int, default=416)
    parser.add_argument("--write", action="store_true", help="write models/cards/MODEL.metrics.json")
    given = parser.parse_args()
    metrics = evaluate(given.model, given.input_px)
    print(table(metrics))
    if given.write:
        target = CARDS / f"{Path(given.model).stem}.metrics.json"
        target.write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
        print(target)


if __name__ == "__main__":
    main()
