"""Words in a case: what was read in the pictures, under which names the files came, and what they say of themselves."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from roundel.errors import UsageError
from roundel.index import written
from roundel.search.asking import FOLDS, Word, asked, expression
from roundel.search.model import Filters, Found
from roundel.search.places import Places, up_to_date

HOW = {"words": "exact", "folded": "look-alike", "alternatives": "alternative"}
KINDS = (written.READING, written.CAPTION, written.NAME, written.CONTAINER)
EXCERPT = 160
_RUN = re.compile(r"[^\W_]+")


def find(folders: Sequence[Path], text: str, filters: Filters) -> list[Found]:
    """Where all words of a text stand; exact matches first, then look-alikes, then alternatives of readings.

    Args:
        folders: the cases.
        text: words; ``?`` stands for one letter or digit, ``*`` for any number of them.
        filters: which sightings count; names and container facts have neither class nor time and then count not.

    Raises:
        UsageError: if a folder is no case, its index cannot be written, or the words cannot be looked for.
        IntegrityError: if something in a case is not as it was written.
    """
    words = asked(text)
    found: list[tuple[tuple[int, int], Found]] = []
    for case in folders:
        with up_to_date(case) as connection:
            if not written.has_fts5(connection):
                raise UsageError(
                    f"SQLite {sqlite3.sqlite_version} of this Python has no FTS5, which --text needs; use a Python "
                    "whose sqlite3 has it, such as those of python.org, Debian or Homebrew"
                )
            found += _in_case(case, connection, words, filters)
    found.sort(key=lambda item: item[0])
    return [item for _, item in found[: filters.limit]]


def _in_case(
    case: Path, index: sqlite3.Connection, words: list[Word], filters: Filters
) -> Iterator[tuple[tuple[int, int], Found]]:
    """What one case holds, with the place of each in the order of all."""
    places = Places(case)
    seen: set[tuple[str, str, int]] = set()
    taken = 0
    for tier, column in enumerate(written.COLUMNS):
        query = expression(words, column, index)
        if query is None:
            continue
        rows = index.execute(
            "SELECT kind, package, number, text FROM written WHERE written MATCH ? "
            "ORDER BY instr('reading caption name container', kind), rank, package, number",
            (query,),
        )
        for kind, package, number, text in rows.fetchall():
            if taken >= filters.limit:
                return
            if (kind, package, number) not in seen:
                seen.add((kind, package, number))
                excerpt = tuple(_excerpt(text, words, column))
                one = _found(places, (kind, package, number, text), (HOW[column], excerpt), filters)
                if one is not None:
                    taken += 1
                    yield (tier, KINDS.index(kind)), one


def _found(
    places: Places, row: tuple[str, str, int, str], told: tuple[str, tuple[tuple[str, bool], ...]], filters: Filters
) -> Found | None:
    """What is told of a row of the table; ``None`` if the filters refuse it."""
    kind, package, number, text = row
    if kind not in (written.READING, written.CAPTION):
        if filters.narrow:
            return None
        place = places.place(package)
        places.check_words(place, kind, text)
        return Found(place, kind, told[0], text, told[1])
    place = places.place(package)
    name, line = places.line(place, number, text)
    if name is None:
        passes = filters.take(None, line.seconds, line.seconds)
        return Found(place, kind, told[0], text, told[1], line.seconds) if passes else None
    track = places.track(place, name)
    if not filters.take(track.class_, track.start_seconds, track.end_seconds):
        return None
    nearest = min(track.views, key=lambda view: (abs(view.seconds - line.seconds), view.file), default=None)
    return Found(place, kind, told[0], text, told[1], line.seconds, name, nearest.file if nearest else None)


def _excerpt(text: str, words: list[Word], column: str) -> Iterator[tuple[str, bool]]:
    """The text around its first match, in pieces; true for those that match."""
    fold = FOLDS[column]
    patterns = [item for word in words for item in _patterns(word, column)]
    runs = [run for run in _RUN.finditer(text) if any(item.fullmatch(fold(run[0])) for item in patterns)]
    start = max(0, runs[0].start() - EXCERPT // 2) if runs and len(text) > EXCERPT else 0
    end = min(len(text), start + EXCERPT)
    place = start
    if start:
        yield "…", False
    for run in runs:
        if run.start() >= place and run.end() <= end:
            if run.start() > place:
                yield text[place : run.start()], False
            yield run[0], True
            place = run.end()
    if place < end:
        yield text[place:end], False
    if end < len(text):
        yield "…", False


def _patterns(word: Word, column: str) -> list[re.Pattern[str]]:
    """What a run of letters must look like to be a part of a match."""
    if word.wild:
        return [word.pattern(column)]
    parts = word.parts(column)
    star = ".*" if word.text.endswith("*") else ""
    return [*(re.compile(re.escape(part)) for part in parts[:-1]), re.compile(re.escape(parts[-1]) + star)]
