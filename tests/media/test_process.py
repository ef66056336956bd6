"""Children that read strangers' files are limited, drained, timed and without a network."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from reading import CFR25, numbered

from roundel.config import MediaConfig
from roundel.errors import MediaLimitError, MissingProgramError, StallError
from roundel.media.decode import VideoDecoder
from roundel.media.probe import probe
from roundel.media.process import CONTAINERS, program
from roundel.sandbox import Child, Limits, run

MakeClip = Callable[..., Path]
NAP = f"9{os.getpid():07d}"  # seconds that no other process sleeps


@pytest.fixture
def fake(tmp_path: Path) -> Callable[[str], str]:
    """Make a program that stands in for ffmpeg."""

    def make(body: str) -> str:
        path = tmp_path / "fake-ffmpeg"
        path.write_text(f"#!/bin/sh\nsleep 0.1\n{body}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return make


@pytest.fixture
def clip(make_clip: MakeClip) -> Path:
    return make_clip("process.mp4", numbered(), "-frames:v", "25", *CFR25)


def gone(word: str, within_seconds: float = 3) -> bool:
    """Whether no process has this word on its command line, now or soon: a killed one takes a moment to end."""
    until = time.monotonic() + within_seconds
    while time.monotonic() < until:
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                found += [entry] if word.encode() in (entry / "cmdline").read_bytes() else []
        if not found:
            return True
        time.sleep(0.05)
    return False


def test_a_child_has_limits(fake: Callable[[str], str]) -> None:
    config = MediaConfig(memory_bytes=2 * 1024**3, cpu_seconds=77)
    done = run([fake("cat /proc/self/limits")], config, 10)
    limits = {line[:26].strip(): line[26:].split()[:2] for line in done.stdout.decode().splitlines()}
    assert limits["Max address space"] == [str(2 * 1024**3)] * 2
    assert limits["Max cpu time"] == ["77", "77"]
    assert limits["Max file size"] == ["0", "0"]
    assert limits["Max core file size"] == ["0", "0"]
    assert limits["Max open files"] == ["64", "64"]


def test_a_child_cannot_write_a_file(fake: Callable[[str], str], tmp_path: Path) -> None:
    done = run([fake(f"echo stolen > {tmp_path}/loot; echo after")], MediaConfig(), 10)
    loot = tmp_path / "loot"
    assert not loot.exists() or loot.stat().st_size == 0
    assert b"stolen" not in done.stdout


def test_a_child_cannot_take_more_memory_than_allowed(tmp_path: Path) -> None:
    code = "import time; time.sleep(.3); x = bytearray(1 << 30); print(len(x))"
    done = run([sys.executable, "-c", code], MediaConfig(memory_bytes=512 * 1024**2), 20)
    assert done.returncode != 0
    assert b"1073741824" not in done.stdout


def test_a_child_has_no_network() -> None:
    if not offline_prefix():
        pytest.skip("this kernel gives no network namespaces")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import socket; socket.create_connection(('127.0.0.1', {port}), 3); print('out')"
        done = run([sys.executable, "-c", code], MediaConfig(), 20)
        server.settimeout(0.2)
        with pytest.raises(TimeoutError):
            server.accept()
    assert b"out" not in done.stdout
    assert done.returncode != 0


def test_a_child_reads_nothing_from_our_input(fake: Callable[[str], str]) -> None:
    done = run([fake("cat; echo end")], MediaConfig(), 10)
    assert done.stdout == b"end\n"


def test_a_decoder_that_says_nothing_is_stopped(fake: Callable[[str], str], clip: Path) -> None:
    config = MediaConfig(ffmpeg=fake(f"sleep {NAP}"), stall_seconds=0.5)
    began = time.monotonic()
    with pytest.raises(StallError, match=r"process\.mp4.*no frame for 0\.5 s"):
        list(VideoDecoder(clip, probe(clip, config), config))
    assert time.monotonic() - began < 4
    assert gone(NAP)
    assert gone(config.ffmpeg)


def test_a_decoder_that_stops_in_the_middle_of_a_frame_is_stopped(fake: Callable[[str], str], clip: Path) -> None:
    config = MediaConfig(ffmpeg=fake(f"head -c 1000 /dev/zero; sleep {NAP}"), stall_seconds=0.5)
    with pytest.raises(StallError):
        list(VideoDecoder(clip, probe(clip, config), config))
    assert gone(NAP)


def test_a_header_that_takes_too_long_is_given_up(fake: Callable[[str], str], clip: Path) -> None:
    config = MediaConfig(ffprobe=fake(f"sleep {NAP}"), probe_seconds=0.5)
    began = time.monotonic()
    with pytest.raises(MediaLimitError, match=r"process\.mp4.*within 0\.5 s"):
        probe(clip, config)
    assert time.monotonic() - began < 4
    assert gone(NAP)


def test_messages_are_read_however_many_there_are(fake: Callable[[str], str]) -> None:
    body = "i=0; while [ $i -lt 30000 ]; do echo a message of some length, number $i >&2; i=$((i+1)); done; echo end"
    began = time.monotonic()
    done = run([fake(body)], MediaConfig(), 30)
    assert done.stdout == b"end\n"
    assert time.monotonic() - began < 20
    assert done.stderr.count("\n") < 50, "only a tail is kept"
    assert "number 29999" in done.stderr


def test_one_endless_message_takes_no_memory(fake: Callable[[str], str]) -> None:
    lines: list[str] = []
    child = Child([fake("head -c 30000000 /dev/zero >&2")], MediaConfig(), lines.append)
    child.wait()
    assert sum(map(len, lines)) <= 65536 + 1


def test_a_missing_program_says_what_to_type() -> None:
    with pytest.raises(MissingProgramError, match="apt-get install ffmpeg"):
        program("ffmpeg-of-nowhere")


def test_no_playlist_or_script_is_among_the_containers() -> None:
    allowed = set(CONTAINERS.split(","))
    assert allowed.isdisjoint(
        {
            "hls",
            "applehttp",
            "concat",
            "ffconcat",
            "sdp",
            "rtsp",
            "dash",
            "image2",
            "tty",
            "lavfi",
            "imf",
            "vapoursynth",
        }
    )


def test_the_decoder_passes_both_whitelists(clip: Path) -> None:
    from roundel.media.decode import ffmpeg_arguments

    arguments = ffmpeg_arguments(clip, probe(clip, MediaConfig()), MediaConfig())
    source = arguments.index("-i")
    assert arguments[arguments.index("-format_whitelist") + 1] == CONTAINERS
    assert arguments[arguments.index("-protocol_whitelist") + 1] == "file"
    assert arguments.index("-format_whitelist") < source
    assert arguments.index("-protocol_whitelist") < source
    assert arguments[source + 1] == f"file:{clip}"


def test_ffmpeg_python_is_the_library_that_is_meant() -> None:
    from importlib.metadata import packages_distributions

    assert packages_distributions()["ffmpeg"] == ["ffmpeg-python"]


def test_a_decoder_that_is_killed_from_outside_is_no_result_but_worth_another_try(
    fake: Callable[[str], str], clip: Path
) -> None:
    config = MediaConfig(ffmpeg=fake("kill -9 $$"))
    with pytest.raises(StallError, match=r"process\.mp4: signal 9 ended the decoder"):
        list(VideoDecoder(clip, probe(clip, config), config))
