"""``roundel gallery``."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from conftest import FakeDetector
from roundel import custody
from small_case import analyse

Call = Callable[..., Any]
NEW = ("--title", "MiG-23", "--parent", "combat_aircraft", "--source", "own", "--licence", "CC0")


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"photo [{number}].png" for number in range(3)]
    for path, scene in zip(paths, SCENES, strict=True):
        cv2.imwrite(str(path), drawn(*scene))
    return paths


SCENES = ((4, (255, 40, 40)), (12, (40, 255, 40)), (60, (40, 40, 255)))


def drawn(coarse: int, most: tuple[int, int, int], size: int = 160) -> NDArray[np.uint8]:
    """A picture that looks like no other: coloured patches, ``coarse`` of them side by side."""
    patches = np.random.default_rng(coarse).integers(0, most, (coarse * 3 // 4, coarse, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(patches, (size, size * 3 // 4), interpolation=cv2.INTER_NEAREST), np.uint8)


def test_added_photos_are_kept_by_hash_and_their_confusions_told(
    photos: list[Path], home: Path, call: Call, fake: FakeDetector
) -> None:
    said = call("gallery", "add", "mig-23", *photos, *NEW)
    assert (said.code, said.out) == (0, "")
    assert said.err.count("cropped to the object") == 3
    assert "3 photos in all" in said.err
    assert "are nearest to mig-23" in said.err
    assert [path.name for path in (home / "gallery").iterdir()] == ["gallery.json"]
    listed = json.loads(call("gallery", "list", "--json").out)
    assert listed["mig-23"] == {"title": "MiG-23", "parent": "combat_aircraft", "photos": 3, "sources": {"own": 3}}
    assert "mig-23  MiG-23, combat_aircraft: 3 photos (own 3)" in call("gallery", "list").out


def test_duplicates_are_refused_and_broken_files_do_not_stop_the_others(
    photos: list[Path], tmp_path: Path, call: Call, fake: FakeDetector
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    said = call("gallery", "add", "mig-23", photos[0], broken, tmp_path / "missing.jpg", photos[0], photos[1], *NEW)
    assert said.code == 1
    assert "photo [0].png: was given twice" in said.err
    assert "broken.jpg: is no JPEG, PNG or WebP picture" in said.err
    assert "missing.jpg: cannot be read" in said.err
    assert "too few to name mig-23 alone" in said.err
    found = json.loads(call("gallery", "add", "mig-23", *photos, "--json").out)
    assert [item["status"] for item in found["photos"]] == ["duplicate", "duplicate", "added"]
    assert found["leave_one_out"]["photos"] == 3
    assert (found["too_few"], found["photos"][2]["object_found"]) == (False, True)


def test_a_new_type_needs_a_parent_and_a_plain_name(photos: list[Path], call: Call, fake: FakeDetector) -> None:
    said = call("gallery", "add", "mig-23", photos[0])
    assert (said.code, "--parent" in said.err) == (2, True)
    said = call("gallery", "add", "../mig", photos[0], "--parent", "combat_aircraft")
    assert (said.code, "is no name of a type" in said.err) == (2, True)
    assert "mig-23" not in json.loads(call("gallery", "list", "--json").out)


def test_a_case_keeps_its_own_gallery_and_notes_it(
    photos: list[Path], tmp_path: Path, clip: Path, home: Path, call: Call, fake: FakeDetector
) -> None:
    case = tmp_path / "case"
    said = call("gallery", "add", "mig-23", photos[0], *NEW, "--case", case)
    assert (said.code, "is no case" in said.err) == (2, True)
    analyse(case, clip)
    assert call("gallery", "add", "mig-23", photos[0], *NEW, "--case", case).code == 0
    assert not (home / "gallery").exists()
    assert list(custody.read(case))[-1].details["type"] == "mig-23"
    assert "mig-23" in json.loads(call("gallery", "list", "--case", case, "--json").out)
    assert "mig-23" not in json.loads(call("gallery", "list", "--json").out)
    assert call("verify", case).code == 0
    (case / "gallery" / "gallery.json").write_text("{}")
    assert call("verify", case).code == 3


def test_a_photo_without_an_object_counts_whole(
    photos: list[Path], call: Call, monkeypatch: pytest.MonkeyPatch, fake: FakeDetector
) -> None:
    monkeypatch.setattr(fake, "detect", FakeDetector(lambda _: []).detect)
    assert "no object was detected in it, so the whole photo counts" in call("gallery", "add", "f-16", photos[0]).err


def test_a_case_knows_its_types_without_the_users_gallery(
    photos: list[Path], tmp_path: Path, clip: Path, home: Path, call: Call, fake: FakeDetector
) -> None:
    assert call("gallery", "add", "mig-23", photos[0], *NEW).code == 0
    case = tmp_path / "case"
    analyse(case, clip)
    assert call("gallery", "add", "mig-23", photos[1], "--case", case).code == 0
    (home / "gallery" / "gallery.json").unlink()
    found = json.loads(call("gallery", "list", "--case", case, "--json").out)
    assert (found["mig-23"]["title"], found["mig-23"]["photos"]) == ("MiG-23", 1)
    assert call("verify", case).code == 0


def test_a_photo_saved_again_is_no_other_photo(
    photos: list[Path], tmp_path: Path, call: Call, fake: FakeDetector
) -> None:
    again = [tmp_path / f"again {quality}.jpg" for quality in (95, 90)]
    for path, quality in zip(again, (95, 90), strict=True):
        cv2.imwrite(str(path), drawn(*SCENES[0]), [cv2.IMWRITE_JPEG_QUALITY, quality])
    found = json.loads(call("gallery", "add", "mig-23", photos[0], again[0], *NEW, "--json").out)
    assert [item["status"] for item in found["photos"]] == ["added", "near_duplicate"]
    assert (found["leave_one_out"], found["too_few"]) == (None, True)
    said = call("gallery", "add", "mig-23", again[1])
    assert (said.code, "Warning: is all but the same picture as sha256:" in said.err) == (0, True)
    assert "in your own gallery" in said.err
    assert json.loads(call("gallery", "list", "--json").out)["mig-23"]["photos"] == 1


def test_photos_of_something_else_are_refused_unless_the_whole_picture_is_asked_for(
    photos: list[Path], call: Call, monkeypatch: pytest.MonkeyPatch, fake: FakeDetector
) -> None:
    tank = FakeDetector(lambda _: [((8.0, 8.0, 150.0, 110.0), "armoured_vehicle", 0.9)])
    monkeypatch.setattr(fake, "detect", tank.detect)
    said = call("gallery", "add", "f-16", photos[0])
    assert (said.code, "shows an armoured vehicle, not a combat aircraft; give another photo" in said.err) == (1, True)
    said = call("gallery", "add", "f-16", photos[0], "--whole")
    assert (said.code, "added, the whole photo counts" in said.err) == (0, True)


def test_pictures_and_objects_of_a_few_pixels_are_refused(
    photos: list[Path], tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch, fake: FakeDetector
) -> None:
    small = tmp_path / "small.png"
    cv2.imwrite(str(small), drawn(4, (255, 255, 255), 40))
    said = call("gallery", "add", "f-16", small)
    assert (said.code, "small.png: has only 40 × 30 pixels" in said.err) == (1, True)
    narrow = tmp_path / "narrow.png"
    cv2.imwrite(str(narrow), np.zeros((40, 20_000, 3), np.uint8))
    said = call("gallery", "add", "f-16", narrow)
    assert (said.code, "narrow.png: is too narrow, made 2000 pixels long: it has 20000 × 40" in said.err) == (1, True)
    far = FakeDetector(lambda _: [((8.0, 8.0, 20.0, 16.0), "combat_aircraft", 0.9)])
    monkeypatch.setattr(fake, "detect", far.detect)
    said = call("gallery", "add", "f-16", photos[0], "--json")
    assert (said.code, "pixels long; give a closer picture" in said.err) == (1, True)
    found = json.loads(said.out)
    assert (found["leave_one_out"], found["too_few"]) == (None, None)
    assert (found["photos"][0]["status"], found["photos"][0]["object_found"]) == ("refused", True)


def test_a_photo_shows_one_type_and_each_gallery_keeps_its_own(
    photos: list[Path], tmp_path: Path, clip: Path, call: Call, fake: FakeDetector
) -> None:
    assert call("gallery", "add", "mig-23", photos[0], *NEW).code == 0
    said = call("gallery", "add", "f-16", photos[0])
    assert (said.code, "is in your own gallery already, as mig-23; a photo shows one type" in said.err) == (1, True)
    analyse(tmp_path / "case", clip)
    found = json.loads(call("gallery", "add", "mig-23", photos[0], "--case", tmp_path / "case", "--json").out)
    assert [item["status"] for item in found["photos"]] == ["added"]
    assert found["leave_one_out"] is None
    found = json.loads(call("gallery", "add", "mig-23", photos[0], "--case", tmp_path / "case", "--json").out)
    assert [(item["status"], item["object_found"]) for item in found["photos"]] == [("duplicate", None)]


def test_one_photo_cannot_be_judged_by_others(photos: list[Path], call: Call, fake: FakeDetector) -> None:
    said = call("gallery", "add", "mig-23", photos[0], *NEW)
    assert "can be judged from two photos on" in said.err
    assert "nearest to" not in said.err


def test_pipes_and_devices_are_no_photos(tmp_path: Path, call: Call, fake: FakeDetector) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    said = call("gallery", "add", "f-16", tmp_path / "pipe.jpg", "/dev/zero", tmp_path)
    assert (said.code, said.err.count("cannot be read: is a folder, pipe or device")) == (1, 3)


def test_large_photos_are_shrunk_before_the_detector_sees_them(
    tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch, fake: FakeDetector
) -> None:
    seen: list[tuple[int, ...]] = []

    def note(picture: NDArray[np.uint8]) -> list[Any]:
        seen.append(picture.shape)
        return []

    cv2.imwrite(str(tmp_path / "large.png"), drawn(12, (255, 40, 40), 4000))
    monkeypatch.setattr(fake, "detect", FakeDetector(note).detect)
    assert call("gallery", "add", "f-16", tmp_path / "large.png").code == 0
    assert seen == [(1500, 2000, 3)]


def test_nothing_is_said_to_be_added_if_the_gallery_cannot_be_written(
    photos: list[Path], home: Path, call: Call, monkeypatch: pytest.MonkeyPatch, fake: FakeDetector
) -> None:
    def full(path: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    said = call("gallery", "add", "mig-23", *photos, *NEW)
    assert (said.code, "added" in said.err) == (2, False)
    assert f"{home / 'gallery' / 'gallery.json'}: No space left on device" in said.err


def test_types_and_photos_can_be_removed_again(
    photos: list[Path], tmp_path: Path, clip: Path, call: Call, fake: FakeDetector
) -> None:
    case = tmp_path / "case"
    analyse(case, clip)
    said = call("gallery", "remove", "mig-23", "--case", case)
    assert (said.code, "is no gallery, so there is nothing to remove" in said.err) == (2, True)
    added = json.loads(call("gallery", "add", "mig-23", *photos, *NEW, "--case", case, "--json").out)["photos"]
    assert call("gallery", "remove", "mig-23", "ffff", "--case", case).code == 2
    assert call("gallery", "remove", "f-16", "--case", case).code == 2
    one = added[0]["sha256"].removeprefix("sha256:")[:12]
    found = json.loads(call("gallery", "remove", "mig-23", one, "--case", case, "--json").out)
    assert (found["removed"], found["photos_left"]) == ([added[0]["sha256"]], 2)
    assert list(custody.read(case))[-1].details["removed"] == [added[0]["sha256"]]
    assert call("verify", case).code == 0
    said = call("gallery", "remove", "mig-23", "--case", case)
    assert (said.code, "mig-23: 2 photos removed from" in said.err) == (0, True)
    assert "mig-23" not in json.loads(call("gallery", "list", "--case", case, "--json").out)
    assert call("verify", case).code == 0
    assert "types" in json.loads((case / "gallery" / "gallery.json").read_text())
    assert json.loads((case / "gallery" / "gallery.json").read_text())["types"] == {}


def test_a_rerun_after_the_gallery_was_added_to_says_so(
    photos: list[Path], tmp_path: Path, clip: Path, call: Call, fake: FakeDetector
) -> None:
    case = tmp_path / "case"
    assert call("analyze", clip, "--case", case).code == 0
    assert call("gallery", "add", "mig-23", photos[0], *NEW, "--case", case).code == 0
    said = call("verify", case, "--rerun")
    assert "the gallery of types, the user's or the case's, has changed since" in said.out + said.err
    assert "identifier_galleries" not in said.out + said.err
    assert call("gallery", "remove", "mig-23", "--case", case).code == 0
    assert call("verify", case, "--rerun").code == 0, "a gallery that is empty again changes nothing"


def test_a_type_that_contradicts_another_gallery_can_be_removed(
    photos: list[Path], tmp_path: Path, clip: Path, home: Path, call: Call, fake: FakeDetector
) -> None:
    case = tmp_path / "case"
    analyse(case, clip)
    assert call("gallery", "add", "mig-23", photos[0], *NEW, "--case", case).code == 0
    assert call("gallery", "add", "mig-23", photos[0], "--title", "Flogger", "--parent", "combat_aircraft").code == 0
    said = call("gallery", "list", "--case", case)
    assert (said.code, "mig-23 is another type in another gallery" in said.err) == (2, True)
    assert call("gallery", "remove", "mig-23").code == 0
    assert call("gallery", "list", "--case", case).code == 0
