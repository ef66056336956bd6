"""A register of a few types and states, made by hand, in place of the catalogue."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from roundel.catalogue.model import Citation, Fact, Row

ORIGINS = {
    "mig-21": {"SUHH": 1.0},
    "mig-23": {"SUHH": 1.0},
    "su-17-20-22": {"SUHH": 1.0},
    "j-7": {"CN": 1.0},
    "l-39": {"CSHH": 1.0},
    "x-1": {},
}
PRODUCERS = {
    "mig-21": (("SUHH", "original"), ("IN", "licence"), ("CSHH", "licence")),
    "mig-23": (("SUHH", "original"),),
    "su-17-20-22": (),
    "j-7": (("CN", "original"), ("EG", "licence")),
    "l-39": (("CSHH", "original"), ("CZ", "original")),
    "x-1": (),
}
TITLES = {
    "mig-21": "MiG-21",
    "mig-23": "MiG-23",
    "su-17-20-22": "Su-17",
    "mig-21bis": "MiG-21bis",
    "j-7": "J-7",
    "l-39": "L-39",
    "x-1": "X-1",
    "fighter": "fighter",
    "trainer": "trainer",
    "fixed_wing": "fixed-wing aircraft",
}
NAMES = {
    "SUHH": "Soviet Union",
    "RU": "Russia",
    "BY": "Belarus",
    "CSHH": "Czechoslovakia",
    "CZ": "Czechia",
    "LY": "Libya",
    "PL": "Poland",
    "HU": "Hungary",
    "CN": "China",
    "IN": "India",
    "EG": "Egypt",
    "SY": "Syria",
    "IQ": "Iraq",
    "group:islamic-state": "Islamic State",
}


@dataclass(frozen=True)
class SmallRegister:
    rows: tuple[Row, ...] = ()
    origin_of: Mapping[str, Mapping[str, float]] = field(default_factory=lambda: ORIGINS)
    asked: list[tuple[str, int]] = field(default_factory=list)
    """State names that were asked for, with the year."""

    @property
    def types(self) -> Container[str]:
        return self.origin_of

    def origins(self, type_id: str) -> Mapping[str, float]:
        return self.origin_of["mig-21" if type_id == "mig-21bis" else type_id]

    def design_origins(self, type_id: str) -> Sequence[Fact]:
        return [Fact("design_origin", code, "stated", (Citation("S2", "L7"),)) for code in self.origins(type_id)]

    def producers(self, type_id: str) -> Sequence[Fact]:
        cited = (Citation("S1", "L1"),)
        good = [Fact("produced_in", code, "stated", cited, how=how) for code, how in PRODUCERS.get(type_id, ())]
        return [*good, Fact("produced_in", "RU", "unsourced")]

    def deliveries(self, type_id: str, recipient: str) -> Sequence[Row]:
        return [row for row in self.rows if (row.relation, row.type, row.recipient) == ("transfer", type_id, recipient)]

    def captures(self, type_id: str, from_state: str | None, by: str | None) -> Sequence[Row]:
        return [
            row
            for row in self.rows
            if (row.relation, row.type) == ("captured", type_id)
            and from_state in (None, row.supplier)
            and by in (None, row.recipient)
        ]

    def state_name(self, code: str, at: date) -> str:
        self.asked.append((code, at.year))
        return NAMES[code]

    def predecessors(self, code: str) -> Sequence[str]:
        return {"RU": ("SUHH",), "BY": ("SUHH",), "CZ": ("CSHH",)}.get(code, ())

    def lineage(self, node: str) -> Sequence[str]:
        family = ("mig-21",) if node == "mig-21bis" else ()
        return (node, *family, "trainer" if node == "l-39" else "fighter", "fixed_wing")

    def node_title(self, node: str) -> str:
        return TITLES[node]

    def cite(self, citations: tuple[Citation, ...]) -> str:
        return "; ".join(f"source {one.code}, {one.locator}" for one in citations)

    def printable(self, fact: Fact) -> bool:
        return fact.basis != "unsourced"
