"""Files of a case that may come at any time, each noted in its custody log by its hash.

Checks of claims and dates that people attest may be written again; what others contribute stays as it was received.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from roundel import custody, package
from roundel.disk import read_bounded, replace_text
from roundel.errors import IntegrityError
from roundel.media.identity import sha256_of
from roundel.record import AttestedDates, ClaimsCheck, reason
from roundel.words import shorten

Form = TypeVar("Form", bound=BaseModel)

CLAIMS_CHECKED = "claims"
CLAIMS = "claims"
"""Folder of the checks of claims, one file for each claim file."""
DATED = "dated"
DATES = "dates"
"""Folder of the dates that people attest for videos, one file for each file of dates."""
IMPORTED = "imported"
CONTRIBUTED = "contributed"
"""Folder of fingerprints that others contributed, each file as it was received."""
A_LINK = "is a link, which Roundel never writes: the file or folder was replaced"
_NAMED = r"[^/\0]{1,240}\.json"
NOTES = (
    (CLAIMS_CHECKED, CLAIMS, _NAMED, "a check of claims"),
    (DATED, DATES, _NAMED, "a file of dates"),
    (IMPORTED, CONTRIBUTED, r"[0-9a-f]{64}\.[a-z.-]{1,40}", "a contribution"),
)
"""Files that may come at any time: the event that notes the hash, the folder, the form of a name, what each is."""
MOST_CHECK_BYTES = 64 * 1024**2


def notes_of(case: Path, inner: str) -> list[Path]:
    """The files of one of the folders of :data:`NOTES`, sorted; none that a link leads to."""
    (form,) = (form for _, folder, form, _ in NOTES if folder == inner)
    folder = case / inner
    return [] if folder.is_symlink() else sorted(path for path in folder.glob("*") if re.fullmatch(form, path.name))


def problems_of(case: Path, name: str, event: custody.Event | None) -> Iterator[str]:
    """What is wrong with a file whose hash an event notes; without an event it should not be there."""
    path = case / name
    if path.is_symlink() or path.parent.is_symlink():
        yield f"{path}: {A_LINK}"
    elif event is None:
        if path.exists():
            yield f"{path}: the custody log does not mention this file"
    elif not path.is_file():
        yield f"{path}: is missing"
    elif path.stat().st_size > package.MOST_FILE_BYTES or sha256_of(path) != event.details.get("sha256"):
        yield f"{path}: was changed"


def misnamed(case: Path, names: Iterable[str], kind: str) -> Iterator[str]:
    """Names that the log gives as such files and that nothing of that kind can have."""
    ((inner, form, what),) = ((inner, form, what) for noted_as, inner, form, what in NOTES if noted_as == kind)
    for name in sorted(name for name in names if not re.fullmatch(f"{inner}/{form}", name)):
        yield f"{case / custody.FILE}: names {shorten(name, 80)!r} as {what}, which it cannot be"


def read_claim_checks(case: Path) -> list[ClaimsCheck]:
    """The checks of claims that a case holds, by the name of their file.

    Raises:
        IntegrityError: if one is not as it was written.
    """
    return _read_notes(case, CLAIMS_CHECKED, CLAIMS, ClaimsCheck, "check the claims again")


def read_dates(case: Path) -> list[AttestedDates]:
    """The dates that people attest in a case, by the name of their file.

    Raises:
        IntegrityError: if a file of them is not as it was written.
    """
    return _read_notes(case, DATED, DATES, AttestedDates, "give the file of dates again")


def _read_notes(case: Path, kind: str, inner: str, form: type[Form], again: str) -> list[Form]:
    noted = {event.subject: event for event in custody.read(case) if event.event == kind}
    found = []
    for path in notes_of(case, inner):
        name = path.relative_to(case).as_posix()
        wrong = list(problems_of(case, name, noted.get(name)))
        if wrong:
            raise IntegrityError(f"{wrong[0]}; run roundel verify {shlex.quote(str(case))}, and {again}")
        try:
            found.append(form.model_validate_json(read_bounded(path, MOST_CHECK_BYTES).decode("utf-8")))
        except (OSError, ValueError) as error:
            raise IntegrityError(f"{path}: cannot be read: {reason(error)}; {again}") from error
    return found


def keep_claims(case: Path, name: str, text: str, details: dict[str, object]) -> Path:
    """Write a check of claims and note its hash in the custody log; an earlier check of that name is replaced.

    What it replaces stays on record by its hash, with the hash of the claim file that it was made from.
    """
    return _keep_note(case, CLAIMS_CHECKED, f"{CLAIMS}/{name}.json", text, details)


def keep_dates(case: Path, name: str, text: str, details: dict[str, object]) -> Path:
    """Write dates that people attest, as :func:`keep_claims`; nothing happens if they are there already."""
    path = case / DATES / f"{name}.json"
    noted = [event for event in custody.read(case) if event.event == DATED and event.subject == f"{DATES}/{name}.json"]
    sha256 = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    if path.is_file() and sha256_of(path) == sha256 and noted and noted[-1].details.get("sha256") == sha256:
        return path
    return _keep_note(case, DATED, f"{DATES}/{name}.json", text, details)


def _keep_note(case: Path, kind: str, name: str, text: str, details: dict[str, object]) -> Path:
    replace_text(case / name, text)
    custody.append(case, kind, name, {**details, "sha256": sha256_of(case / name)})
    return case / name


def noted_imports(case: Path) -> dict[str, custody.Event]:
    """The latest event of each contribution, by its place in the case, whatever became of the file."""
    return {event.subject: event for event in custody.read(case) if event.event == IMPORTED}


def imported(case: Path) -> dict[str, custody.Event]:
    """The latest event of each contribution, by its place in the case.

    Raises:
        IntegrityError: if a file is missing or not as it was received, or the log does not mention it.
    """
    noted = noted_imports(case)
    present = {path.relative_to(case).as_posix() for path in notes_of(case, CONTRIBUTED)}
    wrong = list(misnamed(case, noted.keys(), IMPORTED))
    for name in () if wrong else sorted(present | noted.keys()):
        wrong += problems_of(case, name, noted.get(name))
    if wrong:
        raise IntegrityError(f"{wrong[0]}; run roundel verify {shlex.quote(str(case))}, and import the file again")
    return noted
