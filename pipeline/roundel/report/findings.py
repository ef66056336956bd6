"""What a result says, in words: classes, counts, other detections, and what was not found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from roundel.classes import ROOT, Node, lineage, tree
from roundel.record import Analysis, CountRecord, TrackRecord
from roundel.report import words
from roundel.types import Seconds, Span

HINT_SHARE = 0.02
MOST_RANGES = 12
_VAGUE = (ROOT, "equipment")


@dataclass(frozen=True, slots=True)
class OtherRow:
    """Detections that are no military hardware, by class."""

    title: str
    sightings: int
    times: str
    counts: str


def node(name: str) -> Node:
    """The node of a class; a class that the tree does not know stands for itself and is shown as hardware."""
    return tree().get(name) or Node(name, None, words.shorten(name.replace("_", " "), 80), hardware=True, pictures=True)


def ancestry(name: str) -> tuple[str, ...]:
    """A class and its ancestors, deepest first."""
    return lineage(name) if name in tree() else (name,)


def is_below(name: str, ancestor: str) -> bool:
    """Whether a class lies strictly below another."""
    return name != ancestor and ancestor in ancestry(name)


def hardware(analysis: Analysis) -> list[TrackRecord]:
    """The sightings of military hardware, in order of appearance; graphics laid over the picture are none."""
    return [track for track in analysis.tracks if node(track.class_).hardware and not track.burnt_in]


def people(analysis: Analysis) -> list[Span]:
    """The ranges in which people were detected, joined where they overlap."""
    spans = sorted((item.start_seconds, item.end_seconds) for item in analysis.tracks if not node(item.class_).pictures)
    joined: list[Span] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def hardware_counts(analysis: Analysis) -> list[tuple[str, CountRecord]]:
    """The counts of hardware: single classes by size, then those that include others."""
    chosen = [(name, count) for name, count in analysis.counts.items() if node(name).hardware]
    return sorted(
        chosen, key=lambda item: (_includes(item[0], analysis) != [], -item[1].lower, -item[1].upper, item[0])
    )


def _includes(name: str, analysis: Analysis) -> list[str]:
    return sorted(other for other in analysis.counts if is_below(other, name))


def title_of(name: str, analysis: Analysis) -> str:
    """The title of a counted class; of any kind if it includes other counted classes."""
    title = words.plural(node(name).title)
    return f"{title} of any kind" if _includes(name, analysis) else title


def sentences(analysis: Analysis) -> list[str]:
    """The counts of hardware in plain words."""
    return [_sentence(name, count, analysis) for name, count in hardware_counts(analysis)]


def _sentence(name: str, count: CountRecord, analysis: Analysis) -> str:
    title, included = node(name).title, _includes(name, analysis)
    times = words.some([words.clock(proof.seconds) for proof in count.proof], 3)
    if count.lower == 0:
        start = f"No {words.singular(title)} is proven: what was taken for one was seen too briefly or too weakly."
    elif count.lower == 1:
        best = f", seen best at {times}" if times else ""
        start = f"At least 1 {words.singular(title)}{best}, if the detector is not mistaken."
    else:
        where = f" at {times}" if times else ""
        start = f"At least {count.lower:,} different {words.plural(title)} are seen side by side{where}."
    if included:
        names = words.listed([words.plural(node(other).title) for other in included])
        start = f"{words.capital(words.plural(title))} of any kind, {names} included: {start[:1].lower()}{start[1:]}"
    return f"{start} {_upper(count)}"


def _upper(count: CountRecord) -> str:
    if count.upper == 1:
        return "There is 1 sighting."
    if count.lower == count.upper:
        return f"There are {count.upper:,} sightings, all proven to be different."
    return f"Up to {count.upper:,} if none of the {count.upper:,} sightings shows the same one twice."


def one_line(analysis: Analysis) -> str:
    """What was found, for the overview."""
    counts = hardware_counts(analysis)
    plain = [(name, count) for name, count in counts if not _includes(name, analysis)] or counts
    proven = [f"at least {words.counted(count.lower, node(name).title)}" for name, count in plain if count.lower]
    weak = [f"perhaps {words.article(node(name).title)}" for name, count in plain if not count.lower]
    return words.capital(words.listed(proven + weak)) or "No military hardware detected"


def other_rows(analysis: Analysis) -> list[OtherRow]:
    """Everything that is no hardware and no person, by class; graphics laid over the picture last."""
    groups: dict[tuple[bool, str], list[TrackRecord]] = {}
    for track in analysis.tracks:
        if node(track.class_).pictures and (track.burnt_in or not node(track.class_).hardware):
            groups.setdefault((track.burnt_in, track.class_), []).append(track)
    rows = []
    for (burnt_in, name), tracks in sorted(groups.items()):
        count = None if burnt_in or name == ROOT else analysis.counts.get(name)
        ranges = [words.time_range(track.start_seconds, track.end_seconds) for track in tracks]
        title = "object whose class stays open" if name == ROOT else node(name).title
        if burnt_in:
            title = f"graphic laid over the picture, such as a logo, that the detector took for {words.article(title)}"
        rows.append(
            OtherRow(
                title=words.capital(title),
                sightings=len(tracks),
                times=words.some(ranges, MOST_RANGES),
                counts=f"at least {count.lower:,}, at most {count.upper:,}" if count else "",
            )
        )
    return rows


def not_detected(analysis: Analysis) -> tuple[list[str], list[str]]:
    """Titles of the detector's classes that nothing was reported as, and of those that the report leaves open.

    A class is open if something was reported as a class above it: an aircraft may be a helicopter. Where nothing but
    "equipment" or "object" is known, the classes with a share worth telling are open.
    """
    tracks = [track for track in analysis.tracks if not track.burnt_in]
    reported = {track.class_ for track in tracks}
    absent: list[str] = []
    open_: list[str] = []
    for name in analysis.classes:
        if name in reported or any(is_below(other, name) for other in reported) or not node(name).pictures:
            continue
        above = set(ancestry(name)) & reported
        hinted = any(
            track.posterior.get(name, 0.0) >= HINT_SHARE
            for track in analysis.tracks
            if track.class_ in above.intersection(_VAGUE)
        )
        (open_ if above.difference(_VAGUE) or hinted else absent).append(words.plural(node(name).title))
    return absent, open_


def strongest(tracks: Sequence[TrackRecord], most: int) -> list[TrackRecord]:
    """The sightings with the largest scores, in their given order."""
    kept = {id(track) for track in sorted(tracks, key=lambda track: (-track.score, track.id))[:most]}
    return [track for track in tracks if id(track) in kept]


def spans(analysis: Analysis) -> tuple[Seconds, Seconds] | None:
    """From the first to the last moment that is known of a video; ``None`` if nothing is."""
    pairs: list[tuple[float, float]] = [(shot.start_seconds, shot.end_seconds) for shot in analysis.shots]
    if analysis.coverage is not None:
        pairs += [(span[0], span[1]) for span in analysis.coverage.missing_seconds]
    if not pairs:
        return None
    return min(start for start, _ in pairs), max(end for _, end in pairs)
