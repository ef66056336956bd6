"""Step 5: probabilities from scores, fitted on one half of made clips and measured on the other.

    python -m training.calibrate [--model hardware-v1] [--write]

Every held-out picture (validation, test and ``score``; none was trained on) becomes a take (``training.clips``), the
whole pipeline follows tracks through it, and a track is right if at least half of its boxes overlap a true one by 0.4.
Takes are halved by their group, so that frames of one source video are on one side only. With ``--write`` the numbers
go to ``roundel_models/calibration/MODEL.json``, with the hits and false alarms that cap the words of a report;
the figures to ``models/cards/MODEL.calibration.json`` and the reliability diagram beside it, ``MODEL.reliability.png``.

Tracks that are most likely a person, a bird or a civil vehicle are left out: the sources do not label all of these.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from roundel.analyze import analyze_video
from roundel.calibration import LEAST, MOST_FRAMES, Calibration, OperatingPoint, temper, top_class
from roundel.classes import lineage, tree
from roundel.config import Config, DetectorConfig
from roundel.detect import LoadedDetector, load_detector
from roundel.detect.nms import iou
from roundel.media.identity import identify
from training.clips import FRAMES, Truth, make_video
from training.detector.evaluate import CARDS, score_pictures, source_pictures
from training.detector.pictures import CLASSES, Picture
from training.recipe import PROJECT, WORKSPACE

TAKES_PER_VIDEO = 60
RIGHT_IOU = 0.4
BINS = 10
LEFT_OUT = {"person", "bird", "civil_vehicle"}
SAID_OF = (
    "aircraft",
    "armoured_vehicle",
    "combat_aircraft",
    "helicopter",
    "missile",
    "other_aircraft",
    "ship",
    "uav",
    "warship",
)
"""Nodes whose hits and false alarms are counted: all that the sources label completely."""
SAID_FROM = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
TARGET = PROJECT / "models" / "roundel_models" / "calibration"


@dataclass(frozen=True, slots=True)
class Case:
    """A track and what it really shows: ``truth`` is a class name, empty if there is no object."""

    group: str
    scores: dict[str, float]
    score: float
    frames: int
    node: str
    share: float
    truth: str

    @property
    def features(self) -> list[float]:
        """Logit of the score and logarithm of the length, as :class:`Calibration` uses them."""
        score = max(self.score, LEAST)
        return [np.log(score / max(1 - self.score, LEAST)), np.log(min(max(self.frames, 1), MOST_FRAMES))]

    @property
    def top(self) -> str:
        """The likeliest broad class."""
        return top_class(temper(self.scores, 1.0))

    @property
    def right(self) -> bool:
        """Whether the reported class is one that the object belongs to."""
        return bool(self.truth) and self.node in lineage(self.truth)


def held_out() -> list[tuple[str, Picture]]:
    """Group and picture; groups are never divided between fitting and measuring."""
    return source_pictures() + [(Path(item.file).name, item) for item in score_pictures()]


def in_first_half(group: str) -> bool:
    """Which half a group belongs to, by its name alone."""
    return hashlib.sha256(group.encode()).digest()[0] % 2 == 0


class _Notes:
    """A sink that keeps the boxes and drops the pictures."""

    def __init__(self) -> None:
        self.boxes: dict[str, list[tuple[int, list[float]]]] = {}

    def picture(self, name: str, image: NDArray[np.uint8]) -> str:
        return name

    def detections(self, line: dict[str, Any]) -> None:
        for box in line["boxes"]:
            if box["track"]:
                self.boxes.setdefault(box["track"], []).append((line["frame"], box["xyxy"]))


def follow(
    chosen: Sequence[tuple[str, Picture]], path: Path, truths: Sequence[Truth], loaded: LoadedDetector
) -> list[Case]:
    """Analyse a video that was made of these pictures and compare its tracks with the truth."""
    notes, raw = _Notes(), replace(loaded, calibration=None)  # its posteriors are plain shares
    result = analyze_video(path, identify(path), Config(), raw, notes, {})
    cases = []
    for sighting in result.sightings:
        boxes = notes.boxes[sighting.id]
        found = Counter(_truth_of(box, truths[frame]) for frame, box in boxes if frame < len(truths))
        named = {name: votes for name, votes in found.items() if name}
        real = sum(named.values()) * 2 >= found.total()
        group = chosen[min(boxes[0][0] // FRAMES, len(chosen) - 1)][0]
        scores = {name: sighting.posterior.get(name, 0.0) for name in loaded.detector.classes}
        share = sighting.posterior.get(sighting.node, 0.0)
        truth = max(sorted(named), key=lambda name: named[name]) if named and real else ""
        cases.append(Case(group, scores, sighting.score, sighting.frames, sighting.node, share, truth))
    path.unlink()
    return cases


def _truth_of(box: list[float], truth: Truth) -> str:
    if not len(truth.boxes):
        return ""
    overlap = iou(np.array([box], np.float32), truth.boxes)[0]
    best = int(overlap.argmax())
    return CLASSES[truth.labels[best]] if overlap[best] >= RIGHT_IOU else ""


def fit(cases: Sequence[Case], weights_sha256: str) -> Calibration:
    """The curve and the temperature that these tracks make most likely; the biases are kept small (ridge)."""
    tops = sorted({case.top for case in cases})
    features = np.array([case.features for case in cases])
    which = np.array([tops.index(case.top) for case in cases])
    real = np.array([bool(case.truth) for case in cases], float)

    def loss(values: NDArray[np.float64]) -> float:
        logit = values[0] + features @ values[1:3] + values[3:][which]
        return float((np.logaddexp(0, logit) - real * logit).sum() + 0.5 * (values[3:] ** 2).sum())

    found = minimize(loss, np.zeros(3 + len(tops)), method="BFGS").x
    known = [case for case in cases if case.truth in case.scores]

    def doubt(temperature: float) -> float:
        return float(-sum(np.log(max(temper(case.scores, temperature)[case.truth], LEAST)) for case in known))

    temperature = min(np.arange(0.5, 4.01, 0.05), key=doubt)
    bias = {name: round(float(value), 4) for name, value in zip(tops, found[3:], strict=True)}
    intercept, score_slope, frames_slope = (round(float(value), 4) for value in found[:3])
    return Calibration(weights_sha256, intercept, score_slope, frames_slope, bias, round(float(temperature), 2), 0, 0.0)


def expected_error(probability: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Expected calibration error over bins of equal size (Naeini et al., AAAI 2015; equal-mass bins)."""
    order = np.argsort(probability, kind="stable")
    parts = np.array_split(order, min(BINS, max(1, len(order))))
    return float(sum(len(part) * abs(probability[part].mean() - right[part].mean()) for part in parts) / len(order))


