"""What the folds ask: similarities of left-out pictures to the gallery of the known ones, with the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from roundel.identify.gallery import arena
from roundel.identify.posterior import Calibration, similarities, with_other
from training.recipe import Recipe
from training.types.folds import Fold
from training.types.pictures import TypePicture

PRESENT, VARIANT, ABSENT = "present", "variant", "absent"
KINDS = ("combat_aircraft", "armoured_vehicle")
TANK_SOURCE = "amannoufel"
COLDEST = 0.02  # a lower temperature would make a certainty of the smallest difference
UNIFORM = (0.3, 0.4, 0.5, 0.6, 0.8)


@dataclass(frozen=True, slots=True, eq=False)
class Cases:
    """Left-out pictures of one fold and one kind.

    ``source``: where the pictures come from; ``scores``: (n, types), similarities to ``types``; ``truth``: (n,), the
    type's index or ``len(types)`` for a type that is not in the gallery; ``role``: (n,), present, variant or absent;
    ``weight``: (n,), one for each group of near-duplicates; ``names``: (n,), the true types.
    """

    fold: str
    source: str
    arena: str
    types: tuple[str, ...]
    scores: NDArray[np.float64]
    truth: NDArray[np.intp]
    role: NDArray[np.str_]
    weight: NDArray[np.float64]
    names: tuple[str, ...]

    def select(self, *roles: str) -> Cases:
        """The cases of these roles."""
        keep = np.isin(self.role, roles)
        names = tuple(name for name, kept in zip(self.names, keep, strict=True) if kept)
        return Cases(
            self.fold,
            self.source,
            self.arena,
            self.types,
            self.scores[keep],
            self.truth[keep],
            self.role[keep],
            self.weight[keep],
            names,
        )


def cases(pictures: Sequence[TypePicture], fold: Fold, kind: str, vectors: NDArray[np.float32]) -> Cases:
    """The cases of a fold and a class; ``vectors`` (pictures, d) are those of the fold's own network."""
    known = [index for index in fold.known if pictures[index].kind == kind]
    types = tuple(sorted({pictures[index].type for index in known}))
    labels = np.array([types.index(pictures[index].type) for index in known])
    asked = [(index, role) for role, part in _parts(fold) for index in part if pictures[index].kind == kind]
    chosen = [index for index, _ in asked]
    names = tuple(pictures[index].type for index in chosen)
    groups = [pictures[index].group for index in chosen]
    return Cases(
        fold.name,
        fold.name if kind == "combat_aircraft" else TANK_SOURCE,
        arena(kind),
        types,
        similarities(vectors[chosen], vectors[known], labels, len(types)),
        np.array([types.index(name) if name in types else len(types) for name in names], np.intp),
        np.array([role for _, role in asked]),
        np.array([1 / groups.count(group) for group in groups]),
        names,
    )


def _parts(fold: Fold) -> list[tuple[str, tuple[int, ...]]]:
    return [(PRESENT, fold.present), (VARIANT, fold.variants), (ABSENT, fold.absent)]


def all_cases(recipe: Recipe, pictures: Sequence[TypePicture], folds: Sequence[Fold]) -> list[Cases]:
    """The cases of all folds and classes."""
    return [
        cases(pictures, fold, kind, np.load(recipe.path(f"vectors-{fold.name}.npy")))
        for fold in folds
        for kind in KINDS
    ]


def surprise(found: Sequence[Cases], calibration: Calibration, absent_share: float) -> float:
    """Mean negative log-likelihood of the truth, with ``absent_share`` of the weight on types the gallery lacks."""
    total = 0.0
    for role, share in ((PRESENT, 1 - absent_share), (ABSENT, absent_share)):
        losses, weights = [], []
        for item in found:
            part = item.select(role)
            if len(part.truth):
                chances = with_other(part.scores, calibration)
                losses.append(-np.log(np.maximum(chances[np.arange(len(part.truth)), part.truth], 1e-9)))
                weights.append(part.weight)
        total += share * float(np.average(np.concatenate(losses), weights=np.concatenate(weights)))
    return total


def fit(found: Sequence[Cases], absent_share: float) -> Calibration:
    """The calibration under which the truth is least surprising.

    At least 1 / (n + 2) is spread evenly for n sources whose types were present: by Laplace's rule of succession that
    is the chance that the next source is unlike those before, even if all of them were alike.
    """
    sources = len({item.source for item in found if len(item.select(PRESENT).truth)})
    least = 1 / (sources + 2)
    trials = [_fit(found, absent_share, share, sources) for share in (least, *(s for s in UNIFORM if s > least))]
    return min(trials, key=lambda trial: surprise(found, trial, absent_share))


def _fit(found: Sequence[Cases], absent_share: float, uniform: float, sources: int) -> Calibration:
    groups = round(sum(float(item.select(PRESENT, ABSENT).weight.sum()) for item in found))
    uniform = round(uniform, 4)
    best = Calibration(0.1, 0.5, uniform, groups, sources)
    step_t, step_o = 0.5, 0.1
    lowest = surprise(found, best, absent_share)
    while step_o > 0.002:
        trials = [
            replace(
                best,
                temperature=max(COLDEST, best.temperature * float(np.exp(step_t * a))),
                other=best.other + step_o * b,
            )
            for a in (-1, 0, 1)
            for b in (-1, 0, 1)
        ]
        losses = [surprise(found, trial, absent_share) for trial in trials]
        index = int(np.argmin(losses))
        if losses[index] < lowest - 1e-9:
            best, lowest = trials[index], losses[index]
        else:
            step_t, step_o = step_t / 2, step_o / 2
    return replace(best, temperature=round(best.temperature, 5), other=round(best.other, 5))
