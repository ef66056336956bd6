"""The observer observes: what it is for is seen when it happens."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from trap import Observed, can_trace, watch

traced = pytest.mark.skipif(not can_trace(), reason="strace is not installed or may not trace here")


def python(folder: Path, code: str, limit: float = 60) -> Observed:
    return watch([sys.executable, "-c", code], {"PATH": os.environ["PATH"]}, folder, limit)


@traced
def test_a_file_behind_a_link_is_seen_by_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "secret\n'ä").write_text("x")
    (tmp_path / "link").symlink_to("secret\n'ä")
    seen = python(tmp_path, "import subprocess; open('link').read(); subprocess.run(['cat', 'link'])")
    assert seen.code == 0
    assert str(tmp_path / "secret\n'ä") in seen.read
    assert any(program.startswith('"/') and "cat" in program for program in seen.programs)


@traced
def test_what_is_written_made_renamed_and_removed_is_seen(tmp_path: Path) -> None:
    code = (
        "import os; open('a', 'w').close(); os.mkdir('b'); os.rename('a', 'c'); os.symlink('c', 'd'); os.unlink('c'); "
        "os.chmod('b', 0o700)"
    )
    assert {str(tmp_path / name) for name in "abcd"} <= python(tmp_path, code).changed


@traced
def test_a_connection_is_seen_even_if_nobody_answers(tmp_path: Path) -> None:
    code = "import socket; s = socket.socket(); s.connect_ex(('127.0.0.1', 9))"
    assert any("connect(" in call for call in python(tmp_path, code).network)
    code = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))"
    assert any("sendto(" in call for call in python(tmp_path, code).network)
    assert python(tmp_path, "import socket; socket.socket(socket.AF_UNIX)").network == set()


def test_memory_of_children_counts_and_a_late_command_is_ended(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys; subprocess.run([sys.executable, '-c', "
        "'x = bytearray(300 << 20); x[::4096] = bytes(len(x[::4096])); import time; print(1, flush=True); "
        "time.sleep(600)'])"
    )
    seen = python(tmp_path, code, limit=8)
    assert seen.code is None
    assert seen.seconds < 30
    assert seen.peak_bytes > 300 << 20
    assert seen.output == "1"
