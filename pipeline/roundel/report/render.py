"""Writes the page: Jinja2 with escaping, strict variables and every odd character made visible."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Literal

import jinja2
from markupsafe import Markup

from roundel import case as cases
from roundel import notes, words
from roundel.disk import replace_text
from roundel.report.claim_footage import sheet_of
from roundel.report.claim_sheet import ClaimsSheet
from roundel.report.claims import page_of
from roundel.report.model import Page, read_case

Previews = Literal["veiled", "clear"]

_HERE = Path(__file__).parent


def environment() -> jinja2.Environment:
    """The only environment for the page.

    Every value that is printed and is not markup of our own passes through :func:`roundel.words.visible` and is
    then escaped; a name that is not defined is an error.
    """
    return jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        finalize=_show,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _show(value: object) -> object:
    return words.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def render(page: Page, previews: Previews = "veiled") -> str:
    """The page as text."""
    return render_page("index.html.j2", ("report.css",), page, previews)


def render_claims(sheet: ClaimsSheet, previews: Previews = "veiled") -> str:
    """The page of claims as text: an index if there are several, one A4 page for each claim, and what they cite.

    Args:
        sheet: the claims and what they rest on; the same sheet gives the same text.
        previews: as for :func:`render_case`.
    """
    return render_page("claims.html.j2", ("report.css", "claims.css"), page_of(sheet), previews)


def render_page(template: str, styles: tuple[str, ...], page: object, previews: Previews) -> str:
    """A page as text, with its style inlined and allowed by its hash; nothing else may load or run."""
    style = "".join((_HERE / "static" / name).read_text(encoding="utf-8") for name in styles)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    return (
        environment()
        .get_template(template)
        .render(page=page, clear=previews == "clear", style=Markup(style), style_hash=Markup(digest))  # noqa: S704
    )


def render_claims_of(case: Path, *, previews: Previews = "veiled") -> Path | None:
    """Write the page of the claims that were checked in a case; ``None`` if none were.

    Raises:
        UsageError: if the folder is no case.
        IntegrityError: if a check or a package is not as it was written.
    """
    checks = notes.read_claim_checks(case)
    if not checks:
        return None
    target = case / cases.REPORT / cases.CLAIMS_PAGE
    replace_text(target, render_claims(sheet_of(checks, case, target), previews))
    return target


def render_case(case: Path, *, previews: Previews = "veiled") -> Path:
    """Write the report of a case; the same packages and the same custody log give the same bytes.

    Args:
        case: the folder of the case; only ``report/index.html`` in it is written.
        previews: ``veiled`` shows pictures grey and blurred until the reader turns the switch on the page; ``clear``
            starts with the switch on.

    Returns:
        The path of the page.

    Raises:
        UsageError: if the folder is no case.
        IntegrityError: if a package or the custody log is not as it was written.
    """
    text = render(read_case(case), previews)
    target = case / cases.REPORT / cases.REPORT_PAGE
    replace_text(target, text)
    return target
