"""The two demo clips: what both show is found where it is, its objects are one each, and the report shows it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import pytest

from roundel import case as cases
from roundel import job
from roundel.cli.demo import DEMO_CLIP, REPOST, TRUTHS
from roundel.config import load
from roundel.detect import load_detector
from roundel.record import Analysis, FootageMatch
from roundel.recycled.find import Found, Reference
from roundel.recycled.run import match_case
from roundel.recycled.sources import CaseVideos
from roundel.report.render import render_case

Demo = tuple[Path, dict[str, Analysis], Found]
TRUTH: dict[str, dict[str, Any]] = {clip.name: json.loads(path.read_text("utf-8")) for clip, path in TRUTHS.items()}
COPIED = TRUTH[REPOST.name]["copied"]
SHOWN_BY = {"mirrored": "mirrored", "cropped": "cropped", "overlay below": "headline below",
            "overlay in a corner": "sign in a corner"}  # fmt: skip


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """Both clips in one case, without types and writing, and what they share."""
    case = tmp_path_factory.mktemp("demo") / "case"
    settings = load(None, {"types": {"engine": "off"}, "text": {"engine": "off"}})
    cases.create(case, settings)
    outcomes = list(job.run([DEMO_CLIP, REPOST], case, settings, load_detector(settings.detector)))
    analyses = {outcome.path.name: outcome.analysis for outcome in outcomes if outcome.analysis is not None}
    (found,) = match_case(CaseVideos(case), [Reference(case)])
    assert isinstance(found, Found)
    return case, analyses, found


def only(demo: Demo) -> FootageMatch:
    (match,) = demo[2].matches.matches
    return match


def test_the_copied_shot_is_found_at_its_place_in_both_and_its_edits_are_named(demo: Demo) -> None:
    _, _, found = demo
    assert (found.matches.query.names, found.matches.reference.names) == ([REPOST.name], [DEMO_CLIP.name])
    match = only(demo)
    assert match.query == pytest.approx(COPIED["seconds"], abs=0.5)
    assert match.reference.range == pytest.approx(COPIED["source_seconds"], abs=0.5)
    assert match.mirrored
    assert match.speed == 1
    assert {"mirrored", "overlay below"} <= set(match.edits) <= SHOWN_BY.keys()
    assert {SHOWN_BY[edit] for edit in match.edits} <= set(COPIED["edits"])


def test_the_objects_of_the_copied_shot_are_one_each(demo: Demo) -> None:
    _, analyses, _ = demo
    pairs = [
        (seen_as(analyses[REPOST.name], one), seen_as(analyses[DEMO_CLIP.name], other))
        for one, other in only(demo).same_objects
    ]
    assert sorted(pairs) == [(name, name) for name in COPIED["objects"]]
    real, both = TRUTH[REPOST.name]["distinct"], TRUTH[REPOST.name]["distinct_in_both_videos"]
    added = sum(analysis.counts["armoured_vehicle"].lower for analysis in analyses.values())
    assert added - len(pairs) == both["armoured_vehicle"] == 2
    assert all(analyses[REPOST.name].counts[name].lower <= number for name, number in real.items())


def seen_as(analysis: Analysis, track: str) -> str:
    """The true object that most of a track's best view covers."""
    truth = TRUTH[analysis.video.names[0]]
    view = next(item for item in analysis.tracks if item.id == track).views[0]
    frame = 5 * round(view.seconds * truth["fps"] / 5)
    near = [box for box in truth["boxes"] if box["frame"] == frame]
    return str(max(near, key=lambda box: shared(view.xyxy, box["xyxy"]))["object"])


def shared(one: list[float], other: list[float]) -> float:
    width, height = (min(one[end], other[end]) - max(one[end - 2], other[end - 2]) for end in (2, 3))
    return max(0.0, width) * max(0.0, height)


def test_its_pictures_are_kept(demo: Demo) -> None:
    case, _, found = demo
    folder = case / "matches" / found.matches.id
    for name in (only(demo).overlay, only(demo).beside):
        picture = cv2.imread(str(folder / name))
        assert picture is not None
        assert picture.std() > 10
    assert list(cases.problems(case)) == []


def test_the_report_shows_it_with_both_videos_and_the_pictures_once(demo: Demo) -> None:
    case, _, found = demo
    page = render_case(case).read_text(encoding="utf-8")
    assert page.count(">Also in other videos</h3>") == 2
    first, second = page.split('id="v2-elsewhere"')
    said = "of repost.mp4 shows what 0:00.00 to 0:03.80 of clip.mp4 shows, mirrored"
    assert f'0:03.20 to 0:07.00 {said}: <a href="#v2-e1">the pictures</a>' in first
    assert f'<h4 id="v2-e1" tabindex="-1">0:03.20 to 0:07.00 {said}</h4>' in second
    section = second.partition("<h3>")[0]
    assert section.count('<div class="exhibit"><img src="data:image/jpeg;base64,') == 2
    assert f"matches/{found.matches.id}/overlay-1.png" in section
    assert section.count(", labelled armoured vehicle<") == len(COPIED["objects"])
    assert "Which of the two was public first is not known" in section
    assert "nobody may add them up" in section
    assert render_case(case).read_text(encoding="utf-8") == page
