"""The verb ``doctor``: is everything there that an analysis needs?"""

from __future__ import annotations

import importlib
import os
import platform
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from roundel import words
from roundel.cli.output import JsonOption, QuietOption, print_json, results, visible
from roundel.errors import EXIT_OK, EXIT_USAGE, RoundelError

OLDEST_FFMPEG = (5, 1)
OWN_USER = "open strangers' files as a user of its own or in a container (docs/sandbox.md)"
_FILTERS = (
    "that needs Linux on x86-64 or arm64 with seccomp filters; without them open strangers' files in a container that "
    "has no network (docs/sandbox.md)"
)
SANDBOX_ADVICE = {
    "reads_only_its_input": (
        "that needs Linux 5.13 or newer with landlock switched on (the file /sys/kernel/security/lsm lists it; a "
        "container's filter of system calls must allow it)"
    ),
    "no_network": _FILTERS,
    "no_other_processes": _FILTERS,
}
FFMPEG_NAMESAKES = ("ffmpeg", "python-ffmpeg")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, whether it is as it has to be, and the details with what to do.

    What is not ``needed`` may be missing.
    """

    name: str
    good: bool
    text: str
    needed: bool = True

    @property
    def mark(self) -> str:
        """The word that begins the line."""
        return "[green]ok[/]  " if self.good else "[bold red]BAD[/] " if self.needed else "[yellow]missing[/]"


def installed(name: str) -> str | None:
    """The version of a distribution; ``None`` if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _python() -> str:
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}"


def _ffmpeg() -> str:
    from roundel.media.process import ffmpeg_version

    found = {name: ffmpeg_version(name) for name in ("ffmpeg", "ffprobe")}
    for name, text in found.items():
        match = re.match(r"[nN]?-?(\d+)\.(\d+)", text)
        if match and (int(match[1]), int(match[2])) < OLDEST_FFMPEG:
            raise RoundelError(f"{name} {text} is too old: 5.1 or newer is needed")
    return ", ".join(f"{name} {text}" for name, text in found.items())


def _opencv() -> str:
    from roundel.job import OPENCV_DISTRIBUTIONS

    present = {name: found for name in OPENCV_DISTRIBUTIONS if (found := installed(name))}
    if len(present) > 1:
        raise RoundelError(
            f"{' and '.join(present)} are both installed and overwrite each other: "
            f"pip uninstall -y {' '.join(present)}, then pip install opencv-python"
        )
    try:
        importlib.import_module("cv2")
    except ImportError as error:
        raise RoundelError(
            f"cv2 cannot be loaded ({error}). On Debian or Ubuntu: sudo apt-get install libgl1 libglib2.0-0"
        ) from error
    return ", ".join(f"{name} {found}" for name, found in present.items())


def _ffmpeg_python() -> str:
    strangers = [name for name in FFMPEG_NAMESAKES if installed(name)]
    if strangers or not hasattr(importlib.import_module("ffmpeg"), "input"):
        names = " ".join(strangers) or "the package that provides it"
        raise RoundelError(f"{names} takes the import name of ffmpeg-python: pip uninstall -y {names}")
    return f"ffmpeg-python {installed('ffmpeg-python')}"


def _engines() -> str:
    return ", ".join(f"{name} {importlib.import_module(name).__version__}" for name in ("onnxruntime", "openvino"))


def _torch() -> str:
    found, floor = installed("torch"), (2, 10)
    if found is None or tuple(int(part) for part in found.split("+")[0].split(".")[:2]) < floor:
        raise RoundelError(
            f"torch {found} cannot load checkpoints safely: pip install 'torch>=2.10' (only needed for .pt weights)"
        )
    return f"torch {found}, ultralytics {installed('ultralytics')}"


def _weights() -> str:
    from roundel.detect import weights

    for item in weights.registered().values():
        weights.check(item)
    return ", ".join(weights.registered())


def _types() -> str:
    """The type network, its gallery and the user's own."""
    from roundel.identify import shipped_file
    from roundel.specialists import open_galleries

    for table in ("network", "gallery"):
        shipped_file(table)
    opened = open_galleries(None)
    held = (f"{name}: {len(found.photos)} photos" for name, found in opened.all.items())
    return f"type network; {', '.join(held)}"


def _tesseract() -> str:
    """Tesseract and its languages. Writing is optional: without it an analysis runs, and its result says so."""
    from roundel.config import TextConfig
    from roundel.errors import MissingProgramError
    from roundel.text.tesseract import Tesseract

    config = TextConfig()
    try:
        found = Tesseract(config.tesseract, config.languages)
    except MissingProgramError as error:
        return f"writing will not be read: {error}"
    missing = f"; not installed: {', '.join(found.missing)}" if found.missing else ""
    return f"tesseract {found.version} reads {', '.join(found.languages)}{missing}"


def _cuda() -> str:
    from roundel import cuda

    names = [device.name for device in cuda.devices()]
    return f"{', '.join(names)}; see roundel doctor --gpu" if names else "no device; the processor is used"


def _sandbox() -> str:
    """What programs that open strangers' files are kept from here, and what to do about the rest."""
    from roundel.sandbox import PROTECTIONS, protections

    found = protections()
    kept = [PROTECTIONS[name] for name, holds in found.items() if holds]
    open_ = [name for name, holds in found.items() if not holds]
    said = [f"decoders are kept from {words.listed(kept)}"] if kept else []
    if open_:
        said.append(f"NOT kept from {words.listed([PROTECTIONS[name] for name in open_])}")
        said += dict.fromkeys(SANDBOX_ADVICE.get(name, OWN_USER) for name in open_)
    return "; ".join(said)


def _machine() -> str:
    from roundel.detect import available_threads

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{available_threads()} processors for this process, {memory:.0f} GiB of memory"


CHECKS: dict[str, Callable[[], str]] = {
    "Python": _python,
    "ffmpeg": _ffmpeg,
    "ffmpeg-python": _ffmpeg_python,
    "OpenCV": _opencv,
    "engines": _engines,
    "torch": _torch,
    "weights": _weights,
    "types": _types,
    "Tesseract": _tesseract,
    "CUDA": _cuda,
    "sandbox": _sandbox,
    "machine": _machine,
}


def _results() -> Iterator[Finding]:
    for name, check in CHECKS.items():
        try:
            yield Finding(name, True, check())
        except (RoundelError, ImportError, OSError) as error:
            yield Finding(name, False, str(error))


def doctor(
    gpu: Annotated[
        bool, typer.Option("--gpu", help="Look at the GPU instead: driver, builds, and a trial beside the processor.")
    ] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Check that everything an analysis needs is installed, and say what to do if not.

    Example: **roundel doctor**
    """
    if gpu:
        from roundel.cli.doctor_gpu import findings

        found = list(findings())
    else:
        found = list(_results())
    healthy = all(item.good or not item.needed for item in found)
    if as_json:
        checks = [{"name": item.name, "ok": item.good, "needed": item.needed, "found": item.text} for item in found]
        print_json({"ok": healthy, "checks": checks, "python": sys.executable})
    else:
        for item in found:
            results.print(f"{item.mark} {item.name}: {visible(item.text)}")
    return EXIT_OK if healthy else EXIT_USAGE
