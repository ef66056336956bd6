"""A filter of system calls that a decoder never needs and an intruder would.

The denied calls fail with an error and kill nothing, so that a library that tries one goes on without it. Calls that
are newer than Linux 5.0 look as if the kernel did not know them: libraries then use the older ones, which the filter
can see through (``clone3`` and ``openat2`` hide their flags behind a pointer), and what future kernels add is denied
from the start. Numbers are those of the kernel's ``asm/unistd.h``, the format is that of ``linux/filter.h``.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import platform
import struct
import sys
from dataclasses import dataclass

from roundel.sandbox import kernel

SET_SECCOMP, MODE_FILTER = 22, 2  # prctl
ALLOW, FAIL = 0x7FFF0000, 0x00050000
LOAD, IF_EQUAL, IF_AT_LEAST, IF_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER_AT, ARCHITECTURE_AT, ARGUMENTS_AT = 0, 4, 16  # in struct seccomp_data

NEW_CALLS = 424  # pidfd_send_signal, the first that all architectures number alike
CLOSE_RANGE = 436
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

_DENIED = """
socket 41 198                socketpair 53 199            connect 42 203               sendto 44 206
sendmsg 46 211               sendmmsg 307 269

ptrace 101 117               process_vm_readv 310 270     process_vm_writev 311 271    kcmp 312 272
kill 62 129                  tkill 200 130                tgkill 234 131               perf_event_open 298 241
rt_sigqueueinfo 129 138      rt_tgsigqueueinfo 297 240    setpriority 141 140          ioprio_set 251 30
shmget 29 194                shmat 30 196                 shmctl 31 195                mq_open 240 180
semget 64 190                semop 65 193                 semctl 66 191                mq_unlink 241 181
msgget 68 186                msgsnd 69 189                msgrcv 70 188                msgctl 71 187
semtimedop 220 192           migrate_pages 256 238        move_pages 279 239

creat 85 -                   truncate 76 45               fallocate 285 47             mkdir 83 -
mkdirat 258 34               mknod 133 -                  mknodat 259 33               link 86 -
linkat 265 37                symlink 88 -                 symlinkat 266 36             unlink 87 -
unlinkat 263 35              rmdir 84 -                   rename 82 -                  renameat 264 38
renameat2 316 276            chmod 90 -                   fchmod 91 52                 fchmodat 268 53
chown 92 -                   fchown 93 55                 lchown 94 -                  fchownat 260 54
utime 132 -                  utimes 235 -                 futimesat 261 -              utimensat 280 88
setxattr 188 5               lsetxattr 189 6              fsetxattr 190 7              removexattr 197 14
lremovexattr 198 15          fremovexattr 199 16

