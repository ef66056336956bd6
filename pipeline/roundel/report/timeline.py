"""The geometry of the timeline picture: shots, sightings by class, missing ranges and the time axis, in SVG units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from roundel import words
from roundel.types import Seconds, Span

WIDE, NARROW = 960, 330
MOST_BARS = 300
MOST_ROWS = 8
MOST_BANDS = 250
MARGIN = 4.0
SHOTS_TOP, SHOTS_HEIGHT = 18.0, 14.0
LABEL_HEIGHT, ROW_HEIGHT, LANE_GAP, AXIS_HEIGHT = 18.0, 15.0, 8.0, 20.0
SHARED_TITLE = "the same footage"
LABEL_WIDTH = 42.0  # an id at the size of the labels
STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)


@dataclass(frozen=True, slots=True)
class Item:
    """A sighting to draw. ``anchor`` is the id of its card, empty if it has none."""

    label: str
    start_seconds: Seconds
    end_seconds: Seconds
    anchor: str


@dataclass(frozen=True, slots=True)
class Lane:
    """The sightings of one class."""

    title: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Shared:
    """Two ranges that show the same footage. ``anchor`` is the id of what the page says of them, empty if nothing."""

    later: Span
    earlier: Span
    anchor: str


@dataclass(frozen=True, slots=True)
class Scene:
    """What a timeline shows. ``shots`` tile the video; ``blends`` are dissolves and fades; ``gaps`` are missing."""

    start_seconds: Seconds
    end_seconds: Seconds
    shots: tuple[Span, ...]
    blends: tuple[Span, ...]
    gaps: tuple[Span, ...]
    lanes: tuple[Lane, ...]
    repeats: tuple[Shared, ...] = ()


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in SVG units, with a label where there is room for one."""

    x: float
    y: float
    width: float
    height: float
    label: str = ""
    anchor: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class DrawnLane:
    """A lane: its label and either one bar a sighting or, for very many, a profile of how many there are at a time."""

    title: str
    y: float
    bars: tuple[Rect, ...]
    profile: str
    note: str
    kind: str = "sightings"
    """Of its bars: sightings, or ranges that are shared."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the time axis; ``anchor`` is start, middle or end."""

    x: float
    label: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """A drawn timeline of ``width`` × ``height`` units."""

    id: str
    kind: str
    width: int
    height: float
    description: str
    shots_label: str
    shots: tuple[Rect, ...]
    cuts: str
    blends: tuple[Rect, ...]
    gaps: tuple[Rect, ...]
    lanes: tuple[DrawnLane, ...]
    ticks: tuple[Tick, ...]
    floor: float


def draw(scene: Scene, kind: str, name: str) -> Timeline:
    """Lay a scene out. ``kind`` is wide or narrow; ``name`` makes the ids in the page unique."""
    width = WIDE if kind == "wide" else NARROW
    scale = _Scale(scene, width)
    dense = sum(len(lane.items) for lane in scene.lanes) > MOST_BARS
    lanes, y = [], SHOTS_TOP + SHOTS_HEIGHT + LANE_GAP
    for lane in scene.lanes:
        drawn, y = _lane(lane, scale, y, dense)
        lanes.append(drawn)
    if scene.repeats:
        drawn, y = _lane(_shared_lane(scene.repeats), scale, y, dense)
        lanes.append(replace(drawn, title=SHARED_TITLE, kind="shared"))
    many = len(scene.shots) > MOST_BANDS
    return Timeline(
        id=name,
        kind=kind,
        width=width,
        height=y + AXIS_HEIGHT,
        description=describe(scene),
        shots_label=_shots_label(scene),
        shots=() if many else tuple(scale.rect(*span, SHOTS_TOP, SHOTS_HEIGHT) for span in scene.shots),
        cuts=_cuts(scene.shots, scale) if many else "",
        blends=() if many else tuple(scale.rect(*span, SHOTS_TOP, SHOTS_HEIGHT, least=3) for span in scene.blends),
        gaps=_gaps(scene.gaps, scale, y - SHOTS_TOP),
        lanes=tuple(lanes),
        ticks=_ticks(scale, width),
        floor=y,
    )


