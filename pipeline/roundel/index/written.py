"""Everything in words that a case holds, in one SQLite FTS5 table: readings, captions, file names, container facts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from roundel.index.folding import MOST_CHARACTERS, folded, plain, terms, variants
from roundel.record import Analysis, ReadingRecord

READING, CAPTION, NAME, CONTAINER = "reading", "caption", "name", "container"
COLUMNS = ("words", "folded", "alternatives")
"""As written · as it looks · as a reading may say. Each finds all that the one before finds in a reading."""
_TABLE = """
CREATE VIRTUAL TABLE written USING fts5 (
    words, folded, alternatives,
    kind UNINDEXED, package UNINDEXED, number UNINDEXED, text UNINDEXED,
    tokenize = "unicode61 remove_diacritics 0"
)
"""


def has_fts5(index: sqlite3.Connection) -> bool:
    """Whether this build of SQLite can search for words."""
    return any(name == "fts5" for (name,) in index.execute("SELECT name FROM pragma_module_list"))


def holds_words(index: sqlite3.Connection) -> bool:
    """Whether the table was made."""
    return bool(index.execute("SELECT 1 FROM sqlite_master WHERE name = 'written'").fetchone())


def container_words(analysis: Analysis) -> str:
    """What a package holds of the file itself: hash, formats, size and warnings."""
    media = analysis.media
    facts = [analysis.video.sha256.removeprefix("sha256:")]
    if media is not None:
        facts += [media.format_name, media.codec, media.pixel_format, f"{media.width}x{media.height}"]
        facts += [value for value in media.colour.values() if value] + media.warnings
    if analysis.failure is not None:
        facts.append(analysis.failure.message)
    return " ".join(facts)


def named(name: str, path: str) -> str:
    """Name and path of a file as they are searched."""
    return path if path.endswith(name) else f"{name} {path}"


def alternative_words(reading: ReadingRecord) -> str:
    """What a reading may say, folded, one variant after the other."""
    return " ".join(variants(reading.text, reading.alternatives))


def write(index: sqlite3.Connection) -> None:
    """Make the table anew from the tables of the index, in their order, so that its bytes do not depend on history."""
    index.execute("DROP TABLE IF EXISTS written")
    index.execute(_TABLE)
    index.executemany("INSERT INTO written VALUES (?, ?, ?, ?, ?, ?, ?)", list(_rows(index)))


def _rows(index: sqlite3.Connection) -> Iterator[tuple[str, str, str, str, str, int, str]]:
    read = index.execute("SELECT package, number, track, text, variants FROM reading ORDER BY package, number")
    for package, number, track, text, variants_ in read.fetchall():
        yield *_forms(text, variants_), READING if track is not None else CAPTION, package, number, text
    for package, text in index.execute("SELECT package, words FROM package ORDER BY package").fetchall():
        yield *_forms(text, ""), CONTAINER, package, 0, text
    names = index.execute(
        "SELECT package, name, path FROM name JOIN package USING (video) ORDER BY package, name, path"
    )
    for number, (package, name, path) in enumerate(names.fetchall()):
        text = named(name, path)
        yield *_forms(text, ""), NAME, package, number, text


def _forms(text: str, alternatives: str) -> tuple[str, str, str]:
    short = text[:MOST_CHARACTERS]
    return terms(plain(short)), terms(folded(short)), terms(folded(alternatives[:MOST_CHARACTERS]))
