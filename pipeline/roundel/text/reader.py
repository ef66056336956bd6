"""Reading with Tesseract: lines are proposed, read in all languages, and read again before anything is believed.

The first pass reads every proposed line once. A place is worth a second look if what was read there may be writing and
was read alike in two views, or very surely in one. The second pass reads the place in every view in several renderings
and mirrored; what is reported is their consensus. Noise changes with the rendering, writing does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from roundel.text.finder import Grey, Line, find_lines
from roundel.text.fuse import Box, Fused, Look, clean, distance, fuse, group
from roundel.text.tesseract import Raw, Tesseract
from roundel.text.writing import is_serial_like, may_be_writing, script_of
from roundel.types import Reading, Seconds, View

MOST_VIEWS = 5
LINES_PER_VIEW = 9
LINES_PER_FRAME = 24
PLACES_PER_OBJECT = 4
PLACES_PER_FRAME = 12
LEAST_CROP_PX = 48  # shorter side: no marking on a smaller crop is large enough to be read
MOST_ALTERNATIVES = 4  # of a character
BOX_TREMBLE = 0.02  # of an object's size: the same place on it in two views may be apart by as much on each side

FIRST_CONFIDENCE = 0.45  # of a line in the first pass
ALONE_CONFIDENCE = 0.75  # the same, where no other view agrees


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a consensus needs. Chosen with ``benchmarks/reading.py``."""

    confidence: float
    weakest: float
    characters: int


SEVERAL_VIEWS = Thresholds(0.55, 0.4, 2)
ONE_VIEW = Thresholds(0.8, 0.7, 3)
MIRROR_MARGIN = 0.05  # a mirrored rendering that is read more surely by this shows a mirrored picture

LANGUAGES_OF_SCRIPT = {
    "Cyrl": ("rus", "ukr", "bul", "srp", "bel"),
    "Arab": ("ara", "fas", "pus", "urd"),
    "Hebr": ("heb",),
}


@dataclass(frozen=True, slots=True, eq=False)
class _Sight:
    """A proposed line: in which view, where in the video (pixels) and on the object (0..1), and its first reading."""

    view: int
    line: Line
    xyxy: Box
    place: Box
    first: Raw


class TesseractReader:
    """A :class:`roundel.specialists.TextReader`."""

    def __init__(self, engine: Tesseract) -> None:
        self._engine = engine
        scripts = {_script_of_language(language): language for language in reversed(engine.languages)}
        self._first = tuple(language for language in engine.languages if language in scripts.values())

    def read_object(self, views: Sequence[View]) -> tuple[Reading, ...]:
        """What is written on the object that ``views`` show, fused over them."""
        usable = [view for view in views if min(view.crop.shape[:2]) >= LEAST_CROP_PX][:MOST_VIEWS]
        lines = [find_lines(view.crop, LINES_PER_VIEW) for view in usable]
        sights = self._sights(
            [(index, line, *_on_object(view, line)) for index, view in enumerate(usable) for line in lines[index]]
        )
        places = _worthwhile(sights, BOX_TREMBLE)[:PLACES_PER_OBJECT]
        found = self._second_pass(places)
        return tuple(_reading(fused, sights, [view.seconds for view in usable]) for fused, sights in found)

    def read_frame(self, picture: NDArray[np.uint8], seconds: Seconds, scale: float) -> tuple[Reading, ...]:
        """What is written in a frame (h, w, 3, BGR), shown at ``scale`` pixels per pixel of the video."""
        height, width = picture.shape[:2]
        sights = self._sights(
            [
                (0, line, _scaled(line.xyxy, 1 / scale), _relative(line.xyxy, (0.0, 0.0, float(width), float(height))))
                for line in find_lines(picture, LINES_PER_FRAME)
            ]
        )
        found = self._second_pass(_worthwhile(sights, 0.0)[:PLACES_PER_FRAME])
        return tuple(_reading(fused, sights, [seconds]) for fused, sights in found)

    def _sights(self, lines: Sequence[tuple[int, Line, Box, Box]]) -> list[_Sight]:
        first = self._engine.read([line.picture for _, line, _, _ in lines], "+".join(self._first))
        return [
            _Sight(view, line, xyxy, place, clean(raw))
            for (view, line, xyxy, place), raw in zip(lines, first, strict=True)
        ]

    def _second_pass(self, places: Sequence[Sequence[_Sight]]) -> list[tuple[Fused, Sequence[_Sight]]]:
        found = []
        for place, consensus in zip(places, self._consensus(places), strict=True):
            if consensus is not None and _believable(consensus):
                found.append((consensus, place))
        return _distinct(found)

    def _consensus(self, places: Sequence[Sequence[_Sight]]) -> list[Fused | None]:
        """The consensus of each place in the language that is surest of it; ``None`` where a mirrored one is surer."""
        best: list[Fused | None] = [None] * len(places)
        mirrored = [0.0] * len(places)
        wanted = [self._languages(place) for place in places]
        for language in self._engine.languages:
            chosen = [index for index in range(len(places)) if language in wanted[index]]
            jobs = [
                (index, sight, number, rendering)
                for index in chosen
                for sight in places[index]
                for number, rendering in enumerate(_renderings(sight.line.picture))
            ]
            raws = self._engine.read([rendering for _, _, _, rendering in jobs], language)
            for index in chosen:
                straight: list[Look] = []
                turned: list[Look] = []
                for (owner, sight, number, _), raw in zip(jobs, raws, strict=True):
                    if owner == index:
                        (turned if number == 0 else straight).append(Look(sight.view, sight.place, language, raw))
                one, other = fuse(straight), fuse(turned)
                before = best[index]
                if one is not None and (before is None or one.confidence > before.confidence):
                    best[index] = one
                mirrored[index] = max(
                    mirrored[index], other.confidence if other and may_be_writing(other.text) else 0.0
                )
        return [
            item if item is not None and item.confidence >= turned - MIRROR_MARGIN else None
            for item, turned in zip(best, mirrored, strict=True)
        ]

    def _languages(self, place: Sequence[_Sight]) -> set[str]:
        """In which of its languages a place is read again: those of the scripts it was first read in."""
        present = self._engine.languages
        wanted: set[str] = set()
        for sight in place:
            script = script_of(sight.first.text)
            script = script if script in LANGUAGES_OF_SCRIPT else "Latn"
            wanted |= {item for item in present if _script_of_language(item) == script}
        return wanted or {present[0]}