def _shared_lane(repeats: Sequence[Shared]) -> Lane:
    """Both ranges of each repeat under its number."""
    return Lane(
        SHARED_TITLE,
        tuple(
            Item(f"again {number}", *span, repeat.anchor)
            for number, repeat in enumerate(repeats, start=1)
            for span in (repeat.earlier, repeat.later)
        ),
    )


def _shots_label(scene: Scene) -> str:
    label = f"{len(scene.shots):,} {'shot' if len(scene.shots) == 1 else 'shots'}"
    if not scene.blends:
        return label
    return f"{label}, {len(scene.blends):,} with a dissolve or fade"


def _gaps(gaps: Sequence[Span], scale: _Scale, height: float) -> tuple[Rect, ...]:
    """The missing ranges; those that fall on the same spot are drawn as one."""
    drawn: list[Rect] = []
    for start, end in sorted(gaps):
        rect = scale.rect(start, end, SHOTS_TOP, height, least=1)
        if drawn and rect.x <= drawn[-1].x + drawn[-1].width:
            last = drawn.pop()
            right = max(last.x + last.width, rect.x + rect.width)
            rect = Rect(last.x, SHOTS_TOP, round(right - last.x, 1), height)
        drawn.append(rect)
    return tuple(drawn)


def legend(line: Timeline) -> str:
    """What the marks in a timeline mean."""
    said = ["The bands at the top are shots."]
    if line.cuts:
        said = ["The strokes at the top are the starts of shots."]
    if line.blends:
        said.append("A crossed box on them is a dissolve or fade.")
    if any(lane.bars for lane in line.lanes if lane.kind == "sightings"):
        said.append("Each bar is a sighting" + ("; one of hardware leads to its card." if _linked(line) else "."))
    if any(lane.profile for lane in line.lanes):
        said.append("Where there are very many sightings, the height shows how many there are at a time.")
    if any(lane.bars for lane in line.lanes if lane.kind == "shared"):
        said.append("Outlined bars of one number show the same footage.")
    if line.gaps:
        said.append("Hatched ranges are missing: no picture could be decoded there.")
    return " ".join(said)


def _linked(line: Timeline) -> bool:
    return any(bar.anchor for lane in line.lanes if lane.kind == "sightings" for bar in lane.bars)


def describe(scene: Scene) -> str:
    """The timeline in words, for those who do not see it."""
    parts = [
        f"{len(scene.shots):,} {'shot' if len(scene.shots) == 1 else 'shots'} from {words.clock(scene.start_seconds)}"
        f" to {words.clock(scene.end_seconds)}."
    ]
    for lane in scene.lanes:
        first = min(item.start_seconds for item in lane.items)
        last = max(item.end_seconds for item in lane.items)
        noun = "sighting" if len(lane.items) == 1 else "sightings"
        parts.append(f"{words.capital(lane.title)}: {len(lane.items):,} {noun}, {words.time_range(first, last)}.")
    if not scene.lanes:
        parts.append("No sightings.")
    same = [f"{words.time_range(*item.later)} and {words.time_range(*item.earlier)}" for item in scene.repeats]
    if same:
        parts.append(f"{words.capital(SHARED_TITLE)}: {words.some(same, 6)}.")
    missing = [words.time_range(*gap) for gap in scene.gaps]
    parts.append(f"Missing: {words.some(missing, 6)}." if missing else "No gap in decoding was noticed.")
    return " ".join(parts)


class _Scale:
    """From seconds to SVG units."""

    def __init__(self, scene: Scene, width: int) -> None:
        self.start, self.end = scene.start_seconds, scene.end_seconds
        self.width = width
        self._factor = (width - 2 * MARGIN) / max(self.end - self.start, 1e-6)

    def x(self, seconds: Seconds) -> float:
        inside = min(max(seconds, self.start), self.end)
        return round(MARGIN + (inside - self.start) * self._factor, 1)

    def rect(self, start: Seconds, end: Seconds, y: float, height: float, least: float = 0.5) -> Rect:
        x = self.x(start)
        width = max(self.x(end) - x, least)
        return Rect(round(max(0.0, min(x, self.width - MARGIN - width)), 1), y, round(width, 1), height)


