"""Search: what was made stays right, nothing typed is syntax, and no picture from a stranger does harm."""

from __future__ import annotations

import itertools
import shutil
import sqlite3
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from conftest import FakeDetector
from roundel import case as cases
from roundel import custody, index, package
from roundel.config import Config
from roundel.errors import IntegrityError, UsageError
from roundel.identify import shipped_embedder, shipped_embedder_name
from roundel.identify.embed import Embedded
from roundel.images import MOST_PIXELS
from roundel.index import folding, written
from roundel.record import Analysis, CaptionRecord, Exhibit, ReadingRecord, TrackRecord
from roundel.report.pictures import Picture
from roundel.report.search import check_page, picture_page, words_page, write_page
from roundel.search import vectors
from roundel.search.likeness import Ranked, alike
from roundel.search.model import Filters, Found
from roundel.search.query import read_query
from roundel.search.vectors import Network
from roundel.search.writing import find
from test_report import HOSTILE, Page, track, video, with_findings

Image = NDArray[np.uint8]
RED, GREEN, BLUE = (30, 30, 220), (40, 200, 40), (220, 60, 30)
Call = Callable[..., Path]


class ColourEmbedder:
    """The vector of a picture is its mean colour; counts what it was given."""

    def __init__(self) -> None:
        self.pictures = 0

    def embed(self, crops: Sequence[Image]) -> Embedded:
        self.pictures += len(crops)
        found = np.stack([crop.reshape(-1, 3).mean(axis=0) - 128 for crop in crops])
        rows = found / np.linalg.norm(found, axis=1, keepdims=True)
        return Embedded(rows.astype(np.float32), np.zeros((len(crops), 1000), np.float32))


def painted(colour: tuple[int, int, int], seed: int = 0) -> Image:
    noise = np.random.default_rng(seed).integers(-20, 20, (60, 90, 3))
    return np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)


def add_package(case: Path, analysis: Analysis, pictures: dict[str, Image], name: str = "0" * 16) -> Path:
    """A package with these pictures, noted in the custody log as received and analysed."""
    target = package.location(case, analysis.video.sha256, name)
    target.parent.mkdir(parents=True, exist_ok=True)
    writer = package.PackageWriter(target)
    for file, picture in pictures.items():
        writer.picture(file.removeprefix("exhibits/"), picture)
    made = [Exhibit(file=file, derived_from=analysis.video.sha256, seconds=0.0, method="test") for file in pictures]
    manifest = writer.commit(analysis.model_copy(update={"exhibits": made}))
    for received in analysis.video.names:
        custody.append(case, "received", analysis.video.sha256, {"name": received, "path": f"/in/{received}"})
    custody.append(
        case, cases.ANALYSED, target.relative_to(case).as_posix(),
        {"manifest_sha256": manifest, "video": analysis.video.sha256},
    )  # fmt: skip
    return target


def coloured(
    number: int, colours: dict[str, tuple[tuple[int, int, int], ...]], **classes: str
) -> tuple[Analysis, dict[str, Image]]:
    """A video with one sighting for each entry, a picture for each colour."""
    tracks = [
        track(name, classes.get(name, "armoured_vehicle"), pictures=len(shades), start_seconds=float(place * 10),
              end_seconds=float(place * 10 + 3))
        for place, (name, shades) in enumerate(colours.items())
    ]  # fmt: skip
    pictures = {
        view.file: painted(shade, number * 100 + place)
        for item, shades in zip(tracks, colours.values(), strict=True)
        for place, (view, shade) in enumerate(zip(item.views, shades, strict=True))
    }
    found = with_findings(video=video(number, [f"video {number}.mp4"]), tracks=tracks, counts={})
    return found, pictures


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """Two videos: a red and a green vehicle, then a blue aircraft and a vehicle that is green and red by turns."""
    folder = tmp_path / "case"
    cases.create(folder, Config())
    add_package(folder, *coloured(1, {"t00001": (RED, RED), "t00002": (GREEN,)}))
    add_package(folder, *coloured(2, {"t00001": (BLUE,), "t00002": (GREEN, RED)}, t00001="helicopter"))
    return folder


def search(case: Path, picture: Image, by: ColourEmbedder | None = None, **filters: object) -> Ranked:
    network = Network("fake/1", by or ColourEmbedder())
    return alike([case], picture, network, Filters(**filters), lambda _: lambda done, total: None)  # type: ignore[arg-type]


