"""From packages to the plain values that the page shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from roundel import case as cases
from roundel import custody, package
from roundel.classes import ROOT
from roundel.errors import IntegrityError
from roundel.media.identity import sha256_of
from roundel.record import Analysis, CoverageRecord, Media, TrackRecord
from roundel.report import cards, findings, method, proofs, timeline, words

MOST_CARDS = 60  # of one video
PAGE_CARDS = 240
PAGE_PICTURES = 130
MOST_GAPS = 20
MOST_NAMES = 20


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of a header: what, its values, and whether they are code (hashes, file names)."""

    label: str
    values: tuple[str, ...]
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class VideoView:
    """One analysis of one video. ``state`` is done, damaged or failed."""

    anchor: str
    number: int
    name: str
    state: str
    state_words: str
    length: str
    one_line: str
    facts: tuple[Fact, ...]
    failure: str
    damage: tuple[str, ...]
    warnings: tuple[str, ...]
    messages: tuple[str, ...]
    summary: tuple[str, ...]
    cannot_say: tuple[str, ...]
    timelines: tuple[timeline.Timeline, ...]
    timeline_words: str
    counts: tuple[proofs.CountView, ...]
    cards: tuple[cards.Card, ...]
    cards_left_out: int
    people: str
    others: tuple[findings.OtherRow, ...]
    package: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """An input of which there is no package."""

    name: str
    message: str


@dataclass(frozen=True, slots=True)
class Page:
    """The whole report."""

    title: str
    videos: tuple[VideoView, ...]
    refusals: tuple[Refusal, ...]
    methods: tuple[method.Method, ...]


@dataclass(frozen=True, slots=True)
class _Budget:
    """How many sightings of a video become cards, and how many pictures each may have."""

    cards: int
    views: int


def read_case(case: Path) -> Page:
    """Everything the page shows.

    Raises:
        UsageError: if the folder is no case.
        IntegrityError: if a package or the custody log is not as it was written.
    """
    cases.require(case)
    folders = cases.packages(case)
    for folder in folders:
        broken = package.problems(folder)
        if broken:
            raise IntegrityError(f"{broken[0]}; no report is made of changed evidence: run roundel verify {case}")
    received = cases.names(case)
    entries = sorted(
        (sorted({*analysis.video.names, *received.get(analysis.video.sha256, [])}), folder, analysis)
        for folder, analysis in ((folder, package.read_analysis(folder)) for folder in folders)
    )
    analyses = [analysis for _, _, analysis in entries]
    methods, numbers = method.methods(analyses)
    budget = _budget(analyses)
    videos = []
    for number, (known, folder, analysis) in enumerate(entries, start=1):
        made_with = f"method {numbers[number - 1]}" if len(methods) > 1 else ""
        videos.append(_video(analysis, folder, folder.relative_to(case).as_posix(), known, number, budget, made_with))
    return Page(_page_title(videos), tuple(videos), tuple(_refusals(case, analyses)), tuple(methods))


