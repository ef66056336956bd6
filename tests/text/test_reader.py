"""What it takes to believe a reading. The engine is a fake that knows what each line says."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from roundel.text import reader as module
from roundel.text.finder import Line
from roundel.text.reader import TesseractReader
from roundel.text.tesseract import Raw
from roundel.types import View

Says = Callable[[int, bool, str], tuple[str, float]]


class Engine:
    """Reads a line by the grey of its left column (the view it is from); a mirrored one has it on the right."""

    languages = ("eng", "rus")

    def __init__(self, says: Says) -> None:
        self.says, self.calls = says, 0

    def read(self, pictures: Sequence[NDArray[np.uint8]], languages: str) -> list[Raw]:
        self.calls += 1
        return [self._one(picture, languages) for picture in pictures]

    def _one(self, picture: NDArray[np.uint8], languages: str) -> Raw:
        mirrored = int(picture[0, -1]) < 200
        view = round(int(picture[0, -1 if mirrored else 0]) / 20)
        text, weight = self.says(view, mirrored, languages)
        return Raw(tuple(((letter, weight),) for letter in text))


@pytest.fixture(autouse=True)
def one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The finder proposes one line for each view, marked with the view's number."""

    def find(picture: NDArray[np.uint8], most: int) -> list[Line]:
        line = np.full((60, 120), 255, np.uint8)
        line[:, :40] = picture[0, 0, 0]
        return [Line(line, (20.0, 30.0, 60.0, 50.0), 18.0, 1.0)]

    monkeypatch.setattr(module, "find_lines", find)


def views(count: int) -> list[View]:
    """Views of 200 × 100 px, shown at half the size, of an object of 400 × 200 px at (100, 50)."""
    box = (100.0, 50.0, 500.0, 250.0)
    return [View(index / 2, box, box, 0.9, np.full((100, 200, 3), 20 * index, np.uint8), 1.0) for index in range(count)]


def read(says: Says, count: int = 4) -> list[tuple[str, int]]:
    return [(item.text, item.views) for item in TesseractReader(Engine(says)).read_object(views(count))]  # type: ignore[arg-type]


def test_what_several_views_agree_on_is_read_with_its_place_in_the_video() -> None:
    def says(view: int, mirrored: bool, _: str) -> tuple[str, float]:
        return ("as", 0.2) if mirrored else ("226" if view != 1 else "276", 0.9)

    (found,) = TesseractReader(Engine(says)).read_object(views(4))  # type: ignore[arg-type]
    assert (found.text, found.script, found.views, found.serial_like) == ("226", "Zyyy", 3, True)
    assert found.xyxy == (140.0, 110.0, 220.0, 150.0)
    assert found.alternatives[1] == (("2", 0.675), ("7", 0.225))
    assert found.confidence == 0.825


def test_a_single_view_has_to_be_sure() -> None:
    assert read(lambda *_: ("226", 0.75), 1) == []
    assert read(lambda view, mirrored, _: ("", 0) if mirrored else ("226", 0.9), 1) == [("226", 1)]
    assert read(lambda view, mirrored, _: ("", 0) if mirrored else ("22", 0.9), 1) == [], "too short to stand alone"


def test_a_reading_of_one_view_that_others_contradict_is_dropped() -> None:
    assert read(lambda view, mirrored, _: ("", 0) if view or mirrored else ("226", 0.95)) == []


def test_mirrored_writing_is_not_read() -> None:
    assert read(lambda view, mirrored, _: ("226", 0.9) if mirrored else ("ASS", 0.6)) == []


@pytest.mark.parametrize("text", ["III", "OO", "ass", "7", "2٢6", "ВA5"])
def test_what_noise_looks_like_is_refused(text: str) -> None:
    assert read(lambda *_: (text, 0.95)) == []


def test_the_language_that_is_surest_is_taken() -> None:
    def says(view: int, mirrored: bool, languages: str) -> tuple[str, float]:
        if mirrored:
            return "", 0.0
        return ("Б-14", 0.9) if "rus" in languages else ("5-14", 0.6)

    (found,) = TesseractReader(Engine(says)).read_object(views(3))  # type: ignore[arg-type]
    assert (found.text, found.script) == ("Б-14", "Cyrl")


def test_small_crops_and_objects_without_views_are_not_read() -> None:
    engine = Engine(lambda *_: ("226", 0.9))
    small = [
        View(view.seconds, view.xyxy, view.crop_xyxy, view.score, np.asarray(cv2.resize(view.crop, (90, 40))), 1.0)
        for view in views(3)
    ]
    assert TesseractReader(engine).read_object(small) == ()  # type: ignore[arg-type]
    assert TesseractReader(engine).read_object([]) == ()  # type: ignore[arg-type]


def test_a_caption_has_its_place_in_the_video() -> None:
    engine = Engine(lambda view, mirrored, _: ("", 0) if mirrored else ("SYRIA 2014", 0.95))
    (found,) = TesseractReader(engine).read_frame(np.zeros((100, 200, 3), np.uint8), 1.5, 0.5)  # type: ignore[arg-type]
    assert (found.text, found.seconds, found.xyxy) == ("SYRIA 2014", 1.5, (40.0, 60.0, 120.0, 100.0))
