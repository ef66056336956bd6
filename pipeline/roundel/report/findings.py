"""What a result says, in words: classes, counts, other detections, and what was not found."""

from __future__ import annotations

from collections.abc import Sequence

from roundel import words
from roundel.classes import Node, lineage, tree
from roundel.record import Analysis, CountRecord, TrackRecord
from roundel.types import Seconds, Span

HINT_SHARE = 0.02
_WIDEST = "equipment"


def node(name: str) -> Node:
    """The node of a class; a class that the tree does not know stands for itself and is shown as hardware."""
    return tree().get(name) or Node(name, None, words.shorten(name.replace("_", " "), 80), hardware=True, pictures=True)


def label(name: str) -> str:
    """What the page calls one object of a class."""
    return words.singular(node(name).title)


def labels(name: str) -> str:
    """What the page calls several objects of a class."""
    return words.plural(node(name).title)


def setting(analysis: Analysis, section: str, name: str) -> object:
    """A setting of the analysis as it was recorded; ``None`` if it was not."""
    config = analysis.provenance.get("config")
    values = config.get(section) if isinstance(config, dict) else None
    return values.get(name) if isinstance(values, dict) else None


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
    included = _includes(name, analysis)
    if not included:
        return labels(name)
    names = words.listed([labels(other) for other in included])
    if name == _WIDEST:
        return f"everything together: {names}, and {labels(name)}"
    return f"{labels(name)} of any kind, {names} included"


def too_brief(analysis: Analysis) -> str:
    """What a sighting lacks that is not counted."""
    frames, score = setting(analysis, "counting", "min_frames"), setting(analysis, "counting", "min_score")
    least = f"fewer than {frames}" if isinstance(frames, int) else "too few"
    strong = f" with a score of {score:g} or more" if isinstance(score, (int, float)) else " with a large score"
    return f"{least} examined frames{strong}"


def together(count: CountRecord) -> str:
    """How the pictures show that objects are different ones; empty if there is none."""
    times = words.some([words.clock(proof.seconds) for proof in count.proof], 3)
    if not times:
        return ""
    if any(len(proof.tracks) >= count.lower for proof in count.proof):
        return f"seen side by side at {times}"
    return f"each two of them are seen together, pictures at {times}"


def one_or_more(name: str) -> str:
    """The words for a lower bound of one."""
    what = "of open class, military or civil" if name == _WIDEST else f"labelled {label(name)}"
    return f"1 or more sightings {what}; the label is the detector's and was not checked"


def sentences(analysis: Analysis) -> list[str]:
    """The counts of hardware in plain words."""
    return [_sentence(name, count, analysis) for name, count in hardware_counts(analysis)]


def _sentence(name: str, count: CountRecord, analysis: Analysis) -> str:
    if count.lower == 0:
        said = f"Not counted: {labels(name)}; no sighting has enough, each has {too_brief(analysis)}."
    elif count.lower == 1:
        said = f"{one_or_more(name)}."
    else:
        seen = together(count)
        said = f"If the detections are right, at least {count.lower:,} different {_short(name, analysis)}"
        said += f": {seen}." if seen else "."
    if _includes(name, analysis):
        said = f"{words.capital(title_of(name, analysis))}. {said}"
    return f"{said} {_sightings(count)}"


def _short(name: str, analysis: Analysis) -> str:
    return "objects" if name == _WIDEST and _includes(name, analysis) else labels(name)


def _sightings(count: CountRecord) -> str:
    sightings = count.upper + count.shown_again
    if count.shown_again:
        again = f"{count.shown_again:,} of them {'is' if count.shown_again == 1 else 'are'} the same footage again"
        return f"{sightings:,} sightings, {again}; others may show the same one, too."
    return "1 sighting." if sightings == 1 else f"{sightings:,} sightings; some may show the same one."


def one_line(analysis: Analysis) -> str:
    """What was found, for the overview: the finest counted classes and the widest."""
    counts = hardware_counts(analysis)
    said = [
        _in_short(name, count, of_any_kind=_includes(name, analysis) != [])
        for name, count in counts
        if not _includes(name, analysis) or not any(is_below(name, other) for other, _ in counts)
    ]
    if not said:
        return "No sighting was reported as military hardware"
    return f"Machine label, unchecked: {'; '.join(said)}"


def _in_short(name: str, count: CountRecord, *, of_any_kind: bool) -> str:
    if name == _WIDEST:
        what = "of any class or of open class, military or civil" if of_any_kind else "of open class, military or civil"
        several = f"objects {what}"
    else:
        kind = " of any kind" if of_any_kind else ""
        what, several = f"labelled {label(name)}{kind}", f"{labels(name)}{kind}"
    if count.lower > 1:
        return f"{count.lower:,} or more {several}"
    return f"1 or more {what}" if count.lower else f"{count.upper:,} {what}, not counted"


def open_sightings(name: str, analysis: Analysis) -> int:
    """How many sightings have a wider class and may be of this one."""
    return sum(1 for track in analysis.tracks if not track.burnt_in and is_below(name, track.class_))


def not_detected(analysis: Analysis) -> tuple[list[str], list[str]]:
    """Titles of the detector's classes that nothing was reported as, and of those that the report leaves open.

    A class is open if something was reported as a class above it: an aircraft may be a helicopter.
    """
    reported = {track.class_ for track in analysis.tracks if not track.burnt_in}
    absent: list[str] = []
    open_: list[str] = []
    for name in analysis.classes:
        if name in reported or any(is_below(other, name) for other in reported) or not node(name).pictures:
            continue
        (open_ if any(is_below(name, other) for other in reported) else absent).append(labels(name))
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
