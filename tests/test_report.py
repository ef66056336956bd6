"""The page: whole and true to the record, harmless whatever the record holds, the same bytes each time."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import shutil
import subprocess
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pytest
from numpy.typing import NDArray

from conftest import CLASSES
from roundel import case as cases
from roundel import custody, package, words
from roundel.config import Config
from roundel.errors import IntegrityError, UsageError
from roundel.record import (
    Analysis,
    CountRecord,
    CoverageRecord,
    ExemplarRecord,
    Exhibit,
    FailureRecord,
    Media,
    ProofRecord,
    ReadingRecord,
    ShotRecord,
    TrackRecord,
    Video,
)
from roundel.report import Previews, pictures, render_case, timeline
from roundel.report.render import environment
from roundel.sandbox import DEVICES, PROTECTIONS

HOSTILE = (
    "</title><script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)> ' onmouseover='x",
    "holiday\u202e4pm.exe",
    "javascript:alert(1)",
    "https://example.com/x.mp4",
    "{{ 7 * 7 }}{% raw %}",
    "a\x00b\x1bc\nd\u200be",
    "\U0001f681" * 60,
    "x" * 255,
)
WORST = "".join(HOSTILE)
VOID = {"meta", "img", "input", "br", "link"}
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def video(number: int = 1, names: Sequence[str] = ("clip.mp4",)) -> Video:
    return Video(sha256=f"sha256:{number:064x}", size_bytes=1234567, names=list(names))


def media(**changes: Any) -> Media:
    values: dict[str, Any] = {
        "format_name": "mov,mp4",
        "codec": "h264",
        "pixel_format": "yuv420p",
        "stream_index": 0,
        "width": 640,
        "height": 360,
        "coded_width": 640,
        "coded_height": 360,
        "rotation": 0,
        "sample_aspect_ratio": "1:1",
        "time_base": "1/30000",
        "frame_rate_from_header": "30000/1001",
        "start_seconds_from_header": 0.0,
        "duration_seconds_from_header": 30.0,
        "duration_seconds_from_content": 30.0,
        "variable_frame_rate": False,
        "colour": {},
        "warnings": [],
    }
    return Media(**{**values, **changes})


def coverage(**changes: Any) -> CoverageRecord:
    values: dict[str, Any] = {
        "decoded_frames": 900,
        "decoded_seconds": 30.0,
        "analysed_frames": 120,
        "first_seconds": 0.0,
        "missing_seconds": [],
        "decoder_errors": 0,
        "decoder_messages": [],
    }
    return CoverageRecord(**{**values, **changes})


def shots(count: int, seconds: float) -> list[ShotRecord]:
    return [
        ShotRecord(
            index=index,
            first_frame=index * 100,
            end_frame=index * 100 + 100,
            start_seconds=index * seconds,
            end_seconds=(index + 1) * seconds,
            transition_in="dissolve" if index % 5 == 4 else "cut" if index else "start",
            transition_seconds=[index * seconds, index * seconds + (0.5 if index % 5 == 4 else 0.0)],
        )
        for index in range(count)
    ]


def track(name: str, class_: str = "armoured_vehicle", pictures: int = 1, **changes: Any) -> TrackRecord:
    values: dict[str, Any] = {
        "id": name,
        "shot": 0,
        "class": class_,
        "score": 0.78,
        "start_seconds": 1.0,
        "end_seconds": 3.0,
        "frames": 12,
        "posterior": {class_: 0.97},
        "posterior_calibrated": False,
        "alternatives": [],
        "burnt_in": False,
        "exemplars": [f"exhibits/{name}-{n}.png" for n in range(1, pictures + 1)],
        "views": [
            ExemplarRecord(file=f"exhibits/{name}-{n}.png", seconds=1.0 + n, xyxy=[10, 10, 90, 60], score=0.5 + n / 100)
            for n in range(1, pictures + 1)
        ],
        "type": None,
        "readings": [],
    }
    return TrackRecord(**{**values, **changes})


def reading(text: str) -> ReadingRecord:
    return ReadingRecord(
        text=text, script="Zyyy", confidence=0.8, alternatives=[], views=2, seconds=1.0, xyxy=[1, 1, 9, 5],
        serial_like=True,
    )  # fmt: skip


def count(lower: int, upper: int, proof: Sequence[ProofRecord] = ()) -> CountRecord:
    return CountRecord(lower=lower, estimate=lower, interval=[lower, upper], upper=upper, proof=list(proof))


def analysis(**changes: Any) -> Analysis:
    provenance = {
        "tool_version": "0.1.0",
        "weights_name": "hardware-v1",
        "weights_sha256": "sha256:" + "ab" * 32,
        "config": Config().model_dump(mode="json"),
    }
    values: dict[str, Any] = {
        "schema_version": "2",
        "video": video(),
        "media": media(),
        "coverage": coverage(),
        "provenance": provenance,
        "classes": list(CLASSES),
        "shots": shots(6, 5.0),
        "tracks": [],
        "brief_tracks": 0,
        "counts": {},
        "captions": [],
        "exhibits": [],
        "claims": [],
        "matches": [],
        "failure": None,
    }
    return Analysis(**{**values, **changes})


def with_findings(**changes: Any) -> Analysis:
    """Two vehicles side by side, an aircraft shown coarser than the detector says, a bird, a person, a logo."""
    tracks = [
        track("t00001", pictures=3),
        track("t00002", start_seconds=2.0),
        track(
            "t00003",
            "aircraft",
            posterior={"aircraft": 0.99, "combat_aircraft": 0.9883},
            alternatives=[("combat_aircraft", 0.9883)],
            start_seconds=11.228,
        ),
        track(
            "t00004",
            "vehicle",
            posterior={"vehicle": 0.9, "civil_vehicle": 0.5, "armoured_vehicle": 0.4},
            alternatives=[("civil_vehicle", 0.5), ("armoured_vehicle", 0.4)],
        ),
        track("t00005", "bird"),
        track("t00006", "person", pictures=0, start_seconds=20.0, end_seconds=21.0),
        track("t00007", "missile", burnt_in=True),
    ]
    proof = ProofRecord(
        seconds=2.5,
        tracks=["t00001", "t00002"],
        boxes=[[10, 10, 200, 150], [300, 40, 640, 200]],
        exhibit="exhibits/frame-0000075.png",
    )
    alone = ProofRecord(seconds=2.0, tracks=["t00003"], boxes=[[10, 10, 90, 60]], exhibit="exhibits/t00003-1.png")
    values: dict[str, Any] = {
        "tracks": tracks,
        "counts": {
            "armoured_vehicle": count(2, 2, [proof]),
            "aircraft": count(1, 1, [alone]),
            "vehicle": count(2, 3, [proof]),
            "bird": count(0, 1),
        },
        "brief_tracks": 3,
    }
    return analysis(**{**values, **changes})


def make_case(folder: Path, *analyses: Analysis) -> Path:
    """A case with these packages; every exhibit is a picture of noise."""
    case = folder / "case"
    cases.create(case, Config())
    for number, item in enumerate(analyses):
        target = package.location(case, item.video.sha256, f"{number:016x}")
        target.parent.mkdir(parents=True, exist_ok=True)
        writer = package.PackageWriter(target)
        files = {view.file for one in item.tracks for view in one.views}
        files |= {proof.exhibit for one in item.counts.values() for proof in one.proof}
        made = [
            Exhibit(file=file, derived_from=item.video.sha256, seconds=0.0, method="test")
            for file in sorted(files)
            if re.fullmatch(r"exhibits/[\w-]{1,60}\.png", file)
        ]
        for exhibit in made:
            size = (180, 320, 3) if "frame-" in exhibit.file else (60, 90, 3)
            image = np.random.default_rng(number).integers(0, 255, size, dtype=np.uint8)
            writer.picture(exhibit.file.removeprefix("exhibits/"), image)
        manifest = writer.commit(item.model_copy(update={"exhibits": made}))
        details = {"manifest_sha256": manifest, "video": item.video.sha256}
        custody.append(case, cases.ANALYSED, target.relative_to(case).as_posix(), details)
    return case


class Page(HTMLParser):
    """A page taken apart."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.headings: list[tuple[int, str]] = []
        self.words: list[str] = []
        self.title = ""
        self.feed(text)
        self.close()
        assert self.open == []
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        if self.open and self.open[-1] == "title" and "svg" not in self.open:
            self.title += data
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def rendered(folder: Path, *analyses: Analysis, previews: Previews = "veiled") -> tuple[str, Page]:
    path = render_case(make_case(folder, *analyses), previews=previews)
    text = path.read_text(encoding="utf-8")
    return text, Page(text)


