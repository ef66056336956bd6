"""Children are started with what they need, limited from the start, drained, timed, and end with us."""

from __future__ import annotations

import contextlib
import gc
import itertools
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import ClassVar

import pytest

from roundel.errors import MissingProgramError
from roundel.sandbox import Child, Limits, landlock, programs, run

LIMITS = Limits(4 * 1024**3, 60)
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="this is Linux's")


@pytest.fixture
def nap() -> Iterator[str]:
    """Seconds that no other process sleeps; whoever still does in the end is woken."""
    seconds = f"7{os.getpid():07d}{next(_naps):03d}"
    yield seconds
    for pid in sleepers(seconds):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


_naps = itertools.count()


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], str]:
    """Make a program of the user."""

    def make(body: str) -> str:
        path = tmp_path / "program"
        path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return make


def sleepers(nap: str) -> list[int]:
    """The processes that sleep for that long."""
    listed = subprocess.run(["ps", "-wweo", "pid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    return [int(row[0]) for row in rows if row[3:] == [nap] and row[1][0] != "Z"]


def becomes(state: bool, nap: str, within_seconds: float = 30) -> bool:
    until = time.monotonic() + within_seconds
    while time.monotonic() < until:
        if bool(sleepers(nap)) is state:
            return True
        time.sleep(0.05)
    return False


def test_limits_hold_from_the_first_instruction(script: Callable[[str], str]) -> None:
    done = run([script("ulimit -f; ulimit -t; ulimit -n; ulimit -c")], LIMITS, 100)
    assert done.stdout.split() == [b"0", b"60", b"64", b"0"]


def test_a_lower_limit_of_our_own_stays(script: Callable[[str], str]) -> None:
    program = script("ulimit -t; ulimit -n")
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_CPU, (50, 50))\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))\n"
        "from roundel.sandbox import Limits, run\n"
        f"print(run([{program!r}], Limits(2**32, 60), 10).stdout.split())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[b'50', b'40']"


def test_a_child_reads_nothing_from_our_input_and_what_it_is_given(script: Callable[[str], str]) -> None:
    program = script("cat; echo end")
    assert run([program], LIMITS, 100).stdout == b"end\n"
    assert run([program], LIMITS, 100, given=b"x" * 3_000_000).stdout == b"x" * 3_000_000 + b"end\n"


def test_messages_are_read_however_many_there_are(script: Callable[[str], str]) -> None:
    body = "i=0; while [ $i -lt 30000 ]; do echo a message of some length, number $i >&2; i=$((i+1)); done; echo end"
    began = time.monotonic()
    done = run([script(body)], LIMITS, 100)
    assert done.stdout == b"end\n"
    assert time.monotonic() - began < 100
    assert done.stderr.count("\n") < 50, "only a tail is kept"
    assert "number 29999" in done.stderr


def test_one_endless_message_takes_no_memory(script: Callable[[str], str]) -> None:
    lines: list[str] = []
    child = Child([script("head -c 30000000 /dev/zero >&2")], LIMITS, on_line=lines.append)
    child.wait()
    child.stop()
    assert 0 < sum(map(len, lines)) <= 65536 + 1


def test_a_child_cannot_take_more_memory_than_allowed() -> None:
    python = [sys.executable, "-I", "-S", "-c", "print(len(bytearray(1 << 30)))"]
    library = [Path(os.__file__).parent]
    assert run(python, Limits(2 * 1024**3, 20), 100, library).stdout == b"1073741824\n"
    refused = run(python, Limits(512 * 1024**2, 20), 100, library)
    assert refused.returncode != 0
    assert "MemoryError" in refused.stderr


def test_a_child_that_takes_too_long_is_ended_with_its_own_children(script: Callable[[str], str], nap: str) -> None:
    began = time.monotonic()
    done = run([script(f"sleep {nap} & wait")], LIMITS, 2)
    assert done.timed_out
    assert time.monotonic() - began < 30
    assert becomes(False, nap)


PARENT = """
import sys, time
from roundel.sandbox import Child, Limits
child = Child([sys.argv[1]], Limits(2**32, 60))
print("started", flush=True)
time.sleep(60)
"""


