"""The small texts of a claim: quantifiers, days, times. Each reader says what to write if it cannot read."""

from __future__ import annotations

import calendar
import re
from datetime import date
from typing import Final

from roundel.claims.files.problems import did_you_mean, nearest, quoted
from roundel.claims.model import DateSpan, Quantifier, QuantifierKind
from roundel.errors import UsageError

QUANTIFIERS: Final = ("at least 2", "exactly 2", "at most 2", "between 2 and 4", "some", "no", "all")
WHOLE: Final[frozenset[QuantifierKind]] = frozenset({"exactly", "at_most", "between", "no", "all"})
"""Quantifiers that say something about what is not shown: they need coverage and recall."""
YEARS: Final = (1900, 2100)
NUMBER: Final = r"([0-9]{1,6})"
_ONE: Final = re.compile(rf"(at least|exactly|at most) {NUMBER}")
_BETWEEN: Final = re.compile(rf"between {NUMBER} and {NUMBER}")
_DAY: Final = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_CLOCK: Final = re.compile(
    r"(?:([0-9]{1,3}):(?=[0-9]{2}:))?(?:([0-9]{1,4}):(?=[0-9]{2}(?:\.|$)))?([0-9]{1,7}(?:\.[0-9]{1,6})?)"
)


def quantifier(text: str) -> Quantifier:
    """How many.

    >>> quantifier("at_least 2")
    Quantifier(kind='at_least', low=2, high=None)
    >>> quantifier("between 2 and 4")
    Quantifier(kind='between', low=2, high=4)

    Raises:
        UsageError: if it cannot be read, or says nothing.
    """
    words = " ".join(text.replace("_", " ").casefold().split())
    if words in ("some", "no", "all"):
        return Quantifier(words)  # type: ignore[arg-type]
    if match := _ONE.fullmatch(words):
        return _with_one_number(match[1].replace(" ", "_"), int(match[2]))
    if match := _BETWEEN.fullmatch(words):
        low, high = int(match[1]), int(match[2])
        if low > high:
            raise UsageError(
                f"between {low} and {high}: the first number is the larger; write between {high} and {low}"
            )
        if low == 0:
            raise UsageError(f"between 0 and {high} says no more than an upper bound; write {_upper(high)}")
        return Quantifier("between", low, high)
    if re.fullmatch(NUMBER, words):
        bare = "no" if int(words) == 0 else f"exactly {words}, at least {words} or at most {words}"
        raise UsageError(f"the number {words} alone does not say whether there may be more; write {bare}")
    near = nearest(re.sub(r"[0-9]+", "2", words), QUANTIFIERS)
    kind = nearest(words.rstrip("0123456789 "), ("at least", "exactly", "at most", "between"))
    shown = near or (f"{kind} 2" if kind and kind != "between" else "between 2 and 4" if kind else "")
    means = f"did you mean something like {shown}?" if shown else f"write one of: {', '.join(QUANTIFIERS)}"
    raise UsageError(f"{quoted(text)} is no quantifier; {means}")


def _with_one_number(kind: str, number: int) -> Quantifier:
    if number == 0:
        instead = "at least 1, or leave the claim out" if kind == "at_least" else "no"
        raise UsageError(f"{kind.replace('_', ' ')} 0 is not how to say it; write: {instead}")
    if kind == "at_most":
        return Quantifier("at_most", high=number)
    return Quantifier("at_least" if kind == "at_least" else "exactly", low=number)


def _upper(high: int) -> str:
    return f"at most {high}" if high else "no"


def quantifier_words(how_many: Quantifier) -> str:
    """A quantifier as it is written.

    >>> quantifier_words(Quantifier("at_most", high=3))
    'at most 3'
    """
    words = how_many.kind.replace("_", " ")
    if how_many.kind == "between":
        return f"between {how_many.low} and {how_many.high}"
    number = how_many.high if how_many.kind == "at_most" else how_many.low
    return words if number is None else f"{words} {number}"


