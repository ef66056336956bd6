import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from make_clip import CameraMove, Entry, Placement, Scene, main, make_clip, random_scenes, render_frames  # noqa: E402
from make_repost import CROP  # noqa: E402

DEMO = ROOT / "pipeline" / "roundel" / "demo"
SIZE = (320, 180)
BRADLEY = Placement("bradley", "bradley", x=0.5, y=0.85, width=0.5)
STRYKER = Placement("stryker", "stryker", x=0.5, y=0.85, width=0.5)
PAN = CameraMove((0.45, 0.5, 1.0), (0.55, 0.5, 1.1), shake_px=1.0)


def decoded(path, size):
    """All frames as luma, (n, height, width) float32."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", f"file:{path}", "-fps_mode", "passthrough",
               "-f", "rawvideo", "-pix_fmt", "gray", "-"]  # fmt: skip
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, size[1], size[0]).astype(np.float32)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    scenes = (
        Scene(1.0, (BRADLEY,), PAN, "desert", 1),
        Scene(1.2, (STRYKER,), PAN, "yard", 2),
        Scene(1.2, backdrop="steppe", backdrop_seed=3, camera=PAN, entry=Entry("dissolve", 0.4)),
        Scene(mirrored_of=0),
        Scene(0.8, backdrop="black", noise=0, entry=Entry("fade", 0.4)),
    )
    return path, scenes, make_clip(scenes, path, 25, SIZE, seed=4)


def test_same_seed_gives_the_same_bytes_and_another_seed_others(clip, tmp_path):
    path, scenes, _ = clip
    again, other = tmp_path / "again.mp4", tmp_path / "other.mp4"
    make_clip(scenes, again, 25, SIZE, seed=4)
    make_clip(scenes, other, 25, SIZE, seed=5)
    assert again.read_bytes() == path.read_bytes()
    assert again.with_suffix(".json").read_bytes() == path.with_suffix(".json").read_bytes()
    assert other.read_bytes() != path.read_bytes()


def test_true_boundaries_are_where_the_decoded_picture_changes(clip):
    path, _, truth = clip
    frames = decoded(path, SIZE)
    assert len(frames) == truth["frames"] == json.loads(path.with_suffix(".json").read_text())["frames"]
    jumps = np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2))
    cuts = {s["first_frame"] for s in truth["shots"] if s["transition_in"]["kind"] == "cut"}
    assert cuts == {25, 85}
    for cut in cuts:
        around = np.r_[jumps[cut - 6 : cut - 1], jumps[cut : cut + 5]]
        assert jumps[cut - 1] > 3 * around.max()
    dissolve = truth["shots"][2]["transition_in"]
    assert (dissolve["first_frame"], dissolve["end_frame"]) == (50, 60)
    assert (dissolve["first_frame"] + dissolve["end_frame"]) // 2 == truth["shots"][2]["first_frame"]
    before, after = frames[dissolve["first_frame"] - 1], frames[dissolve["end_frame"]]
    for number in range(dissolve["first_frame"], dissolve["end_frame"]):
        share = (number - dissolve["first_frame"] + 1) / 11
        mixture = before * (1 - share) + after * share
        assert np.abs(frames[number] - mixture).mean() < 0.35 * np.abs(after - before).mean()


def test_mirrored_shot_is_the_flip_of_its_original(clip):
    path, scenes, truth = clip
    frames = list(render_frames(scenes, 25, SIZE, seed=4))
    fade_half = 5
    for k in range(25 - fade_half):
        np.testing.assert_array_equal(frames[85 + k][0], frames[k][0][:, ::-1])
    x0, y0, x1, y1 = frames[0][1][0].xyxy
    assert frames[85][1][0].xyxy == (SIZE[0] - x1, y0, SIZE[0] - x0, y1)
    seen = decoded(path, SIZE)
    assert np.abs(seen[90] - seen[5][:, ::-1]).mean() < 3 < np.abs(seen[90] - seen[5]).mean()
    assert truth["shots"][3]["mirrored_of"] == 0


def test_box_bounds_what_the_object_changes():
    no_shadow_no_aerials = Placement("dumper", "dumper", x=0.4, y=0.5, width=0.3, airborne=True)
    with_object, without = (
        next(iter(render_frames([Scene(0.2, p, backdrop="flat", noise=0)], 25, SIZE)))
        for p in ((no_shadow_no_aerials,), ())
    )
    changed = np.abs(with_object[0].astype(int) - without[0]).max(axis=2) > 25
    x0, y0, x1, y1 = (round(v) for v in with_object[1][0].xyxy)
    inside = np.zeros_like(changed)
    inside[y0:y1, x0:x1] = True
    assert (changed & inside).sum() > 0.99 * changed.sum()
    columns = np.flatnonzero(changed.any(axis=0))
    assert abs(columns[0] - x0) <= 3
    assert abs(columns[-1] + 1 - x1) <= 3


def test_layouts_say_which_pictures_are_not_another_object(tmp_path):
    other = Scene(0.2, (STRYKER,), backdrop="flat", noise=0)
    left = Placement("bradley", "bradley", x=0.25, y=0.85, width=0.4)
    board = Placement("bradley", "poster", x=0.5, y=0.85, width=0.3, depicted=True)
    plain = {"seconds": 0.2, "backdrop": "flat", "noise": 0}
    scenes = (
        Scene(placements=(left,), layout="mirrored_halves", **plain),
        Scene(placements=(BRADLEY,), layout="split_screen", inset=other, **plain),
        Scene(placements=(BRADLEY,), layout="picture_in_picture", inset=other, **plain),
        Scene(placements=(board,), **plain),
    )
    truth = make_clip(scenes, tmp_path / "layouts.mp4", 25, SIZE)
    rows = [[b for b in truth["boxes"] if b["frame"] == frame] for frame in (0, 5, 10, 15)]
    assert [(b["object"], b.get("reflected", False)) for b in rows[0]] == [("bradley", False), ("bradley", True)]
    assert [(b["object"], b.get("inset", False)) for b in rows[1]] == [("bradley", False), ("stryker", True)]
    assert rows[1][0]["xyxy"][2] <= SIZE[0] / 2 <= rows[1][1]["xyxy"][0]
    assert rows[2][1]["inset"]
    assert rows[2][1]["xyxy"][2] - rows[2][1]["xyxy"][0] < 0.4 * (rows[1][1]["xyxy"][2] - rows[1][1]["xyxy"][0])
    assert rows[3][0]["depicted"]
    assert truth["distinct"] == {"armoured_vehicle": 2}
    image = next(iter(render_frames(scenes[:1], 25, SIZE)))[0]
    np.testing.assert_array_equal(image, image[:, ::-1])


def test_command_line_makes_the_length_asked_for(tmp_path):
    path = tmp_path / "x.mp4"
    call = ["--out", str(path), "--seconds", "7", "--seed", "2", "--size", "160x90", "--fps", "30000/1001"]
    assert main([*call, "--objects", "3", "--plain-test"]) == 0
    truth = json.loads(path.with_suffix(".json").read_text())
    assert len(decoded(path, (160, 90))) == truth["frames"]
    assert abs(truth["frames"] * Fraction(truth["fps"]) ** -1 - 7) < 0.2
    assert main(["--out", str(path), "--size", "161x90"]) == 1


def test_scenes_for_hours_are_only_descriptions():
    scenes = random_scenes(7200, seed=1)
    assert sum(s.seconds for s in scenes) == pytest.approx(7200)
    first = next(iter(render_frames(scenes, 25, (160, 90))))
    assert first[0].shape == (90, 160, 3)


def test_committed_demo_clip_matches_its_truth():
    truth = json.loads((DEMO / "truth.json").read_text())
    clip = DEMO / "clip.mp4"
    assert clip.stat().st_size < 3_000_000
    frames = decoded(clip, truth["size"])
    assert len(frames) == truth["frames"] == truth["shots"][-1]["end_frame"]
    mirrored = next(s for s in truth["shots"] if s["mirrored_of"] is not None)
    original = truth["shots"][mirrored["mirrored_of"]]
    a, b = frames[original["first_frame"] + 9], frames[mirrored["first_frame"] + 9]
    assert np.abs(a[:, ::-1] - b).mean() < 4 < np.abs(a - b).mean()
    assert truth["distinct"] == {"aircraft": 2, "armoured_vehicle": 2, "civil_vehicle": 1}


def test_committed_repost_shows_the_shot_that_its_truth_names():
    truth, known = (json.loads((DEMO / name).read_text()) for name in ("repost.json", "truth.json"))
    clip = DEMO / "repost.mp4"
    assert clip.stat().st_size < 1_000_000
    frames = decoded(clip, truth["size"])
    assert len(frames) == truth["frames"] == truth["shots"][-1]["end_frame"]
    copied, fps = truth["copied"], truth["fps"]
    first, start = (round(copied[name][0] * fps) for name in ("seconds", "source_seconds"))
    (left, top), (width, height) = (round(side * (1 - CROP) / 2) for side in known["size"]), truth["size"]
    originals = decoded(DEMO / copied["source"], known["size"])
    for number in (0, 50, 94):
        inner = originals[start + number, top:-top, left:-left]
        expected = cv2.resize(inner, (width, height), interpolation=cv2.INTER_AREA)
        free = slice(height // 4, height * 4 // 5)  # below the sign, above the headline
        seen = frames[first + number, free]
        assert np.abs(expected[free, ::-1] - seen).mean() < 4 < np.abs(expected[free] - seen).mean()
    for other in (frames[first - 1], frames[round(copied["seconds"][1] * fps)]):
        assert np.abs(other - frames[first]).mean() > 10
    assert truth["distinct"] == {"armoured_vehicle": 2, "civil_vehicle": 1}
    assert truth["distinct_in_both_videos"] == {"aircraft": 2, "armoured_vehicle": 2, "civil_vehicle": 2}
    boxes = [box for box in truth["boxes"] if box["object"] == "stryker"]
    assert boxes[0]["frame"] == first
    original = next(box for box in known["boxes"] if box["object"] == "stryker")["xyxy"]
    back = [known["size"][0] - left - box * (known["size"][0] - 2 * left) / width for box in boxes[0]["xyxy"][2::-2]]
    assert back == pytest.approx([original[0], min(original[2], known["size"][0] - left)], abs=0.2)
