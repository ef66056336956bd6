"""The custody log: what a change to it does, and what only a head that is kept elsewhere can show."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roundel import custody
from roundel.errors import IntegrityError


@pytest.fixture
def case(tmp_path: Path) -> Path:
    for number in range(5):
        custody.append(tmp_path, "received", f"video {number}", {"name": f"clip {number}.mp4"})
    return tmp_path


def lines(case: Path) -> list[bytes]:
    return (case / custody.FILE).read_bytes().splitlines(keepends=True)


def write(case: Path, new: list[bytes]) -> None:
    (case / custody.FILE).write_bytes(b"".join(new))


def chain_again(case: Path, events: list[dict[str, object]]) -> None:
    """What somebody can do who has read the source: a log that is consistent in itself, and its head."""
    (case / custody.FILE).unlink()
    (case / custody.HEAD).unlink()
    previous = custody.GENESIS
    new = []
    for number, event in enumerate(events):
        body = {**event, "seq": number, "previous": previous}
        body.pop("hash", None)
        body = {key: body[key] for key in ("seq", "at", "who", "event", "subject", "details", "previous")}
        previous = custody._hash(body)
        new.append(custody._line(body, previous))
    write(case, new)
    (case / custody.HEAD).write_bytes(custody._head(len(new) - 1, previous))


def test_events_are_read_as_they_were_written(case: Path) -> None:
    events = list(custody.read(case))
    assert [event.seq for event in events] == [0, 1, 2, 3, 4]
    assert [event.details["name"] for event in events] == [f"clip {number}.mp4" for number in range(5)]
    assert events[0].previous == custody.GENESIS
    assert all(event.at.endswith("+00:00") for event in events)


def test_a_missing_log_is_an_integrity_failure(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="missing"):
        list(custody.read(tmp_path))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_lines_removed_at_the_end_are_noticed(case: Path, count: int) -> None:
    write(case, lines(case)[:-count])
    with pytest.raises(IntegrityError, match="the end of the log was removed"):
        list(custody.read(case))


@pytest.mark.parametrize("index", range(5))
def test_a_removed_line_is_noticed(case: Path, index: int) -> None:
    write(case, [line for number, line in enumerate(lines(case)) if number != index])
    with pytest.raises(IntegrityError):
        list(custody.read(case))


def test_exchanged_lines_are_noticed(case: Path) -> None:
    one, two, three, *rest = lines(case)
    write(case, [one, three, two, *rest])
    with pytest.raises(IntegrityError, match="line 2"):
        list(custody.read(case))


def test_a_line_with_a_new_hash_of_its_own_breaks_the_chain_at_the_next(case: Path) -> None:
    all_lines = lines(case)
    body = json.loads(all_lines[2])
    del body["hash"]
    body["who"] = "somebody else"
    all_lines[2] = custody._line(body, custody._hash(body))
    write(case, all_lines)
    with pytest.raises(IntegrityError, match="breaks at line 4"):
        list(custody.read(case))


def test_the_last_line_with_a_new_hash_of_its_own_does_not_agree_with_the_head(case: Path) -> None:
    all_lines = lines(case)
    body = json.loads(all_lines[-1])
    del body["hash"]
    body["who"] = "somebody else"
    all_lines[-1] = custody._line(body, custody._hash(body))
    write(case, all_lines)
    with pytest.raises(IntegrityError, match=r"custody\.head"):
        list(custody.read(case))


def test_a_consistent_rewriting_of_everything_is_seen_only_in_the_head_kept_elsewhere(case: Path) -> None:
    kept_elsewhere = list(custody.read(case))[-1].hash
    events = [json.loads(line) for line in lines(case)]
    events[1]["who"] = "somebody else"
    chain_again(case, events)
    rewritten = list(custody.read(case))  # NOT noticed by the log itself: nobody can, without a secret or a witness
    assert rewritten[1].who == "somebody else"
    assert kept_elsewhere not in {event.hash for event in rewritten}


def test_cutting_both_the_log_and_its_head_is_seen_only_in_the_head_kept_elsewhere(case: Path) -> None:
    kept_elsewhere = list(custody.read(case))[-1].hash
    chain_again(case, [json.loads(line) for line in lines(case)][:-1])
    assert kept_elsewhere not in {event.hash for event in custody.read(case)}


def test_a_head_kept_elsewhere_stays_in_the_log_when_events_follow(case: Path) -> None:
    kept_elsewhere = list(custody.read(case))[-1].hash
    custody.append(case, "reported", "x")
    assert kept_elsewhere in {event.hash for event in custody.read(case)}


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.replace(b"\n", b"\r", 1),
        lambda raw: raw.replace(b"\n", b"\r\n", 1),
        lambda raw: raw.replace(b"\n", b"\n\n", 1),
        lambda raw: raw + b"\n",
        lambda raw: raw[:-1],
        lambda raw: raw.replace(b": ", b":", 1),
        lambda raw: raw.replace(b'{"seq": 0', b'{"seq": 0, "seq": 0', 1),
        lambda raw: raw.replace(b'"seq": 1', b'"seq": 1.0', 1),
        lambda raw: raw.replace(b"clip", b"\\u0063lip", 1),
        lambda raw: b"\xef\xbb\xbf" + raw,
        lambda raw: b"[" * 100_000 + raw,
        lambda _: b"",
        lambda _: b"null\n",
        lambda _: b'{"seq": 0}\n',
    ],
)
def test_another_spelling_of_the_same_log_is_noticed(case: Path, change: Callable[[bytes], bytes]) -> None:
    path = case / custody.FILE
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(IntegrityError):
        list(custody.read(case))


def test_events_of_a_wrong_shape_are_noticed_even_when_they_are_chained(case: Path) -> None:
    events = [json.loads(line) for line in lines(case)]
    events[2]["details"] = None
    chain_again(case, events)
    with pytest.raises(IntegrityError, match="line 3"):
        list(custody.read(case))


@pytest.mark.parametrize("harm", [lambda raw: raw[:-1], lambda raw: raw[:-9], lambda raw: raw + b"x\n"])
def test_nothing_is_chained_to_a_damaged_end(case: Path, harm: Callable[[bytes], bytes]) -> None:
    path = case / custody.FILE
    damaged = harm(path.read_bytes())
    path.write_bytes(damaged)
    with pytest.raises(IntegrityError, match="restore the log from a copy"):
        custody.append(case, "received", "x")
    assert path.read_bytes() == damaged


def test_nothing_is_chained_to_a_log_that_was_cut_short(case: Path) -> None:
    write(case, lines(case)[:-1])
    with pytest.raises(IntegrityError, match="end of the log"):
        custody.append(case, "received", "x")


@pytest.mark.parametrize("start_again", [False, True])
def test_a_stop_between_log_and_head_is_no_failure(case: Path, start_again: bool) -> None:
    before = (case / custody.HEAD).read_bytes()
    custody.append(case, "received", "x")
    (case / custody.HEAD).write_bytes(before)
    assert len(list(custody.read(case))) == 6
    if start_again:
        custody.append(case, "received", "y")
        assert len(list(custody.read(case))) == 7


def test_a_full_disk_leaves_the_log_as_it_was(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (case / custody.FILE).read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            custody.append(case, "received", "x")
    assert (case / custody.FILE).read_bytes() == before
    custody.append(case, "received", "y")
    assert len(list(custody.read(case))) == 6


def test_a_long_line_is_found_again(case: Path) -> None:
    custody.append(case, "noted", "x", {"text": "ä" * 3 * custody.TAIL_BYTES})
    custody.append(case, "noted", "y")
    assert [event.subject for event in custody.read(case)][-2:] == ["x", "y"]


@given(
    text=st.text(st.characters(exclude_categories=[]), max_size=20),
    name=st.binary(max_size=8).map(os.fsdecode),
)
def test_any_text_and_any_file_name_survives(tmp_path_factory: pytest.TempPathFactory, text: str, name: str) -> None:
    case = tmp_path_factory.mktemp("log")
    custody.append(case, text, name, {"name": name, text: [text, 1, None]})
    custody.append(case, "second", "line")
    first, _ = custody.read(case)
    assert (first.event, first.subject, first.details["name"]) == (
        text,
        name,
        name if text != "name" else first.details["name"],
    )
    (case / custody.FILE).read_bytes().decode("utf-8")  # valid UTF-8 for every other reader


def test_who_acts_is_stated(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUNDEL_ACTOR", "A. Investigator")
    assert custody.append(case, "reviewed", "x").who == "A. Investigator"
    monkeypatch.delenv("ROUNDEL_ACTOR")
    monkeypatch.setattr(custody.getpass, "getuser", lambda: (_ for _ in ()).throw(KeyError("uid")))
    assert custody.append(case, "reviewed", "x").who == f"uid {os.getuid()}"


def test_two_processes_that_append_at_the_same_time_keep_the_chain(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from roundel import custody\n"
        "for n in range(200):\n"
        "    custody.append(Path(sys.argv[1]), 'received', f'{sys.argv[2]}-{n}')\n"
        "    if n % 50 == 0: list(custody.read(Path(sys.argv[1])))\n"
    )
    children = [subprocess.Popen([sys.executable, "-c", program, tmp_path, name]) for name in "ab"]
    assert [child.wait(60) for child in children] == [0, 0]
    subjects = [event.subject for event in custody.read(tmp_path)]
    assert len(subjects) == 400
    for name in "ab":
        assert [s for s in subjects if s.startswith(name)] == [f"{name}-{number}" for number in range(200)]


# Groups


def some(count: int) -> list[custody.Entry]:
    return [("noted", f"subject {number}", {"number": number}) for number in range(count)]


def subjects(case: Path) -> list[str]:
    return [event.subject for event in custody.read(case)]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7, 9])
@pytest.mark.parametrize("before", [0, 1, 5])
def test_any_number_of_events_is_added_in_groups(
    count: int, before: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(custody, "GROUP", 3)
    for number in range(before):
        custody.append(tmp_path, "received", f"before {number}")
    added = custody.extend(tmp_path, some(count))
    assert [event.seq for event in added] == list(range(before, before + count))
    assert subjects(tmp_path) == [f"before {number}" for number in range(before)] + [s for _, s, _ in some(count)]
    assert custody.append(tmp_path, "last", "x").seq == before + count
    assert {path.name for path in tmp_path.iterdir()} == {custody.FILE, custody.HEAD}


def test_a_large_number_of_events_costs_few_flushes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed = 0
    real = os.fsync

    def count(descriptor: int) -> None:
        nonlocal flushed
        flushed += 1
        real(descriptor)

    monkeypatch.setattr(os, "fsync", count)
    custody.extend(tmp_path, some(5 * custody.GROUP))
    assert flushed <= 5 * 5
    assert len(subjects(tmp_path)) == 5 * custody.GROUP


@pytest.mark.parametrize("fails_at", range(12))
def test_an_error_leaves_all_or_none_of_a_group(fails_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk at any flush."""
    monkeypatch.setattr(custody, "GROUP", 3)
    custody.extend(tmp_path, some(2))
    flushes, real = itertools.count(), os.fsync

    def full(descriptor: int) -> None:
        if next(flushes) == fails_at:
            raise OSError(28, "No space left on device")
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with contextlib.suppress(OSError):
            custody.extend(tmp_path, [("noted", f"group {number}", {}) for number in range(7)])
    found = subjects(tmp_path)
    assert found[:2] == [subject for _, subject, _ in some(2)]
    assert found[2:] == [f"group {number}" for number in range(len(found) - 2)]
    assert len(found) - 2 in {0, 3, 6, 7}
    custody.append(tmp_path, "last", "x")
    assert subjects(tmp_path) == [*found, "x"]


