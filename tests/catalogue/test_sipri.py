"""A user's own export of the SIPRI trade register."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue_exports import NEW, NEW_HEADER, OLD, OLD_HEADER, PREAMBLE
from roundel import catalogue as catalogues
from roundel.catalogue import sipri
from roundel.catalogue.matching import Matcher
from roundel.catalogue.model import Row
from roundel.errors import UsageError

CATALOGUE = catalogues.load()


def export(folder: Path, text: str, encoding: str = "utf-8") -> sipri.Export:
    path = folder / "trade-register.csv"
    path.write_bytes(text.encode(encoding))
    return sipri.read_export(path, CATALOGUE)


def said(row: Row) -> Row:
    """A row without the place that it was read from."""
    return replace(row, sources=())


def test_both_layouts_give_the_same_rows(tmp_path: Path) -> None:
    older, newer = export(tmp_path, OLD), export(tmp_path, NEW)
    assert (older.layout, newer.layout) == ("older", "newer")
    assert [said(row) for row in older.rows] == [said(row) for row in newer.rows]
    assert older.unmatched == newer.unmatched == {"Fagot": 1, "X-Wing": 1}
    assert older.by_stem == newer.by_stem == {"L-39ZO Albatros": "l-39"}
    assert older.unlisted == newer.unlisted == {"Utopia": 4}


def test_what_a_line_says_is_kept(tmp_path: Path) -> None:
    mig, tank, trainer, missile, _ = export(tmp_path, OLD).rows
    assert (mig.type, mig.supplier, mig.recipient, mig.ordered_year) == ("mig-21", "SUHH", "unlisted:Utopia", 1973)
    assert (mig.least, mig.most, mig.first_year, mig.last_year) == (12, 12, 1974, 1975)
    assert (mig.condition, mig.flags) == ("new", ("order_year_estimated", "number_estimated"))
    assert mig.sources[0].code == "SIPRI"
    assert mig.sources[0].locator.endswith(" line 6")
    assert (tank.type, tank.supplier, tank.condition) == ("t-55", "CI", "second_hand")
    assert (trainer.type, trainer.flags) == ("l-39", ("local_production", "type_by_stem"))
    assert (missile.supplier, missile.recipient, missile.type) == ("unknown", "group:hezbollah-lebanon", "")


@pytest.mark.parametrize("text", [OLD, NEW])
def test_latin_1_semicolons_and_a_byte_order_mark_change_nothing(tmp_path: Path, text: str) -> None:
    plain = [said(row) for row in export(tmp_path, text).rows]
    latin = export(tmp_path, text, "latin-1")
    assert (latin.encoding, [said(row) for row in latin.rows]) == ("Latin-1", plain)
    assert [said(row) for row in export(tmp_path, text, "utf-8-sig").rows] == plain
    ended = "".join(f"{line};\n" for line in text.splitlines())
    assert [said(row) for row in export(tmp_path, ended).rows] == plain
    split = text.replace("; ", " + ").replace(",", ";")
    assert [said(row) for row in export(tmp_path, split).rows] == plain


def test_lines_that_cannot_be_read_are_listed_and_the_others_kept(tmp_path: Path) -> None:
    found = export(
        tmp_path,
        OLD
        + "Utopia,Russia,1999,,1,,T-72,tank,many,,2000,New,,1,1,1\n"
        + "Utopia,Russia,1999\n"
        + "Utopia,Russia,soon,,1,,T-72,tank,1,,2000,New,,1,1,1\n",
    )
    assert len(found.rows) == 5
    places = [line.split("trade-register.csv: ")[1] for line in found.unreadable]
    assert sorted(places) == [
        "line 11: the number delivered is 'many'",
        "line 12: has 3 cells where the header has 16",
        "line 13: the year of the order is 'soon'",
    ]


def test_comments_hedge_and_the_same_deal_twice_is_two_rows(tmp_path: Path) -> None:
    line = "Syria,Russia,2010,,4,,T-72M1,tank,4,,2011,Second hand,Possibly aid; designation uncertain,1,1,1\n"
    one, two = export(tmp_path, PREAMBLE + OLD_HEADER + line + line).rows
    assert one.hedged
    assert one.flags == ("aid", "designation_uncertain")
    assert two.id == f"{one.id}-2"


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no line with the columns of the SIPRI trade register"):
        export(tmp_path, "Supplier,Recipient\nRussia,Syria\n")
    with pytest.raises(UsageError, match="cannot be read: is a folder"):
        sipri.read_export(tmp_path, CATALOGUE)


@given(st.text(st.characters(exclude_characters="\0")), st.sampled_from([OLD_HEADER, NEW_HEADER]))
def test_any_text_below_a_header_is_read_or_listed(
    tmp_path_factory: pytest.TempPathFactory, text: str, head: str
) -> None:
    path = tmp_path_factory.mktemp("any") / "register.csv"
    path.write_text(head + text, encoding="utf-8", errors="replace")
    try:
        found = sipri.read_export(path, CATALOGUE)
    except UsageError:
        return
    said = re.sub(r'[\s,;]|""', "", text)  # white space, separators and empty quoted cells say nothing
    assert len(found.rows) + len(found.unreadable) >= bool(said)


@pytest.mark.parametrize("text", ['"', ',,"', '"\n\n', '""\n"'])
def test_a_quotation_mark_that_stays_open_is_told(tmp_path: Path, text: str) -> None:
    found = export(tmp_path, OLD_HEADER + text)
    assert [line for line in found.unreadable if "the table ends within a quotation mark" in line]


def test_empty_quoted_cells_are_a_blank_line(tmp_path: Path) -> None:
    assert export(tmp_path, OLD_HEADER + '"","",""\n').unreadable == []


@pytest.mark.parametrize(
    ("designation", "description", "type_id", "by_stem"),
    [
        ("MiG-21bis", "fighter aircraft", "mig-21", False),
        ("MiG-21SMT", "fighter aircraft", "mig-21", True),
        ("Mi-24V/Mi-35", "combat helicopter", "mi-24", True),
        ("2S1 122mm", "self-propelled gun", "2s1", False),
        ("Type-59-1 130mm", "towed gun", "type-59-1", False),
        ("CAESAR 155mm -", "self-propelled gun", "caesar", False),
        ("Leopard-2A4", "tank", "leopard-2", True),
        ("M-113A3", "APC", "m113", True),
        ("F-5E Tiger-2", "FGA aircraft", "f-5", True),
        ("M-60P", "APC", "", False),
        ("Tu-22M", "bomber aircraft", "tu-22m", False),
        ("An-24", "transport aircraft", "an-24", False),
        ("T-54", "tank", "t-54", False),
        ("Fagot", "anti-tank missile", "", False),
        ("Paveway", "guided bomb", "", False),
        ("aircraft engine", "aircraft engine", "", False),
        ("MiG-210", "fighter aircraft", "", False),
        ("JAS-39C Gripen", "FGA aircraft", "gripen", True),
        ("S-70 Black Hawk", "transport helicopter", "uh-60", True),
        ("", "", "", False),
    ],
)
def test_designations_find_their_type(designation: str, description: str, type_id: str, by_stem: bool) -> None:
    found = Matcher(CATALOGUE).match(designation, description)
    assert (found.type, found.by_stem) == (type_id, by_stem)


def test_every_shipped_row_would_find_its_type_again() -> None:
    matcher = Matcher(CATALOGUE)
    for row in CATALOGUE.rows:
        if row.relation == "transfer":
            assert matcher.match(row.designation.partition(" (with")[0], "").type == row.type, row


def test_an_imported_row_takes_the_place_of_the_shipped_row_of_the_same_deal(tmp_path: Path) -> None:
    line = "Syria,Soviet Union,1983,?,21,,MiG-21bis,fighter aircraft,21,,1983,New,,1,1,1\n"
    found = export(tmp_path, PREAMBLE + OLD_HEADER + line)
    rows, notice = tmp_path / "sipri.csv", tmp_path / "NOTICE.md"
    assert sipri.write(found, "trade-register.csv", rows, notice) == 1
    before = CATALOGUE.deliveries("mig-21", "SY")
    after = catalogues.load(imported=[rows]).deliveries("mig-21", "SY")
    assert len(after) == len(before)
    assert [row.least for row in after if row.designation == "MiG-21bis"] == [21]
    assert CATALOGUE.deliveries("mig-21", "SY") == before
    assert "(c) Stockholm" in notice.read_text(encoding="utf-8")


def test_a_second_import_adds_to_the_first_and_the_same_again_changes_nothing(tmp_path: Path) -> None:
    rows, notice = tmp_path / "sipri.csv", tmp_path / "NOTICE.md"
    found = export(tmp_path, OLD)
    assert sipri.write(found, "a.csv", rows, notice) == 5
    first = rows.read_bytes()
    assert sipri.write(found, "a.csv", rows, notice) == 5
    assert rows.read_bytes() == first
    line = "Syria,Soviet Union,1983,?,21,,MiG-21bis,fighter aircraft,21,,1983,New,,1,1,1\n"
    assert sipri.write(export(tmp_path, OLD_HEADER + line), "b.csv", rows, notice) == 6