def _script_of_language(language: str) -> str:
    found = (script for script, languages in LANGUAGES_OF_SCRIPT.items() if language in languages)
    return next(found, "Latn")


def _renderings(picture: Grey) -> list[Grey]:
    """The line mirrored, then as it is, smaller and blurred."""
    small = cv2.resize(picture, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(picture, (0, 0), 1.5)
    return [np.ascontiguousarray(picture[:, ::-1]), picture, np.asarray(small, np.uint8), np.asarray(blurred, np.uint8)]


def _worthwhile(sights: Sequence[_Sight], slack: float) -> list[list[_Sight]]:
    """The places that deserve a second look, the surest first; each with all lines that were proposed there."""
    scored = []
    for number, place in enumerate(group([(sight.place, sight) for sight in sights], slack)):
        sure = [
            sight for sight in place if may_be_writing(sight.first.text) and sight.first.confidence >= FIRST_CONFIDENCE
        ]
        top = max((sight.first.confidence for sight in sure), default=0.0)
        agree = any(
            one.view != other.view and distance(one.first.text, other.first.text) <= max(1, len(one.first.text) // 3)
            for one in sure
            for other in sure
        )
        if agree or top >= ALONE_CONFIDENCE:
            scored.append((-sum(sight.first.confidence for sight in sure), number, place))
    return [place for _, _, place in sorted(scored, key=lambda item: item[:2])]


def _believable(fused: Fused) -> bool:
    needed = SEVERAL_VIEWS if len(fused.support) >= 2 else ONE_VIEW
    marks = sum(letter.isalnum() for letter in fused.text)
    return (
        may_be_writing(fused.text)
        and marks >= needed.characters
        and fused.confidence >= needed.confidence
        and fused.weakest >= needed.weakest
    )


def _distinct(found: list[tuple[Fused, Sequence[_Sight]]]) -> list[tuple[Fused, Sequence[_Sight]]]:
    """Of equal texts the surest one: a line may be proposed in parts."""
    kept: list[tuple[Fused, Sequence[_Sight]]] = []
    for item in sorted(found, key=lambda item: (-item[0].confidence, item[0].text)):
        if all(item[0].text not in other[0].text for other in kept):
            kept.append(item)
    return kept


def _reading(fused: Fused, place: Sequence[_Sight], seconds: Sequence[Seconds]) -> Reading:
    shown = [sight for sight in place if sight.view in fused.support] or list(place)
    best = max(shown, key=lambda sight: (sight.first.text == fused.text, sight.first.confidence, -sight.view))
    return Reading(
        text=fused.text,
        script=script_of(fused.text),
        confidence=fused.confidence,
        alternatives=tuple(choices[:MOST_ALTERNATIVES] for choices in fused.characters),
        views=len(fused.support),
        seconds=seconds[best.view],
        xyxy=best.xyxy,
        serial_like=is_serial_like(fused.text),
    )


def _on_object(view: View, line: Line) -> tuple[Box, Box]:
    """A line's box in pixels of the video, and relative to the object's box."""
    left, top, right, bottom = view.crop_xyxy
    height, width = view.crop.shape[:2]
    scale_x, scale_y = (right - left) / width, (bottom - top) / height
    x1, y1, x2, y2 = line.xyxy
    box = (left + x1 * scale_x, top + y1 * scale_y, left + x2 * scale_x, top + y2 * scale_y)
    return _rounded(box), _relative(box, view.xyxy)


def _scaled(box: Box, scale: float) -> Box:
    x1, y1, x2, y2 = box
    return _rounded((x1 * scale, y1 * scale, x2 * scale, y2 * scale))


def _rounded(box: Box) -> Box:
    x1, y1, x2, y2 = (round(value, 1) for value in box)
    return x1, y1, x2, y2


def _relative(box: Box, frame: Box) -> Box:
    width, height = max(1e-6, frame[2] - frame[0]), max(1e-6, frame[3] - frame[1])
    return (
        (box[0] - frame[0]) / width,
        (box[1] - frame[1]) / height,
        (box[2] - frame[0]) / width,
        (box[3] - frame[1]) / height,
    )
