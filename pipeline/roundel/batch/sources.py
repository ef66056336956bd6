"""Where the videos of a plan come from: paths, folders, lists, CSV files and addresses that fsspec understands."""

from __future__ import annotations

import csv
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec

from roundel import job
from roundel.errors import MediaError, StallError, UsageError

PATH_COLUMNS = ("path", "file", "url", "source")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*(::|://)", re.IGNORECASE)
_UNSAFE = re.compile(r"[^\w.-]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Found:
    """An input: its absolute path or its address, its file name, and its size if it is known."""

    source: str
    name: str
    size_bytes: int | None


@dataclass(frozen=True, slots=True)
class Inputs:
    """The inputs of a plan, in order and each once, and what was passed over because of its name."""

    found: tuple[Found, ...]
    passed_over: tuple[str, ...]


def is_address(text: str) -> bool:
    """Whether a text is an address such as ``s3://bucket/folder`` and no path.

    >>> is_address("s3://archive/2014"), is_address("clips/a:b.mp4"), is_address("memory://x")
    (True, False, True)
    """
    return _ADDRESS.match(text) is not None


def file_system(address: str) -> tuple[Any, str]:
    """The file system of an address, and the place within it.

    Raises:
        UsageError: if what it needs is not installed, or the address is wrong.
    """
    try:
        found: tuple[Any, str] = fsspec.core.url_to_fs(address)
    except ImportError as error:
        hint = ". Install it with: pip install 'roundel[s3]'" if address.startswith("s3") else ""
        raise UsageError(f"{address}: {error}{hint}") from error
    except (ValueError, OSError) as error:
        raise UsageError(f"{address}: cannot be opened: {error}") from error
    return found


def collect(arguments: Iterable[str]) -> Inputs:
    """Expand paths, folders, ``.txt`` lists, ``.csv`` files and addresses.

    Raises:
        UsageError: if a list, a CSV file or an address cannot be read.
    """
    found: dict[str, Found] = {}
    passed_over: list[str] = []
    for argument in arguments:
        if is_address(argument):
            inputs = _at_address(argument)
        elif argument.lower().endswith(".csv"):
            inputs = collect(_csv_entries(Path(argument)))
        else:
            inputs = _at_path(Path(argument))
        passed_over += inputs.passed_over
        for item in inputs.found:
            found.setdefault(item.source, item)
    return Inputs(tuple(found.values()), tuple(passed_over))


def _at_path(path: Path) -> Inputs:
    inputs = job.collect([path])
    found = (Found(str(file.absolute()), file.name, _size(file)) for file in inputs.files)
    return Inputs(tuple(found), tuple(map(str, (*inputs.passed_over, *inputs.links))))


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _csv_entries(path: Path) -> Iterator[str]:
    """The entries of the column that holds paths or addresses; paths are relative to the CSV file."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream, strict=True)
            names = {str(name).strip().lower(): name for name in rows.fieldnames or ()}
            column = next((names[name] for name in PATH_COLUMNS if name in names), None)
            if column is None:
                raise UsageError(
                    f"{path}: has no column of paths; the first line must name one: {', '.join(PATH_COLUMNS)}"
                )
            for row in rows:
                entry = (row[column] or "").strip()
                if entry:
                    yield entry if is_address(entry) else str(path.parent / entry)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{path}: cannot be read as CSV: {reason}") from error


def _at_address(address: str) -> Inputs:
    files, place = file_system(address)
    try:
        if "*" in place or files.isdir(place):
            entries = files.glob(place, detail=True) if "*" in place else files.find(place, detail=True)
            infos = [info for _, info in sorted(entries.items()) if info["type"] == "file"]
            chosen = [info for info in infos if Path(info["name"]).suffix.lower() in job.VIDEO_SUFFIXES]
            passed_over = [str(info["name"]) for info in infos if info not in chosen]
        else:
            chosen, passed_over = [files.info(place)], []
    except Exception as error:  # every file system has errors of its own
        raise UsageError(f"{address}: cannot be listed: {str(error) or type(error).__name__}") from error
    found = (
        Found(files.unstrip_protocol(info["name"]), Path(info["name"]).name, info.get("size"))
        for info in chosen
        if not Path(info["name"]).name.startswith(".")
    )
    return Inputs(tuple(found), tuple(passed_over))


@contextmanager
def fetched(source: str, name: str, most_bytes: int) -> Iterator[Path]:
    """A local path to an input: itself, or a copy of what lies at an address, removed afterwards.

    Raises:
        StallError: if it cannot be fetched.
        MediaError: if it is larger than ``most_bytes``.
    """
    if not is_address(source):
        yield Path(source)
        return
    with tempfile.TemporaryDirectory(prefix="roundel-fetch-") as scratch:
        copy = Path(scratch, _UNSAFE.sub("_", name)[-100:] or "video")
        try:
            files, place = file_system(source)
            with files.open(place, "rb") as stream, copy.open("wb") as kept:
                _copy(source, stream, kept, most_bytes)
        except (MediaError, UsageError):
            raise
        except FileNotFoundError as error:
            raise MediaError(f"{source}: does not exist; give a video file") from error
        except Exception as error:  # every file system has errors of its own
            raise StallError(f"{source}: cannot be fetched: {str(error) or type(error).__name__}") from error
        yield copy


def _copy(source: str, stream: Any, kept: Any, most_bytes: int) -> None:  # noqa: ANN401
    left = most_bytes
    while chunk := stream.read(1024 * 1024):
        left -= len(chunk)
        if left < 0:
            raise MediaError(f"{source}: is larger than {most_bytes} bytes, the most that is fetched")
        kept.write(chunk)


def sha256_of_source(source: str) -> str:
    """The hash of an input as ``sha256:<64 hex>``, without keeping it.

    Raises:
        MediaError: if it cannot be read.
    """
    import hashlib

    digest = hashlib.sha256()
    try:
        files, place = file_system(source if is_address(source) else f"file://{source}")
        with files.open(place, "rb") as stream:
            while chunk := stream.read(1024 * 1024):
                digest.update(chunk)
    except Exception as error:  # every file system has errors of its own
        raise MediaError(f"{source}: cannot be read: {str(error) or type(error).__name__}") from error
    return f"sha256:{digest.hexdigest()}"


def room_below(folder: Path) -> int:
    """Free bytes on the disk of a folder."""
    return shutil.disk_usage(folder).free
