"""Cases whose truth is known: an archive, and a case with an edited copy of a part of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from moving_scenes import encoded, headlined, pan
from small_case import analyse

SHARED_SECONDS = 6.0
IN_NEW, IN_OLD = (2.0, 8.0), (3.0, 9.0)
"""Where the archive's footage is in the copy, mirrored and under a headline, and where it was."""


@dataclass(frozen=True, slots=True)
class Recycled:
    """``archive`` holds old.mp4 and other.mp4, ``case`` new.mp4 and strange.mp4, which shares nothing."""

    archive: Path
    case: Path
    old: Path
    new: Path
    strange: Path


def recycled(folder: Path) -> Recycled:
    """Make the videos and analyse them."""
    scene = pan(1, SHARED_SECONDS)
    old = encoded(pan(2, 3) + scene + pan(3, 2), folder / "old.mp4")
    other = encoded(pan(7, 4), folder / "other.mp4")
    mirrored = [headlined(np.ascontiguousarray(np.fliplr(picture))) for picture in scene]
    new = encoded(pan(8, 2) + mirrored + pan(9, 2), folder / "new.mp4")
    strange = encoded(pan(40, 4), folder / "strange.mp4")
    analyse(folder / "archive", old, other)
    analyse(folder / "case", new, strange)
    return Recycled(folder / "archive", folder / "case", old, new, strange)


def copied(made: Recycled, folder: Path) -> Recycled:
    """The same in another folder, to be changed there."""
    import shutil

    for path in (made.archive, made.case):
        shutil.copytree(path, folder / path.name)
    return Recycled(folder / "archive", folder / "case", made.old, made.new, made.strange)
