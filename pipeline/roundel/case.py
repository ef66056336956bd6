"""A case: a folder of packages with one configuration and one custody log."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from roundel import custody, notes, package
from roundel.config import Config
from roundel.disk import PARTIAL, locked
from roundel.errors import IntegrityError, UsageError
from roundel.media.identity import sha256_of
from roundel.words import shorten

CONFIG = "roundel.toml"
VIDEOS = "videos"
REPORT = "report"
INDEX = "index.sqlite"
"""Can be made again from the packages, so it is no evidence and is not checked."""
VECTORS = "vectors.sqlite"
"""What the type network makes of each picture of a sighting; can be made again from the packages."""
LOCK = ".lock"
"""Held while packages are made; there only as long as somebody is at work."""
MERGE_LOCK = ".merge.lock"
UNCHECKED = (
    *(name for made in (INDEX, VECTORS) for name in (made, f"{made}-journal", f".{made}.lock")),
    "fingerprints",
    LOCK,
    MERGE_LOCK,
)
"""Files of a case that hold no evidence."""
REPORT_PAGE = "index.html"
ANALYSED = "analysed"
PROTECTIONS = "protections"
"""Key of that event's details: what the decoder was kept from. A fact of the run: packages do not depend on it."""
REPORTED = "reported"
CONFIGURED = "configured"
GALLERY_ADDED = "gallery"
GALLERY_FILE = "gallery/gallery.json"
"""The case's own gallery of types, if it has one."""
ROWS_IMPORTED = "catalogue"
CATALOGUE_ROWS = "catalogue/sipri.csv"
CATALOGUE_NOTICE = "catalogue/NOTICE.md"
"""Deliveries that the user imported into the case, and the terms that they stand under."""
CLAIMS_PAGE = "claims.html"
MATCHED = "matched"
MATCHES = "matches"
"""Folder of what matches of its videos with others were found, a folder for each two packages."""
FILES = (
    (CONFIGURED, CONFIG),
    (GALLERY_ADDED, GALLERY_FILE),
    (ROWS_IMPORTED, CATALOGUE_ROWS),
    (ROWS_IMPORTED, CATALOGUE_NOTICE),
    (REPORTED, f"{REPORT}/{REPORT_PAGE}"),
    (REPORTED, f"{REPORT}/{CLAIMS_PAGE}"),
)
"""Single files of a case, and the event that notes the hash of each."""


def create(case: Path, config: Config) -> None:
    """Make the folder of a case, or take an existing one, and keep the configuration that is used.

    Raises:
        UsageError: if the folder exists and is no case.
        IntegrityError: if it was a case and its custody log is missing or damaged.
    """
    require_free(case)
    if case.is_dir():
        refuse_links(case)
    if (case / custody.FILE).is_file():
        custody.extend(case, [])  # removes what an interrupted run has left unfinished
    noted = [event for event in (custody.read(case) if is_case(case) else ()) if event.event == CONFIGURED]
    path, text = case / CONFIG, config.to_toml().encode()
    details = {"sha256": f"sha256:{hashlib.sha256(text).hexdigest()}", "config_sha256": config.sha256}
    case.mkdir(parents=True, exist_ok=True)
    if not noted or noted[-1].details != details:
        custody.append(case, CONFIGURED, CONFIG, details)
    if not path.is_file() or path.read_bytes() != text:
        path.write_bytes(text)
    (case / VIDEOS).mkdir(exist_ok=True)


def require_free(folder: Path) -> None:
    """Make sure that a folder is a case or may become one.

    Raises:
        UsageError: if it holds something else.
    """
    if folder.exists() and not is_case(folder) and (not folder.is_dir() or any(folder.iterdir())):
        if is_case(folder):  # somebody else has just made it
            return
        raise UsageError(f"{folder}: exists and is no case; give a new or empty folder for the case")


def is_case(folder: Path) -> bool:
    """Whether a folder is a case, also one whose custody log was removed."""
    logs = (folder / custody.FILE, folder / custody.HEAD)
    return any(path.is_file() for path in logs) or any((folder / VIDEOS).glob(f"*/*/{package.MANIFEST}"))


