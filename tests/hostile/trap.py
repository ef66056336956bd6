"""Run a command under observation: time, memory, what it prints, and what it and its children open, write and call.

strace sees every system call that names a file or belongs to the network, of all processes that come of the command; it
names each opened file by the path that the kernel found behind links. Without strace, or where nothing may be traced,
time, memory and output are observed alone, and ``traced`` is false.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TRACED = "%file,%network,ftruncate"
WRITING = re.compile(r"O_(WRONLY|RDWR|CREAT|TRUNC|APPEND)")
CHANGES = frozenset(
    """creat mkdir mkdirat mknod mknodat rename renameat renameat2 link linkat symlink symlinkat unlink unlinkat rmdir
    truncate chmod fchmodat chown lchown fchownat utime utimes utimensat futimesat setxattr lsetxattr mount""".split()  # noqa: SIM905
)
LOCAL_FAMILIES = ("AF_UNIX", "AF_NETLINK")
# urllib3, which a library imports, asks for a port of this machine to learn whether there is IPv6; nothing is sent.
_OWN_PORT = re.compile(r'^bind\(.*htons\(0\).*"(::1|127\.0\.0\.1)"')
_CALL = re.compile(r"^(\w+)\((.*)\) += (-?\d+|\?)(?:<((?:[^>\\]|\\.)*)>)?", re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(.))", re.DOTALL)
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f"}
_TEXT = re.compile(r'(?:(AT_FDCWD|\d+)(?:<((?:[^>\\]|\\.)*)>)?, )?"((?:[^"\\]|\\.)*)"')


@dataclass
class Observed:
    """What happened. Times in seconds; ``lines``: standard output with the time at which each line came."""

    code: int | None
    seconds: float
    peak_bytes: int
    lines: list[tuple[float, str]]
    errors: str
    traced: bool
    read: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    network: set[str] = field(default_factory=set)
    programs: set[str] = field(default_factory=set)

    @property
    def output(self) -> str:
        """Standard output."""
        return "\n".join(line for _, line in self.lines)


@functools.cache
def can_trace() -> bool:
    """Whether strace is installed and may trace here."""
    strace = shutil.which("strace")
    if strace is None:
        return False
    done = subprocess.run(
        [strace, "-f", "--seccomp-bpf", "-e", "trace=%file", "true"], capture_output=True, check=False
    )
    return done.returncode == 0 and b"execve(" in done.stderr


def watch(command: Sequence[str], environment: Mapping[str, str], folder: Path, limit_seconds: float) -> Observed:
    """Run a command in a folder; it and its children are ended after the limit, and ``code`` is ``None`` then."""
    traced = can_trace()
    with tempfile.TemporaryDirectory(prefix="trap-") as logs:
        prefix = [
            "strace", "-ff", "--seccomp-bpf", "-y", "-qq", "-s", "8192", "-e", f"trace={TRACED}", "-e", "signal=none",
            "-o", f"{logs}/t",
        ]  # fmt: skip
        began = time.monotonic()
        process = subprocess.Popen(
            [*(prefix if traced else ()), *command], cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        lines: list[tuple[float, str]] = []
        errors: list[bytes] = []
        readers = [
            threading.Thread(target=_read_lines, args=(process.stdout, lines, began), daemon=True),
            threading.Thread(target=lambda: errors.append(process.stderr.read()), daemon=True),
        ]
        for reader in readers:
            reader.start()
        peak, late = _wait(process, began + limit_seconds, traced)
        seconds = time.monotonic() - began
        for reader in readers:
            reader.join(5)
        text = b"".join(errors).decode("utf-8", "replace")
        found = Observed(None if late else process.returncode, seconds, peak, lines, text, traced)
        for log in sorted(Path(logs).iterdir()):
            for line in log.read_text(encoding="utf-8", errors="surrogateescape").split("\n"):
                _note(line, found, folder)
    return found


def _read_lines(stream, lines: list[tuple[float, str]], began: float) -> None:
    for line in stream:
        at = time.monotonic() - began
        lines.append((at, line.decode("utf-8", "replace").rstrip("\n")))


def _wait(process: subprocess.Popen[bytes], until: float, traced: bool) -> tuple[int, bool]:
    """Wait for the end; the peak of the memory of all processes, the tracer left out, and whether it was too late."""
    peak = 0
    while process.poll() is None:
        family = descendants(process.pid)
        peak = max(peak, sum(resident(pid) for pid in (family if traced else (process.pid, *family))))
        if time.monotonic() > until:
            for pid in (*reversed(family), process.pid):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            process.wait()
            return peak, True
        time.sleep(0.02)
    return peak, False


def descendants(pid: int) -> list[int]:
    """All processes that come of one, without it."""
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        try:
            for task in Path(f"/proc/{one}/task").iterdir():
                children = (task / "children").read_text().split()
                found += map(int, children)
                waiting += map(int, children)
        except OSError:
            continue
    return found


def resident(pid: int) -> int:
    """Bytes of memory that a process has at this moment."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    except (OSError, IndexError):
        return 0


def _note(line: str, found: Observed, folder: Path) -> None:
    """Take up one line of a trace."""
    match = _CALL.match(line)
    if match is None:
        return
    call, arguments, result, behind = match.groups()
    if call in ("connect", "bind", "sendto", "sendmsg", "sendmmsg"):
        if "AF_" in line and not any(family in line for family in LOCAL_FAMILIES) and not _OWN_PORT.search(line):
            found.network.add(f"{call}({arguments[:200]}")
        return
    if result == "?" or int(result) < 0:
        return
    if call in ("open", "openat", "openat2"):
        path = _plain(behind) if behind else _path(arguments, folder)
        if "O_PATH" not in arguments:  # such a descriptor names a file and reads nothing of it
            (found.changed if WRITING.search(arguments) else found.read).add(path)
    elif call == "execve":
        found.programs.add(arguments)
    elif call in CHANGES:
        parts = list(_TEXT.finditer(arguments))
        for part in parts[-1:] if call.startswith("symlink") else parts:  # what a link points to stays as it is
            found.changed.add(_resolved(part, folder))


def _path(arguments: str, folder: Path) -> str:
    match = _TEXT.search(arguments)
    return _resolved(match, folder) if match else "?"


def _resolved(match: re.Match[str], folder: Path) -> str:
    base = _plain(match[2]) if match[2] else str(folder)
    return os.path.normpath(Path(base, _plain(match[3])))


def _plain(text: str) -> str:
    r"""A text as strace writes it, with escapes such as \n and \303."""
    raw = _ESCAPE.sub(
        lambda match: bytes([int(match[1], 8)]) if match[1] else _LETTERS.get(match[2], match[2]), os.fsencode(text)
    )
    return os.fsdecode(raw).removesuffix(" (deleted)")
