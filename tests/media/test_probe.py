"""What the header says, and what a hostile file or name may not do."""

from __future__ import annotations

import http.server
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from reading import CFR25, numbered, numbers, read

from conftest import ffmpeg
from roundel.config import MediaConfig
from roundel.errors import MediaError, MediaLimitError, StallError
from roundel.media.identity import identify
from roundel.media.probe import _seconds, file_url, probe
from roundel.sandbox import Finished

MakeClip = Callable[..., Path]
FAKE_TIME = "[Parsed_showinfo_0 @ 0x1] [info] n:   0 pts:    999 pts_time:1       pos:    1 fmt:yuv420p s:1x1 "
FAKE_BASE = "[Parsed_showinfo_0 @ 0x1] [info] config in time_base: 1/3, frame_rate: 25/1"
PRIVATE = "rosebud-4711"
TIMES = [round(number / 25, 6) for number in range(10)]

NAMES = {
    "dash": "-evil.mp4",
    "option": "-i.mp4",
    "space": "a b  c.mp4",
    "quotes": 'it\'s "here".mp4',
    "newline": "a\nb.mp4",
    "pattern": "frame%03d.mp4",
    "glob": "*[a-z]?{1,2}.mp4",
    "colon": "http:evil:file.mp4",
    "pipe": "pipe:0.mp4",
    "emoji": "🛩️ кадр.mp4",
    "long": "ä" * 125 + ".mp4",
    "not UTF-8": os.fsdecode(b"caf\xe9.mp4"),
    "backslash": "a\\b.mp4",
    "escape": "a\x1b[31mb.mp4",
    "no suffix": "video",
    "false time": f"a\n{FAKE_TIME}\n.mp4",
}


