"""The stop-list: plain pictures of unrelated videos are stopped, and nothing that could be evidence."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from roundel.archive.index import FOLDER
from roundel.archive.learning import learn_stops
from roundel.archive.search import open_index
from roundel.archive.stops import FILE, flat_share
from roundel.config import load
from roundel.errors import IntegrityError
from roundel.fingerprint.keyframes import Keyframe, fingerprints
from roundel.fingerprint.layout import Layout
from roundel.fingerprint.storage import FINGERPRINTS, KeyframeWriter
from roundel.matching.footage import from_video
from roundel.types import FrameRef, Timestamp
from small_archive import answer, footage, put

Picture = np.ndarray


def scene(seed: int) -> Picture:
    """A picture with texture everywhere."""
    rng = np.random.default_rng(seed)
    picture = np.full((144, 192), 120.0, np.float32)
    for size in (3, 6, 12, 24, 96):
        coarse = rng.normal(0, 1, (size, size)).astype(np.float32)
        picture += 18 * cv2.resize(coarse, (192, 144), interpolation=cv2.INTER_CUBIC)
    return np.clip(picture, 16, 235).astype(np.uint8)


def card(text: str) -> Picture:
    """A title card."""
    picture = np.full((144, 192), 40, np.uint8)
    cv2.putText(picture, text, (8, 80), cv2.FONT_HERSHEY_DUPLEX, 1.1, 220, 2)
    cv2.rectangle(picture, (8, 100), (120, 108), 200, -1)
    return picture


def compressed(picture: Picture, quality: int) -> Picture:
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)


def keyframes(*pictures: Picture) -> tuple[Keyframe, ...]:
    return tuple(
        Keyframe(FrameRef(12 * number, Timestamp(number, Fraction(1, 2))), number == 0, fingerprints(picture, Layout()))
        for number, picture in enumerate(pictures)
    )


def video(case: Path, name: str, *pictures: Picture) -> str:
    """A package with these pictures, compressed as each upload is."""
    quality = 60 + sum(name.encode()) % 35
    seen = [compressed(picture, quality) for picture in pictures]
    made = keyframes(*seen)
    place = put(case, name, made)
    (case / place / FINGERPRINTS).unlink()
    writer = KeyframeWriter(case / place)
    for keyframe, picture in zip(made, seen, strict=True):
        writer.add(keyframe, picture)
    writer.close()
    return place


@pytest.fixture
def case(tmp_path: Path) -> Path:
    (tmp_path / "case" / "videos").mkdir(parents=True)
    return tmp_path / "case"


def test_a_card_of_unrelated_videos_is_stopped_and_other_matches_stay(case: Path) -> None:
    places = [video(case, f"v{number}", card("NEWS 24"), scene(number), scene(100 + number)) for number in range(6)]
    index = open_index(case)
    index.refresh()
    query = footage("query", keyframes(scene(300), card("NEWS 24"), scene(3)))
    assert answer(index.search(query)).keys() == set(places)
    (stop,) = learn_stops([index])
    assert (stop.videos, stop.unrelated) == (6, 6)
    assert "6 videos show it" in stop.reason
    assert index.stops() == (stop,)
    after = answer(index.search(query))
    assert after.keys() == {places[3]}
    assert {row[0] for row in after[places[3]]} == {2}, "the scene is left, not the card"
    index.refresh()
    assert index.stops() == (stop,), "a renewal keeps the list"


def test_what_many_videos_show_is_not_stopped_if_it_could_be_evidence(case: Path) -> None:
    photograph, event = scene(500), [scene(600 + number) for number in range(3)]
    for number in range(6):
        video(case, f"photo{number}", photograph, scene(number))
        video(case, f"again{number}", scene(200 + number), card("LIVE"), *event)
    index = open_index(case)
    index.refresh()
    assert learn_stops([index]) == ()
    assert len(answer(index.search(footage("query", keyframes(photograph, *event))))) == 12


def test_another_card_in_common_does_not_make_videos_related(case: Path) -> None:
    for number in range(5):
        video(case, f"v{number}", card("NEWS 24"), scene(number), card("THE END"))
    video(case, "once more", card("NEWS 24"), scene(4), card("THE END"))
    index = open_index(case)
    index.refresh()
    stops = learn_stops([index])
    assert [(stop.videos, stop.unrelated) for stop in stops] == [(6, 5), (6, 5)]
    assert learn_stops([index], least_videos=6) == ()
    assert index.stops() == ()


def test_the_list_is_learned_over_several_cases(case: Path, tmp_path: Path) -> None:
    cases = [case, tmp_path / "second"]
    (cases[1] / "videos").mkdir(parents=True)
    for number in range(6):
        video(cases[number % 2], f"v{number}", card("NEWS 24"), scene(number))
    indexes = [open_index(path) for path in cases]
    for index in indexes:
        index.refresh()
    assert learn_stops(indexes[:1]) == ()
    (stop,) = learn_stops(indexes)
    assert stop.videos == 6
    assert indexes[0].stops() == indexes[1].stops() == (stop,)


def test_nothing_is_learned_from_nothing(case: Path) -> None:
    assert learn_stops([]) == learn_stops([open_index(case)]) == ()


@pytest.mark.parametrize("text", ["{", '[{"hashes": ["pdq:12"]}]', '[{"package": "x"}]', "[1]"])
def test_a_damaged_list_is_said(case: Path, text: str) -> None:
    video(case, "v", scene(1))
    index = open_index(case)
    index.refresh()
    (case / FOLDER / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(IntegrityError, match="learn the stop-list again"):
        list(index.search(footage("query", ())))


def test_the_list_can_be_read_by_people(case: Path) -> None:
    for number in range(5):
        video(case, f"v{number}", card("NEWS 24"), scene(number))
    index = open_index(case)
    index.refresh()
    learn_stops([index])
    (said,) = json.loads((case / FOLDER / FILE).read_text(encoding="utf-8"))
    assert len(said["hashes"]) >= 3
    assert all(text.startswith("pdq:") for text in said["hashes"])


def test_flat_share_tells_cards_from_scenes() -> None:
    assert flat_share(card("NEWS 24")) > 0.6
    assert flat_share(compressed(card("NEWS 24"), 40)) > 0.5
    assert flat_share(scene(1)) < 0.05
    bars = np.repeat(np.linspace(16, 235, 8).astype(np.uint8), 24)[None].repeat(144, axis=0)
    assert flat_share(bars) > 0.5


@pytest.mark.real_media
def test_footage_of_the_ground_is_not_flat(shared: Path) -> None:
    for name in ("lav", "convoy_from_air"):
        clip = from_video(shared / "media" / "real" / f"{name}.mp4", load().media)
        assert max(flat_share(clip.still(item.ref)) for item in clip.keyframes) < 0.5, name
