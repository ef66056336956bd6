"""Claims about which object or footage it is: the same individual, the same footage, its publication, one take."""

from __future__ import annotations

from collections.abc import Callable

from roundel.claims.copies import all_of_it, earlier, shown_before
from roundel.claims.counting import confirmed_serials, confirmed_types, plain
from roundel.claims.model import Claim, Evidence, Exhibit, Step, Verdict
from roundel.claims.parts import Part
from roundel.claims.people import agreed, by_person, marking, opposed, said_by, span
from roundel.claims.scene import Footage, Sighting, View
from roundel.words import clock, counted, listed, time_range

Chance = Callable[[Sighting], float]


def same_individual(claim: Claim, view: View, chance: Chance) -> Part:
    """Whether an object of the claim is the one that a track or a serial names."""
    reference = claim.relation.reference or ""
    sightings = [one for one in view.sightings if chance(one) > 0.5 and one.key not in view.rejected]
    called = [one for one in view.sightings if one.track == reference]
    if len(called) > 1:
        text = f"{reference} is the name of sightings in {len(called)} videos; which one is meant is open."
        step = Step("same-individual", text)
        return Part("individual", Verdict.CANNOT_BE_ASSESSED, steps=(step,), not_addressed=(text,))
    named = called[0] if called else None
    if named is None:
        return _as_marked(reference, view, sightings)
    rest = [one for one in sightings if one.key != named.key]
    apart = [(one, reason) for one in rest if (reason := _apart(one, named, view))]
    serials = confirmed_serials(view)
    same = [one for one in rest if one.key in serials and serials[one.key] == serials.get(named.key)]
    evidence = [
        Evidence(
            "for",
            "same-serial",
            f"{one.track} and {reference} both bear {serials[one.key]}, as two people read.",
            "finding",
        )
        for one in same
    ]
    evidence += [reason for _, reason in apart]
    if same:
        verdict = Verdict.SUPPORTS
    elif rest and len(apart) == len(rest):
        verdict = Verdict.CONTRADICTS
    else:
        verdict = Verdict.NOT_ADDRESSED
    open_ = () if verdict is not Verdict.NOT_ADDRESSED else ("Likeness alone is not measured, so it says nothing.",)
    step = Step(
        "same-individual", f"{len(rest)} other sightings: {len(same)} with its serial, {len(apart)} proven others."
    )
    return Part("individual", verdict, tuple(evidence), (step,), not_addressed=open_)


def _as_marked(reference: str, view: View, sightings: list[Sighting]) -> Part:
    """The reference is a serial: whether it was read here, and whether another one was."""
    part = marking(reference, view, [one.key for one in sightings])
    serials = confirmed_serials(view)
    other = [one for one in sightings if one.key in serials and serials[one.key] != plain(reference)]
    if part.verdict is Verdict.NOT_ADDRESSED and sightings and len(other) == len(sightings):
        evidence = tuple(
            Evidence("against", "other-serial", f"{one.track} bears {serials[one.key]}, as two people read.", "finding")
            for one in other
        )
        return Part("individual", Verdict.CONTRADICTS, evidence, part.steps)
    return part


def _apart(one: Sighting, other: Sighting, view: View) -> Evidence | None:
    """Why two sightings cannot be one object, if they cannot."""
    for item in view.footage:
        for frame in item.together:
            if one.video == other.video == item.sha256 and {one.track, other.track} <= frame.tracks:
                where = Exhibit(f"{one.track}, {other.track}", item.sha256, frame.seconds, frame.file)
                text = f"{one.track} and {other.track} are seen side by side at {clock(frame.seconds)}: two objects."
                return Evidence("against", "side-by-side", text, "video", exhibits=(where,))
    serials, types = confirmed_serials(view), confirmed_types(view)
    if one.key in serials and other.key in serials and serials[one.key] != serials[other.key]:
        text = f"{one.track} bears {serials[one.key]} and {other.track} {serials[other.key]}, as two people read each."
        return Evidence("against", "other-serial", text, "finding")
    if one.key in types and other.key in types:
        first, second = types[one.key], types[other.key]
        if not view.catalogue.is_a(first, second) and not view.catalogue.is_a(second, first):
            text = f"{one.track} is {first} and {other.track} is {second}, as two people found of each."
            return Evidence("against", "other-type", text, "finding")
    return None


ITSELF = (
    "{reference} is the name of footage that the claim speaks of itself: name the other file by its hash, and the "
    "video that is meant in scope."
)


def _named_otherwise(item: Footage, reference: str, view: View) -> bool:
    """Whether the claim's scope calls a video by its hash or by another of its names than the reference."""
    return any(item.is_called(name) for name in view.scope.videos if name != reference)


