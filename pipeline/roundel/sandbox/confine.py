"""Take its rights from a thread, or from a process that then becomes another program.

Landlock, the filter of system calls and the waiver of privileges belong to a thread and go over to its children, so a
thread of ours can take them for a child that it starts. Two rights cannot be given that way. The library of CUDA
writes the names of its threads to ``/proc/self/task`` and reads ``/proc/self/maps``, and does not work where that
fails. But a rule for ``/proc/self`` means the process that makes it, and one for ``/proc`` would cover the settings of
the kernel. So a child that uses a device takes its rights itself, by these lines of ours, and becomes its program.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from roundel.sandbox import kernel, landlock, seccomp

OWN = {Path("/proc/self/task"): landlock.WRITE | landlock.TRUNCATE, Path("/proc/self/maps"): landlock.READ}
"""What a child with devices may do with the kernel's account of itself."""
PACKAGES = Path(__file__).parent.parent.parent
CANNOT_START = 126
_BECOME = """import sys
sys.path.insert(0, sys.argv.pop(1))
from roundel.sandbox.confine import become
become(*sys.argv[1:])"""


def confine(rights: Mapping[Path, int], uses_devices: bool = False) -> None:
    """Take from this thread, for ever, all that is not in ``rights``.

    Raises:
        OSError: if the kernel refuses a protection that it has.
    """
    try:
        kernel.give_up_privileges()
        landlock.restrict(rights)
        seccomp.restrict(uses_devices)
    except OSError as error:
        raise OSError(error.errno, f"the kernel refuses to set up the sandbox: {error.strerror}") from error


def confining_itself(rights: Mapping[Path, int], arguments: Sequence[str]) -> list[str]:
    """The command that takes from itself all that is not in ``rights`` or :data:`OWN`, and then runs a program."""
    named = json.dumps({str(path): allowed for path, allowed in rights.items()})
    return [sys.executable, "-I", "-S", "-B", "-c", _BECOME, str(PACKAGES), named, *arguments]


def become(named: str, *arguments: str) -> None:
    """In the child: take the rights and become the program; end with :data:`CANNOT_START` if that fails."""
    rights = {Path(path): int(allowed) for path, allowed in json.loads(named).items()}
    try:
        confine({**rights, **OWN}, uses_devices=True)
        for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # by Python
            signal.signal(ignored, signal.SIG_DFL)
        os.execv(arguments[0], arguments)  # noqa: S606
    except OSError as error:
        sys.stderr.write(f"{arguments[0]}: {error.strerror}\n")
        sys.exit(CANNOT_START)