def _lane(lane: Lane, scale: _Scale, y: float, dense: bool) -> tuple[DrawnLane, float]:
    top = y + LABEL_HEIGHT
    items = sorted(lane.items, key=lambda item: (item.start_seconds, item.end_seconds, item.label))
    rows = _rows(items, scale)
    depth = max(rows, default=0) + 1
    title = f"{lane.title} ({len(items):,})"
    if dense or depth > MOST_ROWS:
        path, most = _profile(items, scale, top, 3 * ROW_HEIGHT)
        note = f"up to {most} at a time"
        return DrawnLane(title, y, (), path, note), top + 3 * ROW_HEIGHT + LANE_GAP
    bars = []
    for item, row in zip(items, rows, strict=True):
        rect = scale.rect(item.start_seconds, item.end_seconds, top + row * ROW_HEIGHT, ROW_HEIGHT - 3, least=3)
        label = item.label if rect.width >= LABEL_WIDTH else ""
        title_text = f"{item.label}, {lane.title}, {words.time_range(item.start_seconds, item.end_seconds)}"
        bars.append(Rect(rect.x, rect.y, rect.width, rect.height, label, item.anchor, title_text))
    return DrawnLane(title, y, tuple(bars), "", ""), top + depth * ROW_HEIGHT + LANE_GAP


def _rows(items: Sequence[Item], scale: _Scale) -> list[int]:
    """For each item the first row in which it touches no earlier one."""
    ends: list[float] = []
    rows = []
    for item in items:
        rect = scale.rect(item.start_seconds, item.end_seconds, 0, 0, least=3)
        row = next((index for index, end in enumerate(ends) if end + 1 <= rect.x), len(ends))
        ends[row : row + 1] = [rect.x + rect.width]
        rows.append(row)
    return rows


def _profile(items: Sequence[Item], scale: _Scale, top: float, height: float) -> tuple[str, int]:
    """How many sightings there are in each column of two units, as one path; and the largest number."""
    columns = [0] * (scale.width // 2 + 1)
    for item in items:
        first = int(scale.x(item.start_seconds) // 2)
        for column in range(first, max(first, int(scale.x(item.end_seconds) // 2)) + 1):
            columns[column] += 1
    most = max(columns)
    floor = top + height
    path, level = [f"M0 {floor:g}"], 0
    for column, count in enumerate(columns):
        if count != level:
            path.append(f"H{column * 2}V{round(floor - height * count / most, 1):g}")
            level = count
    return "".join([*path, f"H{scale.width}V{floor:g}Z"]), most


def _cuts(shots: Sequence[Span], scale: _Scale) -> str:
    """The starts of very many shots as one path of strokes, at most one in a unit."""
    places = sorted({round(scale.x(start)) for start, _ in shots})
    return "".join(f"M{place} {SHOTS_TOP:g}v{SHOTS_HEIGHT:g}" for place in places)


def _ticks(scale: _Scale, width: int) -> tuple[Tick, ...]:
    span = scale.end - scale.start
    room = max(3, width // 80)
    step = next((step for step in STEPS if span / step <= room), STEPS[-1])
    first = math.ceil(scale.start / step - 1e-9)
    last = min(math.floor(scale.end / step + 1e-9), first + 4 * room)
    ticks = []
    for index in range(first, last + 1):
        seconds = index * step
        x = scale.x(seconds)
        anchor = "start" if x < 16 else "end" if x > width - 22 else "middle"
        ticks.append(Tick(x, tick_label(seconds, step), anchor))
    return tuple(ticks)


def tick_label(seconds: Seconds, step: float) -> str:
    """The time at a tick, as exact as the step needs.

    >>> tick_label(90, 30), tick_label(0.5, 0.5), tick_label(3600, 900)
    ('1:30', '0:00.5', '1:00:00')
    """
    text = words.clock(seconds)
    return text[:-1] if step < 1 else text[:-3]
