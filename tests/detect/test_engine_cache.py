"""An engine is built once for the same facts, and again when anything about it differs. A file stands in for it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import multiprocessing
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from roundel.detect.engine_cache import NOTE, cache_folder, kept_engine
from roundel.errors import WeightsError

FACTS = {"weights_sha256": "sha256:1", "precision": "fp16", "gpu": "NVIDIA One 9.0", "tensorrt": "10.13"}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "roundel" / "engines"


def load(facts: dict[str, str] | None = None, seconds: float = 0.0) -> tuple[bool, str]:
    """Load an engine, or build one whose bytes are never the same; whether it was there, and its hash."""
    with kept_engine("net-fp16", facts or FACTS) as kept:
        if not kept.was_there:
            assert not list(kept.folder.iterdir())
            time.sleep(seconds)
            (kept.folder / "part_0.engine").write_bytes(os.urandom(64))
    return kept.was_there, kept.sha256


def test_the_second_time_the_engine_is_there_with_the_same_hash(cache: Path) -> None:
    was_there, sha256 = load()
    assert not was_there
    assert sha256.startswith("sha256:")
    assert load() == (True, sha256)
    assert cache_folder() == cache
    assert [folder.name[:9] for folder in cache.iterdir() if folder.is_dir()] == ["net-fp16-"]


@pytest.mark.parametrize("key", FACTS)
def test_other_facts_make_another_engine_and_leave_the_first(key: str) -> None:
    first = load()[1]
    assert load({**FACTS, key: "another"}) != (True, first)
    assert load() == (True, first)


def test_an_altered_engine_is_not_loaded_but_built_again(cache: Path) -> None:
    first = load()[1]
    engine = next(cache.glob("*/*.engine"))
    *others, last = engine.read_bytes()
    engine.write_bytes(bytes([*others, last ^ 1]))
    was_there, second = load()
    assert not was_there
    assert second != first
    assert load() == (True, second)


def test_a_file_that_was_added_beside_an_engine_makes_it_build_again(cache: Path) -> None:
    load()
    (next(cache.glob("*/*.engine")).parent / "another.engine").write_bytes(b"x")
    assert not load()[0]


def test_what_an_interrupted_build_left_is_removed(cache: Path) -> None:
    with contextlib.suppress(KeyboardInterrupt), kept_engine("net-fp16", FACTS) as kept:
        (kept.folder / "half.engine").write_bytes(b"half")
        raise KeyboardInterrupt
    assert not load()[0]
    assert [path.name for path in cache.glob("*/*.engine")] == ["part_0.engine"]


@pytest.mark.parametrize("note", ["", "{", "[]", '{"facts": {}, "files": {}}', "[" * 100_000])
def test_a_damaged_note_makes_it_build_again(cache: Path, note: str) -> None:
    load()
    next(cache.glob(f"*/{NOTE}")).write_text(note)
    assert not load()[0]


def test_the_note_says_what_the_engine_was_built_for(cache: Path) -> None:
    sha256 = load()[1]
    note = json.loads(next(cache.glob(f"*/{NOTE}")).read_text())
    assert note == {"facts": FACTS, "files": {"part_0.engine": sha256}}


def test_an_engine_of_several_files_has_one_hash() -> None:
    with kept_engine("net", FACTS) as kept:
        for name in ("a", "b"):
            (kept.folder / f"{name}.engine").write_bytes(name.encode())
    with kept_engine("net", FACTS) as again:
        assert again.was_there
    assert kept.sha256 == again.sha256 != ""


def test_no_engine_at_all_is_an_error() -> None:
    with pytest.raises(WeightsError, match=r"built no engine.*doctor --gpu"), kept_engine("net", FACTS):
        pass


def test_a_cache_that_cannot_be_written_to_is_named_with_what_to_do(cache: Path) -> None:
    cache.parent.write_text("a file in the way")
    with pytest.raises(WeightsError, match=r"XDG_CACHE_HOME") as caught:
        load()
    assert "\n" not in str(caught.value)


def _load_into(queue: multiprocessing.Queue) -> None:
    queue.put(load(seconds=0.5))


def test_two_processes_that_want_the_same_engine_build_it_once() -> None:
    spawn = multiprocessing.get_context("spawn")
    queue = spawn.Queue()
    processes = [spawn.Process(target=_load_into, args=(queue,)) for _ in range(2)]
    for process in processes:
        process.start()
    answers = sorted(queue.get(timeout=60) for _ in processes)
    for process in processes:
        process.join()
    assert [was_there for was_there, _ in answers] == [False, True]
    assert answers[0][1] == answers[1][1]


def test_who_waits_for_an_engine_makes_nothing_meanwhile(cache: Path) -> None:
    """Else the one that builds finds a folder where it has just removed one."""
    load()
    [folder] = [path for path in cache.iterdir() if path.is_dir()]
    shutil.rmtree(folder)
    with ThreadPoolExecutor(1) as pool:
        with folder.with_name(f"{folder.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            waiting = pool.submit(load)
            with pytest.raises(TimeoutError):
                waiting.result(0.3)
            assert not folder.exists()
        assert not waiting.result(30)[0]
    assert folder.is_dir()
