"""Step 6: measure, and write ``models/cards/types-v1.metrics.json``.

    python -m training.types.evaluate models/training/types.toml

Every fold is judged by a network, a gallery and a calibration that have not seen it: the calibration comes from the
other folds. For F-16 and MiG-29 the left-out pictures are from another source; for tanks they are other pictures of one
source.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import roundel_models
from roundel.classes import lineage
from roundel.identify import shipped_embedder
from roundel.identify.posterior import CREDIBLE, Calibration, with_other
from roundel.identify.second_opinion import second_opinion
from training.recipe import PROJECT, Recipe, load_recipe
from training.types.cases import ABSENT, KINDS, PRESENT, VARIANT, Cases, all_cases, fit
from training.types.folds import family
from training.types.pictures import TypePicture, read_index
from training.types.train import folds_of
from training.types.views import plain

THRESHOLDS = (0.3, 0.5, 0.7, 0.8, 0.9)
BINS = 10
OPINIONS = 150  # pictures of each kind for the second opinion
Numbers = NDArray[np.float64]


def share(hits: NDArray[np.bool_], weight: Numbers) -> float | None:
    """The weighted share of hits."""
    return round(float(np.average(hits, weights=weight)), 4) if len(hits) else None


def area(high: Numbers, low: Numbers) -> float | None:
    """The chance that a value of ``high`` exceeds one of ``low`` (area under the ROC curve)."""
    if not len(high) or not len(low):
        return None
    return round(float((high[:, None] > low).mean() + (high[:, None] == low).mean() / 2), 4)


def of_families(chances: Numbers, types: Sequence[str]) -> tuple[list[str], Numbers]:
    """Probabilities (n, families) from those of types (n, types)."""
    names = sorted({family(name) for name in types})
    summed = np.zeros((len(chances), len(names)))
    for index, name in enumerate(types):
        summed[:, names.index(family(name))] += chances[:, index]
    return names, summed


def in_credible_set(chances: Numbers, truth: NDArray[np.intp]) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Whether the smallest set with nine tenths holds the truth, and how large it is."""
    order = np.argsort(-chances, axis=1, kind="stable")
    size = (np.take_along_axis(chances, order, 1).cumsum(axis=1) < CREDIBLE - 1e-9).sum(axis=1) + 1
    rank = (order == truth[:, None]).argmax(axis=1)
    return rank < size, size


def calibration_error(top: Numbers, right: NDArray[np.bool_], weight: Numbers) -> float:
    """Expected calibration error of the largest probability over equal bins (Naeini et al. 2015)."""
    bins = np.minimum((top * BINS).astype(int), BINS - 1)
    total = 0.0
    for index in range(BINS):
        inside = bins == index
        if inside.any():
            gap = np.average(right[inside], weights=weight[inside]) - np.average(top[inside], weights=weight[inside])
            total += abs(float(gap)) * float(weight[inside].sum() / weight.sum())
    return round(total, 4)


def naming(found: Cases, calibration: Calibration, level: str) -> list[dict[str, Any]]:
    """Coverage and accuracy of names given at each threshold, over all left-out pictures, absent types included."""
    chances = with_other(found.scores, calibration)[:, :-1]
    names, values = (list(found.types), chances) if level == "type" else of_families(chances, found.types)
    truth = found.names if level == "type" else [family(name) for name in found.names]
    right = np.array([names[index] == name for index, name in zip(values.argmax(axis=1), truth, strict=True)], np.bool_)
    rows = []
    for threshold in THRESHOLDS:
        given = values.max(axis=1) >= threshold
        rows.append(
            {
                "threshold": threshold,
                "pictures": len(right),
                "named": int(given.sum()),
                "right": int((given & right).sum()),
            }
        )
    return rows


def judge(found: Cases, calibration: Calibration) -> dict[str, Any]:
    """All figures of one fold and class."""
    present, absent, variant = (found.select(role) for role in (PRESENT, ABSENT, VARIANT))
    result: dict[str, Any] = {"fold": found.fold, "calibration": asdict(calibration)}
    if len(present.truth):
        result["present"] = _of_present(present, calibration)
    result["absent"] = _of_absent(absent, calibration) | {
        "auroc_of_other": area(
            with_other(absent.scores, calibration)[:, -1], with_other(present.scores, calibration)[:, -1]
        )
    }
    if len(variant.truth):
        names, summed = of_families(with_other(variant.scores, calibration)[:, :-1], found.types)
        hit = np.array([names[i] == family(name) for i, name in zip(summed.argmax(1), variant.names, strict=True)])
        result["variant"] = {"pictures": len(hit), "family_top1": share(hit, variant.weight)}
    both = found.select(PRESENT, ABSENT)
    chances = with_other(both.scores, calibration)
    result["ece"] = calibration_error(chances.max(axis=1), chances.argmax(axis=1) == both.truth, both.weight)
    result["named"] = {level: naming(found, calibration, level) for level in ("type", "family")}
    return result