def figures(cases: Sequence[Case], calibration: Calibration) -> dict[str, Any]:
    """Expected calibration error before and after, together and by reported class, with the points of the diagram."""
    after = np.array(
        [calibration.posterior(case.scores, case.score, case.frames).get(case.node, 0.0) for case in cases]
    )
    before = np.array([case.score * case.share for case in cases])
    right = np.array([case.right for case in cases])
    by_class = {}
    for node in sorted({case.node for case in cases}):
        chosen = np.array([case.node == node for case in cases])
        by_class[tree()[node].title] = {
            "tracks": int(chosen.sum()),
            "right": round(float(right[chosen].mean()), 3),
            "mean_probability": round(float(after[chosen].mean()), 3),
            "error_before": round(expected_error(before[chosen], right[chosen]), 4),
            "error_after": round(expected_error(after[chosen], right[chosen]), 4),
        }
    points = {}
    for name, values in (("before", before), ("after", after)):
        parts = np.array_split(np.argsort(values, kind="stable"), BINS)
        points[name] = [[round(float(values[part].mean()), 4), round(float(right[part].mean()), 4)] for part in parts]
    return {
        "tracks": len(cases),
        "clips": len({case.group for case in cases}),
        "right": round(float(right.mean()), 4),
        "error_before": round(expected_error(before, right), 4),
        "error_after": round(expected_error(after, right), 4),
        "by_class": by_class,
        "points": points,
    }


