"""Repairs and training inputs: what a network is trained on is what was meant."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.clips import FRAMES, make_video, take
from training.detector.augment import Augmenter
from training.detector.pictures import CLASSES, Picture, read_boxes, read_index, write_index
from training.detector.prepare import CORRECTIONS, tighten
from training.detector.streets import make_streets
from training.recipe import load_recipe

RECIPES = Path(__file__).resolve().parents[2] / "models" / "training"
SETTINGS = load_recipe(RECIPES / "detector.toml").settings["augment"]


def sky(noise: float = 2.0) -> np.ndarray:
    draw = np.random.default_rng(3)
    return np.clip(draw.normal(180, noise, (200, 300, 3)), 0, 255).astype(np.uint8)


def test_a_loose_box_against_the_sky_is_tightened_to_the_object() -> None:
    picture = sky()
    picture[90:110, 140:170] = 30
    found = tighten(picture, np.array([100, 60, 220, 150], np.float32))
    assert np.abs(found - [140, 90, 170, 110]).max() <= 3


def test_a_box_over_a_busy_background_stays_as_it_is() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    box = np.array([100, 60, 220, 150], np.float32)
    assert tighten(picture, box).tolist() == box.tolist()


def test_a_box_around_nothing_stays_as_it_is() -> None:
    box = np.array([100, 60, 220, 150], np.float32)
    assert tighten(sky(), box).tolist() == box.tolist()


@pytest.fixture
def pictures(tmp_path: Path) -> list[Picture]:
    found = []
    for number in range(6):
        pixels = sky()
        pixels[80:120, 100:200] = 40 * number
        file = tmp_path / f"{number}.png"
        cv2.imwrite(str(file), pixels)
        box = (number, 100 / 300, 80 / 200, 200 / 300, 120 / 200)
        found.append(Picture(str(file), "GryllsGYS" if number % 2 else "adapt:x", "train", True, (box,)))
    return found


def test_inputs_have_their_size_and_boxes_inside(pictures: list[Picture]) -> None:
    augmenter = Augmenter(pictures, SETTINGS, ["GryllsGYS"])
    for number in range(40):
        made = augmenter.draw(160, number % 5 == 0, np.random.default_rng(number))
        assert made.pixels.shape == (160, 160, 3)
        assert made.pixels.dtype == np.uint8
        assert len(made.boxes) == len(made.labels)
        assert (made.boxes >= 0).all()
        assert (made.boxes <= 160).all()
        assert (made.boxes[:, 2:] > made.boxes[:, :2]).all()


def test_the_same_generator_makes_the_same_input(pictures: list[Picture]) -> None:
    augmenter = Augmenter(pictures, SETTINGS, ["GryllsGYS"])
    one, other = (augmenter.draw(160, False, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one.pixels, other.pixels)
    assert np.array_equal(one.boxes, other.boxes)


def test_the_box_of_a_view_lies_on_the_object(pictures: list[Picture]) -> None:
    plain = {**SETTINGS, "pasted": 0, "grids": [1.0, 0, 0, 0]}
    augmenter = Augmenter(pictures[:1], plain, [])
    for number in range(20):
        made = augmenter._view(augmenter._items[0], 160, 160, np.random.default_rng(number), 1.0)
        for x1, y1, x2, y2 in made.boxes.astype(int):
            inside = made.pixels[y1 + 2 : y2 - 2, x1 + 2 : x2 - 2]
            assert inside.size == 0 or inside.mean() < 60


def test_the_index_is_read_as_it_was_written(pictures: list[Picture], tmp_path: Path) -> None:
    write_index(tmp_path / "index.jsonl", pictures)
    assert read_index(tmp_path / "index.jsonl") == pictures


def test_labels_are_read_as_corners_inside_the_picture(tmp_path: Path) -> None:
    (tmp_path / "labels" / "val").mkdir(parents=True)
    (tmp_path / "labels" / "val" / "a.txt").write_text("4 0.5 0.5 0.2 0.4\n6 0.95 0.5 0.2 0.2\n")
    first, second = read_boxes(tmp_path, "images/val/a.jpg")
    assert first == pytest.approx((4, 0.4, 0.3, 0.6, 0.7))
    assert second == pytest.approx((6, 0.85, 0.4, 1.0, 0.6))


def test_every_correction_names_a_class_and_a_box_inside_the_picture() -> None:
    with CORRECTIONS.open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            assert row["action"] in {"box", "drop"}
            assert row["reason"]
            if row["action"] == "box":
                assert row["class"] in CLASSES
                x1, y1, x2, y2 = (float(row[key]) for key in ("x1", "y1", "x2", "y2"))
                assert 0 <= x1 < x2 <= 1
                assert 0 <= y1 < y2 <= 1


def test_a_take_moves_and_its_truth_moves_with_it(pictures: list[Picture], tmp_path: Path) -> None:
    frames = list(take(pictures[0], np.random.default_rng(1)))
    assert len(frames) == FRAMES
    for pixels, truth in (frames[0], frames[-1]):
        for x1, y1, x2, y2 in truth.boxes.astype(int):
            assert pixels[y1 + 4 : y2 - 4, x1 + 4 : x2 - 4].mean() < 90
    truths = make_video(tmp_path / "takes.mp4", pictures[:2], 0)
    assert len(truths) == 2 * FRAMES
    assert (tmp_path / "takes.mp4").stat().st_size > 1000


def test_a_drawn_street_is_a_picture_without_boxes_and_always_the_same(tmp_path: Path) -> None:
    one, other = (make_streets(tmp_path / name, 2, seed=1) for name in "ab")
    assert [item.boxes for item in one] == [(), ()]
    assert [item.read().shape for item in one] == [(320, 512, 3)] * 2
    assert all(np.array_equal(a.read(), b.read()) for a, b in zip(one, other, strict=True))
    assert not np.array_equal(one[0].read(), one[1].read())
