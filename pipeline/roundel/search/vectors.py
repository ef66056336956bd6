"""The vectors of all pictures of sightings of a case, ``CASE/vectors.sqlite``: made once for each picture and network.

A vector is kept under the hash of the picture's bytes and the name of what made it, so it stays right whatever becomes
of packages and index, and the file may be deleted at any time. Every few pictures are a transaction: an interrupted
search has lost at most those.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roundel import case as cases
from roundel.detect import MOST_CALLS, available_threads
from roundel.disk import locked, read_bounded
from roundel.errors import IntegrityError
from roundel.identify.embed import Embedder
from roundel.identify.photos import MOST_BYTES, shrunk
from roundel.images import decode

AT_ONCE = 64  # pictures in one transaction
VERSION = 1
_TABLE = """
CREATE TABLE vector (
    network TEXT NOT NULL,      -- what made it
    sha256  TEXT NOT NULL,      -- of the picture
    vector  BLOB NOT NULL,      -- float32, little-endian, of length 1
    PRIMARY KEY (network, sha256)
) WITHOUT ROWID
"""

Vector = NDArray[np.float32]
Progress = Callable[[int, int], None]
"""Called with the number of pictures that are done and of all that had to be done."""


@dataclass(frozen=True, slots=True)
class Network:
    """What makes vectors, and its name: other vectors cannot be compared with these."""

    name: str
    embedder: Embedder


@dataclass(frozen=True, slots=True)
class Known:
    """Unit vectors by the hash of the picture. ``made``: how many were made now; ``unreadable``: no picture at all."""

    vectors: Mapping[str, Vector]
    made: int
    unreadable: tuple[Path, ...]


def known(case: Path, wanted: Mapping[str, Path], network: Network, progress: Progress) -> Known:
    """The vectors of pictures, made where they are missing; those of other pictures are forgotten.

    Args:
        case: the case that keeps them.
        wanted: the pictures' files by their hashes.
        network: what makes vectors.
        progress: is told how far it is.

    Raises:
        UsageError: if another search makes vectors for this case.
        IntegrityError: if a picture is not the one that the hash belongs to.
    """
    kept = _read(case, network.name)
    missing = sorted(wanted.keys() - kept.keys())
    stale = kept.keys() - wanted.keys()
    if not missing and not stale:
        return Known(kept, 0, ())
    unreadable: list[Path] = []
    busy = f"{case / cases.VECTORS}: another search makes vectors for this case; wait for it"
    with locked(case / f".{cases.VECTORS}.lock", busy), _opened(case) as store:
        _forget(store, network.name, stale)
        with ThreadPoolExecutor(min(MOST_CALLS, available_threads())) as threads:
            for first in range(0, len(missing), AT_ONCE):
                some = missing[first : first + AT_ONCE]
                made = threads.map(lambda sha256: _make(sha256, wanted[sha256], network.embedder), some)
                found = dict(zip(some, made, strict=True))
                fresh = {sha256: vector for sha256, vector in found.items() if vector is not None}
                _keep(store, network.name, fresh)
                kept.update(fresh)
                unreadable += [wanted[sha256] for sha256 in some if sha256 not in fresh]
                progress(first + len(some), len(missing))
    return Known({key: kept[key] for key in kept.keys() - stale}, len(missing) - len(unreadable), tuple(unreadable))


def _make(sha256: str, path: Path, embedder: Embedder) -> Vector | None:
    """The vector (d,) of a picture; ``None`` if it is none."""
    try:
        content = read_bounded(path, MOST_BYTES, follow=False)
    except OSError as error:
        raise IntegrityError(f"{path}: cannot be read: {error.strerror or error}; run roundel verify") from error
    if f"sha256:{hashlib.sha256(content).hexdigest()}" != sha256:
        raise IntegrityError(f"{path}: was changed; run roundel verify")
    try:
        picture = decode(content)
    except ValueError:
        return None
    return np.asarray(embedder.embed([shrunk(picture)]).vectors[0], np.float32)


@contextlib.contextmanager
def _opened(case: Path) -> Iterator[sqlite3.Connection]:
    """A connection to the vectors; a file that is damaged or of another version is made anew."""
    try:
        store = _connected(case)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        remove(case)
        store = _connected(case)
    try:
        yield store
    finally:
        store.close()


def _connected(case: Path) -> sqlite3.Connection:
    store = sqlite3.connect(case / cases.VECTORS, timeout=30, isolation_level=None)
    try:
        store.execute("PRAGMA trusted_schema = OFF")  # the case may come from a stranger
        if store.execute("PRAGMA user_version").fetchone() != (VERSION,):
            store.execute("BEGIN IMMEDIATE")
            store.execute("DROP TABLE IF EXISTS vector")
            store.execute(_TABLE)
            store.execute(f"PRAGMA user_version = {VERSION}")
            store.execute("COMMIT")
        store.execute("SELECT network, sha256, vector FROM vector LIMIT 1").fetchone()
    except BaseException:
        store.close()
        raise
    return store


def remove(case: Path) -> None:
    """Forget all vectors of a case."""
    for path in (case / cases.VECTORS, case / f"{cases.VECTORS}-journal"):
        path.unlink(missing_ok=True)


def _read(case: Path, network: str) -> dict[str, Vector]:
    """The vectors that are kept; odd ones, and those of a damaged file, count as missing."""
    if not (case / cases.VECTORS).is_file():
        return {}
    with _opened(case) as store:
        rows = store.execute("SELECT sha256, vector FROM vector WHERE network = ?", (network,)).fetchall()
    found = {
        str(sha256): np.frombuffer(numbers, "<f4").astype(np.float32)
        for sha256, numbers in rows
        if isinstance(numbers, bytes) and numbers and len(numbers) % 4 == 0
    }
    return {sha256: vector for sha256, vector in found.items() if abs(float(np.linalg.norm(vector)) - 1) < 1e-3}


def _keep(store: sqlite3.Connection, network: str, vectors: Mapping[str, Vector]) -> None:
    rows = [(network, sha256, vector.astype("<f4").tobytes()) for sha256, vector in vectors.items()]
    store.execute("BEGIN IMMEDIATE")
    store.executemany("INSERT OR REPLACE INTO vector VALUES (?, ?, ?)", rows)
    store.execute("COMMIT")


def _forget(store: sqlite3.Connection, network: str, stale: Iterable[str]) -> None:
    store.execute("BEGIN IMMEDIATE")
    store.executemany("DELETE FROM vector WHERE network = ? AND sha256 = ?", [(network, sha256) for sha256 in stale])
    store.execute("COMMIT")
