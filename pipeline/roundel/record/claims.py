"""The published form of claims: in ``analysis.json``, and as ``claims/NAME.json`` of a case."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from roundel.record.base import Part, Sha256, canonical, of_version

CLAIMS_VERSION = "1"


class EvidenceExhibit(Part):
    """Where a piece of evidence can be looked at."""

    label: str = Field(description="what to look at, or the publication or row that is cited")
    video: str = Field(description="hash of the video; empty if it is none")
    seconds: float | None = Field(description="time in that video")
    file: str = Field(description="picture, relative to that video's package; empty if there is none")


class EvidenceRecord(Part):
    """One piece of evidence for or against a claim, or one statement of provenance."""

    rule: str = Field(description="name of the rule that produced it")
    text: str = Field(description="what it is, in words")
    source: str = Field(description="video, file, finding (a person's), register or catalogue")
    ratio: float | None = Field(description="likelihood ratio in its direction, capped by the validation; null if none")
    words: str = Field(description="words of the printed scale for that ratio; empty if there is none")
    exhibits: list[EvidenceExhibit] = Field(description="where it can be looked at")
    numbers: dict[str, float | int | str] = Field(description="the numbers that went into it")
    about: str = Field("", description="the part of the claim that it bears on; empty if the claim has one part only")


class StepRecord(Part):
    """One step of the derivation of a verdict."""

    rule: str = Field(description="name of the rule")
    text: str = Field(description="what was applied to what, and what followed")
    numbers: dict[str, float | int | str] = Field(description="the numbers that went into it")


class ClaimRecord(Part):
    """A claim and what the evidence does to it."""

    id: str = Field(description="name of the claim within its file")
    text: str = Field(description="the statement as it was made")
    by: str = Field(description="who made it")
    said: str = Field(description="when it was made, as far as the claim file says; empty if it does not")
    reported_in: str = Field(description="where the statement is reported")
    statement: str = Field(description="what it says in the terms of the grammar")
    level: str = Field(description="rung of the provenance ladder, L0 to L9, or footage")
    verdict: str = Field(
        description="shows, supports, consistent_with, not_addressed, weakens, contradicts or cannot_be_assessed"
    )
    words: str = Field(description="the verdict in words, no stronger than the validation allows")
    for_: list[EvidenceRecord] = Field(alias="for", description="evidence for it, strongest first")
    against: list[EvidenceRecord] = Field(description="evidence against it, strongest first")
    alternatives: list[str] = Field(description="other explanations of what is seen; never empty")
    not_addressed: list[str] = Field(description="what of it the evidence says nothing about, and why")
    would_change: list[str] = Field(description="what would settle it, either way")
    sentences: list[EvidenceRecord] = Field(
        description="separate statements about design, producers, present and previous holder and supplier"
    )
    derivation: list[StepRecord] = Field(description="how the verdict was reached")


class ClaimSource(Part):
    """A file that claims or findings were read from."""

    name: str = Field(description="file name")
    sha256: Sha256 = Field(description="hash of the file")
    text: str = Field(description="the file as it was read")


class ClaimFootage(Part):
    """A video that claims were held against, and which analysis of it was used."""

    sha256: Sha256 = Field(description="hash of the video")
    names: list[str] = Field(description="its file names")
    analysis: str = Field(description="folder of the analysis within the video's folder")
    coverage: str = Field(description="how much of it was examined, in words")


class ClaimsCheck(Part):
    """Claims held against a case: ``claims/NAME.json``."""

    schema_version: Annotated[str, of_version(CLAIMS_VERSION)] = Field(description="version of this form")
    tool_version: str = Field(description="version of Roundel")
    title: str = Field(description="title that the claim file gives; may be empty")
    about: str = Field(description="introduction that the author of the claim file wrote; may be empty")
    claim_file: ClaimSource = Field(description="the claims as they were written")
    findings_files: list[ClaimSource] = Field(description="people's findings that are kept in files of their own")
    footage: list[ClaimFootage] = Field(description="what was examined; empty if no footage was")
    catalogue_rows: list[str] = Field(description="hashes of the files of deliveries that were imported into the case")
    claims: list[ClaimRecord] = Field(description="the claims in the order of the file, each with its assessment")


def claims_json(check: ClaimsCheck) -> str:
    """Canonical text of a check of claims, as :func:`to_json` of an analysis."""
    return canonical(check)
