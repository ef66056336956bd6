"""What a child may not do. Everything is tried twice: outside the sandbox it succeeds, inside it fails."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from roundel.sandbox import Finished, Limits, run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these protections are Linux's")
LIMITS = Limits(2 * 1024**3, 30)
PYTHON = [sys.executable, "-I", "-S", "-c"]
LIBRARY = sorted({Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")})
START = """
import ctypes, fcntl, mmap, os, resource, signal, socket, sys, time
canary, folder, victim, port = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
libc = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    if libc.syscall(*map(ctypes.c_long, arguments)) < 0:
        raise OSError(ctypes.get_errno(), "system call")
"""
READING = {
    "a file of the user": "open(canary).read()",
    "a folder of the user": "os.listdir(folder)",
    "a file of the system": "open('/etc/passwd').read()",
    "the environment of the process": "open('/proc/self/environ').read()",
    "the environment of another process": "open(f'/proc/{victim}/environ').read()",
    "the command line of another process": "open(f'/proc/{victim}/cmdline').read()",
}
WRITING = {
    "new file": "open(folder + '/new', 'w')",
    "change": "open(canary, 'r+')",
    "append": "open(canary, 'a')",
    "cut off": "os.truncate(canary, 0)",
    "cut off while opening": "os.open(canary, os.O_TRUNC)",
    "file without a name": "os.open(folder, os.O_TMPFILE | os.O_RDWR)",
    "remove": "os.unlink(canary)",
    "rename": "os.rename(canary, canary + '2')",
    "link": "os.link(canary, canary + '2')",
    "symbolic link": "os.symlink(canary, canary + '2')",
    "make folder": "os.mkdir(folder + '/made')",
    "remove folder": "os.rmdir(folder + '/empty')",
    "make pipe": "os.mkfifo(folder + '/pipe')",
    "the name of another process": "open(f'/proc/{victim}/comm', 'w').close()",
    "change mode": "os.chmod(canary, 0o600)",
    "change owner": "os.chown(canary, os.getuid(), os.getgid())",
    "change times": "os.utime(canary, (1, 1))",
}
NETWORK = {
    "TCP": "socket.create_connection(('127.0.0.1', port), 3)",
    "UDP": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', port))",
    "a server": "socket.create_server(('127.0.0.1', 0))",
    "local socket": "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).connect(folder + '/local')",
    "sending to a local socket": "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'x', folder + '/local')",
    "local socket by a pair": "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', folder + '/local')",
    "a local server": "socket.socket(socket.AF_UNIX).bind(folder + '/server')",
    "netlink": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)",
}
PROCESSES = {
    "signal": "os.kill(victim, signal.SIGTERM)",
    "signal to a thread": "call({'x86_64': 234, 'aarch64': 131}[os.uname().machine], victim, victim, 15)",
    "signal by a file": """
r, w = os.pipe()
fcntl.fcntl(r, fcntl.F_SETOWN, victim)
fcntl.fcntl(r, fcntl.F_SETSIG, signal.SIGTERM)
fcntl.fcntl(r, fcntl.F_SETFL, os.O_ASYNC)
os.write(w, b'x')
""",
    "trace": "\nif libc.ptrace(0, 0, 0, 0) != 0: raise OSError",
    "limits of another": "resource.prlimit(victim, resource.RLIMIT_CORE, (0, 0))",
    "priority of another": "os.setpriority(os.PRIO_PROCESS, victim, 19)",
    "processors of another": "os.sched_setaffinity(victim, os.sched_getaffinity(0))",
    "another program": "os.execv('/bin/cat', ['/bin/cat', '/dev/null'])",
}


@pytest.fixture
def victim() -> Iterator[subprocess.Popen[bytes]]:
    """A process of the same user."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


@pytest.fixture(params=["no device", "a device"])
def attempt(
    request: pytest.FixtureRequest, tmp_path: Path, victim: subprocess.Popen[bytes]
) -> Iterator[Callable[[str, bool], Finished]]:
    """Run code with something to steal within reach; prints ``done`` if it came to its end."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "canary").write_text("bird")
    devices = [Path("/dev/null")] if request.param == "a device" else []
    local = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    local.bind(str(tmp_path / "local"))
    with local, socket.create_server(("127.0.0.1", 0)) as server:
        given = [str(tmp_path / "canary"), str(tmp_path), str(victim.pid), str(server.getsockname()[1])]

        def act(code: str, inside: bool) -> Finished:
            command = [*PYTHON, f"{START}{code}\nprint('done')", *given]
            if inside:
                return run(command, LIMITS, 100, LIBRARY, devices=devices)
            done = subprocess.run(command, capture_output=True, timeout=100, check=False)
            return Finished(done.returncode, done.stdout, done.stderr.decode(), False)

        yield act


def assert_only_outside(attempt: Callable[[str, bool], Finished], code: str) -> None:
    inside = attempt(code, True)
    assert b"done" not in inside.stdout
    assert "Error" in inside.stderr.splitlines()[-1], inside.stderr
    outside = attempt(code, False)
    assert outside.returncode == 0, outside.stderr


@pytest.mark.parametrize("what", READING)
def test_a_child_reads_only_what_it_is_given(attempt: Callable[[str, bool], Finished], what: str) -> None:
    assert_only_outside(attempt, READING[what])


@pytest.mark.parametrize("what", WRITING)
def test_a_child_changes_no_file(attempt: Callable[[str, bool], Finished], tmp_path: Path, what: str) -> None:
    before = [(path.name, path.stat()) for path in sorted(tmp_path.iterdir())]
    assert b"done" not in attempt(WRITING[what], True).stdout
    assert [(path.name, path.stat()) for path in sorted(tmp_path.iterdir())] == before
    outside = attempt(WRITING[what], False)
    assert outside.returncode == 0, outside.stderr


@pytest.mark.parametrize("what", NETWORK)
def test_a_child_has_no_network(attempt: Callable[[str, bool], Finished], what: str) -> None:
    assert_only_outside(attempt, NETWORK[what])


@pytest.mark.parametrize("what", PROCESSES)
def test_a_child_does_not_reach_other_processes(
    attempt: Callable[[str, bool], Finished], victim: subprocess.Popen[bytes], what: str
) -> None:
    assert b"done" not in attempt(PROCESSES[what], True).stdout
    assert victim.poll() is None
    outside = attempt(PROCESSES[what], False)
    assert outside.returncode == 0, outside.stderr
    if what.startswith("signal"):
        assert victim.wait(30) == -signal.SIGTERM


CUDA_NEEDS = {
    "a local server without a file": "socket.socket(socket.AF_UNIX).bind(b'\\0roundel-' + str(os.getpid()).encode())",
    "the names of its threads": "open(f'/proc/self/task/{os.getpid()}/comm', 'w').write('name')",
    "the map of its memory": "open('/proc/self/maps').read()",
    "links that are not there": """
