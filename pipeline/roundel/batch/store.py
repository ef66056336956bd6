"""Where results go: the folder of a case, or an address that fsspec understands, such as a bucket.

The layout is the same in both: ``videos/<sha256>/<analysis>/`` are the packages. A package counts once its manifest is
there, which is written last; the outcome that names it comes after that.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from roundel import case as cases
from roundel import package
from roundel.batch.plan import Plan
from roundel.batch.sources import file_system, is_address
from roundel.disk import locked, read_bounded, replace_text, scratch
from roundel.errors import IntegrityError, RoundelError, TakenError, UsageError
from roundel.media.identity import sha256_of

OUTCOMES = "outcomes"
READ_AT_ONCE = 32
"""Small objects that are read from a bucket at the same time."""
READ_WAITING = 1024
TURNS = 3
"""Attempts to put a package into a bucket while somebody else does the same."""
MOST_BYTES = 1 << 20
"""The most that a small file has."""


class TargetError(RoundelError):
    """Results cannot be kept: the disk is full, the target is read-only or away. Every further item would fail too."""


def no_room(error: OSError, place: str) -> TargetError:
    """What is said when a disk takes nothing."""
    return TargetError(
        f"{error.filename or place}: {error.strerror or error}; what is finished stays. "
        "Make room or give access, then the same command goes on"
    )


@contextmanager
def reaching(place: str) -> Iterator[None]:
    """Says of what the system refuses that results cannot be kept."""
    try:
        yield
    except OSError as error:
        raise no_room(error, place) from error


class Store(Protocol):
    """A place for packages and outcomes."""

    address: str

    def workplace(self) -> AbstractContextManager[Path]:
        """A context that gives the folder below which a package is written."""
        ...

    def keep(self, folder: Path, name: str) -> None:
        """Make a package that was written in the workplace part of the store.

        If somebody else has begun to keep the same under another name, it takes that name in the workplace, too.
        """
        ...

    def bring(self, name: str, place: Path) -> None:
        """Copy a package that is there already into the workplace; nothing if there is none."""
        ...

    def holds(self, name: str, manifest_sha256: str) -> bool:
        """Whether a package is there and agrees with that manifest."""
        ...

    def write(self, name: str, text: str) -> None:
        """Keep a small file, whole or not at all."""
        ...

    def write_first(self, name: str, text: str) -> None:
        """Keep a small file unless somebody else already has."""
        ...

    def read(self, name: str) -> str | None:
        """A small file, or nothing."""
        ...

    def contents(self, prefix: str) -> Iterator[bytes]:
        """The content of all small files below a prefix."""
        ...


class LocalStore:
    """Packages go straight into a case; outcomes into the folder of the plan."""

    def __init__(self, plan: Plan) -> None:
        self.address, self._case, self._plan = plan.target, Path(plan.target), plan.folder

    @contextmanager
    def workplace(self) -> Iterator[Path]:
        """The case itself."""
        yield self._case

    def keep(self, folder: Path, name: str) -> None:
        """Nothing to do: it was renamed into its place."""

    def bring(self, name: str, place: Path) -> None:
        """Nothing to do: the case is the workplace."""

    def holds(self, name: str, manifest_sha256: str) -> bool:
        """Reads every byte of the package."""
        folder = self._case / name
        if not folder.is_dir() or package.problems(folder):
            return False
        return sha256_of(folder / package.MANIFEST) == manifest_sha256

    def write(self, name: str, text: str) -> None:
        """Written beside its place, flushed and renamed."""
        with reaching(self.address):
            replace_text(self._plan / name, text)

    def write_first(self, name: str, text: str) -> None:
        """One after the other, under a lock."""
        with reaching(self.address):
            self._plan.mkdir(parents=True, exist_ok=True)
            with locked(self._plan / f".{name}.lock", waits=True):
                if not (self._plan / name).exists():
                    replace_text(self._plan / name, text)

    def read(self, name: str) -> str | None:
        """The text of a file of the plan's folder."""
        try:
            return read_bounded(self._plan / name, MOST_BYTES, follow=False).decode("utf-8", "replace")
        except FileNotFoundError:
            return None

    def contents(self, prefix: str) -> Iterator[bytes]:
        """The files below a folder of the plan, without what Roundel does not write: links, pipes, gigabytes."""
        for path in sorted((self._plan / prefix).rglob("*.json")):
            if not path.name.startswith("."):
                with suppress(OSError):
                    yield read_bounded(path, MOST_BYTES, follow=False)


