"""``roundel search``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest

from conftest import FakeDetector
from roundel import case as cases
from roundel import custody, identify
from roundel.config import Config
from small_case import analyse
from test_report import Page
from test_search import (
    RED,
    ColourEmbedder,
    add_package,
    caption,
    coloured,
    painted,
    reading,
    track,
    video,
    with_findings,
)

Call = Callable[..., Any]


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> ColourEmbedder:
    """The network of all calls in a test."""
    by = ColourEmbedder()
    monkeypatch.setattr(identify, "shipped_embedder", lambda: by)
    return by


@pytest.fixture
def case(tmp_path: Path, clip: Path) -> Path:
    """A clip with two objects, a coloured vehicle, and one with a marking."""
    folder = tmp_path / "case"
    analyse(folder, clip)
    add_package(folder, *coloured(1, {"t00001": (RED, RED)}))
    tracks = [track("t00001", readings=[reading("226")], posterior_calibrated=True)]
    found = with_findings(
        video=video(2, ["[bold]x[/] \x1b[31m.mp4"]), tracks=tracks, counts={}, captions=[caption("[red]226 NEWS")]
    )
    add_package(folder, found, {"exhibits/t00001-1.png": painted((90, 90, 90))})
    return folder


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "query [1].png"
    cv2.imwrite(str(path), painted(RED, 5))
    return path


def test_sightings_are_listed_by_similarity(case: Path, picture: Path, call: Call, network: ColourEmbedder) -> None:
    said = call("search", "--image", picture, "--case", case, "--whole")
    assert (said.code, "the whole picture was compared, as asked for" in said.err) == (0, True)
    assert "pictures of sightings are looked at for the first time" in said.err
    first, *_, last = said.out.splitlines()
    assert first.split()[:2] == ["1", "1.000"]
    assert "video 1.mp4" in first
    assert "Similarity is no identity and no probability" in last
    again = call("search", "--image", picture, "--case", case, "--whole", "--quiet")
    assert (again.out, again.err) == (said.out, "")
    assert call("verify", case).code == 0


def test_json_holds_all_that_a_program_needs(case: Path, picture: Path, call: Call, network: ColourEmbedder) -> None:
    found = json.loads(call("search", "--image", picture, "--case", case, "--whole", "--json", "--quiet").out)
    assert found["vectors_made"] == found["pictures"] > 2
    assert found["network"] == identify.shipped_embedder_name()
    best = found["hits"][0]
    assert best["similarity"] > 0.999
    assert (case / best["package"] / best["exhibit"]).is_file()
    assert best["sighting"]["class"] == "armoured_vehicle"
    assert best["sighting"]["probability"] is None, "it was not calibrated"
    assert best["names"] == ["video 1.mp4"]
    assert json.loads(call("search", "--image", picture, "--case", case, "--whole", "--json").out)["vectors_made"] == 0
    few = json.loads(call("search", "--image", picture, "--case", case, "--whole", "--json", "--limit", "1").out)
    assert [hit["package"] for hit in few["hits"]] == [best["package"]]


def test_the_detector_finds_the_object_in_a_photograph(
    case: Path, tmp_path: Path, call: Call, network: ColourEmbedder, fake: FakeDetector
) -> None:
    wide = tmp_path / "wide.png"
    cv2.imwrite(str(wide), cv2.copyMakeBorder(painted(RED), 60, 60, 200, 200, cv2.BORDER_CONSTANT, value=(90, 90, 90)))
    fake.find = lambda _: [((200.0, 60.0, 290.0, 120.0), "armoured_vehicle", 0.9)]
    found = call("search", "--image", wide, "--case", case, "--json")
    assert "the one object that stands out in it was compared; --whole compares the whole picture" in found.err
    box = json.loads(found.out)["image"]["object_box"]
    assert box == pytest.approx([200 / 490, 60 / 180, 290 / 490, 120 / 180])


def test_words_are_found_and_cases_searched_together(case: Path, tmp_path: Path, clip2: Path, call: Call) -> None:
    other = tmp_path / "other"
    analyse(other, clip2)
    said = call("search", "--text", "22?", "--from", "0", "--case", case, "--case", other, "--case", case)
    assert (said.code, said.err) == (0, "")
    assert [line.split(":")[0] for line in said.out.splitlines()] == ["reading", "caption"]
    assert "\x1b" not in said.out
    assert "[bold]x[/]" in said.out
    assert "caption: [red]226 NEWS" in said.out
    names = json.loads(call("search", "--text", "cli-*", "--case", case, "--case", other, "--json").out)["hits"]
    assert sorted(Path(hit["case"]).name for hit in names) == ["case", "other"]
    probability = json.loads(call("search", "--text", "226", "--case", case, "--json").out)["hits"][0]["sighting"]
    assert probability["probability"] == 0.97


def test_nothing_found_is_no_error(case: Path, picture: Path, call: Call, network: ColourEmbedder) -> None:
    said = call("search", "--text", "qqq", "--case", case)
    assert (said.code, "that is no proof" in said.out) == (0, True)
    assert call("search", "--image", picture, "--whole", "--case", case, "--class", "warship").code == 0


def test_pages_are_written_beside_cases(
    case: Path, picture: Path, tmp_path: Path, call: Call, network: ColourEmbedder
) -> None:
    log = list(custody.read(case))
    for name, asked in (("a.html", ("--image", picture, "--whole")), ("b.html", ("--text", "226"))):
        said = call("search", *asked, "--case", case, "--page", tmp_path / name)
        assert (said.code, said.out.splitlines()[-1]) == (0, f"Page: {tmp_path / name}")
        page = Page((tmp_path / name).read_text(encoding="utf-8"))
        assert page.all("img")
        assert not any("checked" in item for item in page.all("input")), "pictures are veiled"
    said = call("search", "--text", "226", "--case", case, "--page", tmp_path / "c.html", "--previews", "clear")
    assert any("checked" in item for item in Page((tmp_path / "c.html").read_text(encoding="utf-8")).all("input"))
    assert list(custody.read(case)) == log
    assert call("verify", case).code == 0
    inside = call("search", "--text", "226", "--case", case, "--page", case / "report" / "x.html")
    assert (inside.code, "whose files are evidence" in inside.err) == (2, True)


@pytest.mark.parametrize(("arguments", "said"), [
    ((), "give either --image FILE or --text WORDS"),
    (("--text", "a", "--image", "x.png"), "give either --image FILE or --text WORDS"),
    (("--text", "a", "--whole"), "--whole: belongs to --image"),
    (("--text", "a", "--class", "tank"), "--class tank: is no class"),
    (("--text", "a", "--from", "9", "--to", "1"), "--to 1: is before --from 9"),
    (("--text", "a", "--limit", "0"), "--limit 0"),
    (("--text", "--"), "holds no letter and no digit"),
    (("--text", "a", "--page", "x.png"), "give one that ends in .html"),
    (("--image", "missing.png", "--whole"), "missing.png: cannot be read: No such file"),
])  # fmt: skip
def test_wrong_usage_ends_with_2(case: Path, call: Call, arguments: tuple[str, ...], said: str) -> None:
    ended = call("search", *arguments, "--case", case)
    assert (ended.code, ended.out, said in ended.err) == (2, "", True), ended.err


def test_a_folder_that_is_no_case_is_refused_before_anything_is_loaded(
    tmp_path: Path, picture: Path, call: Call, network: ColourEmbedder
) -> None:
    for asked in (("--image", picture), ("--text", "226")):
        said = call("search", *asked, "--case", tmp_path / "none")
        assert (said.code, "is no case" in said.err) == (2, True)
    assert network.pictures == 0
    assert not (tmp_path / "none").exists()


def test_changed_evidence_ends_with_3(case: Path, picture: Path, call: Call, network: ColourEmbedder) -> None:
    changed = next(path for path in case.glob("videos/*/*/exhibits/*.png") if f"{1:064x}" in str(path))
    cv2.imwrite(str(changed), painted((1, 2, 3)))
    for _ in range(2):
        said = call("search", "--image", picture, "--whole", "--case", case)
        assert (said.code, said.out, "was changed" in said.err) == (3, "", True)
    assert call("search", "--text", "video 1", "--case", case).code == 3


def test_packages_that_the_log_does_not_mention_are_not_searched_and_named(
    case: Path, tmp_path: Path, call: Call
) -> None:
    stranger = tmp_path / "stranger"
    cases.create(stranger, Config())
    analysis, pictures = coloured(5, {"t00001": (RED,)})
    made = add_package(stranger, analysis, pictures)
    target = case / made.relative_to(stranger)
    shutil.copytree(made.parent, target.parent)
    said = call("search", "--text", "226", "--case", case)
    assert (said.code, f"{target}: was not searched" in said.err) == (0, True)
    assert json.loads(call("search", "--text", "226", "--case", case, "--json").out)["left_out"] == [str(target)]


def test_a_case_whose_index_is_written_by_another_run_says_so(case: Path, call: Call) -> None:
    from roundel.disk import locked

    with locked(case / f".{cases.INDEX}.lock", "busy"):
        said = call("search", "--text", "226", "--case", case)
    assert (said.code, "is being written by another run" in said.err) == (2, True)
