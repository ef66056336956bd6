"""From packages to the plain values that the page shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from roundel import case as cases
from roundel import custody, notes, package, words
from roundel.errors import IntegrityError
from roundel.record import Analysis, TrackRecord
from roundel.report import cards, elsewhere, facts, findings, identities, method, others, proofs, shown_again, timeline
from roundel.report.pictures import Album
from roundel.report.scales import VERDICTS
from roundel.types import WRITING_UNREAD

MOST_CARDS = 60  # of one video
PAGE_CARDS = 240
PAGE_PICTURES = 130
MOST_ROWS = 200
MOST_REPEATS = 6  # of one video, with pictures
PAGE_REPEATS = 24
NOT_EXAMINED = (
    "Not examined: sound, file metadata other than length and coding, {}place, date, whether the footage is authentic "
    "or edited."
)
WRITING_MISSED = (
    "Writing was looked for on objects and in one frame of each shot; writing over a busy background, small, turned or "
    "outlined writing is mostly missed, so silence is no proof that there is none."
)


@dataclass(frozen=True, slots=True)
class SightingRow:
    """A line of the table of sightings; ``anchor`` is its card, empty if it has none."""

    id: str
    anchor: str
    label: str
    start: str
    end: str
    shot: str


@dataclass(frozen=True, slots=True)
class VideoView:
    """One analysis of one video. ``state`` is done, damaged or failed; ``sha256`` and ``coverage`` stand at its top."""

    anchor: str
    number: int
    name: str
    state: str
    state_words: str
    length: str
    one_line: str
    sha256: str
    coverage: str
    facts: tuple[facts.Fact, ...]
    failure: str
    damage: tuple[str, ...]
    warnings: tuple[str, ...]
    messages: tuple[str, ...]
    summary: tuple[str, ...]
    cannot_say: tuple[str, ...]
    timelines: tuple[timeline.Timeline, ...]
    timeline_words: str
    rows: tuple[SightingRow, ...]
    rows_left_out: int
    counts: tuple[proofs.CountView, ...]
    again: shown_again.Again
    elsewhere: elsewhere.Elsewhere
    cards: tuple[cards.Card, ...]
    cards_left_out: int
    people: str
    captions: tuple[identities.ReadingView, ...]
    others: tuple[others.OtherRow, ...]
    package: str


@dataclass(frozen=True, slots=True)
class ClaimLine:
    """A claim that was checked: as it was made, by whom, and the verdict in a word."""

    text: str
    by: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Page:
    """The whole report."""

    title: str
    videos: tuple[VideoView, ...]
    refusals: tuple[facts.Refusal, ...]
    methods: tuple[method.Method, ...]
    confinements: tuple[str, ...]
    log: str
    people: str
    claims: tuple[ClaimLine, ...]
    claims_page: str
    """File beside this page that has all about the claims."""


_STATES = {
    "failed": "not analysed",
    "damaged": "analysed, unchecked; file damaged",
    "done": "analysed, unchecked",
}


@dataclass(frozen=True, slots=True)
class _Budget:
    """How many sightings of a video become cards, how many pictures each may have, and how many repeats have some."""

    cards: int
    views: int
    repeats: int


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
    events = list(custody.read(case))
    methods, numbers = method.methods(analyses)
    budget = _budget(analyses)
    videos = []
    shared = elsewhere.of_case(
        case,
        {
            folder.relative_to(case).as_posix(): elsewhere.Known(
                f"v{number}", words.shorten(_name(known), 60), analysis
            )
            for number, (known, folder, analysis) in enumerate(entries, start=1)
        },
    )
    for number, (known, folder, analysis) in enumerate(entries, start=1):
        place = folder.relative_to(case).as_posix()
        lines = facts.file_facts(analysis, known, case, place, events)
        if len(methods) > 1:
            lines.append(facts.Fact("Made with", (f"method {numbers[number - 1]}",)))
        also = shared.get(place, elsewhere.Elsewhere())
        videos.append(_video(analysis, folder, place, known, number, budget, tuple(lines), also))
    refused = tuple(facts.refusals(events, analyses))
    log = f"{events[-1].seq}, {events[-1].hash.removeprefix('sha256:')}" if events else ""
    claims = tuple(
        ClaimLine(words.shorten(claim.text), words.shorten(claim.by), VERDICTS[claim.verdict][0])
        for check in notes.read_claim_checks(case)
        for claim in check.claims
    )
    kept = {event.subject: event.details.get(cases.PROTECTIONS) for event in events if event.event == cases.ANALYSED}
    return Page(
        title=_page_title(videos, refused),
        videos=tuple(videos),
        refusals=refused,
        methods=tuple(methods),
        confinements=tuple(method.confinements([(video.name, kept.get(video.package)) for video in videos])),
        log=log,
        people=others.PEOPLE,
        claims=claims,
        claims_page=cases.CLAIMS_PAGE if claims else "",
    )


def _budget(analyses: Sequence[Analysis]) -> _Budget:
    sightings = [len(findings.hardware(analysis)) for analysis in analyses]
    videos = max(1, sum(1 for count in sightings if count))
    cards = min(MOST_CARDS, max(2, PAGE_CARDS // videos))
    total = max(1, sum(min(count, cards) for count in sightings))
    looping = max(1, sum(1 for analysis in analyses if analysis.matches))
    return _Budget(
        cards,
        max(1 if total <= 3 * PAGE_CARDS else 0, min(5, PAGE_PICTURES // total)),
        max(1, min(MOST_REPEATS, PAGE_REPEATS // looping)),
    )


def _page_title(videos: Sequence[VideoView], refused: Sequence[facts.Refusal]) -> str:
    total = len(videos) + len(refused)
    failed = len(refused) + sum(1 for video in videos if video.state == "failed")
    if total == 0:
        return "Search for military hardware: no video"
    if total == 1:
        name = words.shorten(videos[0].name if videos else refused[0].name, 80)
        return f"Search for military hardware: {name}{', not analysed' if failed else ''}"
    return f"Search for military hardware: {total:,} videos{f', {failed:,} not analysed' if failed else ''}"


def _video(
    analysis: Analysis,
    folder: Path,
    place: str,
    names: Sequence[str],
    number: int,
    budget: _Budget,
    lines: tuple[facts.Fact, ...],
    also: elsewhere.Elsewhere,
) -> VideoView:
    damage = facts.damage(analysis.coverage)
    state = "failed" if analysis.failure else "damaged" if damage else "done"
    tracks = findings.hardware(analysis)
    shown = findings.strongest(tracks, budget.cards)
    anchors = {id(track): f"v{number}-s{index}" for index, track in enumerate(shown, start=1)}
    rows = _rows(analysis, anchors)
    album = Album(analysis, folder)
    name = _name(names)
    file = words.shorten(name, 60)
    by_id = {track.id: anchors[id(track)] for track in shown}
    again = shown_again.repeat_views(analysis, album, by_id, f"v{number}", file, budget.repeats)
    timelines = _timelines(analysis, f"v{number}", anchors, again)
    return VideoView(
        anchor=f"v{number}",
        number=number,
        name=name,
        state=state,
        state_words=_STATES[state],
        length=words.length(analysis.media.duration_seconds_from_content) if analysis.media else "unknown",
        one_line="Could not be analysed" if analysis.failure else findings.one_line(analysis),
        sha256=analysis.video.sha256.removeprefix("sha256:"),
        coverage=facts.coverage_line(analysis.coverage),
        facts=lines,
        failure=words.shorten(analysis.failure.message, 1000) if analysis.failure else "",
        damage=damage,
        warnings=tuple(words.shorten(text) for text in analysis.media.warnings) if analysis.media else (),
        messages=tuple(words.shorten(text) for text in analysis.coverage.decoder_messages) if analysis.coverage else (),
        summary=tuple(_summary(analysis)) if not analysis.failure else (),
        cannot_say=tuple(_cannot_say(analysis)) if not analysis.failure else (),
        timelines=timelines,
        timeline_words=timeline.legend(timelines[0]) if timelines else "",
        rows=tuple(rows[:MOST_ROWS]),
        rows_left_out=max(0, len(rows) - MOST_ROWS),
        counts=tuple(proofs.count_views(analysis, album, file)),
        again=again,
        elsewhere=also,
        cards=tuple(cards.card(analysis, track, album, anchors[id(track)], budget.views, file) for track in shown),
        cards_left_out=len(tracks) - len(shown),
        people=others.people_words(analysis),
        captions=identities.caption_views(analysis),
        others=tuple(others.other_rows(analysis, album, file)),
        package=place,
    )


def _name(names: Sequence[str]) -> str:
    return words.shorten(names[0], 120) if names else "video without a name"


def _rows(analysis: Analysis, anchors: dict[int, str]) -> list[SightingRow]:
    return [
        SightingRow(
            track.id,
            anchors.get(id(track), ""),
            findings.label(track.class_),
            words.clock(track.start_seconds),
            words.clock(track.end_seconds),
            cards.shot_of(analysis, track),
        )
        for track in sorted(analysis.tracks, key=lambda track: (track.start_seconds, track.end_seconds, track.id))
        if findings.node(track.class_).pictures and not track.burnt_in
    ]


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
        said.append(f"No sighting was reported as: {words.listed(absent)}; this is no proof of absence.")
    if open_:
        said.append(
            f"Not told apart: {words.listed(open_)}. Something was reported as a wider class that includes them; "
            "it may be any of these."
        )
    examined = _writing_examined(analysis)
    said.append(NOT_EXAMINED.format("" if examined else "writing and markings, "))
    if examined:
        said.append(WRITING_MISSED)
    said.append(
        "Objects that the detector missed are in no number here, and nothing is counted in missing ranges or between "
        "the frames examined. A false detection makes a count too high: look at the pictures."
    )
    if analysis.brief_tracks:
        verb = "object was" if analysis.brief_tracks == 1 else "possible objects were"
        said.append(
            f"{analysis.brief_tracks:,} more {verb} seen too briefly or too weakly to be listed; the boxes are in "
            "detections.jsonl.gz."
        )
    return said


def _writing_examined(analysis: Analysis) -> bool:
    """Whether writing was looked for in the whole video: a reader was there, and it did not fail."""
    warnings = analysis.media.warnings if analysis.media else []
    return identities.reads_text(analysis) and not any(text.startswith(WRITING_UNREAD) for text in warnings)


def _timelines(
    analysis: Analysis, name: str, anchors: dict[int, str], again: shown_again.Again
) -> tuple[timeline.Timeline, ...]:
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
            findings.label(key),
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
        repeats=again.ranges,
    )
    return tuple(timeline.draw(scene, kind, f"{name}-{kind}") for kind in ("wide", "narrow"))
