"""What people who looked at the footage say of a claim's subject, and what publications report of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from roundel.claims.counting import CONFIRMATIONS, SURE, agreeing, keys_of, lower_bound
from roundel.claims.model import Evidence, Finding
from roundel.claims.people import by_person
from roundel.claims.scene import View
from roundel.claims.subject import Wanted
from roundel.claims.type_shares import OUTSIDE
from roundel.words import counted, listed, share

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
    return agreeing([finding for finding in _stating(wanted, least) if finding.basis == "seen"], view)


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


def separating_parts(wanted: Wanted) -> list[Evidence]:
    """Findings that the part is visible by which the subject differs from others like it."""
    return [
        by_person("for", "part-found", f"{finding.who} found what tells {wanted.one()}: {finding.part}.", finding)
        for finding in wanted.view.of_kind("part")
        if finding.basis == "seen" and finding.nodes and all(wanted.is_subject(node) for node in finding.nodes)
    ]


def reported(wanted: Wanted, least: int) -> list[Evidence]:
    """What publications say, for and against; nobody here saw it."""
    lower = [item for item in _below(wanted, least) if item.basis != "seen"]
    found = [
        by_person(
            "for",
            "reported",
            f"Reported, not seen in the footage: at least {_as_stated(wanted, finding)} ({finding.source}).",
            finding,
        )
        for finding in _stating(wanted, least)
        if finding.basis != "seen"
    ]
    for finding in wanted.view.of_kind("type"):
        if finding.basis != "seen" and finding.types and not found:
            part = wanted.share(finding.types)
            said = (
                f"Reported, not seen in the footage: as {finding.who} weigh the types, it is {wanted.one()} with "
                f"probability {share(part)}."
            )
            if part >= 1 - ELSEWHERE and least == 1:
                found.append(by_person("for", "reported-type", said, finding))
            elif part <= ELSEWHERE and _same_kind(wanted, finding.types):
                found.append(by_person("against", "reported-type", said, finding))
    for finding in lower:
        text = f"Reported, not seen in the footage: no more than {wanted.number(_most_of(finding))} ({finding.source})."
        found.append(by_person("against", "reported-fewer", text, finding))
    return found


def _as_stated(wanted: Wanted, finding: Finding) -> str:
    """The number in the terms of the finding, and what that makes of the subject if it is another class."""
    titles = [wanted.view.catalogue.node_title(node) for node in finding.nodes]
    number = least_of(finding)
    stated = counted(number, titles[0]) if len(titles) == 1 else f"{number:,} × {listed(titles, 'or')}"
    same = set(finding.nodes) == set(wanted.claim.subject.nodes) and wanted.claim.subject.design_origin is None
    return stated if same else f"{stated}, so {wanted.number(number)}"


def fewer(wanted: Wanted, least: int) -> tuple[list[Evidence], tuple[str, ...]]:
    """What people who looked say against at least so many, and who agree in it: they counted fewer."""
    found = [item for item in _below(wanted, least) if item.basis == "seen"]
    evidence = [
        by_person(
            "against",
            "counted-fewer-by-a-person",
            f"{item.who} looked at the footage and counted no more than {wanted.number(_most_of(item))}.",
            item,
        )
        for item in found
    ]
    return evidence, agreeing(found, wanted.view)


def _below(wanted: Wanted, least: int) -> list[Finding]:
    """Counts of all that the claim counts, or of more, whose upper limit lies below ``least``."""
    tree, nodes = wanted.view.catalogue, wanted.claim.subject.nodes
    return [
        item
        for item in wanted.view.of_kind("sighting")
        if item.count is not None
        and (item.count.kind in {"exactly", "at_most", "between", "no"})
        and _most_of(item) < least
        and not wanted.besides
        and all(any(tree.is_a(node, one) for one in item.nodes) for node in nodes)
    ]


def _most_of(finding: Finding) -> int:
    """The largest number that a count states, if it states one."""
    count = finding.count
    if count is None or count.kind == "no":
        return 0
    return count.high if count.high is not None else count.low or 0


def _same_kind(wanted: Wanted, types: Mapping[str, float]) -> bool:
    """Whether the types could be what the claim speaks of: they share a class below equipment with it."""
    tree = wanted.view.catalogue
    wide = {"object", "equipment"}
    classes = {one for node in wanted.claim.subject.nodes for one in tree.lineage(node)} - wide
    return any(classes & set(tree.lineage(name)) for name in types if name not in OUTSIDE)


def rejections(wanted: Wanted) -> dict[str, tuple[Key, ...]]:
    """Who, having looked, rejected which sightings as being of the subject, or found them to be of another type."""
    found: dict[str, tuple[Key, ...]] = {}
    candidates = [one.key for one in wanted.view.sightings if wanted.class_chance(one) > 0]
    for finding in wanted.view.of_kind("rejection", "type"):
        if finding.basis != "seen" or not (_rejects(wanted, finding) or _typed_elsewhere(wanted, finding)):
            continue
        named = keys_of(finding, wanted.view) if finding.tracks else _in_video(finding, wanted.view)
        keys = tuple(key for key in named if key in candidates)
        if keys and (finding.tracks or finding.kind == "rejection"):
            found[finding.who] = (*found.get(finding.who, ()), *keys)
    return found


def _rejects(wanted: Wanted, finding: Finding) -> bool:
    """Whether a rejection takes in all that the claim speaks of: what is no MiG-21 may still be an aircraft."""
    tree = wanted.view.catalogue
    return (
        finding.kind == "rejection"
        and not finding.place
        and not wanted.besides
        and (
            not finding.nodes
            or all(any(tree.is_a(node, one) for one in finding.nodes) for node in wanted.claim.subject.nodes)
        )
    )


def _typed_elsewhere(wanted: Wanted, finding: Finding) -> bool:
    return finding.kind == "type" and wanted.elsewhere(finding.types or {}) >= SURE


def _in_video(finding: Finding, view: View) -> list[Key]:
    """The sightings in the video and at the time that a finding speaks of."""
    first = finding.start_seconds if finding.start_seconds is not None else float("-inf")
    last = finding.end_seconds if finding.end_seconds is not None else float("inf")
    return [
        one.key
        for item in view.footage
        if not finding.video or item.is_called(finding.video)
        for one in item.sightings
        if one.end_seconds >= first and one.start_seconds <= last
    ]


def rejection_evidence(wanted: Wanted, rejected: Mapping[str, Sequence[Key]]) -> list[Evidence]:
    """Rejections, and findings of another type, as evidence."""
    found = []
    for who, keys in rejected.items():
        mine = [item for item in wanted.view.of_kind("type") if item.who == who and _typed_elsewhere(wanted, item)]
        for item in mine:
            names = sorted((item.types or {}).items(), key=lambda one: (-one[1], one[0]))
            tracks = listed(sorted(item.tracks))
            title = wanted.view.catalogue.node_title(names[0][0])
            text = f"{who} looked at {tracks} and found {title}, not {wanted.one()}."
            found.append(by_person("against", "type-found-other", text, item))
        left = set(keys) - {key for item in mine for key in keys_of(item, wanted.view)}
        if left:
            text = f"{who} looked at {listed(sorted({track for _, track in left}))} and rejects it as {wanted.one()}."
            found.append(Evidence("against", "rejected", text, "finding"))
    return found


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
