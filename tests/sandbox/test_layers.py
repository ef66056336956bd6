"""Each layer by itself: the filter's code for both architectures, every version of landlock, and what is missing."""

from __future__ import annotations

import errno
import os
import re
import struct
import sys
from pathlib import Path

import pytest

from roundel.sandbox import Limits, attempts, confine, landlock, run, seccomp
from roundel.sandbox.attempts import PROTECTIONS, protections

HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
ALLOW, DENIED, UNKNOWN = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="these layers are Linux's")


def decide(
    machine: str, number: int, *arguments: int, architecture: int | None = None, uses_devices: bool = False
) -> int:
    """What the filter answers to a call: a small machine that runs its code as the kernel does."""
    data = struct.pack("<iIQ", number, architecture or seccomp.ARCHITECTURES[machine], 0)
    data += struct.pack("<6Q", *arguments, *[0] * (6 - len(arguments)))
    code, place, value = list(struct.iter_unpack("=HBBI", seccomp.program(machine, uses_devices))), 0, 0
    while True:
        operation, yes, no, operand = code[place]
        place += 1
        if operation == 0x06:  # return
            return operand
        if operation == 0x20:  # load
            [value] = struct.unpack_from("<I", data, operand)
            continue
        holds = {0x15: value == operand, 0x35: value >= operand, 0x45: bool(value & operand)}[operation]
        place += yes if holds else no


def numbers(machine: str) -> dict[str, int]:
    """The kernel's own names and numbers."""
    text = HEADERS[machine].read_text(encoding="utf-8")
    return {name: int(number) for name, number in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", text)}


@pytest.mark.parametrize("machine", HEADERS)
def test_the_numbers_are_those_of_the_kernel(machine: str) -> None:
    if not HEADERS[machine].is_file():
        pytest.skip("the kernel's headers are not installed")
    real, column = numbers(machine), list(seccomp.ARCHITECTURES).index(machine)
    ours = {name: pair[column] for name, pair in seccomp.denied_calls().items()}
    ours |= {condition.name: condition.numbers[column] for condition in seccomp.CONDITIONS}
    ours |= {"fcntl": seccomp.FCNTL[column], "close_range": seccomp.CLOSE_RANGE}
    ours["pidfd_send_signal"] = seccomp.NEW_CALLS
    assert ours == {name: real.get(name) for name in ours}


@pytest.mark.parametrize("machine", HEADERS)
def test_the_filter_decides_alike_on_both_architectures(machine: str) -> None:
    column = list(seccomp.ARCHITECTURES).index(machine)
    for name, pair in seccomp.denied_calls().items():
        if (number := pair[column]) is not None:
            assert decide(machine, number) == DENIED, name
    openat, clone, prlimit = ((257, 56), (56, 220), (302, 261))
    at, rdonly = 0xFFFFFF9C, os.O_RDONLY | 0o2000000
    assert decide(machine, openat[column], at, 0, rdonly) == ALLOW
    for flags in (os.O_WRONLY, os.O_RDWR, os.O_CREAT, os.O_TRUNC, os.O_WRONLY | os.O_APPEND):
        assert decide(machine, openat[column], at, 0, flags) == DENIED
    assert decide(machine, clone[column], 0x3D0F00) == ALLOW, "a thread"
    assert decide(machine, clone[column], 0x01200011) == ALLOW, "a process"
    for flag in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
        assert decide(machine, clone[column], 0x11 | flag) == DENIED
    assert decide(machine, prlimit[column], 0) == ALLOW
    assert decide(machine, prlimit[column], 77) == DENIED
    for command, answer in ((1, ALLOW), (2, ALLOW), (3, ALLOW), (8, DENIED), (10, DENIED), (15, DENIED)):
        assert decide(machine, seccomp.FCNTL[column], 3, command) == answer
    assert [decide(machine, number) for number in (423, 424, 435, 436, 437, 1000)] == [
        ALLOW, UNKNOWN, UNKNOWN, ALLOW, UNKNOWN, UNKNOWN
    ]  # fmt: skip
    assert decide(machine, 0x40000000 + 41) == UNKNOWN, "the 32-bit pointer calls of x86-64"
    assert decide(machine, 41, architecture=0x40000003) == DENIED, "the calls of another architecture"


@pytest.mark.parametrize("machine", HEADERS)
def test_with_devices_opening_to_write_is_left_to_landlock_and_a_local_socket_may_be_made(machine: str) -> None:
    column = list(seccomp.ARCHITECTURES).index(machine)

    def answer(name: str, *arguments: int) -> int:
        number = seccomp.denied_calls()[name][column]
        assert number is not None
        return decide(machine, number, *arguments, uses_devices=True)

    local, internet, netlink = 1, 2, 16
    assert [answer("socket", family) for family in (local, internet, netlink)] == [ALLOW, DENIED, DENIED]
    assert answer("unlinkat") == 0x00050000 | errno.ENOENT
    others = seccomp.denied_calls().keys() - {"socket", *seccomp.MISSING}
    assert {
        name for name in others if seccomp.denied_calls()[name][column] is not None and answer(name) != DENIED
    } == set()
    openat = (257, 56)[column]
    for flags, wanted in ((os.O_RDWR, ALLOW), (os.O_WRONLY | os.O_CREAT | os.O_TRUNC, ALLOW), (os.O_TRUNC, DENIED)):
        assert decide(machine, openat, 0, 0, flags, uses_devices=True) == wanted


@pytest.mark.parametrize("machine", HEADERS)
def test_what_reads_and_computes_is_allowed(machine: str) -> None:
    wanted = "read write close lseek mmap mprotect munmap brk futex execve exit exit_group getrandom pread64"
    if not HEADERS[machine].is_file():
        pytest.skip("the kernel's headers are not installed")
    real = numbers(machine)
    assert [name for name in wanted.split() if decide(machine, real[name]) != ALLOW] == []


@linux_only
@pytest.mark.parametrize("version", range(1, 8))
def test_every_version_of_landlock_confines(version: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newer rights are left out as on an older kernel; the filter of calls is off, so that landlock is alone."""
    if landlock.abi() < version:
        pytest.skip("this kernel is older")
    for name, content in (("allowed", "yes"), ("other", "no")):
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(landlock, "abi", lambda: version)
    monkeypatch.setattr(seccomp, "available", lambda: False)
    limits = Limits(2**32, 10)
    cat = run(["/bin/cat", tmp_path / "allowed", tmp_path / "other"], limits, 100, [tmp_path / "allowed"])
    assert cat.stdout == b"yes"
    assert "Permission denied" in cat.stderr
    written = run(["/bin/sh", "-c", f"echo > {tmp_path}/new; : >> {tmp_path}/allowed"], limits, 100)
    assert written.stderr.count("Permission denied") == 2
    assert not (tmp_path / "new").exists()


@linux_only
def test_a_kernel_that_refuses_what_it_has_stops_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is started with less than was found to be there."""
    if landlock.abi() == 0:
        pytest.skip("this kernel has no landlock")
    monkeypatch.setattr(landlock, "RIGHTS_SINCE", {1: 1 << 62})
    with pytest.raises(OSError, match="the kernel refuses to set up the sandbox: Invalid argument"):
        run(["/bin/sh", "-c", "echo hello"], Limits(2**32, 10), 100)


@pytest.fixture
def fresh() -> None:
    """Protections are tried anew."""
    attempts._tried.cache_clear()


@linux_only
@pytest.mark.usefixtures("fresh")
def test_all_protections_hold_on_a_kernel_that_has_them() -> None:
    if landlock.abi() == 0 or not seccomp.available():
        pytest.skip("this kernel lacks some")
    assert protections() == dict.fromkeys(PROTECTIONS, True)


@linux_only
@pytest.mark.usefixtures("fresh")
def test_without_landlock_other_files_are_read_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "abi", lambda: 0)
    expected = dict.fromkeys(PROTECTIONS, True) | {"reads_only_its_input": False}
    assert protections() == expected, "the filter of calls still keeps it from writing"


@linux_only
@pytest.mark.usefixtures("fresh")
def test_without_a_filter_there_is_a_network_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp, "available", lambda: False)
    found = protections()
    assert (found["no_network"], found["no_other_processes"]) == (False, False)
    assert (found["reads_only_its_input"], found["no_new_privileges"], found["limits"]) == (True, True, True)