def told(ranked: Ranked) -> list[tuple[str, str]]:
    return [(hit.place.analysis.video.names[0], hit.track) for hit in ranked.hits]


def test_a_sighting_is_as_similar_as_its_most_similar_picture(case: Path) -> None:
    ranked = search(case, painted(RED, 77))
    assert set(told(ranked)[:2]) == {("video 1.mp4", "t00001"), ("video 2.mp4", "t00002")}
    assert (ranked.sightings, ranked.pictures, ranked.made) == (4, 6, 6)
    second = next(
        hit for hit in ranked.hits if (hit.place.analysis.video.names[0], hit.track) == ("video 2.mp4", "t00002")
    )
    assert second.file == "exhibits/t00002-2.png", "the red one of its two pictures"
    assert [hit.similarity for hit in ranked.hits] == sorted((hit.similarity for hit in ranked.hits), reverse=True)
    assert ranked.hits[1].similarity > 0.99
    assert ranked.hits[2].similarity < 0.9


def test_class_and_time_narrow_what_is_compared(case: Path) -> None:
    assert told(search(case, painted(RED), node="aircraft")) == [("video 2.mp4", "t00001")]
    assert {name for _, name in told(search(case, painted(RED), since_seconds=9.0))} == {"t00002"}
    assert {name for _, name in told(search(case, painted(RED), until_seconds=5.0))} == {"t00001"}
    assert search(case, painted(RED), since_seconds=500.0).hits == ()
    assert len(search(case, painted(RED), limit=1).hits) == 1


def test_filters_that_can_find_nothing_are_refused() -> None:
    for wrong in ({"node": "tnak"}, {"since_seconds": 5.0, "until_seconds": 1.0}, {"limit": 0}, {"limit": 10**6}):
        with pytest.raises(UsageError):
            Filters(**wrong)  # type: ignore[arg-type]


def test_vectors_are_made_once_and_follow_the_packages(case: Path, tmp_path: Path) -> None:
    by = ColourEmbedder()
    assert search(case, painted(RED), by).made == 6
    assert (search(case, painted(RED), by).made, by.pictures) == (0, 8)
    added = add_package(case, *coloured(3, {"t00001": (BLUE, RED)}))
    assert search(case, painted(RED), by).made == 2
    grown = kept(case)
    vectors.remove(case)
    (case / cases.INDEX).unlink()
    assert search(case, painted(RED), by).made == 8
    assert kept(case) == grown, "incremental and rebuilt are the same"
    added.rename(tmp_path / "taken out")
    assert search(case, painted(RED), by).made == 0
    assert len(kept(case)) == 6, "vectors of pictures that are gone are forgotten"
    other = alike([case], painted(RED), Network("fake/2", by), Filters(), lambda _: lambda done, total: None)
    assert other.made == 6, "another network makes other vectors"


def kept(case: Path) -> list[tuple[str, str, bytes]]:
    with sqlite3.connect(case / cases.VECTORS) as store:
        return sorted(store.execute("SELECT network, sha256, vector FROM vector"))


def test_an_interrupted_search_goes_on_where_it_was(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "AT_ONCE", 2)

    def stop(done: int, total: int) -> None:
        if done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        alike([case], painted(RED), Network("fake/1", ColourEmbedder()), Filters(), lambda _: stop)
    assert len(kept(case)) == 4
    assert search(case, painted(RED)).made == 2
    assert list(cases.problems(case)) == [], "index and vectors are no evidence"


@pytest.mark.parametrize("damage", [b"no database at all", b"SQLite format 3\x00" + b"\xff" * 400])
def test_damaged_vectors_are_made_anew(case: Path, damage: bytes) -> None:
    search(case, painted(RED))
    (case / cases.VECTORS).write_bytes(damage)
    assert search(case, painted(RED)).made == 6


def test_planted_vectors_that_are_none_are_made_anew(case: Path) -> None:
    search(case, painted(RED))
    store = sqlite3.connect(case / cases.VECTORS)
    names = [name for (name,) in store.execute("SELECT sha256 FROM vector ORDER BY sha256")]
    bad = [b"", b"abc", struct.pack("<3f", float("nan"), 0, 0), struct.pack("<3f", 9, 9, 9)]
    for name, vector in zip(names, bad, strict=False):
        store.execute("UPDATE vector SET vector = ? WHERE sha256 = ?", (vector, name))
    store.commit()
    store.close()
    assert search(case, painted(RED)).made == 4