KEPT = (
    "reading files other than its input and system libraries, writing or changing files, using a network, reaching "
    "into other processes, gaining privileges and exceeding its limits of memory and time"
)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([None, None], ["Every video: it is not recorded what the decoder was kept from."]),
        ([dict.fromkeys(PROTECTIONS, True)] * 2, [f"Every video: the decoder was kept from {KEPT}."]),
        (
            [dict.fromkeys(PROTECTIONS, True) | {"no_network": False, "limits": None}, None],
            [
                "v0.mp4: the decoder was kept from reading files other than its input and system libraries, writing or "
                "changing files, reaching into other processes and gaining privileges; it was not kept from using a "
                "network; it was perhaps not kept from exceeding its limits of memory and time.",
                "v1.mp4: it is not recorded what the decoder was kept from.",
            ],
        ),
        ([{"no_network": "<script>"}, {"strange": True}], ["Every video: the decoder was perhaps not kept from"]),
        (
            [dict.fromkeys(PROTECTIONS, True) | {DEVICES: ["/dev/nvidia0", "/dev/nvidiactl"]}],
            [f"was kept from {KEPT}; it could use /dev/nvidia0 and /dev/nvidiactl to decode, and make a local socket"],
        ),
        ([{DEVICES: {"<script>": 1}}], ["it could use"]),
        (["text", 7], ["Every video: it is not recorded what the decoder was kept from."]),
    ],
)
def test_the_report_says_what_decoders_were_kept_from(tmp_path: Path, given: list[object], said: list[str]) -> None:
    case = make_case(tmp_path, *(analysis(video=video(n + 1, [f"v{n}.mp4"])) for n in range(len(given))))
    for folder, kept in zip(sorted(cases.packages(case)), given, strict=True):
        place = folder.relative_to(case).as_posix()
        before = cases.logged(case)[place].details
        custody.append(case, cases.ANALYSED, place, before | ({cases.PROTECTIONS: kept} if kept is not None else {}))
    text = render_case(case).read_text(encoding="utf-8")
    page = Page(text)
    check_harmless(text, page)
    assert "How the files were opened" in page.text
    assert [sentence for sentence in said if sentence not in page.text] == []


