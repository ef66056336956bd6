"""Reads the PDQ hashes that Bellingcat's auto-archiver stores with what it has archived.

Its pdq_hash_enricher hashes the images of a post, among them thumbnails of videos, and prints each hash as a whole
number in hexadecimal: leading zeros are lost. It stores no quality. Read are its metadata as JSON, the table of its
csv_db (``status,metadata,media``, cells as Python prints them), and a Google sheet saved as CSV, whose column of
hashes says neither times nor which picture they are of.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, Final

from roundel.errors import UsageError
from roundel.exchange.model import Contribution, Rows, Video
from roundel.exchange.python_text import parse
from roundel.exchange.source import Found, Source
from roundel.words import shorten, visible

MOST_BYTES: Final = 64 * 1024**2
MOST_CELL: Final = 16 * 1024**2
PROPERTY: Final = "pdq_hash"
COLUMNS: Final = ("perceptual hashes", PROPERTY)
"""Names of the column of a sheet: the one that auto-archiver gives it unless told otherwise, and the property's."""
_DIGITS: Final = 64
_HEX = re.compile(rf"[0-9a-fA-F]{{1,{_DIGITS}}}")
_MOST_ONES: Final = 128
_TIME = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,9})?)s?")
_SHA256 = re.compile(r"SHA-?256:([0-9a-f]{64})", re.IGNORECASE)


def read_auto_archiver(source: Source) -> Contribution:
    """The fingerprints of a file of auto-archiver's, one video for each medium with hashes.

    Raises:
        UsageError: if it is no such file.
        FileProblemsError: naming the lines with what cannot be a hash.
    """
    if len(source.data) > MOST_BYTES or source.is_compressed:
        raise UsageError(
            f"{source.path}: is compressed, or larger than {MOST_BYTES // 1024**2} MiB; unpack it, or split it"
        )
    text = source.data.decode("utf-8-sig", "replace")
    reader = _Media(Found(source.path))
    if text.lstrip().startswith(("{", "[")):
        _read_json(text, source, reader)
    else:
        _read_table(text, source, reader)
    reader.found.stop_if_any()
    if not reader.videos:
        raise UsageError(
            f"{source.path}: holds no {PROPERTY}; turn on pdq_hash_enricher in auto-archiver, after thumbnail_enricher"
        )
    return Contribution("auto-archiver", source.sha256, tuple(reader.videos))


def _read_json(text: str, source: Source, reader: _Media) -> None:
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise UsageError(
            f"{source.path}:{line}: is no JSON ({str(error).splitlines()[0][:100]}); save the metadata again"
        ) from error
    for medium in _media(tree):
        reader.take(medium, lambda value: text.count("\n", 0, max(0, text.find(json.dumps(value)))) + 1)


def _read_table(text: str, source: Source, reader: _Media) -> None:
    before = csv.field_size_limit(MOST_CELL)
    try:
        rows = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = [name.strip().casefold() for name in next(rows, [])]
        column = next((header.index(name) for name in COLUMNS if name in header), None)
        media = header.index("media") if "media" in header else None
        if column is None and media is None:
            raise UsageError(
                f"{source.path}:1: has neither a column media nor one named {' or '.join(COLUMNS)}; give the table of "
                "csv_db, or a sheet with its column of hashes under that name"
            )
        line = rows.line_num
        for row in rows:
            start, line = line + 1, rows.line_num
            if column is not None and column < len(row):
                reader.cell(row[column], start)
            elif media is not None and media < len(row):
                reader.printed(row[media], start)
    except csv.Error as error:
        raise UsageError(f"{source.path}: the table cannot be read ({error}); save it again as CSV") from error
    finally:
        csv.field_size_limit(before)


class _Media:
    """Makes videos of media."""

    def __init__(self, found: Found) -> None:
        self.found = found
        self.videos: list[Video] = []

    def printed(self, cell: str, line: int) -> None:
        """The cell of a row that lists media as Python prints them."""
        if PROPERTY not in cell:
            return
        try:
            tree = parse(cell)
        except ValueError as error:
            self.found.add(line, f"the cell of the media cannot be read ({error}); let csv_db write the row again")
            return
        for medium in _media(tree):
            self.take(medium, lambda _: line)

    def cell(self, cell: str, line: int) -> None:
        """The cell of a sheet: hashes with commas between them."""
        rows = Rows()
        for value in cell.split(","):
            if value.strip():
                self._add(rows, value.strip(), None, line)
        if len(rows):
            self._keep(rows, f"row of line {line}", None)

    def take(self, medium: dict[str, Any], line_of: Any) -> None:  # noqa: ANN401
        """A medium: a video with thumbnails, or a picture."""
        rows = Rows()
        for properties in (medium["properties"], *_inner(medium["properties"])):
            value = properties.get(PROPERTY)
            if value:
                time = properties.get("timestamp")
                self._add(rows, value, time, line_of(value))
        if len(rows):
            name = medium.get("_key") or medium.get("key") or medium.get("filename")
            self._keep(rows, _name(name) or f"medium {len(self.videos) + 1}", medium["properties"].get("hash"))

    def _add(self, rows: Rows, value: object, time: object, line: int) -> None:
        if not isinstance(value, str) or not _HEX.fullmatch(value):
            self.found.add(
                line,
                f"{shorten(str(value), 80)!r} is no PDQ hash, which has up to {_DIGITS} hexadecimal digits; let "
                "auto-archiver make it again",
            )
            return
        bits = bytes.fromhex(value.zfill(_DIGITS))
        if int.from_bytes(bits).bit_count() > _MOST_ONES:
            self.found.add(
                line,
                f"{value[:16]}… is no PDQ hash: more than half of its bits are one; see what wrote {PROPERTY} there",
            )
            return
        rows.add(_seconds(time), bits, padded=len(value) < _DIGITS)

    def _keep(self, rows: Rows, label: str, digest: object) -> None:
        known = _SHA256.fullmatch(digest) if isinstance(digest, str) else None
        video = replace(rows.video(label), name=label, sha256=f"sha256:{known[1].lower()}" if known else None)
        self.videos.append(video)


def _media(tree: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    """The media in a tree that are not inside another medium."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if isinstance(node.get("properties"), dict):
                yield node
            else:
                waiting += reversed(list(node.values()))
        elif isinstance(node, list):
            waiting += reversed(node)


def _inner(properties: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The properties of the media inside a medium, such as thumbnails."""
    for value in properties.values():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict) and isinstance(item.get("properties"), dict):
                yield item["properties"]


def _seconds(time: object) -> float | None:
    """The time of a thumbnail, which is written so: 12.345s."""
    found = _TIME.fullmatch(time) if isinstance(time, str) else None
    return float(found[1]) if found else None


def _name(value: object) -> str | None:
    return shorten(visible(PurePosixPath(value).name), 200) if isinstance(value, str) else None