def test_changed_evidence_is_not_shown(case: Path) -> None:
    search(case, painted(RED))
    picture = sorted(case.glob("videos/*/*/exhibits/t00001-1.png"))[0]
    cv2.imwrite(str(picture), painted(GREEN))
    with pytest.raises(IntegrityError, match="was changed"):
        search(case, painted(RED))
    vectors.remove(case)
    with pytest.raises(IntegrityError, match="was changed"):
        search(case, painted(RED))


def test_the_real_network_finds_a_picture_and_its_mirror_image(case: Path) -> None:
    network = Network(shipped_embedder_name(), shipped_embedder())
    exhibit = cv2.imread(str(sorted(case.glob("videos/*/*/exhibits/t00001-2.png"))[0]))
    found = []
    for picture in (exhibit, np.ascontiguousarray(exhibit[:, ::-1])):
        ranked = alike([case], picture, network, Filters(), lambda _: lambda done, total: None)
        found.append((ranked.hits[0].file, round(ranked.hits[0].similarity, 3)))
    assert found == [("exhibits/t00001-2.png", 1.0)] * 2


# ---- pictures from strangers


def png(width: int, height: int) -> bytes:
    """A valid PNG of one black colour, however large, in a few bytes to kilobytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = zlib.compress(bytes((width + 1) * min(height, 4096)), 9)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_a_picture_bomb_is_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("was decoded"))
    side = int(MOST_PIXELS**0.5) + 1
    (tmp_path / "bomb.png").write_bytes(png(side, side))
    with pytest.raises(UsageError, match=rf"bomb\.png: has {side} × {side} pixels"):
        read_query(tmp_path / "bomb.png", None)


@pytest.mark.parametrize("content", [
    b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"\xff\xd8" + b"\xff" * 50, b"RIFF\0\0\0\0WEBPVP8 ",
    b"RIFF\0\0\0\0WEBPVP8X" + bytes(20), b"GIF89a" + bytes(40), b"BM" + bytes(60), b"<svg/>", b"#EXTM3U\n/etc/passwd",
])  # fmt: skip
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(UsageError, match=r"x\.png: .*; give a JPEG, PNG or WebP file"):
        read_query(tmp_path / "x.png", None)


def test_folders_small_and_missing_pictures_are_refused(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "small.png"), np.zeros((20, 50, 3), np.uint8))
    for name, said in (("", "cannot be read"), ("none.png", "No such file"), ("small.png", "only 50 × 20 pixels")):
        with pytest.raises(UsageError, match=said):
            read_query(tmp_path / name, None)


def photograph(tmp_path: Path) -> Path:
    picture = np.full((200, 300, 3), 128, np.uint8)
    picture[50:110, 100:190] = painted(RED)
    cv2.imwrite(str(tmp_path / "photo.png"), picture)
    return tmp_path / "photo.png"


def test_the_one_object_in_a_photograph_is_compared(tmp_path: Path) -> None:
    one = FakeDetector(lambda _: [((100, 50, 190, 110), "armoured_vehicle", 0.9), ((150, 40, 160, 60), "person", 0.7)])
    query = read_query(photograph(tmp_path), one)
    assert query.box == pytest.approx((100 / 300, 50 / 200, 190 / 300, 110 / 200))
    assert query.picture.shape == (70, 106, 3)
    assert query.people == ((58.0, -5.0, 68.0, 15.0),), "in pixels of what is compared"


@pytest.mark.parametrize(("found", "said"), [
    ([], "no object stands out"),
    ([((100, 50, 190, 110), "armoured_vehicle", 0.3)], "no object stands out"),
    ([((100, 50, 190, 110), "armoured_vehicle", 0.9), ((10, 5, 60, 40), "helicopter", 0.8)], "2 objects stand out"),
    ([((10, 5, 290, 195), "armoured_vehicle", 0.9)], "one object fills it"),
    ([((10, 5, 60, 40), "bird", 0.9)], "no object stands out"),
])  # fmt: skip
def test_otherwise_the_whole_picture_is_compared_and_the_reason_said(
    tmp_path: Path, found: list[tuple[tuple[float, float, float, float], str, float]], said: str
) -> None:
    query = read_query(photograph(tmp_path), FakeDetector(lambda _: found))
    assert (query.box, query.picture.shape, said in query.how) == (None, (200, 300, 3), True)


# ---- words


def reading(text: str, seconds: float = 2.0, alternatives: Sequence[Sequence[tuple[str, float]]] = ()) -> ReadingRecord:
    return ReadingRecord(
        text=text, script="Zyyy", confidence=0.8, alternatives=[list(row) for row in alternatives], views=2,
        seconds=seconds, xyxy=[1, 1, 9, 5], serial_like=True,
    )  # fmt: skip


def caption(text: str) -> CaptionRecord:
    return CaptionRecord(shot=0, **reading(text, 1.0).model_dump())


DOUBTFUL = [[("2", 0.9)], [("2", 0.6), ("7", 0.3)], [("6", 0.9), ("8", 0.05)]]


@pytest.fixture(scope="module")
def written_case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Markings on two vehicles, captions in two scripts, and names that try to be something else."""
    folder = tmp_path_factory.mktemp("written") / "case"
    cases.create(folder, Config())
    tracks: list[TrackRecord] = [
        track("t00001", pictures=3, readings=[reading("226", 3.1, DOUBTFUL)]),
        track("t00002", "helicopter", start_seconds=40.0, end_seconds=44.0, readings=[reading("Б-14", 41.0)]),
    ]
    first = with_findings(
        video=video(1, ["Колонна_2014.mp4", "copy.mp4"]), tracks=tracks, counts={},
        captions=[caption("ВОСТОК 0I5"), caption("syria-today.net")],
    )  # fmt: skip
    add_package(folder, first, {view.file: painted(RED) for item in tracks for view in item.views})
    second = with_findings(video=video(2, list(HOSTILE[:6])), tracks=[], counts={}, captions=[caption("T-72B3")])
    add_package(folder, second, {}, "1" * 16)
    return folder


