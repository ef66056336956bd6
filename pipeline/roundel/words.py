"""Plain words for numbers, times and names. Text from outside is made harmless to the eye here."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from datetime import date

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MARKS = frozenset({"Mn", "Me"})
_MOST_MARKS = 4  # on one letter; no script needs more, and a pile of them covers the lines around it
_PLURALS = {
    "equipment": "objects of open class, military or civil",
    "missile or rocket": "missiles or rockets",
    "person": "people",
    "object": "objects whose class stays open",
}
_SINGULARS = {
    "equipment": "object of open class, military or civil",
    "object": "object whose class stays open",
}


def visible(text: str) -> str:
    r"""The text with every character that hides or reorders others written out.

    Control characters, direction overrides, zero-width characters, odd spaces and unassigned code points.

    >>> visible("a\u202eb\n")
    'a⟨U+202E⟩b⟨U+000A⟩'
    >>> visible("دبابة.mp4") == "دبابة.mp4"
    True
    """
    if text.isascii() and text.isprintable():
        return text
    shown, marks = [], 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in _MARKS else 0
        hidden = category in _HIDDEN or (category == "Zs" and character != " ") or marks > _MOST_MARKS
        shown.append(f"⟨U+{ord(character):04X}⟩" if hidden else character)
    return "".join(shown)


def shorten(text: str, most: int = 300) -> str:
    """The text with its middle left out, and said so, if it is longer than ``most`` characters.

    >>> shorten("abcdefghij" * 4, 20)
    'abcdefghijabc[… 21 characters left out …]efghij'
    """
    if len(text) <= most:
        return text
    head = most * 2 // 3
    tail = most - head - 1
    return f"{text[:head]}[… {len(text) - head - tail} characters left out …]{text[-tail:]}"


def clock(seconds: float) -> str:
    """A point in time as m:ss.cc, from the first hour on as h:mm:ss.cc.

    >>> clock(11.228), clock(59.999), clock(3723.5), clock(-0.5)
    ('0:11.23', '1:00.00', '1:02:03.50', '-0:00.50')
    """
    if not math.isfinite(seconds):
        return "unknown time"
    hundredths = round(abs(seconds) * 100)
    sign = "-" if seconds < 0 and hundredths else ""
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    tail = f"{rest // 100:02d}.{rest % 100:02d}"
    return f"{sign}{hours}:{minutes:02d}:{tail}" if hours else f"{sign}{minutes}:{tail}"


def day_words(day: date) -> str:
    """A day in words.

    >>> day_words(date(2014, 8, 24))
    '24 August 2014'
    """
    return f"{day.day} {day:%B %Y}"


def length(seconds: float | None) -> str:
    """A duration: like :func:`clock`, in whole seconds from one hour on.

    >>> length(32.427), length(7199.8), length(None)
    ('0:32.43', '2:00:00', 'not stated')
    """
    if seconds is None:
        return "not stated"
    if not math.isfinite(seconds) or seconds < 3600:
        return clock(seconds)
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def time_range(start_seconds: float, end_seconds: float) -> str:
    """Two points in time, or one if they look the same.

    >>> time_range(0.06, 5.76), time_range(1, 1.001)
    ('0:00.06 to 0:05.76', '0:01.00')
    """
    start, end = clock(start_seconds), clock(end_seconds)
    return start if start == end else f"{start} to {end}"


def size(count: int) -> str:
    """A file size.

    >>> size(2026060), size(59)
    ('2,026,060 bytes (1.9 MiB)', '59 bytes')
    """
    for unit, factor in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if count >= factor:
            return f"{count:,} bytes ({count / factor:.1f} {unit})"
    return f"{count:,} bytes"


def share(part: float) -> str:
    """A share with two digits that never claims all or nothing unless it is.

    >>> share(0.9), share(0.999), share(0.004), share(1.0)
    ('0.90', 'over 0.99', 'under 0.01', '1.00')
    """
    if 0.995 <= part < 1:
        return "over 0.99"
    if 0 < part < 0.005:
        return "under 0.01"
    return f"{part:.2f}" if math.isfinite(part) else "unknown"


def number(value: float, digits: int = 2) -> str:
    """A number with at most so many digits after the point.

    >>> number(2.0), number(4.834)
    ('2', '4.83')
    """
    if not math.isfinite(value):
        return "unknown"
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def singular(title: str) -> str:
    """The title of a class for one object."""
    return _SINGULARS.get(title, title)


def article(noun: str) -> str:
    """A noun with its indefinite article.

    >>> article("aircraft"), article("ship"), article("unmanned aircraft")
    ('an aircraft', 'a ship', 'an unmanned aircraft')
    >>> article("L-39"), article("MiG-21"), article("F-16"), article("U-2"), article("T-72")
    ('an L-39', 'a MiG-21', 'an F-16', 'a U-2', 'a T-72')
    """
    spelt = re.match(r"[A-Z](?=[A-Z]*[0-9-])", noun)
    vowel = spelt[0] in "AEFHILMNORSX" if spelt else noun[:1].lower() in "aeiou"
    return f"{'an' if vowel else 'a'} {noun}"


def plural(title: str) -> str:
    """The title of a class for several objects.

    >>> plural("armoured vehicle"), plural("combat aircraft"), plural("missile or rocket")
    ('armoured vehicles', 'combat aircraft', 'missiles or rockets')
    """
    if title in _PLURALS:
        return _PLURALS[title]
    return title if re.search(r"(craft|s)$", title) else f"{title}s"


def counted(count: int, title: str) -> str:
    """A number of objects of a class.

    >>> counted(1, "ship"), counted(2, "ship")
    ('1 ship', '2 ships')
    """
    return f"{count:,} {singular(title) if count == 1 else plural(title)}"


def listed(items: Sequence[str], joint: str = "and") -> str:
    """A list in a sentence.

    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"], "or")
    ('a', 'a and b', 'a, b or c')
    """
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {joint} {items[-1]}" if items else ""


def some(items: Sequence[str], most: int) -> str:
    """The first items of a list in a sentence, and how many more there are.

    >>> some(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    if len(items) <= most:
        return listed(items)
    return listed([*items[:most], f"{len(items) - most:,} more"])


def capital(sentence: str) -> str:
    """A sentence with a capital letter at its start; the rest as it is."""
    return sentence[:1].upper() + sentence[1:]