@linux_only
def test_a_child_that_hangs_ends_when_we_are_killed(script: Callable[[str], str], nap: str) -> None:
    """It says nothing, so that no broken pipe would end it, and it has a child of its own."""
    program = script(f"sleep {nap} & wait")
    with subprocess.Popen([sys.executable, "-c", PARENT, program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"started\n"
        assert becomes(True, nap)
        parent.kill()
    assert becomes(False, nap)


def test_nothing_stays_on_the_disk_when_we_are_killed(tmp_path: Path, nap: str) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    code = "import sys; from roundel.sandbox import Limits, run; run(sys.argv[1:], Limits(2**32, 60), 60, given=b'x')"
    command = [sys.executable, "-c", code, shutil.which("sleep") or "", nap]
    with subprocess.Popen(command, env={**os.environ, "TMPDIR": str(scratch)}) as parent:
        assert becomes(True, nap)
        time.sleep(0.3)
        parent.kill()
    assert list(scratch.iterdir()) == []
    assert becomes(False, nap)


def test_many_threads_start_children_at_once(script: Callable[[str], str]) -> None:
    program, said = script("echo $1"), dict[int, bytes]()

    def start(number: int) -> None:
        said[number] = run([program, str(number)], LIMITS, 100).stdout

    threads = [threading.Thread(target=start, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == {number: f"{number}\n".encode() for number in range(12)}
    assert gc.isenabled()


class Witness:
    """Says in which thread the garbage collector found it."""

    threads: ClassVar[list[str]] = []

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        self.threads.append(threading.current_thread().name)


@linux_only
def test_nobody_else_s_finalizers_run_in_the_thread_that_has_given_up_its_rights(
    script: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    restrict = landlock.restrict

    def restrict_and_litter(rights: Mapping[Path, int]) -> None:
        restrict(rights)
        Witness()
        assert [[] for _ in range(5000)], "enough for the collector to start by itself"

    monkeypatch.setattr(landlock, "restrict", restrict_and_litter)
    assert run([script("echo hello")], LIMITS, 100).stdout == b"hello\n"
    gc.collect()
    assert Witness.threads == [threading.current_thread().name]


def test_arguments_are_never_taken_for_shell() -> None:
    hostile = ["$(touch x)", "; touch x", "`touch x`", "a b", "'", '"', "*", "-c", "", "\u202e"]
    code = "import json, sys; print(json.dumps(sys.argv[1:]))"
    done = run([sys.executable, "-I", "-S", "-c", code, *hostile], LIMITS, 100, [Path(os.__file__).parent])
    assert json.loads(done.stdout) == hostile


def test_a_program_in_a_home_folder_runs_with_its_own_libraries_and_sees_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_clip: Callable[..., Path]
) -> None:
    """A build of ffmpeg that the user made, found through a link, with a library that only it has."""
    if sys.platform != "linux":
        pytest.skip("its libraries are found by the Linux loader")
    home = tmp_path / "home"
    real = Path(shutil.which("ffprobe") or "").resolve()
    listed = subprocess.run(["ldd", real], capture_output=True, text=True, check=True).stdout
    library = next((Path(line.split()[2]) for line in listed.splitlines() if "libavutil" in line), None)
    if library is None:
        pytest.skip("ffprobe has the libraries of ffmpeg in itself")
    for folder in ("bin", "lib", "links"):
        (home / folder).mkdir(parents=True)
    shutil.copy(real, home / "bin/ffprobe")
    shutil.copy(library.resolve(), home / "lib" / library.name)
    (home / "secret").write_text("bird")
    (home / "links/ffprobe").symlink_to(home / "bin/ffprobe")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(home / "lib"))
    needed = programs.needs(home / "links/ffprobe")
    assert {path for path in needed if path.is_relative_to(tmp_path)} == {
        home / "bin/ffprobe",
        home / "lib" / library.name,
    }
    clip = make_clip("home.mp4", "testsrc2=size=160x120:rate=10", "-frames:v", "3")
    show = [home / "links/ffprobe", "-v", "error", "-show_entries", "stream=width", "-of", "csv=p=0"]
    assert run([*show, f"file:{clip}"], LIMITS, 100, [clip]).stdout == b"160\n"
    refused = run([*show, f"file:{home}/secret"], LIMITS, 100, [clip])
    assert refused.returncode != 0
    assert "Permission denied" in refused.stderr


@linux_only
def test_a_script_may_use_the_system_but_start_nothing_from_elsewhere(
    script: Callable[[str], str], tmp_path: Path
) -> None:
    assert run([script("exec cat /dev/null")], LIMITS, 100).returncode == 0
    hidden = tmp_path / "elsewhere"
    hidden.mkdir()
    shutil.copy(shutil.which("true") or "/bin/true", hidden / "ffmpeg")
    with pytest.raises(MissingProgramError, match=r"program: cannot be run in the sandbox \(.*Permission denied\)"):
        run([script(f"exec {hidden}/ffmpeg")], LIMITS, 100)


def test_a_program_that_is_missing_or_none_says_so(tmp_path: Path) -> None:
    with pytest.raises(MissingProgramError, match=r"nowhere: cannot be run in the sandbox \(.*not found\)"):
        run([tmp_path / "nowhere"], LIMITS, 100)
    (tmp_path / "data").write_bytes(b"\x7fELF\x02\x01\x01" + b"\xff" * 90)
    (tmp_path / "data").chmod(0o755)
    assert programs.loader_of(tmp_path / "data") is None
    with pytest.raises(MissingProgramError, match="data: cannot be run in the sandbox"):
        run([tmp_path / "data"], LIMITS, 100)


@linux_only
@pytest.mark.skipif(os.geteuid() != 0, reason="only root reads what belongs to others")
def test_root_still_reads_a_video_of_somebody_else(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    (private / "video").write_text("moving")
    for path in (private / "video", private):
        os.chown(path, 4242, 4242)
    (private / "video").chmod(0o600)
    assert run(["/bin/cat", private / "video"], LIMITS, 100, [private / "video"]).stdout == b"moving"


def test_a_child_that_is_killed_from_outside_says_by_what(script: Callable[[str], str], nap: str) -> None:
    child = Child([script(f"sleep {nap}")], LIMITS)
    assert becomes(True, nap)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child.process.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    child.stop()
