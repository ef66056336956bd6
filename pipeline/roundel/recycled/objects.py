"""Where the tracks of a package were, from its boxes: for telling which objects of two videos are one."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path

from roundel import package
from roundel.disk import open_regular
from roundel.errors import IntegrityError
from roundel.repeats import Followed, Paths

MOST_LINE_BYTES = 16 * 1024**2
MOST_BYTES = 8 * 1024**3


def followed(folder: Path) -> Followed | None:
    """The listed tracks of a package that are no graphics laid over the picture; ``None`` if it has no pictures.

    Raises:
        IntegrityError: if its boxes cannot be read.
    """
    analysis = package.read_analysis(folder)
    if analysis.media is None:
        return None
    listed = {track.id for track in analysis.tracks if not track.burnt_in}
    paths, path, unpacked = Paths(), folder / package.DETECTIONS, 0
    try:
        with open_regular(path, follow=False) as packed, gzip.open(packed, "rb") as stream:
            while line := stream.readline(MOST_LINE_BYTES):
                unpacked += len(line)
                if unpacked > MOST_BYTES:
                    raise ValueError(f"it unpacks to more than {MOST_BYTES:,} bytes")
                frame = json.loads(line)
                for box in frame["boxes"]:
                    if box["track"] in listed:
                        paths.add(box["track"], float(frame["seconds"]), [float(value) for value in box["xyxy"]])
    except (OSError, EOFError, ValueError, KeyError, TypeError, RecursionError, zlib.error) as error:
        raise IntegrityError(f"{path}: cannot be read: {error}; check the case with roundel verify") from error
    return Followed(paths, (analysis.media.width, analysis.media.height))