def require(case: Path, *, links: bool = False) -> Path:
    """The folder of an existing case; ``links`` in it are only left to a caller that lists and does not follow them.

    Raises:
        UsageError: if it is none.
        IntegrityError: if there are links in it.
    """
    if not is_case(case):
        raise UsageError(
            f"{case}: is no case (it has no {custody.FILE}); make one with: "
            f"roundel analyze VIDEO --case {shlex.quote(str(case))}"
        )
    if not links:
        refuse_links(case)
    return case


def refuse_links(case: Path) -> None:
    """Refuse a case in which a link takes the place of something: what is read or written there would lie elsewhere.

    Raises:
        IntegrityError: naming the link.
    """
    folders = (VIDEOS, MATCHES, *(folder for _, folder, _, _ in notes.NOTES))
    for path in (*case.iterdir(), *(path for name in folders for path in (case / name).glob("*"))):
        if path.is_symlink():
            raise IntegrityError(
                f"{path}: {notes.A_LINK}; restore it from a copy: what is read or written there would lie elsewhere"
            )


def packages(case: Path) -> list[Path]:
    """The folders of all packages, sorted by video and analysis; none that a link leads to."""
    if (case / VIDEOS).is_symlink():
        return []
    return sorted(
        path
        for path in (case / VIDEOS).glob("*/*")
        if path.is_dir()
        and not path.name.startswith(package.PARTIAL)
        and not path.is_symlink()
        and not path.parent.is_symlink()
    )


def names(case: Path) -> dict[str, list[str]]:
    """All file names under which each video was received in this case, by hash."""
    found: dict[str, set[str]] = {}
    for event in custody.read(case):
        if event.event == "received":
            found.setdefault(event.subject, set()).add(str(event.details.get("name", "")))
    return {sha256: sorted(known) for sha256, known in found.items()}


def problems(case: Path) -> Iterator[str]:
    """Everything in a case that is not as it was written: the log, the packages, the report, and files of no kind."""
    events: list[custody.Event] = []
    whole = True
    try:
        events.extend(custody.read(case))
    except IntegrityError as error:
        yield str(error)
        whole = False
    if whole and not events:
        yield f"{case / custody.FILE}: holds no event; restore it from a copy"
    latest = {(event.event, event.subject): event for event in events}
    for kind, folders, what in ((ANALYSED, packages(case), "package"), (MATCHED, matches(case), "match")):
        noted = {subject: event for (noted_as, subject), event in latest.items() if noted_as == kind}
        yield from _problems_of_folders(case, noted, folders, what, whole)
    files: list[tuple[str, str]] = []
    for kind, inner, form, _ in notes.NOTES:
        named = {name for noted_as, name in latest if noted_as == kind}
        yield from notes.misnamed(case, named, kind)
        named = {name for name in named if re.fullmatch(f"{inner}/{form}", name)}
        named |= {path.relative_to(case).as_posix() for path in notes.notes_of(case, inner)}
        files += [(kind, name) for name in sorted(named)]
    for kind, name in (*FILES, *files):
        if whole or (kind, name) in latest:
            yield from notes.problems_of(case, name, latest.get((kind, name)))
    yield from _strangers(case)


def _problems_of_folders(
    case: Path, noted: Mapping[str, custody.Event], folders: list[Path], what: str, whole: bool
) -> Iterator[str]:
    """What is wrong with folders that have a manifest, whose hash the log notes."""
    present = {path.relative_to(case).as_posix(): path for path in folders}
    for name in sorted(noted.keys() - present.keys()):
        yield f"{case}/{shorten(name)}: the {what} is missing"
    for name, folder in present.items():
        if name not in noted:
            if whole:
                yield f"{folder}: the custody log does not mention this {what}: it was added, or the log was cut short"
        elif not agrees(folder, noted[name]):
            yield f"{folder / package.MANIFEST}: was changed"
        yield from package.problems(folder)


def note_gallery(case: Path, file: Path, details: dict[str, object]) -> None:
    """Note in the custody log that the case's gallery was added to."""
    custody.append(case, GALLERY_ADDED, GALLERY_FILE, {**details, "sha256": sha256_of(file)})


