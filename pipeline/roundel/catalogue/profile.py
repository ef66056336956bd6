"""All that may be printed about a type or class, as one structure; nothing in it lacks a source better than tier D."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from roundel.catalogue.model import Fact, Lookalike, Row
from roundel.catalogue.query import CONFLICTING, JOINT, Catalogue, Sourced

SIPRI_NOTICE = (
    "Deliveries: SIPRI Arms Transfers Database, (c) SIPRI; fair use only: not commercial, less than 10 % of the data, "
    "source named."
)
REGISTER = ("S1", "S2", "S3", "SIPRI")
"""Sources that are the SIPRI register."""
DATES = ("first_flight", "introduced", "entered_service", "production_start", "production_end", "number_built")
IDENTIFIERS = ("wikidata", "icao_8643", "mil_std_2525d", "unroca")
NOT_SEPARATED = "no part that separates them is sourced"
LOCAL = "local:"
PRODUCTION_LINE = "production_line:"
HOW = {"unknown": "how is not stated"}
BASIS = {"stated": "stated", "licence_row": "from a licence row of the register", "inferred": "inferred"}


def profile(catalogue: Catalogue, node: str, recipient: str | None = None) -> dict[str, Any]:
    """What is known of a type or class. ``recipient``: only deliveries to this state.

    Raises:
        UsageError: if there is no such node.
    """
    lineage = catalogue.lineage(node)
    about = _About(catalogue, node)
    rows = [row for row in catalogue.deliveries(node, recipient) if catalogue.printable(row)]
    found: dict[str, Any] = {
        "id": node,
        "kind": "class" if node in catalogue.classes else "type",
        "title": catalogue.node_title(node),
        "names": _names(catalogue, node),
        "lineage": [{"id": above, "title": catalogue.node_title(above)} for above in lineage[1:]],
        "design_origin": [about.state_fact(fact) for fact in catalogue.design_origins(node)],
        "designer": about.facts("designer"),
        "nato_name": about.facts("nato_name"),
        "dates": [item for prop in DATES for item in about.facts(prop)],
        "produced_in": [about.state_fact(fact) for fact in catalogue.producers(node)],
        "derived_from": about.designs(),
        "identifiers": about.identifiers(),
        "deliveries": [about.row(row) for row in _in_order(rows)],
        "captures": [about.row(row) for row in _in_order(catalogue.captures(node)) if catalogue.printable(row)],
        "holdings": [about.row(row) for row in _in_order(catalogue.holdings(node)) if catalogue.printable(row)],
        "lookalikes": [about.lookalike(item) for item in catalogue.lookalikes(node)],
        "look_at": about.clues(),
        "types": [] if node in catalogue.types else list(catalogue.types_under(node)),
        "notice": SIPRI_NOTICE if any(item.code in REGISTER for row in rows for item in row.sources) else "",
    }
    return {**found, "sources": about.sources()}


def _names(catalogue: Catalogue, node: str) -> list[dict[str, Any]]:
    """Names by language or state; NATO names are facts."""
    item = catalogue.types.get(node)
    if item is None:
        return []
    return [
        {"in": catalogue.state_name(body.removeprefix(LOCAL)) if body.startswith(LOCAL) else body, "names": list(names)}
        for body, names in item.names.items()
        if body != "nato"
    ]


def _in_order(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row.first_year or row.ordered_year or 0, row.id))


class _About:
    """The parts of a profile; remembers which sources they cite."""

    def __init__(self, catalogue: Catalogue, node: str) -> None:
        self._catalogue, self._node = catalogue, node
        self._cited: set[str] = set()

    def cite(self, item: Sourced) -> str:
        """The sources of something that is printed."""
        self._cited |= {citation.code for citation in item.sources}
        return self._catalogue.cite(item.sources)

    def sources(self) -> dict[str, str]:
        """What the cited codes stand for, with the tier of each."""
        known = self._catalogue.sources
        return {
            code: f"{known[code].what} (tier {known[code].tier}; {known[code].where})"
            for code in sorted(self._cited)
            if code in known
        }

    def fact(self, fact: Fact) -> dict[str, Any]:
        """A fact in words."""
        notes = [
            text
            for text in (HOW.get(fact.how, fact.how.replace("_", " ")), "" if fact.scope == JOINT else fact.scope)
            if text
        ]
        notes += ["joint design"] if fact.scope == JOINT else []
        notes += ["sources disagree"] if fact.rank == CONFLICTING else []
        return {
            "what": fact.prop,
            "value": fact.value,
            "notes": notes,
            "basis": BASIS[fact.basis],
            "sources": self.cite(fact),
        }

    def facts(self, prop: str) -> list[dict[str, Any]]:
        """All facts of a property."""
        return [self.fact(fact) for fact in self._catalogue.facts(self._node, prop)]

    def state_fact(self, fact: Fact) -> dict[str, Any]:
        """A fact whose value is a state, with its name."""
        return {**self.fact(fact), "title": self._catalogue.state_name(fact.value)}

    def designs(self) -> list[dict[str, Any]]:
        """The designs that it comes from."""
        facts = self._catalogue.facts(self._node, "derived_from")
        return [{**self.fact(fact), "title": self._catalogue.node_title(fact.value)} for fact in facts]

    def identifiers(self) -> list[dict[str, Any]]:
        """Identifiers elsewhere, each with the other types that share it."""
        types = self._catalogue.types
        if self._node not in types:
            return []
        found = []
        for name in IDENTIFIERS:
            for fact in self._catalogue.facts(self._node, name):
                others = [other for other, item in types.items() if item.external_ids.get(name) == fact.value]
                shared = [other for other in others if other != self._node] if name in IDENTIFIERS[:2] else []
                found.append({**self.fact(fact), "shared_with": shared})
        return found

    def row(self, row: Row) -> dict[str, Any]:
        """A delivery, capture or holding."""
        year = row.first_year or row.ordered_year
        at = date(year, 7, 1) if year else None
        return {
            "id": row.id,
            "type": row.type,
            "designation": row.designation,
            "supplier": self._catalogue.state_name(row.supplier, at) if row.supplier else "",
            "recipient": self._catalogue.state_name(row.recipient, at),
            "number": number_words(row),
            "years": years_words(row),
            "condition": row.condition.replace("_", " "),
            "hedged": row.hedged,
            "notes": [self._flag(flag) for flag in row.flags],
            "sources": self.cite(row),
        }

    def _flag(self, flag: str) -> str:
        if flag.startswith(PRODUCTION_LINE):
            code = flag.removeprefix(PRODUCTION_LINE)
            perhaps = "perhaps " if code.endswith("?") else ""
            return f"{perhaps}from the production line in {self._catalogue.state_name(code.rstrip('?'))}"
        return flag.replace("_", " ")

    def lookalike(self, item: Lookalike) -> dict[str, Any]:
        """A type that it is taken for, and the parts that separate them."""
        parts = [
            {
                "part": part.part,
                "this": part.this,
                "other": part.other,
                "view": part.view,
                "faked_or_lost": part.forgeable,
                "sources": self.cite(part),
            }
            for part in item.features
        ]
        return {
            "id": item.other,
            "title": self._catalogue.node_title(item.other),
            "separable_in_video": item.separable if parts else "unknown",
            "features": parts,
            "note": "" if parts else NOT_SEPARATED,
            "sources": self.cite(item) if self._catalogue.printable(item) else "",
        }

    def clues(self) -> list[dict[str, Any]]:
        """The parts to look at."""
        item = self._catalogue.types.get(self._node)
        clues = item.clues if item else ()
        return [
            {"part": clue.part, "text": clue.text, "sources": self.cite(clue)}
            for clue in clues
            if self._catalogue.printable(clue)
        ]


def number_words(row: Row) -> str:
    """How many, as the source says.

    >>> number_words(Row("r", "captured", "t-62", "T-62", "SY", "UA", None, 3, None, None, None, False, "", (), ()))
    'at least 3'
    """
    if row.least is None and row.most is None:
        return "number not given"
    if row.least is None:
        return f"at most {row.most}"
    if row.most is None:
        return f"at least {row.least}"
    about = "about " if "number_estimated" in row.flags else ""
    return f"{about}{row.least}" if row.least == row.most else f"{row.least} to {row.most}"


def years_words(row: Row) -> str:
    """When, as the source says.

    >>> years_words(Row("r", "transfer", "t-62", "T-62", "SY", "UA", 1971, 3, 3, 1972, 1974, False, "", (), ()))
    '1972-1974'
    """
    if row.first_year is None:
        return f"ordered {row.ordered_year}" if row.ordered_year else "year not given"
    return str(row.first_year) if row.last_year in (None, row.first_year) else f"{row.first_year}-{row.last_year}"
