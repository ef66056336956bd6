"""The index of a case, ``CASE/index.sqlite``: what all packages hold, for questions over many videos.

The packages are the truth; the index is made from them and can be made again. It is brought up to date in one
transaction with SQLite's rollback journal, which, other than its write-ahead log, needs no shared memory. One writer at
a time: :func:`refresh` holds a lock.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from roundel import case as cases
from roundel import custody, package
from roundel.disk import locked
from roundel.errors import RoundelError
from roundel.index import written
from roundel.index.written import NAME, container_words, named
from roundel.record import Analysis, ReadingRecord

__all__ = ["NAME", "Refreshed", "container_words", "lines", "named", "opened", "received", "refresh"]

VERSION = 2
LOCK = f".{cases.INDEX}.lock"


@dataclass(frozen=True, slots=True)
class Refreshed:
    """How many packages the index holds, and how many of them were taken up or dropped now."""

    packages: int
    added: int
    removed: int


class _OtherVersionError(Exception):
    pass


REMADE = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
"""Errors that say something about an index and nothing about its disk."""


def refresh(case: Path, damaged: Collection[str | None] = ()) -> Refreshed:
    """Bring the index up to date: it holds the packages that the custody log mentions and that agree with it.

    An index that is damaged or of another version is made anew.

    Args:
        case: the case.
        damaged: places of packages that are not as they were written; they are left out.

    Raises:
        UsageError: if somebody else writes the index.
        IntegrityError: if the custody log cannot be read.
        RoundelError: if the index cannot be written.
    """
    busy = f"{case / cases.INDEX}: is being written by another run; wait for it"
    with locked(case / LOCK, busy):
        try:
            try:
                return _refresh(case, damaged)
            except (sqlite3.DatabaseError, _OtherVersionError) as error:
                if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", None) not in REMADE:
                    raise
                for ending in ("", "-journal", "-wal", "-shm"):
                    (case / f"{cases.INDEX}{ending}").unlink(missing_ok=True)
                return _refresh(case, damaged)
        except sqlite3.Error as error:
            raise RoundelError(
                f"{case / cases.INDEX}: cannot be written: {error}; make room or give access, and merge again"
            ) from error


@contextlib.contextmanager
def opened(case: Path) -> Iterator[sqlite3.Connection]:
    """A connection to the index, made if it is missing; committed at the end, rolled back after an error."""
    connection = sqlite3.connect(case / cases.INDEX, timeout=30, isolation_level=None)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")  # the case may come from a stranger
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
    finally:
        connection.close()


def _refresh(case: Path, damaged: Collection[str | None]) -> Refreshed:
    with opened(case) as index:
        _prepare(index)
        known = dict(index.execute("SELECT package, manifest_sha256 FROM package"))
        noted, names = _from_log(case)
        present = dict(_present(case, known, noted, damaged))
        gone = sorted(known.items() - present.items())
        new = sorted(present.items() - known.items())
        index.executemany("DELETE FROM package WHERE package = ?", [(name,) for name, _ in gone])
        for name, digest in new:
            _add(index, name, digest, package.read_analysis(case / name), package.listed(case / name))
        renamed = _take_names(index, names)
        if written.has_fts5(index) and (gone or new or renamed or not written.holds_words(index)):
            written.write(index)
    return Refreshed(len(present), len(new), len(gone))


def _from_log(case: Path) -> tuple[dict[str, object], set[tuple[str, str, str]]]:
    """What the custody log says: the manifest of each package, and under which name each video was received."""
    manifests: dict[str, object] = {}
    names = set()
    for event in custody.read(case):
        if event.event == cases.ANALYSED:
            manifests[event.subject] = event.details.get("manifest_sha256")
        elif event.event == "received":
            texts = (event.subject, str(event.details.get("name", "")), str(event.details.get("path", "")))
            video, name, path = (text.encode("utf-8", "backslashreplace").decode() for text in texts)
            names.add((video, name, path))
    return manifests, names


def _present(
    case: Path, known: Mapping[str, str], noted: Mapping[str, object], damaged: Collection[str | None]
) -> Iterator[tuple[str, str]]:
    """The packages that belong into the index, each with the hash of its manifest."""
    for folder in cases.packages(case):
        name = folder.relative_to(case).as_posix()
        if name not in noted or name in damaged or not (folder / package.MANIFEST).is_file():
            continue
        digest = package.manifest_sha256(folder)
        if digest == noted[name] and (known.get(name) == digest or package.agrees(folder, package.ANALYSIS)):
            yield name, digest


def _prepare(index: sqlite3.Connection) -> None:
    """Make the tables if there are none."""
    (version,) = index.execute("PRAGMA user_version").fetchone()
    if version == VERSION:
        return
    if index.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise _OtherVersionError
    for statement in _statements((Path(__file__).parent / "schema.sql").read_text(encoding="utf-8")):
        index.execute(statement)
    index.execute(f"PRAGMA user_version = {VERSION}")


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one: ``executescript`` would end the transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _add(index: sqlite3.Connection, name: str, digest: str, analysis: Analysis, listed: dict[str, str]) -> None:
    media, coverage, made = analysis.media, analysis.coverage, analysis.provenance
    index.execute(
        "INSERT INTO package VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            name,
            analysis.video.sha256,
            digest,
            analysis.failure.message if analysis.failure else None,
            media.width if media else None,
            media.height if media else None,
            coverage.decoded_seconds if coverage else None,
            sum(to - since for since, to in coverage.missing_seconds) if coverage else None,
            coverage.analysed_frames if coverage else None,
            str(made.get("tool_version")),
            str(made.get("weights_name")),
            str(made.get("config_sha256")),
            container_words(analysis),
        ),
    )
    index.executemany(
        "INSERT INTO count VALUES (?, ?, ?, ?, ?)",
        [(name, node, count.lower, count.estimate, count.upper) for node, count in analysis.counts.items()],
    )
    index.executemany(
        "INSERT INTO sighting VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                name,
                track.id,
                track.shot,
                track.class_,
                track.score,
                track.start_seconds,
                track.end_seconds,
                track.exemplars[0] if track.exemplars else None,
            )
            for track in analysis.tracks
        ],
    )
    index.executemany(
        "INSERT OR IGNORE INTO exemplar VALUES (?, ?, ?, ?, ?)",
        [
            (name, view.file, track.id, view.seconds, listed[view.file])
            for track in analysis.tracks
            for view in track.views
            if view.file in listed and package.EXHIBIT_NAME.fullmatch(view.file)
        ],
    )
    index.executemany(
        "INSERT INTO reading VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                name,
                number,
                track,
                reading.seconds,
                reading.text,
                reading.confidence,
                written.alternative_words(reading),
            )
            for number, (track, reading) in enumerate(lines(analysis))
        ],
    )


def lines(analysis: Analysis) -> list[tuple[str | None, ReadingRecord]]:
    """All that was read, in the order of their numbers in the index: with the track it is on, or ``None``."""
    read: list[tuple[str | None, ReadingRecord]] = [
        (item.id, line) for item in analysis.tracks for line in item.readings
    ]
    return [*read, *((None, caption) for caption in analysis.captions)]


def received(case: Path) -> set[tuple[str, str, str]]:
    """Hash, name and path of each video that the custody log has noted as received, as text that SQLite can keep."""
    return _from_log(case)[1]


def _take_names(index: sqlite3.Connection, names: set[tuple[str, str, str]]) -> bool:
    """Bring the names up to date; whether any has changed."""
    if names == set(index.execute("SELECT video, name, path FROM name")):
        return False
    index.execute("DELETE FROM name")
    index.executemany("INSERT INTO name VALUES (?, ?, ?)", sorted(names))
    return True
