"""A user's own export of the SIPRI trade register, in both layouts that the site has offered, as rows of the catalogue.

The older layout (``Year of order``, ``Weapon designation`` …) has one line for a deal, comments, and after each figure
a column without a name that holds ``?`` where the figure is an estimate. The newer one (``SIPRI AT Database ID`` …) has
one line for each year of deliveries, and columns that say Yes or No. Lines that belong to one deal become one row.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from roundel.catalogue.matching import Matcher
from roundel.catalogue.model import Citation, Row
from roundel.catalogue.query import Catalogue
from roundel.catalogue.reading import ROW_COLUMNS, deal, read_rows, row_cells
from roundel.catalogue.states import GROUP, UNLISTED
from roundel.disk import read_bounded, replace_text
from roundel.errors import UsageError

SOURCE = "SIPRI"
MOST_BYTES = 64 * 1024 * 1024
MOST_UNREADABLE = 100  # lines that are listed; an export with more is none
OLD = ("Recipient", "Supplier", "Year of order", "Weapon designation", "Number delivered", "Year(s) of delivery")
NEW = (
    "SIPRI AT Database ID",
    "Supplier",
    "Recipient",
    "Designation",
    "Order date",
    "Numbers delivered",
    "Delivery year",
)
CONDITIONS = {"new": "new", "second hand": "second_hand", "second hand but modernized": "second_hand_modernised"}
HEDGES = re.compile(r"possibl|probabl|uncertain|unclear|unconfirmed|may (be|have)|could|reported", re.IGNORECASE)
LOCAL = re.compile(r"under licen[cs]e|assembled in|production in", re.IGNORECASE)
AID = re.compile(r"\baid\b", re.IGNORECASE)
NUMBER = re.compile(r"\(?\s*(\d+)(?:\.0+)?\s*\)?\s*\??")
YEAR = re.compile(r"\d{4}")
BY_STEM = "type_by_stem"
"""Flag of a row whose type was found by the stem of the designation."""


OPEN_QUOTE = "a quotation mark that is not closed; what stands after it was read as one cell"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the export: what both layouts say."""

    deal: str
    place: str
    """Which file (first digits of its hash) and line."""
    supplier: str
    recipient: str
    designation: str
    description: str
    ordered: str
    ordered_estimated: bool
    delivered: str
    delivered_estimated: bool
    years: str
    years_estimated: bool
    status: str
    local: bool
    comments: str = ""


@dataclass(slots=True)
class Export:
    """What was read from an export. ``layout``: older or newer; ``encoding``: how its text was read."""

    sha256: str
    layout: str
    encoding: str
    rows: list[Row] = field(default_factory=list)
    by_stem: dict[str, str] = field(default_factory=dict)
    """Designations whose type was found by their stem."""
    unmatched: dict[str, int] = field(default_factory=dict)
    """Designations without a type, and how many rows have them; the rows are kept."""
    unlisted: dict[str, int] = field(default_factory=dict)
    """Names of states that the catalogue does not know; the rows are kept."""
    unreadable: list[str] = field(default_factory=list)


def read_export(path: Path, catalogue: Catalogue) -> Export:
    """Read an export of the trade register.

    Raises:
        UsageError: if the file is no such export.
    """
    try:
        raw = read_bounded(path, MOST_BYTES)
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read: {error.strerror or error}; give an export of the SIPRI trade register (CSV)"
        ) from error
    text, encoding = _decoded(raw)
    header, body, first = _table(path, text)
    layout = "newer" if set(NEW) <= set(header) else "older"
    export = Export(f"sha256:{hashlib.sha256(raw).hexdigest()}", layout, encoding)
    deals: dict[str, list[Line]] = {}
    for number, cells in _lines(path, body):
        if len(export.unreadable) >= MOST_UNREADABLE:
            raise UsageError(
                f"{export.unreadable[0]}; {MOST_UNREADABLE} lines cannot be read, so this is no export of the trade "
                "register as the site gives it; export it again"
            )
        place = f"{export.sha256[7:15]} line {first + number}"
        if cells == [OPEN_QUOTE]:
            export.unreadable.append(f"{path}: line {first + number}: the table ends within {OPEN_QUOTE}")
            continue
        if len(cells) != len(header):
            export.unreadable.append(
                f"{path}: line {first + number}: has {len(cells)} cells where the header has {len(header)}"
            )
            continue
        line = (_newer if layout == "newer" else _older)(header, cells, place)
        deals.setdefault(line.deal, []).append(line)
    _take(export, deals.values(), catalogue, path)
    return export


def _decoded(raw: bytes) -> tuple[str, str]:
    try:
        return raw.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError:
        return raw.decode("latin-1"), "Latin-1"


