"""What a plan is made of: inputs of every kind and name, what is the same, shards, and a folder that keeps its plan."""

from __future__ import annotations

import json
import os
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.fakes import forget_memory, put, small_plan
from roundel.batch import plan as plans
from roundel.batch.plan import Item, in_shard, item_id, items_of
from roundel.batch.sources import Found, collect, fetched, is_address
from roundel.errors import IntegrityError, MediaError, StallError, UsageError
from small_case import SETTINGS

MOST = SETTINGS.media.max_bytes
ODD_NAMES = [
    "new\nline.mp4",
    "%d.mp4",
    "💥.mp4",
    "ä" * 125 + "x.mp4",
    "-evil.mp4",
    "a:b.mp4",
    "a::b.mp4",
    "a*b[c]?.mp4",
    "tail .mp4",
    os.fsdecode(b"\xff\xfe.mp4"),
]


@pytest.fixture(autouse=True)
def memory() -> Iterator[None]:
    forget_memory()
    yield
    forget_memory()


def sources(*arguments: Path | str) -> list[str]:
    return [found.source for found in collect(map(str, arguments)).found]


def write_file(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


# Inputs


def test_folders_lists_and_files_are_expanded_in_order_and_each_file_once(tmp_path: Path) -> None:
    footage = tmp_path / "footage"
    for name in ("b.MP4", "a.mov", "deep/c.mkv", "notes.txt", ".hidden.mp4"):
        write_file(footage / name)
    (tmp_path / "list.txt").write_text("footage/b.MP4\n# a comment\nsingle.bin\n")
    inputs = collect([str(tmp_path / "list.txt"), str(footage), str(footage / "a.mov")])
    assert [found.source for found in inputs.found] == [
        str(tmp_path / name) for name in ("footage/b.MP4", "single.bin", "footage/a.mov", "footage/deep/c.mkv")
    ]
    assert [found.size_bytes for found in inputs.found] == [1, None, 1, 1]
    assert [Path(name).name for name in inputs.passed_over] == ["notes.txt"]


def test_a_relative_path_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_file(tmp_path / "a.mp4")
    monkeypatch.chdir(tmp_path)
    assert sources("a.mp4") == [str(tmp_path / "a.mp4")]


def test_a_list_may_hold_addresses(tmp_path: Path) -> None:
    put("memory://archive/a.mp4", b"a")
    (tmp_path / "list.txt").write_text("memory://archive\nb.mp4\n")
    assert sources(tmp_path / "list.txt") == ["memory:///archive/a.mp4", str(tmp_path / "b.mp4")]


@pytest.mark.parametrize("column", ["path", "File", " URL ", "source"])
def test_a_csv_names_paths_and_addresses_in_a_column(column: str, tmp_path: Path) -> None:
    put("memory://archive/deep/a.mp4", b"a")
    write_file(tmp_path / "folder" / "z.mp4")
    text = (
        f'\ufeffnumber,"{column}",note\r\n1,"with, comma.mp4",x\r\n2,memory://archive,"two\nlines"\r\n'
        f'3,"with ""quotes"".mp4",x\r\n4,,nothing\r\n5\r\n6,{tmp_path}/absolute.mp4,x\r\n7,folder,x\r\n'
    )
    (tmp_path / "list.CSV").write_text(text, encoding="utf-8", newline="")
    assert sources(tmp_path / "list.CSV") == [
        str(tmp_path / "with, comma.mp4"),
        "memory:///archive/deep/a.mp4",
        str(tmp_path / 'with "quotes".mp4'),
        str(tmp_path / "absolute.mp4"),
        str(tmp_path / "folder" / "z.mp4"),
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"name,date\na.mp4,2014\n", "has no column of paths; the first line must name one: path, file, url, source"),
        (b"", "has no column of paths"),
        (b"path;date\na.mp4;2014\n", "has no column of paths"),
        (b'path\n"unfinished', "cannot be read as CSV"),
        (b'path\n"a"b\n', "cannot be read as CSV"),
        ("path\na.mp4\n".encode("utf-16"), "cannot be read as CSV"),
        (b"path\n\xff.mp4\n", "cannot be read as CSV"),
        (b"path\n" + b"x" * 200_000, "cannot be read as CSV"),
    ],
)
def test_a_csv_that_cannot_be_read_is_named(content: bytes, says: str, tmp_path: Path) -> None:
    path = write_file(tmp_path / "list.csv", content)
    with pytest.raises(UsageError) as caught:
        collect([str(path)])
    assert str(caught.value).startswith(f"{path}: {says}")
    assert "\n" not in str(caught.value)


