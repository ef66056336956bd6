"""Every frame once, upright, with its true time, and what is damaged is said."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from reading import CFR25, encode_rgb, luma, numbered, numbers, read, true_times

from conftest import ffmpeg
from roundel.config import MediaConfig
from roundel.media.colour import bgr, thumbnail
from roundel.media.decode import VideoDecoder, ffmpeg_arguments
from roundel.media.probe import probe

MakeClip = Callable[..., Path]
CORNERS = np.array([[(220, 30, 40), (30, 200, 50)], [(40, 60, 210), (230, 230, 230)]], np.uint8)
# Display matrices by degrees clockwise: a, b, c, d of QTFF's (x, y) → (a x + c y, b x + d y).
MATRICES = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
PALETTE = ["-vf", "split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=none"]


def quadrants(width: int, height: int) -> np.ndarray:
    rows = (np.arange(height) >= height // 2).astype(int)
    columns = (np.arange(width) >= width // 2).astype(int)
    return CORNERS[rows[:, None], columns[None, :]]


def turn(path: Path, degrees: int) -> None:
    """Write a display matrix into the only video track of an mp4."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (value * 0x10000 for value in MATRICES[degrees])
    matrix = (a, b, 0, c, d, 0, 0, 0, 0x40000000)
    data[at : at + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in matrix)
    path.write_bytes(bytes(data))


