"""Evidence as the claim page shows it: whose it is, what it says, where it can be looked up."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from roundel import words
from roundel.catalogue.profile import REGISTER
from roundel.package import EXHIBIT_NAME
from roundel.record import ClaimRecord, EvidenceExhibit, EvidenceRecord
from roundel.report.citations import Citations, Passage, Piece, words_of
from roundel.report.claim_sheet import ClaimsSheet, ExaminedVideo
from roundel.report.pictures import Picture
from roundel.report.scales import figures

Side = Literal["for", "against", "statement"]

MOST_PICTURES = 3
"""Of one piece of evidence; the annex names the others."""
REPORTED = "reported"
PROVENANCE = "provenance."
SUPPLIER = f"{PROVENANCE}supplier"
_SAFE_FOLDER = re.compile(r"(\.\./)*[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/?")
_MARKS = {
    "video": ("program", "program, from the footage"),
    "file": ("program", "program, from the file"),
    "finding": ("person", "a person’s finding"),
    "register": ("record", "register of deliveries and captures"),
    "catalogue": ("record", "catalogue of equipment"),
}
_TITLES = {
    "provenance.design": "Design",
    "provenance.producers": "Producers",
    "provenance.present_holder": "Held by",
    "provenance.previous_holder": "Held before by",
    SUPPLIER: "Supplier",
    "provenance.types_too_close": "Type",
}


@dataclass(frozen=True, slots=True)
class ExhibitView:
    """Where evidence can be looked at. ``address``: a file beside the page, empty if there is none to open."""

    label: tuple[Piece, ...]
    place: str
    file: str
    address: str
    picture: Picture | None
    alt: str


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """A piece of evidence. ``kind`` and ``mark``: who or what it comes from.

    ``entry``: its place in the annex, empty if all of it is shown here, and ``link``: what the annex adds.
    ``about``: the part of the claim that it bears on.
    """

    kind: str
    mark: str
    title: str
    passages: tuple[Passage, ...]
    strength: str
    exhibits: tuple[ExhibitView, ...]
    entry: str
    link: str
    about: str


@dataclass(frozen=True, slots=True)
class AnnexEntry:
    """All that one piece of evidence cites, and its numbers. ``title``: what it is, and of which claims."""

    anchor: str
    title: str
    exhibits: tuple[ExhibitView, ...]
    numbers: str


class Annex:
    """Pieces of evidence of which a sheet shows a part, each once for all claims, with all that they cite."""

    def __init__(self, sheet: ClaimsSheet) -> None:
        self._sheet = sheet
        self.citations = Citations("annex", sheet.sources, all_texts(sheet.records))
        self._found: dict[str, EvidenceRecord] = {}
        self._claims: dict[str, list[int]] = {}

    def anchor(self, item: EvidenceRecord, claim: int) -> str:
        """The place in the annex of a piece of evidence that bears on a claim, whichever part of it that is."""
        key = item.model_dump_json(exclude={"about"})
        self._found.setdefault(key, item)
        claims = self._claims.setdefault(key, [])
        if claim not in claims:
            claims.append(claim)
        return f"e{list(self._found).index(key) + 1}"

    def entries(self) -> tuple[AnnexEntry, ...]:
        """All of them, in the order in which they were first asked for."""
        return tuple(
            AnnexEntry(
                anchor=f"e{number}",
                title=_heading(item, self._claims[key]),
                exhibits=tuple(_exhibit(one, self._sheet, self.citations, pictured=False) for one in item.exhibits),
                numbers=figures(item.numbers.items()),
            )
            for number, (key, item) in enumerate(self._found.items(), start=1)
        )


def all_texts(records: Iterable[ClaimRecord]) -> Iterable[str]:
    """All texts of claims that may name sources."""
    for record in records:
        yield record.reported_in
        for item in (*record.for_, *record.against, *record.sentences):
            yield item.text
            yield from (exhibit.label for exhibit in item.exhibits)


def shown_texts(record: ClaimRecord) -> Iterable[str]:
    """Those texts that stand on the sheet of a claim, and the register wherever it is cited; the annex has the rest."""
    yield record.reported_in
    for item in (*record.for_, *record.against, *record.sentences):
        yield item.text
    for item in (*record.for_, *record.against):
        yield from (exhibit.label for exhibit in item.exhibits)
    for text in all_texts([record]):
        yield from (code for code in REGISTER if code in words_of(text))


def mark_of(item: EvidenceRecord) -> tuple[str, str]:
    """Kind of source, and who or what it is in words."""
    if item.source == "finding" and item.rule == REPORTED:
        return "report", "a report, entered by a person"
    if item.source == "finding" and item.rule.startswith(PROVENANCE):
        return "person", "entered by a person"
    return _MARKS.get(item.source, ("record", f"source: {words.shorten(item.source, 60)}"))


def evidence_view(
    item: EvidenceRecord, sheet: ClaimsSheet, citations: Citations, annex: Annex, claim: int, *, side: Side
) -> EvidenceView:
    """A piece of evidence that speaks for a claim or against it; what a ``statement`` cites is left to the annex."""
    kind, mark = mark_of(item)
    pictured = [one for one in item.exhibits if one.video or one.file]
    shown = [*pictured[:MOST_PICTURES], *(one for one in item.exhibits if one not in pictured)]
    if side == "statement":
        shown = []
    title = _TITLES.get(item.rule, "")
    more = _more(item, len(shown))
    entry = annex.anchor(item, claim) if more else ""
    return EvidenceView(
        kind=kind,
        mark=mark if title else words.capital(mark),
        title=title,
        passages=citations.passages(item.text),
        strength=_strength(item, side),
        exhibits=tuple(_exhibit(one, sheet, citations) for one in shown),
        entry=entry,
        link=f"{more} in the annex, {entry}" if more else "",
        about=item.about,
    )


def _more(item: EvidenceRecord, shown: int) -> str:
    """What the annex adds to so many exhibits that are shown; empty if nothing."""
    cited = len(item.exhibits)
    if shown < cited:
        return "One citation" if cited == 1 else f"All {cited} citations"
    return "Numbers" if item.numbers else ""


def _strength(item: EvidenceRecord, side: Side) -> str:
    """The words of the scale and the ratio that they stand for."""
    if item.ratio is None:
        return words.capital(item.words)
    one, other = ("true", "not true") if side != "against" else ("not true", "true")
    times = f"{words.number(item.ratio, 1)} times as likely to be found if the claim is {one} as if it is {other}"
    return words.capital(f"{item.words or 'strength'}: {times}")


def _heading(item: EvidenceRecord, claims: Sequence[int]) -> str:
    """What a piece of evidence is called in the annex."""
    mark = mark_of(item)[1]
    named = f"{_TITLES[item.rule]}: {mark}" if item.rule in _TITLES else words.capital(mark)
    return f"{named} ({'claim' if len(claims) == 1 else 'claims'} {', '.join(str(number) for number in claims)})"


def _exhibit(one: EvidenceExhibit, sheet: ClaimsSheet, citations: Citations, *, pictured: bool = True) -> ExhibitView:
    """A time in a video, a picture, a row or a citation."""
    video = next((item for item in sheet.videos if one.video and item.sha256 == one.video), None)
    name = words.shorten(video.name if video else one.video, 80)
    time = words.clock(one.seconds) if one.seconds is not None else ""
    return ExhibitView(
        label=citations.pieces(words.shorten(one.label, 600)),
        place=", ".join(part for part in (name, time) if part),
        file=words.shorten(one.file, 200),
        address=_address(video, one.file),
        picture=sheet.pictures(one.video, one.file) if pictured and one.video and one.file else None,
        alt=f"Picture of the footage: {words.shorten(one.label, 120)}{f', at {time}' if time else ''}",
    )


def _address(video: ExaminedVideo | None, file: str) -> str:
    """A path relative to the page, of safe characters only; never an address elsewhere."""
    if video is None or not _SAFE_FOLDER.fullmatch(video.package) or not EXHIBIT_NAME.fullmatch(file):
        return ""
    return f"{video.package.rstrip('/')}/{file}"
