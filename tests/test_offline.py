"""Roundel opens no connection, leaves the home directory alone, installs nothing and runs no code out of weights.

All of it is proved in fresh processes: under pytest, some libraries hold back what they do otherwise.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conftest import SHARED
from roundel.quiet import _private_folder

MakeClip = Callable[..., Path]
CHECKPOINT = SHARED / "models" / "bootstrap" / "best.pt"

# Runs before anything else in the process: records and refuses every way out, in children of the process too.
GUARD = """
import json, os, socket, sys
log = os.open(LOG, os.O_WRONLY | os.O_APPEND)  # a thread that starts a child in the sandbox opens nothing any more
def note(kind, *what):
    os.write(log, (json.dumps([kind, *map(str, what)]) + chr(10)).encode())
def refuse(kind):
    def refused(*arguments, **_):
        note("network", kind, arguments[-1])
        raise OSError(f"no network in this test: {kind}")
    return refused
for name in ("connect", "connect_ex", "sendto", "sendmsg"):
    setattr(socket.socket, name, refuse(name))
for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "create_connection"):
    setattr(socket, name, refuse(name))
def hook(event, arguments):
    if event == "subprocess.Popen":
        note("command", *(os.fsdecode(part) for part in arguments[1]))
    elif event in {"os.system", "os.exec", "os.posix_spawn"}:
        note("command", event, *arguments)
sys.addaudithook(hook)
"""

# Notes the environment in which a library is first imported.
WATCH = """
import importlib.abc
seen = {}
class Watch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == LIBRARY:
            seen.update(os.environ)
            sys.meta_path.remove(self)
        return None
sys.meta_path.insert(0, Watch())
"""

ANALYSE = """
from pathlib import Path
import roundel
from roundel.config import load
from roundel import case, job
from roundel.detect import load_detector
settings = load(None, {"detector": {"engine": ENGINE, "model": MODEL}})
folder = Path(FOLDER) / "case"
case.create(folder, settings)
[outcome] = job.run([Path(CLIP)], folder, settings, load_detector(settings.detector))
print(json.dumps({"status": outcome.status, "message": outcome.message, "environment": seen,
                  "engine": load_detector(settings.detector).provenance["engine"]}))
"""

SWITCHES = {
    "YOLO_OFFLINE": "1",
    "YOLO_AUTOINSTALL": "0",
    "YOLO_VERBOSE": "0",
    "ULTRALYTICS_SKIP_REQUIREMENTS_CHECKS": "1",
    "ULTRALYTICS_SAFE_LOAD": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}
INSTALLERS = {"pip", "pip3", "uv", "conda", "apt-get", "curl", "wget", "git"}


@dataclass(frozen=True)
class Run:
    """What a process of its own did."""

    said: Any
    commands: list[list[str]]
    network: list[list[str]]


def fresh(code: str, home: Path, **values: object) -> Run:
    """Run code in a process of its own with an empty home directory and none of our switches set."""
    home.mkdir()
    log, temporary = home.parent / "guard.log", home.parent / "tmp"
    temporary.mkdir()
    log.touch()
    kept = {key: os.environ[key] for key in ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG") if key in os.environ}
    given = "".join(f"{key} = {value!r}\n" for key, value in {"LOG": str(log), **values}.items())
    done = subprocess.run(
        [sys.executable, "-c", given + GUARD + code],
        env={**kept, "HOME": str(home), "TMPDIR": str(temporary)},
        cwd=home.parent,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    notes = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    commands = [words for kind, *words in notes if kind == "command"]
    return Run(
        json.loads(done.stdout.splitlines()[-1]), commands, [words for kind, *words in notes if kind == "network"]
    )


def assert_quiet(run: Run, home: Path) -> None:
    assert run.network == []
    assert [words for words in run.commands if INSTALLERS & {Path(word).name for word in words}] == []
    assert sorted(str(path.relative_to(home)) for path in home.rglob("*")) == [], "the home directory stays empty"


@pytest.mark.parametrize(
    ("engine", "library"),
    [
        ("openvino", "openvino"),
        ("onnx", "onnxruntime"),
        pytest.param("ultralytics", "ultralytics", marks=pytest.mark.shared_data),
    ],
)
def test_an_analysis_stays_offline_and_out_of_the_home_directory(
    tmp_path: Path, make_clip: MakeClip, engine: str, library: str
) -> None:
    clip = make_clip("offline.mp4", "testsrc2=size=160x120:rate=10", "-t", "1", "-c:v", "libx264")
    home = tmp_path / "home"
    model = str(CHECKPOINT) if engine == "ultralytics" else "hardware-v1"
    run = fresh(
        WATCH + ANALYSE, home, ENGINE=engine, MODEL=model, CLIP=str(clip), FOLDER=str(tmp_path), LIBRARY=library
    )
    assert run.said["status"] == "done", run.said["message"]
    assert run.said["engine"] == engine
    environment = run.said["environment"]
    assert {key: environment.get(key) for key in SWITCHES} == SWITCHES, "set before the library is imported"
    private = Path(environment["YOLO_CONFIG_DIR"])
    assert private.is_dir()
    assert private.stat().st_mode & 0o077 == 0, "nobody else may put settings there"
    assert_quiet(run, home)


def test_the_command_line_loads_no_engine_before_it_needs_one(tmp_path: Path) -> None:
    run = fresh("import roundel, roundel.cli\nprint(json.dumps(sorted(sys.modules)))", tmp_path / "home")
    assert run.commands == []
    assert {"torch", "ultralytics", "openvino", "onnxruntime"}.isdisjoint(run.said)
    assert_quiet(run, tmp_path / "home")


class Payload:
    """What a stranger puts into a checkpoint."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.mark}",)


