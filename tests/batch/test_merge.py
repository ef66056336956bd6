"""Books after a merge: the custody log and the index, whatever the order, the interruptions and the damage."""

from __future__ import annotations

import itertools
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import pytest

from batch.fakes import analyse_once, forget_memory, small_plan, use_fakes, work
from roundel import case as cases
from roundel import custody, disk, index, package
from roundel.batch.merge import FAILED, RECEIVED, merge
from roundel.batch.plan import Plan, in_shard
from roundel.batch.run import missing
from roundel.batch.store import TargetError, open_store
from roundel.cli.cases import make_report
from roundel.errors import IntegrityError, RoundelError, UsageError
from small_case import OTHER_SOURCE, SETTINGS, SMALL, SOURCE, analyse, tree_of
from test_case import change

MakeClip = Callable[..., Path]


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    use_fakes(monkeypatch)
    analyse_once(monkeypatch)
    forget_memory()
    yield
    forget_memory()


@dataclass(frozen=True)
class Archive:
    """Inputs, and the packages and outcomes that were made of them once."""

    inputs: tuple[Path, ...]
    made: Path

    def plan(self, folder: Path, name: str = "plan", shards: int = 1) -> Plan:
        """A plan over the inputs with all its results, that nobody has merged yet."""
        plan = small_plan(folder / name, folder / "case", *self.inputs, shards=shards)
        cases.create(folder / "case", SETTINGS)
        shutil.copytree(self.made / "plan" / "outcomes", plan.folder / "outcomes")
        shutil.copytree(self.made / "case" / "videos", folder / "case" / "videos", dirs_exist_ok=True)
        return plan


