"""The report of a case and the page of claims: self-contained HTML, rendered from packages and assessed claims."""

from roundel.report.claim_footage import ExaminedFootage, examined_footage, sheet_of
from roundel.report.claim_sheet import ClaimsSheet, ExaminedVideo, InputFile
from roundel.report.render import Previews, render_case, render_claims, render_claims_of

__all__ = [
    "ClaimsSheet",
    "ExaminedFootage",
    "ExaminedVideo",
    "InputFile",
    "Previews",
    "examined_footage",
    "render_case",
    "render_claims",
    "render_claims_of",
    "sheet_of",
]