def _of_present(found: Cases, calibration: Calibration) -> dict[str, Any]:
    chances = with_other(found.scores, calibration)
    ranks = np.argsort(-found.scores, axis=1, kind="stable")
    names, summed = of_families(chances[:, :-1], found.types)
    same = np.array([names[i] == family(name) for i, name in zip(summed.argmax(1), found.names, strict=True)])
    held, size = in_credible_set(chances, found.truth)
    return {
        "pictures": len(found.truth),
        "groups": round(float(found.weight.sum())),
        "types_in_gallery": len(found.types),
        "top1": share(ranks[:, 0] == found.truth, found.weight),
        "top3": share((ranks[:, :3] == found.truth[:, None]).any(axis=1), found.weight),
        "family_top1": share(same, found.weight),
        "credible_holds_truth": share(held, found.weight),
        "credible_size": round(float(size.mean()), 1),
    }


def _of_absent(found: Cases, calibration: Calibration) -> dict[str, Any]:
    chances = with_other(found.scores, calibration)
    held, _ = in_credible_set(chances, found.truth)
    return {
        "pictures": len(found.truth),
        "types": len(set(found.names)),
        "other_is_likeliest": share(chances.argmax(axis=1) == len(found.types), found.weight),
        "credible_holds_other": share(held, found.weight),
    }


def pooled(folds: Sequence[dict[str, Any]], part: Callable[[dict[str, Any]], dict[str, Any] | None]) -> dict[str, Any]:
    """Means over folds, weighted with their pictures."""
    parts = [found for fold in folds if (found := part(fold))]
    total = sum(item["pictures"] for item in parts)
    keys = [key for key, value in parts[0].items() if isinstance(value, float)]
    kept = {key: [(item[key], item["pictures"]) for item in parts if item.get(key) is not None] for key in keys}
    means = {key: round(sum(v * n for v, n in rows) / sum(n for _, n in rows), 4) for key, rows in kept.items()}
    return {"pictures": total, **means}


def other_opinions(pictures: Sequence[TypePicture]) -> dict[str, dict[str, int]]:
    """How often the published ImageNet head has an opinion on the class, and how often it is wrong, on a sample.

    The sample is judged as if the detector had no idea of the class, so that every opinion is given.
    """
    embedder = shipped_embedder()
    found = {}
    for kind in KINDS:
        asked = [item for item in pictures if item.kind == kind]
        asked = asked[:: max(1, len(asked) // OPINIONS)]
        given = [second_opinion(embedder.embed([plain(item)]).logits, np.ones(1), {}) for item in asked]
        nodes = [opinion[0][0] for opinion in given if opinion]
        right = sum(kind in lineage(node) for node in nodes)
        found[kind] = {"pictures": len(asked), "opinions": len(nodes), "right": right}
    return found


def evaluate(recipe: Recipe) -> dict[str, Any]:
    """The content of the metrics file."""
    pictures = read_index(recipe.path("pictures.jsonl"))
    absent = recipe.settings["calibrate"]["absent_share"]
    asked = all_cases(recipe, pictures, folds_of(recipe, pictures))
    content: dict[str, Any] = {
        "network": roundel_models.identify()["network"],
        "gallery": roundel_models.identify()["gallery"],
        "calibration": roundel_models.identify()["calibration"],
        "size": roundel_models.identify()["size"],
        "pictures": len(pictures),
        "groups": len({item.group for item in pictures}),
        "boxed": sum(item.boxed for item in pictures),
        "imagenet": other_opinions(pictures),
    }
    for arena in sorted({item.arena for item in asked}):
        mine = [item for item in asked if item.arena == arena]
        folds = [judge(item, fit([other for other in mine if other is not item], absent)) for item in mine]
        content[arena] = {
            "folds": folds,
            "present": pooled(folds, lambda fold: fold.get("present")),
            "absent": pooled(folds, lambda fold: fold["absent"]),
            "named": {
                level: [
                    {
                        "threshold": threshold,
                        **{
                            key: sum(fold["named"][level][row][key] for fold in folds)
                            for key in ("pictures", "named", "right")
                        },
                    }
                    for row, threshold in enumerate(THRESHOLDS)
                ]
                for level in ("type", "family")
            },
        }
    return content


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    recipe = load_recipe(parser.parse_args().recipe)
    content = evaluate(recipe)
    target = PROJECT / "models" / "cards" / f"{recipe.settings['export']['name']}.metrics.json"
    target.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    for arena in content["calibration"]:
        for fold in content[arena]["folds"]:
            print(arena, json.dumps({key: fold.get(key) for key in ("fold", "present", "variant", "absent", "ece")}))
        print(arena, "named", json.dumps(content[arena]["named"]))


if __name__ == "__main__":
    main()
