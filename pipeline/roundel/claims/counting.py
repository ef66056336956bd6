"""At least how many different objects of a subject, with the frames and readings that prove it.

Sightings are nodes. Two are different objects if one frame shows them side by side, if two people each read different
serials on them, or if two people each found types that exclude each other. They are one object if two people each read
the same serial on both. The bound is the largest set of which each two are different.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import networkx

from roundel.claims.model import Exhibit, Finding
from roundel.claims.scene import Sighting, View
from roundel.claims.type_shares import OUTSIDE
from roundel.claims.wording import tail

Chance = Callable[[Sighting], float]
CONFIRMATIONS = 2
"""So many people, independently, make a finding about the footage confirmed."""
LEAST = 0.5
SURE = 0.9


@dataclass(frozen=True, slots=True)
class Bound:
    """``group``: the sightings that are different objects; ``chances``: P(subject) of each; ``exhibits``: the proof."""

    group: tuple[Sighting, ...]
    chances: tuple[float, ...]
    exhibits: tuple[Exhibit, ...]

    def __len__(self) -> int:
        return len(self.group)

    def tail(self, least: int) -> float:
        """P(at least so many of the group are objects of the subject)."""
        return tail(self.chances, least)

    def weakest(self, least: int) -> list[tuple[Sighting, float]]:
        """The ``least`` most probable sightings of the group: what a statement about so many rests on."""
        order = sorted(zip(self.group, self.chances, strict=True), key=lambda item: (-item[1], item[0].key))
        return order[:least]


def lower_bound(view: View, chance: Chance) -> Bound:
    """The largest group of different objects, each more likely than not of the subject."""
    nodes = {one.key: one for one in view.sightings if one.solid and one.key not in view.rejected}
    nodes = {key: one for key, one in nodes.items() if chance(one) > LEAST}
    proofs = _side_by_side(view, nodes)
    serials, types = confirmed_serials(view), confirmed_types(view)
    for one, other in combinations(sorted(nodes), 2):
        if one in serials and other in serials and serials[one] != serials[other]:
            proofs.setdefault((one, other), Exhibit(f"read as {serials[one]} and {serials[other]}"))
        elif one in types and other in types and _excluded(types[one], types[other], view):
            proofs.setdefault((one, other), Exhibit(f"found to be {types[one]} and {types[other]}"))
    representative = _contracted(sorted(nodes), serials)
    graph = networkx.Graph()
    for key in set(representative.values()):
        graph.add_node(key, weight=1000 + round(100 * chance(nodes[key])))
    for one, other in proofs:
        if representative[one] != representative[other]:
            graph.add_edge(representative[one], representative[other])
    best: Sequence[tuple[str, str]] = networkx.max_weight_clique(graph)[0] if len(graph) else []
    chosen = sorted(best)
    shown = {
        proof
        for pair, proof in proofs.items()
        if representative[pair[0]] in chosen and representative[pair[1]] in chosen
    }
    alone = {nodes[key].exhibit for key in chosen} if len(chosen) == 1 else set()
    return Bound(
        tuple(nodes[key] for key in chosen),
        tuple(chance(nodes[key]) for key in chosen),
        tuple(sorted(shown | alone, key=lambda item: (item.video, item.seconds or 0.0, item.label))),
    )


def most(view: View, chance: Chance, least: float) -> int:
    """How many sightings may be of the subject: those at or above ``least``; of those with one serial only one."""
    keys = sorted(one.key for one in view.sightings if one.key not in view.rejected and chance(one) >= least)
    return len(set(_contracted(keys, confirmed_serials(view)).values()))


def confirmed_serials(view: View) -> Mapping[tuple[str, str], str]:
    """The serial of each sighting on which enough people read the same one and nobody another."""
    readers: dict[tuple[str, str], dict[str, set[str]]] = {}
    for finding in view.of_kind("serial"):
        for key in keys_of(finding, view) if finding.basis == "seen" else ():
            readers.setdefault(key, {}).setdefault(plain(finding.serial), set()).add(finding.who)
    return {
        key: next(iter(read))
        for key, read in readers.items()
        if len(read) == 1 and len(next(iter(read.values()))) >= CONFIRMATIONS
    }


def confirmed_types(view: View) -> Mapping[tuple[str, str], str]:
    """The type of each sighting on which enough people agree, each of them all but sure."""
    said: dict[tuple[str, str], dict[str, set[str]]] = {}
    for finding in view.of_kind("type"):
        name, share = max((finding.types or {}).items(), key=lambda item: item[1], default=("", 0.0))
        if share >= SURE and name not in OUTSIDE and finding.basis == "seen":
            for key in keys_of(finding, view):
                said.setdefault(key, {}).setdefault(name, set()).add(finding.who)
    return {
        key: next(iter(names))
        for key, names in said.items()
        if len(names) == 1 and len(next(iter(names.values()))) >= CONFIRMATIONS
    }


def keys_of(finding: Finding, view: View) -> list[tuple[str, str]]:
    """The sightings that a finding names."""
    return [
        one.key
        for item in view.footage
        if not finding.video or item.is_called(finding.video)
        for one in item.sightings
        if one.track in finding.tracks
    ]


def agreeing(findings: Sequence[Finding], view: View) -> tuple[str, ...]:
    """Who agrees with another about the same thing: in one video, at one time, and on one sighting if both name any."""
    people: set[str] = set()
    for one, other in combinations(findings, 2):
        if one.who != other.who and _same_thing(one, other, view):
            people |= {one.who, other.who}
    return tuple(sorted(people))


def _same_thing(one: Finding, other: Finding, view: View) -> bool:
    named = {item.video for item in (one, other) if item.video}
    if len(named) > 1 and not any(all(map(item.is_called, named)) for item in view.footage):
        return False
    first = [item.start_seconds for item in (one, other) if item.start_seconds is not None]
    last = [item.end_seconds for item in (one, other) if item.end_seconds is not None]
    if first and last and max(first) > min(last):
        return False
    return not one.tracks or not other.tracks or bool(set(keys_of(one, view)) & set(keys_of(other, view)))


def plain(serial: str) -> str:
    """A serial as it is compared: letters and digits alone.

    >>> plain("No. 23-57 ")
    'NO2357'
    """
    return "".join(character for character in serial.upper() if character.isalnum())


def _excluded(one: str, other: str, view: View) -> bool:
    return not view.catalogue.is_a(one, other) and not view.catalogue.is_a(other, one)


def _side_by_side(
    view: View, nodes: Mapping[tuple[str, str], Sighting]
) -> dict[tuple[tuple[str, str], tuple[str, str]], Exhibit]:
    found: dict[tuple[tuple[str, str], tuple[str, str]], Exhibit] = {}
    for item in view.footage:
        for frame in item.together:
            present = sorted((item.sha256, track) for track in frame.tracks if (item.sha256, track) in nodes)
            for pair in combinations(present, 2):
                label = f"{', '.join(track for _, track in present)} side by side"
                found.setdefault((pair[0], pair[1]), Exhibit(label, item.sha256, frame.seconds, frame.file))
    return found


def _contracted(
    keys: Sequence[tuple[str, str]], serials: Mapping[tuple[str, str], str]
) -> dict[tuple[str, str], tuple[str, str]]:
    """Each sighting's representative: the first one with the same confirmed serial, else itself."""
    first: dict[str, tuple[str, str]] = {}
    return {key: first.setdefault(serials[key], key) if key in serials else key for key in keys}
