"""Where things were found: packages opened only if they are as they were written, and the index held against them.

The index and the vectors say where to look; what is told comes from the packages and the custody log.
"""

from __future__ import annotations

import contextlib
import shlex
import sqlite3
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from roundel import case as cases
from roundel import index, package
from roundel.errors import IntegrityError, UsageError
from roundel.record import ReadingRecord, TrackRecord
from roundel.search.model import Place


@contextlib.contextmanager
def up_to_date(case: Path) -> Iterator[sqlite3.Connection]:
    """A connection to the index of a case, brought up to date.

    Raises:
        UsageError: if the folder is no case, or its index can neither be read nor written.
        IntegrityError: if the custody log or a package cannot be read.
    """
    cases.require(case)
    try:
        index.refresh(case)
        with index.opened(case) as connection:
            yield connection
    except sqlite3.Error as error:
        raise UsageError(
            f"{case / cases.INDEX}: cannot be used: {error}; check that the folder may be written to and that no other "
            "run is at work in it, or copy the case and search the copy"
        ) from error


def left_out(folders: Sequence[Path]) -> list[Path]:
    """The packages that no search looks at: the custody log does not mention them, or they do not agree with it."""
    found: list[Path] = []
    for case in folders:
        with up_to_date(case) as connection:
            held = {name for (name,) in connection.execute("SELECT package FROM package")}
        found += [path for path in cases.packages(case) if path.relative_to(case).as_posix() not in held]
    return found


class Places:
    """The packages of one case that something was found in."""

    def __init__(self, case: Path) -> None:
        self.case = case
        self._known: dict[str, Place] = {}

    def place(self, name: str) -> Place:
        """A package that something was found in.

        Raises:
            IntegrityError: if it is not as it was written: nothing is shown of changed evidence.
        """
        if name not in self._known:
            folder = self.case / name
            if folder not in cases.packages(self.case):
                raise self._disagrees()
            wrong = package.problems(folder)
            noted = cases.logged(self.case).get(name)
            if not wrong and noted is not None and not cases.agrees(folder, noted):
                wrong = [f"{folder / package.MANIFEST}: was changed"]
            if wrong:
                check = f"roundel verify {shlex.quote(str(self.case))}"
                raise IntegrityError(f"{wrong[0]}; nothing is shown of changed evidence: run {check}")
            analysis = package.read_analysis(folder)
            names = {*analysis.video.names, *(name for name, _ in self._received.get(analysis.video.sha256, ()))}
            self._known[name] = Place(self.case, name, analysis, tuple(sorted(names)))
        return self._known[name]

    def track(self, place: Place, name: str, file: str | None = None) -> TrackRecord:
        """A sighting, which has the picture ``file`` if one is given.

        Raises:
            IntegrityError: if the package does not hold it.
        """
        for track in place.analysis.tracks:
            if track.id == name and (file is None or file in [view.file for view in track.views]):
                return track
        raise self._disagrees()

    def line(self, place: Place, number: int, text: str) -> tuple[str | None, ReadingRecord]:
        """A reading by its number in the index, and the track that it is on.

        Raises:
            IntegrityError: if the package holds another.
        """
        lines = index.lines(place.analysis)
        if not 0 <= number < len(lines) or lines[number][1].text != text:
            raise self._disagrees()
        return lines[number]

    def check_words(self, place: Place, kind: str, text: str) -> None:
        """Hold the name or container facts of a file against the custody log or the package.

        Raises:
            IntegrityError: if they say something else.
        """
        known = (
            {index.named(*item) for item in self._received.get(place.analysis.video.sha256, ())}
            if kind == index.NAME
            else {index.container_words(place.analysis)}
        )
        if text not in known:
            raise self._disagrees()

    @cached_property
    def _received(self) -> dict[str, set[tuple[str, str]]]:
        """Name and path under which each video was received, by its hash."""
        found: dict[str, set[tuple[str, str]]] = {}
        for video, *item in index.received(self.case):
            found.setdefault(video, set()).add((item[0], item[1]))
        return found

    def _disagrees(self) -> IntegrityError:
        path = self.case / cases.INDEX
        return IntegrityError(
            f"{path}: does not agree with the packages, so it was changed; delete it and search again"
        )
