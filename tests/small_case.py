"""A small case for tests: short clips, a fake detector that sees two objects in each picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from conftest import FakeDetector, loaded
from roundel import case as cases
from roundel import custody, job
from roundel.config import Config
from roundel.media.identity import sha256_of

Found = tuple[tuple[float, float, float, float], str, float]
SETTINGS = Config()
REPORT_TEXT = "<!doctype html><title>report</title>\n"
SMALL = ("-t", "1", "-pix_fmt", "yuv420p", "-g", "12")
SOURCE = "testsrc2=size=160x120:rate=12"
OTHER_SOURCE = "mandelbrot=size=160x120:rate=12"


def find_two(_: NDArray[np.uint8]) -> Sequence[Found]:
    """Two objects far from each other."""
    return [((8.0, 8.0, 60.0, 60.0), "armoured_vehicle", 0.9), ((90.0, 50.0, 150.0, 110.0), "helicopter", 0.8)]


def detector() -> FakeDetector:
    """A new fake detector that counts the pictures it is given."""
    return FakeDetector(find_two)


def analyse(case: Path, *videos: Path, by: FakeDetector | None = None) -> list[job.Outcome]:
    """Make or go on with a case."""
    cases.create(case, SETTINGS)
    return list(job.run(videos, case, SETTINGS, loaded(by or detector())))


def add_report(case: Path) -> Path:
    """A stand-in for the report, noted in the log as the command line does it."""
    page = case / cases.REPORT / cases.REPORT_PAGE
    page.parent.mkdir(exist_ok=True)
    page.write_text(REPORT_TEXT, encoding="utf-8")
    custody.append(case, cases.REPORTED, page.relative_to(case).as_posix(), {"sha256": sha256_of(page)})
    return page


def tree_of(folder: Path) -> dict[str, bytes]:
    """All files of a folder by name."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
