"""Calls to the Linux kernel that Python has no name for, and the privileges that a thread can give up with them."""

from __future__ import annotations

import ctypes
import os
import struct

SET_NO_NEW_PRIVILEGES = 38  # prctl
CAPABILITIES_VERSION = 0x20080522
READ_EVERYTHING = 1 << 2
"""CAP_DAC_READ_SEARCH: root reads files of other users by it, and landlock still says which."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def call(number: int, *arguments: int | bytes | None) -> int:
    """A system call by its number; bytes are passed as a pointer to them.

    Raises:
        OSError: with the kernel's reason.
    """
    wide = [ctypes.c_long(item) if isinstance(item, int) else item for item in arguments]
    result: int = _libc.syscall(ctypes.c_long(number), *wide)
    if result < 0:
        raise _last_error()
    return result


def prctl(option: int, *arguments: int | bytes) -> int:
    """An operation on this thread.

    Raises:
        OSError: with the kernel's reason.
    """
    wide = [ctypes.c_ulong(item) if isinstance(item, int) else item for item in arguments]
    result: int = _libc.prctl(ctypes.c_int(option), *wide, *[ctypes.c_ulong(0)] * (4 - len(wide)))
    if result < 0:
        raise _last_error()
    return result


def give_up_privileges() -> None:
    """Let no program that this thread starts gain privileges, and keep of root's only that of reading.

    Raises:
        OSError: if the kernel refuses.
    """
    prctl(SET_NO_NEW_PRIVILEGES, 1)
    header = struct.pack("=Ii", CAPABILITIES_VERSION, 0)
    held = ctypes.create_string_buffer(24)  # effective, permitted, inheritable: the low 32 bits of each, then the high
    if _libc.capget(header, held) != 0:
        raise _last_error()
    effective, permitted = (value & READ_EVERYTHING for value in struct.unpack("=6I", held.raw)[:2])
    if _libc.capset(header, struct.pack("=6I", effective, permitted, 0, 0, 0, 0)) != 0:
        raise _last_error()


def _last_error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