def same_footage(claim: Claim, view: View) -> Part:
    """Whether it is the footage that a hash, name or address means."""
    reference = claim.relation.reference or ""
    digest = reference.removeprefix("sha256:")
    named = [item for item in view.footage if item.is_called(reference)]
    itself = [item for item in named if reference in item.names and not _named_otherwise(item, reference, view)]
    identical = [item for item in named if item not in itself]
    copies = [
        (item, copy)
        for item in view.footage
        for copy in item.copies
        if copy.sha256.removeprefix("sha256:") == digest or copy.name == reference
    ]
    people = [item for item in view.of_kind("earlier_copy", "published") if item.reference == reference]
    evidence = [
        Evidence(
            "for",
            "same-bytes",
            f"{item.names[0]} is that file: the same bytes."
            if reference not in item.names
            else f"{reference} is another name of the same file, with the same bytes.",
            "file",
            exhibits=(Exhibit(item.sha256),),
        )
        for item in identical
    ]
    evidence += [
        Evidence(
            "for",
            "copied-frames",
            f"{item.names[0]} shares footage with it, at {time_range(*copy.seconds)}: {copy.pairs} pairs of pictures "
            "agree.",
            "video",
            exhibits=(Exhibit(copy.exhibit, item.sha256, copy.seconds[0]),),
        )
        for item, copy in copies
    ]
    evidence += [
        by_person("for", "copy-found", f"{one.who} finds it to be {reference} ({span(one)}).", one) for one in people
    ]
    rest = len(view.footage) - len({item.sha256 for item in (*identical, *(one for one, _ in copies))})
    if (identical or copies) and not rest:
        verdict = Verdict.SUPPORTS
    elif people:
        verdict = agreed(people)
    else:
        verdict = Verdict.NOT_ADDRESSED
    open_: tuple[str, ...] = ()
    if itself:
        open_ = (ITSELF.format(reference=reference),)
    elif (identical or copies) and rest:
        open_ = (
            f"Of {counted(rest, 'other video')} in scope nothing says that; name the video that is meant in scope.",
        )
    elif not evidence:
        open_ = ("No match with it was found, which is no proof that there is none.",)
    step = Step("same-footage", f"{len(identical)} identical files, {len(copies)} matches, {len(people)} findings.")
    return Part("footage", verdict, tuple(evidence), (step,), not_addressed=open_, people=said_by(people))


def published_by(claim: Claim, view: View) -> Part:
    """Whether it was public no later than a day: an attested copy proves it, filming after that day excludes it."""
    when = claim.relation.when
    limit = when.last or when.first if when else None
    if limit is None:
        return Part("publication", Verdict.CANNOT_BE_ASSESSED)
    copies = [
        item
        for item in view.of_kind("published", "earlier_copy")
        if item.when is not None and item.when.last is not None and item.when.last <= limit
    ]
    later = [item for item in view.of_kind("date") if item.when and item.when.first and item.when.first > limit]
    evidence = [
        by_person("for", "published", f"{one.who} attests that it was public on {span(one)}.", one) for one in copies
    ]
    evidence += [
        by_person("against", "filmed-later", f"{one.who} dates the filming to {span(one)}, after {limit}.", one)
        for one in later
    ]
    kept = earlier(view, limit)
    evidence += [shown_before("for", item, copy, f"on or before {limit}") for item, copy in kept]
    if later:
        verdict = opposed(later)
    elif copies:
        verdict = agreed(copies)
    else:
        verdict = Verdict.CONSISTENT_WITH if all_of_it(view, kept) else Verdict.NOT_ADDRESSED
    open_: tuple[str, ...] = ()
    if not evidence:
        open_ = ("Nobody attests when it was public; footage does not carry the day of its publication.",)
    elif kept and verdict is Verdict.NOT_ADDRESSED:
        open_ = ("Whether the rest of it was public by then is not known.",)
    step = Step("published", f"{len(copies)} copies and {len(kept)} matches attested on or before {limit}.")
    return Part("publication", verdict, tuple(evidence), (step,), not_addressed=open_, people=said_by(copies))


def continuous(view: View) -> Part:
    """Whether it is one take without a cut."""
    cuts = [(item, at) for item in view.footage for at in item.cuts]
    gaps = [span for item in view.footage for span in item.missing]
    failed = [item for item in view.footage if item.failed]
    edits = view.of_kind("edited")
    evidence = [
        by_person("against", "edited", f"{one.who} finds traces of editing: {one.note or one.source}.", one)
        for one in edits
    ]
    if cuts:
        times = listed([clock(at) for _, at in cuts[:5]])
        more = f" and {len(cuts) - 5} more" if len(cuts) > 5 else ""
        text = f"The program found {len(cuts)} changes of shot: at {times}{more}."
        where = tuple(Exhibit(f"cut at {clock(at)}", item.sha256, at) for item, at in cuts[:5])
        evidence.append(Evidence("against", "cuts", text, "video", exhibits=where))
    if gaps:
        evidence.append(
            Evidence("against", "missing-ranges", f"{len(gaps)} ranges of the file could not be decoded.", "file")
        )
    if failed:
        text = f"Not the whole was examined: {'; '.join(sorted({item.failed for item in failed}))}."
        evidence.append(Evidence("against", "missing-ranges", text, "file"))
    if edits:
        verdict = Verdict.CONTRADICTS if cuts else opposed(edits)
    elif cuts:
        verdict = Verdict.WEAKENS
    elif not view.footage or not any(item.sightings or item.end_seconds > item.start_seconds for item in view.footage):
        verdict = Verdict.NOT_ADDRESSED
    else:
        verdict = Verdict.CANNOT_BE_ASSESSED if gaps or failed else Verdict.CONSISTENT_WITH
    open_ = ("A cut between two views that look alike, and cuts in the sound, are not found.",)
    step = Step("continuous", f"{len(cuts)} changes of shot, {len(edits)} findings of editing.")
    return Part("continuity", verdict, tuple(evidence), (step,), not_addressed=open_, people=said_by(edits))