def found(case: Path, text: str, **filters: object) -> list[tuple[str, str, str]]:
    return [(item.kind, item.how, item.text) for item in find([case], text, Filters(**filters))]  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "expected"), [
    ("226", ("reading", "exact", "226")),
    ("22?", ("reading", "exact", "226")),
    ("?26", ("reading", "exact", "226")),
    ("2*6", ("reading", "exact", "226")),
    ("22*", ("reading", "exact", "226")),
    ("Z26", ("reading", "look-alike", "226")),
    ("276", ("reading", "alternative", "226")),
    ("27?", ("reading", "alternative", "226")),
    ("б14", ("reading", "exact", "Б-14")),
    ("6-14", ("reading", "look-alike", "Б-14")),
    ("6-I4", ("reading", "look-alike", "Б-14")),
    ("015", ("caption", "look-alike", "ВОСТОК 0I5")),
    ("OI5", ("caption", "look-alike", "ВОСТОК 0I5")),
    ("BOCTOK", ("caption", "look-alike", "ВОСТОК 0I5")),
    ("восток 0i5", ("caption", "exact", "ВОСТОК 0I5")),
    ("T72B3", ("caption", "exact", "T-72B3")),
    ("t-72b3", ("caption", "exact", "T-72B3")),
    ("Т-72В3", ("caption", "look-alike", "T-72B3")),
    ("72B*", ("caption", "exact", "T-72B3")),
    ("syria-today", ("caption", "exact", "syria-today.net")),
    ("today", ("caption", "exact", "syria-today.net")),
    ("колонна 2014", ("name", "exact", "/in/Колонна_2014.mp4")),
])  # fmt: skip
def test_words_are_found(written_case: Path, text: str, expected: tuple[str, str, str]) -> None:
    assert found(written_case, text)[0] == expected


@pytest.mark.parametrize("text", ["228", "2266", "2", "226 999", "22 6", "nothing", "26"])
def test_other_words_are_not_found(written_case: Path, text: str) -> None:
    assert [item for item in found(written_case, text) if item[0] == "reading"] == []


def test_a_hash_and_a_format_find_the_file(written_case: Path) -> None:
    assert found(written_case, f"{2:064x}")[0][0] == "container"
    assert {item[0] for item in found(written_case, "h264 640x360")} == {"container"}


