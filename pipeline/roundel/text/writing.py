"""What a string of characters is: its script, whether it has the form of a serial, whether it may be writing at all."""

from __future__ import annotations

import unicodedata

JOINTS = "-/.: "  # signs that may stand inside a marking, never at its ends
STROKES = frozenset("1Iil|!/\\jJrtLТтГгіІ١اأإlـ۱")
ROUNDS = frozenset("0OoQCcОоСсDD°٥۵هة")
SCRIPT_NAMES = {"LATIN": "Latn", "CYRILLIC": "Cyrl", "ARABIC": "Arab", "HEBREW": "Hebr"}
LONGEST_SERIAL = 10
LEAST_LOWER_CASE = 4  # letters of a word that may be written small: shorter ones are what noise is read as


def script_of(text: str) -> str:
    """ISO 15924 code of the script that most letters belong to; ``Zyyy`` where there are no letters.

    Two scripts in one word are how noise is read, or a sign read in the wrong script: ``Zzzz``.

    >>> script_of("226"), script_of("Б-14"), script_of("٢٢٦"), script_of("VIM")
    ('Zyyy', 'Cyrl', 'Zyyy', 'Latn')
    """
    scripts = {
        SCRIPT_NAMES.get(unicodedata.name(letter, "?").split()[0], "Zzzz") for letter in text if letter.isalpha()
    }
    if not scripts:
        return "Zyyy"
    return scripts.pop() if len(scripts) == 1 else "Zzzz"


def digit_scripts(text: str) -> set[str]:
    """The families of digits: European, Arabic-Indic, extended Arabic-Indic.

    >>> sorted(digit_scripts("2٢"))
    ['ARABIC-INDIC', 'EUROPEAN']
    """
    names = (unicodedata.name(letter, "?") for letter in text if letter.isdigit())
    return {name.split(" DIGIT")[0] if " DIGIT" in name else "EUROPEAN" for name in names}


def is_serial_like(text: str) -> bool:
    """Whether a reading has the form of a serial, bort or tactical number: one short token with digits in it.

    >>> [is_serial_like(text) for text in ("226", "Б-14", "٢٢٦", "USAF", "FROM 2014 ON", "7", "CNN.COM2")]
    [True, True, True, False, False, False, False]
    """
    signs = [letter for letter in text if not letter.isalnum()]
    digits = sum(letter.isdigit() for letter in text)
    marks = sum(letter.isalnum() for letter in text)
    return 3 * digits >= marks and 2 <= marks <= LONGEST_SERIAL and len(signs) <= 2 and text.count(" ") <= 1


def may_be_writing(text: str) -> bool:
    """Whether a reading may be a marking at all.

    Refused is what rows of rivets, wheels, grilles and slats are read as: fewer than two letters or digits, only
    strokes or only rounds (so a marking such as 111 or 00 is not read), small letters in a short word, two scripts or
    two families of digits in one reading.

    >>> [may_be_writing(text) for text in ("226", "ass", "III", "OOO", "7", "2٢6", "police", "ВОО", "A b")]
    [True, False, False, False, False, False, True, True, False]
    """
    marks = [letter for letter in text if letter.isalnum()]
    signs = sum(not letter.isalnum() and letter != " " for letter in text)
    if len(marks) < 2 or signs > len(marks) / 2:
        return False
    if set(marks) <= STROKES or set(marks) <= ROUNDS:
        return False
    if script_of(text) == "Zzzz" or len(digit_scripts(text)) > 1:
        return False
    if script_of(text) == "Arab" and any(letter in "0123456789" for letter in marks):
        return False
    return all(_case_is_plausible(word) for word in text.split())


def _case_is_plausible(word: str) -> bool:
    """Capitals and digits, or a longer word in small letters, perhaps with a capital first."""
    letters = [letter for letter in word if letter.isalpha()]
    if not any(letter.islower() for letter in letters):
        return True
    return len(letters) >= LEAST_LOWER_CASE and not any(letter.isupper() for letter in letters[1:])


def trimmed(text: str) -> tuple[int, int]:
    """Where the marking starts and ends within a reading: signs at the ends are dirt, borders or rivets.

    >>> trimmed(".226:")
    (1, 4)
    """
    alnum = [index for index, letter in enumerate(text) if letter.isalnum()]
    return (alnum[0], alnum[-1] + 1) if alnum else (0, 0)
