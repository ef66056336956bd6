"""Tesseract as a child process: many line pictures in one run, characters with their alternatives out.

One run reads all lines of a track, so the language models are loaded once for them. One thread makes the result the
same on every machine (``OMP_THREAD_LIMIT``). The pictures go in as one TIFF on standard input, so that no file of them
is ever left behind, and no file of the video reaches Tesseract; it runs in the sandbox all the same. An answer that is
not about every picture is a failure: silence would look like a video without writing.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import struct
import subprocess
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roundel.errors import MissingProgramError, StallError
from roundel.sandbox import Limits, run

SECONDS_TO_START = 30.0
SECONDS_PER_LINE = 2.0  # about forty times what a line takes
MEMORY_BYTES = 4 * 1024**3
OLDEST = (5, 0)
REPAIR = "run again or install Tesseract again; text.engine = 'off' does without it"
DIRECTION_MARKS = {"\u200e", "\u200f", "\u061c"}
RAW_LINE = 13  # page segmentation mode: the picture is one line; mode 7 loses short lines in its layout analysis
Choices = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Raw:
    """What Tesseract made of one picture: for each character its choices (character, weight 0..1), largest first."""

    characters: tuple[Choices, ...] = ()

    @property
    def text(self) -> str:
        """The characters that weigh most."""
        return "".join(choices[0][0] for choices in self.characters)

    @property
    def confidence(self) -> float:
        """Mean weight of these characters, 0..1; 0 for nothing."""
        weights = [choices[0][1] for choices in self.characters if choices[0][0] != " "]
        return sum(weights) / len(weights) if weights else 0.0


class Tesseract:
    """An installed Tesseract with those of the wanted languages that it has."""

    def __init__(self, name: str, wanted: Sequence[str]) -> None:
        """Find the program and its languages.

        Raises:
            MissingProgramError: if it is not installed, too old or has none of the languages; with what to type.
        """
        path = shutil.which(name)
        if path is None:
            fault = "is no program" if Path(name).exists() and os.sep in name else "is not installed"
            raise MissingProgramError(f"{name} {fault}. {how_to_install(wanted)}")
        self.program = path
        self.version = _version(path)
        number = re.match(r"(\d+)\.(\d+)", self.version)
        if number is None or (int(number[1]), int(number[2])) < OLDEST:
            raise MissingProgramError(f"{name} {self.version} is too old: version 5 or newer is needed")
        head, *listed = _output(path, "--list-langs").splitlines() or [""]
        folder = re.search(r' in "(.+)" \(', head)
        self._models = Path(folder[1]) if folder else None
        present = set(listed)
        self.languages = tuple(language for language in wanted if language in present)
        self.missing = tuple(language for language in wanted if language not in present)
        if not self.languages:
            raise MissingProgramError(
                f"{name} {self.version} has none of the languages {', '.join(wanted)}. {how_to_install(wanted)}"
            )

    def read(self, pictures: Sequence[NDArray[np.uint8]], languages: str) -> list[Raw]:
        """Read pictures (h, w) of one line each, dark on light.

        Args:
            pictures: the lines.
            languages: Tesseract's names, joined by ``+``. Alternatives are given for a single language only.

        Raises:
            StallError: if Tesseract fails, does not come to an end or does not answer for every picture.
        """
        if not pictures:
            return []
        page = self._ask(pictures, languages)
        parser = _Hocr()
        try:
            parser.feed(page)
            parser.close()
        except ValueError as error:
            raise StallError(f"{self.program} gave an answer that is not Tesseract's ({error}); {REPAIR}") from error
        if parser.pages != len(pictures):
            raise StallError(
                f"{self.program} answered for {parser.pages} of {len(pictures)} pictures and reported no error; "
                f"{REPAIR}"
            )
        return [parser.page(index) for index in range(len(pictures))]

    def _ask(self, pictures: Sequence[NDArray[np.uint8]], languages: str) -> str:
        seconds = SECONDS_TO_START + SECONDS_PER_LINE * len(pictures)
        command = [self.program, "stdin", "stdout", "-l", languages, "--psm", str(RAW_LINE), "--dpi", "150"]
        command += ["-c", "lstm_choice_mode=2", "-c", "tessedit_create_hocr=1", "-c", "tessedit_do_invert=0"]
        command += ["--tessdata-dir", str(self._models)] if self._models else []
        try:
            done = run(
                command,
                Limits(MEMORY_BYTES, math.ceil(seconds)),
                seconds,
                [self._models] if self._models else [],
                given=as_tiff(pictures),
                variables={"OMP_THREAD_LIMIT": "1"},
            )
        except (OSError, MissingProgramError) as error:
            raise StallError(f"{error}, so nothing can be read; {REPAIR}") from error
        if done.timed_out:
            raise StallError(f"{self.program} did not read within {seconds:.0f} s; {REPAIR}")
        if done.returncode != 0:
            reason = done.stderr.strip().splitlines()[-1:] or ["no message"]
            raise StallError(f"{self.program} failed with status {done.returncode} ({reason[0][:200]}); {REPAIR}")
        return done.stdout.decode("utf-8", "replace")


def as_tiff(pictures: Sequence[NDArray[np.uint8]]) -> bytes:
    """One uncompressed TIFF 6.0 of grey pictures (h, w), one a page."""
    file = bytearray(b"II*\0\0\0\0\0")
    link = 4  # where the place of the next page is to be written
    for picture in pictures:
        height, width = picture.shape
        start = len(file)
        file += picture.tobytes() + b"\0" * (picture.size % 2)
        struct.pack_into("<I", file, link, len(file))
        fields = {
            256: width,
            257: height,
            258: 8,  # bits of a pixel
            259: 1,  # no compression
            262: 1,  # 0 is black
            273: start,
            277: 1,  # samples of a pixel
            278: height,  # rows of the only strip
            279: picture.size,
        }
        file += struct.pack("<H", len(fields))
        for tag, value in fields.items():
            file += struct.pack("<HHII", tag, 4, 1, value)
        link = len(file)
        file += b"\0\0\0\0"
    return bytes(file)


def how_to_install(wanted: Sequence[str]) -> str:
    """What to type."""
    debian = " ".join(f"tesseract-ocr-{language}" for language in wanted)
    return (
        f"On Debian or Ubuntu: sudo apt-get install tesseract-ocr {debian}; on Fedora: sudo dnf install tesseract and "
        "its tesseract-langpack-… packages; on macOS: brew install tesseract tesseract-lang."
    )


def _output(path: str, argument: str) -> str:
    """What the program says about itself; no stranger's file is involved."""
    try:
        done = subprocess.run(
            [path, argument], stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS_TO_START, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingProgramError(f"{path}: cannot be run ({error}); install Tesseract again") from error
    return (done.stdout or done.stderr).decode("utf-8", "replace")


def _version(path: str) -> str:
    words = _output(path, "--version").split()
    return words[1].removeprefix("v") if len(words) > 1 and words[0] == "tesseract" else "of no known version"


class _Hocr(HTMLParser):
    """Takes the words and their choices out of Tesseract's hOCR, page by page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._pages: dict[int, list[tuple[str, float, list[list[tuple[str, float]]]]]] = {}
        self._page = -1
        self._weight: float | None = None
        self._in_word = False

    @property
    def pages(self) -> int:
        """How many pictures were answered for."""
        return len(self._pages)

    def page(self, index: int) -> Raw:
        """The reading of the picture with this number."""
        found: list[Choices] = []
        for text, confidence, groups in self._pages.get(index, []):
            characters = _characters(text, confidence, groups)
            if characters and found:
                found.append(((" ", 1.0),))
            found += characters
        return Raw(tuple(found))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note pages, words, groups of choices and choices.

        Raises:
            ValueError: if a confidence is none.
        """
        given = {key: value or "" for key, value in attrs}
        kind, title = given.get("class", ""), given.get("title", "")
        if kind == "ocr_page":
            self._page += 1
            self._pages[self._page] = []
            self._in_word = False
        elif kind == "ocrx_word" and self._page >= 0:
            self._pages[self._page].append(("", _confidence("x_wconf", title), []))
            self._in_word, self._weight = True, None
        elif kind == "ocrx_cinfo" and self._in_word:
            is_choice = "x_confs" in title
            if not is_choice:
                self._pages[self._page][-1][2].append([])
            self._weight = _confidence("x_confs", title) if is_choice else None
        elif kind in {"ocr_line", "ocr_par", "ocr_carea"}:
            self._in_word = False

    def handle_data(self, data: str) -> None:
        """Text of a word or of a choice."""
        text = data.strip()
        if not self._in_word or not text:
            return
        said, confidence, groups = self._pages[self._page][-1]
        if self._weight is None:
            self._pages[self._page][-1] = (said + text, confidence, groups)
        elif groups:
            groups[-1].append((text, self._weight))
            self._weight = None


def _confidence(key: str, title: str) -> float:
    """A confidence of 0 to 100 from the title of an hOCR element, as 0..1."""
    given = re.search(rf"\b{key} +([^ ;]+)", title)
    try:
        value = float(given[1]) if given else math.nan
    except ValueError:
        value = math.nan
    if not 0 <= value <= 100:
        raise ValueError(f"no confidence of 0 to 100 in {title[:80]!r}")
    return value / 100


def _characters(text: str, confidence: float, groups: list[list[tuple[str, float]]]) -> list[Choices]:
    """The characters of a word (NFC, no direction marks), with choices where Tesseract gave them for each.

    A choice weighs its own confidence times that of the word: noise is read as sure characters in an unsure word.
    """
    letters = [letter for letter in unicodedata.normalize("NFC", text) if letter not in DIRECTION_MARKS]
    groups = [group for group in groups if group]
    if len(groups) != len(letters):
        return [((letter, confidence),) for letter in letters]
    found = []
    for letter, group in zip(letters, groups, strict=True):
        weights: dict[str, float] = {}
        for option, weight in group:
            option_nfc = unicodedata.normalize("NFC", option)
            weights[option_nfc] = max(weights.get(option_nfc, 0.0), weight * confidence)
        own = weights.pop(letter, confidence)
        others = [(option, weight) for option, weight in weights.items() if 0 < weight <= own and len(option) == 1]
        found.append(((letter, own), *sorted(others, key=lambda item: (-item[1], item[0]))))
    return found
