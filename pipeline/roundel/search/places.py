"""Where things were found: the index brought up to date, and packages opened only if they are as they were written."""

from __future__ import annotations

import contextlib
import shlex
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from roundel import case as cases
from roundel import index, package
from roundel.errors import IntegrityError, UsageError
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


@dataclass
class Places:
    """The packages of one case that something was found in."""

    case: Path
    connection: sqlite3.Connection
    _known: dict[str, Place] = field(default_factory=dict)

    def place(self, name: str) -> Place:
        """A package that something was found in.

        Raises:
            IntegrityError: if it is not as it was written: nothing is shown of changed evidence.
        """
        if name not in self._known:
            folder = self.case / name
            wrong = package.problems(folder)
            noted = cases.logged(self.case).get(name)
            if not wrong and noted is not None and not cases.agrees(folder, noted):
                wrong = [f"{folder / package.MANIFEST}: was changed"]
            if wrong:
                check = f"roundel verify {shlex.quote(str(self.case))}"
                raise IntegrityError(f"{wrong[0]}; nothing is shown of changed evidence: run {check}")
            analysis = package.read_analysis(folder)
            rows = self.connection.execute("SELECT DISTINCT name FROM name WHERE video = ?", (analysis.video.sha256,))
            names = {str(row) for (row,) in rows} | set(analysis.video.names)
            self._known[name] = Place(self.case, name, analysis, tuple(sorted(names)))
        return self._known[name]