def test_a_pipe_in_the_place_of_a_csv_does_not_hold_up_the_plan(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "list.csv")
    with pytest.raises(UsageError, match=r"list\.csv: cannot be read as CSV: is a folder, pipe or device"):
        collect([str(tmp_path / "list.csv")])


def test_a_missing_csv_is_named_and_a_folder_of_that_name_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"missing\.csv: cannot be read as CSV"):
        collect([str(tmp_path / "missing.csv")])
    write_file(tmp_path / "2014.csv" / "a.mp4")
    assert sources(tmp_path / "2014.csv") == [str(tmp_path / "2014.csv" / "a.mp4")]


@pytest.mark.parametrize("name", ["list.csv", "list.txt"])
def test_a_list_that_names_itself_ends(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(f"path\n{name}\na.mp4\n")
    assert sources(tmp_path / name)[-1] == str(tmp_path / "a.mp4")


def test_an_entry_that_can_be_no_path_fails_when_it_is_analysed(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(f"path\na\0b.mp4\n{'x' * 300}.mp4\n")
    found = collect([str(tmp_path / "list.csv")]).found
    assert [item.size_bytes for item in found] == [None, None]
    assert [item.id for item in items_of(found, MOST)] == [item_id(item.source) for item in found]


@pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
def test_an_odd_name_in_a_folder_is_a_path_and_survives_the_plan(name: str, tmp_path: Path) -> None:
    path = write_file(tmp_path / "footage" / name, b"same")
    write_file(tmp_path / "footage" / "zz.mp4", b"same")
    small_plan(tmp_path / "plan", tmp_path / "case", tmp_path / "footage")
    plan = plans.read(tmp_path / "plan")
    odd = next(item for item in plan.items if item.source == str(path))
    assert odd.name == name
    assert {item.sha256 for item in plan.items} == {odd.sha256}
    assert odd.sha256 is not None
    assert len(plan.work) == 1


def test_a_folder_named_like_an_address_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_file(tmp_path / "s3:" / "bucket" / "a.mp4")
    monkeypatch.chdir(tmp_path)
    assert sources(".") == [str(tmp_path / "s3:" / "bucket" / "a.mp4")]
    assert sources("./s3://bucket/a.mp4") == [str(tmp_path / "s3:" / "bucket" / "a.mp4")]


@pytest.mark.parametrize("path", ["a::b.mp4", "clip:1.mp4", "a/b://c", "1://a", "://", "/s3://x", "", ":"])
def test_a_path_is_no_address(path: str) -> None:
    assert not is_address(path)


def test_a_target_of_any_name_is_kept(tmp_path: Path) -> None:
    write_file(tmp_path / "a.mp4")
    target = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    small_plan(tmp_path / "plan", target, tmp_path / "a.mp4")
    assert plans.read(tmp_path / "plan").target == target


@pytest.mark.parametrize("target", ["file:///mnt/results", "LOCAL://results"])
def test_a_folder_of_this_machine_is_no_address_for_results(target: str, tmp_path: Path) -> None:
    write_file(tmp_path / "a.mp4")
    with pytest.raises(UsageError, match="is a folder of this machine; give it as a path, without ://"):
        small_plan(tmp_path / "plan", target, tmp_path / "a.mp4")
    assert not (tmp_path / "plan").exists()


# Addresses


def test_a_folder_at_an_address_is_searched_for_video_names(tmp_path: Path) -> None:
    for name in ("b.MP4", "a.mov", "deep/c.mkv", "notes.txt", ".hidden.mp4", ".trash/d.mp4"):
        put(f"memory://archive/{name}", name.encode())
    inputs = collect(["memory://archive/"])
    assert [found.source for found in inputs.found] == [
        f"memory:///archive/{name}" for name in ("a.mov", "b.MP4", "deep/c.mkv")
    ]
    assert [(found.name, found.size_bytes) for found in inputs.found] == [("a.mov", 5), ("b.MP4", 5), ("c.mkv", 10)]
    assert inputs.passed_over == ("/archive/notes.txt",)


def test_one_file_at_an_address_is_taken_whatever_its_name() -> None:
    assert sources(put("memory://archive/.hidden", b"x")) == ["memory:///archive/.hidden"]


def test_a_pattern_at_an_address_is_expanded() -> None:
    for name in ("a1.mp4", "a2.mp4", "b.mp4"):
        put(f"memory://archive/{name}", b"x")
    assert sources("memory://archive/a*") == ["memory:///archive/a1.mp4", "memory:///archive/a2.mp4"]
    assert sources("memory://archive/x*.mp4") == []


def test_an_address_whose_name_holds_a_pattern_is_one_file() -> None:
    put("memory://archive/a*.mp4", b"star")
    put("memory://archive/ab.mp4", b"other")
    found = {item.source: item for item in collect(["memory://archive"]).found}
    with fetched("memory:///archive/a*.mp4", found["memory:///archive/a*.mp4"].name, 100) as path:
        assert path.read_bytes() == b"star"


@pytest.mark.parametrize("address", ["memory://nowhere/a.mp4", "memory://nowhere", "nosuch://bucket/a"])
def test_what_is_not_at_an_address_is_named(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        collect([address])
    assert str(caught.value).startswith(f"{address}: ")
    assert "\n" not in str(caught.value)


def test_an_address_that_leads_through_an_archive_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.mp4", b"x")
    with pytest.raises(UsageError, match=r"addresses joined by :: are not read; unpack"):
        collect([f"zip://*.mp4::file://{tmp_path}/x.zip"])
    with pytest.raises(UsageError, match=r"zip://a\.mp4::/.*: archives are not read; unpack it and give its folder"):
        collect([f"zip://a.mp4::{tmp_path}/x.zip"])


def test_an_address_with_a_password_is_refused_without_repeating_it(tmp_path: Path) -> None:
    video = write_file(tmp_path / "a.mp4")
    for target, source in (("ftp://me:secret@host/x", video), (tmp_path / "case", "ftp://me:secret@host/a.mp4")):
        with pytest.raises(UsageError, match="holds a password") as caught:
            small_plan(tmp_path / "plan", target, source)
        assert "secret" not in str(caught.value)
    assert not (tmp_path / "plan").exists()


@pytest.mark.parametrize("name", ["a.mp4", "..", ".", "/", "a/b", "\n", "x" * 300, "a:b\\c", "💥"])
def test_what_is_fetched_lies_in_a_folder_of_its_own_and_is_removed(name: str) -> None:
    put("memory://archive/a", b"content")
    with fetched("memory://archive/a", name, 100) as path:
        assert path.read_bytes() == b"content"
        folder = path.parent.parent
        assert folder.name.startswith("roundel-fetch.")
    assert not folder.exists()


def test_what_cannot_be_fetched_is_named() -> None:
    put("memory://archive/a", b"content")
    with (
        pytest.raises(MediaError, match=r"memory://archive/a: is larger than 3 bytes"),
        fetched("memory://archive/a", "a", 3),
    ):
        pass
    with pytest.raises(MediaError, match=r"memory://archive/b: does not exist"), fetched("memory://archive/b", "b", 3):
        pass
    with pytest.raises(StallError, match=r"memory://archive: cannot be fetched"), fetched("memory://archive", "b", 3):
        pass


# Identifiers and contents


def test_ids_are_the_same_in_every_plan(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        write_file(tmp_path / name, name.encode() * 3)
    one = small_plan(tmp_path / "one", tmp_path / "case", tmp_path / "a.mp4", tmp_path / "b.mp4")
    two = small_plan(tmp_path / "two", "memory://other", tmp_path / "c.mp4", tmp_path / "b.mp4", shards=3)
    ids = [{item.source: item.id for item in plan.items} for plan in (one, two)]
    assert ids[0][str(tmp_path / "b.mp4")] == ids[1][str(tmp_path / "b.mp4")]
    assert one.id != two.id
    assert {item_id(source): source for source in ids[0]} == {item.id: item.source for item in one.items}


def test_the_same_bytes_under_two_names_are_one_piece_of_work(tmp_path: Path) -> None:
    put("memory://archive/c.mp4", b"same")
    for name, content in (("a.mp4", b"same"), ("b.mp4", b"same"), ("d.mp4", b"othr"), ("e.mp4", b"longer")):
        write_file(tmp_path / name, content)
    hashed: list[str] = []
    found = collect([*(str(tmp_path / f"{name}.mp4") for name in "abde"), "memory://archive/c.mp4"]).found
    items = list(items_of(found, MOST, hashed.append))
    assert [item.same_as for item in items] == [None, items[0].id, None, None, items[0].id]
    assert [item.sha256 is not None for item in items] == [True, True, True, False, True]
    assert hashed == [item.source for item in items if item.name != "e.mp4"]
    plan = small_plan(tmp_path / "plan", tmp_path / "case", *(item.source for item in items))
    assert [item.name for item in plan.work] == ["a.mp4", "d.mp4", "e.mp4"]


def test_files_of_equal_size_that_cannot_be_read_are_left_to_the_run(tmp_path: Path) -> None:
    found = [Found(str(tmp_path / "gone-1"), "gone-1", 5), Found(str(tmp_path / "gone-2"), "gone-2", 5)]
    assert [(item.sha256, item.same_as) for item in items_of(found, MOST)] == [(None, None), (None, None)]


def test_what_is_too_large_to_be_analysed_is_not_read(tmp_path: Path) -> None:
    huge = [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    for path in huge:
        with path.open("wb") as stream:
            stream.truncate(1 << 40)
    found = collect(map(str, huge)).found
    assert [item.sha256 for item in items_of(found, 1 << 39, pytest.fail)] == [None, None]


def test_empty_files_are_not_the_same_as_each_other(tmp_path: Path) -> None:
    inputs = [write_file(tmp_path / name, b"") for name in ("a.mp4", "b.mp4")]
    assert len(small_plan(tmp_path / "plan", tmp_path / "case", *inputs).work) == 2


def test_a_pipe_or_a_device_does_not_hold_up_the_plan(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.mp4")
    os.mkfifo(tmp_path / "b.mp4")
    plan = small_plan(tmp_path / "plan", tmp_path / "case", tmp_path / "a.mp4", tmp_path / "b.mp4", "/dev/zero")
    assert len(plan.work) == 3


def test_two_inputs_of_one_id_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "item_id", lambda _: "0123456789abcdef")
    inputs = [write_file(tmp_path / "a.mp4", b"1"), write_file(tmp_path / "b.mp4", b"22")]
    with pytest.raises(UsageError, match=r"a\.mp4 and .*b\.mp4: .* rename one"):
        small_plan(tmp_path / "plan", tmp_path / "case", *inputs)


# The folder of a plan


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_file(tmp_path / "a.mp4")


def test_a_plan_is_read_as_it_was_written(video: Path, tmp_path: Path) -> None:
    made = small_plan(tmp_path / "plan", tmp_path / "case", video, shards=4)
    assert plans.read(tmp_path / "plan") == made
    before = {path: path.read_bytes() for path in (tmp_path / "plan").iterdir()}
    assert small_plan(tmp_path / "plan", tmp_path / "case", video, shards=4) == made
    assert {path: path.read_bytes() for path in (tmp_path / "plan").iterdir()} == before


def test_another_plan_in_the_same_folder_is_refused(video: Path, tmp_path: Path) -> None:
    made = small_plan(tmp_path / "plan", tmp_path / "case", video)
    other = write_file(tmp_path / "b.mp4", b"2")
    refused = pytest.raises(UsageError, match=r"plan: holds another plan \(other inputs, target or settings\)")
    with refused:
        small_plan(tmp_path / "plan", tmp_path / "other", video)
    with refused:
        small_plan(tmp_path / "plan", tmp_path / "case", video, other)
    with refused:
        small_plan(tmp_path / "plan", tmp_path / "case", video, shards=2)
    settings = SETTINGS.model_copy(update={"tracking": SETTINGS.tracking.model_copy(update={"exemplars": 1})})
    with refused:
        plans.write(tmp_path / "plan", str(tmp_path / "case"), settings, items_of(collect([str(video)]).found, MOST))
    assert plans.read(tmp_path / "plan") == made


def test_a_plan_takes_no_folder_that_holds_something_else(video: Path, tmp_path: Path) -> None:
    write_file(tmp_path / "full" / "letter.txt")
    for folder in (tmp_path / "full", video):
        with pytest.raises(UsageError, match="exists and is no plan; give a new or empty folder"):
            small_plan(folder, tmp_path / "case", video)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["letter.txt"]
    (tmp_path / "empty").mkdir()
    assert small_plan(tmp_path / "empty", tmp_path / "case", video).items


def test_a_plan_of_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no video found; give videos, folders"):
        small_plan(tmp_path / "plan", tmp_path / "case", tmp_path / "empty")
    assert not (tmp_path / "plan").exists()


def change_items(folder: Path) -> None:
    path = folder / plans.ITEMS
    path.write_text(path.read_text().replace("a.mp4", "b.mp4"))


def change_facts(**facts: object) -> object:
    def change(folder: Path) -> None:
        path = folder / plans.PLAN
        path.write_text(json.dumps({**json.loads(path.read_text()), **facts}))

    return change


@pytest.mark.parametrize(
    "change",
    [
        change_items,
        lambda folder: (folder / plans.ITEMS).unlink(),
        lambda folder: (folder / plans.PLAN).write_text("{}"),
        lambda folder: (folder / plans.PLAN).write_text("[]"),
        lambda folder: (folder / plans.PLAN).write_text("nothing"),
        lambda folder: (folder / plans.PLAN).write_bytes(b"\xff"),
        lambda folder: (folder / plans.PLAN).write_text("[" * 100_000),
        change_facts(target="/elsewhere"),
        change_facts(shards=2),
        change_facts(config={"detector": {"model": "other"}}),
        change_facts(config={"nonsense": 1}),
        change_facts(id="0" * 16),
    ],
)
def test_a_changed_plan_is_noticed(change, video: Path, tmp_path: Path) -> None:
    small_plan(tmp_path / "plan", tmp_path / "case", video)
    change(tmp_path / "plan")
    with pytest.raises(IntegrityError, match=r"plan.*; make a new plan") as caught:
        plans.read(tmp_path / "plan")
    assert "\n" not in str(caught.value)


def test_a_plan_of_another_version_and_no_plan_are_named(video: Path, tmp_path: Path) -> None:
    small_plan(tmp_path / "plan", tmp_path / "case", video)
    change_facts(schema_version=99)(tmp_path / "plan")
    with pytest.raises(UsageError, match="was made by another version of Roundel; make a new plan"):
        plans.read(tmp_path / "plan")
    with pytest.raises(UsageError, match=r"nothing: is no plan \(it has no plan\.json\); make one with"):
        plans.read(tmp_path / "nothing")


def test_a_plan_of_which_only_the_items_were_written_is_written_anew(video: Path, tmp_path: Path) -> None:
    """The power went between the two files."""
    small_plan(tmp_path / "plan", tmp_path / "case", video)
    (tmp_path / "plan" / plans.PLAN).unlink()
    assert small_plan(tmp_path / "plan", tmp_path / "case", video).items == plans.read(tmp_path / "plan").items


# Shards


def items(names: list[str]) -> list[Item]:
    return [Item(item_id(name), name, name, None) for name in names]


@settings(deadline=None)
@given(names=st.lists(st.text(min_size=1).filter(lambda t: t.isascii()), unique=True), count=st.integers(1, 20))
def test_shards_are_a_partition_whatever_the_order(names: list[str], count: int) -> None:
    shards = [f"{number}/{count}" for number in range(1, count + 1)]
    parts = [list(in_shard(items(names), shard)) for shard in shards]
    assert sorted(item.id for part in parts for item in part) == sorted(item.id for item in items(names))
    mixed = items(names)
    random.Random(1).shuffle(mixed)
    for part, shard in zip(parts, shards, strict=True):
        assert {item.id for item in in_shard(mixed, shard)} == {item.id for item in part}


def test_shards_are_about_equal() -> None:
    many = items([f"/footage/{number}.mp4" for number in range(8000)])
    sizes = [len(list(in_shard(many, f"{number}/8"))) for number in range(1, 9)]
    assert sum(sizes) == 8000
    assert 900 < min(sizes) <= max(sizes) < 1100


@pytest.mark.parametrize(
    "shard", ["0/8", "9/8", "1/0", "1", "a/b", "1/8/2", "-1/8", "1/8\n", "", "١/٨", "9" * 5000 + "/8"]
)
def test_what_is_no_shard_is_refused_at_once(shard: str) -> None:
    with pytest.raises(UsageError, match="give a number and how many there are, such as 1/8"):
        list(in_shard([], shard))
