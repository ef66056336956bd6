"""Where the videos of a plan come from: paths, folders, lists, CSV files and addresses that fsspec understands."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import fsspec
from fsspec.archive import AbstractArchiveFileSystem

from roundel import job
from roundel.disk import open_regular, scratch
from roundel.errors import MediaError, StallError, UsageError
from roundel.media.identity import identify

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
PATH_COLUMNS = ("path", "file", "url", "source")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*(::.*)?://", re.IGNORECASE | re.DOTALL)
_JOINED = re.compile(r"[a-z0-9+.-]+::|.*::[a-z0-9+.-]+://", re.IGNORECASE | re.DOTALL)
_PASSWORD = re.compile(r"[^/]*//[^/@]*:[^/@]*@")
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
    protocol = address.partition("://")[0].lower()
    if _PASSWORD.match(address):
        raise UsageError(
            f"{protocol}://…@{address.rpartition('@')[2]}: holds a password, which would be written into the case; "
            "leave it out and give it through the environment or fsspec's configuration"
        )
    if _JOINED.match(address):
        raise UsageError(f"{address}: addresses joined by :: are not read; unpack the archive and give its folder")
    try:
        kind = fsspec.get_filesystem_class(protocol)
        if issubclass(kind, AbstractArchiveFileSystem):
            raise UsageError(f"{address}: archives are not read; unpack it and give its folder")
        return kind(**kind._get_kwargs_from_urls(address)), kind._strip_protocol(address)
    except UsageError:
        raise
    except ImportError as error:
        hint = ". Install it with: pip install 'roundel[s3]'" if protocol == "s3" else ""
        raise UsageError(f"{address}: {error}{hint}") from error
    except Exception as error:  # every file system has errors of its own
        raise UsageError(f"{address}: cannot be opened: {str(error) or type(error).__name__}") from error


def collect(arguments: Iterable[str]) -> Inputs:
    """Expand paths, folders, ``.txt`` lists, ``.csv`` files and addresses.

    Raises:
        UsageError: if a list, a CSV file or an address cannot be read.
    """
    found: dict[str, Found] = {}
    passed_over: list[str] = []
    for argument in arguments:
        for inputs in _expanded(argument):
            passed_over += inputs.passed_over
            for item in inputs.found:
                found.setdefault(item.source, item)
    return Inputs(tuple(found.values()), tuple(passed_over))


def _expanded(argument: str) -> Iterator[Inputs]:
    """What an argument stands for. Lists name videos, folders and addresses, relative to themselves, but no lists."""
    path = Path(argument)
    if is_address(argument):
        yield _at_address(argument)
        return
    if path.suffix.lower() == ".csv" and not path.is_dir():
        entries = _csv_entries(path)
    elif path.suffix.lower() in job.LIST_SUFFIXES and path.is_file():
        entries = job.read_list(path)
    else:
        yield _at_path(path)
        return
    for entry in entries:
        yield _at_address(entry) if is_address(entry) else _at_path(path.parent / entry)


def _at_path(path: Path) -> Inputs:
    inputs = job.collect([path])
    found = (Found(str(file.absolute()), file.name, _size(file)) for file in inputs.files)
    return Inputs(tuple(found), tuple(map(str, (*inputs.passed_over, *inputs.links))))


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except (OSError, ValueError):  # such as a name that no file can have: the run says what is wrong
        return None


def _csv_entries(path: Path) -> Iterator[str]:
    """The entries of the column that holds paths or addresses."""
    try:
        with io.TextIOWrapper(open_regular(path), encoding="utf-8-sig", newline="") as stream:
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
                    yield entry
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{path}: cannot be read as CSV: {reason}") from error


def _at_address(address: str) -> Inputs:
    files, place = file_system(address)
    try:
        if "*" in place:
            entries = files.glob(place, detail=True)
        elif (info := files.info(place))["type"] == "directory":
            entries = files.find(place, detail=True)
        else:
            return Inputs((_found(files, info),), ())
    except FileNotFoundError as error:
        raise UsageError(f"{address}: does not exist; give a file, a folder or a pattern such as *.mp4") from error
    except Exception as error:  # every file system has errors of its own
        raise UsageError(f"{address}: cannot be listed: {str(error) or type(error).__name__}") from error
    since = len(place.partition("*")[0])
    inside = [
        info
        for _, info in sorted(entries.items())
        if info["type"] == "file" and not any(part.startswith(".") for part in info["name"][since:].split("/"))
    ]
    videos = [Path(info["name"]).suffix.lower() in job.VIDEO_SUFFIXES for info in inside]
    found = (_found(files, info) for info, is_video in zip(inside, videos, strict=True) if is_video)
    passed_over = (str(info["name"]) for info, is_video in zip(inside, videos, strict=True) if not is_video)
    return Inputs(tuple(found), tuple(passed_over))


def _found(files: fsspec.AbstractFileSystem, info: dict[str, Any]) -> Found:
    return Found(files.unstrip_protocol(info["name"]), Path(info["name"]).name, info.get("size"))


@contextmanager
def fetched(source: str, name: str, most_bytes: int) -> Iterator[Path]:
    """A local path to an input: itself, or a copy of what lies at an address, removed afterwards.

    Raises:
        OSError: if there is no room for the copy.
        StallError: if it cannot be fetched.
        MediaError: if it is larger than ``most_bytes``.
    """
    if not is_address(source):
        yield Path(source)
        return
    with scratch("fetch") as folder:
        safe = _UNSAFE.sub("_", name)[-100:]
        copy = Path(folder, safe if safe.strip(".") else "video")
        try:
            files, place = file_system(source)
            with files.open(place, "rb") as stream, copy.open("wb") as kept:
                _copy(source, stream, kept, most_bytes)
        except (MediaError, UsageError):
            raise
        except OSError as error:
            if error.errno in NO_ROOM:
                raise OSError(error.errno, error.strerror, str(folder)) from error
            if not isinstance(error, FileNotFoundError):
                raise StallError(f"{source}: cannot be fetched: {error}") from error
            raise MediaError(f"{source}: does not exist; give a video file") from error
        except Exception as error:  # every file system has errors of its own
            raise StallError(f"{source}: cannot be fetched: {str(error) or type(error).__name__}") from error
        yield copy


def _copy(source: str, stream: IO[bytes], kept: IO[bytes], most_bytes: int) -> None:
    left = most_bytes
    while chunk := stream.read(1024 * 1024):
        left -= len(chunk)
        if left < 0:
            raise MediaError(
                f"{source}: is larger than {most_bytes:,} bytes, the most that is fetched (media.max_bytes)"
            )
        kept.write(chunk)


def sha256_of_source(source: str) -> str:
    """The hash of an input as ``sha256:<64 hex>``, without keeping it.

    Raises:
        MediaError: if it cannot be read.
    """
    if not is_address(source):
        return identify(Path(source)).sha256
    digest = hashlib.sha256()
    try:
        files, place = file_system(source)
        with files.open(place, "rb") as stream:
            while chunk := stream.read(1024 * 1024):
                digest.update(chunk)
    except Exception as error:  # every file system has errors of its own
        raise MediaError(f"{source}: cannot be read: {str(error) or type(error).__name__}") from error
    return f"sha256:{digest.hexdigest()}"