def test_a_finding_says_where_and_when_and_in_which_picture(written_case: Path) -> None:
    (one,) = (item for item in find([written_case], "226", Filters()) if item.kind == "reading")
    assert (one.track, one.seconds, one.file) == ("t00001", 3.1, "exhibits/t00001-2.png")
    assert one.place.names == ("copy.mp4", "Колонна_2014.mp4")
    assert one.excerpt == (("226", True),)
    (name,) = (item for item in find([written_case], "2014", Filters()) if item.kind == "name")
    assert ("2014", True) in name.excerpt


def test_class_and_time_leave_out_what_has_neither(written_case: Path) -> None:
    assert found(written_case, "?14", node="aircraft") == [("reading", "exact", "Б-14")]
    assert found(written_case, "226", node="aircraft") == []
    assert found(written_case, "today", until_seconds=2.0) == [("caption", "exact", "syria-today.net")]
    assert found(written_case, "mp4", since_seconds=0.0) == []
    assert found(written_case, "226", until_seconds=0.5) == []


@pytest.mark.parametrize("text", [
    '226" OR words : "x', "226 OR 999", "NEAR(226 999)", "words : 226 999", "{words} : 999", '"', "226 NOT 226",
    "226'; DROP TABLE written; --", "^226 999", "226 AND", "-226 999", 'a" "b', "226 + 999", "(226", "%26", "[0-9]26",
    "\x00", "2_6", "rank MATCH 1",
])  # fmt: skip
def test_nothing_that_is_typed_is_syntax(written_case: Path, text: str) -> None:
    try:
        rows = found(written_case, text)
    except UsageError:
        rows = []
    assert [item for item in rows if item[2] == "226"] == ([("reading", "exact", "226")] if text == "(226" else [])
    assert found(written_case, "226"), "nothing was harmed"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.sampled_from("226?*\"'():^-+{}[]%_ \\\x00OЯж٢\u202e&|!~NOTAND"), max_size=24))
def test_any_words_give_an_answer_or_a_clear_refusal(written_case: Path, text: str) -> None:
    try:
        find([written_case], text, Filters(limit=5))
    except UsageError as error:
        assert str(error).startswith("--text: ")  # noqa: PT017


def test_queries_beyond_what_a_person_types_are_refused(written_case: Path) -> None:
    for text, said in (("", "empty"), ("a " * 30, "30 words"), ("a" * 500, "letters"), ("?*?", "no letter")):
        with pytest.raises(UsageError, match=said):
            find([written_case], text, Filters())


def test_the_index_is_the_same_however_it_was_made(case: Path, written_case: Path) -> None:
    def dump(folder: Path) -> list[str]:
        index.refresh(folder)
        with sqlite3.connect(folder / cases.INDEX) as connection:
            return list(connection.iterdump())

    index.refresh(case)
    tracks = [track("t00001", readings=[reading("226")])]
    add_package(
        case,
        with_findings(video=video(9, ["a.mp4"]), tracks=tracks, counts={}),
        {"exhibits/t00001-1.png": painted(RED)},
    )
    grown = dump(case)
    (case / cases.INDEX).unlink()
    assert dump(case) == grown
    assert ("reading", "exact", "226") in found(case, "226")
    taken = next(path for path in cases.packages(case) if f"{9:064x}" in str(path))
    taken.rename(case.parent / "taken out")
    assert found(case, "226") == []


@pytest.mark.parametrize("lie", [
    "UPDATE written SET text = '227' WHERE text = '226'",
    "UPDATE written SET number = 99 WHERE text = '226'",
    "UPDATE written SET package = '../../elsewhere' WHERE text = '226'",
    "UPDATE written SET kind = 'name' WHERE text = '226'",
])  # fmt: skip
def test_an_index_that_lies_is_not_believed(written_case: Path, tmp_path: Path, lie: str) -> None:
    copy = Path(shutil.copytree(written_case, tmp_path / "copy"))
    index.refresh(copy)
    with sqlite3.connect(copy / cases.INDEX) as connection:
        connection.execute(lie)
    with pytest.raises(IntegrityError, match="does not agree with the packages"):
        find([copy], "226", Filters())


def test_an_index_that_names_other_pictures_is_not_believed(case: Path) -> None:
    search(case, painted(RED))
    with sqlite3.connect(case / cases.INDEX) as connection:
        connection.execute("UPDATE exemplar SET track = 't00002' WHERE track = 't00001'")
    with pytest.raises(IntegrityError, match="does not agree with the packages"):
        search(case, painted(RED))


