"""``roundel.catalogue.checking`` finds what is wrong in the files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roundel.catalogue import checking
from roundel.catalogue.loading import SHIPPED

KEPT = ("mig-21", "j-7", "mig-23", "su-24", "su-17-20-22", "mig-25", "mig-27")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small catalogue without a problem."""
    place = tmp_path / "catalogue"
    shutil.copytree(SHIPPED, place)
    for path in (place / "types").glob("*.json"):
        if path.stem not in KEPT:
            path.unlink()
    for name in ("holdings.csv", "transfers/syria-sipri.csv"):
        lines = (place / name).read_text(encoding="utf-8").splitlines(keepends=True)
        (place / name).write_text(lines[0] + "".join(line for line in lines[1:] if line.split(",")[2] in KEPT))
    assert list(checking.problems(place)) == []
    return place


def edit(folder: Path, name: str, change: Callable[[dict[str, Any]], Any]) -> str:
    path = folder / "types" / f"{name}.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")
    return str(path)


def test_the_shipped_catalogue_has_no_problem() -> None:
    assert list(checking.problems(SHIPPED)) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d["facts"][0].pop("sources"), "'sources' is a required property"),
        (lambda d: d["facts"][0].update(sources=[]), "$.facts[0].sources: [] should be non-empty"),
        (lambda d: d["facts"][0].update(value="SU"), "should not be valid under {'enum': ['CS'"),
        (lambda d: d["facts"][0].update(value="SUH"), "does not match"),
        (lambda d: d["facts"][0].update(value="ZZ"), "'ZZ' is no code of states.toml"),
        (lambda d: d["facts"][0].update(basis="guessed"), "'guessed' is not one of"),
        (lambda d: d["facts"][0]["sources"][0].update(code="P999"), "$.facts[0].sources[0]: cites 'P999'"),
        (lambda d: d["external_ids"]["wikidata"].update(value="150609"), "'150609' does not match '^Q[1-9][0-9]*$'"),
        (lambda d: d["external_ids"]["icao_8643"].pop("shared_with"), "MG21 is shared with j-7"),
        (lambda d: d.update(parent="fihgter"), "$.parent: the parent 'fihgter' does not exist"),
        (lambda d: d.update(kind="variant"), "a variant stands below a family"),
        (lambda d: d.update(id="mig-22"), "$.id: is 'mig-22', but the file is named mig-21.json"),
        (lambda d: d.update(derived_from=[{"id": "x-1", "how": "copy", "sources": [{"code": "P1"}]}]), "no type"),
        (lambda d: d.update(derived_from=[{"id": "j-7", "how": "copy", "sources": [{"code": "P1"}]}]), "has itself"),
        (lambda d: d["lookalikes"].pop(0), "'mig-21' does not list 'j-7' as a look-alike"),
        (lambda d: d["lookalikes"][2]["features"].pop(), "does not say the same as the entry in mig-21.json"),
        (lambda d: d["names"].pop("en"), "'en' is a required property"),
        (lambda d: d.update(colour="grey"), "'colour' was unexpected"),
    ],
)
def test_a_planted_error_in_a_type_is_found(folder: Path, change: Callable[[dict[str, Any]], Any], says: str) -> None:
    edit(folder, "mig-21", change)
    found = list(checking.problems(folder))
    assert any(says in line for line in found), found
    assert all(line.startswith(str(folder)) for line in found)


def test_a_file_that_is_no_json_is_found(folder: Path) -> None:
    (folder / "types" / "j-7.json").write_text("{", encoding="utf-8")
    assert any("j-7.json: is no valid JSON" in line for line in checking.problems(folder))


def replace(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("classes.toml", '[equipment]\nparent = "object"', '[equipment]\nparent = "bomber"', "has itself among its"),
        ("classes.toml", '[uav]\nparent = "aircraft"', '[uav]\nparent = "vehicle"', "[uav]: is not below 'aircraft'"),
        ("classes.toml", '[bird]\nparent = "object"', "[birds]\n", "lacks 'bird' of the detector's tree"),
        ("classes.toml", '"other_aircraft"]', '"helicopter"]', "from_detector names 'helicopter'"),
        ("classes.toml", "[object]", "[object", "is no valid TOML"),
        ("states.toml", "[SUHH]", "[SU]", "past states have four letters"),
        ("states.toml", '"USSR"', '"Russia"', "is a name of"),
        ("states.toml", 'successors = ["CZ", "SK"]', 'successors = ["CZ", "S"]', "the successor 'S' does not exist"),
        ("states.toml", "from = 1922-12-30", "from = 2022-12-30", "'Soviet Union' ends before it begins"),
        ("sources.csv", "facts only,C\n", "facts only,E\n", "the tier is 'E'"),
        ("sources.csv", "code,what", "code,whats", "has the columns"),
        ("holdings.csv", "captured,mig-21", "captured,mig-22", "row c0737: 'mig-22' is no type"),
        ("holdings.csv", "c0738", "c0737", "row 'c0737': the id is empty or another row's"),
        ("holdings.csv", "captured,mig-21", "seized,mig-21", "row 1: the relation is 'seized'"),
        ("holdings.csv", "SY,group", "CS,group", "row c0737: 'CS' is no code of states.toml"),
        ("holdings.csv", ",1,1,2014", ",3,1,2014", "at least 3 and at most 1 cannot both be"),
        ("holdings.csv", ",2014,2014,", ",2014,2013,", "the last year is before the first"),
        ("holdings.csv", ",P14\n", ",\n", "row c0737: cites no source"),
        ("transfers/syria-sipri.csv", "S1:L", "S9:L", "cites 'S9'"),
        ("transfers/syria-sipri.csv", ",SUHH,SY,", ",,SY,", "names no supplier or no recipient"),
    ],
)
def test_a_planted_error_in_a_table_is_found(folder: Path, name: str, old: str, new: str, says: str) -> None:
    replace(folder, name, old, new)
    found = list(checking.problems(folder))
    assert any(says in line for line in found), found


def test_a_missing_table_is_found(folder: Path) -> None:
    (folder / "states.toml").unlink()
    assert list(checking.problems(folder)) == [f"{folder / 'states.toml'}: is missing"]