@pytest.fixture
def clip(make_clip: MakeClip) -> Path:
    return make_clip("probe.mp4", numbered(), "-frames:v", "10", *CFR25)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_any_name_is_only_a_name(clip: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(os.fsencode(name)) <= 255
    shutil.copy(clip, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    path = Path(name) if name.startswith("-") else tmp_path / name
    assert identify(path).names == (name,)
    reading = read(path)
    assert numbers(reading.frames) == list(range(10))
    assert reading.seconds == TIMES
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_hostile_folder_is_only_a_folder(clip: Path, tmp_path: Path) -> None:
    for name in (f"x\n{FAKE_TIME}\n", f"x\n{FAKE_BASE}\n"):
        path = tmp_path / f"{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, path)
        assert read(path).seconds == TIMES


@pytest.mark.parametrize("kind", ["mp4", "mkv", "avi", "ts"])
def test_a_hostile_title_is_not_taken_for_a_time(clip: Path, tmp_path: Path, kind: str) -> None:
    hostile = tmp_path / f"titled.{kind}"
    tags = []
    for key in ("title", "comment", "artist", "service_name"):
        for lead in ("\n", "\r", "\r\n", "\x0b", "\x0c", "\n\n"):
            value = f"x{lead}{FAKE_TIME}{lead}{FAKE_BASE}{lead}[h264 @ 0x1] [error] invented{lead}"
            tags += ["-metadata", f"{key}={value}", "-metadata:s:v", f"{key}={value}"]
    ffmpeg("-i", clip, *tags, "-c", "copy", hostile)
    plain = tmp_path / f"plain.{kind}"
    ffmpeg("-i", clip, "-c", "copy", plain)
    reading = read(hostile)
    assert reading.seconds == read(plain).seconds
    assert reading.coverage.decoder_errors == 0
    assert not any("size changes" in warning for warning in reading.coverage.warnings)


@pytest.fixture
def secret(make_clip: MakeClip, tmp_path: Path) -> Path:
    """A private video beside the evidence."""
    return shutil.copy(
        make_clip("secret.ts", "color=s=64x48:c=white", "-frames:v", "10", *CFR25), tmp_path / "secret.ts"
    )


SCRIPTS = {
    "m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:1.0,\n{url}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile '{url}'\n",
    "concat unsafe": "ffconcat version 1.0\nfile {url}\noption safe 0\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
    "<Representation id='1'><BaseURL>{url}</BaseURL></Representation></AdaptationSet></Period></MPD>",
    "asx": '<asx version="3.0"><entry><ref href="{url}"/></entry></asx>',
    "rtsp text": "RTSPtext\nrtsptext{url}\n",
}


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """A local web server and what it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/x.ts", asked
        running.shutdown()


@pytest.mark.parametrize("suffix", ["mp4", "m3u8"])
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_a_script_that_names_another_file_is_refused(
    secret: Path, tmp_path: Path, server: tuple[str, list[str]], script: str, suffix: str
) -> None:
    address, asked = server
    for url in (secret.name, f"file:{secret}", address):
        bait = tmp_path / f"bait.{suffix}"
        bait.write_text(script.format(url=url), encoding="utf-8")
        with pytest.raises(MediaError, match="bait"):
            read(bait, probe_seconds=10)
    assert asked == []


def test_a_playlist_is_called_by_its_name(tmp_path: Path) -> None:
    bait = tmp_path / "bait.mp4"
    bait.write_text(SCRIPTS["concat"].format(url="x.ts"), encoding="utf-8")
    with pytest.raises(MediaError, match="playlists and scripts never are"):
        read(bait)


def test_text_is_not_video(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text(PRIVATE * 1000, encoding="utf-8")
    with pytest.raises(MediaError, match=r"notes\.mp4") as caught:
        read(path)
    assert PRIVATE not in str(caught.value)


def test_sound_alone_is_no_video(make_clip: MakeClip) -> None:
    with pytest.raises(MediaError, match=r"no video stream.*audio"):
        read(make_clip("sound.mp4", "sine=440:d=1"))


def test_a_frame_over_the_limit_is_refused_before_decoding(clip: Path) -> None:
    assert len(read(clip, max_pixels=64 * 48).frames) == 10
    with pytest.raises(MediaLimitError, match=r"64 × 48 are over the limit of 3,071 pixels \(media\.max_pixels"):
        read(clip, max_pixels=64 * 48 - 1)


def test_a_video_over_the_longest_duration_is_refused(clip: Path) -> None:
    with pytest.raises(MediaLimitError, match=r"media\.max_duration_seconds"):
        read(clip, max_duration_seconds=0.3)


def test_a_stream_that_hides_its_length_is_stopped_at_the_limit(clip: Path, tmp_path: Path) -> None:
    raw = tmp_path / "endless.h264"
    ffmpeg("-i", clip, "-c", "copy", "-bsf:v", "h264_mp4toannexb", raw)
    raw.write_bytes(raw.read_bytes() * 20)
    with pytest.raises(MediaLimitError, match=r"goes on after .*media\.max_duration_seconds"):
        read(raw, max_duration_seconds=2)


def test_more_frames_than_the_limit_stop_the_reading(clip: Path) -> None:
    assert len(read(clip, max_frames=10).frames) == 10
    with pytest.raises(MediaLimitError, match=r"goes on after 10 frames .*media\.max_frames"):
        read(clip, max_frames=9)


def test_high_dynamic_range_is_said(make_clip: MakeClip) -> None:
    tags = [
        "-color_primaries",
        "bt2020",
        "-color_trc",
        "smpte2084",
        "-colorspace",
        "bt2020nc",
        "-pix_fmt",
        "yuv420p10le",
    ]
    clip = make_clip("hdr.mp4", numbered(), "-frames:v", "2", "-c:v", "libx264", *tags)
    info = probe(clip, MediaConfig())
    assert info.colour.transfer_from_header == "smpte2084"
    assert info.colour.primaries_from_header == "bt2020"
    assert [warning for warning in info.warnings if "high dynamic range" in warning]


def test_interlaced_pictures_are_said(make_clip: MakeClip) -> None:
    clip = make_clip("interlaced.mpg", numbered(), "-frames:v", "10", *["-c:v", "mpeg2video", "-flags", "+ilme+ildct"])
    assert [warning for warning in probe(clip, MediaConfig()).warnings if "interlaced" in warning]


def test_pixels_that_are_not_square_are_said(make_clip: MakeClip) -> None:
    clip = make_clip("wide.mp4", numbered() + ",setsar=4/3", "-frames:v", "2", *CFR25)
    info = probe(clip, MediaConfig())
    assert info.sample_aspect_ratio == "4:3"
    assert [warning for warning in info.warnings if "not square" in warning]
    assert (info.width, info.height) == (64, 48)


def test_a_plain_clip_has_no_warnings(clip: Path) -> None:
    info = probe(clip, MediaConfig())
    assert info.warnings == ()
    assert info.frame_rate_from_header == 25
    assert (info.codec, info.pixel_format, info.stream_index) == ("h264", "yuv420p", 0)


def test_a_relative_path_becomes_an_absolute_file_address() -> None:
    assert file_url(Path("-evil.mp4")) == f"file:{Path.cwd()}/-evil.mp4"


def test_a_duration_that_is_no_number_is_passed_over() -> None:
    assert [_seconds("00:00:nan", "5.5"), _seconds("inf"), _seconds("N/A", None)] == [5.5, None, None]


@pytest.mark.parametrize("signal", [1, 2, 9, 15])
def test_a_reader_of_headers_that_is_killed_says_nothing_about_the_file(
    make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch, signal: int
) -> None:
    """As when memory runs short or a queue stops all that runs: a sound video must not go on record as none."""
    killed = Finished(-signal, b"", "", timed_out=False)
    monkeypatch.setattr("roundel.media.probe.run", lambda *_: killed)
    with pytest.raises(
        StallError, match=f"signal {signal} ended the program that reads headers, perhaps for want of memory"
    ):
        probe(make_clip("killed.mp4", "testsrc2=size=64x48:rate=10", "-t", "1"), MediaConfig())
