"""Writes the page: Jinja2 with escaping, strict variables and every odd character made visible."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Literal

import jinja2
from markupsafe import Markup

from roundel import case as cases
from roundel import words
from roundel.disk import replace_text
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
    style = (_HERE / "static" / "report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    return (
        environment()
        .get_template("index.html.j2")
        .render(page=page, clear=previews == "clear", style=Markup(style), style_hash=Markup(digest))  # noqa: S704
    )


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
