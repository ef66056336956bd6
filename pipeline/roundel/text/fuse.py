"""One reading out of many: readings of the same place in several views and renderings, character by character."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from roundel.text.tesseract import Choices, Raw
from roundel.text.writing import trimmed

Box = tuple[float, float, float, float]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Look:
    """One rendering of one line in one view, as it was read in one language.

    ``place`` is the line's box relative to what it is written on (0..1 in both directions): the object's box or the
    frame, so that the same place of a moving object is the same place.
    """

    view: int
    place: Box
    language: str
    raw: Raw


@dataclass(frozen=True, slots=True)
class Fused:
    """The consensus of looks at one place.

    ``support`` holds the views in which at least one rendering was read as ``text``; ``confidence`` is the mean weight
    of its characters over all renderings, those read otherwise counted as nothing; ``weakest`` that of the weakest one.
    """

    text: str
    characters: tuple[Choices, ...]
    confidence: float
    weakest: float
    support: tuple[int, ...]
    looks: int


def distance(one: str, other: str) -> int:
    """Edit distance.

    >>> distance("226", "2267"), distance("226", "276"), distance("", "ab")
    (1, 1, 2)
    """
    return sum(step is None or one[step[0]] != other[step[1]] for step in _steps(one, other))


def _steps(one: str, other: str) -> list[tuple[int, int] | None]:
    """The cheapest alignment: pairs of positions, ``None`` for each character that has no partner."""
    costs = [
        [row + column if not (row and column) else 0 for column in range(len(other) + 1)] for row in range(len(one) + 1)
    ]
    for row in range(1, len(one) + 1):
        for column in range(1, len(other) + 1):
            costs[row][column] = min(
                costs[row - 1][column - 1] + (one[row - 1] != other[column - 1]),
                costs[row - 1][column] + 1,
                costs[row][column - 1] + 1,
            )
    row, column, steps = len(one), len(other), list[tuple[int, int] | None]()
    while row or column:
        if row and column and costs[row][column] == costs[row - 1][column - 1] + (one[row - 1] != other[column - 1]):
            row, column = row - 1, column - 1
            steps.append((row, column))
        elif row and costs[row][column] == costs[row - 1][column] + 1:
            row -= 1
            steps.append(None)
        else:
            column -= 1
            steps.append(None)
    return steps[::-1]


def clean(raw: Raw) -> Raw:
    """Without the signs at both ends."""
    start, end = trimmed(raw.text)
    return Raw(raw.characters[start:end])


def fuse(looks: Sequence[Look]) -> Fused | None:
    """The consensus of all looks at one place in one language, or ``None`` if there is nothing to agree on.

    The reading to which the others are aligned is the one that all together weigh most: the sum of the confidences of
    equal texts, then the text itself. Each look adds the weights of its characters, and of their alternatives, to the
    positions they are aligned with; weights are divided by the number of looks.
    """
    read = [(look, clean(look.raw)) for look in looks]
    weight: dict[str, float] = {}
    for _, raw in read:
        if raw.text:
            weight[raw.text] = weight.get(raw.text, 0.0) + raw.confidence
    if not weight:
        return None
    pivot = max(weight, key=lambda text: (weight[text], text))
    sums: list[dict[str, float]] = [{} for _ in pivot]
    for _, raw in read:
        if raw.text and distance(pivot, raw.text) <= max(1, len(pivot) // 2):
            for step in _steps(pivot, raw.text):
                if step is not None:
                    for character, value in raw.characters[step[1]]:
                        sums[step[0]][character] = sums[step[0]].get(character, 0.0) + value
    characters = tuple(_ordered(options, len(read)) for options in sums)
    fused = Raw(characters)
    means = [choices[0][1] for choices in characters if choices[0][0] != " "]
    support = tuple(sorted({look.view for look, raw in read if raw.text == fused.text}))
    return Fused(fused.text, characters, round(fused.confidence, 4), round(min(means), 4), support, len(read))


def _ordered(options: dict[str, float], looks: int) -> Choices:
    ordered = sorted(options.items(), key=lambda item: (-item[1], item[0]))
    found = tuple((character, round(value / looks, 4)) for character, value in ordered)
    return tuple(item for item in found if item[1] > 0) or found[:1]


def same_place(one: Box, other: Box, slack: float = 0.0) -> bool:
    """Whether two places, grown by ``slack`` on each side, overlap by more than half of the smaller one's sides."""
    for low, high in ((0, 2), (1, 3)):
        shared = min(one[high], other[high]) - max(one[low], other[low]) + 2 * slack
        if shared <= 0.5 * (min(one[high] - one[low], other[high] - other[low]) + 2 * slack):
            return False
    return True


def group(items: Sequence[tuple[Box, T]], slack: float = 0.0) -> list[list[T]]:
    """Put what is at the same place together, in the order of the first of each."""
    groups: list[tuple[Box, list[T]]] = []
    for place, item in items:
        for anchor, members in groups:
            if same_place(anchor, place, slack):
                members.append(item)
                break
        else:
            groups.append((place, [item]))
    return [members for _, members in groups]
