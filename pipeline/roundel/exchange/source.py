"""A stranger's file of fingerprints, read within limits: bytes, lines, and what is wrong with them."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from roundel.claims.files.problems import FileProblemsError, Place, Problem
from roundel.disk import read_bounded
from roundel.errors import UsageError

MOST_FILE_BYTES: Final = 256 * 1024**2
MOST_TEXT_BYTES: Final = 512 * 1024**2
"""Of what a compressed file unfolds to: about eighty hours of footage."""
MOST_PROBLEMS: Final = 20
GZIP: Final = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Source:
    """The bytes of a file and their hash, as ``sha256:<64 hex>``."""

    path: Path
    data: bytes
    sha256: str

    @property
    def is_compressed(self) -> bool:
        """Whether it is a gzip file, whatever its name says."""
        return self.data.startswith(GZIP)

    def lines(self, most_line_bytes: int) -> Iterator[tuple[int, bytes]]:
        """The lines with their numbers, from 1, and with what ends them.

        Raises:
            UsageError: at a line that is too long, after too many bytes, or where the compression is damaged.
        """
        left = MOST_TEXT_BYTES
        number = 0
        with gzip.open(io.BytesIO(self.data)) if self.is_compressed else io.BytesIO(self.data) as stream:
            while True:
                number += 1
                try:
                    line = stream.readline(most_line_bytes + 1)
                except (OSError, EOFError, zlib.error) as error:
                    raise UsageError(
                        f"{self.path}:{number}: the compressed file is damaged or cut short; get it again"
                    ) from error
                if not line:
                    return
                left -= len(line)
                if len(line) > most_line_bytes:
                    raise UsageError(
                        f"{self.path}:{number}: the line is longer than {most_line_bytes:,} bytes, which no line of "
                        "such a file is; get the file again, or name its --format"
                    )
                if left < 0:
                    raise UsageError(
                        f"{self.path}: holds more than {MOST_TEXT_BYTES // 1024**2} MiB of text; ask for it in parts"
                    )
                yield number, line

    def beginning(self, most_bytes: int = 4096) -> bytes:
        """The first bytes of the text; empty if the compression is damaged."""
        if not self.is_compressed:
            return self.data[:most_bytes]
        try:
            with gzip.open(io.BytesIO(self.data)) as stream:
                return stream.read(most_bytes)
        except (OSError, EOFError, zlib.error):
            return b""


def open_source(path: Path, *, follow: bool = True) -> Source:
    """Read a file.

    Raises:
        UsageError: if it cannot be read, is no regular file, or is too large.
    """
    try:
        data = read_bounded(path, MOST_FILE_BYTES, follow=follow)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}; give a file of fingerprints that you may read") from error
    return Source(path, data, f"sha256:{hashlib.sha256(data).hexdigest()}")


class Found:
    """Collects what is wrong in a file; the file is refused as a whole, with the first problems listed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._problems: list[Problem] = []

    def add(self, line: int, text: str, column: int = 1) -> None:
        """Note a problem of a line.

        Raises:
            FileProblemsError: with all of them, if there are so many that reading need not go on.
        """
        self._problems.append(Problem(Place(self._path, line, column), text))
        if len(self._problems) == MOST_PROBLEMS:
            last = Problem(Place(self._path, line, 1), "reading ended here, after many problems; nothing was imported")
            raise FileProblemsError([*self._problems, last])

    def stop_if_any(self) -> None:
        """Refuse the file if something was wrong.

        Raises:
            FileProblemsError: with all problems.
        """
        if self._problems:
            raise FileProblemsError(self._problems)
