"""What reasoning about provenance asks of the catalogue, and how its facts are put into words."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import date
from typing import Protocol

from roundel.catalogue.model import Citation, Fact, Row
from roundel.claims.model import Exhibit


class Register(Protocol):
    """The part of the catalogue that these modules use; tests give a small one of their own."""

    @property
    def types(self) -> Container[str]:
        """The types, without the classes above them."""

    def origins(self, type_id: str, /) -> Mapping[str, float]:
        """States that designed a type, with shares; empty where no source says."""

    def design_origins(self, type_id: str, /) -> Sequence[Fact]:
        """The facts behind ``origins``."""

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

    def cite(self, citations: tuple[Citation, ...], /) -> str:
        """Sources by code and place, as they are printed."""

    def printable(self, fact: Fact, /) -> bool:
        """Whether a fact's sources are good enough for a report."""


def family(register: Register, type_id: str) -> str:
    """The family of a variant; of a family, itself."""
    return [node for node in register.lineage(type_id) if node in register.types or node == type_id][-1]


def rows_of(register: Register, type_id: str, find: Callable[[str], Iterable[Row]]) -> tuple[Row, ...]:
    """The rows that count for a type: of itself, of its variants, and of its family as such.

    ``find``: the rows of a type and of the types below it.
    """
    line = register.lineage(type_id)
    wider = [row for row in find(family(register, type_id)) if row.type in line]
    return tuple(dict.fromkeys([*find(type_id), *wider]))


def with_article(name: str) -> str:
    """A state's name as it stands within a sentence.

    >>> with_article("Soviet Union"), with_article("Syria")
    ('the Soviet Union', 'Syria')
    """
    return f"the {name}" if name.rsplit(maxsplit=1)[-1] in _WITH_ARTICLE else name


_WITH_ARTICLE = frozenset(
    {"Union", "Republic", "Republics", "Kingdom", "States", "Emirates", "Netherlands", "Philippines"}
)


def delivery_day(row: Row, at: date) -> date:
    """A day on which the supplier of a row is named: in the middle of the first year of delivery, else ``at``."""
    year = row.first_year or row.last_year or row.ordered_year
    return date(year, 7, 1) if year else at


def supplier_name(register: Register, code: str, rows: Iterable[Row], at: date) -> str:
    """A supplier's name when it delivered: all the names that it bore in its rows, the earliest first."""
    days = sorted(delivery_day(row, at) for row in rows if row.supplier == code)
    names = [with_article(register.state_name(code, day)) for day in days or [at]]
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
    giver, taker = (
        supplier_name(register, row.supplier, [row], at),
        with_article(register.state_name(row.recipient, at)),
    )
    verb = "captured from" if row.relation == "captured" else "delivered by"
    years = years_words(span_of([row], row.last_year or at.year))
    cited = register.cite(row.sources) or "no source given"
    unsure = ", the source is unsure" if row.hedged else ""
    target = f"by {taker}" if row.relation == "captured" else f"to {taker}"
    return Exhibit(
        f"{row.designation}, {verb} {giver} {target}, {years}{unsure} (row {row.id}: {cited})", file=row.origin
    )