@linux_only
@pytest.mark.usefixtures("fresh")
def test_without_anything_only_limits_and_privileges_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "abi", lambda: 0)
    monkeypatch.setattr(seccomp, "available", lambda: False)
    assert [name for name, holds in protections().items() if holds] == ["no_new_privileges", "limits"]


@linux_only
@pytest.mark.usefixtures("fresh")
def test_a_device_may_be_written_to_and_nothing_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if landlock.abi() == 0 or not seccomp.available():
        pytest.skip("this kernel lacks some")
    device, limits = Path("/dev/null"), Limits(2**32, 10)
    write = ["/bin/sh", "-c", f"echo x > {device} && echo written; echo x > {tmp_path}/file"]
    assert run(write, limits, 100).stdout == b""
    allowed = run(write, limits, 100, devices=[device])
    assert allowed.stdout == b"written\n"
    assert "Permission denied" in allowed.stderr
    assert not (tmp_path / "file").exists()
    assert protections([device]) == dict.fromkeys(PROTECTIONS, True)
    without = "from roundel.sandbox import landlock\nlandlock.abi = lambda: 0\nbecome("
    monkeypatch.setattr(confine, "_BECOME", confine._BECOME.replace("become(", without))
    attempts._tried.cache_clear()
    assert protections([device])["writes_nothing"] is False, "without landlock a device opens the door to all files"


@pytest.mark.usefixtures("fresh")
def test_as_on_a_system_that_is_not_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child of this test runs on Linux, but nothing that only Linux has is used to start it."""
    monkeypatch.setattr("roundel.sandbox.start.sys.platform", "darwin")
    found = protections()
    assert [name for name, holds in found.items() if holds] == ["limits"]


@pytest.mark.usefixtures("fresh")
def test_what_cannot_be_tried_is_not_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert protections() == dict.fromkeys(PROTECTIONS, None)


@linux_only
def test_it_is_tried_once_in_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    first = protections()
    monkeypatch.setattr(attempts, "run", None)
    assert protections() == first