def corner_errors(picture: np.ndarray, truth: np.ndarray) -> float:
    """Largest difference of the four quadrants' middles; both RGB."""
    height, width = truth.shape[:2]
    assert picture.shape == truth.shape
    spots = [(height * y // 4, width * x // 4) for y in (1, 3) for x in (1, 3)]
    return max(float(np.abs(picture[spot].astype(int) - truth[spot]).max()) for spot in spots)


def test_variable_frame_rate_gives_its_real_frames_at_their_true_times(make_clip: MakeClip) -> None:
    clip = make_clip(
        "vfr63.mp4",
        f"{numbered(rate=30)},settb=1/30000,setpts='N*1001+if(gt(N,20),15015,0)+if(gt(N,40),45045,0)+mod(N,3)*300'",
        *("-frames:v", "63", "-fps_mode", "passthrough", "-enc_time_base", "1:30000"),
        *("-video_track_timescale", "30000", *CFR25),
    )
    truth = true_times(clip)
    steps = {b - a for a, b in itertools.pairwise(truth)}
    assert len(truth) == 63
    assert len(steps) >= 4, "the clip is meant to have mixed durations"
    reading = read(clip)
    assert [frame.ref.at.exact for frame in reading.frames] == truth
    assert [frame.ref.index for frame in reading.frames] == list(range(63))
    assert numbers(reading.frames) == list(range(63))
    assert reading.coverage.variable_frame_rate


def test_no_frame_is_invented_or_dropped_by_the_arguments(make_clip: MakeClip) -> None:
    clip = make_clip("numbered.mp4", numbered(), "-frames:v", "50", *CFR25)
    arguments = ffmpeg_arguments(clip, probe(clip, MediaConfig()), MediaConfig())
    assert arguments[arguments.index("-fps_mode") + 1] == "passthrough"
    assert "-copyts" in arguments
    assert not {"-vsync", "-xerror", "-r", "-ss"} & set(arguments)
    assert not any("fps=" in argument for argument in arguments)


@pytest.mark.parametrize("name", ["steady.mp4", "steady.mkv", "steady.avi", "steady.mov", "steady.ts", "steady.webm"])
def test_every_container_keeps_frames_and_times(make_clip: MakeClip, name: str) -> None:
    codecs = {"webm": ["-c:v", "libvpx", "-deadline", "realtime", "-b:v", "1M"], "avi": ["-c:v", "mpeg4", "-q:v", "2"]}
    clip = make_clip(name, numbered(), "-frames:v", "40", *codecs.get(name.split(".")[1], CFR25))
    reading = read(clip)
    assert numbers(reading.frames) == list(range(40))
    assert [frame.ref.at.exact for frame in reading.frames] == true_times(clip)
    assert not reading.coverage.variable_frame_rate
    assert reading.coverage.decoder_errors == 0
    assert reading.coverage.missing_seconds == ()
    assert reading.coverage.decoded_seconds == pytest.approx(1.6, abs=0.01)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("size", [(64, 32), (63, 31)])
def test_a_display_matrix_turns_the_picture_upright(tmp_path: Path, degrees: int, size: tuple[int, int]) -> None:
    truth = quadrants(*size)
    clip = encode_rgb(
        truth,
        tmp_path / "turned.mp4",
        "-vf",
        "scale=out_color_matrix=bt601,format=yuv444p",
        "-c:v",
        "libx264",
        "-qp",
        "0",
    )
    turn(clip, degrees)
    reading = read(clip)
    upright = np.rot90(truth, -degrees // 90)
    assert reading.info.rotation == degrees
    assert (reading.info.coded_width, reading.info.coded_height) == size
    assert (reading.info.width, reading.info.height) == (upright.shape[1], upright.shape[0])
    assert len(reading.frames) == 2
    assert corner_errors(bgr(reading.frames[1])[..., ::-1], upright) <= 3
    assert reading.coverage.warnings == ()


@pytest.mark.parametrize(
    ("size", "codec"),
    [
        ((33, 17), "ffv1"),
        ((32, 17), "ffv1"),
        ((33, 18), "ffv1"),
        ((3, 5), "ffv1"),
        ((1, 1), "ffv1"),
        ((321, 241), "libx264"),
    ],
)
def test_odd_sizes_are_read_without_skew(tmp_path: Path, size: tuple[int, int], codec: str) -> None:
    truth = quadrants(*size)
    clip = encode_rgb(truth, tmp_path / "odd.mkv", "-pix_fmt", "yuv444p", "-c:v", codec)
    reading = read(clip)
    assert (reading.info.width, reading.info.height) == size
    assert all(bgr(frame).shape == (size[1], size[0], 3) for frame in reading.frames)
    assert min(thumbnail(reading.frames[0]).shape) >= 1
    if min(size) > 10:
        assert corner_errors(bgr(reading.frames[0])[..., ::-1], truth) <= 5


def test_a_transport_stream_keeps_its_start_time(make_clip: MakeClip) -> None:
    clip = make_clip("late.ts", numbered(), "-frames:v", "30", "-muxdelay", "0.7", *CFR25)
    reading = read(clip)
    assert reading.seconds[0] == pytest.approx(1.4, abs=0.15)
    assert reading.seconds[0] > 1.2
    assert [frame.ref.at.exact for frame in reading.frames] == true_times(clip)
    assert reading.coverage.first_seconds == reading.seconds[0]
    assert reading.coverage.missing_seconds == ()


def join(path: Path, *parts: Path) -> Path:
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def test_a_joined_transport_stream_jumps_back_and_keeps_all_frames(make_clip: MakeClip, tmp_path: Path) -> None:
    one = make_clip("decode-one.ts", numbered(), "-frames:v", "30", *CFR25)
    other = make_clip("decode-other.ts", numbered(step=5), "-frames:v", "20", *CFR25)
    reading = read(join(tmp_path / "joined.ts", one, other))
    assert len(reading.frames) == 50
    assert numbers(reading.frames[:30]) == list(range(30))
    assert numbers(reading.frames[30:], step=5) == list(range(20))
    assert reading.seconds[30] == reading.seconds[0], "the second part keeps its own times"
    assert any("jumps back" in warning for warning in reading.coverage.warnings)
    assert reading.coverage.decoded_seconds == pytest.approx(2.0, abs=0.1)
    assert reading.coverage.missing_seconds == ()


def test_a_change_of_size_in_mid_stream_is_scaled_and_said(make_clip: MakeClip, tmp_path: Path) -> None:
    small = make_clip("decode-small.ts", numbered("64x48"), "-frames:v", "20", *CFR25)
    large = make_clip("decode-large.ts", numbered("160x96", step=5), "-frames:v", "20", *CFR25)
    reading = read(join(tmp_path / "sizes.ts", small, large))
    assert len(reading.frames) == 40
    assert {(frame.width, frame.height) for frame in reading.frames} == {(64, 48)}
    assert numbers(reading.frames[20:], step=5) == list(range(20))
    assert any("size changes to 160x96" in warning for warning in reading.coverage.warnings)


@pytest.mark.parametrize(
    ("name", "options"), [("anim.gif", PALETTE), ("rgb.mkv", ["-c:v", "ffv1", "-pix_fmt", "gbrp"])]
)
def test_pictures_stored_as_rgb_keep_their_colours(tmp_path: Path, name: str, options: list[str]) -> None:
    truth = quadrants(64, 48)
    clip = encode_rgb(truth, tmp_path / name, *options, frames=3)
    reading = read(clip)
    assert corner_errors(bgr(reading.frames[0])[..., ::-1], truth) <= 3


def test_packets_that_an_edit_list_hides_are_no_frames(make_clip: MakeClip, tmp_path: Path) -> None:
    source = make_clip("forty.mp4", numbered(), "-frames:v", "40", *CFR25)
    clip = tmp_path / "cut.mp4"
    ffmpeg("-ss", "0.6", "-i", source, "-c", "copy", clip)
    counted = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "stream=nb_frames", "-of", "csv=p=0", clip],
        check=True,
        capture_output=True,
    )
    assert int(counted.stdout) == 40, "the file is meant to hold hidden packets"
    reading = read(clip)
    assert numbers(reading.frames) == list(range(15, 40))
    assert [frame.ref.at.exact for frame in reading.frames] == true_times(clip)
    assert reading.coverage.decoder_errors == 0
    assert reading.coverage.missing_seconds == ()
    assert any("hides about 15 of the 40 frames" in warning for warning in reading.info.warnings)


@pytest.mark.parametrize("kind", ["mp4", "mkv"])
def test_cover_art_is_not_the_video(make_clip: MakeClip, tmp_path: Path, kind: str) -> None:
    picture = encode_rgb(quadrants(320, 320), tmp_path / "cover.png", frames=1)
    source = make_clip("numbered.mp4", numbered(), "-frames:v", "50", *CFR25)
    clip = tmp_path / f"covered.{kind}"
    options = ["-i", source, "-i", picture, "-map", "1", "-map", "0", "-disposition:v:0", "attached_pic"]
    if kind == "mkv":
        options = ["-i", source, "-attach", picture, "-metadata:s:t", "mimetype=image/png"]
    ffmpeg(*options, "-c", "copy", "-disposition:v:1" if kind == "mp4" else "-disposition:v:0", "0", clip)
    reading = read(clip)
    assert (reading.info.width, reading.info.height) == (64, 48)
    assert numbers(reading.frames) == list(range(50))
    assert reading.info.warnings == ()


def test_of_several_video_streams_one_is_read_and_the_choice_is_said(make_clip: MakeClip, tmp_path: Path) -> None:
    small = make_clip("numbered.mp4", numbered(), "-frames:v", "50", *CFR25)
    large = make_clip("decode-large.mp4", numbered("160x96"), "-frames:v", "20", *CFR25)
    clip = tmp_path / "two.mkv"
    ffmpeg("-i", small, "-i", large, "-map", "0", "-map", "1", "-c", "copy", "-disposition", "0", clip)
    reading = read(clip)
    assert (reading.info.width, reading.info.height) == (160, 96)
    assert len(reading.frames) == 20
    assert any("2 video streams" in warning and "stream 1" in warning for warning in reading.info.warnings)


def test_reading_stops_when_the_caller_stops(make_clip: MakeClip) -> None:
    clip = make_clip("decode-long.mp4", "testsrc2=size=320x240:rate=25", "-t", "20", *CFR25)
    frames = iter(VideoDecoder(clip, probe(clip, MediaConfig()), MediaConfig()))
    next(frames)
    assert len(decoders_of(clip)) == 1
    frames.close()  # type: ignore[attr-defined]
    assert decoders_of(clip) == []


def decoders_of(clip: Path) -> list[str]:
    """Process ids whose command line names the clip."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if str(clip).encode() in words:
            found.append(entry.name)
    return found


def test_one_run_is_like_another_on_a_damaged_file(make_clip: MakeClip, tmp_path: Path) -> None:
    source = make_clip("moving.ts", "testsrc2=size=160x120:rate=25", "-t", "3", *CFR25, "-slices", "4")
    clip = tmp_path / "flipped.ts"
    data = bytearray(source.read_bytes())
    rng = np.random.default_rng(5)
    for at in rng.integers(2000, len(data), 60):
        data[at] ^= 1 << rng.integers(0, 8)
    clip.write_bytes(data)
    one, other = read(clip), read(clip)
    assert one.coverage.decoder_errors > 0
    assert one.seconds == other.seconds
    assert all(np.array_equal(a.i420, b.i420) for a, b in zip(one.frames, other.frames, strict=True))
    assert one.coverage == other.coverage


def test_decoding_takes_one_thread_and_so_does_the_output(make_clip: MakeClip) -> None:
    clip = make_clip("numbered.mp4", numbered(), "-frames:v", "50", *CFR25)
    arguments = ffmpeg_arguments(clip, probe(clip, MediaConfig()), MediaConfig())
    decoder, output = (at for at, word in enumerate(arguments) if word == "-threads")
    assert arguments[decoder + 1] == arguments[output + 1] == "1"
    assert decoder < arguments.index("-i") < arguments.index("-map") < output < arguments.index("pipe:1")


def test_frames_without_a_time_get_the_next_expected_one(make_clip: MakeClip, tmp_path: Path) -> None:
    source = make_clip("numbered.mp4", numbered(), "-frames:v", "50", *CFR25)
    clip = tmp_path / "bare.h264"
    ffmpeg("-i", source, "-c", "copy", "-bsf:v", "h264_mp4toannexb", clip)
    reading = read(clip)
    assert numbers(reading.frames) == list(range(50))
    steps = np.diff(reading.seconds)
    assert steps.min() > 0
    assert steps == pytest.approx(np.full(49, 0.04), abs=0.005)


def test_a_long_flood_of_messages_does_not_hang(make_clip: MakeClip, tmp_path: Path) -> None:
    source = make_clip("flood.avi", "testsrc2=size=160x120:rate=25,noise=alls=40:allf=t", "-t", "24", "-c:v", "mjpeg")
    clip = tmp_path / "flood.avi"
    data = bytearray(source.read_bytes())
    rng = np.random.default_rng(1)
    for at in rng.integers(10_000, len(data) - 20_000, len(data) // 150):
        data[at] ^= 0x55
    clip.write_bytes(data)
    said = subprocess.run(["ffmpeg", "-v", "info", "-i", clip, "-f", "null", "-"], capture_output=True, check=False)
    reading = read(clip, stall_seconds=20)
    assert len(said.stderr) > 65536, "the clip is meant to make the decoder talk"
    assert len(reading.frames) > 100
    assert reading.coverage.decoder_errors > 200
    assert len(reading.coverage.decoder_messages) <= 20


def test_the_original_is_never_written_to(make_clip: MakeClip, tmp_path: Path) -> None:
    clip = shutil.copy(make_clip("numbered.mp4", numbered(), "-frames:v", "50", *CFR25), tmp_path / "original.mp4")
    clip.chmod(0o444)
    before = clip.stat()
    read(clip)
    after = clip.stat()
    assert (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)
    assert [entry.name for entry in tmp_path.iterdir()] == ["original.mp4"]


def test_brightness_is_kept(make_clip: MakeClip) -> None:
    clip = make_clip("numbered.mp4", numbered(), "-frames:v", "50", *CFR25)
    assert luma(read(clip).frames[10]) == pytest.approx(46, abs=1)
