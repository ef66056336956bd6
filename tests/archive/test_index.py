"""The index of a case's fingerprints: as exact as comparing everything, renewed bit by bit, whole after any crash."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roundel import package
from roundel.archive import index as indexing
from roundel.archive import keeper, segment, state
from roundel.archive.index import FOLDER, renew
from roundel.archive.search import CaseIndex, open_index, said_of, search_cases
from roundel.errors import IntegrityError, UsageError
from roundel.fingerprint.storage import FINGERPRINTS
from small_archive import answer, compared, filled, footage, keyframes, put


@pytest.fixture
def case(tmp_path: Path) -> Path:
    (tmp_path / "case" / "videos").mkdir(parents=True)
    return tmp_path / "case"


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    radius=st.integers(0, 130),
    videos=st.integers(0, 6),
    limit=st.sampled_from([1, 20, 10**6]),
)
def test_finds_what_comparing_everything_finds(
    tmp_path_factory: pytest.TempPathFactory, seed: int, radius: int, videos: int, limit: int
) -> None:
    case = tmp_path_factory.mktemp("case")
    query, references = filled(case, videos, seed)
    renew(case, segment_rows=limit)
    assert answer(open_index(case).search(query, radius)) == compared(query, references, radius)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), radius=st.integers(0, 90))
def test_words_find_the_videos_that_they_must(tmp_path_factory: pytest.TempPathFactory, seed: int, radius: int) -> None:
    case = tmp_path_factory.mktemp("case")
    query, references = filled(case, 5, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segment, "WORDS_ROWS", 0)
        renew(case, segment_rows=20)
        found = answer(open_index(case).search(query, radius, "words"))
    everything = compared(query, references, radius)
    for name, hits in found.items():
        assert hits == everything[name]
    nearest = {name: min(row[4] for row in hits) for name, hits in everything.items()}
    assert {name for name, distance in nearest.items() if distance <= 15} <= found.keys()


def test_one_by_one_is_the_same_as_all_at_once(case: Path, tmp_path: Path) -> None:
    query, references = filled(case, 9)
    slow = tmp_path / "slow"
    index = open_index(slow)
    for reference in references:
        shutil.copytree(case / reference.name, slow / reference.name)
        assert index.refresh().added == (reference.name,)
    assert open_index(case).refresh().added == tuple(sorted(item.name for item in references))
    assert index.packages() == open_index(case).packages()
    assert answer(index.search(query)) == answer(open_index(case).search(query)) == compared(query, references, 64)
    assert len(list((slow / FOLDER).glob("[0-9]*"))) <= 4, "small segments are merged"


def test_only_new_packages_are_read(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(case, 3)
    renew(case)
    new = put(case, "f" * 16, keyframes(np.random.default_rng(5), 2))
    asked: list[Path] = []
    monkeypatch.setattr(
        indexing, "read_keyframes", lambda path, read=indexing.read_keyframes: (asked.append(path), read(path))[1]
    )
    assert renew(case).added == (new,)
    assert asked == [case / new]
    assert renew(case) == indexing.Renewal()


def test_removed_and_changed_packages_disappear(case: Path) -> None:
    query, references = filled(case, 6)
    index = open_index(case)
    index.refresh()
    shutil.rmtree(case / references[2].name)
    (case / references[4].name / package.MANIFEST).write_text("another\n")
    said = index.refresh()
    assert set(said.removed) == {references[2].name, references[4].name}
    assert said.added == (references[4].name,)
    assert answer(index.search(query)) == compared(query, references[:2] + references[3:], 64)
    for reference in references:
        shutil.rmtree(case / reference.name, ignore_errors=True)
    index.refresh()
    assert index.packages() == ()
    assert answer(index.search(query)) == {}
    assert not list((case / FOLDER).glob("[0-9]*"))


def test_packages_without_or_with_broken_fingerprints_are_said(case: Path) -> None:
    query, references = filled(case, 3)
    (case / references[0].name / FINGERPRINTS).unlink()
    (case / references[1].name / FINGERPRINTS).write_bytes(b"torn")
    said = open_index(case).refresh()
    assert said.without_fingerprints == (references[0].name,)
    assert len(said.problems) == 1
    assert references[1].name in said.problems[0]
    assert said.added == (references[2].name,)
    assert answer(open_index(case).search(query)) == compared(query, references[2:], 64)


def test_an_empty_or_plain_video_is_known_but_never_found(case: Path) -> None:
    rng = np.random.default_rng(3)
    places = [put(case, "a", ()), put(case, "b", keyframes(rng, 3, quality=2))]
    index = open_index(case)
    assert index.packages() == ()
    assert answer(index.search(footage("q", keyframes(rng, 2)))) == {}
    index.refresh()
    assert index.packages() == tuple(sorted(places))
    assert answer(index.search(footage("q", keyframes(rng, 2)), 256)) == {}
    assert answer(index.search(footage("q", ()))) == {}
    assert index.refresh() == indexing.Renewal()


class PowerCutError(Exception):
    pass


STEPS: tuple[tuple[object, str], ...] = (
    (keeper, "write"),
    (keeper, "flush"),
    (keeper, "write_parts"),
    (state, "replace_text"),
    (shutil, "rmtree"),
    (Path, "rename"),
    (Path, "mkdir"),
)


def cut(monkeypatch: pytest.MonkeyPatch, where: object, name: str, at: int, done: bool) -> None:
    """The power fails in the ``at``-th call of a step, before or after it was done."""
    original: Callable[..., object] = getattr(where, name)
    calls = 0

    def step(*args: object, **named: object) -> object:
        nonlocal calls
        calls += 1
        if calls < at:
            return original(*args, **named)
        if calls == at and done:
            original(*args, **named)
        raise PowerCutError

    monkeypatch.setattr(where, name, step)


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize(("where", "name"), STEPS)
def test_a_crash_at_any_step_loses_nothing(case: Path, where: object, name: str, done: bool) -> None:
    query, references = filled(case, 4)
    renew(case)
    gone = references[3]
    shutil.rmtree(case / gone.name)
    late = keyframes(np.random.default_rng(9), 60, [references[0].keyframes[0].fingerprints[0].bits])
    references[3] = footage(put(case, "e" * 16, late), late)
    allowed, whole = {item.name for item in references} | {gone.name}, compared(query, [*references, gone], 64)
    crashes = 0
    for at in range(1, 40):
        with pytest.MonkeyPatch.context() as patch:
            cut(patch, where, name, at, done)
            try:
                renew(case)
            except PowerCutError:
                crashes += 1
            else:
                break
        assert set(CaseIndex(case).packages()) <= allowed
        found = answer(open_index(case).search(query))
        assert all(hits == whole[name] for name, hits in found.items())
    assert crashes
    said = renew(case)
    assert said.rebuilt is None
    assert answer(open_index(case).search(query)) == compared(query, references, 64)
    assert not list((case / FOLDER).glob(".partial-*"))
    assert {path.name for path in (case / FOLDER).glob("[0-9]*")} == {
        part.name for part in state.read_parts(case / FOLDER)
    }


@pytest.mark.parametrize("change", ["merge", "removal", "check"])
def test_a_changed_byte_is_noticed_when_the_segment_is_read(case: Path, change: str) -> None:
    query, references = filled(case, 4)
    renew(case)
    hashes = next((case / FOLDER).glob("[0-9]*/hashes.npy"))
    data = bytearray(hashes.read_bytes())
    data[-1] ^= 1
    hashes.write_bytes(data)
    if change == "removal":
        shutil.rmtree(case / references.pop().name)
    elif change == "merge":
        made = keyframes(np.random.default_rng(7), 30)
        references.append(footage(put(case, "d" * 16, made), made))
    said = renew(case, thorough=change == "check")
    assert said.rebuilt == f"{hashes}: was changed"
    assert answer(open_index(case).search(query)) == compared(query, references, 64)


@pytest.mark.parametrize("damage", ["cut", "removed", "state", "no state", "header"])
def test_a_damaged_index_is_said_and_made_again(case: Path, damage: str) -> None:
    query, references = filled(case, 4)
    index = open_index(case)
    index.refresh()
    folder = case / FOLDER
    hashes = next(folder.glob("[0-9]*/hashes.npy"))
    if damage == "cut":
        hashes.write_bytes(hashes.read_bytes()[:-1])
    elif damage == "removed":
        hashes.unlink()
    elif damage == "state":
        (folder / state.STATE).write_text("{", encoding="utf-8")
    elif damage == "no state":
        (folder / state.STATE).unlink()
    else:
        hashes.write_bytes(bytes(len(hashes.read_bytes())))
    with pytest.raises(IntegrityError, match=f"{FOLDER}/.*refresh the index"):
        list(index.search(query))
    said = index.refresh()
    assert said.rebuilt is not None
    assert FOLDER in said.rebuilt
    assert answer(index.search(query)) == compared(query, references, 64)


def test_one_writer_at_a_time(case: Path) -> None:
    filled(case, 1)
    with state.writing(case / FOLDER), pytest.raises(UsageError, match="another run renews this index"):
        renew(case)


def test_a_search_survives_a_renewal_beside_it(case: Path) -> None:
    query, references = filled(case, 4)
    renew(case)
    index = open_index(case)
    opened = index.opened()
    (case / references[0].name / package.MANIFEST).write_text("another\n")
    renew(case)
    assert sum(len(part.entries) for part in opened) == 4
    assert all(len(part.scan(np.zeros((1, 32), np.uint8), 256).row) == part.starts[-1] for part in opened)
    assert answer(index.search(query)) == compared(query, references, 64)


def test_several_cases_are_searched_together(tmp_path: Path) -> None:
    expected = []
    for name, seed in (("one", 1), ("two", 2), ("none", 3)):
        (tmp_path / name / "videos").mkdir(parents=True)
        _, references = filled(tmp_path / name, 0 if name == "none" else 3, seed)
        renew(tmp_path / name)
        expected.append((tmp_path / name, references))
    query = expected[0][1][0]
    found = list(search_cases([case for case, _ in expected], query, 130))
    for case, references in expected:
        assert answer((name, hits) for where, name, hits in found if where == case) == compared(query, references, 130)
    assert {where.name for where, _, _ in found} == {"one", "two"}


def test_the_answer_says_how_it_was_found() -> None:
    assert said_of("exact", 64) == "all hashes compared: every pair at most 64 bits apart is found"
    assert "may be missed" in said_of("words", 64)