try:
    os.unlink(folder + '/nothing')
except FileNotFoundError:
    pass
""",
}


@pytest.mark.parametrize("what", CUDA_NEEDS)
def test_only_a_child_with_a_device_may_do_what_cuda_needs(
    attempt: Callable[[str, bool], Finished], request: pytest.FixtureRequest, what: str
) -> None:
    may = request.node.callspec.params["attempt"] == "a device"
    inside = attempt(CUDA_NEEDS[what], True)
    assert inside.stdout == (b"done\n" if may else b""), inside.stderr
    assert attempt(CUDA_NEEDS[what], False).stdout == b"done\n"


def test_a_child_makes_no_namespace(attempt: Callable[[str, bool], Finished]) -> None:
    code = "\nif libc.unshare(0x10000000) != 0: raise OSError"
    if attempt(code, False).returncode != 0:
        pytest.skip("this machine gives its users no namespaces in any case")
    assert_only_outside(attempt, code)


def test_calls_that_the_filter_cannot_see_through_look_unknown(attempt: Callable[[str, bool], Finished]) -> None:
    code = """
import errno
for number in (425, 435, 437, 450, 10**6):  # io_uring_setup, clone3, openat2, and two of the future
    try:
        call(number, 0, 0, 0, 0)
    except OSError as error:
        assert error.errno == errno.ENOSYS, (number, error)
"""
    assert attempt(code, True).stdout == b"done\n"
    assert attempt(code, False).stdout == b""


def test_a_child_gains_no_privilege(attempt: Callable[[str, bool], Finished]) -> None:
    code = """
import struct
held = ctypes.create_string_buffer(24)
libc.capget(struct.pack("=Ii", 0x20080522, 0), held)
print(libc.prctl(39, 0, 0, 0, 0), [hex(value) for value in struct.unpack("=6I", held.raw)])
"""
    readable = "0x4" if os.geteuid() == 0 else "0x0"
    inside = attempt(code, True).stdout.decode()
    assert inside.splitlines()[0] == f"1 ['{readable}', '{readable}', '0x0', '0x0', '0x0', '0x0']"
    assert attempt(code, False).stdout.startswith(b"0 ")


def test_limits_hold_and_cannot_be_raised(
    attempt: Callable[[str, bool], Finished], request: pytest.FixtureRequest
) -> None:
    """A driver reserves addresses without end, so with a device what is private and writable is counted."""
    memory = "DATA" if request.node.callspec.params["attempt"] == "a device" else "AS"
    code = f"names = ('{memory}', 'CPU', 'FSIZE', 'NOFILE', 'CORE')"
    code += """
print([resource.getrlimit(getattr(resource, "RLIMIT_" + name)) for name in names])
for name in names:
    kind = getattr(resource, "RLIMIT_" + name)
    try:
        resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except ValueError:
        print("refused")
"""
    wanted = [(value, value) for value in (LIMITS.memory_bytes, LIMITS.cpu_seconds, 0, 64, 0)]
    assert attempt(code, True).stdout.decode().splitlines() == [str(wanted), *["refused"] * 5, "done"]


def test_a_child_sees_no_secret_of_the_environment(
    attempt: Callable[[str, bool], Finished], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROUNDEL_TEST_KEY", "hunter2")
    code = "print('ROUNDEL_TEST_KEY' in os.environ)"
    assert attempt(code, True).stdout == b"False\ndone\n"
    assert attempt(code, False).stdout == b"True\ndone\n"


def test_a_child_gets_no_open_file_of_ours(attempt: Callable[[str, bool], Finished], tmp_path: Path) -> None:
    code = "print([number for number in range(3, 1024) if not fails(os.fstat, number)])"
    fails = "\ndef fails(act, *arguments):\n    try: act(*arguments)\n    except OSError: return True\n"
    with (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)
        said = attempt(fails + code, True).stdout.decode()
        numbers = said.splitlines()[0].strip("[]").split(", ")
        assert str(secret.fileno()) not in numbers
    assert len(numbers) == 1, "one file stands for our life, see test_child.py"


def test_the_thread_that_starts_a_child_keeps_its_restrictions_to_itself(tmp_path: Path) -> None:
    assert run(["/bin/sh", "-c", "echo hello"], LIMITS, 100).stdout == b"hello\n"
    (tmp_path / "ours").write_text("written")
    (tmp_path / "ours").chmod(0o600)
    with socket.create_server(("127.0.0.1", 0)):
        pass
    assert subprocess.run(["/bin/cat", tmp_path / "ours"], capture_output=True, check=True).stdout == b"written"
