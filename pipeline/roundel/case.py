"""A case: a folder of packages with one configuration and one custody log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from roundel import custody, package
from roundel.config import Config
from roundel.errors import IntegrityError, UsageError
from roundel.media.identity import sha256_of

CONFIG = "roundel.toml"
VIDEOS = "videos"
REPORT = "report"
REPORT_PAGE = "index.html"
ANALYSED = "analysed"
REPORTED = "reported"
CONFIGURED = "configured"


def create(case: Path, config: Config) -> None:
    """Make the folder of a case, or take an existing one, and keep the configuration that is used.

    Raises:
        UsageError: if the folder exists and is no case.
    """
    if case.exists() and not is_case(case) and (not case.is_dir() or any(case.iterdir())):
        raise UsageError(f"{case}: exists and is no case; give a new or empty folder to --case")
    (case / VIDEOS).mkdir(parents=True, exist_ok=True)
    text, path = config.to_toml(), case / CONFIG
    if not path.is_file() or path.read_text(encoding="utf-8") != text or not (case / custody.FILE).exists():
        path.write_text(text, encoding="utf-8")
        custody.append(case, CONFIGURED, CONFIG, {"sha256": sha256_of(path), "config_sha256": config.sha256})


def is_case(folder: Path) -> bool:
    """Whether a folder is a case."""
    return (folder / custody.FILE).is_file()


def require(case: Path) -> Path:
    """The folder of an existing case.

    Raises:
        UsageError: if it is none.
    """
    if not is_case(case):
        raise UsageError(
            f"{case}: is no case (it has no {custody.FILE}); make one with: roundel analyze VIDEO --case {case}"
        )
    return case


def packages(case: Path) -> list[Path]:
    """The folders of all packages, sorted by video and analysis."""
    return sorted(
        path for path in (case / VIDEOS).glob("*/*") if path.is_dir() and not path.name.startswith(package.PARTIAL)
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
    try:
        events = list(custody.read(case))
    except IntegrityError as error:
        yield str(error)
        events = []
    latest = {(event.event, event.subject): event for event in events}
    logged = {subject: event for (kind, subject), event in latest.items() if kind == ANALYSED}
    present = {path.relative_to(case).as_posix(): path for path in packages(case)}
    for name in sorted(logged.keys() - present.keys()):
        yield f"{case / name}: the package is missing"
    for name, folder in present.items():
        if name not in logged:
            yield f"{folder}: the custody log does not mention this package: it was added, or the log was cut short"
        elif (folder / package.MANIFEST).is_file() and sha256_of(folder / package.MANIFEST) != logged[name].details[
            "manifest_sha256"
        ]:
            yield f"{folder / package.MANIFEST}: was changed"
        yield from package.problems(folder)
    for kind, name in ((CONFIGURED, CONFIG), (REPORTED, f"{REPORT}/{REPORT_PAGE}")):
        yield from _problems_of(case, name, latest.get((kind, name)))
    yield from _strangers(case)


def _problems_of(case: Path, name: str, event: custody.Event | None) -> Iterator[str]:
    path = case / name
    if event is None:
        if path.exists():
            yield f"{path}: the custody log does not mention this file"
    elif not path.is_file():
        yield f"{path}: is missing"
    elif sha256_of(path) != event.details["sha256"]:
        yield f"{path}: was changed"


def _strangers(case: Path) -> Iterator[str]:
    known = {CONFIG, custody.FILE, VIDEOS, REPORT}
    for path in sorted(case.iterdir()):
        if path.name not in known:
            yield f"{path}: was added"
    for path in sorted((case / REPORT).glob("*")):
        if path.name != REPORT_PAGE:
            yield f"{path}: was added"
    for path in sorted((case / VIDEOS).glob("*")):
        if not path.is_dir():
            yield f"{path}: was added"
    for path in sorted((case / VIDEOS).glob("*/*")):
        if path.name.startswith(package.PARTIAL):
            yield f"{path}: is left over from an interrupted analysis; roundel analyze removes it"
        elif not path.is_dir():
            yield f"{path}: was added"
