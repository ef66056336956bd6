"""From assessed claims to the plain values of the claim page: one sheet for each claim, and what they rest on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from roundel import words
from roundel.catalogue.profile import REGISTER, SIPRI_NOTICE
from roundel.claims.ladder import BEYOND
from roundel.claims.model import Level
from roundel.record import ClaimRecord, EvidenceRecord, StepRecord
from roundel.report import scales
from roundel.report.citations import Citations, Piece, SourceLine, sentences
from roundel.report.claim_evidence import REPORTED, Annex, AnnexEntry, EvidenceView, evidence_view, shown_texts
from roundel.report.claim_sheet import ClaimsSheet, ExaminedVideo, InputFile

ROOMY = 2200
"""Sheets of up to so many characters are printed in larger letters; both sizes fit one A4 page."""
NO_FOOTAGE = (
    "No footage was examined for this page. All that follows comes from reports, from what people entered and from "
    "registers."
)
NOTHING_SEEN = "Nothing in the footage bears on this claim. Not finding something does not prove that it is not there."
NO_MORE = "Even clear footage of it would not show who built, held or supplied it, or when."
_REPORT_MARK = "Reported, not seen in the footage: "


@dataclass(frozen=True, slots=True)
class StepView:
    """A step of the derivation."""

    text: str
    numbers: str


@dataclass(frozen=True, slots=True)
class ClaimView:
    """One sheet. ``verdict``: the verdict as a style; ``size``: of the letters on paper."""

    anchor: str
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
    footage: tuple[str, ...]
    reports: tuple[str, ...]
    supporting: tuple[EvidenceView, ...]
    opposing: tuple[EvidenceView, ...]
    sentences: tuple[EvidenceView, ...]
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
    """The whole page. ``verdicts``: word, meaning and name in the data of each."""

    title: str
    claims: tuple[ClaimView, ...]
    annex: tuple[AnnexEntry, ...]
    sources: tuple[SourceLine, ...]
    files: tuple[InputFile, ...]
    videos: tuple[ExaminedVideo, ...]
    model: str
    validation: str
    made: str
    notices: tuple[str, ...]
    verdicts: tuple[tuple[str, str, str], ...]
    pictures: bool


def page_of(sheet: ClaimsSheet) -> ClaimsPage:
    """The view of a sheet; a pure function of it."""
    annex = Annex(sheet)
    claims = tuple(_claim(number, record, sheet, annex) for number, record in enumerate(sheet.records, start=1))
    return ClaimsPage(
        title=words.shorten(sheet.title, 160),
        claims=claims,
        annex=annex.entries(),
        sources=annex.citations.lines,
        files=sheet.files,
        videos=sheet.videos,
        model=sheet.model,
        validation=sheet.validation,
        made=sheet.made,
        notices=tuple(dict.fromkeys((*sheet.notices, *_register_notice(annex.citations)))),
        verdicts=tuple((word, means, code) for code, (word, _, means) in scales.VERDICTS.items()),
        pictures=any(
            exhibit.picture
            for claim in claims
            for item in (*claim.supporting, *claim.opposing)
            for exhibit in item.exhibits
        ),
    )


def _register_notice(citations: Citations) -> tuple[str, ...]:
    return (SIPRI_NOTICE,) if any(line.code in REGISTER for line in citations.lines) else ()


def _claim(number: int, record: ClaimRecord, sheet: ClaimsSheet, annex: Annex) -> ClaimView:
    anchor = f"c{number}"
    citations = Citations(anchor, sheet.sources, shown_texts(record))
    word, means = scales.verdict_words(record.verdict)
    rows, cap = scales.scale(record)

    def views(items: Iterable[EvidenceRecord], if_true: bool = True) -> tuple[EvidenceView, ...]:
        return tuple(evidence_view(item, sheet, citations, annex, if_true=if_true) for item in items)

    return ClaimView(
        anchor=anchor,
        number=number,
        id=words.shorten(record.id, 80),
        quote=words.shorten(record.text, 1200),
        by=words.shorten(record.by) or "not stated",
        said=words.shorten(record.said, 80) or "not stated",
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
        footage=_footage(record, sheet),
        reports=_reports(record),
        supporting=views(record.for_),
        opposing=views(record.against, if_true=False),
        sentences=views(record.sentences),
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
    if not sheet.videos:
        return (NO_FOOTAGE,)
    seen = [item.text for item in (*record.for_, *record.against) if item.source in {"video", "file"}]
    return tuple(words.shorten(text, 1000) for text in dict.fromkeys(seen)) or (NOTHING_SEEN,)


def _reports(record: ClaimRecord) -> tuple[str, ...]:
    """What others report that the footage shows."""
    told = [item.text for item in (*record.for_, *record.against) if item.rule == REPORTED]
    return tuple(words.shorten(text.removeprefix(_REPORT_MARK), 1000) for text in dict.fromkeys(told))


def _cannot(record: ClaimRecord) -> tuple[str, ...]:
    """What the evidence says nothing about, and what no footage can show of such a claim."""
    limits = {level.value: BEYOND.get(level, NO_MORE) for level in Level if level is not Level.FOOTAGE}
    found = [words.shorten(text, 1000) for text in record.not_addressed]
    return tuple(dict.fromkeys((*found, *([limits[record.level]] if record.level in limits else []))))


def _step(step: StepRecord, record: ClaimRecord) -> StepView:
    """A step; evidence that it repeats word for word stands further up on the sheet."""
    text = step.text
    for item in (*record.for_, *record.against):
        text = text.replace(item.text, "see the evidence above.")
    return StepView(words.shorten(text, 1500), scales.figures(step.numbers.items()))
