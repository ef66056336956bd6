"""Opening a text file that a person wrote: limits, encoding, hash."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from roundel.claims.files.problems import FileProblemsError, Place, Problem
from roundel.errors import UsageError

MOST_BYTES = 1024 * 1024
UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def open_text(path: Path, what: str) -> tuple[str, str]:
    """Text of a file and the hash of its bytes.

    Args:
        path: The file.
        what: What it should be, for messages, such as "a claim file".

    Raises:
        UsageError: if it is missing, no regular file, too large, not UTF-8 or holds control characters.
    """
    try:
        if not path.is_file():
            reason = "is a folder, pipe or device" if path.exists() else "does not exist"
            raise UsageError(f"{path}: {reason}; give {what}")
        with path.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); give {what} that you may read") from error
    if len(data) > MOST_BYTES:
        raise UsageError(f"{path}: is larger than {MOST_BYTES // 1024} KiB; {what} is smaller: split it in several")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UsageError(f"{path}: is in UTF-16, not in UTF-8; save it as UTF-8 text")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}:{line}: is not in UTF-8; save it as UTF-8 text") from error
    if wrong := UNPRINTABLE.search(text):
        place = place_of(path, text, wrong.start())
        raise FileProblemsError(
            [Problem(place, f"the invisible character U+{ord(wrong.group()):04X} is not allowed; delete it")]
        )
    return text, f"sha256:{hashlib.sha256(data).hexdigest()}"


def place_of(path: Path, text: str, index: int) -> Place:
    """Line and column of a character."""
    return Place(path, text.count("\n", 0, index) + 1, index - (text.rfind("\n", 0, index) + 1) + 1)
