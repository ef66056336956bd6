"""The section about footage that is shown again: its words, its pictures, and the heads of people in them."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from markupsafe import Markup
from numpy.typing import NDArray

from roundel.matching.exhibits import GAP_PX
from roundel.matching.geometry import WHOLE
from roundel.package import DETECTIONS
from roundel.record import MatchRecord
from roundel.report.heads import heads
from roundel.report.pictures import Picture
from roundel.report.proof_pictures import hide_beside, hide_in_overlay, in_frame
from roundel.report.render import environment
from roundel.report.shown_again import SharedView, Side, shared_view
from test_report import WORST, Page, rendered, video, with_findings

MIRROR = [[-1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
PICTURE = Picture(Markup("data:image/jpeg;base64,AAAA"), 320, 180)


def match(number: int = 1, **changes: Any) -> MatchRecord:
    values: dict[str, Any] = {
        "query": [20.0, 23.0],
        "reference": {"sha256": video(number).sha256, "range": [2.0, 5.0]},
        "mirrored": True,
        "method": "hashes and pixels",
        "inliers": 296,
        "verified_pairs": 8,
        "speed": 1.0,
        "slack_seconds": 0.0,
        "edits": ["mirrored", "overlay below"],
        "at_seconds": [21.0, 3.0],
        "transform": MIRROR,
        "overlay": "exhibits/t00001-1.png",
        "beside": "exhibits/t00002-1.png",
        "same_objects": [("t00002", "t00001"), ("t00006", "t00006"), ("t00007", "t00001")],
    }
    return MatchRecord(**{**values, **changes})


def shared(**changes: Any) -> tuple[str, Page]:
    """A match of two videos, shown by the macro alone."""
    sides = (
        Side("new.mp4", "In new.mp4", (20.0, 23.0), "new.mp4"),
        Side("old.mp4", "In old.mp4", (2.0, 5.0), "old.mp4"),
    )
    view = shared_view(match(**changes), sides, (PICTURE, PICTURE), anchor="m1", heading="Shared", means=("Meaning.",))
    return text_of(view)


def text_of(view: SharedView, level: int = 2) -> tuple[str, Page]:
    source = "{% from 'shared.html.j2' import shared with context %}{{ shared(view, level) }}"
    text = environment().from_string(source).render(view=view, level=level)
    return text, Page(text)


def test_a_repeat_is_told_with_its_proof_and_what_it_does_to_numbers(tmp_path: Path) -> None:
    text, page = rendered(tmp_path, with_findings(matches=[match()]))
    for said in (
        "Footage is shown again within this video, once: see Shown again .",
        "0:20.00 to 0:23.00 shows what 0:02.00 to 0:05.00 showed, mirrored",
        "Later range 0:20.00 to 0:23.00, 3 seconds, in shot 5 of 6",
        "Earlier range 0:02.00 to 0:05.00, 3 seconds, in shot 1 of 6",
        "Left and right exchanged: mirrored",
        "Speed no difference found",
        "Other differences something lies over the lower part of the picture in one of them",
        "8 pairs of pictures were compared and found to show the same.",
        "In the best of them, 0:21.00 and 0:03.00, 296 details of one picture lie in the other",
        "Method hashes and pixels",
        "One object therefore t00002 is t00001 , labelled armoured vehicle Under How many",
        "Orange: brighter in the later range . Blue: brighter in the earlier range . Grey: both agree.",
        "Except where footage is shown again , nothing is known about which sightings show the same object.",
        "Outlined bars of one number show the same footage.",
    ):
        assert said in page.text, said
    assert "copied" not in page.text
    ids = [attributes["id"] for _, attributes in page.tags if attributes.get("id")]
    assert len(ids) == len(set(ids))
    assert all((item["href"] or "")[1:] in ids for item in page.all("a") if (item["href"] or "").startswith("#"))
    levels = [level for level, _ in page.headings]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert text.count('<section class="shared"') == 1


def test_both_pictures_are_veiled_and_say_what_they_show(tmp_path: Path) -> None:
    text, page = rendered(tmp_path, with_findings(matches=[match()]))
    section = text[text.index('<section class="shared"') : text.index("<h3>Sightings")]
    assert section.count('<div class="exhibit"><img src="data:image/jpeg;base64,') == 2
    alts = [item["alt"] for item in page.all("img")]
    assert (
        "The picture of clip.mp4 at 0:21.00 and, laid over it, mirrored, that of clip.mp4 at 0:03.00, each in a "
        "colour; where they agree, it is grey" in alts
    )
    assert "Left, the picture of clip.mp4 at 0:21.00; right, that of clip.mp4 at 0:03.00; both as they are" in alts


def test_without_a_repeat_nothing_is_said_of_one(tmp_path: Path) -> None:
    _, page = rendered(tmp_path, with_findings(matches=[match(number=9)]))
    assert "Shown again" not in page.text, "a match with another video is no repeat"
    assert "Nothing is known about which sightings show the same object." in page.text


def test_a_repeat_that_pairs_no_counted_sighting_says_so(tmp_path: Path) -> None:
    _, page = rendered(tmp_path, with_findings(matches=[match(same_objects=[("t00006", "t00007")])]))
    assert "No sighting of the later range lies on one of the earlier range, so no number changes." in page.text
    assert "One object therefore" not in page.text
    assert "Except where" not in page.text


def test_many_repeats_stay_small_and_none_is_lost(tmp_path: Path) -> None:
    many = [match(query=[6.0 + n / 4, 6.2 + n / 4 + n / 1000], verified_pairs=1) for n in range(60)]
    text, page = rendered(tmp_path, with_findings(matches=many))
    assert text.count('<section class="shared"') == 6
    assert "60 times: see" in page.text
    assert page.text.count("showed, mirrored: exhibits/") == 40
    assert "14 more are listed in analysis.json, under matches." in page.text
    assert "1 pair of pictures was compared" in page.text


def test_the_record_of_the_picture_may_be_of_no_use(tmp_path: Path) -> None:
    flat = [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    away = match(query=[26.0, 29.0], overlay="exhibits/../roundel.toml")
    _, page = rendered(tmp_path, with_findings(matches=[match(transform=flat), away]))
    assert page.text.count("This picture cannot be shown.") == 4


def test_a_match_of_two_videos_is_told_by_their_names() -> None:
    text, page = shared(speed=1.1, slack_seconds=0.25, mirrored=False, edits=["bars", "cropped in the reference"])
    for said in (
        "In new.mp4 0:20.00 to 0:23.00, 3 seconds In old.mp4 0:02.00 to 0:05.00, 3 seconds May be off by 0.25 seconds "
        "either way, for the footage hardly moves.",
        "Left and right not exchanged",
        "1 second of new.mp4 shows 1.1 seconds of old.mp4",
        "bars surround the picture in new.mp4 old.mp4 shows only a part of the picture of new.mp4",
        "Orange: brighter in new.mp4 . Blue: brighter in old.mp4 .",
        "Meaning.",
    ):
        assert said in page.text, said
    assert page.headings == [(2, "")]
    assert "mirrored" not in text


def test_hostile_names_stay_text() -> None:
    bad = WORST.replace("\x00", "")
    sides = (Side(bad, bad, (0.0, 1.0), bad, bad), Side(bad, bad, (0.0, 1.0), bad))
    record = match(method=bad, edits=[bad], overlay=bad, beside=bad)
    text, page = text_of(shared_view(record, sides, (None, PICTURE), anchor="m1", heading=bad, means=(bad,)))
    assert "<script" not in text
    assert {tag for tag, _ in page.tags} <= {
        "section",
        "h2",
        "div",
        "figure",
        "img",
        "figcaption",
        "span",
        "i",
        "bdi",
        "code",
        "dl",
        "dt",
        "dd",
        "p",
    }
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert "\u202e" not in text


def noise() -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 255, (100, 200, 3), dtype=np.uint8)


def changed(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> list[int]:
    """Left, top, right, bottom of what differs."""
    rows, columns = np.nonzero((before != after).any(axis=2))
    return [int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())]


def test_heads_of_both_times_are_hidden_in_an_overlay_and_side_by_side() -> None:
    head = in_frame([(64.0, 36.0, 128.0, 72.0)], 640.0, 360.0)
    assert head == [(0.1, 0.1, 0.2, 0.2)]
    laid = noise()
    hide_in_overlay(laid, np.eye(3), head, [])
    assert changed(noise(), laid) == pytest.approx([20, 10, 40, 20], abs=2)
    laid = noise()
    hide_in_overlay(laid, np.array(MIRROR), [], head)
    assert changed(noise(), laid) == pytest.approx([160, 10, 180, 20], abs=2), "mapped into the picture of this time"
    both = np.concatenate([noise(), np.full((100, GAP_PX, 3), 128, np.uint8), noise()], axis=1)
    for this, other, left in ((head, [], 20), ([], head, 200 + GAP_PX + 20)):
        seen = both.copy()
        hide_beside(seen, (50, 100), this, other)
        assert changed(both, seen) == pytest.approx([left, 10, left + 20, 20], abs=2)
    hidden = laid[12:18, 162:178].reshape(-1, 3)
    assert len(np.unique(hidden, axis=0)) < len(hidden) / 3
    assert WHOLE == (0.0, 0.0, 1.0, 1.0)


def write_boxes(folder: Path, frames: Sequence[tuple[float, float]]) -> None:
    """A person at these times, whose box begins at this place on the left."""
    box = {"class": "person", "score": 0.9, "track": None, "scores": []}
    lines = [
        json.dumps({"seconds": seconds, "boxes": [{**box, "xyxy": [left, 0, left + 10, 100]}]})
        for seconds, left in frames
    ]
    with gzip.open(folder / DETECTIONS, "wt") as stream:
        stream.write("\n".join(lines))


def test_heads_around_a_moment_are_those_nearest_to_it_and_all_near_it(tmp_path: Path) -> None:
    write_boxes(tmp_path, [(1.0, 100), (2.0, 200), (2.75, 300), (3.25, 400), (3.75, 500), (9.0, 900)])
    found = heads(tmp_path, [2.0], [3.0, 6.0])
    assert list(found.at(2.0)) == [(200.0, 0.0, 210.0, 40.0)]
    assert not found.at(1.0), "not asked for"
    assert sorted(left for left, _, _, _ in found.around(3.0)) == [297.0, 397.0], "grown by 0.3 of the width"
    assert sorted(left for left, _, _, _ in found.around(6.0)) == [497.0, 897.0], "nothing is near: one on each side"
