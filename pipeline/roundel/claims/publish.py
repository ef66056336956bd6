"""Assessments in their published form, and the file that keeps them in a case."""

from __future__ import annotations

from collections.abc import Iterable

from roundel.catalogue import Catalogue
from roundel.claims.assess import assess_all
from roundel.claims.model import Assessment, Claim, DateSpan, Evidence, Step
from roundel.claims.scene import Scene
from roundel.claims.summary import statement
from roundel.record import ClaimRecord, EvidenceExhibit, EvidenceRecord, StepRecord


def records(claims: Iterable[Claim], scene: Scene) -> list[ClaimRecord]:
    """Claims, assessed, in their published form."""
    return [to_claim_record(assessment, scene.catalogue) for assessment in assess_all(claims, scene)]


def to_claim_record(assessment: Assessment, catalogue: Catalogue) -> ClaimRecord:
    """One assessment as it is written to ``analysis.json`` and to a case."""
    claim = assessment.claim
    fields = {
        "id": claim.id,
        "text": claim.text,
        "by": claim.by,
        "said": span_text(claim.said),
        "reported_in": claim.source,
        "statement": statement(claim, catalogue),
        "level": assessment.level.value,
        "verdict": assessment.verdict.value,
        "words": assessment.words,
        "for": _evidence(assessment.supporting),
        "against": _evidence(assessment.opposing),
        "alternatives": list(assessment.alternatives),
        "not_addressed": list(assessment.not_addressed),
        "would_change": list(assessment.would_change),
        "sentences": _evidence(assessment.sentences),
        "derivation": [_step(step) for step in assessment.derivation],
    }
    return ClaimRecord.model_validate(fields)


def span_text(when: DateSpan | None) -> str:
    """A span of days as text; empty if it is not known.

    >>> from datetime import date
    >>> span_text(DateSpan(date(2014, 8, 24), date(2014, 8, 24))), span_text(None)
    ('2014-08-24', '')
    """
    if when is None or (when.first is None and when.last is None):
        return ""
    if when.first == when.last:
        return str(when.first)
    return f"{when.first or '…'} to {when.last or '…'}"


def _evidence(items: Iterable[Evidence]) -> list[EvidenceRecord]:
    return [
        EvidenceRecord(
            rule=item.rule,
            text=item.text,
            source=item.source,
            ratio=round(item.ratio, 2) if item.ratio is not None else None,
            words=item.words,
            exhibits=[
                EvidenceExhibit(label=one.label, video=one.video, seconds=one.seconds, file=one.file)
                for one in item.exhibits
            ],
            numbers=dict(item.numbers or {}),
            about=item.about,
        )
        for item in items
    ]


def _step(step: Step) -> StepRecord:
    return StepRecord(rule=step.rule, text=step.text, numbers=dict(step.numbers or {}))
