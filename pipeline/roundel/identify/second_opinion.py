"""What the ImageNet classes of the trunk say about the class of an object: another network's opinion."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

LEAST = 0.6
"""The share that the other network gives to its opinion, at least."""
MOST_SHARED = 0.2
"""The detector gives the opinion's class at most this share of its scores: they contradict each other."""

_AIRCRAFT = {895: "combat_aircraft", 404: "other_aircraft", 405: "other_aircraft"}  # warplane, airliner, airship
_ARMOUR = {847: "armoured_vehicle", 586: "armoured_vehicle"}  # tank, half-track
_MISSILES = {657: "missile", 744: "missile"}  # missile, projectile
_WARSHIPS = {403: "warship", 833: "warship"}  # aircraft carrier, submarine
_SHIPS = (472, 484, 510, 554, 576, 625, 628, 724, 780, 814, 871, 914)
"""Canoe, catamaran, container ship, fireboat, gondola, lifeboat, liner, pirate ship, schooner, speedboat, trimaran,
yawl."""
_CARS = (407, 436, 468, 511, 609, 627, 654, 656, 661, 717, 734, 751, 779, 817)
"""Ambulance, estate car, cab, convertible, jeep, limousine, minibus, minivan, Model T, pickup, police van, racer,
school
bus, sports car."""
_TRUCKS = (555, 569, 675, 803, 864, 866, 867, 874)
"""Fire engine, garbage truck, moving van, snowplough, tow truck, tractor, trailer truck, trolleybus."""
_BIRDS = (*range(7, 25), *range(80, 101), *range(127, 147))

NODES: Mapping[int, str] = {
    **_AIRCRAFT,
    **_ARMOUR,
    **_MISSILES,
    **_WARSHIPS,
    **dict.fromkeys(_SHIPS, "civil_ship"),
    **dict.fromkeys((*_CARS, *_TRUCKS), "civil_vehicle"),
    **dict.fromkeys(_BIRDS, "bird"),
}
"""The node of the class tree for those of the 1000 classes (ILSVRC 2012, numbered from 0) that have one."""


def second_opinion(
    logits: NDArray[np.float32], trust: NDArray[np.float64], shares: Mapping[str, float]
) -> tuple[tuple[str, float], ...]:
    """The node that the other network takes the object for, with its share, if that contradicts the detector.

    Args:
        logits: (views, 1000).
        trust: (views,), how much each view tells.
        shares: the detector's, by node of the class tree.
    """
    if trust.sum() <= 0:
        return ()
    chances = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    mean = np.sort(chances / chances.sum(axis=1, keepdims=True) * (trust / trust.sum())[:, None], axis=0).sum(axis=0)
    found: dict[str, float] = {}
    for index, node in NODES.items():
        found[node] = found.get(node, 0.0) + float(mean[index])
    node, share = max(found.items(), key=lambda item: (item[1], item[0]))
    return ((node, round(share, 4)),) if share >= LEAST and shares.get(node, 0.0) <= MOST_SHARED else ()