def days(text: str) -> DateSpan:
    """The days of a date, a month or a year; also "FIRST to LAST", "from FIRST" and "by LAST".

    >>> days("2014-02")
    DateSpan(first=datetime.date(2014, 2, 1), last=datetime.date(2014, 2, 28))
    >>> days("by 2014")
    DateSpan(first=None, last=datetime.date(2014, 12, 31))

    Raises:
        UsageError: if it cannot be read or the last day is before the first.
    """
    words = text.split()
    if len(words) == 2 and words[0] == "from":
        return DateSpan(period(words[1]).first, None)
    if len(words) == 2 and words[0] == "by":
        return DateSpan(None, period(words[1]).last)
    if len(words) == 3 and words[1] == "to":
        return ordered(period(words[0]).first, period(words[2]).last)
    return period(text)


def period(text: str) -> DateSpan:
    """The days of a date, a month or a year.

    Raises:
        UsageError: if it is none of them.
    """
    match = _DAY.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{quoted(text)} is no date; write a day as 2014-08-31, a month as 2014-08 or a year as 2014")
    year, month, day = (int(part) if part else None for part in match.groups())
    assert year is not None
    if not YEARS[0] <= year <= YEARS[1]:
        raise UsageError(f"{quoted(text)}: the year is not between {YEARS[0]} and {YEARS[1]}; check it")
    try:
        first = date(year, month or 1, day or 1)
    except ValueError as error:
        raise UsageError(f"{quoted(text)}: there is no such day; write year-month-day, as 2014-08-31") from error
    last_month = month or 12
    return DateSpan(first, date(year, last_month, day or calendar.monthrange(year, last_month)[1]))


def ordered(first: date | None, last: date | None) -> DateSpan:
    """A span whose last day is not before its first.

    Raises:
        UsageError: if it is.
    """
    if first is not None and last is not None and last < first:
        raise UsageError(f"the last day, {last}, is before the first, {first}; exchange them")
    return DateSpan(first, last)


def day(text: str) -> date:
    """A single day.

    >>> day("2014-08-31")
    datetime.date(2014, 8, 31)

    Raises:
        UsageError: if it is none.
    """
    span = period(text)
    if span.first is None or span.first != span.last:
        raise UsageError(f"{quoted(text)} is no single day; write it as 2014-08-31")
    return span.first


def days_words(span: DateSpan) -> str:
    """A span as ``days`` reads it, as short as it can be.

    >>> days_words(days("2014-02")), days_words(DateSpan(date(2014, 2, 3), None))
    ('2014-02', 'from 2014-02-03')
    """
    if span.first is None or span.last is None:
        return f"from {span.first}" if span.first else f"by {span.last}"
    for text in (str(span.first)[:4], str(span.first)[:7], str(span.first)):
        if period(text) == span:
            return text
    return f"{span.first} to {span.last}"


def seconds(text: str) -> float:
    """A time in a video, in seconds.

    >>> seconds("0:21.5"), seconds("1:00:01"), seconds("90")
    (21.5, 3601.0, 90.0)

    Raises:
        UsageError: if it is no time.
    """
    match = _CLOCK.fullmatch(text.strip())
    hours, minutes, rest = match.groups() if match else (None, None, "")
    if match is None or (minutes and float(rest) >= 60) or (hours and (not minutes or int(minutes) >= 60)):
        raise UsageError(f"{quoted(text)} is no time in a video; write seconds as 21.5, or 0:21.5, or 1:02:03")
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(rest)


def whole_number(text: str) -> int:
    """A number of things.

    Raises:
        UsageError: if it is none.
    """
    if not re.fullmatch(r"[0-9]{1,7}", text.strip()):
        raise UsageError(f"{quoted(text)} is no whole number; write digits, as 45")
    return int(text)


def probability(text: str) -> float:
    """A probability between 0 and 1.

    Raises:
        UsageError: if it is none.
    """
    if not re.fullmatch(r"[0-9]{0,2}(\.[0-9]{1,12})?", text.strip()) or not text.strip() or float(text) > 1:
        raise UsageError(f"{quoted(text)} is no probability; write a number from 0 to 1 with a point, as 0.86")
    return float(text)


def one_of(text: str, known: tuple[str, ...], what: str) -> str:
    """A word of a list.

    Raises:
        UsageError: if it is none of them; it names the nearest.
    """
    if text not in known:
        raise UsageError(f"{quoted(text)} is no {what}; {did_you_mean(text, known)}")
    return text