def note_import(case: Path, details: dict[str, object]) -> None:
    """Note in the custody log that deliveries were imported, and the hashes of both files that hold them."""
    custody.append(case, ROWS_IMPORTED, CATALOGUE_ROWS, {**details, "sha256": sha256_of(case / CATALOGUE_ROWS)})
    custody.append(case, ROWS_IMPORTED, CATALOGUE_NOTICE, {"sha256": sha256_of(case / CATALOGUE_NOTICE)})


def matches(case: Path) -> list[Path]:
    """The folders of all matches, sorted; none that a link leads to."""
    folder = case / MATCHES
    if folder.is_symlink():
        return []
    return sorted(
        path
        for path in folder.glob("*")
        if path.is_dir() and not path.name.startswith(package.PARTIAL) and not path.is_symlink()
    )


def imported_rows(case: Path) -> tuple[Path, ...]:
    """The files of deliveries that were imported into a case.

    Raises:
        IntegrityError: if one is not as it was written.
    """
    path = case / CATALOGUE_ROWS
    noted = {(event.event, event.subject): event for event in custody.read(case)}
    wrong = list(notes.problems_of(case, CATALOGUE_ROWS, noted.get((ROWS_IMPORTED, CATALOGUE_ROWS))))
    if wrong:
        raise IntegrityError(f"{wrong[0]}; run roundel verify {shlex.quote(str(case))}, and restore it from a copy")
    return (path,) if path.is_file() else ()


def logged(case: Path) -> dict[str, custody.Event]:
    """The latest event of each package that the custody log notes, by its place in the case."""
    return {event.subject: event for event in custody.read(case) if event.event == ANALYSED}


def agrees(folder: Path, event: custody.Event) -> bool:
    """Whether a package's manifest is the one that the log notes; a missing one, or a link, is another problem."""
    manifest = folder / package.MANIFEST
    return (
        not manifest.is_file() or manifest.is_symlink() or sha256_of(manifest) == event.details.get("manifest_sha256")
    )


def _strangers(case: Path) -> Iterator[str]:
    made = (VIDEOS, MATCHES, *(inner for _, inner, _, _ in notes.NOTES))
    known = {custody.FILE, custody.HEAD, *made, *UNCHECKED, *(name.partition("/")[0] for _, name in FILES)}
    for path in sorted(case.rglob("*")):
        if path.is_symlink():
            yield f"{path}: {notes.A_LINK}"
    for path in sorted(case.iterdir()):
        if path.name.startswith(f".{custody.HEAD}{PARTIAL}"):
            yield f"{path}: a run is at work or was interrupted; the next one removes it"
        elif path.name not in known:
            yield f"{path}: was added"
    files = {case / name for _, name in FILES if "/" in name}
    for folder in sorted({path.parent for path in files}):
        yield from (f"{path}: was added" for path in sorted(folder.glob("*")) if path not in files)
    yield from (f"{path}: was added" for path in sorted((case / VIDEOS).glob("*")) if not path.is_dir())
    for pattern, run in ((f"{VIDEOS}/*/*", "analyze"), (f"{MATCHES}/*", "match")):
        for path in sorted(case.glob(pattern)):
            if path.name.startswith(package.PARTIAL):
                yield f"{path}: a run is at work or was interrupted; the next roundel {run} removes what is left over"
            elif not path.is_dir():
                yield f"{path}: was added"
    for _, inner, form, _ in notes.NOTES:
        others = (path for path in sorted((case / inner).glob("*")) if not re.fullmatch(form, path.name))
        yield from (f"{path}: was added" for path in others)


@contextmanager
def at_work(case: Path, shared: bool = False) -> Iterator[None]:
    """Hold a case while packages are made in it.

    ``shared`` is for the parts of a batch, which work beside each other.

    Raises:
        UsageError: if another run holds it.
    """
    busy = f"{case}: another run is at work in this case; wait for it to end, or stop it and run again"
    with locked(case / LOCK, busy, shared):
        yield
