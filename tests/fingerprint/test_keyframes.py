"""Which pictures are fingerprinted, in which forms, and how they are stored."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from moving_scenes import FPS, cropped, edited, frames, keyframes, letterboxed, pan, within
from roundel.errors import IntegrityError
from roundel.fingerprint.forms import FORMS, forms
from roundel.fingerprint.keyframes import STILL_PX, Fingerprinter, Keyframe
from roundel.fingerprint.layout import Layout
from roundel.fingerprint.pdq import distance
from roundel.fingerprint.storage import FINGERPRINTS, STILLS, KeyframeWriter, StillReader, read_keyframes


def seconds(pictures: list[np.ndarray], cuts: tuple[int, ...] = ()) -> list[float]:
    return [keyframe.seconds for keyframe, _ in keyframes(pictures, cuts)]


def test_a_still_picture_is_taken_twice_a_second_and_at_its_end() -> None:
    assert seconds([pan(1, 0.1)[0]] * 32) == pytest.approx([0, 0.5, 1, 1.5, 2, 2.5, 3, 3.1], abs=0.001)


def test_both_sides_of_a_cut_are_taken() -> None:
    pictures = [pan(1, 0.1)[0]] * 13 + [pan(2, 0.1)[0]] * 13
    taken = keyframes(pictures, cuts=(13,))
    assert seconds(pictures, (13,)) == pytest.approx([0, 0.5, 1, 1.2, 1.3, 1.8, 2.3, 2.5], abs=0.001)
    assert [keyframe.seconds for keyframe, _ in taken if keyframe.starts_shot] == pytest.approx([0, 1.3])


def test_quick_change_is_taken_more_often_but_no_more_than_five_times_a_second() -> None:
    taken = seconds(pan(1, 3, speed=200, start=0))
    assert 2.6 * 3 < len(taken) <= 5 * 3 + 2
    assert min(np.diff(taken)[:-1]) >= 0.2 - 0.5 / FPS


def test_nothing_is_taken_twice_and_all_is_in_order() -> None:
    taken = seconds(pan(1, 2) + pan(2, 0.1) + pan(3, 0.2) + pan(4, 2), (20, 21, 23))
    assert taken == sorted(set(taken))


def test_no_frames_give_no_keyframes() -> None:
    assert keyframes([]) == []


def test_forms_of_a_plain_frame_and_of_one_with_bars() -> None:
    assert [form for form, _ in forms(320, 180, Layout())] == ["whole", "inner", "upper", "strip"]
    with_bars = dict(forms(320, 240, Layout(content=(0, 30, 320, 210), inset=(10, 40, 100, 90))))
    assert tuple(with_bars) == FORMS
    assert with_bars["content inner"] == (16, 39, 304, 201)
    assert with_bars["strip"][2] - with_bars["strip"][0] == pytest.approx(240 * 9 / 16, abs=1)
    assert dict(forms(180, 320, Layout()))["strip"] == (0, 109, 180, 211)
    assert list(forms(12, 12, Layout())) == []


def nearest(one: Keyframe, other: Keyframe) -> tuple[int, str, str]:
    return min(
        (distance(mine.bits, theirs.bits), mine.form, theirs.form)
        for mine in one.fingerprints
        for theirs in other.fingerprints
    )


@pytest.mark.parametrize("seed", range(3))
def test_the_forms_find_what_the_whole_picture_loses(seed: int) -> None:
    pictures = pan(seed, 2)
    original = keyframes(pictures)[2][0]
    for edit, expected in ((letterboxed, ("content", "whole")), (cropped, ("whole", "inner"))):
        copy = keyframes(edited(pictures, edit))[2][0]
        bits, *found = nearest(copy, original)
        assert bits <= 20
        assert tuple(found) == expected or {"content inner", "content upper", "content strip"} & set(found)
        assert distance(copy.fingerprints[0].bits, original.fingerprints[0].bits) > 31
    inset = keyframes(within(pan(seed + 9, 2), pictures))[2][0]
    bits, *found = nearest(inset, original)
    assert bits <= 64
    assert found == ["inset", "whole"]


def test_the_mirrored_hash_finds_the_mirrored_picture() -> None:
    pictures = pan(4, 2)
    original, copy = keyframes(pictures)[2][0], keyframes(edited(pictures, np.fliplr))[2][0]
    assert distance(copy.fingerprints[0].mirrored_bits, original.fingerprints[0].bits) <= 6
    assert distance(copy.fingerprints[0].bits, original.fingerprints[0].bits) > 60


def write(folder: Path, pictures: list[np.ndarray]) -> list[Keyframe]:
    folder.mkdir(exist_ok=True)
    writer = KeyframeWriter(folder)
    kept = keyframes(pictures)
    for keyframe, still in kept:
        writer.add(keyframe, still)
    writer.close()
    return [keyframe for keyframe, _ in kept]


def test_keyframes_come_back_as_they_were_and_the_bytes_are_the_same(tmp_path: Path) -> None:
    pictures = [cv2.resize(item, (512, 288)) for item in pan(1, 2)]
    kept = write(tmp_path / "one", pictures)
    write(tmp_path / "two", pictures)
    assert read_keyframes(tmp_path / "one") == tuple(kept)
    for name in (FINGERPRINTS, STILLS):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    line = json.loads(gzip.decompress((tmp_path / "one" / FINGERPRINTS).read_bytes()).splitlines()[0])
    assert line["forms"]["whole"]["hash"].startswith("pdq:")
    assert len(line["forms"]["whole"]["hash"]) == 4 + 64
    with StillReader(tmp_path / "one") as stills:
        picture = stills(kept[2].ref)
    assert picture.shape == (216, STILL_PX)
    shown = cv2.resize(pictures[kept[2].ref.index], (STILL_PX, 216), interpolation=cv2.INTER_AREA)
    assert np.abs(picture.astype(int) - shown).mean() < 6


def test_a_video_without_keyframes_can_be_written_and_read(tmp_path: Path) -> None:
    assert write(tmp_path, []) == []
    assert read_keyframes(tmp_path) == ()


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"no gzip",
        gzip.compress(b"{}\n", mtime=0),
        gzip.compress(b"[1]\n", mtime=0),
        gzip.compress(b"x", mtime=0)[:9],
    ],
)
def test_damaged_fingerprints_are_an_error_that_names_the_file(tmp_path: Path, damage: bytes) -> None:
    write(tmp_path, pan(1, 1))
    (tmp_path / FINGERPRINTS).write_bytes(damage)
    if damage == b"":
        (tmp_path / FINGERPRINTS).unlink()
    with pytest.raises(IntegrityError, match=FINGERPRINTS):
        read_keyframes(tmp_path)


def test_a_hash_that_lost_its_zeros_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, pan(1, 1))
    text = gzip.decompress((tmp_path / FINGERPRINTS).read_bytes()).replace(b'"hash":"pdq:', b'"hash":"pdq:0', 1)
    (tmp_path / FINGERPRINTS).write_bytes(gzip.compress(text, mtime=0))
    with pytest.raises(IntegrityError, match="no PDQ hash"):
        read_keyframes(tmp_path)


def test_missing_and_damaged_pictures_are_errors_that_name_them(tmp_path: Path) -> None:
    kept = write(tmp_path, pan(1, 1))
    with zipfile.ZipFile(tmp_path / STILLS, "w") as stills:
        stills.writestr("00000000.webp", b"no picture")
    reader = StillReader(tmp_path)
    with pytest.raises(IntegrityError, match=r"00000000\.webp: cannot be decoded"):
        reader(kept[0].ref)
    with pytest.raises(IntegrityError, match="cannot be read"):
        reader(kept[1].ref)
    (tmp_path / STILLS).write_bytes(b"no zip")
    with pytest.raises(IntegrityError, match=STILLS):
        StillReader(tmp_path)


def test_a_jump_back_in_time_starts_anew() -> None:
    kept: list[Keyframe] = []
    fingerprinter = Fingerprinter(lambda keyframe, _: kept.append(keyframe))
    for part in (frames(pan(1, 1)), frames(pan(2, 1))):
        for number, frame in enumerate(part):
            fingerprinter.push(frame, np.zeros((72, 128, 3), np.uint8), number == 0)
    fingerprinter.finish()
    assert [item.seconds for item in kept] == pytest.approx([0, 0.5, 0.9, 0, 0.5, 0.9])
