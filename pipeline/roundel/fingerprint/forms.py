"""The forms of a picture that are hashed: as a whole, and the parts of it that edited copies have in common.

A hash of a whole picture finds a copy that was compressed, scaled, turned grey or a little turned. A copy that lost its
edges has the whole of its picture where the original has an inner part; a copy under a headline shares the upper part;
an upright copy shares the middle strip; a copy with bars has the original between them; a copy in a frame within the
frame has it there. Each form is hashed as it is and mirrored. ``benchmarks/copies.py`` says what each form finds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

from roundel.fingerprint.layout import Box, Layout

Form = Literal[
    "whole", "inner", "upper", "strip", "content", "content inner", "content upper", "content strip", "inset"
]
Region = tuple[float, float, float, float]
"""Left, top, right and bottom as shares of a picture's width and height."""
FORMS: tuple[Form, ...] = get_args(Form)

INNER_SHARE = 0.9  # of each side
UPPER_SHARE = 0.75  # of the height
LEAST_PX = 16
STRIP_RATIO = 9 / 16  # of a strip's width to its height, as phones show it


def forms(width: int, height: int, layout: Layout) -> Iterator[tuple[Form, Box]]:
    """The parts of a picture that are hashed: names and boxes. Parts narrower than 16 pixels are left out."""
    parts = list(zip(FORMS[:4], _parts((0, 0, width, height)), strict=True))
    if layout.content is not None:
        parts += zip(FORMS[4:8], _parts(layout.content), strict=True)
    if layout.inset is not None:
        parts.append(("inset", layout.inset))
    for form, box in parts:
        if min(box[2] - box[0], box[3] - box[1]) >= LEAST_PX:
            yield form, box


def _parts(box: Box) -> tuple[Box, Box, Box, Box]:
    """The whole, inner, upper and middle part of a box."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    across, down = round(width * (1 - INNER_SHARE) / 2), round(height * (1 - INNER_SHARE) / 2)
    if width >= height:
        aside = max(0, round((width - height * STRIP_RATIO) / 2))
        strip = (left + aside, top, right - aside, bottom)
    else:
        aside = max(0, round((height - width * STRIP_RATIO) / 2))
        strip = (left, top + aside, right, bottom - aside)
    inner = (left + across, top + down, right - across, bottom - down)
    return box, inner, (left, top, right, top + round(height * UPPER_SHARE)), strip