class RemoteStore:
    """Everything at an address; outcomes below ``batch/<plan>/``. Nothing is ever replaced by something else."""

    def __init__(self, plan: Plan) -> None:
        self.address = plan.target.rstrip("/")
        self._files, root = file_system(self.address)
        self._root, self._state = root.rstrip("/"), f"{root.rstrip('/')}/batch/{plan.id}"

    @contextmanager
    def workplace(self) -> Iterator[Path]:
        """A temporary folder on this machine."""
        with scratch("batch") as folder:
            yield folder

    def keep(self, folder: Path, name: str) -> None:
        """Upload the files of a package: its facts first, its manifest when all others are there.

        The facts alone differ between two names of the same bytes. Whoever brings them first decides on the name, and
        everybody after that completes the same package, whoever of them ends on the way.

        Raises:
            TakenError: if a different package has its place.
            TargetError: if the upload fails.
        """
        for _ in range(TURNS):
            if self._is_kept(folder, f"{self._root}/{name}"):
                return
        raise TakenError(f"{self.address}/{name}: holds another package; move it away and run again")

    def _is_kept(self, folder: Path, place: str) -> bool:
        """One attempt; it fails if somebody else has another package there, or puts other facts there meanwhile."""
        facts, manifest = f"{place}/{package.ANALYSIS}", f"{place}/{package.MANIFEST}"
        mine = (folder / package.ANALYSIS).read_bytes()
        present = self._bytes(manifest)
        theirs = self._first(facts, mine) if present is None else self._bytes(facts) or mine
        if theirs != mine and not package.take_facts(folder, theirs) and present is not None:
            return False  # of an unfinished one they are replaced: they are broken, or a machine computes otherwise
        whole = (folder / package.MANIFEST).read_bytes()
        if present not in {None, whole}:
            return False
        for inner, path in package.files(folder):
            self._put(f"{place}/{inner}", path.read_bytes())
        if self._bytes(facts) != (folder / package.ANALYSIS).read_bytes():
            return False
        self._put(manifest, whole)
        return True

    def bring(self, name: str, place: Path) -> None:
        """Take a complete package as it is; one that lacks files is made again and completed.

        Raises:
            RoundelError: if it is not as it was written.
        """
        manifest = self._bytes(f"{self._root}/{name}/{package.MANIFEST}")
        if manifest is None or not self._is_complete(name, manifest):
            return
        try:
            self.fetch(name, place)
        except IntegrityError as error:
            raise RoundelError(f"{error}, or holds another package; move it away and run again") from error

    def holds(self, name: str, manifest_sha256: str) -> bool:
        """Whether all files that the manifest names are there; ``fetch`` checks every byte."""
        manifest = self._bytes(f"{self._root}/{name}/{package.MANIFEST}")
        if manifest is None or f"sha256:{hashlib.sha256(manifest).hexdigest()}" != manifest_sha256:
            return False
        return self._is_complete(name, manifest)

    def _is_complete(self, name: str, manifest: bytes) -> bool:
        named = {line.partition("  ")[2] for line in manifest.decode("utf-8", "replace").splitlines()}
        return named <= self._names(name)

    def fetch(self, name: str, case: Path) -> None:
        """Copy a package into a case, checked and put in place at once.

        Raises:
            IntegrityError: if it is not whole.
            TargetError: if it cannot be reached.
        """
        target = case / name
        partial = target.parent / f"{package.PARTIAL}{target.name}{package.FETCHED}"
        for inner in sorted(self._names(name)):
            place = partial / inner
            if not place.resolve().is_relative_to(partial.resolve()):
                raise IntegrityError(
                    f"{self.address}/{name}: holds a file outside of itself ({inner!r}); nothing was taken"
                )
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(self._bytes(f"{self._root}/{name}/{inner}") or b"")
        if wrong := package.problems(partial):
            shutil.rmtree(partial, ignore_errors=True)  # of a package that is gone there is nothing
            raise IntegrityError(f"{self.address}/{name}: is not as it was written: {wrong[0].rpartition('/')[2]}")
        package.put_in_place(partial, target)

    def write(self, name: str, text: str) -> None:
        """One object."""
        self._put(f"{self._state}/{name}", text.encode())

    def write_first(self, name: str, text: str) -> None:
        """The server decides who was first, if it can (S3: If-None-Match)."""
        self._first(f"{self._state}/{name}", text.encode())

    def _put(self, place: str, content: bytes) -> None:
        try:
            self._files.pipe_file(place, content)
        except Exception as error:  # every file system has errors of its own
            raise self._unreachable(error) from error

    def _first(self, place: str, content: bytes) -> bytes:
        """Put an object there unless there is one; returns what is there.

        Servers say in several ways that there is one, or that somebody else was putting one there.
        """
        try:
            self._files.pipe_file(place, content, mode="create")
        except Exception as error:
            present = self._bytes(place)
            if present is None:
                raise self._unreachable(error) from error
            return present
        return content

    def remove(self, name: str) -> None:
        """One object; nothing if there is none."""
        try:
            self._files.rm_file(f"{self._state}/{name}")
        except FileNotFoundError:
            return
        except Exception as error:
            raise self._unreachable(error) from error

    def read(self, name: str) -> str | None:
        """One object, or nothing."""
        found = self._bytes(f"{self._state}/{name}")
        return None if found is None else found.decode("utf-8", "replace")

    def contents(self, prefix: str) -> Iterator[bytes]:
        """All objects below a prefix."""
        try:
            self._files.invalidate_cache()
            places = sorted(self._files.find(f"{self._state}/{prefix}"))
        except FileNotFoundError:
            return
        except Exception as error:
            raise self._unreachable(error) from error
        with ThreadPoolExecutor(READ_AT_ONCE) as threads:
            for since in range(0, len(places), READ_WAITING):
                found = threads.map(self._bytes, places[since : since + READ_WAITING])
                yield from (content for content in found if content is not None)

    def _bytes(self, place: str) -> bytes | None:
        """An object, or nothing. ``place`` is a name, not a pattern, whatever characters are in it."""
        try:
            self._files.invalidate_cache()
            found: bytes = self._files.cat_file(place)
        except FileNotFoundError:
            return None
        except Exception as error:
            raise self._unreachable(error) from error
        return found

    def _names(self, name: str) -> set[str]:
        try:
            self._files.invalidate_cache()
            places = self._files.find(f"{self._root}/{name}")
        except FileNotFoundError:
            return set()
        except Exception as error:
            raise self._unreachable(error) from error
        return {place.partition(f"{name}/")[2] for place in places} - {""}

    def _unreachable(self, error: Exception) -> TargetError:
        return TargetError(
            f"{self.address}: cannot be reached: {str(error) or type(error).__name__}; what is finished stays. "
            "Check the address and the credentials in the environment; the same command goes on"
        )


def open_store(plan: Plan) -> LocalStore | RemoteStore:
    """The store of a plan's target."""
    return RemoteStore(plan) if is_address(plan.target) else LocalStore(plan)


def require_case(plan: Plan) -> None:
    """Make the case of a local target.

    Raises:
        UsageError: if its folder is something else, or gone with results that are on record.
    """
    if is_address(plan.target):
        return
    case = Path(plan.target)
    if (plan.folder / OUTCOMES).exists() and not cases.is_case(case):
        raise UsageError(f"{case}: the case of this plan is gone with its results; move it back, or make a new plan")
    cases.create(case, plan.config)