def check_harmless(text: str, page: Page) -> None:
    names = {name for name, _ in page.tags}
    assert not names & {
        "script",
        "iframe",
        "object",
        "embed",
        "link",
        "form",
        "base",
        "audio",
        "video",
        "foreignobject",
    }
    ids = [str(attributes["id"]) for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            assert name not in {"style", "srcset", "action", "formaction", "xlink:href", "ping"}, (tag, name)
            if name == "src":
                assert str(value).startswith("data:image/jpeg;base64,")
            if name == "href":
                assert str(value).startswith("#")
                assert str(value)[1:] in ids
            if name in {"aria-labelledby", "aria-describedby", "for"}:
                assert set(str(value).split()) <= set(ids)
            if "url(" in str(value):
                assert re.fullmatch(r"url\(#[\w-]+\)", str(value))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", text)


def test_page_tells_what_was_found(tmp_path: Path) -> None:
    _, page = rendered(tmp_path, with_findings())
    for sentence in (
        "Machine findings, not confirmed by a person",
        "If the detections are right, at least 2 different armoured vehicles: seen side by side at 0:02.50. "
        "2 sightings; some may show the same one.",
        "1 or more sightings labelled aircraft; the label is the detector's and was not checked. 1 sighting.",
        "Vehicles of any kind, armoured vehicles included. If the detections are right, at least 2 different vehicles: "
        "seen side by side at 0:02.50. 3 sightings; some may show the same one.",
        "No sighting was reported as: missiles or rockets, warships and civil ships; this is no proof of absence.",
        "Not told apart: combat aircraft, other aircraft, helicopters, unmanned aircraft and civil vehicles.",
        "Not examined: sound, file metadata other than length and coding, writing and markings, place, date",
        "Machine label, unchecked: 2 or more armoured vehicles; 1 or more labelled aircraft; 2 or more vehicles of "
        "any kind",
        "Numbers of different classes must not be added up: one object may have been given two classes.",
        "120 of 900 frames examined; between two examined frames nothing was looked at",
        "so many objects if each shows another one; objects that were missed or given another class are not in it; "
        "1 more sighting has an open class",
        "No good estimate 2 to 3 random ways to explain the sightings",
        "Shares of the detector's scores, not probabilities; finer lines are part of the line they belong to",
        "at least 2 a second, at least 3 a shot, and at least 8 a second around detections",
        "Source and collector not recorded",
        "the heads of people that the detector found are made unrecognisable here; others may be visible.",
        "Footage does not show who supplied",
        "Class not determined between civil vehicle (0.50) and armoured vehicle (0.40).",
        "Kinds of aircraft are not reported with these weights, since they are not told apart reliably. The detector "
        "leaned to combat aircraft (untested share 0.99).",
        "People were detected in 1 time range (0:20.00 to 0:21.00). People are not counted",
        "Graphic? Labelled missile or rocket",
        "Taken by the program for a graphic laid over the picture, because it stayed unchanged at one place",
        "3 more possible objects were seen too briefly",
        "Mean detector score 0.78, not a probability.",
        f"{1:064x}",
        "1,234,567 bytes (1.2 MiB)",
    ):
        assert sentence in page.text, sentence
    assert page.all("html") == [{"lang": "en"}]
    assert page.title == "Search for military hardware: clip.mp4 · Roundel"
    for boast in ("At most", "proven", "proof below", "beyond doubt", "Not detected", "No picture is missing"):
        assert boast.lower() not in page.text.lower(), boast


def test_people_are_not_pictured_and_a_graphic_once(tmp_path: Path) -> None:
    tracks = [track("t00001", "person"), track("t00002", "missile", 3, burnt_in=True)]
    _, page = rendered(tmp_path, analysis(tracks=tracks))
    (graphic,) = page.all("img")
    assert str(graphic["alt"]).endswith("sighting t00002, labelled missile or rocket by the program")
    assert "No military hardware was detected in the 120 frames examined." in page.text


def test_every_picture_says_what_it_shows(tmp_path: Path) -> None:
    _, page = rendered(tmp_path, with_findings())
    pictures = page.all("img")
    alts = [str(picture["alt"]) for picture in pictures]
    assert "Cut-out from clip.mp4 at 0:02.00, sighting t00001, labelled armoured vehicle by the program" in alts
    assert "Cut-out from clip.mp4 at 0:02.00, sighting t00003, labelled aircraft by the program" in alts
    assert (
        "Whole frame from clip.mp4 at 0:02.50: t00001 (labelled armoured vehicle) and t00002 (labelled armoured "
        "vehicle) by the program, side by side, in boxes"
    ) in alts
    assert "Cut-out from clip.mp4 at 0:02.00: t00003 (labelled aircraft) by the program, with a margin" in alts
    # Six cards' pictures, the frame, the cut-out and the graphic; the frame that supports two counts is there once.
    assert len(pictures) == 3 + 1 + 1 + 1 + 2 + 1
    for drawing in page.all("svg"):
        assert drawing.get("role") == "img" or drawing.get("aria-hidden") == "true"


def small_aircraft(**changes: Any) -> TrackRecord:
    values: dict[str, Any] = {
        "posterior": {"object": 1.0, "equipment": 1.0, "aircraft": 0.99, "combat_aircraft": 0.99, "helicopter": 0.01},
        "set_aside": 0.99,
    }
    return track("t00015", "equipment", **{**values, **changes})


def test_a_label_that_is_not_used_is_told(tmp_path: Path) -> None:
    made = {**analysis().provenance, "classes_least_px": {"combat_aircraft": 64}, "weights_validated": "not validated"}
    alone = ProofRecord(seconds=2.0, tracks=["t00015"], boxes=[[10, 10, 90, 60]], exhibit="exhibits/t00015-1.png")
    counts = {"equipment": count(1, 2, [alone]), "aircraft": count(0, 1)}
    tracks = [small_aircraft(), track("t00016", "aircraft")]
    _, page = rendered(tmp_path, analysis(tracks=tracks, provenance=made, counts=counts))
    for sentence in (
        "The detector's own label is combat aircraft (share 0.99). It was not used for the class: the object is "
        "smaller than 64 pixels in the network's input, where other equipment often gets this label. The class is "
        "open.",
        "Object of open class, military or civil t00015",
        "Machine label, unchecked: 1 labelled aircraft, not counted; 1 or more of any class or of open class, "
        "military or civil",
        "Not counted: aircraft; no sighting has enough, each has fewer than 3 examined frames with a score of 0.5 or "
        "more.",
        "1 more sighting has an open class",
        "This detector has not been validated on footage from other sources. No rate of false or missed detections is",
        "A label combat aircraft on something small is reported as equipment",
    ):
        assert sentence in page.text, sentence
    assert "No sighting was reported as: birds; this is no proof of absence." in page.text
    assert "missiles or rockets, warships" in page.text.split("Not told apart:", 1)[1]


def test_a_part_of_the_score_that_is_not_used_is_told(tmp_path: Path) -> None:
    made = {**analysis().provenance, "classes_least_px": {"combat_aircraft": 64}}
    shares = {"vehicle": 0.78, "civil_vehicle": 0.58, "armoured_vehicle": 0.2, "combat_aircraft": 0.22}
    part = track("t00001", "vehicle", posterior=shares, set_aside=0.1)
    _, page = rendered(tmp_path, analysis(tracks=[part], provenance=made))
    assert (
        "A part of the detector's score is for combat aircraft (share 0.22). It was not used for the class in some of "
        "the frames (share 0.10): the object is smaller than 64 pixels in the network's input"
    ) in page.text
    assert "The class is open." not in page.text
    assert "Class not determined between civil vehicle (0.58) and armoured vehicle (0.20)." in page.text


def test_pairs_that_no_single_picture_shows(tmp_path: Path) -> None:
    proofs = [
        ProofRecord(seconds=1.0 + n, tracks=pair, boxes=[[0, 0, 9, 9]] * 2, exhibit=f"exhibits/frame-{n}.png")
        for n, pair in enumerate((["a", "b"], ["b", "c"], ["a", "c"]))
    ]
    tracks = [track(name) for name in "abc"]
    _, page = rendered(tmp_path, analysis(tracks=tracks, counts={"armoured_vehicle": count(3, 3, proofs)}))
    assert "each two of them are seen together, pictures at 0:01.00, 0:02.00 and 0:03.00" in page.text


def test_custody_is_told_without_paths(tmp_path: Path) -> None:
    case = make_case(tmp_path, with_findings())
    details = {"name": "clip.mp4", "path": "/home/someone/clip.mp4", "size_bytes": 1}
    event = custody.append(case, "received", video().sha256, details)
    page = Page(render_case(case).read_text(encoding="utf-8"))
    moment = event.at.replace("T", " ").replace("+00:00", " UTC")
    assert f"Received {moment} by {event.who} (custody entry 2)" in page.text
    assert re.search(r"Analysed 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC \(custody entry 1\)", page.text)
    assert f"Custody log up to entry 2, {event.hash.removeprefix('sha256:')}" in page.text
    assert "someone" not in page.text


def test_the_timeline_is_also_a_table(tmp_path: Path) -> None:
    tracks = [track(f"t{number:05d}", pictures=0, start_seconds=number / 100) for number in range(201)]
    _, page = rendered(tmp_path, analysis(tracks=tracks))
    (table,) = [item for item in page.all("table") if str(item["class"]).startswith("rows")]
    assert table is not None
    assert "The first 200 are listed; 1 more are in analysis.json" in page.text
    for drawing in page.all("svg"):
        if drawing.get("role") == "img":
            assert str(drawing["aria-labelledby"]).endswith("-t")
            assert str(drawing["aria-describedby"]).endswith("-d")


def person_case(folder: Path) -> tuple[Path, Analysis]:
    """A case of noise: a vehicle, and a person in the frame beside it whose box reaches into the cut-out."""
    case = folder / "case"
    cases.create(case, Config())
    view = ExemplarRecord(file="exhibits/t00001-1.png", seconds=2.0, xyxy=[100, 100, 300, 200], score=0.9)
    tracks = [track("t00001", views=[view]), track("t00002")]
    pair = ["t00001", "t00002"]
    proof = ProofRecord(seconds=2.0, tracks=pair, boxes=[[100, 100, 300, 200]] * 2, exhibit="exhibits/frame-1.png")
    item = analysis(tracks=tracks, counts={"armoured_vehicle": count(2, 2, [proof])})
    target = package.location(case, item.video.sha256, "0" * 16)
    target.parent.mkdir(parents=True)
    writer = package.PackageWriter(target)
    frame = np.random.default_rng(1).integers(0, 255, (360, 640, 3), dtype=np.uint8)
    writer.picture("frame-1.png", frame)
    writer.picture("t00001-1.png", frame[92:208, 84:316])
    for seconds, left in ((1.0, 500), (2.0, 150)):
        box = {"xyxy": [left, 110, left + 50, 190], "class": "person", "score": 0.16, "track": None, "scores": []}
        writer.detections({"seconds": seconds, "boxes": [box, {**box, "class": "bird", "xyxy": [400, 300, 450, 350]}]})
    exhibits = [
        Exhibit(file=file, derived_from=item.video.sha256, seconds=2.0, method="test")
        for file in ("exhibits/frame-1.png", "exhibits/t00001-1.png")
    ]
    item = item.model_copy(update={"exhibits": exhibits})
    details = {"manifest_sha256": writer.commit(item), "video": item.video.sha256}
    custody.append(case, cases.ANALYSED, target.relative_to(case).as_posix(), details)
    return case, item


def test_heads_of_people_are_made_unrecognisable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case, item = person_case(tmp_path)
    (folder,) = cases.packages(case)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    drawn: list[NDArray[np.uint8]] = []
    monkeypatch.setattr(pictures, "encode", lambda image, _: drawn.append(image))
    album = pictures.Album(item, folder)
    album.view(item.tracks[0].views[0])
    album.proof(item.counts["armoured_vehicle"].proof[0], whole=True)
    for image, (left, top) in zip(drawn, ((84, 92), (0, 0)), strict=True):
        original = np.random.default_rng(1).integers(0, 255, (360, 640, 3), dtype=np.uint8)
        original = original[top : top + image.shape[0], left : left + image.shape[1]]
        changed = np.argwhere((image != original).any(axis=2))
        assert (changed.min(axis=0) + np.array([top, left])).tolist() == pytest.approx([110, 150], abs=2)
        assert (changed.max(axis=0) + np.array([top, left])).tolist() == pytest.approx([142, 200], abs=2)
        head = image[110 - top : 142 - top, 150 - left : 200 - left]
        assert len(np.unique(head.reshape(-1, 3), axis=0)) <= 30
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_no_picture_without_the_boxes_of_people(tmp_path: Path) -> None:
    case, item = person_case(tmp_path)
    (folder,) = cases.packages(case)
    (folder / package.DETECTIONS).write_bytes(b"no gzip")
    with pytest.raises(IntegrityError, match="unrecognisable"):
        pictures.Album(item, folder)


def test_boxes_lie_over_the_proof_frame_in_video_pixels(tmp_path: Path) -> None:
    _, page = rendered(tmp_path, with_findings())
    (overlay,) = [item for item in page.all("svg") if item.get("class") == "overlay"]
    assert overlay["viewbox"] == "0 0 640.0 360.0"
    boxes = [item for item in page.all("rect") if item.get("class") == "over"]
    assert [(item["x"], item["y"], item["width"], item["height"]) for item in boxes] == [
        ("10.0", "10.0", "190.0", "140.0"),
        ("300.0", "40.0", "340.0", "160.0"),
    ]


def test_headings_are_in_order(tmp_path: Path) -> None:
    _, page = rendered(
        tmp_path, with_findings(), analysis(video=video(2), failure=FailureRecord(kind="X", message="m"))
    )
    levels = [level for level, _ in page.headings]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert next(attributes for name, attributes in page.tags if name == "a")["class"] == "skip"


def test_policy_allows_only_the_inlined_style(tmp_path: Path) -> None:
    text, page = rendered(tmp_path, with_findings())
    style = text.split("<style>", 1)[1].split("</style>", 1)[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = [item["content"] for item in page.all("meta") if item.get("http-equiv") == "Content-Security-Policy"]
    assert policy == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert "url(" not in style
    assert "@import" not in style
    assert "http" not in style


@pytest.mark.parametrize("previews", ["veiled", "clear"])
def test_pictures_are_veiled_unless_asked(tmp_path: Path, previews: Previews) -> None:
    _, page = rendered(tmp_path, with_findings(), previews=previews)
    (switch,) = page.all("input")
    assert switch["type"] == "checkbox"
    assert ("checked" in switch) == (previews == "clear")
    assert {"for": "clear"} in page.all("label")


@pytest.mark.parametrize("bad", [*HOSTILE, WORST])
def test_hostile_text_stays_text(tmp_path: Path, bad: str) -> None:
    findings = with_findings()
    hostile = findings.model_copy(
        update={
            "video": video(names=[bad, f"{bad}2"]),
            "media": media(
                warnings=[bad], codec=bad, format_name=bad, sample_aspect_ratio=bad, frame_rate_from_header=bad
            ),
            "coverage": coverage(decoder_errors=1, decoder_messages=[bad], missing_seconds=[[4.43, 9.26]]),
            "provenance": {bad: bad, "weights_name": bad, "config": {"tracking": bad}},
            "tracks": [
                *findings.tracks,
                track(bad, bad, pictures=1, readings=[reading(bad)], alternatives=[(bad, 0.5)], posterior={bad: 1.0}),
            ],
            "counts": {
                **findings.counts,
                bad: count(1, 1, [ProofRecord(seconds=1, tracks=[bad], boxes=[[0, 0, 1, 1]], exhibit=bad)]),
            },
            "classes": [*CLASSES, bad],
        }
    )
    text, page = rendered(
        tmp_path,
        hostile,
        analysis(video=video(2), media=None, coverage=None, shots=[], failure=FailureRecord(kind=bad, message=bad)),
    )
    check_harmless(text, page)
    shown = " ".join(words.visible(bad[:60]).split())
    assert page.text.count(shown) >= 5


def test_hidden_characters_are_written_out(tmp_path: Path) -> None:
    _, page = rendered(tmp_path, analysis(video=video(names=["holiday\u202e4pm.exe"])))
    assert "holiday⟨U+202E⟩4pm.exe" in page.text
    assert "holiday⟨U+202E⟩4pm.exe" in page.title


@pytest.mark.parametrize(
    "name",
    [
        "../../../secret.png",
        "/etc/hostname",
        "exhibits/../analysis.json",
        "exhibits/.hidden.png",
        "analysis.json",
        "exhibits/gone.png",
    ],
)
def test_only_exhibits_of_the_package_are_embedded(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.png").write_bytes(b"secret")
    view = ExemplarRecord(file=name, seconds=1.0, xyxy=[0, 0, 1, 1], score=0.5)
    one = track("t00001", views=[view])
    case = make_case(tmp_path, analysis(tracks=[one]))
    if name == "exhibits/gone.png":  # the package is whole, and it does not hold what its record names
        (missing,) = [folder / name for folder in cases.packages(case)]
        missing.unlink()
        (manifest,) = [folder / package.MANIFEST for folder in cases.packages(case)]
        kept = [line for line in manifest.read_text().splitlines() if "gone.png" not in line]
        manifest.write_text("\n".join(kept) + "\n")
    page = Page(render_case(case).read_text(encoding="utf-8"))
    assert page.all("img") == []
    assert "this picture cannot be shown" in page.text


def test_failed_video_has_its_message_and_nothing_else(tmp_path: Path) -> None:
    failure = FailureRecord(kind="MediaError", message="clip.mp4: is no video that can be read")
    _, page = rendered(tmp_path, analysis(media=None, coverage=None, shots=[], failure=failure))
    titles = [attributes.get("class") for attributes in page.all("span")]
    assert "state failed" in titles
    assert "This video could not be analysed. clip.mp4: is no video that can be read" in page.text
    assert page.all("figure") == []
    assert "Sightings" not in page.text
    assert "How many" not in page.text
    assert "No military hardware was detected" not in page.text


def test_damage_is_told_in_words(tmp_path: Path) -> None:
    damaged = coverage(missing_seconds=[[4.43, 9.26]], decoder_errors=2, decoder_messages=["Invalid NAL unit size"])
    _, page = rendered(tmp_path, analysis(coverage=damaged))
    assert "4.83 seconds are missing: 0:04.43 to 0:09.26." in page.text
    assert "The decoder complained 2 times." in page.text
    assert "Invalid NAL unit size" in page.text
    assert "analysed, unchecked; file damaged" in page.text
    assert len([item for item in page.all("rect") if str(item.get("class")).startswith("gap broad")]) == 2


def test_nothing_found_is_no_proof_of_absence(tmp_path: Path) -> None:
    _, page = rendered(tmp_path, analysis())
    assert (
        "No military hardware was detected in the 120 frames examined. That does not prove that there is none."
        in page.text
    )
    assert "No sighting was reported as: combat aircraft," in page.text
    assert page.all("img") == []
    assert not [item for item in page.all("table") if item["class"] == "others stack"]


def test_empty_case_and_refused_inputs(tmp_path: Path) -> None:
    case = make_case(tmp_path)
    path = "/home/someone/private/gone.mp4"
    custody.append(
        case, "failed", path, {"kind": "MediaError", "message": f"{path}: does not exist; give a video file"}
    )
    page = Page(render_case(case).read_text(encoding="utf-8"))
    assert "This case holds no analysed video." in page.text
    assert "gone.mp4 : does not exist; give a video file" in page.text
    assert "someone" not in page.text


def test_same_packages_same_bytes_wherever_the_case_lies(tmp_path: Path) -> None:
    case = make_case(tmp_path, with_findings(), analysis(video=video(2)))
    first = render_case(case).read_bytes()
    assert render_case(case).read_bytes() == first
    moved = tmp_path / "moved"
    shutil.copytree(case, moved)
    assert render_case(moved).read_bytes() == first


def test_only_the_page_is_written(tmp_path: Path) -> None:
    case = make_case(tmp_path, with_findings())
    render_case(case)
    (case / "report" / ".index.html.partial-1").write_text("left over from a killed process")
    (case / "report" / "index.html").unlink()
    before = {path: path.read_bytes() for path in case.rglob("*") if path.is_file()}
    page = render_case(case)
    assert page == case / "report" / "index.html"
    after = {path: path.read_bytes() for path in case.rglob("*") if path.is_file()}
    del before[case / "report" / ".index.html.partial-1"]
    assert after == {**before, page: page.read_bytes()}


def test_an_interrupted_writing_leaves_the_old_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = make_case(tmp_path, analysis())
    page = render_case(case)
    before = page.read_bytes()

    def fail(_: Path, __: Path) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        render_case(case, previews="clear")
    assert page.read_bytes() == before
    assert [path.name for path in page.parent.iterdir()] == ["index.html"]


def test_no_report_is_made_of_changed_evidence(tmp_path: Path) -> None:
    case = make_case(tmp_path, with_findings())
    (folder,) = cases.packages(case)
    record = folder / package.ANALYSIS
    record.write_text(record.read_text(encoding="utf-8").replace('"lower": 2', '"lower": 9'), encoding="utf-8")
    with pytest.raises(IntegrityError, match="was changed"):
        render_case(case)
    assert not (case / "report" / "index.html").exists()
    with pytest.raises(UsageError):
        render_case(tmp_path)


def test_undefined_names_are_errors() -> None:
    with pytest.raises(jinja2.UndefinedError):
        environment().from_string("{{ missing }}").render()
    assert environment().from_string("{{ x }}").render(x="<b>\u202e") == "&lt;b&gt;⟨U+202E⟩"


def test_thousands_of_sightings_stay_small_and_nothing_is_lost_silently(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    names = ["armoured_vehicle", "aircraft", "bird", "person"]
    tracks = [
        track(
            f"t{number:05d}",
            names[number % 4],
            pictures=0,
            start_seconds=float(start),
            end_seconds=float(start) + 4.0,
            score=float(rng.uniform(0.4, 0.9)),
        )
        for number, start in enumerate(rng.uniform(0, 7190, 3000))
    ]
    missing = [[60.0 * n, 60.0 * n + 2] for n in range(100)]
    large = analysis(
        tracks=tracks,
        shots=shots(1400, 5.15),
        coverage=coverage(missing_seconds=missing),
        counts={"armoured_vehicle": count(0, 750), "aircraft": count(0, 750)},
    )
    text, page = rendered(tmp_path, large)
    check_harmless(text, page)
    assert len(text.encode()) < 2_000_000
    assert len([item for item in page.all("article") if item["class"] == "card"]) == 60
    assert "1,440 more are not shown here" in page.text
    assert "and 80 more" in page.text
    shown = {item["id"] for item in page.all("article")}
    assert len(shown) == 60
    best = sorted((one for one in tracks if one.class_ in names[:2]), key=lambda one: -one.score)[:60]
    assert all(f"{one.id}" in page.text for one in best)


def test_full_report_with_pictures_stays_below_three_megabytes(tmp_path: Path) -> None:
    tracks = [track(f"t{number:05d}", pictures=5) for number in range(20)]
    text, page = rendered(tmp_path, analysis(tracks=tracks))
    assert len(page.all("img")) == 100
    assert len(text.encode()) < 3_000_000


def test_timeline_merges_missing_ranges_that_fall_together() -> None:
    gaps = tuple((index * 0.02, index * 0.02 + 0.01) for index in range(5000))
    drawn = timeline.draw(timeline.Scene(0.0, 100.0, ((0.0, 100.0),), (), gaps, ()), "wide", "x")
    assert len(drawn.gaps) == 1
    assert drawn.gaps[0].width == pytest.approx(952, abs=2)


@pytest.mark.parametrize("seconds", [0.04, 1.0, 9.9, 61.0, 3599.0, 7200.0, 90000.0])
@pytest.mark.parametrize("kind", ["wide", "narrow"])
def test_time_axis_has_sensible_ticks(seconds: float, kind: str) -> None:
    drawn = timeline.draw(timeline.Scene(0.0, seconds, ((0.0, seconds),), (), (), ()), kind, "x")
    assert 1 <= len(drawn.ticks) <= 13
    assert len({tick.label for tick in drawn.ticks}) == len(drawn.ticks)
    assert all(0 <= tick.x <= drawn.width for tick in drawn.ticks)


def test_sightings_at_the_same_time_do_not_cover_each_other() -> None:
    items = tuple(timeline.Item(f"t{n:05d}", 1.0 + n, 9.0 + n, "") for n in range(5))
    drawn = timeline.draw(
        timeline.Scene(0.0, 20.0, ((0.0, 20.0),), (), (), (timeline.Lane("ship", items),)), "wide", "x"
    )
    bars = drawn.lanes[0].bars
    for index, one in enumerate(bars):
        for other in bars[index + 1 :]:
            apart_x = one.x + one.width <= other.x or other.x + other.width <= one.x
            apart_y = one.y + one.height <= other.y or other.y + other.height <= one.y
            assert apart_x or apart_y


_MEASURE = """<!doctype html><body><iframe id="f" src="PAGE" width="WIDTH" height="800" frameborder="0"></iframe>
<script>
window.onload = () => {
  const page = document.getElementById("f").contentDocument, root = page.documentElement;
  const image = page.querySelector(".exhibit img");
  document.title = [root.clientWidth, root.scrollWidth, page.defaultView.getComputedStyle(page.body).marginTop,
    page.defaultView.getComputedStyle(image).filter].join("|");
};
</script>"""


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("previews", ["veiled", "clear"])
def test_nothing_is_wider_than_the_screen(tmp_path: Path, width: int, previews: Previews) -> None:
    long = with_findings(
        video=video(names=["x" * 255, "\U0001f681" * 80, WORST.replace("\x00", "")]),
        coverage=coverage(decoder_errors=1, decoder_messages=["y" * 290], missing_seconds=[[4.43, 9.26]]),
        media=media(warnings=["z" * 290]),
    )
    page = render_case(make_case(tmp_path, long), previews=previews)
    wrapper = tmp_path / "wrapper.html"
    wrapper.write_text(_MEASURE.replace("PAGE", page.as_uri()).replace("WIDTH", str(width)), encoding="utf-8")
    assert CHROMIUM is not None
    command = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--allow-file-access-from-files",
        f"--user-data-dir={tmp_path / 'profile'}",
        "--virtual-time-budget=5000",
        "--dump-dom",
        wrapper.as_uri(),
    ]
    shown = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    found = re.search(r"<title>(.*?)</title>", shown.stdout)
    assert found is not None
    inner, scroll, margin, veil = found[1].split("|")
    assert int(inner) > width - 30
    assert int(scroll) <= int(inner)
    assert margin == "0px", "the policy must let the inlined style through"
    assert (veil == "none") == (previews == "clear")
