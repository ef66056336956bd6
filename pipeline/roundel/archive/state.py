"""Which segments an index is made of: one small file, replaced as a whole, so that an index is never half changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from roundel.archive.segment import Entry
from roundel.disk import locked, replace_text
from roundel.errors import IntegrityError
from roundel.media.identity import sha256_of

STATE: Final = "index.json"
LOCK: Final = ".lock"
FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Part:
    """A segment as the index knows it: its folder's name, size and SHA-256 of each file, and its packages."""

    name: str
    files: dict[str, tuple[int, str]]
    entries: tuple[Entry, ...]

    @property
    def rows(self) -> int:
        """How many hashes it has."""
        return sum(entry.rows for entry in self.entries)


def read_parts(folder: Path) -> tuple[Part, ...]:
    """The segments of an index; none if there is no index yet. Somebody may change it meanwhile.

    Raises:
        IntegrityError: if the index is not whole.
    """
    while True:
        text = _text(folder)
        try:
            return _parts(folder, text)
        except IntegrityError:
            if _text(folder) == text:
                raise


def _text(folder: Path) -> str | None:
    path = folder / STATE
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise IntegrityError(f"{path}: cannot be read: {error}") from error


def _parts(folder: Path, text: str | None) -> tuple[Part, ...]:
    path = folder / STATE
    if text is None:
        if any(folder.glob("[0-9]*")):
            raise IntegrityError(f"{path}: is missing")
        return ()
    try:
        known = json.loads(text)
        if known["format"] != FORMAT:
            raise IntegrityError(f"{path}: is of format {known['format']}, and this version reads {FORMAT}")
        parts = tuple(
            Part(
                str(part["name"]),
                {name: (int(size), str(digest)) for name, (size, digest) in part["files"].items()},
                tuple(Entry(**entry) for entry in part["entries"]),
            )
            for part in known["segments"]
        )
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{path}: cannot be read: {error}") from error
    for part in parts:
        for name, (size, _) in part.files.items():
            file = folder / part.name / name
            if not file.is_file() or file.stat().st_size != size:
                raise IntegrityError(f"{file}: is missing or was cut short")
    return parts


def check(folder: Path, part: Part) -> None:
    """Read the files of a segment and compare their hashes with the ones they had.

    Raises:
        IntegrityError: if one was changed.
    """
    for name, (_, digest) in part.files.items():
        if sha256_of(folder / part.name / name) != digest:
            raise IntegrityError(f"{folder / part.name / name}: was changed")


def write_parts(folder: Path, parts: tuple[Part, ...]) -> None:
    """Make these the segments of the index, at once."""
    segments = [asdict(part) for part in parts]
    text = json.dumps({"format": FORMAT, "segments": segments}, separators=(",", ":"))
    replace_text(folder / STATE, text + "\n")


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Be the only one who changes an index.

    Raises:
        UsageError: if somebody else does.
    """
    folder.mkdir(exist_ok=True)
    with locked(folder / LOCK, f"{folder}: another run renews this index; wait for it to end and run again"):
        yield