State = tuple[bytes | None, bytes | None, bytes | None]
"""Log, head, and a new head that was not yet renamed, as a stopped machine leaves them."""


def state_of(case: Path) -> State:
    def content(name: str) -> bytes | None:
        return (case / name).read_bytes() if (case / name).exists() else None

    return content(custody.FILE), content(custody.HEAD), None


def restore(case: Path, state: State) -> None:
    shutil.rmtree(case, ignore_errors=True)
    case.mkdir()
    names = (custody.FILE, custody.HEAD, f".{custody.HEAD}.partial-somewhere-1-1")
    for name, content in zip(names, state, strict=True):
        if content is not None:
            (case / name).write_bytes(content)


def interrupted(case: Path, entries: list[custody.Entry], patch: pytest.MonkeyPatch) -> list[State]:
    """All states in which a machine may stop while events are added; bytes of the log may be there in part."""
    found = [state_of(case)]
    write, replace, head = custody._write, custody.replace_text, custody._write_head

    def torn_write(stream: IO[bytes], new: bytes) -> None:
        log, stated, _ = state_of(case)
        ends = [number + 1 for number, byte in enumerate(new) if byte == 10]
        cuts = sorted({0, 1, *ends, *(end - 1 for end in ends), *(end - 30 for end in ends), len(new) // 2})
        found.extend(((log or b"") + new[:cut], stated, None) for cut in cuts)
        write(stream, new)

    def torn_replace(path: Path, text: str) -> None:
        cuts = {0, len(text) // 2, len(text)}
        found.extend((*state_of(case)[:2], text.encode()[:cut]) for cut in cuts)
        replace(path, text)
        found.append(state_of(case))

    def whole_head(folder: Path, new: bytes) -> None:
        head(folder, new)
        found.append(state_of(case))

    with patch.context() as patched:
        patched.setattr(custody, "_write", torn_write)
        patched.setattr(custody, "replace_text", torn_replace)
        patched.setattr(custody, "_write_head", whole_head)
        custody.extend(case, entries)
    return list(dict.fromkeys([*found, state_of(case)]))


def honest(case: Path, before: list[str], new: list[str]) -> list[str]:
    """What the log holds after a stop: all from before, and of the new lines those up to some point."""
    try:
        found = subjects(case)
    except IntegrityError as error:
        assert "ends in an unfinished line" in str(error)  # noqa: PT017
        custody.extend(case, [])
        found = subjects(case)
        assert found[-1] == custody.FILE
        assert list(custody.read(case))[-1].event == custody.REPAIRED
        found = found[:-1]
    if not before and not (case / custody.FILE).exists():
        return []
    assert found == [*before, *new[: len(found) - len(before)]]
    return found


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("before", [0, 1, 4])
def test_a_machine_that_stops_at_any_point_twice_leaves_a_log_that_goes_on(
    before: int, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(custody, "GROUP", 3)
    monkeypatch.setattr(os, "fsync", lambda _: None)
    case = tmp_path / "case"
    case.mkdir()
    custody.extend(case, [("received", f"before {number}", {}) for number in range(before)])
    if not before:
        restore(case, (None, None, None))
    old = [f"before {number}" for number in range(before)]
    new = [subject for _, subject, _ in some(count)]
    for state in interrupted(case, some(count), monkeypatch):
        restore(case, state)
        if state[0] is not None:
            honest(case, old, new)
        for again in (1, 4):
            restore(case, state)
            for second in interrupted(case, [("again", f"again {number}", {}) for number in range(again)], monkeypatch):
                restore(case, second)
                custody.append(case, "last", "x")
                found = subjects(case)
                assert found[: len(old)] == old
                assert found[-1] == "x"
                assert {path.name for path in case.iterdir()} == {custody.FILE, custody.HEAD}


def test_a_torn_last_line_is_removed_and_that_is_noted(case: Path) -> None:
    path = case / custody.FILE
    with path.open("ab") as stream:
        stream.write(b'{"seq": 5, "at": "20')
    with pytest.raises(
        IntegrityError, match=r"ends in an unfinished line.*the next\s+roundel analyze or roundel batch"
    ):
        list(custody.read(case))
    first, second = custody.extend(case, [("noted", "x", {})])[:2]
    assert (first.event, first.subject, first.details) == (custody.REPAIRED, custody.FILE, {"removed_bytes": 20})
    assert second.subject == "x"
    assert len(subjects(case)) == 7


def announced(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop after all lines of a group of four were written and before the head was."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(custody, "_write_head", stop)
        with pytest.raises(KeyboardInterrupt):
            custody.extend(case, some(4))
    assert (case / custody.HEAD).read_bytes().endswith(b"\n+4\n")
    assert len(subjects(case)) == 9


def test_during_an_announcement_any_changed_byte_is_noticed(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    announced(case, monkeypatch)
    raw = (case / custody.FILE).read_bytes()
    for place in range(0, len(raw), 7):
        changed = bytearray(raw)
        changed[place] ^= 1
        (case / custody.FILE).write_bytes(changed)
        with pytest.raises(IntegrityError):
            list(custody.read(case))


def test_during_an_announcement_lines_from_before_it_cannot_be_removed(
    case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    announced(case, monkeypatch)
    written = lines(case)
    for kept in range(len(written)):
        write(case, written[:kept])
        if kept >= 5:  # lines that nobody was told of yet
            assert len(subjects(case)) == kept
            continue
        with pytest.raises(IntegrityError, match="the end of the log was removed"):
            list(custody.read(case))
        with pytest.raises(IntegrityError):
            custody.append(case, "noted", "x")


@pytest.mark.parametrize(
    "announcement", [b"+3\n", b"+0\n", b"+4", b"4\n", b"+4\n\n", b"+-4\n", b"+4444\n", b"+4\nx", b""]
)
def test_another_announcement_than_the_one_that_was_made_is_noticed(
    announcement: bytes, case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    announced(case, monkeypatch)
    head = case / custody.HEAD
    head.write_bytes(head.read_bytes().removesuffix(b"+4\n") + announcement)
    with pytest.raises(IntegrityError, match=r"custody\.head"):
        list(custody.read(case))


def test_an_announcement_hides_no_more_than_a_group(case: Path) -> None:
    custody.extend(case, some(custody.GROUP + 1))
    events = list(custody.read(case))
    head = case / custody.HEAD
    for hidden, is_noticed in ((custody.GROUP, False), (custody.GROUP + 1, True)):
        event = events[-1 - hidden]
        head.write_bytes(custody._head(event.seq, event.hash) + b"+999\n")
        with pytest.raises(IntegrityError) if is_noticed else contextlib.nullcontext():
            list(custody.read(case))


def test_a_missing_head_is_noticed(case: Path) -> None:
    (case / custody.HEAD).unlink()
    with pytest.raises(IntegrityError, match=r"custody\.head"):
        list(custody.read(case))
    (case / custody.HEAD).touch()
    with pytest.raises(IntegrityError, match=r"custody\.head"):
        list(custody.read(case))


def test_others_may_read_while_groups_are_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(custody, "GROUP", 5)
    custody.append(tmp_path, "first", "x")
    over, errors, seen = threading.Event(), [], [0]

    def look() -> None:
        while not over.is_set():
            try:
                seen.append(len(subjects(tmp_path)))
            except Exception as error:
                errors.append(error)

    readers = [threading.Thread(target=look) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(20):
            custody.extend(tmp_path, some(12))
    finally:
        over.set()
        for reader in readers:
            reader.join()
    assert errors == []
    assert {(number - 1) % 12 % 5 for number in seen[1:]} <= {0, 2}, "a reader sees whole groups"
