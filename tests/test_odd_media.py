"""Every file of ../shared/media/odd ends in a result or a clear error, in time, and what is odd about it is said.

The expectations come from ffprobe 5.1 (``-count_frames``, ``-show_packets``) and from the pictures, not from Roundel.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from conftest import SHARED
from roundel.config import MediaConfig
from roundel.errors import MediaError
from roundel.media.decode import VideoDecoder
from roundel.media.identity import identify
from roundel.media.probe import probe

pytestmark = pytest.mark.real_media
ODD = SHARED / "media" / "odd"
SECONDS_EACH = 10.0


@dataclass(frozen=True)
class Good:
    """A file that is read. Times in seconds; ``says`` are phrases of all its warnings, in order."""

    frames: int
    size: tuple[int, int]
    first: float
    last: float
    lasts: float
    rotation: int = 0
    says: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Bad:
    """A file that cannot be read."""

    says: str


EXPECTED: dict[str, Good | Bad] = {
    "animated.gif": Good(4, (64, 48), 0, 0.3, 0.4),
    "av1_video.mkv": Good(125, (640, 360), 0, 4.96, 5.0),
    # Cut out of a broadcast: the first two pictures are shown before the first key frame, and two pictures before the
    # last one are missing, too short a gap to report. Its sound starts at 1.4 s, its picture at 2.03 s.
    "bbb24p_00_short.ts": Good(10, (1920, 1080), 2.029556, 2.487889, 0.5),
    "bt601_full_range.mp4": Good(60, (320, 240), 0, 1.966667, 2.0),
    # 30 packets, five of them before the start that the edit list sets: B, P frames from a key frame at -0.2 s.
    "discard_first_keyframe.mp4": Good(25, (64, 64), 0, 0.96, 1.0, says=("hides about 5 of the 30 frames",)),
    # 451 frames of 30 a second in the file; the edit list shows the last 301 of them and hides five seconds before.
    "edit_list_mev1.mp4": Good(301, (854, 480), 0, 10.033333, 10.067, says=("hides about 149 of the 451 frames",)),
    # A frame of 8 x 8 on a screen of 4 x 4: what lies on the screen is kept.
    "frame_exceeds_screen.gif": Good(1, (4, 4), 0, 0, 0.1),
    "h265_10bits.mp4": Good(30, (200, 200), 0, 0.966667, 1.0),
    "nasa_13013_rotated.mp4": Good(17, (270, 480), 0, 0.533867, 0.567233, rotation=270),
    "sine_mono_s16.wav": Bad("not one of the video containers"),
    "test5-noaudio-novideo.mkv": Bad("has no video stream (it holds: subtitle)"),
    "test_non_zero_start.mp4": Good(12, (200, 112), 8.333008, 8.699674, 0.4, says=("pixels are not square (224:225)",)),
    "testsrc2_12bit_hdr.mp4": Good(60, (320, 180), 0, 1.966667, 2.0, says=("high dynamic range",)),
    "testsrc2_mpeg4.avi": Good(30, (1280, 720), 0, 0.966667, 1.0),
    "testsrc2_odd_height_and_width_444.mp4": Good(25, (321, 241), 0, 0.96, 1.0),
    "testsrc2_odd_height_vp9.mp4": Good(25, (320, 241), 0, 0.96, 1.0),
    "transparent.gif": Good(1, (64, 48), 0, 0, 0.1),
    "video_01_invalid.mp4": Bad("moov atom not found"),
    "video_02_audio_only.mp4": Bad("has no video stream (it holds: audio)"),
    "vp8_opus.webm": Good(31, (640, 480), 0.007, 1.008, 1.034),
    # The header counts 32 frames; the second is a packet without a picture ("packed bitstream").
    "xvid_aac.avi": Good(31, (640, 480), 0, 1.034367, 1.067733),
}
GOOD = {name: expected for name, expected in EXPECTED.items() if isinstance(expected, Good)}
BAD = {name: expected for name, expected in EXPECTED.items() if isinstance(expected, Bad)}


def test_the_table_lists_every_file_of_the_folder() -> None:
    assert sorted(EXPECTED) == sorted(path.name for path in ODD.iterdir())


@pytest.mark.parametrize("name", GOOD)
def test_a_readable_file_is_read_to_its_end(name: str) -> None:
    expected, path = GOOD[name], ODD / name
    began = time.monotonic()
    info = probe(path, MediaConfig())
    decoder = VideoDecoder(path, info, MediaConfig())
    frames = list(decoder)
    coverage = decoder.coverage
    assert time.monotonic() - began < SECONDS_EACH
    assert len(frames) == coverage.decoded_frames == expected.frames
    assert {(frame.width, frame.height) for frame in frames} == {expected.size}
    assert info.rotation == expected.rotation
    times = [frame.ref.at.seconds for frame in frames]
    assert times == sorted(set(times))
    assert (times[0], times[-1]) == pytest.approx((expected.first, expected.last), abs=1e-5)
    assert coverage.decoded_seconds == pytest.approx(expected.lasts, abs=0.002)
    assert coverage.missing_seconds == ()
    assert coverage.decoder_errors == 0, coverage.decoder_messages
    warnings = info.warnings + coverage.warnings
    assert len(warnings) == len(expected.says), warnings
    assert all(phrase in warning for phrase, warning in zip(expected.says, warnings, strict=True)), warnings


@pytest.mark.parametrize("name", BAD)
def test_an_unreadable_file_gives_a_clear_error(name: str) -> None:
    path = ODD / name
    assert identify(path).size_bytes > 0
    began = time.monotonic()
    with pytest.raises(MediaError) as caught:
        probe(path, MediaConfig())
    assert time.monotonic() - began < SECONDS_EACH
    message = str(caught.value)
    assert BAD[name].says in message
    assert message.startswith(str(path))
    assert "\n" not in message


def test_the_command_line_finishes_the_folder_and_says_what_failed(tmp_path: Path) -> None:
    case = tmp_path / "case"
    entry = "import sys; from roundel.cli import main; sys.argv[0] = 'roundel'; main()"
    options = ["--case", str(case), "--json", "--tiles", "off", "--sample-fps", "1"]
    quick = {**os.environ, "ROUNDEL_DETECTOR__INPUT_PX": "96"}
    done = subprocess.run(
        [sys.executable, "-c", entry, "analyze", str(ODD), *options],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env=quick,
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    videos = {Path(video["path"]).name: video for video in json.loads(done.stdout)["videos"]}
    searched = {name for name in EXPECTED if not name.endswith(".wav")}  # a folder is searched for names of videos
    assert set(videos) == searched
    for name, video in videos.items():
        expected = EXPECTED[name]
        assert video["status"] == ("failed" if isinstance(expected, Bad) else "done"), (name, video)
        if isinstance(expected, Bad):
            assert expected.says in video["message"]
            assert str(ODD) not in video["message"] or video["package"] is None
        else:
            assert Path(video["package"]).is_dir()