def test_a_sqlite_without_fts5_is_told_so(written_case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written, "has_fts5", lambda _: False)
    index.refresh(written_case)
    with pytest.raises(UsageError, match="has no FTS5"):
        find([written_case], "226", Filters())


def test_an_index_that_cannot_be_used_is_no_traceback(written_case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(_: Path) -> None:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(index, "refresh", locked)
    with pytest.raises(UsageError, match=r"index\.sqlite: cannot be used: database is locked"):
        find([written_case], "226", Filters())


@given(st.text(max_size=40))
def test_folding_is_final(text: str) -> None:
    once = folding.folded(text)
    assert folding.folded(once) == once


def test_alternatives_are_bounded_and_likeliest_first() -> None:
    doubtful = [[(sign, 0.4), ("x", 0.3), ("y", 0.3)] for sign in "1234567890"]
    many = folding.variants("1234567890", doubtful)
    assert (many[0], 1 < len(many) <= folding.MOST_VARIANTS) == ("1234567890", True)
    assert folding.variants("22", [[("2", 1.0)]]) == ["22"], "alternatives that do not fit the text are not used"


# ---- the page


def page_of(case: Path, tmp_path: Path, text: str = "22?") -> tuple[str, Page]:
    hits: list[Found] = find([case], text, Filters())
    write_page(words_page(text, hits, [case], Filters()), tmp_path / "page.html")
    written_ = (tmp_path / "page.html").read_text(encoding="utf-8")
    return written_, Page(written_)


def test_the_page_shows_findings_with_exhibits(written_case: Path, tmp_path: Path) -> None:
    _, page = page_of(written_case, tmp_path)
    assert page.all("mark")
    assert page.all("img")
    assert all(str(item["src"]).startswith("data:image/jpeg;base64,") and item["alt"] for item in page.all("img"))
    assert "0:03.10" in page.text
    assert "Колонна_2014.mp4" in page.text
    levels = [level for level, _ in page.headings]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert "script" not in {tag for tag, _ in page.tags}
    assert list(cases.problems(written_case)) == []


def test_hostile_names_stay_text_on_the_page(written_case: Path, tmp_path: Path) -> None:
    text, page = page_of(written_case, tmp_path, "T-72B3")
    assert "<script" not in text
    assert "onerror" not in {name for _, attributes in page.tags for name in attributes}
    assert "alert(1)" in page.text
    assert "\u202e" not in text
    text, page = page_of(written_case, tmp_path, "<script>alert(1)</script>")
    assert "<script" not in text
    assert page.title.startswith("Search for “<script>")


def test_the_same_search_gives_the_same_page(case: Path, tmp_path: Path) -> None:
    query = read_query(photograph(tmp_path), None)
    pages = []
    for name in ("a.html", "b.html"):
        ranked = search(case, query.picture)
        write_page(picture_page(query, ranked, [case], Filters(node="vehicle")), tmp_path / name)
        pages.append((tmp_path / name).read_bytes())
    assert pages[0] == pages[1]
    page = Page(pages[0].decode())
    assert "Similarity is no identity and no probability" in page.text
    assert "only class vehicle" in page.text
    assert len(page.all("article")) == 4


def test_heads_in_the_picture_that_is_asked_for_are_made_unrecognisable(
    case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Image] = []

    def note(image: Image, longest_px: int) -> Picture | None:
        shown.append(image)
        return None

    monkeypatch.setattr("roundel.report.search.encode", note)
    path = tmp_path / "noise.png"
    cv2.imwrite(str(path), np.random.default_rng(1).integers(0, 255, (200, 300, 3), dtype=np.uint8))
    query = read_query(path, FakeDetector(lambda _: [((100, 50, 160, 200), "person", 0.9)]))
    picture_page(query, search(case, query.picture), [case], Filters())
    changed = np.argwhere((shown[0] != query.picture).any(axis=2))
    assert (changed.min(axis=0) >= (48, 98)).all()
    assert (changed.max(axis=0) <= (112, 162)).all()
    assert len(changed) > 1000


def test_the_page_stays_out_of_cases(case: Path, tmp_path: Path) -> None:
    for target in (case / "page.html", case / "report" / "search.html", case / "videos" / "x" / "p.html"):
        with pytest.raises(UsageError, match="lies in the case"):
            check_page(target)
    with pytest.raises(UsageError, match="ends in"):
        check_page(tmp_path / "photo.jpg")
    check_page(tmp_path / "page.html")