def operating_points(
    cases: Sequence[Case], shown: Mapping[str, set[str]], calibration: Calibration
) -> dict[str, tuple[OperatingPoint, ...]]:
    """In how many clips each node was said rightly and wrongly, from each probability on.

    Args:
        cases: the tracks of the clips.
        shown: the classes that each clip shows, by its group.
        calibration: gives the probabilities.
    """
    said: dict[str, list[tuple[dict[str, float], str]]] = {group: [] for group in shown}
    for case in cases:
        said[case.group].append((calibration.posterior(case.scores, case.score, case.frames), case.truth))
    found: dict[str, tuple[OperatingPoint, ...]] = {}
    for node in SAID_OF:
        positive = {group for group, names in shown.items() if any(node in lineage(name) for name in names)}
        right = {
            group: max((p.get(node, 0.0) for p, truth in said[group] if truth and node in lineage(truth)), default=0.0)
            for group in positive
        }
        wrong = {
            group: max((p.get(node, 0.0) for p, _ in said[group]), default=0.0) for group in shown.keys() - positive
        }
        found[node] = tuple(
            OperatingPoint(
                least,
                sum(p >= least for p in right.values()),
                len(right),
                sum(p >= least for p in wrong.values()),
                len(wrong),
            )
            for least in SAID_FROM
        )
    return found


def draw(points: dict[str, list[list[float]]], path: Path) -> None:
    """The reliability diagram."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 5), dpi=120)
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, linestyle="--", label="perfect")
    for name, marker, colour in (("before", "s", "#b35806"), ("after", "o", "#2166ac")):
        axes.plot(*np.array(points[name]).T, marker=marker, color=colour, label=f"{name} calibration")
    axes.set(xlabel="stated probability", ylabel="share that is right", xlim=(0, 1), ylim=(0, 1))
    axes.set_title("Reported class of a track, held-out clips")
    axes.legend(loc="upper left")
    figure.tight_layout()
    figure.savefig(path, metadata={"Software": None})
    pyplot.close(figure)


def _shuffled(file: Path) -> bytes:
    """A place in the order of the takes that depends on the picture alone, not on where the workspace is."""
    return hashlib.sha256(file.relative_to(WORKSPACE / "data").as_posix().encode()).digest()


def gather(model: str, folder: Path) -> list[Case]:
    """The tracks of all takes, most likely persons, birds and civil vehicles left out."""
    loaded = load_detector(DetectorConfig(model=model))
    pictures = sorted(held_out(), key=lambda pair: _shuffled(Path(pair[1].file)))
    parts = [pictures[start : start + TAKES_PER_VIDEO] for start in range(0, len(pictures), TAKES_PER_VIDEO)]
    files = [folder / f"takes-{number:03d}.mp4" for number in range(len(parts))]
    cases: list[Case] = []
    with ThreadPoolExecutor(1) as ahead:  # the next video is made while one is analysed
        made = [
            ahead.submit(make_video, file, [item for _, item in part], number)
            for number, (file, part) in enumerate(zip(files, parts, strict=True))
        ]
        for number, (file, part, truths) in enumerate(zip(files, parts, made, strict=True), start=1):
            cases += follow(part, file, truths.result(), loaded)
            print(f"{number} of {len(parts)} videos, {len(cases)} tracks", flush=True)
    return [case for case in cases if max(case.scores, key=lambda name: case.scores[name]) not in LEFT_OUT]


def calibrate(model: str, folder: Path) -> tuple[Calibration, dict[str, Any]]:
    """Fit on the first half, measure on the second."""
    cases = gather(model, folder)
    first = [case for case in cases if in_first_half(case.group)]
    second = [case for case in cases if not in_first_half(case.group)]
    fitted = fit(first, str(load_detector(DetectorConfig(model=model)).provenance["weights_sha256"]))
    shown: dict[str, set[str]] = {}
    for group, picture in held_out():
        if not in_first_half(group):
            shown.setdefault(group, set()).update(CLASSES[label] for label in picture.labels)
    measured = {"clips_made": len(shown), **figures(second, fitted)}
    points = operating_points(second, shown, fitted)
    final = replace(fitted, clips=len(shown), expected_error=measured["error_after"], points=points)
    return final, {"fitted_on_tracks": len(first), **measured}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="hardware-v1")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    folder = WORKSPACE / "takes"
    folder.mkdir(parents=True, exist_ok=True)
    calibration, measured = calibrate(given.model, folder)
    print(json.dumps({**asdict(calibration), **measured}, indent=1))
    if given.write:
        TARGET.mkdir(exist_ok=True)
        text = json.dumps(asdict(calibration), indent=1, sort_keys=True) + "\n"
        (TARGET / f"{given.model}.json").write_text(text, encoding="utf-8")
        text = json.dumps(measured, indent=1) + "\n"
        (CARDS / f"{given.model}.calibration.json").write_text(text, encoding="utf-8")
        draw(measured["points"], CARDS / f"{given.model}.reliability.png")


if __name__ == "__main__":
    main()
