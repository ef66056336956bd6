"""What only people can say: where and when footage was filmed, what a marking says, what was published before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from roundel.claims.copies import LOOK, earlier, shown_before
from roundel.claims.counting import CONFIRMATIONS, agreeing, keys_of, plain
from roundel.claims.model import Claim, DateSpan, Direction, Evidence, Exhibit, Finding, Source, Step, Verdict
from roundel.claims.parts import Part, worst
from roundel.claims.scene import View, overlaps

DAY = timedelta(days=1)
NOT_BY_FOOTAGE = (
    "Where and when footage was filmed can be shown by people only; nobody's finding about its {what} is given."
)

PLACES_BY_NAME = "Whether “{one}” is another place is for a person to say: names are compared by their letters alone."


def by_person(direction: Direction, rule: str, text: str, finding: Finding) -> Evidence:
    """Evidence that is a person's finding, with its publication or document as exhibit."""
    label = finding.source or f"finding {finding.id} of {finding.who}, {finding.found.isoformat()}"
    source: Source = "finding"
    return Evidence(direction, rule, text, source, exhibits=(Exhibit(label),))


def said_by(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The people behind findings, each once."""
    return tuple(sorted({finding.who for finding in findings}))


def agreed(findings: Sequence[Finding]) -> Verdict:
    """What findings that agree with a claim are worth: two people who looked support it, else it is consistent."""
    return Verdict.SUPPORTS if len(said_by(_seen(findings))) >= CONFIRMATIONS else Verdict.CONSISTENT_WITH


def opposed(findings: Sequence[Finding]) -> Verdict:
    """What findings that exclude a claim are worth: two people who looked contradict it, all else weakens it."""
    return Verdict.CONTRADICTS if len(said_by(_seen(findings))) >= CONFIRMATIONS else Verdict.WEAKENS


def _seen(findings: Sequence[Finding]) -> list[Finding]:
    return [item for item in findings if item.basis == "seen"]


def place_and_time(claim: Claim, view: View) -> list[Part]:
    """The parts of a claim that say where and when it was filmed."""
    found = []
    if claim.scope.place is not None:
        found.append(_place(claim.scope.place, view))
    if claim.scope.when is not None:
        found.append(_time(claim, view))
    return found


def _place(wanted: str, view: View) -> Part:
    same = [item for item in view.of_kind("place") if _is_place(item.place, wanted)]
    other = [item for item in view.of_kind("place") if item not in same]
    denied = [item for item in view.of_kind("rejection") if item.place and _is_place(item.place, wanted)]
    evidence = [
        by_person("for", "place", f"{item.who} places it at {item.place}: {_why(item)}.", item) for item in same
    ]
    evidence += [
        by_person("against", "place-denied", f"{item.who} finds that it is not {item.place}: {_why(item)}.", item)
        for item in denied
    ]
    open_ = tuple(
        f"{item.who} places it at “{item.place}”; whether that is “{wanted}” is for a person to say." for item in other
    )
    if denied:
        verdict = opposed(denied)
    elif same:
        verdict = agreed(same)
    else:
        verdict, open_ = Verdict.NOT_ADDRESSED, (*open_, NOT_BY_FOOTAGE.format(what="place"))
    step = Step("place", f"{len(said_by(same))} people agree on the place, {len(said_by(denied))} deny it.")
    return Part("place", verdict, tuple(evidence), (step,), not_addressed=open_, people=said_by(same))


def _time(claim: Claim, view: View) -> Part:
    wanted = claim.scope.when
    dated = [(item, overlaps(item.when, wanted)) for item in view.of_kind("date")]
    inside = [item for item, fits in dated if fits]
    outside = [item for item, fits in dated if fits is False]
    copies = [item for item in view.of_kind("earlier_copy", "published") if _before(item, claim)]
    evidence = [
        by_person("for", "date", f"{item.who} dates the filming to {span(item)}: {_why(item)}.", item)
        for item in inside
    ]
    evidence += [
        by_person("against", "date-denied", f"{item.who} dates the filming to {span(item)}: {_why(item)}.", item)
        for item in outside
    ]
    evidence += [
        by_person(
            "against",
            "earlier-copy",
            f"The same footage was public on {span(item)}, before the time that is claimed, as {item.who} attests"
            f"{f' ({item.reference})' if item.reference else ''}.",
            item,
        )
        for item in copies
    ]
    matched = earlier(view, wanted.first - DAY) if wanted is not None and wanted.first is not None else []
    evidence += [shown_before("against", item, copy, "before the time that is claimed") for item, copy in matched]
    if copies:
        verdict = Verdict.CONTRADICTS
    elif outside:
        verdict = opposed(outside)
    elif matched:
        verdict = Verdict.WEAKENS
    elif inside:
        verdict = agreed(inside)
    else:
        verdict = Verdict.NOT_ADDRESSED
    unknown = [NOT_BY_FOOTAGE.format(what="date")] if verdict is Verdict.NOT_ADDRESSED else []
    open_ = (*unknown, *([LOOK] if matched and not copies else []))
    step = Step(
        "date",
        f"{len(said_by(inside))} people date it within the time claimed, {len(said_by(outside))} outside; "
        f"{len(copies)} earlier copies and {len(matched)} matches with earlier videos are attested.",
    )
    return Part("date", verdict, tuple(evidence), (step,), not_addressed=open_, people=said_by(inside))


def _before(item: Finding, claim: Claim) -> bool:
    wanted = claim.scope.when
    return (
        wanted is not None
        and wanted.first is not None
        and item.when is not None
        and item.when.last is not None
        and item.when.last < wanted.first
    )


def marking(wanted: str, view: View, keys: Sequence[tuple[str, str]]) -> Part:
    """Whether an object bears a marking: machine readings of the sightings ``keys``, and people's."""
    text = plain(wanted)
    machine = [
        (sighting, reading)
        for sighting in view.sightings
        if sighting.key in keys and sighting.key not in view.rejected
        for reading in sighting.readings
        if plain(reading.text) == text
    ]
    elsewhere = [item for item in view.of_kind("serial") if plain(item.serial) == text and _is_elsewhere(item, view)]
    same_day = [item for item in elsewhere if _on_the_day(item, view)]
    borne = set(keys)
    readers = [
        item
        for item in readings(wanted, view)
        if item not in elsewhere and (not (seen := keys_of(item, view)) or borne & set(seen))
    ]
    reported = [
        item
        for item in view.of_kind("serial")
        if item.basis != "seen" and plain(item.serial) == text and item not in elsewhere
    ]
    evidence = [
        Evidence(
            "for",
            "read-by-machine",
            f"A program read “{reading.text}” on {sighting.track}; nobody has confirmed that reading.",
            "video",
            exhibits=(sighting.exhibit,),
        )
        for sighting, reading in machine
    ]
    evidence += [by_person("for", "read-by-a-person", f"{item.who} read “{item.serial}”.", item) for item in readers]
    evidence += [
        by_person("for", "reported", f"Reported, not seen in the footage: serial {item.serial} ({item.source}).", item)
        for item in reported
    ]
    evidence += [
        by_person(
            "against",
            "serial-elsewhere",
            f"{item.who} found serial {item.serial} at {item.place} on {span(item)} ({item.reference}): by the name of "
            f"the place elsewhere, {'on the same day' if item in same_day else 'at a time that may be the same'}.",
            item,
        )
        for item in elsewhere
    ]
    if elsewhere:
        verdict = worst([Verdict.WEAKENS, opposed(same_day)])
    elif agreeing(readers, view):
        verdict = Verdict.SHOWS
    elif readers and (machine or len(said_by(readers)) >= CONFIRMATIONS):
        verdict = Verdict.SUPPORTS
    elif readers or machine or reported:
        verdict = Verdict.CONSISTENT_WITH
    else:
        verdict = Verdict.NOT_ADDRESSED
    if view.of_kind("mirrored") and verdict in {Verdict.SHOWS, Verdict.SUPPORTS}:
        verdict = Verdict.CONSISTENT_WITH
    unread = [f"Nobody and nothing read “{wanted}”."] if verdict is Verdict.NOT_ADDRESSED else []
    places = [PLACES_BY_NAME.format(one=place) for place in sorted({item.place for item in elsewhere})]
    step = Step("marking", f"Read by {len(said_by(readers))} people and in {len(machine)} machine readings.")
    return Part("marking", verdict, tuple(evidence), (step,), not_addressed=(*unread, *places), people=said_by(readers))


def readings(wanted: str, view: View) -> list[Finding]:
    """Findings of people who looked and read a marking."""
    return [item for item in view.of_kind("serial") if item.basis == "seen" and plain(item.serial) == plain(wanted)]


def _is_elsewhere(item: Finding, view: View) -> bool:
    """Whether other footage or a record has the serial at another place at the time when this is said to be filmed."""
    if not item.place or not item.reference or item.when is None:
        return False
    scope = view.scope
    places = [scope.place] if scope.place else [one.place for one in view.of_kind("place")]
    other = bool(places) and not any(_is_place(item.place, place) for place in places)
    return other and any(overlaps(item.when, time) for time in _times(view))


def _on_the_day(item: Finding, view: View) -> bool:
    """Whether a finding and the filming are of one and the same day: in a longer time an object moves."""
    days = {day for span in (item.when, *_times(view)) if span for day in (span.first, span.last)}
    return len(days) == 1 and None not in days


def _times(view: View) -> list[DateSpan | None]:
    """When the footage was filmed, as claimed, else as people found."""
    return [view.scope.when] if view.scope.when else [one.when for one in view.of_kind("date")]


def treated(view: View) -> list[Evidence]:
    """Findings that the footage was mirrored or edited."""
    found = [
        by_person("against", "mirrored", f"{item.who} finds it mirrored: {_why(item)}.", item)
        for item in view.of_kind("mirrored")
    ]
    return found + [
        by_person("against", "edited", f"{item.who} finds traces of editing: {_why(item)}.", item)
        for item in view.of_kind("edited")
    ]


def _is_place(one: str, other: str) -> bool:
    return " ".join(one.casefold().split()) == " ".join(other.casefold().split())


def _why(item: Finding) -> str:
    return item.note.rstrip(".") or item.source or "no reason is given"


def span(item: Finding) -> str:
    """The time of a finding in words."""
    when = item.when
    if when is None or (when.first is None and when.last is None):
        return "an unknown date"
    if when.first == when.last and when.first is not None:
        return when.first.isoformat()
    if when.first is None:
        return f"{when.last} or before"
    if when.last is None:
        return f"{when.first} or later"
    return f"{when.first} to {when.last}"