@pytest.fixture(scope="module")
def archive(make_clip: MakeClip, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Two clips, one of them under two names, a broken file and one that is missing."""
    folder = tmp_path_factory.mktemp("archive")
    one, two = make_clip("merge-one.mp4", SOURCE, *SMALL), make_clip("merge-two.mp4", OTHER_SOURCE, *SMALL)
    named = {"a.mp4": one, "b.mp4": two, os.fsdecode(b"c \xff.mp4"): one}
    inputs = [Path(shutil.copyfile(source, folder / name)) for name, source in named.items()]
    (folder / "broken.mp4").write_bytes(b"no video" * 100)
    inputs += [folder / "broken.mp4", folder / "missing.mp4"]
    with pytest.MonkeyPatch.context() as patch:
        use_fakes(patch)
        made = tmp_path_factory.mktemp("made")
        work(small_plan(made / "plan", made / "case", *inputs))
    return Archive(tuple(inputs), made)


def dump(case: Path) -> list[str]:
    """Everything that an index holds."""
    with closing(sqlite3.connect(case / cases.INDEX)) as connection:
        return sorted(connection.iterdump())


def rows(case: Path, question: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(case / cases.INDEX)) as connection:
        return connection.execute(question).fetchall()


def events(case: Path) -> list[tuple[str, str]]:
    return [(event.event, event.subject) for event in custody.read(case)]


# What a merge writes


def test_log_and_index_hold_what_was_made(archive: Archive, tmp_path: Path) -> None:
    plan = archive.plan(tmp_path)
    case = tmp_path / "case"
    merged = merge(plan)
    assert (merged.case, merged.packages, merged.new_packages, merged.problems) == (case, 3, 3, ())
    assert merged.events == 8  # four received, three analysed, one failed
    by_kind = {kind: [event for event in custody.read(case) if event.event == kind] for kind, _ in events(case)}
    assert [event.details["path"] for event in by_kind[RECEIVED]] == [str(path) for path in archive.inputs[:4]]
    assert [event.details["manifest_sha256"] for event in by_kind[cases.ANALYSED]] == [
        package.manifest_sha256(case / event.subject) for event in by_kind[cases.ANALYSED]
    ]
    assert {event.details["plan"] for event in by_kind[cases.ANALYSED]} == {plan.id}
    assert [(event.subject, event.details["kind"]) for event in by_kind[FAILED]] == [
        (str(archive.inputs[4]), "MediaError")
    ]
    first = package.read_analysis(case / by_kind[cases.ANALYSED][0].subject)
    assert rows(case, "SELECT count(*), sum(failure IS NOT NULL) FROM package") == [(3, 1)]
    assert {name for (name,) in rows(case, "SELECT name FROM name")} >= {"a.mp4", "b.mp4", "broken.mp4"}
    assert rows(case, "SELECT count(*) FROM name") == [(4,)]
    seen = rows(case, f"SELECT class, lower, upper FROM count WHERE package = '{by_kind[cases.ANALYSED][0].subject}'")
    assert {name: (lower, upper) for name, lower, upper in seen} == {
        name: (count.lower, count.upper) for name, count in first.counts.items()
    }
    assert seen


def test_the_case_is_whole_after_a_merge_and_has_a_report(archive: Archive, tmp_path: Path) -> None:
    merge(archive.plan(tmp_path))
    assert list(cases.problems(tmp_path / "case")) == []
    page, _ = make_report(tmp_path / "case", "veiled")
    text = page.read_text(encoding="utf-8")
    assert "b.mp4" in text
    assert "broken.mp4" in text
    assert list(cases.problems(tmp_path / "case")) == []
    assert merge(small_plan(tmp_path / "plan", tmp_path / "case", *archive.inputs)).events == 0


def test_the_same_bytes_under_two_names_are_received_under_both(archive: Archive, tmp_path: Path) -> None:
    plan = archive.plan(tmp_path)
    assert len(plan.work) == len(plan.items) - 1
    merge(plan)
    shared = [names for names in cases.names(tmp_path / "case").values() if len(names) > 1]
    assert shared == [["a.mp4", archive.inputs[2].name]]
    assert sum(kind == cases.ANALYSED for kind, _ in events(tmp_path / "case")) == 3


def test_a_second_merge_adds_nothing(archive: Archive, tmp_path: Path) -> None:
    plan = archive.plan(tmp_path)
    merge(plan)
    before, index_before = tree_of(tmp_path / "case"), dump(tmp_path / "case")
    again = merge(plan)
    assert (again.packages, again.new_packages, again.events, again.problems) == (3, 0, 0, ())
    after = tree_of(tmp_path / "case")
    assert {name for name in before if before[name] != after.get(name)} <= {cases.INDEX}
    assert before.keys() == after.keys()
    assert dump(tmp_path / "case") == index_before


def test_a_merge_before_anything_was_done_makes_an_empty_index(archive: Archive, tmp_path: Path) -> None:
    plan = small_plan(tmp_path / "plan", tmp_path / "case", *archive.inputs)
    merged = merge(plan)
    assert (merged.packages, merged.events, merged.problems) == (0, 0, ())
    assert rows(tmp_path / "case", "SELECT count(*) FROM package") == [(0,)]
    assert list(cases.problems(tmp_path / "case")) == []


def test_a_merge_in_the_middle_of_a_run_takes_what_is_there(archive: Archive, tmp_path: Path) -> None:
    whole = archive.plan(tmp_path / "whole")
    merge(whole)
    plan = small_plan(tmp_path / "plan", tmp_path / "case", *archive.inputs)
    cases.create(tmp_path / "case", SETTINGS)
    with cases.at_work(tmp_path / "case", shared=True):
        for number, item in enumerate(plan.work):
            work(plan, [item])
            unfinished = tmp_path / "case" / "videos" / ("0" * 64) / f"{package.PARTIAL}x-1"
            unfinished.mkdir(parents=True, exist_ok=True)
            assert merge(plan).packages == min(number + 1, 3)
            shutil.rmtree(unfinished.parent)
    assert dump(tmp_path / "case") == dump(tmp_path / "whole" / "case")
    assert list(cases.problems(tmp_path / "case")) == []


def test_shards_in_any_order_give_the_same_index(archive: Archive, tmp_path: Path) -> None:
    merge(archive.plan(tmp_path / "whole"))
    expected = dump(tmp_path / "whole" / "case")
    for number, order in enumerate(itertools.permutations(("1/3", "2/3", "3/3"))):
        folder = tmp_path / f"order {number}"
        full = archive.plan(folder, shards=3)
        outcomes = full.folder / "outcomes"
        outcomes.rename(folder / "all")
        for shard in order:
            for item in in_shard(full.work, shard):
                name = f"{item.id[:2]}/{item.id}.json"
                (outcomes / item.id[:2]).mkdir(parents=True, exist_ok=True)
                shutil.copyfile(folder / "all" / name, outcomes / name)
            merge(full)
        assert dump(folder / "case") == expected
        assert list(cases.problems(folder / "case")) == []


# Failures


def test_a_failure_is_noted_once_and_another_one_too(archive: Archive, tmp_path: Path) -> None:
    plan = archive.plan(tmp_path)
    gone = plan.items[4]
    for _ in range(3):
        work(plan, [gone])
        merge(plan)
    assert sum(kind == FAILED for kind, _ in events(tmp_path / "case")) == 1
    record = plan.folder / "outcomes" / gone.id[:2] / f"{gone.id}.json"
    record.write_text(record.read_text().replace("does not exist", "is empty"))
    for _ in range(2):
        merge(plan)
    assert sum(kind == FAILED for kind, _ in events(tmp_path / "case")) == 2


def test_a_failure_that_was_overcome_stays_in_the_log(archive: Archive, tmp_path: Path) -> None:
    plan = small_plan(tmp_path / "plan", tmp_path / "case", video := tmp_path / "later.mp4")
    cases.create(tmp_path / "case", SETTINGS)
    work(plan)
    merge(plan)
    shutil.copyfile(archive.inputs[1], video)
    assert [item.source for item in missing(plan, open_store(plan))] == [str(video)]
    work(plan)
    merge(plan)
    assert [kind for kind, _ in events(tmp_path / "case")][1:] == [FAILED, RECEIVED, cases.ANALYSED]
    assert missing(plan, open_store(plan)) == ()


# Damage


def remove_all(folder: Path) -> None:
    shutil.rmtree(folder)


DAMAGE: list[tuple[Callable[[Path], object], str]] = [
    (lambda folder: (folder / package.README).write_text("changed"), "README.txt: was changed"),
    (lambda folder: (folder / package.ANALYSIS).write_text("nothing"), "analysis.json: was changed"),
    (lambda folder: (folder / package.ANALYSIS).unlink(), "analysis.json: is missing"),
    (lambda folder: (folder / package.MANIFEST).unlink(), "manifest-sha256.txt: is missing"),
    (lambda folder: (folder / "exhibits" / "new.png").write_bytes(b""), "new.png: was added"),
    (lambda folder: change(folder, rewrite_manifest=True), "is not the one that was written when it was analysed"),
    (remove_all, "manifest-sha256.txt: is missing"),
]


@pytest.mark.parametrize(("harm", "says"), DAMAGE, ids=[says for _, says in DAMAGE])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_damaged_package_is_reported_and_the_others_are_taken(
    when: str, harm: Callable[[Path], object], says: str, archive: Archive, tmp_path: Path
) -> None:
    plan = archive.plan(tmp_path)
    case = tmp_path / "case"
    if when == "after":
        merge(plan)
    hurt = next(
        folder for folder in cases.packages(case) if "b.mp4" in package.read_analysis(folder).video.names
    ).relative_to(case)
    harm(case / hurt)
    merged = merge(plan)
    (problem,) = merged.problems
    assert f"{case / hurt}" in problem
    assert says in problem
    assert problem.endswith("; it was not taken up. Move the package away and run the plan again")
    assert rows(case, "SELECT count(*) FROM package") == [(2,)]
    assert rows(case, f"SELECT count(*) FROM package WHERE package = '{hurt.as_posix()}'") == [(0,)]
    assert (cases.ANALYSED, hurt.as_posix()) not in events(case) or when == "after"
    shutil.rmtree(case / hurt, ignore_errors=True)
    work(plan, missing(plan, open_store(plan)))
    assert merge(plan).problems == ()
    assert list(cases.problems(case)) == []
    assert rows(case, "SELECT count(*) FROM package") == [(3,)]


def test_a_package_that_no_outcome_names_yet_is_in_neither_book(archive: Archive, tmp_path: Path) -> None:
    """The run was killed after the package was renamed into its place and before that was on record."""
    plan = archive.plan(tmp_path)
    item = plan.items[1]
    record = plan.folder / "outcomes" / item.id[:2] / f"{item.id}.json"
    record.unlink()
    assert merge(plan).packages == 2
    assert rows(tmp_path / "case", "SELECT count(*) FROM package") == [(2,)]
    work(plan, missing(plan, open_store(plan)))
    assert merge(plan).packages == 3
    assert list(cases.problems(tmp_path / "case")) == []


def test_a_damaged_log_takes_nothing(archive: Archive, tmp_path: Path) -> None:
    plan = archive.plan(tmp_path)
    merge(plan)
    log = tmp_path / "case" / custody.FILE
    log.write_bytes(log.read_bytes().replace(b"received", b"receivex", 1))
    before = tree_of(tmp_path / "case")
    with pytest.raises(IntegrityError, match="the chain breaks at line"):
        merge(plan)
    assert tree_of(tmp_path / "case") == before


# The index


def other_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE package (x); CREATE TABLE old (y REFERENCES package); INSERT INTO old VALUES (1);"
            "CREATE VIEW v AS SELECT * FROM old; PRAGMA user_version = 999;"
        )


def other_tables(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"CREATE TABLE package (x); PRAGMA user_version = {index.VERSION};")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b"no database " * 1000),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
        lambda path: path.write_bytes(path.read_bytes()[:200] + bytes(4000) + path.read_bytes()[4200:]),
        lambda path: (path.unlink(), other_version(path)),
        lambda path: (path.unlink(), other_tables(path)),
        Path.unlink,
    ],
    ids=["garbage", "empty", "short", "holes", "version", "tables", "removed"],
)
def test_a_damaged_index_or_one_of_another_version_is_made_anew(
    spoil: Callable[[Path], object], archive: Archive, tmp_path: Path
) -> None:
    plan = archive.plan(tmp_path)
    merge(plan)
    expected = dump(tmp_path / "case")
    spoil(tmp_path / "case" / cases.INDEX)
    merge(plan)
    assert dump(tmp_path / "case") == expected
    assert list(cases.problems(tmp_path / "case")) == []


@pytest.mark.parametrize(
    "message", ["database or disk is full", "disk I/O error", "attempt to write a readonly database"]
)
def test_an_index_that_cannot_be_written_is_said_in_one_line_and_kept(
    message: str, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = archive.plan(tmp_path)

    def fail(*_: Any) -> None:
        raise sqlite3.OperationalError(message)

    with monkeypatch.context() as patch:
        patch.setattr(index, "_add", fail)
        with pytest.raises(RoundelError, match=rf"index\.sqlite: cannot be written: {message}; .* merge again"):
            merge(plan)
    assert merge(plan).packages == 3
    assert rows(tmp_path / "case", "SELECT count(*) FROM package") == [(3,)]


def test_the_index_follows_packages_that_go_away(archive: Archive, tmp_path: Path) -> None:
    merge(archive.plan(tmp_path))
    case = tmp_path / "case"
    shutil.rmtree(cases.packages(case)[0])
    assert index.refresh(case) == index.Refreshed(2, 0, 1)
    for table in ("count", "sighting", "reading"):
        assert rows(case, f"SELECT count(*) FROM {table} WHERE package NOT IN (SELECT package FROM package)") == [(0,)]


# With roundel analyze


def test_batch_goes_on_with_a_case_of_analyze_and_the_other_way_round(archive: Archive, tmp_path: Path) -> None:
    case = tmp_path / "case"
    analyse(case, *archive.inputs[1:4])
    before = tree_of(case / "videos")
    plan = small_plan(tmp_path / "plan", case, *archive.inputs)
    work(plan)
    merged = merge(plan)
    assert {name: content for name, content in tree_of(case / "videos").items() if name in before} == before
    assert (merged.packages, merged.events) == (3, 2), "one new name, and the file that is missing"
    assert [outcome.status for outcome in analyse(case, *archive.inputs)] == [
        "skipped", "skipped", "skipped", "failed", "failed",
    ]  # fmt: skip
    received = [event for event in custody.read(case) if event.event == RECEIVED]
    assert len(received) == 4
    assert list(cases.problems(case)) == []
    assert merge(plan).problems == ()


def test_analyze_goes_on_with_a_case_of_a_batch(archive: Archive, tmp_path: Path) -> None:
    merge(archive.plan(tmp_path))
    log = events(tmp_path / "case")
    statuses = [outcome.status for outcome in analyse(tmp_path / "case", *archive.inputs[:4])]
    assert statuses == ["skipped", "skipped", "skipped", "failed"]
    assert events(tmp_path / "case") == log


# Interruptions and others at the same time


class Stop(BaseException):
    """The process was killed here."""


def stopping(monkeypatch: pytest.MonkeyPatch, place: Any, name: str, after: int, then: bool) -> None:
    """Stop at a call of a function, before or after it does its work."""
    real, calls = getattr(place, name), itertools.count()

    def stop(*arguments: Any, **named: Any) -> Any:
        if next(calls) != after:
            return real(*arguments, **named)
        if then:
            real(*arguments, **named)
        raise Stop

    monkeypatch.setattr(place, name, stop)


@pytest.mark.parametrize("then", [False, True])
@pytest.mark.parametrize(
    ("place", "name", "after"),
    [
        (custody, "_announce", 0),
        (custody, "_write", 0),
        (custody, "_write", 1),
        (custody, "_write_head", 0),
        (custody, "_write_head", 1),
        (custody, "extend", 0),
        (custody, "extend", 1),
        (disk, "flush", 0),
        (index, "_prepare", 0),
        (index, "_add", 1),
        (index, "_from_log", 0),
        (index, "refresh", 0),
    ],
)
def test_a_merge_that_is_killed_anywhere_is_done_by_the_next(
    place: Any, name: str, after: int, then: bool, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(custody, "GROUP", 4)
    merge(archive.plan(tmp_path / "whole"))
    plan = archive.plan(tmp_path)
    stops = []
    for _ in range(2):
        with monkeypatch.context() as patch:
            stopping(patch, place, name, after, then)
            try:
                merge(plan)
            except Stop:
                stops.append(name)
    assert stops, "the merge came to this place"
    merged = merge(plan)
    assert (merged.packages, merged.problems) == (3, ())
    assert sorted(events(tmp_path / "case")) == sorted(events(tmp_path / "whole" / "case"))
    assert dump(tmp_path / "case") == dump(tmp_path / "whole" / "case")
    assert list(cases.problems(tmp_path / "case")) == []


def test_two_merges_at_once_are_refused(archive: Archive, tmp_path: Path) -> None:
    plan = archive.plan(tmp_path)
    case = tmp_path / "case"
    with disk.locked(case / cases.MERGE_LOCK, "busy"), pytest.raises(UsageError) as caught:
        merge(plan)
    assert str(caught.value).startswith(f"{case}: another merge is at work in this case; wait for it (process ")
    with disk.locked(case / index.LOCK, "busy"), pytest.raises(UsageError, match="is being written by another run"):
        index.refresh(case)
    assert merge(plan).packages == 3


def test_many_merges_at_once_write_each_event_once(archive: Archive, tmp_path: Path) -> None:
    plan = archive.plan(tmp_path)
    start, ended = threading.Barrier(6), []

    def run() -> None:
        start.wait()
        try:
            merge(plan)
            ended.append("merged")
        except UsageError:
            ended.append("refused")

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "merged" in ended
    assert len(ended) == 6
    merge(plan)
    found = events(tmp_path / "case")
    assert sum(kind == cases.ANALYSED for kind, _ in found) == 3
    assert sum(kind == RECEIVED for kind, _ in found) == 4
    assert list(cases.problems(tmp_path / "case")) == []


def test_many_who_create_a_case_at_once_make_one(tmp_path: Path) -> None:
    for number in range(10):
        case, start, errors = tmp_path / f"case {number}", threading.Barrier(8), []

        def create() -> None:
            start.wait()  # noqa: B023
            try:
                cases.create(case, SETTINGS)  # noqa: B023
            except Exception as error:
                errors.append(error)  # noqa: B023

        threads = [threading.Thread(target=create) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert list(cases.problems(case)) == []


# Results at an address


@pytest.fixture
def remote(archive: Archive, tmp_path: Path) -> Plan:
    plan = small_plan(tmp_path / "remote", "memory://results", *archive.inputs)
    work(plan)
    return plan


def test_results_at_an_address_come_into_a_case(archive: Archive, remote: Plan, tmp_path: Path) -> None:
    merge(archive.plan(tmp_path / "local"))
    merged = merge(remote, tmp_path / "case")
    assert (merged.packages, merged.new_packages, merged.problems) == (3, 3, ())
    assert tree_of(tmp_path / "case" / "videos") == tree_of(tmp_path / "local" / "case" / "videos")
    assert dump(tmp_path / "case") == dump(tmp_path / "local" / "case")
    assert list(cases.problems(tmp_path / "case")) == []
    again = merge(remote, tmp_path / "case")
    assert (again.new_packages, again.events) == (0, 0)


def test_a_fetch_that_was_killed_is_done_by_the_next_merge(
    remote: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, after in (("problems", 0), ("put_in_place", 0)):
        with monkeypatch.context() as patch:
            stopping(patch, package, name, after, then=False)
            with pytest.raises(Stop):
                merge(remote, tmp_path / "case")
        assert list((tmp_path / "case" / "videos").glob("*/.partial-*-fetch"))
    assert merge(remote, tmp_path / "case").packages == 3
    assert list(cases.problems(tmp_path / "case")) == []


def test_what_another_run_fetches_at_this_moment_is_not_removed(remote: Plan, tmp_path: Path) -> None:
    cases.create(tmp_path / "case", SETTINGS)
    partial = tmp_path / "case" / "videos" / ("0" * 64) / f"{package.PARTIAL}x-fetch"
    partial.mkdir(parents=True)
    package.remove_left_overs(tmp_path / "case" / "videos")
    assert partial.is_dir()
    merge(remote, tmp_path / "case")
    assert not partial.exists()


def test_an_address_that_is_away_in_the_middle_is_no_damage_of_a_package(
    remote: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = fsspec.filesystem("memory")
    there = files.cat_file

    def away(path: str, *rest: Any, **options: Any) -> bytes:
        if "/videos/" in path:
            raise ConnectionError("no route to host")
        return bytes(there(path, *rest, **options))

    with monkeypatch.context() as patch:
        patch.setattr(files, "cat_file", away)
        with pytest.raises(
            TargetError, match="memory://results: cannot be reached: no route to host; what is finished"
        ):
            merge(remote, tmp_path / "case")
        with pytest.raises(TargetError, match="cannot be reached"):
            work(remote)
    work(remote)
    assert merge(remote, tmp_path / "case").packages == 3


def test_which_case_takes_the_results_must_be_clear(archive: Archive, remote: Plan, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="memory://results: give the local case that takes the results, with --case"):
        merge(remote)
    plan = archive.plan(tmp_path)
    with pytest.raises(UsageError, match=r"other: the results of this plan lie in .*case; leave out --case"):
        merge(plan, tmp_path / "other")
    assert not (tmp_path / "other").exists()
    (tmp_path / "link").symlink_to(tmp_path / "case")
    for same in (tmp_path / "x" / ".." / "case", tmp_path / "link"):
        assert merge(plan, same).packages == 3
