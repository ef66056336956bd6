"""Footage that two videos share: found where it is, with what was done to it, and not found where there is none."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from moving_scenes import FPS, cropped, edited, encoded, footage, headlined, letterboxed, pan, turned, upright, within
from roundel.config import load
from roundel.errors import IntegrityError
from roundel.fingerprint.storage import STILLS, KeyframeWriter
from roundel.matching.candidates import HashIndex
from roundel.matching.comparing import Comparer
from roundel.matching.footage import Footage, from_package, from_video
from roundel.matching.match import match
from roundel.matching.model import Match
from roundel.matching.segments import LEAST_AGREEMENT, LEAST_INLIERS, LEAST_PAIRS, times

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from make_copies import EDITS, make_copies

Picture = np.ndarray
ORIGINAL = pan(1, 8)


@pytest.fixture(scope="module")
def index() -> HashIndex:
    return HashIndex([footage("original", ORIGINAL), footage("other", pan(2, 8)), footage("third", pan(3, 8))])


def only(found: list[Match], name: str = "original") -> Match:
    (one,) = found
    assert one.reference == name
    assert len(one.pairs) >= LEAST_PAIRS
    for pair in one.pairs:
        assert pair.inliers >= LEAST_INLIERS
        assert pair.agreement >= LEAST_AGREEMENT
    return one


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        (lambda item: item, ()),
        (np.fliplr, ("mirrored",)),
        (letterboxed, ("bars",)),
        (upright, ("bars",)),
        (cropped, ("cropped",)),
        (headlined, ("overlay below",)),
        (turned, ("rotated",)),
        (lambda item: cv2.resize(item, (320, 240)), ("stretched",)),
    ],
    ids=["nothing", "mirrored", "letterbox", "upright", "cropped", "headline", "turned", "stretched"],
)
def test_an_edited_copy_is_found_and_the_edit_named(
    index: HashIndex, edit: Callable[[Picture], Picture], named: tuple[str, ...]
) -> None:
    found = only(match(footage("copy", edited(ORIGINAL, edit)), index))
    assert found.query_seconds == pytest.approx((0, 8), abs=0.3)
    assert found.reference_seconds == pytest.approx((0, 8), abs=0.3)
    assert found.speed == 1
    assert found.mirrored == ("mirrored" in named)
    assert found.edits == named


@pytest.mark.parametrize("mirrored", [False, True])
def test_one_map_fits_all_pairs_of_a_copy_as_the_map_of_each_does(mirrored: bool) -> None:
    pictures = [np.ascontiguousarray(np.fliplr(item)) if mirrored else item for item in edited(ORIGINAL, letterboxed)]
    original, copy = footage("original", ORIGINAL), footage("copy", pictures)
    hits = HashIndex([original]).search(copy)[0]
    apart = np.abs(times(copy)[hits.query] - times(original)[hits.reference])
    hits = hits.select((apart < 0.05) & (hits.mirrored == mirrored))
    comparer = Comparer(copy, original)
    near = np.argsort(hits.distance, kind="stable")[:80:10]
    pairs = [pair for pair in (comparer.compare(hits, int(number)) for number in near) if pair is not None]
    together = comparer.on_one_map(pairs)
    assert len(together) == len(pairs) >= LEAST_PAIRS
    assert len({pair.transform for pair in together}) == 1
    for alone, joint in zip(pairs, together, strict=True):
        assert joint.inliers >= 0.8 * alone.inliers
        assert joint.agreement >= LEAST_AGREEMENT
        assert np.array(joint.transform) == pytest.approx(np.array(alone.transform), abs=0.05)


def test_a_part_cut_into_another_video_is_found_where_it_is(index: HashIndex) -> None:
    pictures = pan(8, 2) + ORIGINAL[20:60] + pan(9, 2)
    found = only(match(footage("news", pictures, cuts=(20, 60)), index))
    assert found.query_seconds == pytest.approx((2, 6), abs=0.15)
    assert found.reference_seconds == pytest.approx((2, 6), abs=0.3)


def test_which_of_the_two_is_searched_makes_no_difference() -> None:
    news = footage("news", pan(8, 2) + edited(ORIGINAL[20:60], letterboxed_to_size) + pan(9, 2), cuts=(20, 60))
    there = only(match(news, HashIndex([footage("original", ORIGINAL)])))
    back = only(match(footage("original", ORIGINAL), HashIndex([news])), "news")
    assert there.query_seconds == pytest.approx(back.reference_seconds, abs=0.3)
    assert there.reference_seconds == pytest.approx(back.query_seconds, abs=0.3)
    assert there.edits == ("bars", "stretched")
    assert back.edits == ("bars in the reference", "stretched")


def letterboxed_to_size(picture: Picture) -> Picture:
    return cv2.resize(letterboxed(picture), (320, 180), interpolation=cv2.INTER_AREA)


def test_a_frame_within_the_frame_is_found_and_so_is_its_host(index: HashIndex) -> None:
    found = match(footage("reaction", within(pan(2, 8), ORIGINAL)), index)
    assert {item.reference for item in found} == {"original", "other"}
    inset = next(item for item in found if item.reference == "original")
    assert inset.query_seconds == pytest.approx((0, 8), abs=0.6)
    assert inset.edits == ("picture-in-picture",)


@pytest.mark.parametrize("speed", [0.9, 1.1, 1.25])
def test_another_speed_is_found(index: HashIndex, speed: float) -> None:
    length = round(len(ORIGINAL) / speed) - 1
    pictures = [ORIGINAL[round(number * speed)] for number in range(length)]
    found = only(match(footage("fast", pictures), index))
    assert found.speed == pytest.approx(speed, abs=0.02)
    assert found.query_seconds == pytest.approx((0, length / FPS), abs=0.4)
    assert found.edits == (("faster",) if speed > 1 else ("slower",))


def test_unrelated_footage_is_not_found(index: HashIndex) -> None:
    for seed in range(40, 46):
        assert match(footage("stranger", pan(seed, 4)), index) == []


def test_a_repeat_in_one_video_is_found_once_and_a_shot_is_no_repeat_of_itself() -> None:
    pictures = pan(5, 3, speed=5) + pan(6, 3) + edited(pan(5, 3, speed=5), np.fliplr)
    video = footage("one", pictures, cuts=(30, 60))
    video = Footage("one", video.keyframes, video.still, ((0.0, 3.0), (3.0, 6.0), (6.0, 9.0)))
    found = only(match(video, HashIndex([video])), "one")
    assert found.mirrored
    assert found.query_seconds == pytest.approx((6, 9), abs=0.4)
    assert found.reference_seconds == pytest.approx((0, 3), abs=0.4)


def test_footage_that_does_not_move_says_how_sure_its_place_is() -> None:
    still = [pan(4, 0.1)[0]] * 100
    found = only(match(footage("part", still[:30]), HashIndex([footage("original", still)])))
    assert found.reference_seconds[1] - found.reference_seconds[0] == pytest.approx(3, abs=0.4)
    assert found.slack_seconds > 1


def test_whole_shots_are_placed_by_their_cuts_where_footage_hardly_moves() -> None:
    shot = pan(5, 3, speed=1)
    film = HashIndex([footage("film", pan(8, 2) + shot + pan(9, 2), cuts=(20, 50))])
    copy = edited(shot, np.fliplr)
    found = only(match(footage("news", pan(7, 1) + copy + pan(6, 1), cuts=(10, 40)), film), "film")
    assert found.query_seconds == pytest.approx((1, 4), abs=0.05)
    assert found.reference_seconds == pytest.approx((2, 5), abs=0.05)


def test_a_part_of_a_shot_is_not_stretched_to_its_cuts() -> None:
    shot = pan(5, 4)
    film = HashIndex([footage("film", pan(8, 2) + shot + pan(9, 2), cuts=(20, 60))])
    found = only(match(footage("news", pan(7, 1) + shot[3:33] + pan(6, 1), cuts=(10, 40)), film), "film")
    assert found.query_seconds == pytest.approx((1, 4), abs=0.05)
    assert found.reference_seconds == pytest.approx((2.3, 5.3), abs=0.15)


def test_the_same_comes_out_every_time(index: HashIndex) -> None:
    copy = footage("copy", edited(ORIGINAL, headlined))
    assert match(copy, index) == match(copy, index)


def test_packages_are_enough_and_damaged_ones_are_named(tmp_path: Path) -> None:
    for name, pictures in (("copy", edited(ORIGINAL, letterboxed)), ("original", ORIGINAL)):
        (tmp_path / name).mkdir()
        writer = KeyframeWriter(tmp_path / name)
        made = footage(name, pictures)
        for keyframe in made.keyframes:
            writer.add(keyframe, made.still(keyframe.ref))
        writer.close()
    index = HashIndex([from_package(tmp_path / "original", "original")])
    found = only(match(from_package(tmp_path / "copy", "copy"), index))
    assert found.query_seconds == pytest.approx((0, 8), abs=0.3)
    (tmp_path / "copy" / STILLS).unlink()
    with pytest.raises(IntegrityError, match=STILLS):
        from_package(tmp_path / "copy", "copy")


def test_copies_made_by_ffmpeg_are_found_at_their_true_times(tmp_path: Path) -> None:
    clips = [encoded(pan(seed, 7), tmp_path / f"clip{seed}.mp4") for seed in (11, 12)]
    config = load().media
    index = HashIndex([from_video(path, config) for path in clips])
    copies = make_copies(clips[:1], tmp_path / "copies", ("160 pixels", "logo", "speed 1.1"))
    copies += [make_copies(clips, tmp_path / "more", ("5 s cut in",))[0]]
    for copy in copies:
        folder = "more" if copy.edit == "5 s cut in" else "copies"
        found = [
            item
            for item in match(from_video(tmp_path / folder / copy.file, config), index)
            if item.reference == copy.source
        ]
        assert len(found) == 1, copy.edit
        assert found[0].query_seconds == pytest.approx(copy.copy, abs=0.5), copy.edit
        assert found[0].reference_seconds == pytest.approx(copy.original, abs=0.5), copy.edit
        assert found[0].speed == pytest.approx(copy.speed, abs=0.03)
    assert set(EDITS) >= {copy.edit for copy in copies}
