"""Landlock: which files a child may open, and for what.

Rights are taken from a thread, and its children inherit that. The structures, rights and numbers are those of the
kernel's ``linux/landlock.h``. Each version of the kernel's interface (ABI) knows more rights; those that a kernel does
not know are left out.
"""

from __future__ import annotations

import contextlib
import functools
import os
import struct
import sys
from collections.abc import Mapping
from pathlib import Path

from roundel.sandbox import kernel

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on all architectures
VERSION = 1
PATH_BENEATH = 1

EXECUTE, WRITE, READ, LIST, TRUNCATE, CONTROL = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14, 1 << 15
RIGHTS_SINCE = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
"""Rights over files that an ABI brought: open, make and remove; link to elsewhere; truncate; control devices."""
TCP_SINCE, TCP = 4, 0b11  # bind, connect
SCOPES_SINCE, SCOPES = 6, 0b11  # abstract sockets, signals: none across the border


@functools.cache
def abi() -> int:
    """The version that this kernel has; 0 where there is none or it is switched off."""
    if sys.platform != "linux":
        return 0
    try:
        return kernel.call(CREATE_RULESET, None, 0, VERSION)
    except OSError:
        return 0


def restrict(rights: Mapping[Path, int]) -> None:
    """Take from this thread, for ever, the right to open anything else; do nothing where :func:`abi` is 0.

    The thread must have no new privileges. Paths that are missing are left out.

    Args:
        rights: what is allowed with a file, or with everything below a folder.

    Raises:
        OSError: if the kernel refuses, for example because the thread stands under sixteen rulesets already.
    """
    version = abi()
    if version == 0:
        return
    handled = sum(new for since, new in RIGHTS_SINCE.items() if since <= version)
    network = TCP if version >= TCP_SINCE else 0
    scopes = SCOPES if version >= SCOPES_SINCE else 0
    attributes = struct.pack("=QQQ", handled, network, scopes)
    ruleset = kernel.call(CREATE_RULESET, attributes, len(attributes), 0)
    try:
        for path, allowed in rights.items():
            with contextlib.suppress(FileNotFoundError, PermissionError, NotADirectoryError):
                _allow(ruleset, path, allowed & handled)
        kernel.call(RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, allowed: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        kernel.call(ADD_RULE, ruleset, PATH_BENEATH, struct.pack("=Qi", allowed, descriptor), 0)
    finally:
        os.close(descriptor)
