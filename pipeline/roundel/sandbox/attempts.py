"""Which protections hold on this machine, found out by a child that tries to break out."""

from __future__ import annotations

import functools
import json
import socket
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from pathlib import Path

from roundel.errors import MissingProgramError
from roundel.sandbox.child import run
from roundel.sandbox.start import OPEN_FILES, Limits

PROTECTIONS = {
    "reads_only_its_input": "reading files other than its input and system libraries",
    "writes_nothing": "writing or changing files",
    "no_network": "using a network",
    "no_other_processes": "reaching into other processes",
    "no_new_privileges": "gaining privileges",
    "limits": "exceeding its limits of memory and time",
}
"""The names under which protections are recorded, and what each keeps a child from."""
DEVICES = "devices"
"""The name under which is recorded which devices a child may use."""

_LIMITS = Limits(2 * 1024**3, 20)
_SECONDS = 60.0

# Runs in the sandbox. Each answer is whether everything that was tried failed, or whether what is asked for is so.
_ATTEMPTS = """
import ctypes, json, os, resource, socket, struct, sys
given = json.loads(sys.argv[1])
canary, folder, libc = given["canary"], given["folder"], ctypes.CDLL(None, use_errno=True)

def fails(*attempts):
    failed = 0
    for act, *arguments in attempts:
        try:
            act(*arguments)
        except (OSError, ValueError):
            failed += 1
    return failed == len(attempts)

def trace_me():
    if libc.ptrace(0, 0, 0, 0) != 0:
        raise OSError

def capabilities():
    held = ctypes.create_string_buffer(24)
    if libc.capget(struct.pack("=Ii", 0x20080522, 0), held) != 0:
        return -1
    effective, permitted, _, high, high_permitted, _ = struct.unpack("=6I", held.raw)
    return (effective | permitted) & ~4 | high | high_permitted

def reach(family, kind, address):
    made = socket.socket(family, kind)
    made.connect(address) if address else None

def reach_by_pair():
    made, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.sendto(b"x", given["local"])

def send():
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"x", given["local"])

kinds = [(family, kind, None) for family in (socket.AF_INET, socket.AF_INET6)
         for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]
kinds.append((socket.AF_UNIX, socket.SOCK_DGRAM, given["local"]))
wanted = {getattr(resource, name): value for name, value in given["limits"].items()}
print(json.dumps({
    "reads_only_its_input": fails((os.open, canary, os.O_RDONLY), (os.listdir, folder)),
    "writes_nothing": fails((os.open, canary, os.O_WRONLY), (os.open, folder + "/new", os.O_WRONLY | os.O_CREAT),
        (os.chmod, canary, 0o640), (os.truncate, canary, 0), (os.mkdir, folder + "/made"), (os.unlink, canary)),
    "no_network": fails((reach_by_pair,), (send,), *((reach, *kind) for kind in kinds)),
    "no_other_processes": sys.platform == "linux" and fails((os.kill, os.getppid(), 0), (trace_me,)),
    "no_new_privileges": sys.platform == "linux" and libc.prctl(39, 0, 0, 0, 0) == 1 and capabilities() == 0,
    "limits": all(0 <= resource.getrlimit(kind)[1] <= value for kind, value in wanted.items())
        and fails(*((resource.setrlimit, kind, (value + 1, value + 1)) for kind, value in wanted.items())),
}))
"""


def protections(devices: Iterable[Path] = ()) -> dict[str, bool | None]:
    """Whether each of :data:`PROTECTIONS` holds for a child of this process; ``None`` where that could not be tried.

    It is tried once in each process, which takes about as long as starting Python twice. ``devices`` are those that
    the child may use.
    """
    return dict(_tried(tuple(devices)))


def confinement(devices: Iterable[Path] = ()) -> dict[str, object]:
    """:func:`protections` as they are recorded: with the devices, if there are any."""
    used = tuple(devices)
    return {**protections(used), **({DEVICES: [str(path) for path in used]} if used else {})}


@functools.cache
def _tried(devices: tuple[Path, ...]) -> tuple[tuple[str, bool | None], ...]:
    limits = {"RLIMIT_CPU": _LIMITS.cpu_seconds, "RLIMIT_FSIZE": 0, "RLIMIT_NOFILE": OPEN_FILES, "RLIMIT_CORE": 0}
    if sys.platform == "linux":
        limits["RLIMIT_DATA" if devices else "RLIMIT_AS"] = _LIMITS.memory_bytes
    with tempfile.TemporaryDirectory(prefix="roundel-") as folder:
        canary = Path(folder) / "canary"
        canary.write_bytes(b"bird")
        local = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        local.bind(f"{folder}/socket")
        given = json.dumps({"canary": str(canary), "folder": folder, "local": f"{folder}/socket", "limits": limits})
        python = [sys.executable, "-I", "-S", "-c", _ATTEMPTS, given]
        reads = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}
        try:
            with local:
                done = run(python, _LIMITS, _SECONDS, sorted(reads), devices=devices)
            found = json.loads(done.stdout)
        except (OSError, ValueError, MissingProgramError):
            found = {}
    return tuple((name, found.get(name)) for name in PROTECTIONS)
