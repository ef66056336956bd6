"""Which pictures each evaluation network may not see, and what question each of them asks.

A fold leaves out one source of aircraft pictures, a third of the groups of every tank type, and some tank families and
variants altogether. Groups are clusters of near-duplicates, so a left-out picture has no copy among the others: copies
of left-out pictures are left out too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import roundel_models
from training.types.pictures import TypePicture


@dataclass(frozen=True, slots=True)
class Fold:
    """Indices of pictures: ``known`` may be used; the queries may not.

    ``present``: their type is among the known; ``variants``: their type is not, but another of their family is;
    ``absent``: neither type nor family is.
    """

    name: str
    known: tuple[int, ...]
    present: tuple[int, ...]
    variants: tuple[int, ...]
    absent: tuple[int, ...]


def family(type_id: str) -> str:
    """The family of a type, or the type itself."""
    tree = roundel_models.types()
    parent = tree[type_id]["parent"]
    return parent if parent in tree else type_id


def _draw(*parts: object) -> float:
    """A number in [0, 1) that depends on nothing but its arguments."""
    text = "/".join(map(str, parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


def _part(key: str, item: object, folds: int) -> int:
    return int(_draw(key, item) * folds)


def make_folds(pictures: Sequence[TypePicture], sources: Sequence[str], families: float, variants: float) -> list[Fold]:
    """One fold for each source of aircraft."""
    return [_fold(pictures, source, number, sources, families, variants) for number, source in enumerate(sources)]


def _fold(
    pictures: Sequence[TypePicture], source: str, number: int, sources: Sequence[str], families: float, variants: float
) -> Fold:
    tanks = {item.type for item in pictures if item.kind == "armoured_vehicle"}
    hidden = {
        name
        for name in tanks
        if _draw("family", number, family(name)) < families
        or (family(name) != name and _draw("variant", number, name) < variants)
    }

    def held_out(item: TypePicture) -> bool:
        if item.kind == "armoured_vehicle":
            return item.type in hidden or _part("group", item.group, len(sources)) == number
        return item.source == source

    asked = {index for index, item in enumerate(pictures) if held_out(item)}
    copies = {pictures[index].group for index in asked}
    known = [index for index, item in enumerate(pictures) if item.group not in copies]
    types = {pictures[index].type for index in known}
    kin = {family(name) for name in types}
    chosen = sorted(asked)
    return Fold(
        source,
        tuple(known),
        tuple(index for index in chosen if pictures[index].type in types),
        tuple(index for index in chosen if pictures[index].type not in types and family(pictures[index].type) in kin),
        tuple(index for index in chosen if family(pictures[index].type) not in kin),
    )
