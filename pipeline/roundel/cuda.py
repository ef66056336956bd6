"""The NVIDIA driver, asked itself: which devices this process may use, and whether it decodes video.

Through the driver's own library (CUDA Driver API) rather than torch, whose import takes seconds and whose build may be
one without CUDA.
"""

from __future__ import annotations

import ctypes
import os
import re
from dataclasses import dataclass
from pathlib import Path

from roundel.errors import MissingProgramError

LIBRARY = "libcuda.so.1"
VIDEO_LIBRARY = "libnvcuvid.so.1"
NO_DEVICE = 100  # CUDA_ERROR_NO_DEVICE
DEVICE_FOLDER = Path("/dev")
_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_…
_DEVICE_FILE = re.compile(r"nvidia(?:\d+|ctl|-uvm)")
_LINK_MAP = 2  # RTLD_DI_LINKMAP of dlfcn.h


@dataclass(frozen=True, slots=True)
class Device:
    """A GPU: its name, compute capability such as ``9.0``, and memory."""

    name: str
    capability: str
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Driver:
    """The newest CUDA that the driver runs, such as ``13.0``, and the devices that this process may use, in order."""

    cuda: str
    devices: tuple[Device, ...]


def driver() -> Driver:
    """Ask the driver. ``CUDA_VISIBLE_DEVICES`` has its usual meaning; no context is made on any device.

    Raises:
        MissingProgramError: if there is no driver, it finds no device, or it does not work; with what to do.
    """
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise MissingProgramError(
            f"there is no NVIDIA driver here ({LIBRARY} cannot be loaded); on a machine with an NVIDIA GPU install its "
            "driver, in a container use the NVIDIA container toolkit"
        ) from error
    try:
        return _ask(library)
    except _DriverError as error:
        advice = (
            "no device is visible to this process; see nvidia-smi and CUDA_VISIBLE_DEVICES"
            if error.code == NO_DEVICE
            else "compare with nvidia-smi; after an update of the driver restart the machine"
        )
        raise MissingProgramError(f"the NVIDIA driver does not work here ({error}): {advice}") from error


def devices() -> tuple[Device, ...]:
    """The devices that this process may use; none where there is no driver."""
    try:
        return driver().devices
    except MissingProgramError:
        return ()


def decodes_video() -> bool:
    """Whether the driver's part for decoding video (NVDEC) is there. Containers may have been given the rest only."""
    try:
        ctypes.CDLL(VIDEO_LIBRARY)
    except OSError:
        return False
    return True


def device_files() -> tuple[Path, ...]:
    """The files by which a program reaches the driver and the GPUs of this machine."""
    return tuple(sorted(path for path in DEVICE_FOLDER.glob("nvidia*") if _DEVICE_FILE.fullmatch(path.name)))


def library_folders() -> tuple[Path, ...]:
    """The folders that the driver's libraries were loaded from, which load others from there."""
    found: dict[Path, None] = {}
    for name in (LIBRARY, VIDEO_LIBRARY):
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        found[_place_of(library).parent] = None
    return tuple(found)


class _LinkMap(ctypes.Structure):
    """The beginning of what the loader keeps about a library: ``struct link_map`` of ``link.h``."""

    _fields_ = (("address", ctypes.c_void_p), ("name", ctypes.c_char_p))


def _place_of(library: ctypes.CDLL) -> Path:
    kept = ctypes.POINTER(_LinkMap)()
    ctypes.CDLL(None).dlinfo(ctypes.c_void_p(library._handle), _LINK_MAP, ctypes.byref(kept))
    return Path(os.fsdecode(kept.contents.name)).resolve()


class _DriverError(Exception):
    def __init__(self, call: str, code: int) -> None:
        super().__init__(f"{call} gives error {code}")
        self.code = code


def _ask(library: ctypes.CDLL) -> Driver:
    def call(name: str, *arguments: object) -> None:
        code = getattr(library, name)(*arguments)
        if code != 0:
            raise _DriverError(name, code)

    def number(name: str, *arguments: object) -> int:
        value = ctypes.c_int()
        call(name, ctypes.byref(value), *arguments)
        return value.value

    def device(index: int) -> Device:
        handle = number("cuDeviceGet", index)
        name, memory = ctypes.create_string_buffer(256), ctypes.c_size_t()
        call("cuDeviceGetName", name, len(name), handle)
        call("cuDeviceTotalMem_v2", ctypes.byref(memory), handle)
        major, minor = (number("cuDeviceGetAttribute", attribute, handle) for attribute in (_MAJOR, _MINOR))
        return Device(name.value.decode("utf-8", "replace"), f"{major}.{minor}", memory.value)

    call("cuInit", 0)
    cuda = number("cuDriverGetVersion")
    found = tuple(device(index) for index in range(number("cuDeviceGetCount")))
    if not found:
        raise _DriverError("cuDeviceGetCount", NO_DEVICE)
    return Driver(f"{cuda // 1000}.{cuda % 1000 // 10}", found)
