"""Where the tracks of a package were, from its boxes: for telling which objects of two videos are one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from roundel import package
from roundel.repeats import Followed, Paths


def followed(folder: Path) -> Followed | None:
    """The listed tracks of a package that are no graphics laid over the picture; ``None`` if it has no pictures.

    Raises:
        IntegrityError: if its boxes cannot be read.
    """
    analysis = package.read_analysis(folder)
    if analysis.media is None:
        return None
    listed = {track.id for track in analysis.tracks if not track.burnt_in}
    paths = Paths()

    def take(frame: dict[str, Any]) -> None:
        for box in frame["boxes"]:
            if box["track"] in listed:
                paths.add(box["track"], float(frame["seconds"]), [float(value) for value in box["xyxy"]])

    package.each_frame(folder, take)
    return Followed(paths, (analysis.media.width, analysis.media.height))
