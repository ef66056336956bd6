"""The custody log: what a change to it does, and what only a head that is kept elsewhere can show."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

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