def poison(path: Path, mark: Path, kind: str) -> None:
    """Write a checkpoint that runs a command when it is unpickled."""
    if kind == "plain":
        path.write_bytes(pickle.dumps({"model": Payload(mark)}))
        return
    if kind == "archive":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", pickle.dumps({"model": Payload(mark)}, protocol=2))
            archive.writestr("archive/version", "3\n")
            archive.writestr("archive/byteorder", "little")
        return
    with zipfile.ZipFile(CHECKPOINT) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name.endswith("data.pkl"):
                data = data[:2] + pickle.dumps(Payload(mark), protocol=2)[2:-1] + b"0" + data[2:]
            target.writestr(name, data)


@pytest.mark.shared_data
def test_weights_that_run_a_command_are_refused(tmp_path: Path) -> None:
    kinds = ("plain", "archive", "real")
    for kind in kinds:
        poison(tmp_path / f"evil-{kind}.pt", tmp_path / f"pwned-{kind}", kind)
    code = """
from roundel.config import DetectorConfig
from roundel.detect import load_detector
from roundel.errors import WeightsError
caught = {}
for kind in KINDS:
    try:
        load_detector(DetectorConfig(engine="ultralytics", model=f"{FOLDER}/evil-{kind}.pt"))
    except WeightsError as error:
        caught[kind] = str(error)
print(json.dumps(caught))
"""
    run = fresh(code, tmp_path / "home", KINDS=kinds, FOLDER=str(tmp_path))
    assert list(tmp_path.glob("pwned*")) == [], "a payload has run"
    for kind in kinds:
        assert f"evil-{kind}.pt: not loaded" in run.said[kind]
    assert [words for words in run.commands if "os.system" in words] == []
    assert_quiet(run, tmp_path / "home")


@pytest.mark.shared_data
def test_the_payload_is_real(tmp_path: Path) -> None:
    """Without safe loading the poisoned checkpoint does run its command, so the test above can fail."""
    weights, mark = tmp_path / "evil.pt", tmp_path / "pwned"
    poison(weights, mark, "real")
    with zipfile.ZipFile(weights) as archive:
        [name] = [name for name in archive.namelist() if name.endswith("data.pkl")]
        (tmp_path / "data.pkl").write_bytes(archive.read(name))
    code = "import pickle, sys\nwith open(sys.argv[1], 'rb') as f: pickle.load(f)"
    subprocess.run([sys.executable, "-c", code, tmp_path / "data.pkl"], capture_output=True, check=False)
    assert mark.exists()


def test_the_guard_catches_a_connection_even_of_a_child(tmp_path: Path) -> None:
    code = """
import urllib.request
if os.fork() == 0:
    try:
        urllib.request.urlopen("http://127.0.0.1:9/")
    except OSError:
        os._exit(0)
os.wait()
print("null")
"""
    assert fresh(code, tmp_path / "home").network != []


def test_a_settings_folder_that_others_can_write_to_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    usual = _private_folder()
    assert _private_folder() == usual
    usual.chmod(0o777)
    assert _private_folder() != usual
    usual.rmdir()
    usual.write_text("a file in its place")
    assert _private_folder().is_dir()
