"""Rows made by hand, and the shipped ones read from the shared table."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from roundel.catalogue.model import Citation, Row

PAST = {"SU": "SUHH", "CS": "CSHH"}


def row(number: int, supplier: str, *, first: int | None = 1975, **changes: Any) -> Row:
    """A delivery to Syria of ten MiG-21, with changes."""
    facts: dict[str, Any] = {
        "id": f"t{number}",
        "relation": "transfer",
        "type": "mig-21",
        "designation": "MiG-21",
        "supplier": supplier,
        "recipient": "SY",
        "ordered_year": None,
        "least": 10,
        "most": 10,
        "first_year": first,
        "last_year": first,
        "hedged": False,
        "condition": "new",
        "flags": (),
        "sources": (Citation("S1", f"L{number}"),),
        "origin": "rows.csv",
    }
    return Row(**(facts | changes))


def shipped_rows(shared: Path) -> tuple[Row, ...]:
    """All deliveries to Syria of the shared table."""
    with (shared / "catalogue" / "transfers_syria.csv").open(encoding="utf-8", newline="") as file:
        return tuple(_read(line) for line in csv.DictReader(file))


def _read(line: dict[str, str]) -> Row:
    flags = tuple(line["flags"].split("|")) + (("number_estimated",) if line["n_delivered_uncertain"] == "1" else ())
    code, locator = line["citation"].split(":")
    return row(
        0,
        PAST.get(line["supplier_code"], line["supplier_code"]),
        id=line["row_id"],
        type=line["type_id"],
        designation=line["designation_in_source"],
        ordered_year=int(line["order_year"]),
        least=int(line["n_delivered"]),
        most=int(line["n_delivered"]),
        first_year=int(line["delivery_first"]),
        last_year=int(line["delivery_last"]),
        hedged="source_hedges" in flags,
        condition=line["condition"],
        flags=flags,
        sources=(Citation(code, locator),),
    )
