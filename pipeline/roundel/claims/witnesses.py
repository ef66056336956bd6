"""What people who looked at the footage say of a claim's subject, and what publications report of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from roundel.claims.counting import CONFIRMATIONS, SURE, keys_of, lower_bound
from roundel.claims.model import Evidence, Finding
from roundel.claims.people import by_person
from roundel.claims.scene import OUTSIDE, View
from roundel.claims.subject import Wanted
from roundel.words import listed, share

Key = tuple[str, str]
ELSEWHERE = 0.2
"""A report of types speaks against a subject that has no more than this share of it, for it from 1 minus this on."""


def confirming(wanted: Wanted, least: int, view: View) -> tuple[str, ...]:
    """Who confirmed at least so many, if two people did: each sighting of a group, or the number itself."""
    people: dict[Key, set[str]] = {}
    for finding in _agreeing(wanted, view):
        for key in keys_of(finding, view):
            people.setdefault(key, set()).add(finding.who)
    sure = {key for key, who in people.items() if len(who) >= CONFIRMATIONS}
    group = lower_bound(view, lambda one: 1.0 if one.key in sure else 0.0)
    if len(group) >= least:
        return tuple(sorted({name for one in group.group for name in people[one.key]}))
    counting = {finding.who for finding in _stating(wanted, least) if finding.basis == "seen"}
    return tuple(sorted(counting)) if len(counting) >= CONFIRMATIONS else ()


def seen(wanted: Wanted, least: int, view: View) -> list[Evidence]:
    """What people who looked say for at least so many."""
    found = []
    for finding in _stating(wanted, least):
        if finding.basis == "seen":
            text = f"{finding.who} looked at the footage and counted at least {wanted.number(least_of(finding))}."
            found.append(by_person("for", "counted-by-a-person", text, finding))
    for finding in _agreeing(wanted, view):
        tracks = [track for _, track in keys_of(finding, view)]
        if len(tracks) >= least or (not finding.tracks and least == 1):
            where = listed(sorted(tracks)) or "the footage"
            text = f"{finding.who} looked at {where} and found {wanted.one()}{' in each' if len(tracks) > 1 else ''}."
            found.append(by_person("for", "confirmed-by-a-person", text, finding))
    return found


def reported(wanted: Wanted, least: int) -> list[Evidence]:
    """What publications say, for and against; nobody here saw it."""
    found = [
        by_person(
            "for",
            "reported",
            f"Reported, not seen in the footage: at least {wanted.number(least_of(finding))} ({finding.source}).",
            finding,
        )
        for finding in _stating(wanted, least)
        if finding.basis != "seen"
    ]
    for finding in wanted.view.of_kind("type"):
        if finding.basis != "seen" and finding.types and least == 1 and not found:
            part = wanted.share(finding.types)
            said = (
                f"Reported, not seen in the footage: as {finding.who} weigh the types, it is {wanted.one()} with "
                f"probability {share(part)}."
            )
            if part >= 1 - ELSEWHERE:
                found.append(by_person("for", "reported-type", said, finding))
            elif part <= ELSEWHERE and _same_kind(wanted, finding.types):
                found.append(by_person("against", "reported-type", said, finding))
    return found


def _same_kind(wanted: Wanted, types: Mapping[str, float]) -> bool:
    """Whether the types could be what the claim speaks of: they share a class below equipment with it."""
    tree = wanted.view.catalogue
    wide = {"object", "equipment"}
    classes = {one for node in wanted.claim.subject.nodes for one in tree.lineage(node)} - wide
    return any(classes & set(tree.lineage(name)) for name in types if name not in OUTSIDE)


def rejections(wanted: Wanted) -> dict[str, tuple[Key, ...]]:
    """Who rejected which sightings as being of the subject."""
    found: dict[str, tuple[Key, ...]] = {}
    tree, nodes = wanted.view.catalogue, wanted.claim.subject.nodes
    candidates = [one.key for one in wanted.view.sightings if wanted.chance(one) > 0]
    for finding in wanted.view.of_kind("rejection"):
        about = not finding.nodes or any(
            tree.is_a(one, other) or tree.is_a(other, one) for one in finding.nodes for other in nodes
        )
        if about and not finding.place:
            named = keys_of(finding, wanted.view) if finding.tracks else candidates
            keys = tuple(key for key in named if key in candidates)
            if keys:
                found[finding.who] = (*found.get(finding.who, ()), *keys)
    return found


def rejection(wanted: Wanted, who: str, keys: Sequence[Key]) -> Evidence:
    """A rejection as evidence."""
    tracks = listed(sorted({track for _, track in keys}))
    return Evidence("against", "rejected", f"{who} looked at {tracks} and rejects it as {wanted.one()}.", "finding")


def without(view: View, rejected: Mapping[str, Sequence[Key]]) -> View:
    """The view without the sightings that somebody rejected."""
    return replace(view, rejected=frozenset(key for keys in rejected.values() for key in keys))


def least_of(finding: Finding) -> int:
    """The least number that a finding states."""
    if finding.count is None:
        return 1
    return finding.count.low if finding.count.low is not None else 0


def _stating(wanted: Wanted, least: int) -> list[Finding]:
    return [
        finding
        for finding in wanted.view.of_kind("sighting")
        if finding.nodes and least_of(finding) >= least and all(wanted.is_subject(node) for node in finding.nodes)
    ]


def _agreeing(wanted: Wanted, view: View) -> list[Finding]:
    """Findings of people who looked, that a sighting is of the subject."""
    found = []
    for finding in view.of_kind("confirmation", "type"):
        if finding.basis != "seen":
            continue
        if finding.kind == "type":
            agrees = wanted.share(finding.types or {}) >= SURE
        else:
            agrees = bool(finding.nodes) and all(wanted.is_subject(node) for node in finding.nodes)
        if agrees and not any(key in view.rejected for key in keys_of(finding, view)):
            found.append(finding)
    return found
