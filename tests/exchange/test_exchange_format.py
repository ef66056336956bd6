"""The exchange format: what is written is read, and nothing else."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import stat
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roundel.claims.files.problems import FileProblemsError
from roundel.errors import IntegrityError, RoundelError, UsageError
from roundel.exchange import reading
from roundel.exchange import source as sources
from roundel.exchange.lines import Dated, Header, KeyframeLine, VideoLine, text_of
from roundel.exchange.model import Contribution
from roundel.exchange.reading import read_own
from roundel.exchange.signing import Key, is_signed_by, make_key, parse_public, read_key
from roundel.exchange.source import Source
from small_exchange import closed, lines, source


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return make_key(tmp_path_factory.mktemp("keys") / "me.pem")


def read(data: bytes) -> Contribution:
    return read_own(Source(Path("given.jsonl"), data, "sha256:" + "0" * 64))


def test_a_signed_file_says_what_was_written(tmp_path: Path, key: Key) -> None:
    made = lines(videos=2, keyframes=3, key=key)
    found = read_own(source(tmp_path, closed(made, key)))
    assert (found.contributor, found.created, found.public_key) == ("A. Name", "2026-01-02T03:04:05Z", key.public)
    assert (len(found.videos), found.hashes, found.padded) == (2, 12, 0)
    first = found.videos[0]
    assert first.seconds.tolist() == [0.0, 0.0, 0.5, 0.5, 1.0, 1.0]
    assert first.form.tolist() == [0, 1] * 3
    assert (first.duration_seconds, first.width, first.height, first.name) == (4.5, 640, 360, None)
    keyframe = made[2]
    assert isinstance(keyframe, KeyframeLine)
    assert first.hashes[0].tobytes().hex() == keyframe.hashes[0].hash.removeprefix("pdq:")


def test_a_compressed_file_is_the_same(tmp_path: Path, key: Key) -> None:
    data = closed(lines(key=key), key)
    plain, packed = read(data), read_own(source(tmp_path, gzip.compress(data), "any name"))
    assert np.array_equal(plain.videos[1].hashes, packed.videos[1].hashes)
    assert packed.public_key == key.public


@pytest.mark.parametrize("signed", [True, False])
def test_any_bit_that_is_flipped_is_found(signed: bool, key: Key) -> None:
    data = closed(lines(videos=1, keyframes=1, key=key if signed else None), key if signed else None)
    read(data)
    for place in range(len(data)):
        for bit in range(8):
            altered = bytearray(data)
            altered[place] ^= 1 << bit
            with pytest.raises(RoundelError):
                read(bytes(altered))


def test_a_file_that_is_cut_anywhere_is_refused(key: Key) -> None:
    data = closed(lines(videos=1, keyframes=2, key=key), key)
    for end in range(len(data)):
        with pytest.raises(RoundelError):
            read(data[:end])
    with pytest.raises(IntegrityError, match="follows the line that ends it"):
        read(data + b"\n")


def test_a_compressed_file_that_is_cut_is_refused(tmp_path: Path) -> None:
    packed = gzip.compress(closed(lines()))
    for end in range(0, len(packed), 7):
        with pytest.raises(RoundelError):
            read_own(source(tmp_path, packed[:end]))


def test_the_signature_of_another_key_is_refused(tmp_path: Path, key: Key) -> None:
    other = make_key(tmp_path / "other.pem")
    with pytest.raises(IntegrityError, match="signature is not that of the key"):
        read(closed(lines(key=key), other))


def test_a_signature_that_was_removed_is_noticed(key: Key) -> None:
    with pytest.raises(IntegrityError, match="a key without a signature"):
        read(closed(lines(key=key)))
    with pytest.raises(IntegrityError, match="a signature without a key"):
        read(closed(lines(), key))


def test_a_signature_holds_for_its_bytes_only(key: Key) -> None:
    one, other = "sha256:" + "0" * 64, "sha256:" + "1" * 64
    assert is_signed_by(key.public, one, key.sign(one))
    assert not is_signed_by(key.public, other, key.sign(one))
    assert not is_signed_by("ed25519:" + "0" * 64, one, key.sign(one))
    assert not is_signed_by("rsa:1", one, key.sign(one))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seconds": None}, "seconds"),
        ({"seconds": 1e9}, "seconds"),
        ({"still": "iVBORw0KGgo="}, "still"),
        ({"hashes": []}, "hashes"),
        ({"hashes": [{"form": "whole", "hash": "pdq:12", "quality": 1}]}, "hash"),
        ({"hashes": [{"form": "eye", "hash": "pdq:" + "0" * 64, "quality": 1}]}, "form"),
        ({"hashes": [{"form": "whole", "hash": "pdq:" + "0" * 64, "quality": 101}]}, "quality"),
        ({"hashes": [{"form": "whole", "hash": "pdq:" + "0" * 64, "quality": "9"}]}, "quality"),
    ],
)
def test_what_the_format_does_not_know_is_refused_with_its_line(change: dict[str, object], said: str) -> None:
    made = lines(videos=1, keyframes=1)
    told = json.loads(text_of(made[2]))
    data = text_of(made[0]) + text_of(made[1]) + json.dumps({**told, **change}).encode() + b"\n"
    with pytest.raises(FileProblemsError) as caught:
        read(data + closed([])[0:])
    assert str(caught.value.problems[0]).startswith("given.jsonl:3:1: ")
    assert said in str(caught.value.problems[0])


def test_many_problems_end_the_reading(tmp_path: Path) -> None:
    bad = b'{"kind":"keyframe","seconds":"x","hashes":[]}\n' * 1000
    with pytest.raises(FileProblemsError) as caught:
        read(text_of(lines()[0]) + bad)
    assert len(caught.value.problems) == sources.MOST_PROBLEMS + 1
    assert "nothing was imported" in str(caught.value.problems[-1])


@pytest.mark.parametrize("text", ["a\u202eb", "a\nb", " a", "a\x00", "a" * 301, "\ud800", ""])
def test_hostile_names_are_refused(text: str) -> None:
    made = lines(videos=1)
    told = {**json.loads(text_of(made[1])), "name": text}
    with pytest.raises(FileProblemsError):
        read(text_of(made[0]) + json.dumps(told).encode() + b"\n" + closed([]))


def test_a_date_says_between_which_days() -> None:
    said = {"says": "published", "who": "B. Name", "found": "2026-01-01", "basis": "seen", "source": "an archive"}
    made = lines(videos=1)
    video = made[1]
    assert isinstance(video, VideoLine)
    dated = Dated(**said, first="2013-05-01", last="2013-05-31")
    found = read(closed([made[0], video.model_copy(update={"attested": [dated]}), *made[2:]])).videos[0]
    assert [(item.first, item.last, item.who, item.source) for item in found.attested] == [
        ("2013-05-01", "2013-05-31", "B. Name", "an archive")
    ]
    for wrong in ({}, {"first": "2013-05-32"}, {"first": "2013-05-02", "last": "2013-05-01"}, {"first": "2013"}):
        with pytest.raises(ValueError, match=r"day|date|pattern"):
            Dated(**said, **wrong)


@given(st.binary(max_size=400))
def test_any_bytes_give_a_clear_error_or_a_model(data: bytes) -> None:
    with contextlib.suppress(RoundelError):
        assert isinstance(read(data), Contribution)


@given(st.data())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_lines_in_any_order_give_a_clear_error_or_a_model(data: st.DataObject) -> None:
    known = [text_of(line) for line in lines(videos=2, keyframes=2)]
    chosen = data.draw(
        st.lists(st.sampled_from([*known, b"{}\n", b"[]\n", b"\n", b"null\n", b"[" * 5000]), max_size=12)
    )
    for end in (closed([]), b""):
        with contextlib.suppress(RoundelError):
            assert isinstance(read(b"".join(chosen) + end), Contribution)


def test_a_video_stands_once() -> None:
    made = lines(videos=1)
    with pytest.raises(FileProblemsError, match="is there twice"):
        read(closed([*made, *made[1:]]))
    with pytest.raises(FileProblemsError, match="second header"):
        read(closed([made[0], *made]))
    with pytest.raises(FileProblemsError, match="before any video"):
        read(closed([made[0], made[2]]))
    with pytest.raises(FileProblemsError, match="not the header"):
        read(closed(made[1:]))


def test_a_bomb_of_zeros_ends_soon(tmp_path: Path) -> None:
    packed = gzip.compress(bytes(200 * 1024**2), 9)
    assert len(packed) < 300_000
    began = time.monotonic()
    with pytest.raises(UsageError, match="longer than"):
        read_own(source(tmp_path, packed))
    assert time.monotonic() - began < 5


def test_text_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MOST_TEXT_BYTES", 10_000)
    made = lines(videos=1, keyframes=100)
    with pytest.raises(UsageError, match="MiB of text"):
        read_own(source(tmp_path, gzip.compress(closed(made))))


def test_a_million_wrong_lines_end_soon() -> None:
    began = time.monotonic()
    with pytest.raises(FileProblemsError):
        read(text_of(lines()[0]) + b"{}\n" * 1_000_000)
    assert time.monotonic() - began < 5


def test_a_hash_takes_little_more_memory_than_its_bits() -> None:
    header, video, keyframe = lines(videos=1, keyframes=1)
    found = read(closed([header, video, *[keyframe] * 20_000])).videos[0]
    arrays = (found.seconds, found.form, found.hashes, found.quality, found.padded)
    assert len(found.hashes) == 40_000
    assert sum(array.nbytes for array in arrays) <= 44 * 40_000


def test_there_is_an_end_to_videos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_VIDEOS", 3)
    with pytest.raises(FileProblemsError, match="more than 3 videos"):
        read(closed(lines(videos=4, keyframes=1)))


def test_a_key_is_private_and_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "me.pem"
    made = make_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key(path).public == made.public == parse_public(f" {made.public}\n")
    kept = path.read_bytes()
    with pytest.raises(UsageError, match="never replaced"):
        make_key(path)
    assert path.read_bytes() == kept
    (tmp_path / "link.pem").symlink_to(tmp_path / "elsewhere.pem")
    with pytest.raises(UsageError, match="never replaced"):
        make_key(tmp_path / "link.pem")
    path.chmod(0o640)
    with pytest.raises(UsageError, match="other accounts"):
        read_key(path)


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.pem"
    for data in (b"", b"hello", os.urandom(100)):
        path.write_bytes(data)
        path.chmod(0o600)
        with pytest.raises(UsageError, match="no private key"):
            read_key(path)
    with pytest.raises(UsageError, match="cannot be read"):
        read_key(tmp_path / "missing.pem")
    for text in ("", "ed25519:xyz", "ED25519:" + "0" * 64):
        with pytest.raises(UsageError, match="no public key"):
            parse_public(text)


def test_a_header_names_the_version() -> None:
    told = json.loads(text_of(lines()[0]))
    assert Header(**told).version == 1
    with pytest.raises(FileProblemsError, match="version"):
        read(json.dumps({**told, "version": 2}).encode() + b"\n" + closed([]))
