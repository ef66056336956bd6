"""What the report says of footage that a video shares with others, as the case keeps it from ``roundel match``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from roundel import case as cases
from roundel import package, words
from roundel.record import Analysis, AttestedDate, FootageMatch, MatchedVideo
from roundel.recycled.dates import direction, named
from roundel.recycled.find import Found
from roundel.recycled.keep import Kept, kept, pictures_of
from roundel.report.findings import label, node
from roundel.report.shown_again import SamePair, SharedView
from roundel.report.two_videos import Hidden, dates_said, two_videos

MOST = 6  # matches of one video that get pictures
PAGE = 24
MOST_LINES = 40


@dataclass(frozen=True, slots=True)
class Known:
    """A package of the case that the report shows: the id of its part of the page, and what its video is called."""

    anchor: str
    name: str
    analysis: Analysis


@dataclass(frozen=True, slots=True)
class Told:
    """A match with pictures, and what dates say of the two videos."""

    view: SharedView
    dates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pointer:
    """A match in a line; ``anchor`` is where its pictures are, empty if the page has none."""

    text: str
    anchor: str


@dataclass(slots=True)
class Elsewhere:
    """What a video shares with others. Pictures stand with the video that was looked for, a line with the other."""

    told: list[Told] = field(default_factory=list)
    lines: list[Pointer] = field(default_factory=list)
    left_out: int = 0

    @property
    def total(self) -> int:
        """How many matches there are."""
        return len(self.told) + len(self.lines) + self.left_out

    def add_line(self, pointer: Pointer) -> None:
        """Add a line, or count it if there are many."""
        if len(self.lines) < MOST_LINES:
            self.lines.append(pointer)
        else:
            self.left_out += 1


def of_case(case: Path, known: Mapping[str, Known]) -> Mapping[str, Elsewhere]:
    """What each package's video shares with others, by the place of the package.

    Args:
        case: the folder of the case.
        known: what the page shows, by the place of the package in the case.

    Raises:
        IntegrityError: if a match, a file of dates or the boxes of people are not as they were written.
    """
    found: dict[str, Elsewhere] = defaultdict(Elsewhere)
    dates = [item for file in cases.read_dates(case) for item in file.dates]
    ours = [item for item in kept(case) if item.matches.query.package in known]
    shares = max(1, min(MOST, PAGE // max(1, len({item.matches.query.package for item in ours}))))
    for item in sorted(ours, key=lambda one: (known[one.matches.query.package].anchor, named(one.matches.reference))):
        _tell(case, item, known, dates, found, shares)
    return found


def _tell(
    case: Path,
    item: Kept,
    known: Mapping[str, Known],
    dates: list[AttestedDate],
    found: dict[str, Elsewhere],
    shares: int,
) -> None:
    query, reference = item.matches.query, item.matches.reference
    here, there = found[query.package], _known(case, reference, known)
    other = there.name if there is not None else words.shorten(named(reference), 60)
    names, folder = (known[query.package].name, other), item.folder.relative_to(case).as_posix()
    pair = Found(item.matches, case / query.package, case / reference.package)
    hidden = Hidden(pair, None) if there is not None else None
    pictures = pictures_of(case, pair) if there is not None else {}
    said = tuple(dates_said(direction(query, reference, dates)))
    for match in item.matches.matches:
        anchor = ""
        if len(here.told) < shares:
            anchor = f"{known[query.package].anchor}-e{len(here.told) + 1}"
            shown = hidden.pictures(match, pictures) if hidden is not None else (None, None)
            same = _pairs(match, known[query.package], there)
            placed = match.model_copy(
                update={"overlay": f"{folder}/{match.overlay}", "beside": f"{folder}/{match.beside}"}
            )
            here.told.append(Told(two_videos(placed, names, shown, same, anchor), said))
        else:
            here.add_line(Pointer(f"{_line(match, names)}: {folder}/{match.overlay}", ""))
        if there is not None:
            found[reference.package].add_line(Pointer(_line(match, names), anchor))


def _known(case: Path, reference: MatchedVideo, known: Mapping[str, Known]) -> Known | None:
    """The reference if it is the very package that this page shows, and not one of another case."""
    there = known.get(reference.package)
    if there is None or package.manifest_sha256(case / reference.package) != reference.manifest_sha256:
        return None
    return there


def _line(match: FootageMatch, names: tuple[str, str]) -> str:
    here, there = (words.time_range(*seconds) for seconds in (match.query, match.reference.range))
    return f"{here} of {names[0]} shows what {there} of {names[1]} shows{', mirrored' if match.mirrored else ''}"


def _pairs(match: FootageMatch, here: Known, there: Known | None) -> list[SamePair]:
    """The sightings of what is counted that are one object; of a video of another case only their names are known."""
    ours = _counted(here.analysis)
    theirs = _counted(there.analysis) if there is not None else None
    other = there.name if there is not None else "the other video"
    return [
        SamePair(f"{one} of {here.name}", "", f"{two} of {other}", "", f"labelled {ours[one]}")
        for one, two in match.same_objects
        if one in ours and (theirs is None or two in theirs)
    ]


def _counted(analysis: Analysis) -> dict[str, str]:
    return {
        track.id: label(track.class_) for track in analysis.tracks if node(track.class_).pictures and not track.burnt_in
    }
