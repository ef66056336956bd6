"""Files with mistakes: each is told with its line, its column and what to write."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roundel.claims.files.csv_lines import parse_table
from roundel.claims.files.findings import KEYS, LISTS, MAPPINGS, FindingReader
from roundel.claims.files.problems import MOST_PROBLEMS, FileProblemsError, Problems
from roundel.claims.files.reading import read_claim_text, read_claims
from roundel.claims.files.source_text import MOST_BYTES
from roundel.claims.files.yaml_lines import parse
from roundel.errors import UsageError
from small_names import SmallNames

HEAD = 'schema_version: "1"\nclaims:\n'
CLAIM = HEAD + "  - id: a\n    text: t\n    by: b\n    subject: aircraft\n"
FINDING = "- id: f\n  kind: place\n  who: w\n  found: 2024-01-02\n  basis: seen\n  place: p\n"


def problems(path: Path) -> list[tuple[int, int | str, str]]:
    with pytest.raises(FileProblemsError) as caught:
        read_claims(path, SmallNames())
    return [(item.place.line, item.place.column_name or item.place.column, item.text) for item in caught.value.problems]


BAD_CLAIMS = [
    # what a claim file is
    ("", 1, 1, "the file is empty"),
    ("# only a comment\n", 1, 1, "the file is empty"),
    ("- a\n- b\n", 1, 1, "not how a claim file starts"),
    ("claims:\n  - id: a\n    text: t\n    by: b\n    subject: aircraft\n", 1, 1, 'write schema_version: "1"'),
    (CLAIM.replace('"1"', '"7"'), 1, 17, "a form of file that this Roundel does not read"),
    ('schema_version: "1"\n', 1, 1, "needs claims"),
    (HEAD, 2, 8, "there is no list of claims"),
    ('schema_version: "1"\nclaims: []\n', 2, 9, "there is no list of claims"),
    (HEAD + "  - just words\n", 3, 5, "keys with values have to stand here"),
    (CLAIM + "claim: x\n", 7, 1, "did you mean claims?"),
    # YAML
    (CLAIM + "\tsource: x\n", 7, 1, "a tab stands where spaces should"),
    (CLAIM + "    source: a: b\n", 7, 14, "put the text in quotes"),
    (CLAIM + '    source: "never closed\n', 7, 13, "never closed"),
    (CLAIM + "    source\n", 8, 1, "a colon after a key is missing"),
    (CLAIM + '    source: "a\\qb"\n', 7, 16, "use single quotes"),
    (CLAIM + "    scope: {videos: [a.mp4}\n", 7, 27, "closing bracket is missing"),
    (CLAIM + "    source: @x\n", 7, 13, "put the text in quotes"),
    (CLAIM + "   source: x\n", 7, 4, "the indent"),
    (CLAIM + '    source: "a" b\n', 7, 17, "a quotation mark ends too early"),
    (CLAIM.replace("text: t", "text: &t t"), 4, 11, "anchor or alias"),
    (CLAIM.replace("text: t", "text: *t"), 4, 11, "anchor or alias"),
    (CLAIM.replace("text: t", "text: !!python/object:os.system t"), 4, 11, "is a tag of YAML"),
    (CLAIM + "---\na: b\n", 7, 1, "a second document"),
    (CLAIM + f"    scope: {'[' * 40}\n", 7, 21, "nested deeper than 12"),
    (CLAIM + "    by: c\n", 7, 5, '"by" stands here again (first in line 5)'),
    (CLAIM + "    ? [a]\n    : b\n", 7, 7, "where a key should"),
    (CLAIM.replace("text: t", "text: a\x00b"), 4, 12, "U+0000"),
    # a claim
    (CLAIM.replace("    text: t\n", ""), 3, 5, "a claim needs text"),
    (CLAIM.replace("    by: b\n", ""), 3, 5, "a claim needs by"),
    (CLAIM.replace("    subject: aircraft\n", ""), 3, 5, "a claim needs subject"),
    (CLAIM.replace("  - id: a\n    text", "  - text"), 3, 5, "a claim needs id"),
    (CLAIM.replace("text: t", "text:"), 4, 10, "nothing stands here"),
    (CLAIM.replace("text: t", "text: ~"), 4, 11, "nothing stands here"),
    (CLAIM.replace("text: t", 'text: " "'), 4, 11, "nothing stands here"),
    (CLAIM.replace("text: t", "text: [t]"), 4, 11, "a list stands here instead of a single text"),
    (CLAIM.replace("id: a", "id: a b"), 3, 9, "is no id"),
    (CLAIM + "  - id: a\n    text: t\n    by: b\n    subject: aircraft\n", 7, 9, "was used before, in line 3"),
    (CLAIM + "    qantifier: some\n", 7, 5, "did you mean quantifier?"),
    # how many
    (CLAIM + "    quantifier: atleast 2\n", 7, 17, "did you mean something like at least 2?"),
    (CLAIM + "    quantifier: many\n", 7, 17, "is no quantifier; "),
    (CLAIM + "    quantifier: 2\n", 7, 17, "write exactly 2, at least 2 or at most 2"),
    (CLAIM + "    quantifier: at most 0\n", 7, 17, "write: no"),
    (CLAIM + "    quantifier: exactly 0\n", 7, 17, "write: no"),
    (CLAIM + "    quantifier: at least 0\n", 7, 17, "write: at least 1"),
    (CLAIM + "    quantifier: between 4 and 2\n", 7, 17, "write between 2 and 4"),
    (CLAIM + "    quantifier: between 0 and 3\n", 7, 17, "write at most 3"),
    (CLAIM + "    quantifier: at least -2\n", 7, 17, "is no quantifier"),
    (CLAIM + "    quantifier: exactly ٣\n", 7, 17, "is no quantifier"),
    # of what
    (CLAIM.replace("aircraft", "aircaft"), 6, 14, "did you mean aircraft?"),
    (CLAIM.replace("aircraft", "MiG-21"), 6, 14, "did you mean mig-21?"),
    (CLAIM.replace("aircraft", "[mig-21, spoon]"), 6, 23, "is not in the catalogue"),
    (CLAIM.replace("aircraft", "[]"), 6, 14, "the list is empty"),
    (CLAIM.replace("aircraft", "{design_origin: Poland}"), 6, 14, "a subject needs any_of"),
    (CLAIM.replace("aircraft", "{any_of: aircraft, design_origin: Polnd}"), 6, 48, "did you mean Poland?"),
    (CLAIM.replace("aircraft", "{any_of: aircraft, markings: x}"), 6, 33, "did you mean marking?"),
    # what is said of it
    (CLAIM + "    relation: visibel\n", 7, 15, "did you mean visible?"),
    (CLAIM + "    relation: supplied_by\n", 7, 15, "write relation: {supplied_by: Russia, when: 2014}"),
    (CLAIM + "    relation: supplied_by Russia\n", 7, 15, "needs brackets and a colon"),
    (CLAIM + "    relation: {suplied_by: Russia}\n", 7, 16, "did you mean supplied_by?"),
    (CLAIM + "    relation: {supplied_by: Rusia}\n", 7, 29, "did you mean Russia?"),
    (CLAIM + "    relation: {supplied_by: group:Free Army}\n", 7, 29, "as group:free-army"),
    (CLAIM + "    relation: {supplied_by: }\n", 7, 28, "nothing stands here"),
    (CLAIM + "    relation: {operated_by: Syria, when: 2014}\n", 7, 36, "when belongs to supplied_by"),
    (CLAIM + "    relation: {operated_by: Syria, supplied_by: Russia}\n", 7, 15, "one relation"),
    (CLAIM + "    relation: {visible: yes}\n", 7, 16, "write relation: visible"),
    (CLAIM + "    relation: {first_published_by: 2014-08}\n", 7, 36, "no single day"),
    (CLAIM + "    relation: {same_individual_as: [a]}\n", 7, 36, "instead of a single text"),
    (CLAIM + "    relation: [visible]\n", 7, 15, "keys with values"),
    # when and where
    (CLAIM + "    said: 31.08.2014\n", 7, 11, "write a day as 2014-08-31"),
    (CLAIM + "    said: 2014-02-30\n", 7, 11, "there is no such day"),
    (CLAIM + "    said: 0014\n", 7, 11, "the year is not between"),
    (CLAIM + "    said: {first: 2015, last: 2014}\n", 7, 11, "is before the first"),
    (CLAIM + "    said: {}\n", 7, 11, "needs first or last"),
    (CLAIM + "    said: {frist: 2015, last: 2016}\n", 7, 12, "did you mean first?"),
    (CLAIM + "    said: 2015 to 2014\n", 7, 11, "is before the first"),
    (CLAIM + "    scope: {from: 1:75}\n", 7, 19, "no time in a video"),
    (CLAIM + "    scope: {from: 0:20, to: 0:10}\n", 7, 25, "not after the one in from"),
    (CLAIM + "    scope: {video: a.mp4}\n", 7, 13, "did you mean videos?"),
    (CLAIM + "    scope: a.mp4\n", 7, 12, "write scope: {videos: [clip.mp4]}"),
    # what stands behind it
    (CLAIM + "    coverage: all of it\n", 7, 15, "write coverage: {text:"),
    (CLAIM + "    coverage: {text: t}\n", 7, 15, "coverage needs who"),
    (CLAIM + "    recall: {found: 9, objects: 5, source: s}\n", 7, 14, "9 found of 5 objects cannot be"),
    (CLAIM + "    recall: {found: 0, objects: 0, source: s}\n", 7, 24, "a test with no objects"),
    (CLAIM + "    recall: {found: 4.5, objects: 5, source: s}\n", 7, 21, "is no whole number"),
    (CLAIM + "    recall: {found: 4, objects: 5}\n", 7, 13, "recall needs source"),
    ("findings: nowhere.yaml\n" + CLAIM, 1, 11, "nowhere.yaml: does not exist"),
    ("findings: notes.txt\n" + CLAIM, 1, 11, "neither .yaml nor .csv"),
    ("findings: []\n" + CLAIM, 1, 11, "the list of findings is empty"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "column", "phrase"), BAD_CLAIMS)
def test_a_mistake_in_a_claim_file(text: str, line: int, column: int, phrase: str, tmp_path: Path) -> None:
    path = tmp_path / "claims.yaml"
    path.write_bytes(text.encode())
    ((at, where, said),) = problems(path)
    assert (at, where) == (line, column), said
    assert phrase in said
    assert "\n" not in said


BAD_FINDINGS = [
    ("", 1, 1, "there are no findings"),
    ("[]", 1, 1, "there are no findings"),
    ("findings:\n", 1, 1, "there are no findings"),
    ("place: x\n", 1, 1, "is no key of a file of findings"),
    ("words\n", 1, 1, "a list of findings"),
    ("- words\n", 1, 3, "the keys of a finding"),
    (FINDING.replace("kind: place", "kind: plaec"), 2, 9, "did you mean place?"),
    (FINDING.replace("basis: seen", "basis: saw"), 5, 10, "is no basis"),
    (FINDING.replace("basis: seen", "basis: reported"), 1, 3, "needs source"),
    (FINDING.replace("  who: w\n", ""), 1, 3, "needs who"),
    (FINDING.replace("  place: p\n", ""), 1, 3, "of the kind place needs place"),
    (FINDING.replace("2024-01-02", "2024"), 4, 10, "no single day"),
    (FINDING + "  count: at least 2\n", 7, 3, "means nothing in a finding of the kind place"),
    (FINDING + "  acter: Syria\n", 7, 3, "did you mean actor?"),
    (FINDING + FINDING, 7, 7, "was used before, in line 1"),
    (FINDING.replace("place\n", "sighting\n") + "  of: mig-21\n  count: all\n", 8, 10, "cannot be all"),
    (FINDING.replace("place\n", "type\n") + "  types: {mig-21: 0.8}\n", 7, 10, "add up to 0.8, not to 1"),
    (FINDING.replace("place\n", "type\n") + "  types: {mig-21: 0,8, other: 0.2}\n", 7, 22, "nothing stands here"),
    (FINDING.replace("place\n", "type\n") + "  types: {mig21: 1}\n", 7, 11, "did you mean mig-21?"),
    (FINDING.replace("place\n", "type\n") + "  types: {mig-21: 86}\n", 7, 19, "no probability"),
    (FINDING.replace("place\n", "type\n") + "  of: [mig-21, l-39]\n", 7, 3, "write how likely each is"),
    (FINDING.replace("place\n", "type\n") + "  of: mig-21\n  types: {mig-21: 1}\n", 7, 3, "types or of, not both"),
    (FINDING.replace("place\n", "part\n") + "  part: intake\n", 1, 3, "kind part needs of"),
    (FINDING.replace("place\n", "serial\n"), 1, 3, "kind serial needs serial"),
    (FINDING.replace("place\n", "confirmation\n"), 1, 3, "needs tracks or of"),
    (FINDING.replace("place\n", "holder\n"), 1, 3, "kind holder needs actor"),
    (FINDING.replace("place\n", "holder\n") + "  actor: Libia\n", 7, 10, "did you mean Libya?"),
    (FINDING.replace("place\n", "earlier_copy\n") + "  when: 2014\n", 1, 3, "needs reference"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "column", "phrase"), BAD_FINDINGS)
def test_a_mistake_in_findings(text: str, line: int, column: int, phrase: str, tmp_path: Path) -> None:
    (tmp_path / "claims.yaml").write_text("findings: f.yaml\n" + CLAIM)
    (tmp_path / "f.yaml").write_text(text)
    found = [item for item in problems(tmp_path / "claims.yaml") if phrase in item[2]]
    assert [item[:2] for item in found] == [(line, column)]


TABLE = "id,kind,who,found,basis,source,of,types,tracks\n"
BAD_TABLES = [
    ("id;kind;who\n", 1, 1, "save it as CSV with commas"),
    ("id,knd\n", 1, "knd", "did you mean kind?"),
    ("id,kind,id\n", 1, "id", "there twice"),
    (TABLE, 1, 1, "there are no findings"),
    (TABLE + "a,sighting,w,2024-01-02,seen\n", 2, 1, "5 cells and the header 9"),
    (TABLE + "a,sightings,w,2024-01-02,seen,,mig-21,,\n", 2, "kind", "did you mean sighting?"),
    (TABLE + "\na,sighting,w,2.1.2024,seen,,mig-21,,\n", 3, "found", "is no date"),
    (TABLE + 'a,sighting,"two\nlines",2024-01-02,seen,,mig-21,,\nb,sighting,w,2024,seen,,,,\n', 4, "found", "single"),
    (TABLE + "a,sighting,w,2024-01-02,seen,,mig-21; mig21,,\n", 2, "of", "did you mean mig-21?"),
    (TABLE + "a,type,w,2024-01-02,seen,,,mig-21: 1,\n", 2, "types", "has no equals sign"),
    (TABLE + "a,type,w,2024-01-02,seen,,,mig-21=.5;mig-21=.5,\n", 2, "types", "stands here twice"),
    (TABLE + 'a,type,"w,2024-01-02\n', 2, 1, "check the double quotes"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "column", "phrase"), BAD_TABLES)
def test_a_mistake_in_a_table_of_findings(text: str, line: int, column: int | str, phrase: str, tmp_path: Path) -> None:
    (tmp_path / "claims.yaml").write_text("findings: f.csv\n" + CLAIM)
    (tmp_path / "f.csv").write_text(text)
    found = [item for item in problems(tmp_path / "claims.yaml") if phrase in item[2]]
    assert [item[:2] for item in found] == [(line, column)]


def test_all_mistakes_of_all_files_are_told_at_once_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(CLAIM.replace("text: t", "text:") + "    said: soon\n    quantifier: few\nfindings: f.csv\n")
    (tmp_path / "f.csv").write_text(TABLE + "a,sighting,w,2024,saw,,mig-21,,\n")
    with pytest.raises(UsageError) as caught:
        read_claims(path, SmallNames())
    lines = str(caught.value).splitlines()
    assert [line.rpartition("claims.yaml:")[2].split(": ")[0] for line in lines[:3]] == ["4:10", "7:11", "8:17"]
    assert [line.rpartition("f.csv:")[2].split(": ")[0] for line in lines[3:]] == ["2:found", "2:basis"]


def test_files_that_are_no_text_are_refused_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "claims.yaml"
    for data, phrase in (
        ("é: à".encode("latin-1"), "is not in UTF-8"),
        (CLAIM.encode("utf-16"), "is in UTF-16"),
        (b"#" * (MOST_BYTES + 1), "larger than 1024 KiB"),
    ):
        path.write_bytes(data)
        with pytest.raises(UsageError, match=phrase):
            read_claims(path, SmallNames())
    with pytest.raises(UsageError, match="is a folder"):
        read_claims(tmp_path, SmallNames())
    with pytest.raises(UsageError, match="does not exist; give a claim file"):
        read_claims(tmp_path / "none.yaml", SmallNames())
    with pytest.raises(UsageError, match="does not exist"):
        read_claims(Path("a\0b"), SmallNames())


def test_a_file_of_many_brackets_ends_at_once(tmp_path: Path) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text("[" * (MOST_BYTES // 2))
    with pytest.raises(FileProblemsError, match="nested deeper"):
        read_claims(path, SmallNames())


def test_after_many_mistakes_reading_ends_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(HEAD + "".join(f"  - {{id: a{n}, text: t, by: b, subject: spoon}}\n" for n in range(5000)))
    found = problems(path)
    assert len(found) == MOST_PROBLEMS + 1
    assert found[-1] == (MOST_PROBLEMS + 2, 40, "reading ended here, after many problems; correct these first")


SEEDS = [text for text, *_ in (*BAD_CLAIMS, *BAD_FINDINGS, *BAD_TABLES) if "\0" not in text]


@given(st.sampled_from(SEEDS), st.data())
def test_whatever_stands_in_a_file_nothing_but_clear_messages_come_out(text: str, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        piece = data.draw(
            st.sampled_from(["", ":", "- ", "[", "]", "{", "}", '"', "\n", " ", "|", ",", "2014", "é", "#", ";"])
        )
        text = text[:at] + piece + text[at + data.draw(st.integers(0, 5)) :]
    with contextlib.suppress(FileProblemsError):
        read_claim_text(text, Path("claims.yaml"), "", SmallNames())
    told = Problems()
    with contextlib.suppress(FileProblemsError):
        parse_table(text, Path("f.csv"), KEYS, LISTS, MAPPINGS, told)
    with contextlib.suppress(FileProblemsError):
        FindingReader(SmallNames(), told).findings((parse(text, Path("f.yaml"), told),))
