"""Matches in a case: ``matches/<id>/``, whole or absent, each noted in the custody log by the hash of its manifest."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from roundel import case as cases
from roundel import custody, package
from roundel.disk import read_bounded
from roundel.errors import IntegrityError
from roundel.images import decode
from roundel.media.identity import sha256_of
from roundel.record import VideoMatches, matches_json, matches_schema_json, reason
from roundel.recycled.find import Found, Pictures

MATCH = "match.json"
SCHEMA = "match.schema.json"
MOST_BYTES = 64 * 1024**2
PICTURE_NAME = re.compile(r"(overlay|beside)-[0-9]{1,6}\.png")


@dataclass(frozen=True, slots=True)
class Kept:
    """What two videos share, as a case keeps it in ``folder``."""

    folder: Path
    matches: VideoMatches


class Keeper:
    """Keeps matches of the videos of a case; whoever uses it holds the case (:func:`roundel.case.at_work`)."""

    def __init__(self, case: Path) -> None:
        self._case = case
        for folder in (case / cases.MATCHES).glob(f"{package.PARTIAL}*"):
            shutil.rmtree(folder)
        self._noted = _noted(case)

    def known(self, name: str) -> VideoMatches | None:
        """What was found and kept before under an id.

        Raises:
            IntegrityError: if it is not as it was written.
        """
        folder = self._case / cases.MATCHES / name
        event = self._noted.get(folder.relative_to(self._case).as_posix())
        return _read(folder, event) if event is not None and folder.is_dir() else None

    def keep(self, found: Sequence[Found], how: str, reference: Path) -> int:
        """Keep what was found and is not kept yet, and note it; ``how`` says how candidates were found.

        Returns:
            How many were new.
        """
        new = [item for item in found if item.pictures]
        entries: list[custody.Entry] = []
        for item in new:
            folder = self._case / cases.MATCHES / item.matches.id
            manifest_sha256 = _write(folder, item)
            details = {
                "manifest_sha256": manifest_sha256,
                "match_sha256": sha256_of(folder / MATCH),
                "query": item.matches.query.sha256,
                "reference": item.matches.reference.sha256,
                "reference_case": str(reference.absolute()),
                "candidates": how,
            }
            entries.append((cases.MATCHED, folder.relative_to(self._case).as_posix(), details))
        for event in custody.extend(self._case, entries) if entries else ():
            self._noted[event.subject] = event
        return len(new)


def pictures_of(case: Path | None, found: Found) -> Pictures:
    """The pictures of matches, also of those that are kept in a case; one that cannot be read is missing."""
    if found.pictures or case is None:
        return {name: picture.copy() for name, picture in found.pictures.items()}
    folder, read = case / cases.MATCHES / found.matches.id, {}
    for match in found.matches.matches:
        for name in (match.overlay, match.beside):
            with contextlib.suppress(OSError, ValueError):
                if PICTURE_NAME.fullmatch(name):
                    read[name] = decode(read_bounded(folder / name, MOST_BYTES, follow=False))
    return read


def kept(case: Path) -> list[Kept]:
    """The matches that a case keeps, sorted by id; of those of the same two videos the latest.

    Raises:
        IntegrityError: if one is not as it was written.
    """
    newest: dict[tuple[str, str], Kept] = {}
    noted = _noted(case)
    for folder in sorted(cases.matches(case), key=lambda path: _seq(noted.get(f"{cases.MATCHES}/{path.name}"))):
        found = _read(folder, noted.get(f"{cases.MATCHES}/{folder.name}"))
        newest[found.query.sha256, found.reference.sha256] = Kept(folder, found)
    return sorted(newest.values(), key=lambda item: item.matches.id)


def _noted(case: Path) -> dict[str, custody.Event]:
    return {event.subject: event for event in custody.read(case) if event.event == cases.MATCHED}


def _seq(event: custody.Event | None) -> int:
    return event.seq if event is not None else -1


def _read(folder: Path, event: custody.Event | None) -> VideoMatches:
    check = f"run roundel verify {shlex.quote(str(folder.parent.parent))}"
    if event is None:
        raise IntegrityError(f"{folder}: the custody log does not mention this match; {check}")
    wrong = package.problems(folder)
    if not wrong and not cases.agrees(folder, event):
        wrong = [f"{folder / package.MANIFEST}: was changed"]
    if wrong:
        raise IntegrityError(f"{wrong[0]}; {check}")
    try:
        return VideoMatches.model_validate_json(read_bounded(folder / MATCH, MOST_BYTES, follow=False).decode())
    except (OSError, ValueError) as error:
        raise IntegrityError(f"{folder / MATCH}: cannot be read: {reason(error)}; {check}") from error


def _write(target: Path, found: Found) -> str:
    """Write what was found under another name and put it in its place; returns the hash of the manifest."""
    target.parent.mkdir(exist_ok=True)
    folder = target.parent / f"{package.PARTIAL}{target.name}-{platform.node()}-{os.getpid()}"
    folder.mkdir()
    try:
        for name, picture in found.pictures.items():
            written, data = cv2.imencode(".png", picture)
            if not written:
                raise IntegrityError(f"{target / name}: the picture could not be encoded")
            (folder / name).write_bytes(data.tobytes())
        (folder / MATCH).write_text(matches_json(found.matches), encoding="utf-8")
        (folder / SCHEMA).write_text(matches_schema_json(), encoding="utf-8")
        package.write_manifest(folder)
        return package.put_in_place(folder, target)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
