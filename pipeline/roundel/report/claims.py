"""From assessed claims to the plain values of the claim page: one sheet for each claim, and what they rest on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from roundel import words
from roundel.catalogue.profile import REGISTER, SIPRI_NOTICE
from roundel.claims.ladder import BEYOND
from roundel.claims.model import Level
from roundel.record import ClaimRecord, EvidenceRecord, StepRecord
from roundel.report import scales
from roundel.report.citations import Citations, Piece, SourceLine, sentences
from roundel.report.claim_evidence import (
    REPORTED,
    SUPPLIER,
    Annex,
    AnnexEntry,
    EvidenceView,
    Side,
    evidence_view,
    shown_texts,
)
from roundel.report.claim_sheet import ClaimsSheet, ExaminedVideo, InputFile

ROOMY = 2200
"""Sheets of up to so many characters are printed in larger letters; both sizes fit one A4 page."""
NO_FOOTAGE = "No footage was examined."
UNTOLD = "No footage was examined, and no report of what it shows is given."
UNSEEN = "No footage was examined: everything here comes from reports, from what people entered and from registers."
REST = "the rest of what is said here comes from reports, from what people entered and from registers."
STATUS_SEEN = "Worked out by a program from footage, reports and registers."
STATUS_UNSEEN = "Worked out by a program from reports, findings and registers; no footage was examined."
NOT_APPROVED = "No person has approved this page."
NOTHING_SEEN = "Nothing in the footage bears on this claim. Not finding something does not prove that it is not there."
FRAME = "Footage does not show what is out of the picture, and cuts can show one object twice."
NO_MORE = "Even clear footage of it would not show who built, held or supplied it, or when."
_LIMITS = {level.value: FRAME for level in tuple(Level)[:5]} | {
    Level.DESIGN_ORIGIN.value: NO_MORE,
    **{level.value: text for level, text in BEYOND.items()},
}
"""What no footage can show of a claim of each level; nothing is said of claims about the footage itself."""
SEPARATE = "Separate statements."
SUPPLIER_LAST = "Separate statements; the last one takes the holder before as given."
_OWNER, _, _TERMS = SIPRI_NOTICE.partition("; ")
REGISTER_NOTICE = f"{_OWNER}. Roundel uses these rows under SIPRI’s terms: {_TERMS}"
_DAY = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
_REPORT_MARK = "Reported, not seen in the footage: "


@dataclass(frozen=True, slots=True)
class StepView:
    """A step of the derivation."""

    text: str
    numbers: str


@dataclass(frozen=True, slots=True)
class ClaimView:
    """One sheet. ``which``: of how many; ``verdict``: the verdict as a style; ``size``: of the letters on paper.

    ``separate``: how the statements of origin hang together.
    """

    anchor: str
    which: str
    number: int
    id: str
    quote: str
    by: str
    said: str
    reported_in: tuple[Piece, ...]
    statement: str
    level: str
    verdict_code: str
    verdict: str
    size: str
    verdict_word: str
    verdict_means: str
    words: str
    in_short: str
    footage_title: str
    footage: tuple[str, ...]
    reports: tuple[str, ...]
    supporting: tuple[EvidenceView, ...]
    opposing: tuple[EvidenceView, ...]
    sentences: tuple[EvidenceView, ...]
    separate: str
    cannot: tuple[str, ...]
    alternatives: tuple[str, ...]
    settle: tuple[str, ...]
    rungs: tuple[scales.Rung, ...]
    scale: tuple[scales.ScaleRow, ...]
    cap: str
    steps: tuple[StepView, ...]
    sources: tuple[SourceLine, ...]
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClaimsPage:
    """The whole page.

    ``status``: who made it from what; ``examined``: whether footage was; ``about``: paragraphs by the author of the
    claim file; ``verdicts``: word and meaning of each; ``scale``: the scale of words, unless each sheet has it.
    """

    title: str
    status: tuple[str, str]
    examined: str
    about: tuple[str, ...]
    claims: tuple[ClaimView, ...]
    annex: tuple[AnnexEntry, ...]
    sources: tuple[SourceLine, ...]
    files: tuple[InputFile, ...]
    videos: tuple[ExaminedVideo, ...]
    model: str
    validation: str
    made: str
    notices: tuple[str, ...]
    verdicts: tuple[tuple[str, str], ...]
    scale: tuple[scales.ScaleRow, ...]
    pictures: bool


def page_of(sheet: ClaimsSheet) -> ClaimsPage:
    """The view of a sheet; a pure function of it."""
    annex = Annex(sheet)
    claims = tuple(_claim(number, record, sheet, annex) for number, record in enumerate(sheet.records, start=1))
    return ClaimsPage(
        title=words.shorten(sheet.title, 160),
        status=(STATUS_SEEN if sheet.seen else STATUS_UNSEEN, NOT_APPROVED),
        examined=_examined(sheet),
        about=_paragraphs(words.shorten(sheet.about, 3000)),
        claims=claims,
        annex=annex.entries(),
        sources=annex.citations.lines,
        files=sheet.files,
        videos=sheet.videos,
        model=sheet.model,
        validation=sheet.validation,
        made=sheet.made,
        notices=tuple(dict.fromkeys((*sheet.notices, *_register_notice(annex.citations)))),
        verdicts=tuple((word, means) for word, _, means in scales.VERDICTS.values()),
        scale=() if claims and all(claim.scale for claim in claims) else scales.whole_scale(),
        pictures=any(
            exhibit.picture
            for claim in claims
            for item in (*claim.supporting, *claim.opposing)
            for exhibit in item.exhibits
        ),
    )


def _examined(sheet: ClaimsSheet) -> str:
    """Whether footage was examined, and how much."""
    seen, given = len(sheet.seen), len(sheet.videos)
    if not seen:
        return UNSEEN
    number = f"{seen:,}" if seen == given else f"{seen:,} of {given:,}"
    return f"{number} {'video was' if given == 1 else 'videos were'} examined; {REST}"


def _paragraphs(text: str) -> tuple[str, ...]:
    """A text cut at empty lines."""
    parts = re.split(r"\r?\n(?:[ \t]*\r?\n)+", text.strip())
    return tuple(re.sub(r"[ \t]*\r?\n[ \t]*", " ", part) for part in parts if part)


def dates_in_words(text: str) -> str:
    """A text with its dates as one writes them.

    >>> dates_in_words("2014-08-31 to 2014-09-02"), dates_in_words("2014-13-01")
    ('31 August 2014 to 2 September 2014', '2014-13-01')
    """

    def day(match: re.Match[str]) -> str:
        try:
            found = date.fromisoformat(match[0])
        except ValueError:
            return match[0]
        return words.day_words(found)

    return _DAY.sub(day, text)


def _said(text: str) -> str:
    """When a claim was made; a span that is open at one end in words.

    >>> _said("2014-08-24 to …"), _said("")
    ('24 August 2014 or later', 'not stated')
    """
    told = dates_in_words(words.shorten(text, 80))
    if told.endswith(" to …"):
        return f"{told.removesuffix(' to …')} or later"
    if told.startswith("… to "):
        return f"{told.removeprefix('… to ')} or earlier"
    return told or "not stated"


def _register_notice(citations: Citations) -> tuple[str, ...]:
    return (REGISTER_NOTICE,) if any(line.code in REGISTER for line in citations.lines) else ()


def _claim(number: int, record: ClaimRecord, sheet: ClaimsSheet, annex: Annex) -> ClaimView:
    anchor = f"c{number}"
    citations = Citations(anchor, sheet.sources, shown_texts(record))
    word, means = scales.verdict_words(record.verdict)
    rows, cap = scales.scale(record)

    def views(items: Iterable[EvidenceRecord], side: Side) -> tuple[EvidenceView, ...]:
        return tuple(evidence_view(item, sheet, citations, annex, number, side=side) for item in items)

    return ClaimView(
        anchor=anchor,
        which=f"Claim {number} of {len(sheet.records)}" if len(sheet.records) > 1 else "Claim",
        number=number,
        id=words.shorten(record.id, 80),
        quote=words.shorten(record.text, 1200),
        by=words.shorten(record.by) or "not stated",
        said=_said(record.said),
        reported_in=citations.pieces(words.shorten(record.reported_in, 600) or "not stated"),
        statement=words.capital(words.shorten(record.statement, 1200)),
        level=words.shorten(record.level, 40),
        verdict_code=words.shorten(record.verdict, 40),
        verdict=record.verdict if record.verdict in scales.VERDICTS else "other",
        size="dense" if _length(record) > ROOMY else "roomy",
        verdict_word=word,
        verdict_means=means,
        words=words.shorten(record.words, 1500),
        in_short=words.shorten(sentences(record.words)[0], 400),
        footage_title="What the footage shows" if sheet.seen else "What others say the footage shows",
        footage=_footage(record, sheet),
        reports=_reports(record),
        supporting=views(record.for_, "for"),
        opposing=views(record.against, "against"),
        sentences=views(record.sentences, "statement"),
        separate=SUPPLIER_LAST if [item.rule for item in record.sentences][-1:] == [SUPPLIER] else SEPARATE,
        cannot=_cannot(record),
        alternatives=tuple(words.shorten(text, 1000) for text in record.alternatives),
        settle=tuple(words.capital(words.shorten(text, 1000)) for text in record.would_change),
        rungs=scales.rungs(record.level),
        scale=rows,
        cap=cap,
        steps=tuple(_step(step, record) for step in record.derivation),
        sources=citations.lines,
        notices=_register_notice(citations),
    )


def _length(record: ClaimRecord) -> int:
    """Characters of what stands on a sheet."""
    items = (*record.for_, *record.against)
    labels = sum(len(exhibit.label) for item in items for exhibit in item.exhibits)
    lists = (record.alternatives, record.not_addressed, record.would_change, [step.text for step in record.derivation])
    said = sum(len(item.text) for item in (*items, *record.sentences))
    return len(record.text) + len(record.words) + labels + said + sum(len(text) for texts in lists for text in texts)


def _footage(record: ClaimRecord, sheet: ClaimsSheet) -> tuple[str, ...]:
    """What comes from the footage itself."""
    if not sheet.seen:
        return (NO_FOOTAGE if _reports(record) else UNTOLD,)
    seen = [item.text for item in (*record.for_, *record.against) if item.source in {"video", "file"}]
    return tuple(words.shorten(text, 1000) for text in dict.fromkeys(seen)) or (NOTHING_SEEN,)


def _reports(record: ClaimRecord) -> tuple[str, ...]:
    """What others report that the footage shows."""
    told = [item.text for item in (*record.for_, *record.against) if item.rule == REPORTED]
    return tuple(words.shorten(text.removeprefix(_REPORT_MARK), 1000) for text in dict.fromkeys(told))


def _cannot(record: ClaimRecord) -> tuple[str, ...]:
    """What the evidence says nothing about, and what no footage can show of such a claim."""
    found = [words.shorten(text, 1000) for text in record.not_addressed]
    return tuple(dict.fromkeys((*found, *([_LIMITS[record.level]] if record.level in _LIMITS else []))))


def _step(step: StepRecord, record: ClaimRecord) -> StepView:
    """A step; evidence that it repeats word for word stands further up on the sheet."""
    text = step.text
    for item in (*record.for_, *record.against):
        text = text.replace(item.text, "see the evidence above.")
    return StepView(words.shorten(text, 1500), scales.figures(step.numbers.items()))
