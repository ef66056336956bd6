"""The class tree: from the scores of a detector to the deepest class that may be named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import roundel_models

ROOT = "object"


@dataclass(frozen=True, slots=True)
class Node:
    """A class. ``hardware``: a report counts it as equipment; ``pictures``: it may be shown in exhibits."""

    name: str
    parent: str | None
    title: str
    hardware: bool
    pictures: bool


@cache
def tree() -> dict[str, Node]:
    """All nodes by name."""
    return {
        name: Node(name, data.get("parent"), data["title"], data.get("hardware", False), data.get("pictures", True))
        for name, data in roundel_models.classes().items()
    }


@cache
def lineage(name: str) -> tuple[str, ...]:
    """A node and its ancestors, deepest first.

    >>> lineage("uav")
    ('uav', 'aircraft', 'equipment', 'object')
    """
    parent = tree()[name].parent
    return (name, *lineage(parent)) if parent else (name,)


def shares(scores: Mapping[str, float]) -> dict[str, float]:
    """Each node's share of the detector's scores: a class counts for itself and all its ancestors.

    >>> shares({"uav": 0.3, "helicopter": 0.1})["aircraft"]
    1.0
    """
    total = sum(scores.values())
    found: dict[str, float] = {}
    for name, score in scores.items():
        for node in lineage(name):
            found[node] = found.get(node, 0.0) + (score / total if total else 0.0)
    return {node: round(share, 4) for node, share in sorted(found.items(), key=lambda item: (-item[1], item[0]))}


def hidden_share(posterior: Mapping[str, float]) -> float:
    """Share of the classes that are never pictured or counted, people, given that there is an object."""
    given = given_object(posterior) if ROOT in posterior else posterior
    return sum(given.get(name, 0.0) for name, node in tree().items() if not node.pictures)


def given_object(posterior: Mapping[str, float]) -> dict[str, float]:
    """The posterior under the condition that there is an object: the root gets 1.

    >>> given_object({"object": 0.5, "aircraft": 0.4})
    {'object': 1.0, 'aircraft': 0.8}
    """
    whole = posterior.get(ROOT, 0.0)
    return {name: share / whole if whole else 0.0 for name, share in posterior.items()}


def deepest(posterior: Mapping[str, float], threshold: float, shown_as: Mapping[str, str]) -> str:
    """The deepest node with at least the threshold's share that may be shown; the tree's root if there is none.

    ``shown_as`` maps a class to the ancestor that stands for it in reports.
    """
    allowed = [name for name in posterior if name not in shown_as and posterior[name] >= threshold]
    return max(allowed, key=lambda name: (len(lineage(name)), posterior[name], name), default=ROOT)