mount 165 40                 umount2 166 39               pivot_root 155 41            chroot 161 51
unshare 272 97               setns 308 268                name_to_handle_at 303 264    open_by_handle_at 304 265
fanotify_init 300 262        fanotify_mark 301 263        quotactl 179 60              acct 163 89
swapon 167 224               swapoff 168 225              bpf 321 280                  userfaultfd 323 282
keyctl 250 219               add_key 248 217              request_key 249 218          syslog 103 116
init_module 175 105          finit_module 313 273         delete_module 176 106        reboot 169 142
kexec_load 246 104           kexec_file_load 320 294      personality 135 92           vhangup 153 58
settimeofday 164 170         clock_settime 227 112        adjtimex 159 171             clock_adjtime 305 266
sethostname 170 161          setdomainname 171 162        iopl 172 -                   ioperm 173 -
modify_ldt 154 -
"""
"""Name, number on x86-64, number on arm64: sockets; other processes; writing; the system itself."""

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
NAMESPACES = 0x7E020000  # CLONE_NEW…
OTHERS = 0xFFFFFFFF  # a process by its number; 0 is the one that asks


@dataclass(frozen=True, slots=True)
class Condition:
    """A call that fails if any of these bits of this argument is set."""

    name: str
    numbers: tuple[int | None, int | None]
    argument: int
    bits: int


CONDITIONS = (
    Condition("open", (2, None), 1, WRITING),
    Condition("openat", (257, 56), 2, WRITING),
    Condition("clone", (56, 220), 0, NAMESPACES),
    Condition("prlimit64", (302, 261), 0, OTHERS),
    Condition("sched_setaffinity", (203, 122), 0, OTHERS),
    Condition("sched_setscheduler", (144, 119), 0, OTHERS),
    Condition("sched_setparam", (142, 118), 0, OTHERS),
    Condition("sched_setattr", (314, 274), 0, OTHERS),
)
FCNTL, SIGNAL_BY_FILE = (72, 25), (8, 10, 15)
"""Files can be told to send a signal to any process: F_SETOWN, F_SETSIG, F_SETOWN_EX."""
LOCAL = 1  # AF_UNIX
MISSING = ("unlink", "unlinkat")
"""The library of CUDA removes links that may have been left, and gives up if that is refused: there is no such file."""


def denied_calls() -> dict[str, tuple[int | None, int | None]]:
    """The calls that always fail, with their numbers on x86-64 and arm64."""
    words = _DENIED.split()
    numbers = [None if word == "-" else int(word) for word in (*words[1::3], *words[2::3])]
    half = len(numbers) // 2
    return dict(zip(words[::3], zip(numbers[:half], numbers[half:], strict=True), strict=True))


@functools.cache
def available() -> bool:
    """Whether this kernel has filters and this module knows the numbers of its calls."""
    if sys.platform != "linux" or platform.machine() not in ARCHITECTURES or sys.maxsize < 2**32:
        return False
    try:
        kernel.prctl(SET_SECCOMP, MODE_FILTER, 0)
    except OSError as error:
        return error.errno == errno.EFAULT  # it wants to read the filter
    return False


def restrict(uses_devices: bool = False) -> None:
    """Filter the calls of this thread, for ever; do nothing where there are no filters.

    The thread must have no new privileges. ``uses_devices`` is for a child that works with the driver of a device. A
    filter does not see what is opened, so that opening for writing is left to landlock then. And the library of CUDA
    wants a local socket (``AF_UNIX``), which it may make and name, but not connect to anything or send from.

    Raises:
        OSError: if the kernel refuses.
    """
    if available():
        code = program(platform.machine(), uses_devices)
        kernel.prctl(SET_SECCOMP, MODE_FILTER, _pointer_to(code))


@functools.cache
def _pointer_to(code: bytes) -> bytes:
    """``struct sock_fprog``; the buffer that it points to is kept as long as this process runs."""
    _kept.append(ctypes.create_string_buffer(code, len(code)))
    return struct.pack("@HP", len(code) // 8, ctypes.addressof(_kept[-1]))


_kept: list[ctypes.Array[ctypes.c_char]] = []


@functools.cache
def program(machine: str, uses_devices: bool = False) -> bytes:
    """The filter for an architecture, as an array of ``struct sock_filter``.

    Raises:
        KeyError: for an architecture that is not in :data:`ARCHITECTURES`.
    """
    column = list(ARCHITECTURES).index(machine)
    lines: list[tuple[int, int, str, str]] = [
        (LOAD, ARCHITECTURE_AT, "", ""),
        (IF_EQUAL, ARCHITECTURES[machine], "", "deny"),
        (LOAD, NUMBER_AT, "", ""),
        (IF_EQUAL, CLOSE_RANGE, "allow", ""),
        (IF_AT_LEAST, NEW_CALLS, "unknown", ""),
    ]
    denied = {name: pair[column] for name, pair in denied_calls().items()}
    if uses_devices:
        lines += _if_call(denied.pop("socket") or 0, 0, [(IF_EQUAL, LOCAL, "allow", "deny")])
        lines += [(IF_EQUAL, number, "missing", "") for name in MISSING if (number := denied.pop(name)) is not None]
    lines += [(IF_EQUAL, number, "deny", "") for number in denied.values() if number is not None]
    for condition in CONDITIONS:
        number = condition.numbers[column]
        if number is not None:
            by_landlock = [(IF_ANY_BIT, os.O_WRONLY | os.O_RDWR, "allow", "")]  # which is blind to O_TRUNC before ABI 3
            tests = by_landlock if uses_devices and condition.bits == WRITING else []
            lines += _if_call(number, condition.argument, [*tests, (IF_ANY_BIT, condition.bits, "deny", "allow")])
    lines += _if_call(FCNTL[column], 1, [(IF_EQUAL, value, "deny", "") for value in SIGNAL_BY_FILE])
    ends = {
        "allow": (RETURN, ALLOW, "", ""),
        "deny": (RETURN, FAIL | errno.EPERM, "", ""),
        "missing": (RETURN, FAIL | errno.ENOENT, "", ""),
        "unknown": (RETURN, FAIL | errno.ENOSYS, "", ""),
    }
    places = {name: len(lines) + index for index, name in enumerate(ends)}
    code = b""
    for index, (operation, value, yes, no) in enumerate([*lines, *ends.values()]):
        steps = (places[name] - index - 1 if name in places else int(name or 0) for name in (yes, no))
        code += struct.pack("=HBBI", operation, *steps, value)
    return code


def _if_call(number: int, argument: int, tests: list[tuple[int, int, str, str]]) -> list[tuple[int, int, str, str]]:
    """Tests of the low half of an argument of one call; other calls step over them."""
    load = (LOAD, ARGUMENTS_AT + 8 * argument, "", "")
    return [(IF_EQUAL, number, "", str(len(tests) + 1)), load, *tests]