def _table(path: Path, text: str) -> tuple[list[str], Iterable[tuple[int, list[str]]], int]:
    """The header, the lines below it with their numbers, and the number of the header's line.

    Raises:
        UsageError: if no line is a header of either layout.
    """
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines, 1):
        for separator in (",", ";", "\t"):
            header = _cells(line.strip().split(separator))
            if set(OLD) <= set(header) or set(NEW) <= set(header):
                return header, _rows("".join(lines[number:]), separator), number
    raise UsageError(
        f"{path}: has no line with the columns of the SIPRI trade register (such as {', '.join(OLD[:3])}, or "
        f"{', '.join(NEW[:3])}); export the trade register as CSV and give that file"
    )


def _rows(body: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of every row that is not blank, and a row of one cell where a quotation mark stays open."""
    table = csv.reader(io.StringIO(body), delimiter=separator)
    for row in table:
        if any(map(str.strip, row)):
            yield table.line_num, _cells(row)
    if _is_open(body, separator):
        yield table.line_num, [OPEN_QUOTE]


def _is_open(body: str, separator: str) -> bool:
    """Whether the table ends within a quotation, so that what stands after its mark was read as one cell."""
    try:
        for _ in csv.reader(io.StringIO(body), delimiter=separator, strict=True):
            pass
    except csv.Error as error:
        return "end of data" in str(error)
    return False


def _lines(path: Path, body: Iterable[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    try:
        yield from body
    except csv.Error as error:
        raise UsageError(f"{path}: cannot be read as a table ({error}); export the trade register again") from error


def _cells(row: list[str]) -> list[str]:
    return [cell.strip().rstrip(";") for cell in row]


def _older(header: list[str], cells: list[str], place: str) -> Line:
    """A line of the older layout: the column after a figure says ``?`` if the figure is an estimate."""

    def cell(name: str) -> str:
        return cells[header.index(name)] if name in header else ""

    def doubtful(name: str) -> bool:
        after = header.index(name) + 1
        beside = cells[after] if after < len(header) and not header[after] else ""
        return "?" in beside or "?" in cell(name) or "(" in cell(name)

    status = cell("status") or cell("Status")
    return Line(
        deal=place,
        place=place,
        supplier=cell("Supplier"),
        recipient=cell("Recipient"),
        designation=cell("Weapon designation"),
        description=cell("Weapon description"),
        ordered=cell("Year of order"),
        ordered_estimated=doubtful("Year of order"),
        delivered=cell("Number delivered"),
        delivered_estimated=doubtful("Number delivered"),
        years=cell("Year(s) of delivery"),
        years_estimated="?" in cell("Year(s) of delivery") or "(" in cell("Year(s) of delivery"),
        status=status,
        local=bool(LOCAL.search(cell("Comments"))),
        comments=cell("Comments"),
    )


def _newer(header: list[str], cells: list[str], place: str) -> Line:
    """A line of the newer layout: the deliveries of one year."""
    said = dict(zip(header, cells, strict=True))

    def yes(name: str) -> bool:
        return said.get(name, "").casefold() == "yes"

    return Line(
        deal="\t".join(said[name] for name in ("SIPRI AT Database ID", "Supplier", "Recipient", "Designation")),
        place=f"{place}, id {said['SIPRI AT Database ID']}",
        supplier=said["Supplier"],
        recipient=said["Recipient"],
        designation=said["Designation"],
        description=said.get("Description", ""),
        ordered=said["Order date"],
        ordered_estimated=yes("Order date is estimate"),
        delivered=said["Numbers delivered"],
        delivered_estimated=yes("Numbers delivered is estimate"),
        years=said["Delivery year"],
        years_estimated=yes("Delivery year is estimate"),
        status=said.get("Status", ""),
        local=yes("Local production"),
    )


def _take(export: Export, deals: Iterable[list[Line]], catalogue: Catalogue, path: Path) -> None:
    """Make one row of each deal, with its type where one is found."""
    match, seen = cache(Matcher(catalogue).match), set[str]()
    known = cache(lambda name: state_of(name, catalogue))

    def state(name: str) -> str:
        code = known(name)
        if code.startswith(UNLISTED):
            export.unlisted[name] = export.unlisted.get(name, 0) + 1
        return code

    for lines in deals:
        try:
            row = _row(lines, state)
        except ValueError as error:
            export.unreadable.append(f"{path}: {lines[0].place.partition(' ')[2]}: {error}")
            continue
        found = match(lines[0].designation, lines[0].description)
        if found.by_stem:
            export.by_stem[row.designation] = found.type
        if not found.type:
            export.unmatched[row.designation] = export.unmatched.get(row.designation, 0) + 1
        flags = (*row.flags, BY_STEM) if found.by_stem else row.flags
        export.rows.append(replace(row, id=_id(row, seen), type=found.type, flags=flags))


def state_of(name: str, catalogue: Catalogue) -> str:
    """The code of a party as the register names it; stars mark those that are no states.

    A state that the catalogue does not know keeps its name, after ``unlisted:``.
    """
    plain = name.rstrip("* ").strip()
    try:
        return catalogue.state_code(plain)
    except UsageError:
        if name.rstrip().endswith("*"):
            return GROUP + re.sub(r"[^a-z0-9]+", "-", plain.casefold()).strip("-")
        return UNLISTED + plain


def _row(lines: list[Line], state: Callable[[str], str]) -> Row:
    """One row of the lines of a deal.

    Raises:
        ValueError: if a figure is none.
    """
    one = lines[0]
    if not (one.supplier and one.recipient and one.designation):
        raise ValueError("names no supplier, recipient or designation")
    numbers = [_number(line.delivered, "number delivered") for line in lines]
    total = None if None in numbers else sum(number for number in numbers if number is not None)
    years = [int(year) for line in lines for year in YEAR.findall(line.years)]
    ordered = YEAR.search(one.ordered)
    if one.ordered and ordered is None:
        raise ValueError(f"the year of the order is {one.ordered!r}")
    condition = CONDITIONS.get(one.status.casefold(), one.status.casefold().replace(" ", "_"))
    return Row(
        id="",
        relation="transfer",
        type="",
        designation=one.designation,
        supplier=state(one.supplier),
        recipient=state(one.recipient),
        ordered_year=int(ordered[0]) if ordered else None,
        least=total,
        most=total,
        first_year=min(years, default=None),
        last_year=max(years, default=None),
        hedged=bool(HEDGES.search(one.comments)),
        condition=condition,
        flags=_flags(lines),
        sources=(Citation(SOURCE, one.place),),
    )


def _number(text: str, what: str) -> int | None:
    if not text:
        return None
    found = NUMBER.fullmatch(text)
    if found is None:
        raise ValueError(f"the {what} is {text!r}")
    return int(found[1])


def _flags(lines: list[Line]) -> tuple[str, ...]:
    one = lines[0]
    flags = {
        "aid": bool(AID.search(one.comments)),
        "local_production": any(line.local for line in lines),
        "designation_uncertain": "designation uncertain" in one.comments.casefold(),
        "order_year_estimated": one.ordered_estimated,
        "number_estimated": any(line.delivered_estimated for line in lines),
        "delivery_year_estimated": any(line.years_estimated for line in lines),
    }
    return tuple(flag for flag, holds in flags.items() if holds)


def _id(row: Row, seen: set[str]) -> str:
    """An id made from what the row says, the same for both layouts; rows that say the same are numbered."""
    facts = (row.supplier, row.recipient, row.designation, row.ordered_year, row.first_year, row.last_year, row.most)
    base = "u" + hashlib.sha256("\t".join(map(str, facts)).encode()).hexdigest()[:10]
    number, found = 1, base
    while found in seen:
        number += 1
        found = f"{base}-{number}"
    seen.add(found)
    return found


def notice(export_name: str, sha256: str) -> str:
    """The text that goes beside imported rows."""
    return (
        "# Notice\n\n"
        "The rows of `sipri.csv` are taken from the SIPRI Arms Transfers Database, trade register. (c) Stockholm\n"
        "International Peace Research Institute (SIPRI). They are not covered by Roundel's licence. SIPRI allows\n"
        "fair use: not for commercial purposes, less than 10 % of the data, with the source named. Whoever passes\n"
        "this case on with more than that has to ask SIPRI.\n\n"
        f"Read last: {export_name!a}, {sha256}; all files that were read are in the custody log.\n"
    )


def merged(old: Iterable[Row], new: Iterable[Row]) -> list[Row]:
    """Rows of earlier imports and of a new one, which replaces the rows of the same deals."""
    fresh = list(new)
    deals = {deal(row) for row in fresh}
    rows: Mapping[str, Row] = {row.id: row for row in (*(row for row in old if deal(row) not in deals), *fresh)}
    return sorted(rows.values(), key=lambda row: (row.recipient, row.supplier, row.designation, row.id))


def write(export: Export, name: str, rows_file: Path, notice_file: Path) -> int:
    """Write the rows of an export, and those of earlier imports that it leaves, with the notice; how many there are.

    Each file is written whole or not at all.
    """
    earlier = read_rows(rows_file, str(rows_file)) if rows_file.is_file() else []
    rows = merged(earlier, export.rows)
    stream = io.StringIO()
    table = csv.DictWriter(stream, ROW_COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(map(row_cells, rows))
    replace_text(rows_file, stream.getvalue())
    replace_text(notice_file, notice(name, export.sha256))
    return len(rows)
