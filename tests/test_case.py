"""A case and its check: every changed, missing or added byte is found, and an untouched case is not accused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roundel import case as cases
from roundel import custody, package
from roundel.cli.cases import verify
from roundel.config import load
from roundel.errors import EXIT_INTEGRITY, EXIT_OK, IntegrityError, UsageError
from small_case import OTHER_SOURCE, SETTINGS, SMALL, SOURCE, add_report, analyse, tree_of
from test_custody import chain_again


@pytest.fixture(scope="module")
def original(make_clip: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two packages, a report, and a last event that belongs to no file."""
    case = tmp_path_factory.mktemp("original") / "case"
    one, two = make_clip("one.mp4", SOURCE, *SMALL), make_clip("two.mp4", OTHER_SOURCE, *SMALL)
    second_name = Path(shutil.copyfile(one, tmp_path_factory.mktemp("names") / "second name.mp4"))
    assert [outcome.status for outcome in analyse(case, one, two)] == ["done", "done"]
    add_report(case)
    assert [outcome.status for outcome in analyse(case, second_name)] == ["skipped"]
    assert list(custody.read(case))[-1].event == "received"
    return case


@pytest.fixture
def case(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "case"))


def checked(case: Path) -> int:
    return verify(case, rerun=False, video=None, as_json=False, quiet=True)


def test_an_untouched_case_is_whole(case: Path) -> None:
    assert list(cases.problems(case)) == []
    assert checked(case) == EXIT_OK


def test_a_case_stays_whole_when_it_is_moved(case: Path, tmp_path: Path) -> None:
    assert checked(Path(shutil.move(case, tmp_path / "another place"))) == EXIT_OK


def test_the_check_changes_nothing(case: Path) -> None:
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in case.rglob("*") if path.is_file()}
    checked(case)
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in case.rglob("*") if path.is_file()} == before


