"""A sandboxed child, its messages drained so that it never waits for us, and a time limit for short ones."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from roundel.errors import MissingProgramError
from roundel.sandbox.start import NO_VARIABLES, Limits, start

TAIL_LINES = 50
NOT_STARTED = (126, 127)
"""What a shell ends with that cannot run a program, and a loader that misses a library."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What a short child process printed."""

    returncode: int
    stdout: bytes
    stderr: str
    timed_out: bool


class Child:
    """A running child: raw standard output, and standard error fed line by line to ``on_line`` from a thread."""

    def __init__(
        self,
        arguments: Sequence[str | Path],
        limits: Limits,
        reads: Iterable[Path] = (),
        on_line: Callable[[str], None] | None = None,
        stdin: IO[bytes] | None = None,
        variables: Mapping[str, str] = NO_VARIABLES,
        devices: Iterable[Path] = (),
    ) -> None:
        """Start it; the arguments are those of :func:`roundel.sandbox.start.start`."""
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._program = arguments[0]
        self._on_line = on_line
        started = start(arguments, limits, reads, stdin, variables, devices)
        self.process, self._lifeline = started.process, started.lifeline
        self._drain = threading.Thread(target=self._read_stderr, name="child-stderr", daemon=True)
        self._drain.start()

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as raw:
            rest = b""
            while chunk := raw.read(65536):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self._take(line)
                rest = rest[-65536:]
            if rest:
                self._take(rest)

    def _take(self, raw: bytes) -> None:
        line = raw.decode("utf-8", "replace")
        self.tail.append(line)
        if self._on_line is not None:
            self._on_line(line)

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
        self._lifeline.close()
        return status

    def wait(self) -> int:
        """Let the child finish by itself.

        Raises:
            MissingProgramError: if the program could not be started inside the sandbox.
        """
        status = self.process.wait()
        self._drain.join(timeout=5)
        if status in NOT_STARTED:
            raise MissingProgramError(
                f"{self._program}: cannot be run in the sandbox ({self.tail[-1] if self.tail else 'no message'}); set "
                "the path of the program itself, not of something that starts it from another place"
            )
        return status


def run(
    arguments: Sequence[str | Path],
    limits: Limits,
    timeout_seconds: float,
    reads: Iterable[Path] = (),
    given: bytes = b"",
    variables: Mapping[str, str] = NO_VARIABLES,
    devices: Iterable[Path] = (),
) -> Finished:
    """Run a short child to its end or to the time limit; ``given`` is what it finds on its standard input.

    Raises:
        MissingProgramError: if the program could not be started inside the sandbox.
    """
    with contextlib.ExitStack() as stack:
        stdin = stack.enter_context(tempfile.TemporaryFile()) if given else None
        if stdin is not None:
            stdin.write(given)
            stdin.seek(0)
        child = Child(arguments, limits, reads, stdin=stdin, variables=variables, devices=devices)
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
