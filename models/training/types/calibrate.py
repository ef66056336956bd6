"""Step 4: fit what turns similarities into probabilities, and measure how much objects of a size tell.

    python -m training.types.calibrate models/training/types.toml

The similarities are those of pictures that a fold's network and gallery have never seen: for aircraft of a source they
have never seen, for tanks of other groups of near-duplicates. The result goes into ``identify.toml`` with the number of
groups that it rests on.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from roundel.identify.posterior import SizeLimit, similarities
from training.recipe import Recipe, load_recipe
from training.types.cases import all_cases, fit
from training.types.features import run_trunk, trunk_session
from training.types.network import Head
from training.types.pictures import TypePicture, read_index
from training.types.register import update
from training.types.train import folds_of, vectors_of
from training.types.views import length, reduced

LEAST_CERTAIN = 0.25
"""Objects so small that they keep a smaller share of the right answers are not looked at."""


def size_curve(recipe: Recipe, pictures: Sequence[TypePicture]) -> list[tuple[int, float]]:
    """For each size, how many of the left-out pictures that are right at full size are still right."""
    settings = recipe.settings["calibrate"]
    fold = folds_of(recipe, pictures)[0]
    head = Head(recipe.settings["network"]["embedding"])
    head.load_state_dict(torch.load(recipe.path(f"head-{fold.name}.pt"), weights_only=True))
    vectors = np.load(recipe.path(f"vectors-{fold.name}.npy"))
    known = list(fold.known)
    types = sorted({pictures[index].type for index in known})
    labels = np.array([types.index(pictures[index].type) for index in known])
    session = trunk_session(recipe)

    def right(asked: Sequence[int], found: NDArray[np.float32]) -> NDArray[np.bool_]:
        nearest = similarities(found, vectors[known], labels, len(types)).argmax(axis=1)
        hits = [types[name] == pictures[index].type for name, index in zip(nearest, asked, strict=True)]
        return np.array(hits, np.bool_)

    large = [index for index in fold.present if length(pictures[index]) >= max(settings["sizes_px"])]
    asked = [index for index, hit in zip(large, right(large, vectors[large]), strict=True) if hit]
    asked = asked[: settings["size_pictures"]]
    curve = []
    for size in settings["sizes_px"]:
        crops = [reduced(pictures[index], size) for index in asked]
        features = np.stack([run_trunk(session, crops), run_trunk(session, [crop[:, ::-1] for crop in crops])])
        curve.append((size, float(right(asked, vectors_of(head.eval(), features)).mean())))
    return curve


def fit_size(curve: Sequence[tuple[int, float]]) -> SizeLimit:
    """The logistic curve over the logarithm of the size that fits the measured shares best (least squares)."""
    best, lowest = SizeLimit(0, 32, 2), np.inf
    for half in np.geomspace(8, 200, 120):
        for slope in np.linspace(0.8, 6, 53):
            loss = sum((1 / (1 + (size / half) ** -slope) - share) ** 2 for size, share in curve)
            if loss < lowest:
                least = half * (LEAST_CERTAIN / (1 - LEAST_CERTAIN)) ** (1 / slope)
                best, lowest = SizeLimit(round(float(least), 1), round(float(half), 1), round(float(slope), 2)), loss
    return best


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    recipe = load_recipe(parser.parse_args().recipe)
    pictures = read_index(recipe.path("pictures.jsonl"))
    absent = recipe.settings["calibrate"]["absent_share"]
    asked = all_cases(recipe, pictures, folds_of(recipe, pictures))
    for arena in sorted({item.arena for item in asked}):
        found = fit([item for item in asked if item.arena == arena], absent)
        values = {**asdict(found), "absent_share": absent}
        update(f"calibration.{arena}", values)
        print(f"{arena}: {values}")
    curve = size_curve(recipe, pictures)
    limit = fit_size(curve)
    update(
        "size",
        {
            "least_px": limit.least_px,
            "half_px": limit.half_px,
            "slope": limit.slope,
            "measured_px": [size for size, _ in curve],
            "still_right": [round(share, 3) for _, share in curve],
        },
    )
    print(f"size: {limit}; {curve}")


if __name__ == "__main__":
    main()
