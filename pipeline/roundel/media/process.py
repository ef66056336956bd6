"""Run ffmpeg and ffprobe on untrusted files: limited, drained, with a time limit and without a network.

Arguments are always lists. The child gets limits on address space, processor time, open files and written bytes; its
standard error is read on a thread so that it never blocks; only a bounded tail of it is kept.
"""

from __future__ import annotations

import contextlib
import functools
import os
import resource
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from roundel.config import MediaConfig
from roundel.errors import MissingProgramError

TAIL_LINES = 50
# Real containers only: a playlist or script among them would make ffmpeg open other files.
CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,"
    "flv,asf,ogg,gif,mxf,dv,rm,nut,ivf,wtv,obu"
)
UNTRUSTED = {"protocol_whitelist": "file", "format_whitelist": CONTAINERS}


@dataclass(frozen=True, slots=True)
class Finished:
    """What a short child process printed."""

    returncode: int
    stdout: bytes
    stderr: str
    timed_out: bool


def program(name: str) -> str:
    """The absolute path of ffmpeg or ffprobe.

    Raises:
        MissingProgramError: with what to type.
    """
    path = shutil.which(name)
    if path is None:
        raise MissingProgramError(
            f"{name} is not installed. On Debian or Ubuntu: sudo apt-get install ffmpeg; on Fedora: sudo dnf install "
            "ffmpeg; on macOS: brew install ffmpeg."
        )
    return path


@functools.cache
def ffmpeg_version(name: str) -> str:
    """The version of an ffmpeg program, such as ``5.1.9-0+deb12u1``."""
    line = subprocess.run([program(name), "-version"], capture_output=True, text=True, check=True).stdout
    return line.split()[2] if line.startswith("ff") else "unknown"


@functools.cache
def offline_prefix() -> tuple[str, ...]:
    """The command that runs a child in a network namespace of its own, or nothing where the kernel forbids it."""
    unshare = shutil.which("unshare")
    for options in (("--user", "--map-current-user", "--net"), ("--net",)):
        if unshare is None:
            break
        prefix = (unshare, *options, "--")
        if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0:
            return prefix
    return ()


def _limit(pid: int, config: MediaConfig) -> None:
    limits = {
        resource.RLIMIT_AS: config.memory_bytes,
        resource.RLIMIT_CPU: config.cpu_seconds,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in limits.items():
        if hasattr(resource, "prlimit"):
            resource.prlimit(pid, kind, (value, value))


class Child:
    """A running child: raw standard output, and standard error fed line by line to ``on_line`` from a thread."""

    def __init__(
        self, arguments: Sequence[str], config: MediaConfig, on_line: Callable[[str], None] | None = None
    ) -> None:
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._on_line = on_line or self.tail.append
        self.process = subprocess.Popen(
            [*offline_prefix(), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        _limit(self.process.pid, config)
        self._drain = threading.Thread(target=self._read_stderr, name="ffmpeg-stderr", daemon=True)
        self._drain.start()

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as raw:
            rest = b""
            while chunk := raw.read(65536):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self._on_line(line.decode("utf-8", "replace"))
                rest = rest[-65536:]
            if rest:
                self._on_line(rest.decode("utf-8", "replace"))

    def kill(self) -> None:
        """End the child and whatever it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def stop(self) -> int:
        """End the child if it still runs, wait for it and for the end of its messages; return its exit status."""
        if self.process.poll() is None:
            self.kill()
        if self.process.stdout is not None:
            self.process.stdout.close()
        status = self.process.wait()
        self._drain.join(timeout=5)
        return status

    def wait(self) -> int:
        """Let the child finish by itself."""
        status = self.process.wait()
        self._drain.join(timeout=5)
        return status


def run(arguments: Sequence[str], config: MediaConfig, timeout_seconds: float) -> Finished:
    """Run a short child to its end or to the time limit."""
    child = Child(arguments, config)
    timer = threading.Timer(timeout_seconds, child.kill)
    timer.start()
    try:
        assert child.process.stdout is not None
        with child.process.stdout as stream:
            stdout = stream.read()
        status = child.wait()
    finally:
        timed_out = not timer.is_alive()
        timer.cancel()
        child.stop()
    return Finished(status, stdout, "\n".join(child.tail), timed_out)
