"""What a file promises and what could be read of it: the difference is always said."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from reading import CFR25, Reading, read

from conftest import ffmpeg
from roundel.config import MediaConfig
from roundel.errors import MediaError
from roundel.media.coverage import MESSAGES_KEPT, CoverageMeter
from roundel.media.probe import probe
from roundel.types import Timestamp

MakeClip = Callable[..., Path]
MOVING = "testsrc2=size=160x120:rate=25"
SECONDS = 8
NO_B = ["-bf", "0"]
BASE = Fraction(1, 1000)


@pytest.fixture
def whole(make_clip: MakeClip) -> Callable[[str], Path]:
    """A sound clip of eight seconds, 200 frames, in the container of that name."""

    def make(kind: str) -> Path:
        start = ["-movflags", "+faststart"] if kind == "mp4" else []
        codec = ["-c:v", "mpeg4", "-q:v", "4", "-g", "25"] if kind == "avi" else CFR25
        return make_clip(f"coverage.{kind}", MOVING, "-t", str(SECONDS), *codec, *start)

    return make


def packets(path: Path) -> list[tuple[float, int, int]]:
    """Time, first byte and end byte of every packet of a sound file."""
    command = [
        "ffprobe",
        "-v",
        "error",
        "-of",
        "json",
        "-select_streams",
        "v",
        "-show_entries",
        "packet=pts_time,pos,size",
    ]
    found = json.loads(subprocess.run([*command, path], check=True, capture_output=True).stdout)["packets"]
    return [(float(p["pts_time"]), int(p["pos"]), int(p["pos"]) + int(p["size"])) for p in found]


def absent(reading: Reading, frames: int = 25 * SECONDS, start: float = 0.0) -> list[tuple[float, float]]:
    """The ranges of half a second or more of a 25 frames a second clip in which no frame came out."""
    got = {round((at - start) * 25) for at in reading.seconds}
    runs, since = [], None
    for number in range(frames + 1):
        if number < frames and number not in got:
            since = number if since is None else since
        elif since is not None:
            runs.append((start + since / 25, start + number / 25))
            since = None
    return [run for run in runs if run[1] - run[0] >= 0.5]


def assert_spans(found: tuple[tuple[float, float], ...], truth: list[tuple[float, float]]) -> None:
    assert np.array(found).shape == np.array(truth).shape, (found, truth)
    assert np.allclose(found, truth, atol=0.2), (found, truth)


@pytest.mark.parametrize("kind", ["mp4", "mkv", "avi", "flv"])
@pytest.mark.parametrize("share", [0.3, 0.8])
def test_a_truncated_file_is_read_to_its_end_and_the_rest_is_missing(
    whole: Callable[[str], Path], tmp_path: Path, kind: str, share: float
) -> None:
    source = whole(kind)
    data = source.read_bytes()
    cut = int(len(data) * share)
    clip = tmp_path / f"cut.{kind}"
    clip.write_bytes(data[:cut])
    kept = sorted(at for at, _, end in packets(source) if end <= cut)
    reading = read(clip)
    assert len(reading.frames) >= len(kept) - 3
    start = kept[0]
    assert_spans(reading.coverage.missing_seconds, [(kept[-1] + 0.04, start + SECONDS)])
    assert reading.coverage.decoded_seconds == pytest.approx(len(kept) / 25, abs=0.2)
    assert reading.coverage.decoder_errors > 0
    assert reading.coverage.decoder_messages != ()


def test_a_truncated_transport_stream_is_read_to_its_end(whole: Callable[[str], Path], tmp_path: Path) -> None:
    data = whole("ts").read_bytes()
    clip = tmp_path / "cut.ts"
    clip.write_bytes(data[: int(len(data) * 0.6) // 188 * 188])
    reading = read(clip)
    assert 100 < len(reading.frames) < 140
    assert reading.coverage.decoder_errors > 0
    assert reading.coverage.missing_seconds == (), "such a file states no duration: nothing is promised"


@pytest.mark.parametrize("kind", ["mp4", "mkv", "ts", "flv"])
def test_a_hole_of_zeros_is_a_missing_range(whole: Callable[[str], Path], tmp_path: Path, kind: str) -> None:
    data = bytearray(whole(kind).read_bytes())
    since, to = len(data) * 4 // 10, len(data) * 6 // 10
    data[since:to] = bytes(to - since)
    clip = tmp_path / f"hole.{kind}"
    clip.write_bytes(data)
    reading = read(clip)
    start = reading.seconds[0]
    truth = absent(reading, start=start)
    assert len(truth) == 1, "the clip is meant to have one hole"
    assert truth[0][1] - truth[0][0] > 1
    assert_spans(reading.coverage.missing_seconds, truth)
    assert reading.coverage.decoder_errors > 0
    assert reading.coverage.decoded_seconds == pytest.approx(len(reading.frames) / 25, abs=0.2)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", ["mp4", "mkv", "ts", "avi"])
def test_flipped_bits_never_stop_the_reading(
    whole: Callable[[str], Path], tmp_path: Path, kind: str, seed: int
) -> None:
    data = bytearray(whole(kind).read_bytes())
    rng = np.random.default_rng(seed)
    for at in rng.integers(len(data) // 10, len(data) * 9 // 10, 40):
        data[at] ^= 1 << int(rng.integers(0, 8))
    clip = tmp_path / f"flipped.{kind}"
    clip.write_bytes(data)
    reading = read(clip)
    assert len(reading.frames) > 100
    assert reading.coverage.decoder_errors > 0
    assert_spans(reading.coverage.missing_seconds, absent(reading, start=read(whole(kind)).seconds[0]))


def test_one_lost_packet_of_a_transport_stream_is_noticed(make_clip: MakeClip, tmp_path: Path) -> None:
    slices = ["-x264-params", "slice-max-size=170:bframes=0:keyint=25"]
    source = make_clip("slices.ts", "testsrc2=size=320x240:rate=25", "-t", "2", "-c:v", "libx264", *slices)
    data = source.read_bytes()
    clip = tmp_path / "lossy.ts"
    for number in range(60, len(data) // 188 - 60, len(data) // 188 // 4):
        clip.write_bytes(data[: number * 188] + data[(number + 1) * 188 :])
        reading = read(clip)
        assert len(reading.frames) >= 49
        assert reading.coverage.decoder_errors > 0
        assert "corrupt input packet in stream" in reading.coverage.decoder_messages
    assert read(source).coverage.decoder_errors == 0


@pytest.mark.parametrize("frames", [13, 100])
def test_a_gap_in_a_transport_stream_is_missing_even_if_nothing_is_damaged(make_clip: MakeClip, frames: int) -> None:
    """Such streams state a time at least every 0.7 seconds, so a longer step is lost picture."""
    source = f"{MOVING},setpts='N+if(gte(N,{frames}),75,0)'"
    clip = make_clip(f"gap{frames}.ts", source, "-frames:v", str(2 * frames), "-fps_mode", "passthrough", *CFR25, *NO_B)
    reading = read(clip)
    assert len(reading.frames) == 2 * frames
    since, to = reading.seconds[frames - 1 : frames + 1]
    assert to - since == pytest.approx(3.04)
    assert reading.coverage.decoder_errors == 0
    assert_spans(reading.coverage.missing_seconds, [(since + 0.04, to)])
    assert reading.coverage.decoded_seconds == pytest.approx(2 * frames / 25, abs=0.05)


@pytest.mark.parametrize("kind", ["mp4", "mkv"])
def test_a_dropped_middle_of_a_steady_video_is_a_gap(make_clip: MakeClip, kind: str) -> None:
    source = f"{MOVING},setpts='N+if(gte(N,60),75,0)'"
    clip = make_clip(f"middle.{kind}", source, "-frames:v", "120", "-fps_mode", "passthrough", *CFR25, *NO_B)
    reading = read(clip)
    assert_spans(reading.coverage.missing_seconds, [(2.4, 5.4)])
    assert reading.coverage.decoded_seconds == pytest.approx(4.8, abs=0.05)


@pytest.mark.parametrize("kind", ["mp4", "mkv"])
def test_the_still_pictures_of_a_screen_recording_are_not_missing(make_clip: MakeClip, kind: str) -> None:
    source = "testsrc2=size=64x48:rate=30:duration=30"
    moves = "lt(mod(t,4),0.7)+lt(mod(n,7),1)*lt(t,20)"
    clip = make_clip(
        f"screen.{kind}",
        source,
        "-vf",
        f"select='{moves}'",
        "-fps_mode",
        "vfr",
        *CFR25,
    )
    reading = read(clip)
    assert max(np.diff(reading.seconds)) > 3, "the clip is meant to have long steps"
    assert reading.coverage.variable_frame_rate
    assert reading.coverage.missing_seconds == ()


@pytest.mark.parametrize("start", [0, 10])
@pytest.mark.parametrize("kind", ["mp4", "mkv", "ts", "mov", "flv"])
def test_a_sound_file_misses_nothing_wherever_its_time_starts(make_clip: MakeClip, kind: str, start: int) -> None:
    clip = make_clip(f"start{start}.{kind}", MOVING, "-t", "2", "-output_ts_offset", str(start), *CFR25)
    reading = read(clip)
    assert len(reading.frames) == 50
    assert reading.coverage.missing_seconds == ()
    assert reading.coverage.decoder_errors == 0
    assert reading.coverage.decoded_seconds == pytest.approx(2, abs=0.05)
    assert reading.info.duration_seconds_from_header == pytest.approx(2, abs=0.15)


def test_a_header_that_promises_more_than_there_is_gives_a_missing_tail(make_clip: MakeClip, tmp_path: Path) -> None:
    source = make_clip("two_seconds.mkv", MOVING, "-t", "2", *CFR25)
    data = source.read_bytes()
    assert data.count(b"00:00:02.000000000") == 1
    clip = tmp_path / "boaster.mkv"
    clip.write_bytes(data.replace(b"00:00:02.000000000", b"00:00:07.000000000"))
    reading = read(clip)
    assert reading.info.duration_seconds_from_header == 7
    assert_spans(reading.coverage.missing_seconds, [(2.0, 7.0)])
    assert reading.coverage.duration_seconds_from_content == pytest.approx(2, abs=0.05)


def test_longer_sound_is_no_missing_picture(make_clip: MakeClip, tmp_path: Path) -> None:
    source = make_clip("two_seconds.mkv", MOVING, "-t", "2", *CFR25)
    for name in ("sound.mp4", "sound.mkv"):
        clip = tmp_path / name
        ffmpeg("-i", source, "-f", "lavfi", "-i", "sine=440", "-t", "6", "-c:v", "copy", clip)
        assert read(clip).coverage.missing_seconds == (), name


def test_a_file_without_one_frame_is_an_error_that_names_it(whole: Callable[[str], Path], tmp_path: Path) -> None:
    data = bytearray(whole("mp4").read_bytes())
    at = data.index(b"mdat") + 4
    data[at:] = bytes(len(data) - at)
    clip = tmp_path / "hollow.mp4"
    clip.write_bytes(data)
    with pytest.raises(MediaError, match=r"hollow\.mp4.*not one frame could be decoded"):
        read(clip)


def test_messages_do_not_depend_on_where_the_file_lies(whole: Callable[[str], Path], tmp_path: Path) -> None:
    data = whole("mp4").read_bytes()
    found = []
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        clip = tmp_path / folder / "cut.mp4"
        clip.write_bytes(data[: len(data) * 6 // 10])
        found.append(read(clip).coverage)
    assert found[0] == found[1]
    assert not any(str(tmp_path) in message for message in found[0].decoder_messages)


def meter(make_clip: MakeClip) -> CoverageMeter:
    return CoverageMeter(probe(make_clip("two_seconds.mkv", MOVING, "-t", "2", *CFR25), MediaConfig()))


def test_memory_is_bounded_however_much_the_decoder_complains(make_clip: MakeClip) -> None:
    account = meter(make_clip)
    for number in range(5000):
        account.complain(f"error number {number}")
        account.add(Timestamp(number * 40, BASE))
    result = account.result()
    assert result.decoder_errors == 5000
    assert len(result.decoder_messages) == MESSAGES_KEPT


def test_addresses_are_left_out_of_messages(make_clip: MakeClip) -> None:
    account = meter(make_clip)
    account.complain("trouble in 0x7ffe12 here")
    account.complain("trouble in 0x8aaa34 here")
    assert account.result().decoder_messages == ("trouble in 0x… here",)


def test_a_variable_file_with_decoder_errors_reports_its_long_steps(make_clip: MakeClip) -> None:
    account = meter(make_clip)
    at = 0
    for step in [33, 50, 100] * 10 + [3000] + [33, 50, 100] * 10:
        account.add(Timestamp(at, BASE))
        at += step
    account.add(Timestamp(at, BASE))
    assert account.result().variable_frame_rate
    assert account.result().missing_seconds == ()
    account.complain("error while decoding")
    assert len(account.result().missing_seconds) == 1


def test_one_wrong_time_makes_no_gap(make_clip: MakeClip) -> None:
    account = meter(make_clip)
    for at in [0, 40, 80, 900, 120, 160, 200]:
        account.add(Timestamp(at, BASE))
    account.complain("error while decoding")
    result = account.result()
    assert [span for span in result.missing_seconds if span[0] < 0.2] == []
    assert result.decoded_seconds == pytest.approx(0.24)
    assert "jumps back" in result.warnings[0]


def test_repeated_times_do_not_stop_the_account(make_clip: MakeClip) -> None:
    account = meter(make_clip)
    for _ in range(10):
        account.add(Timestamp(40, BASE))
    assert account.result().decoded_frames == 10
    assert account.expected(BASE).pts > 40


def test_thousands_of_jumps_back_are_counted_and_only_the_first_ones_named(make_clip: MakeClip) -> None:
    meter = CoverageMeter(probe(make_clip("moving.mp4", MOVING, "-t", "1"), MediaConfig()))
    for number in range(2000):
        meter.add(Timestamp(number + 1000 * (number % 2), BASE))
    warnings = meter.result().warnings
    assert len(warnings) == 21
    assert warnings[-1] == "time jumps back 979 more times"
