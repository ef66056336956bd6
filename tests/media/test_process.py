"""The ffmpeg programs get what they need, nothing that a stranger's file names, and no more time than allowed."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from reading import CFR25, numbered

from chaos import descendants
from roundel.config import MediaConfig
from roundel.errors import MediaLimitError, MissingProgramError, StallError
from roundel.media.decode import VideoDecoder
from roundel.media.probe import probe
from roundel.media.process import CONTAINERS, ffmpeg_version, limits, program
from roundel.sandbox import run
from roundel.sandbox.landlock import abi

MakeClip = Callable[..., Path]
NAP = f"9{os.getpid():07d}"  # seconds that no other process sleeps


@pytest.fixture
def fake(tmp_path: Path) -> Callable[[str], str]:
    """Make a program that stands in for ffmpeg."""

    def make(body: str) -> str:
        path = tmp_path / "fake-ffmpeg"
        path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
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


def test_a_decoder_that_is_ended_by_a_signal_is_no_result_but_worth_another_try(
    fake: Callable[[str], str], clip: Path
) -> None:
    config = MediaConfig(ffmpeg=fake("while :; do :; done"), cpu_seconds=1)
    with pytest.raises(StallError, match=r"process\.mp4: signal \d+ ended the decoder"):
        list(VideoDecoder(clip, probe(clip, config), config))


def test_a_decoder_that_is_told_to_end_gives_no_half_of_a_video(make_clip: MakeClip) -> None:
    """ffmpeg obeys SIGTERM in good order: what it has not decoded by then would seem not to be in the video."""
    clip = make_clip("told.mp4", "testsrc2=size=640x480:rate=25", "-t", "20")
    frames = iter(VideoDecoder(clip, probe(clip, MediaConfig()), MediaConfig()))
    next(frames)
    for pid, command in descendants(os.getpid()).items():
        if Path(command.split(" ")[0]).name == "ffmpeg":
            os.kill(pid, signal.SIGTERM)
    with pytest.raises(StallError, match=r"told\.mp4: the decoder was told to end \(signal 15\) after frame \d+"):
        list(frames)


def test_a_decoder_that_cannot_be_started_is_no_fault_of_the_video(
    fake: Callable[[str], str], clip: Path, tmp_path: Path
) -> None:
    elsewhere = shutil.copy(program("ffmpeg"), tmp_path / "elsewhere")
    if abi() == 0:
        pytest.skip("this kernel has no landlock")
    started_by_a_script = fake(f'exec {elsewhere} "$@"')
    for config in (MediaConfig(ffmpeg=started_by_a_script), MediaConfig(ffprobe=started_by_a_script)):
        with pytest.raises(MissingProgramError, match="fake-ffmpeg: cannot be run in the sandbox"):
            list(VideoDecoder(clip, probe(clip, config), config))
    with pytest.raises(MissingProgramError, match="cannot be run in the sandbox"):
        ffmpeg_version(started_by_a_script)


STEALING = """ffconcat version 1.0
file 'SECRET'
"""


def test_a_playlist_cannot_read_another_file_even_if_every_format_were_allowed(
    tmp_path: Path, make_clip: MakeClip
) -> None:
    """The whitelists are one fence, the sandbox is a second one: this is about the second alone."""
    if abi() == 0:
        pytest.skip("this kernel has no landlock")
    secret = make_clip("secret.mp4", "testsrc2=size=320x240:rate=5", "-frames:v", "3")
    playlist = tmp_path / "holiday.mp4"
    playlist.write_text(STEALING.replace("SECRET", str(secret)), encoding="utf-8")
    show = [program("ffprobe"), "-v", "error", "-safe", "0", "-show_entries", "stream=width", "-of", "csv=p=0"]
    command = [*show, "-f", "concat", f"file:{playlist}"]
    unprotected = subprocess.run(command, capture_output=True, check=False)
    assert unprotected.stdout == b"320\n", "the playlist works"
    done = run(command, limits(MediaConfig()), 100, [playlist])
    assert (done.stdout, done.returncode != 0) == (b"", True)
    assert f"Impossible to open 'file:{secret}'" in done.stderr
    assert run(command, limits(MediaConfig()), 100, [playlist, secret]).stdout == b"320\n", "nothing else is in the way"


ANALYSE = """
import sys
from pathlib import Path
from roundel.config import MediaConfig
from roundel.media.decode import VideoDecoder
from roundel.media.probe import probe
path = Path(sys.argv[1])
print(len(list(VideoDecoder(path, probe(path, MediaConfig()), MediaConfig()))))
"""
SYSTEM_FOLDERS = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_the_kernel_sees_ffmpeg_open_the_video_and_its_libraries_and_nothing_else(tmp_path: Path, clip: Path) -> None:
    calls = "open,openat,openat2,creat,socket,connect,sendto,execve,unlink,unlinkat,rename,renameat2,mkdir,mkdirat"
    traced = ["strace", "-ff", "-y", "-qq", "-e", f"trace={calls},clone,clone3", "-o", tmp_path / "log"]
    analysed = subprocess.run([*traced, sys.executable, "-c", ANALYSE, clip], capture_output=True, check=True)
    assert analysed.stdout == b"25\n"
    logs = {path.suffix[1:]: path.read_text(encoding="utf-8").splitlines() for path in tmp_path.glob("log.*")}
    shell = 'execve("/bin/sh", ["/bin/sh", "-c", "ulimit'
    started = [pid for pid, said in logs.items() if any(line.startswith(shell) for line in said)]
    assert len(started) == 2, "ffprobe and ffmpeg"
    ours: list[str] = []
    for pid in started:  # grows by the threads that they make
        ours += logs[pid]
        started += [match[1] for said in logs[pid] if (match := re.match(r"clone3?\(.* = (\d+)$", said))]
    assert len(started) > 3, "ffmpeg has threads"
    ours = [said for said in ours if not said.startswith("clone")]
    done = [said for said in ours if " = -1 " not in said and not said.startswith(("+++", "---"))]
    assert [said for said in done if not said.startswith(("openat(", "execve("))] == [], "no socket, nothing written"
    opened = {match[1] for said in done if (match := re.search(r" = \d+<(.*)>$", said))}
    assert len(opened) > 10
    assert str(clip) in opened
    left = {name for name in opened - {str(clip), "/dev/null", "/etc/ld.so.cache"} if not name.startswith("/proc/")}
    assert [name for name in left if not name.startswith(SYSTEM_FOLDERS)] == []
    assert {name.rsplit("/", 1)[1] for name in opened if name.startswith("/proc/")} <= {"fd"}, "Python's, before exec"
