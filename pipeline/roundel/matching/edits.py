"""What was done to footage between two videos, as far as its place in the frame and the pixels tell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from roundel.fingerprint.forms import Region
from roundel.fingerprint.keyframes import Keyframe
from roundel.matching.footage import Footage
from roundel.matching.geometry import Matrix, corners_in_query, visible
from roundel.matching.model import Edit
from roundel.matching.segments import Blocks, Segment

MARGIN = 0.03  # of the frame's side; less is nothing that was done
SAME_REGION = 0.75  # share that two regions have in common if they are the same one
TURNED_DEGREES = 0.7
STRETCHED = 1.06  # ratio of the two sides' scales
FASTER = 1.02  # keyframes are too far apart to tell smaller changes of speed
COVERED, CLEAR = 0.35, 0.8  # mean agreement of the parts of a picture that something lies over, and of the others


def edits_of(segment: Segment, query: Footage, reference: Footage) -> tuple[Edit, ...]:
    """The edits that tell the query's picture from the reference's."""
    found: list[Edit] = ["mirrored"] if segment.mirrored else []
    turned, stretched = _shape(segment, _ratio(query), _ratio(reference))
    if turned:
        found.append("rotated")
    else:
        found += _placed(segment, query, reference)
    if stretched:
        found.append("stretched")
    if segment.line.speed >= FASTER:
        found.append("faster")
    elif segment.line.speed <= 1 / FASTER:
        found.append("slower")
    return (*found, *_overlaid(segment.blocks))


def _ratio(footage: Footage) -> float:
    """Width to height of its pictures."""
    height, width = footage.still(footage.keyframes[0].ref).shape
    return float(width / height)


def _placed(segment: Segment, query: Footage, reference: Footage) -> list[Edit]:
    """Bars, frames within the frame and crops, of either video."""
    first, last = segment.shown[0], segment.shown[-1]
    start, end = (segment.line.at(np.array([query.keyframes[place].seconds])) for place in (first, last))
    mine = query.keyframes[first : last + 1]
    other = [item for item in reference.keyframes if start[0] - 1 <= item.seconds <= end[0] + 1]
    in_query = _framed(visible(segment.transform), mine)
    in_reference = _framed(visible(np.asarray(np.linalg.inv(segment.transform), np.float64)), other)
    found: list[Edit] = []
    if in_query == "part":
        found.append("cropped in the reference")
    elif in_query is not None:
        found.append(in_query)
    if in_reference == "part":
        found.append("cropped")
    elif in_reference == "bars":
        found.append("bars in the reference")
    elif in_reference == "picture-in-picture":
        found.append("picture-in-picture in the reference")
    return found


def _framed(region: Region, keyframes: Sequence[Keyframe]) -> Literal["bars", "picture-in-picture", "part"] | None:
    """What surrounds the shared part of a picture: nothing, bars, another picture, or more of the same picture."""
    left, top, right, bottom = region
    if left <= MARGIN and top <= MARGIN and right >= 1 - MARGIN and bottom >= 1 - MARGIN:
        return None
    known = [(item.form, _common(item.region, region)) for keyframe in keyframes for item in keyframe.fingerprints]
    if any(form == "content" and common >= SAME_REGION for form, common in known):
        return "bars"
    if any(form == "inset" and common >= SAME_REGION for form, common in known):
        return "picture-in-picture"
    return "part"


def _common(one: Region, other: Region) -> float:
    """The area of the intersection as a share of that of the union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0.0) * max(height, 0.0)
    total = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)) - shared
    return shared / total if total > 0 else 0.0


def _shape(segment: Segment, query: float, reference: float) -> tuple[bool, bool]:
    """Whether the picture is turned and whether one side is scaled more than the other, in pixels."""
    transform: Matrix = np.diag([reference, 1.0, 1.0]) @ segment.transform @ np.diag([1 / query, 1.0, 1.0])
    corners = corners_in_query(transform)  # of a square at the reference's upper left corner
    across, down = corners[1] - corners[0], corners[3] - corners[0]
    angle = abs(math.degrees(math.atan2(across[1], abs(across[0]))))
    lengths = float(np.hypot(*across)), float(np.hypot(*down))
    return angle >= TURNED_DEGREES, max(lengths) > STRETCHED * min(lengths)


def _overlaid(blocks: Blocks) -> list[Edit]:
    """What lies over a picture that otherwise agrees."""
    over = blocks <= COVERED
    if not over.any() or float(np.nanmean(blocks[~over])) < CLEAR:
        return []
    rows, columns = np.nonzero(over)
    size = len(blocks)
    share = over.sum(axis=1) / np.maximum(1, np.isfinite(blocks).sum(axis=1))
    if share[-3:].max() >= 0.6 and share[: size // 2].max() < 0.3:
        return ["overlay below"]
    near_edge = (rows.max() < size / 3 or rows.min() >= 2 * size / 3) and (
        columns.max() < size / 3 or columns.min() >= 2 * size / 3
    )
    return ["overlay in a corner"] if near_edge else []