def _budget(analyses: Sequence[Analysis]) -> _Budget:
    sightings = [len(findings.hardware(analysis)) for analysis in analyses]
    videos = max(1, sum(1 for count in sightings if count))
    cards = min(MOST_CARDS, max(2, PAGE_CARDS // videos))
    total = max(1, sum(min(count, cards) for count in sightings))
    return _Budget(cards, max(1 if total <= 3 * PAGE_CARDS else 0, min(5, PAGE_PICTURES // total)))


def _page_title(videos: Sequence[VideoView]) -> str:
    if not videos:
        return "Military hardware: no video could be analysed"
    what = words.shorten(videos[0].name, 80) if len(videos) == 1 else f"{len(videos):,} videos"
    return f"Military hardware in {what}"


def _refusals(case: Path, analyses: Sequence[Analysis]) -> list[Refusal]:
    """Inputs that failed before they had a package, by file name: the investigator's folders are nobody's business."""
    done = {analysis.video.sha256 for analysis in analyses}
    found: dict[str, Refusal] = {}
    names: dict[str, str] = {}
    for event in custody.read(case):
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


def _video(
    analysis: Analysis, folder: Path, place: str, names: Sequence[str], number: int, budget: _Budget, made_with: str
) -> VideoView:
    damage = _damage(analysis.coverage)
    state = "failed" if analysis.failure else "damaged" if damage else "done"
    tracks = findings.hardware(analysis)
    shown = findings.strongest(tracks, budget.cards)
    anchors = {id(track): f"v{number}-s{index}" for index, track in enumerate(shown, start=1)}
    timelines = _timelines(analysis, f"v{number}", anchors)
    return VideoView(
        anchor=f"v{number}",
        number=number,
        name=words.shorten(names[0], 120) if names else "video without a name",
        state=state,
        state_words={"failed": "failed", "damaged": "done, file damaged", "done": "done"}[state],
        length=words.length(analysis.media.duration_seconds_from_content) if analysis.media else "unknown",
        one_line="Could not be analysed" if analysis.failure else findings.one_line(analysis),
        facts=tuple(_facts(analysis, names, folder, place, made_with)),
        failure=words.shorten(analysis.failure.message, 1000) if analysis.failure else "",
        damage=damage,
        warnings=tuple(words.shorten(text) for text in analysis.media.warnings) if analysis.media else (),
        messages=tuple(words.shorten(text) for text in analysis.coverage.decoder_messages) if analysis.coverage else (),
        summary=tuple(_summary(analysis)) if not analysis.failure else (),
        cannot_say=tuple(_cannot_say(analysis)) if not analysis.failure else (),
        timelines=timelines,
        timeline_words=timeline.legend(timelines[0]) if timelines else "",
        counts=tuple(proofs.count_views(analysis, folder)),
        cards=tuple(cards.card(analysis, track, folder, anchors[id(track)], budget.views) for track in shown),
        cards_left_out=len(tracks) - len(shown),
        people=_people(analysis),
        others=tuple(findings.other_rows(analysis)),
        package=place,
    )


def _facts(analysis: Analysis, names: Sequence[str], folder: Path, place: str, made_with: str) -> list[Fact]:
    shown = [words.shorten(name) for name in names[:MOST_NAMES]]
    facts = [
        Fact("File name" if len(names) == 1 else "File names", tuple(shown), "name"),
        *(
            [Fact("More names", (f"{len(names) - MOST_NAMES:,} more are in custody.jsonl",))]
            if len(names) > MOST_NAMES
            else []
        ),
        Fact("SHA-256 of the video", (analysis.video.sha256.removeprefix("sha256:"),), "code"),
        Fact("Size", (words.size(analysis.video.size_bytes),)),
    ]
    if analysis.media is not None:
        facts += _media_facts(analysis.media)
    if analysis.coverage is not None:
        facts += _coverage_facts(analysis.coverage)
    facts += [
        Fact("Package", (place,), "code"),
        Fact("SHA-256 of its manifest", (sha256_of(folder / package.MANIFEST).removeprefix("sha256:"),), "code"),
    ]
    return [*facts, Fact("Made with", (made_with,))] if made_with else facts


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
    return [
        Fact(
            "Length",
            (
                f"{words.length(media.duration_seconds_from_content)} decoded",
                f"{words.length(media.duration_seconds_from_header)} stated in the header",
            ),
        ),
        Fact("Picture", (frame,)),
        Fact("Coding", (words.shorten(coding),)),
    ]


def _rate(text: str) -> str:
    above, _, below = text.partition("/")
    try:
        return words.number(int(above) / int(below or 1))
    except (ValueError, ZeroDivisionError):
        return text


def _coverage_facts(coverage: CoverageRecord) -> list[Fact]:
    share = coverage.analysed_frames / coverage.decoded_seconds if coverage.decoded_seconds > 0 else 0.0
    read = f"{coverage.decoded_frames:,} frames decoded, {words.number(coverage.decoded_seconds)} seconds"
    seen = f"{coverage.analysed_frames:,} of them examined by the detector"
    if share:
        seen += f", {words.number(share, 1)} a second on average"
    facts = [Fact("Coverage", (read, seen))]
    if coverage.first_seconds:
        text = f"{words.clock(coverage.first_seconds)}; all times here are the file's own"
        facts.append(Fact("First picture at", (text,)))
    return facts


def _damage(coverage: CoverageRecord | None) -> tuple[str, ...]:
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


def _summary(analysis: Analysis) -> list[str]:
    found = findings.sentences(analysis)
    if found:
        return found
    frames = analysis.coverage.analysed_frames if analysis.coverage else 0
    return [
        f"No military hardware was detected in the {frames:,} frames examined. That does not prove that there is none."
    ]


def _cannot_say(analysis: Analysis) -> list[str]:
    absent, open_ = findings.not_detected(analysis)
    said = []
    if absent:
        said.append(f"Not detected, which is not proof of absence: {words.listed(absent)}.")
    if open_:
        said.append(
            f"Not told apart: {words.listed(open_)}. Something was reported as a wider class that includes them; "
            "it may be any of these."
        )
    said.append(
        "Objects that the detector missed are in no number here, and nothing is counted in missing ranges or between "
        "the frames examined. A false detection makes a count too high: look at the proof."
    )
    if analysis.brief_tracks:
        verb = "object was" if analysis.brief_tracks == 1 else "possible objects were"
        said.append(
            f"{analysis.brief_tracks:,} more {verb} seen too briefly or too weakly to be listed; the boxes are in "
            "detections.jsonl.gz."
        )
    left = len(analysis.claims) + len(analysis.matches)
    if left:
        said.append(f"{left:,} recorded claims and matches are not shown on this page; they are in analysis.json.")
    return said


def _people(analysis: Analysis) -> str:
    ranges = findings.people(analysis)
    if not ranges:
        return ""
    times = words.some([words.time_range(*span) for span in ranges], findings.MOST_RANGES)
    noun = "range" if len(ranges) == 1 else "ranges"
    return (
        f"People were detected in {len(ranges):,} time {noun} ({times}); Roundel does not picture or count people. "
        "They may still be seen in pictures of other objects."
    )


def _timelines(analysis: Analysis, name: str, anchors: dict[int, str]) -> tuple[timeline.Timeline, ...]:
    whole = findings.spans(analysis)
    if whole is None:
        return ()
    groups: dict[str, list[TrackRecord]] = {}
    for track in analysis.tracks:
        if findings.node(track.class_).pictures and not track.burnt_in:
            groups.setdefault(track.class_, []).append(track)
    order = sorted(groups, key=lambda item: (not findings.node(item).hardware, -len(groups[item]), item))
    lanes = tuple(
        timeline.Lane(
            "object, class open" if key == ROOT else findings.node(key).title,
            tuple(
                timeline.Item(track.id, track.start_seconds, track.end_seconds, anchors.get(id(track), ""))
                for track in groups[key]
            ),
        )
        for key in order
    )
    gaps = tuple((span[0], span[1]) for span in analysis.coverage.missing_seconds) if analysis.coverage else ()
    scene = timeline.Scene(
        start_seconds=whole[0],
        end_seconds=whole[1],
        shots=tuple((shot.start_seconds, shot.end_seconds) for shot in analysis.shots),
        blends=tuple(
            (shot.transition_seconds[0], shot.transition_seconds[1])
            for shot in analysis.shots
            if shot.transition_seconds[1] > shot.transition_seconds[0]
        ),
        gaps=gaps,
        lanes=lanes,
    )
    return tuple(timeline.draw(scene, kind, f"{name}-{kind}") for kind in ("wide", "narrow"))
