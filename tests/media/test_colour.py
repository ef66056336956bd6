"""Decoded colours are the true ones, whatever range, matrix and depth they were stored in."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from reading import encode_rgb, read

from roundel.media.colour import bgr, matrix_of, thumbnail

MakeClip = Callable[..., Path]
PATCHES = np.array(
    [
        [(255, 255, 255), (0, 0, 0), (128, 128, 128), (255, 0, 0)],
        [(0, 255, 0), (0, 0, 255), (200, 120, 40), (60, 90, 50)],
        [(90, 100, 140), (180, 30, 120), (20, 160, 170), (235, 220, 60)],
    ],
    np.uint8,
)
TRUTH = PATCHES.repeat(32, axis=0).repeat(32, axis=1)
TAGS = {"bt601": "smpte170m", "bt709": "bt709", "bt2020": "bt2020nc", "pal": "bt470bg"}
FILTER = {"bt601": "bt601", "bt709": "bt709", "bt2020": "bt2020", "pal": "bt601"}


def patch_colours(picture: np.ndarray) -> np.ndarray:
    """The middle of each patch, RGB in and out."""
    return np.array([[picture[32 * y + 16, 32 * x + 16] for x in range(4)] for y in range(3)], int)


def encode(path: Path, matrix: str, signal_range: str, pixels: str, *codec: str, tagged: bool = True) -> Path:
    scale = f"scale=out_color_matrix={FILTER[matrix]}:out_range={signal_range}:flags=accurate_rnd+full_chroma_int"
    tags = ["-colorspace", TAGS[matrix], "-color_range", signal_range] if tagged else []
    return encode_rgb(TRUTH, path, "-vf", f"{scale},format={pixels}", *tags, *codec)


def assert_true(path: Path, tolerance: int = 3) -> None:
    reading = read(path)
    found = patch_colours(bgr(reading.frames[0])[..., ::-1])
    worst = np.abs(found - PATCHES).max(axis=2)
    assert worst.max() <= tolerance, f"\n{worst}\n{found.tolist()}"


@pytest.mark.parametrize(
    ("matrix", "pixels"),
    [
        ("bt601", "yuv420p"),
        ("pal", "yuv420p"),
        ("bt709", "yuv420p"),
        ("bt2020", "yuv420p"),
        ("bt709", "yuv444p"),
        ("bt709", "yuv422p10le"),
        ("bt2020", "yuv420p12le"),
    ],
)
@pytest.mark.parametrize("signal_range", ["tv", "pc"])
def test_tagged_colours_are_true(tmp_path: Path, matrix: str, signal_range: str, pixels: str) -> None:
    assert_true(encode(tmp_path / "flat.mkv", matrix, signal_range, pixels, "-c:v", "ffv1"))


@pytest.mark.parametrize(
    ("name", "pixels", "codec"),
    [
        ("x264.mp4", "yuv420p", "-c:v libx264 -qp 0"),
        ("x264-full.mp4", "yuvj420p", "-c:v libx264 -qp 0"),
        ("x264-10.mp4", "yuv444p10le", "-c:v libx264 -qp 0"),
        ("x265-12.mp4", "yuv420p12le", "-c:v libx265 -x265-params lossless=1:log-level=none"),
        ("mjpeg.avi", "yuvj444p", "-c:v mjpeg -q:v 1"),
        ("prores.mov", "yuv422p10le", "-c:v prores_ks"),
        ("alpha.mkv", "yuva420p", "-c:v ffv1"),
    ],
)
def test_codecs_carry_the_colours(tmp_path: Path, name: str, pixels: str, codec: str) -> None:
    signal_range = "pc" if pixels.startswith("yuvj") else "tv"
    clip = encode(
        tmp_path / name, "bt601" if name.endswith(("avi", "mov")) else "bt709", signal_range, pixels, *codec.split()
    )
    assert_true(clip)


@pytest.mark.parametrize("pixels", ["gray", "gray10le"])
@pytest.mark.parametrize("signal_range", ["tv", "pc"])
def test_grey_pictures_keep_black_and_white(tmp_path: Path, pixels: str, signal_range: str) -> None:
    clip = encode(tmp_path / "grey.mkv", "bt709", signal_range, pixels, "-c:v", "ffv1")
    found = patch_colours(bgr(read(clip).frames[0]))
    assert np.abs(np.ptp(found, axis=2)).max() <= 2, "grey has no colour"
    assert np.abs(found[0, 0] - 255).max() <= 3
    assert found[0, 1].max() <= 3
    assert np.abs(found[0, 2] - 128).max() <= 3


@pytest.mark.parametrize(("height", "matrix"), [(480, "bt601"), (576, "bt601"), (720, "bt709"), (1080, "bt709")])
def test_untagged_video_gets_the_matrix_that_players_assume(make_clip: MakeClip, height: int, matrix: str) -> None:
    clip = make_clip(
        f"untagged{height}.mkv", f"color=s={height * 4 // 3}x{height}:r=5:c=gray", "-frames:v", "1", "-c:v", "mjpeg"
    )
    info = read(clip).info
    assert matrix_of(info) == ("bt601" if info.colour.space_from_header == "bt470bg" else matrix)


def test_untagged_small_video_is_bt601(tmp_path: Path) -> None:
    clip = encode(tmp_path / "untagged.avi", "bt601", "tv", "yuv444p", "-c:v", "ffv1", tagged=False)
    assert read(clip).info.colour.space_from_header is None
    assert_true(clip)


@pytest.mark.parametrize("pixels", ["gbrp", "bgr0", "gbrp10le", "rgb48le"])
def test_pictures_stored_as_rgb_are_true(tmp_path: Path, pixels: str) -> None:
    assert_true(encode_rgb(TRUTH, tmp_path / "rgb.mkv", "-c:v", "ffv1", "-pix_fmt", pixels))


@pytest.mark.parametrize("pixels", ["0rgb", "rgb24", "rgb555le", "argb"])
def test_raw_rgb_is_true(tmp_path: Path, pixels: str) -> None:
    clip = encode_rgb(TRUTH, tmp_path / "raw.nut", "-c:v", "rawvideo", "-pix_fmt", pixels)
    assert_true(clip, 8 if pixels == "rgb555le" else 3)


@pytest.mark.parametrize("signal_range", ["tv", "pc"])
@pytest.mark.parametrize("matrix", ["bt601", "bt709", "bt2020"])
def test_colours_are_those_of_ffmpeg_itself(tmp_path: Path, matrix: str, signal_range: str) -> None:
    clip = encode(tmp_path / "flat.mkv", matrix, signal_range, "yuv420p", "-c:v", "ffv1")
    scale = f"scale=in_color_matrix={matrix}:in_range={signal_range}:flags=accurate_rnd+full_chroma_int+full_chroma_inp"
    command = ["ffmpeg", "-v", "error", "-i", clip, "-vf", scale, "-pix_fmt", "rgb24", "-frames:v", "1"]
    raw = subprocess.run([*command, "-f", "rawvideo", "-"], check=True, capture_output=True).stdout
    theirs = patch_colours(np.frombuffer(raw, np.uint8).reshape(TRUTH.shape))
    ours = patch_colours(bgr(read(clip).frames[0])[..., ::-1])
    assert np.abs(ours - theirs).max() <= 3


def test_a_moving_picture_differs_little_from_ffmpegs_own(make_clip: MakeClip) -> None:
    clip = make_clip(
        "colour-motion.mkv", "testsrc2=s=320x240:r=25", "-frames:v", "3", "-c:v", "ffv1", "-pix_fmt", "yuv420p"
    )
    command = ["ffmpeg", "-v", "error", "-i", clip, "-vf", "scale=in_color_matrix=bt601", "-pix_fmt", "bgr24"]
    raw = subprocess.run([*command, "-f", "rawvideo", "-"], check=True, capture_output=True).stdout
    theirs = np.frombuffer(raw, np.uint8).reshape(-1, 240, 320, 3).astype(int)
    for frame, their in zip(read(clip).frames, theirs, strict=True):
        difference = np.abs(bgr(frame) - their)
        assert np.median(difference) <= 1
        assert difference.mean() < 6


def test_the_small_picture_has_the_same_brightness_and_at_most_128_pixels(make_clip: MakeClip) -> None:
    clip = make_clip(
        "colour-large.mkv", "testsrc2=s=641x363:r=25", "-frames:v", "1", "-c:v", "ffv1", "-pix_fmt", "yuv420p"
    )
    frame = read(clip).frames[0]
    small = thumbnail(frame)
    assert max(small.shape) <= 128
    assert small[..., 0].mean() == pytest.approx(frame.i420[: 641 * 363].mean(), abs=1.5)
