"""Fingerprints of other programs: vPDQ and auto-archiver."""

from __future__ import annotations

import contextlib
import csv
import datetime
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roundel.claims.files.problems import FileProblemsError
from roundel.errors import RoundelError, UsageError
from roundel.exchange import auto_archiver
from roundel.exchange.auto_archiver import read_auto_archiver
from roundel.exchange.model import Contribution
from roundel.exchange.python_text import MOST_DEPTH, parse
from roundel.exchange.source import Source
from roundel.exchange.store import read
from roundel.exchange.vpdq import read_vpdq
from small_exchange import archived, balanced, json_of

RNG = np.random.default_rng(3)
HASHES = [balanced(RNG) for _ in range(3)]
VPDQ = "".join(f"{30 * n},{100 - n},{value},{n}.001\n" for n, value in enumerate(HASHES))
SHORT = "000" + bytes.fromhex(balanced(np.random.default_rng(9))).hex()[3:]


def given_(data: bytes, name: str = "given") -> Source:
    return Source(Path(name), data, "sha256:" + "0" * 64)


def table(*rows: dict[str, object]) -> bytes:
    """The table that csv_db writes: cells as Python prints them."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, ["status", "metadata", "media"])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def test_a_vpdq_file_is_one_video_with_its_name() -> None:
    found = read(given_(VPDQ.encode()), "old clip.txt")
    assert (found.format, len(found.videos), found.public_key, found.contributor) == ("vpdq", 1, None, None)
    video = found.videos[0]
    assert (video.name, video.sha256) == ("old clip.txt", None)
    assert video.seconds.tolist() == [0.001, 1.001, 2.001]
    assert video.quality.tolist() == [100, 99, 98]
    assert [row.tobytes().hex() for row in video.hashes] == HASHES
    assert not video.padded.any()


@pytest.mark.parametrize("text", [VPDQ.replace("\n", "\r\n"), "\ufeff" + VPDQ, VPDQ.upper(), VPDQ + "\n\n"])
def test_vpdq_files_are_read_as_editors_save_them(text: str) -> None:
    assert [row.tobytes().hex() for row in read(given_(text.encode()), "x").videos[0].hashes] == HASHES


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f"1,100,{HASHES[0][:62]},1.0", "has 62 characters"),
        (f"1,100,{HASHES[0]}", "3 values stand here instead of 4"),
        (f"1,101,{HASHES[0]},1.0", "from 0 to 100"),
        (f"-1,100,{HASHES[0]},1.0", "has to be a number"),
        (f"1,100,{HASHES[0]},-1", "in seconds"),
        (f"1,100,{HASHES[0]},nan", "in seconds"),
        (f"1,100,{HASHES[0]},1e999", "in seconds"),
        (f"1,100,{'g' * 64},1", "hexadecimal"),
        ("\x1b[31m", "1 values"),
    ],
)
def test_what_cannot_be_of_vpdq_is_named_with_its_line(line: str, said: str) -> None:
    with pytest.raises(FileProblemsError) as caught:
        read_vpdq(given_(f"{VPDQ}{line}\n".encode(), "x.txt"), "x.txt")
    assert [problem.place.line for problem in caught.value.problems] == [4]
    assert said in str(caught.value)
    assert "vPDQ" in str(caught.value)


def test_an_empty_vpdq_file_is_refused() -> None:
    with pytest.raises(FileProblemsError, match="no hash in the file"):
        read_vpdq(given_(b"\n \n"), "x")


def test_old_versions_of_vpdq_round_times() -> None:
    video = read_vpdq(given_(f"30000,100,{HASHES[0]},1.02e+03\n".encode()), "x").videos[0]
    assert video.seconds.tolist() == [1020.0]


def test_the_metadata_of_auto_archiver_has_a_video_for_each_medium_with_hashes() -> None:
    found = read(given_(json_of(archived(SHORT.lstrip("0")))), "x")
    assert (found.format, len(found.videos), found.hashes, found.padded) == ("auto-archiver", 2, 3, 1)
    film, picture = found.videos
    assert (film.name, film.sha256) == ("a.mp4", "sha256:" + "ab" * 32)
    assert film.seconds.tolist() == [1.0, 2.0]
    assert film.hashes[0].tobytes().hex() == SHORT
    assert film.padded.tolist() == [True, False]
    assert film.quality.tolist() == [-1, -1]
    assert film.useful.all()
    assert (picture.name, np.isnan(picture.seconds).tolist()) == ("b.jpg", [True])


def test_the_table_of_auto_archiver_says_the_same_as_its_metadata() -> None:
    post = archived(SHORT.lstrip("0"))
    post["metadata"] = {"_processed_at": datetime.datetime.now(datetime.UTC), "title": 'it\'s "quoted"\n'}
    found = read(given_(table(post, archived(video="c.mp4"))), "x")
    assert [video.name for video in found.videos] == ["a.mp4", "b.jpg", "c.mp4", "b.jpg"]
    assert found.videos[0].hashes[0].tobytes().hex() == SHORT
    assert found.padded == 1


def test_a_sheet_has_hashes_without_times() -> None:
    cells = f'link,perceptual hashes\nhttps://example.org,"{HASHES[0]},{SHORT.lstrip("0")}"\nhttps://example.org/b,\n'
    found = read(given_(cells.encode()), "x")
    assert (len(found.videos), found.hashes, found.padded) == (1, 2, 1)
    assert np.isnan(found.videos[0].seconds).all()
    assert found.videos[0].hashes[1].tobytes().hex() == SHORT


@pytest.mark.parametrize("value", ["", "0x12", "1.2E+60", "a" * 65, "f" * 64, HASHES[0] + "\u202e", "１２"])
def test_what_cannot_be_a_hash_is_named_with_its_line(value: str) -> None:
    cells = f'perceptual hashes\n"{HASHES[0]}"\n"{value}, "\n'
    if not value:
        assert read(given_(cells.encode()), "x").hashes == 1
        return
    with pytest.raises(FileProblemsError) as caught:
        read_auto_archiver(given_(cells.encode(), "x.csv"))
    assert str(caught.value).startswith("x.csv:3:1: ")
    assert "no PDQ hash" in str(caught.value)


def test_a_wrong_hash_in_json_is_named_with_its_line() -> None:
    data = json_of(archived("nonsense")).replace(b'"pdq_hash": "nonsense"', b'\n\n"pdq_hash": "nonsense"')
    with pytest.raises(FileProblemsError) as caught:
        read_auto_archiver(given_(data, "x.json"))
    assert str(caught.value).startswith("x.json:3:1: 'nonsense' is no PDQ hash")


def test_a_black_picture_is_kept_and_never_compared() -> None:
    video = read(given_(json_of(archived("0"))), "x").videos[0]
    assert video.padded.tolist() == [True, False]
    assert video.useful.tolist() == [False, True]


def test_a_hash_that_was_cut_at_its_end_is_never_compared() -> None:
    video = read(given_(json_of(archived(HASHES[0][:50]))), "x").videos[0]
    assert video.useful.tolist() == [False, True]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"[" * 200_000,
        b'{"media": 1',
        b"a,b\n1,2\n",
        b"media\n\n",
        b"\x00\xff",
        b'media\n"x',
        b"\x1f\x8b",
    ],
)
def test_what_is_no_file_of_auto_archiver_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError, match="given"):
        read_auto_archiver(given_(data))


def test_a_large_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auto_archiver, "MOST_BYTES", 100)
    with pytest.raises(UsageError, match="larger than"):
        read_auto_archiver(given_(json_of(archived())))


def test_what_is_none_of_these_is_refused() -> None:
    with pytest.raises(UsageError, match="no file of fingerprints that is known"):
        read(given_(b"hello\n"), "x")


@given(
    st.recursive(
        st.none() | st.booleans() | st.text() | st.binary(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
        max_leaves=12,
    )
)
def test_what_python_prints_is_read_again(value: object) -> None:
    assert parse(repr(value)) == value


def test_other_values_are_read_as_nothing_and_are_never_run() -> None:
    text = (
        "{'at': datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc), 'n': (1, -2.5), 's': {1, 2}, 'p': P('/x')}"
    )
    assert parse(text) == {"at": None, "n": [1.0, -2.5], "s": {}, "p": None}
    with pytest.raises(ValueError, match="nested too deeply"):
        parse("[" * (MOST_DEPTH + 2))
    for wrong in ("", "[1", "{'a' 1}", "1 2", "'a", "a + b", "]"):
        with pytest.raises(ValueError, match=r"."):
            parse(wrong)


@given(st.text(alphabet="[]{}(),:='\"\\ab0.", max_size=60))
def test_any_text_gives_a_value_or_a_clear_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        parse(text)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_give_a_clear_error_or_a_model(data: bytes) -> None:
    for form in ("vpdq", "auto-archiver", None):
        with contextlib.suppress(RoundelError):
            assert isinstance(read(given_(data), "x", form), Contribution)
