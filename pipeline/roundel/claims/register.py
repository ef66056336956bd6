"""What reasoning about provenance asks of the catalogue, and how its facts are put into words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Protocol

from roundel.catalogue.model import Citation, Fact, Row
from roundel.claims.model import Exhibit


class Register(Protocol):
    """The part of the catalogue that these modules use; tests give a small one of their own."""

    def origins(self, type_id: str, /) -> Mapping[str, float]:
        """States that designed a type, with shares; empty where no source says."""

    def producers(self, type_id: str, /) -> Sequence[Fact]:
        """States where a type was built, each as a fact whose value is the state's code."""

    def deliveries(self, type_id: str, recipient: str, /) -> Sequence[Row]:
        """Deliveries of a type to a state."""

    def captures(self, type_id: str, from_state: str | None, by: str | None, /) -> Sequence[Row]:
        """Captures of a type from one holder by another; ``None``: from or by anybody."""

    def state_name(self, code: str, at: date, /) -> str:
        """A state's or group's name on a day; outside its lifetime the nearest name that it bore."""

    def predecessors(self, code: str, /) -> Sequence[str]:
        """The states that a state succeeded."""

    def lineage(self, node: str, /) -> Sequence[str]:
        """A type or class and its ancestors, deepest first."""

    def node_title(self, node: str, /) -> str:
        """What a type or class is called."""

    def cite(self, citation: Citation, /) -> str:
        """A citation in words."""

    def printable(self, fact: Fact, /) -> bool:
        """Whether a fact's sources are good enough for a report."""


def delivery_day(row: Row, at: date) -> date:
    """A day on which the supplier of a row is named: in the middle of the first year of delivery, else ``at``."""
    year = row.first_year or row.last_year or row.ordered_year
    return date(year, 7, 1) if year else at


def supplier_name(register: Register, code: str, rows: Iterable[Row], at: date) -> str:
    """A supplier's name when it delivered: all the names that it bore in its rows, the earliest first."""
    days = sorted(delivery_day(row, at) for row in rows if row.supplier == code)
    names = [register.state_name(code, day) for day in days or [at]]
    return " / ".join(dict.fromkeys(names))


def ancestors(register: Register, code: str) -> tuple[str, ...]:
    """All the states that a state succeeded, directly or through others, without itself."""
    found: list[str] = []
    waiting = [code]
    while waiting:
        for one in register.predecessors(waiting.pop()):
            if one not in found and one != code:
                found.append(one)
                waiting.append(one)
    return tuple(sorted(found))


def span_of(rows: Iterable[Row], latest: int) -> tuple[int, int] | None:
    """First and last year of delivery of some rows, no later than ``latest``; ``None`` if no row has a year."""
    years = [year for row in rows for year in (row.first_year, row.last_year) if year is not None]
    return (min(years), min(max(years), latest)) if years else None


def years_words(span: tuple[int, int] | None) -> str:
    """Years of delivery in words.

    >>> years_words((1967, 1983)), years_words((2008, 2008)), years_words(None)
    ('1967–1983', '2008', 'year not recorded')
    """
    if span is None:
        return "year not recorded"
    return str(span[0]) if span[0] == span[1] else f"{span[0]}–{span[1]}"


def row_exhibit(register: Register, row: Row, at: date) -> Exhibit:
    """A row of the catalogue with its years and citations."""
    giver, taker = supplier_name(register, row.supplier, [row], at), register.state_name(row.recipient, at)
    verb = "captured from" if row.relation == "captured" else "delivered by"
    years = years_words(span_of([row], row.last_year or at.year))
    cited = "; ".join(register.cite(one) for one in row.sources) or "no source given"
    unsure = ", the source is unsure" if row.hedged else ""
    target = f"by {taker}" if row.relation == "captured" else f"to {taker}"
    return Exhibit(
        f"{row.designation}, {verb} {giver} {target}, {years}{unsure} (row {row.id}: {cited})", file=row.origin
    )


def listed(words: Sequence[str]) -> str:
    """Words as a list in a sentence.

    >>> listed(["MiG-21", "MiG-23", "L-39"])
    'MiG-21, MiG-23 and L-39'
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
