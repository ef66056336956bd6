"""``roundel gallery``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from conftest import FakeDetector
from roundel import custody
from small_case import analyse

Call = Callable[..., Any]
NEW = ("--title", "MiG-23", "--parent", "combat_aircraft", "--source", "own", "--licence", "CC0")


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"photo [{number}].png" for number in range(3)]
    for number, path in enumerate(paths):
        cv2.imwrite(str(path), np.random.default_rng(number).integers(0, 255, (120, 160, 3)).astype(np.uint8))
    return paths


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
    assert "is in the gallery already, as mig-23" in said.err
    assert "broken.jpg: is no image that can be decoded" in said.err
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