@pytest.fixture(scope="module")
def playground(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in which each example of a property puts back what it changed."""
    return Path(shutil.copytree(original, tmp_path_factory.mktemp("playground") / "case"))


def files_of(case: Path) -> list[Path]:
    return sorted(path for path in case.rglob("*") if path.is_file())


MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@MANY
@given(data=st.data())
def test_any_changed_byte_is_found(playground: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(files_of(playground)))
    content = path.read_bytes()
    place = data.draw(st.integers(0, len(content) - 1))
    flip = data.draw(st.integers(1, 255))
    changed = bytearray(content)
    changed[place] ^= flip
    try:
        path.write_bytes(changed)
        assert checked(playground) == EXIT_INTEGRITY, (path, place, flip)
    finally:
        path.write_bytes(content)


@MANY
@given(data=st.data())
def test_any_file_that_is_shorter_or_longer_is_found(playground: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(files_of(playground)))
    content = path.read_bytes()
    cut = data.draw(st.integers(0, len(content) - 1))
    new = data.draw(st.sampled_from([content[:cut], content + b"\n", content + b" ", content + content]))
    try:
        path.write_bytes(new)
        assert checked(playground) == EXIT_INTEGRITY, (path, len(new))
    finally:
        path.write_bytes(content)


def test_every_removed_file_is_found(playground: Path) -> None:
    for path in files_of(playground):
        content = path.read_bytes()
        path.unlink()
        assert checked(playground) == EXIT_INTEGRITY, path
        path.write_bytes(content)
    assert checked(playground) == EXIT_OK


def test_a_file_added_in_any_folder_is_found(playground: Path) -> None:
    folders = [playground, *(path for path in playground.rglob("*") if path.is_dir())]
    assert len(folders) == 9
    for folder in folders:
        for name in ("new.txt", ".hidden", "manifest-sha256.txt.bak", ".partial-new"):
            (folder / name).write_bytes(b"")
            assert checked(playground) == EXIT_INTEGRITY, folder / name
            (folder / name).unlink()
    assert checked(playground) == EXIT_OK


def test_every_file_or_folder_replaced_by_a_link_to_an_identical_copy_is_found(playground: Path) -> None:
    aside = playground.parent / "aside"
    for path in sorted(playground.rglob("*")):
        path.rename(aside)
        path.symlink_to(aside)
        assert checked(playground) == EXIT_INTEGRITY, path
        path.unlink()
        aside.rename(path)
    assert checked(playground) == EXIT_OK


@pytest.mark.parametrize("count", range(1, 8))
def test_any_number_of_lines_removed_at_the_end_of_the_log_is_found(case: Path, count: int) -> None:
    log = case / custody.FILE
    lines = log.read_bytes().splitlines(keepends=True)
    assert len(lines) == 7
    log.write_bytes(b"".join(lines[:-count]))
    assert checked(case) == EXIT_INTEGRITY


def test_exchanged_packages_are_found(case: Path) -> None:
    one, two = cases.packages(case)
    one.rename(case / "aside")
    two.rename(one)
    (case / "aside").rename(two)
    found = list(cases.problems(case))
    assert len(found) == 2, found
    assert all("manifest-sha256.txt: was changed" in problem for problem in found)


def test_a_package_changed_together_with_its_manifest_is_found(case: Path) -> None:
    folder = cases.packages(case)[0]
    change(folder, rewrite_manifest=True)
    assert package.problems(folder) == []
    assert list(cases.problems(case)) == [f"{folder / package.MANIFEST}: was changed"]


def change(folder: Path, rewrite_manifest: bool) -> None:
    """Alter a number in the facts, and what it takes that the package alone looks whole."""
    facts = folder / package.ANALYSIS
    before = facts.read_text()
    facts.write_text(before.replace('"brief_tracks": ', '"brief_tracks": 7'))
    assert facts.read_text() != before
    if rewrite_manifest:
        names = "".join(
            f"{package.sha256_of(path).removeprefix('sha256:')}  {name}\n" for name, path in package.files(folder)
        )
        (folder / package.MANIFEST).write_text(names)


def forge(case: Path) -> str:
    """Alter a package, its manifest and the whole log with its head; returns the head as it was."""
    head = list(custody.read(case))[-1].hash
    folder = cases.packages(case)[0]
    change(folder, rewrite_manifest=True)
    events = [json.loads(line) for line in (case / custody.FILE).read_text().splitlines()]
    for event in events:
        if event["event"] == cases.ANALYSED and event["subject"] == folder.relative_to(case).as_posix():
            event["details"]["manifest_sha256"] = package.sha256_of(folder / package.MANIFEST)
    chain_again(case, events)
    return head


def test_a_consistent_forgery_is_seen_only_in_the_head_kept_elsewhere_or_by_a_rerun(case: Path) -> None:
    head = forge(case)
    assert checked(case) == EXIT_OK  # NOT noticed here; see test_rerun in tests/test_job.py
    assert head not in (case / custody.FILE).read_text()


def test_a_log_forged_without_the_expected_details_is_no_crash(case: Path) -> None:
    events = [{**json.loads(line), "details": {}} for line in (case / custody.FILE).read_text().splitlines()]
    chain_again(case, events)
    assert checked(case) == EXIT_INTEGRITY


def test_a_broken_log_does_not_accuse_the_packages(case: Path) -> None:
    log = case / custody.FILE
    log.write_bytes(log.read_bytes().replace(b'"seq": 1', b'"seq": 9', 1))
    (found,) = cases.problems(case)
    assert "the chain breaks at line 2" in found


def test_an_interrupted_analysis_is_named_with_what_to_do(case: Path) -> None:
    folder = cases.packages(case)[0]
    shutil.copytree(folder, folder.parent / f"{package.PARTIAL}x-1")
    (found,) = cases.problems(case)
    assert "the next roundel analyze removes what is left over" in found


def test_the_printed_head_is_the_last_hash_of_the_log(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checked(case)
    last = json.loads((case / custody.FILE).read_text().splitlines()[-1])
    assert f"Last entry of the log: {last['hash']}" in capsys.readouterr().out


@pytest.mark.parametrize("gone", [[custody.FILE], [custody.HEAD], [custody.FILE, custody.HEAD]])
def test_a_case_without_its_log_is_still_a_case_and_is_broken(case: Path, gone: list[str]) -> None:
    for name in gone:
        (case / name).unlink()
    assert checked(case) == EXIT_INTEGRITY
    before = tree_of(case)
    with pytest.raises(IntegrityError, match="restore"):
        cases.create(case, load(None, {"detector": {"score": 0.3}}))
    assert tree_of(case) == before


def test_an_empty_log_is_no_whole_case(tmp_path: Path) -> None:
    (tmp_path / custody.FILE).touch()
    assert checked(tmp_path) == EXIT_INTEGRITY


@pytest.mark.parametrize("make", [lambda p: p.write_text("x"), lambda p: (p.mkdir(), (p / "notes.txt").touch())])
def test_what_is_no_case_is_left_alone(make: Callable[[Path], object], tmp_path: Path) -> None:
    place = tmp_path / "place"
    make(place)
    before = tree_of(tmp_path)
    with pytest.raises(UsageError, match="exists and is no case; give a new or empty folder for the case"):
        cases.create(place, SETTINGS)
    with pytest.raises(UsageError, match="make one with: roundel analyze VIDEO --case"):
        cases.require(place)
    assert tree_of(tmp_path) == before


def test_an_empty_folder_becomes_a_case(tmp_path: Path) -> None:
    cases.create(tmp_path, SETTINGS)
    assert cases.is_case(tmp_path)
    assert load(tmp_path / cases.CONFIG).sha256 == SETTINGS.sha256
    assert checked(tmp_path) == EXIT_OK


def test_the_same_settings_are_noted_once_and_other_settings_again(tmp_path: Path) -> None:
    other = load(None, {"detector": {"score": 0.3}})
    for config in (SETTINGS, SETTINGS, other, other, SETTINGS):
        cases.create(tmp_path, config)
        assert checked(tmp_path) == EXIT_OK
    noted = [event.details["config_sha256"] for event in custody.read(tmp_path)]
    assert noted == [SETTINGS.sha256, other.sha256, SETTINGS.sha256]


def test_a_stop_between_log_and_settings_is_repaired_by_the_next_run(tmp_path: Path) -> None:
    cases.create(tmp_path, SETTINGS)
    (tmp_path / cases.CONFIG).unlink()
    assert checked(tmp_path) == EXIT_INTEGRITY
    cases.create(tmp_path, SETTINGS)
    assert checked(tmp_path) == EXIT_OK


def test_all_names_of_a_video_are_known(original: Path) -> None:
    assert sorted(map(sorted, cases.names(original).values())) == [["one.mp4", "second name.mp4"], ["two.mp4"]]
