"""Start a child that can do little else than compute.

Landlock, the filter of system calls and the waiver of privileges belong to a thread and go over to its children. So a
thread of its own restricts itself, starts the child and ends; the program around it keeps all its rights, and no code
runs between fork and exec. Limits belong to a whole process, and a thread cannot take them for its child alone: a shell
sets them and becomes the program by ``exec``, so that they hold from its first instruction. A child that uses a device
restricts itself (:mod:`roundel.sandbox.confine`).
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import gc
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO

from roundel.sandbox import kernel, landlock
from roundel.sandbox.confine import confine, confining_itself
from roundel.sandbox.programs import needs

SHELL = Path("/bin/sh")
OPEN_FILES = 64
KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Of the environment. Neither keys and passwords in it nor settings of libraries and languages reach a child."""
NO_VARIABLES: Mapping[str, str] = MappingProxyType({})
_starting = threading.Lock()


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may use: bytes of memory (not limited on macOS), seconds of processor time.

    Memory is address space. The driver of a device reserves much more of it than it uses: where there are devices, only
    what is private to the child and writable is counted.
    """

    memory_bytes: int
    cpu_seconds: int


@dataclass(frozen=True, slots=True)
class Started:
    """A running child, and the end of a pipe whose closing ends it; the kernel closes it with this process."""

    process: subprocess.Popen[bytes]
    lifeline: IO[bytes]


def start(
    arguments: Sequence[str | Path],
    limits: Limits,
    reads: Iterable[Path] = (),
    stdin: IO[bytes] | None = None,
    variables: Mapping[str, str] = NO_VARIABLES,
    devices: Iterable[Path] = (),
) -> Started:
    """Start a program in a session of its own, with standard output and error as pipes.

    Args:
        arguments: the absolute path of the program, and what it is given.
        limits: what it may use.
        reads: files that it may read, and folders in which it may read everything, besides what it needs to run.
        stdin: what it reads, open already; nothing if left out.
        variables: its environment, besides :data:`KEPT_VARIABLES`.
        devices: what it may also write to and control, such as a GPU.

    Raises:
        OSError: if the kernel refuses a protection that it has, or the shell cannot be started.
        MissingProgramError: if the program's loader is missing.
    """
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    words, used = [str(word) for word in arguments], tuple(devices)
    rights = {**needs(SHELL), **needs(Path(words[0])), **{path: _right_to_read(path) for path in reads}}
    rights |= dict.fromkeys(used, landlock.READ | landlock.WRITE | landlock.CONTROL)
    if used and sys.platform == "linux":
        words = confining_itself(rights, words)
    command = [str(SHELL), "-c", f'{_limiting(limits, uses_devices=bool(used))} && exec "$@"', "sh", *words]
    ours, theirs = _pipe()
    with theirs, contextlib.ExitStack() as stack:
        source = stdin or stack.enter_context(Path(os.devnull).open("rb"))

        def popen() -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                command,
                stdin=source,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env={**kept, **variables},
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )

        restrict = kernel.give_up_privileges if used else functools.partial(confine, rights)
        process = _from_a_restricted_thread(popen, restrict) if sys.platform == "linux" else popen()
        try:
            _end_with_us(process.pid, theirs)
        except BaseException:
            process.kill()
            raise
    return Started(process, ours)


def _right_to_read(path: Path) -> int:
    return landlock.READ | (landlock.LIST if path.is_dir() else 0)


def _from_a_restricted_thread(
    popen: Callable[[], subprocess.Popen[bytes]], restrict: Callable[[], None]
) -> subprocess.Popen[bytes]:
    """Call it from a thread that has given up what its child shall not have.

    The garbage collector waits meanwhile: it would run other people's finalizers in that thread.
    """
    made: Future[subprocess.Popen[bytes]] = Future()

    def restrict_and_start() -> None:
        try:
            restrict()
            made.set_result(popen())
        except BaseException as error:
            made.set_exception(error)

    with _starting:
        collects = gc.isenabled()
        gc.disable()
        try:
            thread = threading.Thread(target=restrict_and_start, name="restricted", daemon=True)
            thread.start()
            thread.join()
        finally:
            if collects:
                gc.enable()
    return made.result()


def _limiting(limits: Limits, uses_devices: bool = False) -> str:
    """Shell commands that set the limits; a limit that this process stands under and that is lower stays."""
    wanted = [("t", resource.RLIMIT_CPU, limits.cpu_seconds, 1), ("f", resource.RLIMIT_FSIZE, 0, 512)]
    wanted += [("n", resource.RLIMIT_NOFILE, OPEN_FILES, 1), ("c", resource.RLIMIT_CORE, 0, 512)]
    if sys.platform == "linux":
        memory = ("d", resource.RLIMIT_DATA) if uses_devices else ("v", resource.RLIMIT_AS)
        wanted.append((*memory, limits.memory_bytes, 1024))
    commands = []
    for option, kind, value, unit in wanted:
        present = resource.getrlimit(kind)[1]
        least = value if present == resource.RLIM_INFINITY else min(value, present)
        commands.append(f"ulimit -{option} {least // unit}")
    return " && ".join(commands)


def _pipe() -> tuple[IO[bytes], IO[bytes]]:
    """Our end and the child's."""
    theirs, ours = os.pipe()
    return os.fdopen(ours, "wb", buffering=0), os.fdopen(theirs, "rb", buffering=0)


def _end_with_us(group: int, theirs: IO[bytes]) -> None:
    """Let the kernel kill the child's group when our end of the pipe is closed, also by our own death.

    Only Linux lets a file choose the signal. Elsewhere, and if we are killed in the instant before this call, a child
    ends when it writes to us and nobody is there.
    """
    if sys.platform == "linux":
        fcntl.fcntl(theirs, fcntl.F_SETOWN, -group)
        fcntl.fcntl(theirs, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(theirs, fcntl.F_SETFL, fcntl.fcntl(theirs, fcntl.F_GETFL) | os.O_ASYNC)
