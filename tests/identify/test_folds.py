"""What evaluation networks may not see, and the fit of a calibration, on made pictures."""

from __future__ import annotations

import numpy as np
import pytest

from roundel.identify.posterior import with_other
from training.types.cases import ABSENT, PRESENT, Cases, fit, surprise
from training.types.evaluate import area, calibration_error, in_credible_set
from training.types.folds import family, make_folds
from training.types.pictures import TypePicture, read_names

SOURCES = ("ivancupic4", "wouter")


def pictures() -> list[TypePicture]:
    """Aircraft of two sources with a copy across them, and tanks of one source."""
    rows = [("f-16", "wouter", 1), ("f-16", "ivancupic4", 1), ("f-16", "wouter", 2), ("f-22", "wouter", 3)]
    rows += [("typhoon", "ivancupic4", 4), ("f-16", "ivancupic4", 5)]
    tanks = sorted({name for name in read_names().values() if name.startswith(("t-72", "leopard-2", "merkava"))})
    rows += [(name, "amannoufel", 100 + 10 * index + number) for index, name in enumerate(tanks) for number in range(6)]
    return [
        TypePicture(f"{index}.jpg", name, source, "CC0", "sha256:0", group, (0, 0, 9, 9), True)
        for index, (name, source, group) in enumerate(rows)
    ]


@pytest.mark.parametrize("number", [0, 1])
def test_nothing_left_out_has_a_copy_among_the_known(number: int) -> None:
    items = pictures()
    fold = make_folds(items, SOURCES, 0.3, 0.3)[number]
    asked = {*fold.present, *fold.variants, *fold.absent}
    known = {items[index].group for index in fold.known}
    assert asked
    assert not known & {items[index].group for index in asked}
    assert all(items[index].source != SOURCES[number] for index in fold.known)
    types = {items[index].type for index in fold.known}
    assert all(items[index].type in types for index in fold.present)
    assert all(items[index].type not in types for index in (*fold.variants, *fold.absent))
    kin = {family(name) for name in types}
    assert all(family(items[index].type) in kin for index in fold.variants)
    assert all(family(items[index].type) not in kin for index in fold.absent)


def made(separation: float) -> Cases:
    """Present cases that are nearer to their own type by ``separation``, and absent ones that are near to none."""
    draw = np.random.default_rng(0)
    scores = draw.normal(0.2, 0.05, (300, 4))
    truth = np.array([index % 4 if index < 200 else 4 for index in range(300)])
    scores[np.arange(200), truth[:200]] += separation
    role = np.array([PRESENT] * 200 + [ABSENT] * 100)
    types = ("f-16", "f-22", "mig-29", "typhoon")
    return Cases("one", "one", "aircraft", types, scores, truth, role, np.ones(300), ("f-16",) * 300)


def test_a_calibration_trusts_similarity_only_where_it_tells() -> None:
    telling, silent = made(0.5), made(0.0)
    for cases, least, most in ((telling, 0.6, 0.68), (silent, 0.0, 0.2)):
        calibration = fit([cases], 0.5)
        chances = with_other(cases.scores, calibration)
        right = chances[np.arange(200), cases.truth[:200]].mean()
        assert least <= right - 1 / 15 <= most
        assert calibration.uniform >= 1 / 3 - 1e-4
        assert calibration.groups == 300
    assert surprise([telling], fit([telling], 0.5), 0.5) < surprise([silent], fit([silent], 0.5), 0.5)


def test_measures() -> None:
    assert area(np.array([2.0, 3.0]), np.array([1.0, 2.0])) == 0.875
    assert area(np.array([1.0]), np.array([])) is None
    held, size = in_credible_set(np.array([[0.6, 0.35, 0.05]]), np.array([1]))
    assert (held.tolist(), size.tolist()) == ([True], [2])
    top = np.array([0.95, 0.95])
    assert calibration_error(top, np.array([True, True]), np.ones(2)) == 0.05
