"""What is made of the driver's answers. A small library stands in for the driver, because its interface is C."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from roundel import cuda
from roundel.errors import MissingProgramError

DRIVER = """
#include <string.h>
int cuInit(unsigned flags) {{ return {init}; }}
int cuDriverGetVersion(int *version) {{ *version = 13000; return 0; }}
int cuDeviceGetCount(int *count) {{ *count = {count}; return 0; }}
int cuDeviceGet(int *device, int index) {{ *device = 40 + index; return 0; }}
int cuDeviceGetName(char *name, int length, int device) {{
    strncpy(name, device == 40 ? "NVIDIA One" : "NVIDIA Two", length); return 0; }}
int cuDeviceTotalMem_v2(size_t *bytes, int device) {{ *bytes = 80000000000UL + device; return 0; }}
int cuDeviceGetAttribute(int *value, int attribute, int device) {{ *value = attribute == 75 ? 9 : 0; return 0; }}
"""


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler")

    def make(init: int = 0, count: int = 2) -> None:
        source, library = tmp_path / "driver.c", tmp_path / "libdriver.so"
        source.write_text(DRIVER.format(init=init, count=count))
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
        monkeypatch.setattr(cuda, "LIBRARY", str(library))

    return make


def test_devices_are_named_with_their_capability_and_memory(driver: Callable[..., None]) -> None:
    driver()
    found = cuda.driver()
    assert found.cuda == "13.0"
    assert found.devices == (
        cuda.Device("NVIDIA One", "9.0", 80_000_000_040),
        cuda.Device("NVIDIA Two", "9.0", 80_000_000_041),
    )
    assert cuda.devices() == found.devices


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"init": 100}, "cuInit gives error 100.*CUDA_VISIBLE_DEVICES"),
        ({"count": 0}, "CUDA_VISIBLE_DEVICES"),
        ({"init": 803}, "cuInit gives error 803.*restart"),
    ],
)
def test_a_driver_without_a_device_and_a_broken_one_are_told_apart(
    driver: Callable[..., None], answers: dict[str, int], said: str
) -> None:
    driver(**answers)
    with pytest.raises(MissingProgramError, match=said):
        cuda.driver()
    assert cuda.devices() == ()


def test_without_a_driver_there_are_no_devices_and_no_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "LIBRARY", "libno-such-driver.so.1")
    monkeypatch.setattr(cuda, "VIDEO_LIBRARY", "libno-such-driver.so.1")
    assert cuda.devices() == ()
    assert not cuda.decodes_video()
    with pytest.raises(MissingProgramError, match="there is no NVIDIA driver here"):
        cuda.driver()


def test_a_child_needs_the_folder_that_the_library_was_loaded_from(
    driver: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    driver()
    monkeypatch.setattr(cuda, "VIDEO_LIBRARY", "libno-such-driver.so.1")
    assert cuda.library_folders() == (tmp_path,)
    monkeypatch.setattr(cuda, "LIBRARY", "libno-such-driver.so.1")
    assert cuda.library_folders() == ()


def test_a_child_needs_the_files_of_the_driver_and_of_each_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidia12", "nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset", "null"):
        (tmp_path / name).touch()
    monkeypatch.setattr(cuda, "DEVICE_FOLDER", tmp_path)
    assert [path.name for path in cuda.device_files()] == ["nvidia-uvm", "nvidia0", "nvidia12", "nvidiactl"]


@pytest.mark.gpu
def test_this_machines_driver_answers() -> None:
    found = cuda.driver()
    assert found.devices[0].name.startswith(("NVIDIA", "Tesla", "Quadro", "GeForce", "GRID"))
    assert found.devices[0].memory_bytes > 2**30
