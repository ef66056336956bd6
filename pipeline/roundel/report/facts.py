"""What is recorded about a file: its bytes, its coding, how much of it was looked at, and who did what with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from roundel import case as cases
from roundel import package, words
from roundel.custody import Event
from roundel.media.identity import sha256_of
from roundel.record import Analysis, CoverageRecord, Media

MOST_GAPS = 20
MOST_NAMES = 20


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of a header: what, its values, and whether they are code (hashes, file names)."""

    label: str
    values: tuple[str, ...]
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An input of which there is no package."""

    name: str
    message: str


def file_facts(analysis: Analysis, names: Sequence[str], case: Path, place: str, events: Sequence[Event]) -> list[Fact]:
    """The lines about a file; ``place`` is its package within the case, ``names`` all names it was given under."""
    shown = [words.shorten(name) for name in names[:MOST_NAMES]]
    facts = [Fact("File name" if len(names) == 1 else "File names", tuple(shown), "name")]
    if len(names) > MOST_NAMES:
        facts.append(Fact("More names", (f"{len(names) - MOST_NAMES:,} more are in custody.jsonl",)))
    facts += [
        Fact("SHA-256 of the video", (analysis.video.sha256.removeprefix("sha256:"),), "code"),
        Fact("Size", (words.size(analysis.video.size_bytes),)),
    ]
    facts += _custody_facts(analysis, place, events)
    if analysis.media is not None:
        facts += _media_facts(analysis.media)
    if analysis.coverage is not None:
        facts += _coverage_facts(analysis.coverage)
    manifest = sha256_of(case / place / package.MANIFEST).removeprefix("sha256:")
    return [*facts, Fact("Package", (place,), "code"), Fact("SHA-256 of its manifest", (manifest,), "code")]


def _custody_facts(analysis: Analysis, place: str, events: Sequence[Event]) -> list[Fact]:
    received = [event for event in events if event.event == "received" and event.subject == analysis.video.sha256]
    analysed = [event for event in events if event.event == cases.ANALYSED and event.subject == place]
    came = [f"{_utc(event.at)} by {words.shorten(event.who, 80)} (custody entry {event.seq})" for event in received]
    done = [f"{_utc(event.at)} (custody entry {event.seq})" for event in analysed]
    if len(came) > MOST_NAMES:
        came = [*came[:MOST_NAMES], f"{len(came) - MOST_NAMES:,} more times; see custody.jsonl"]
    return [
        Fact("Received", tuple(came) or ("not recorded",)),
        Fact("Analysed", tuple(done[-1:]) or ("not recorded",)),
        Fact("Source and collector", ("not recorded",)),
    ]


def _utc(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return words.shorten(text, 40)
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _media_facts(media: Media) -> list[Fact]:
    rate = media.frame_rate_from_header
    frame = f"{media.width} × {media.height} pixels"
    if media.rotation:
        frame += f", turned upright by {media.rotation} degrees"
    if media.sample_aspect_ratio not in ("1:1", "0:1", "N/A", ""):
        frame += f"; its pixels are not square ({media.sample_aspect_ratio}), pictures are shown as stored"
    coding = f"{media.codec}, {media.pixel_format}, in {media.format_name}"
    if media.variable_frame_rate:
        coding += ", variable frame rate"
    elif rate:
        coding += f", {_rate(rate)} frames a second"
    decoded = f"{words.length(media.duration_seconds_from_content)} decoded"
    stated = f"{words.length(media.duration_seconds_from_header)} stated in the header"
    return [
        Fact("Length", (decoded, stated)),
        Fact("Picture", (frame,)),
        Fact("Coding", (words.shorten(coding),)),
    ]


def _rate(text: str) -> str:
    above, _, below = text.partition("/")
    try:
        return words.number(int(above) / int(below or 1))
    except (ValueError, ZeroDivisionError):
        return text


def coverage_line(coverage: CoverageRecord | None) -> str:
    """How much of the video was looked at."""
    if coverage is None:
        return ""
    seen = f"{coverage.analysed_frames:,} of {coverage.decoded_frames:,} frames examined"
    if coverage.analysed_frames >= coverage.decoded_frames:
        return seen
    return f"{seen}; between two examined frames nothing was looked at"


def _coverage_facts(coverage: CoverageRecord) -> list[Fact]:
    share = coverage.analysed_frames / coverage.decoded_seconds if coverage.decoded_seconds > 0 else 0.0
    seen = f"{words.number(coverage.decoded_seconds)} seconds decoded"
    if share:
        seen += f", {words.number(share, 1)} frames a second examined on average"
    facts = [Fact("Coverage", (coverage_line(coverage), seen))]
    if coverage.first_seconds:
        text = f"{words.clock(coverage.first_seconds)}; all times here are the file's own"
        facts.append(Fact("First picture at", (text,)))
    return facts


def damage(coverage: CoverageRecord | None) -> tuple[str, ...]:
    """Missing ranges and the decoder's complaints, in plain words."""
    if coverage is None:
        return ()
    found = []
    if coverage.missing_seconds:
        missing = sum(max(0.0, end - start) for start, end in coverage.missing_seconds)
        ranges = [words.time_range(start, end) for start, end in coverage.missing_seconds]
        verb = "second is" if words.number(missing) == "1" else "seconds are"
        found.append(
            f"{words.number(missing)} {verb} missing: {words.some(ranges, MOST_GAPS)}. "
            "Nothing is known about what they show."
        )
    if coverage.decoder_errors:
        times = "once" if coverage.decoder_errors == 1 else f"{coverage.decoder_errors:,} times"
        found.append(
            f"The decoder complained {times}. Pictures near damage may be garbled, and objects in them missed or "
            "mistaken."
        )
    return tuple(found)


def refusals(events: Sequence[Event], analyses: Sequence[Analysis]) -> list[Refusal]:
    """Inputs that failed before they had a package, by file name: the investigator's folders are nobody's business."""
    done = {analysis.video.sha256 for analysis in analyses}
    found: dict[str, Refusal] = {}
    names: dict[str, str] = {}
    for event in events:
        path = str(event.details.get("path", ""))
        if event.event == "received":
            names[event.subject] = str(event.details.get("name", ""))
            found.pop(path, None)
        elif event.event == "failed" and event.subject not in done:
            short = names.get(event.subject) or Path(event.subject).name
            message = str(event.details.get("message", "")).replace(event.subject, short).removeprefix(f"{short}: ")
            found[event.subject] = Refusal(words.shorten(short), words.shorten(message))
        elif event.event == cases.ANALYSED:
            found.pop(str(event.details.get("video", "")), None)
    return [found[key] for key in sorted(found)]
