"""Tesseract as a child: what is missing is said, what hangs is ended, and its output is taken apart."""

from __future__ import annotations

import os
import shlex
import signal
import stat
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from roundel.config import TextConfig, load
from roundel.errors import MissingProgramError, StallError, UsageError
from roundel.specialists import load_specialists
from roundel.text import load_reader, tesseract
from roundel.text.tesseract import Raw, Tesseract, _Hocr, as_tiff

HOCR = """<?xml version="1.0"?><html><body><div class='ocr_page' title='image "a"; ppageno 0'>
<span class='ocr_line' title="bbox 0 0 9 9"><span class='ocrx_word' title='bbox 0 0 9 9; x_wconf 50'>2&amp;
<span class='ocrx_cinfo' id='lstm_choices_1_1_1'><span class='ocrx_cinfo' title='x_confs 90'>2</span>
<span class='ocrx_cinfo' title='x_confs 40'>Z</span><span class='ocrx_cinfo' title='x_confs 0'>7</span></span>
<span class='ocrx_cinfo' id='lstm_choices_1_1_2'><span class='ocrx_cinfo' title='x_confs 80'>&amp;</span></span></span>
<span class='ocrx_word' title='bbox 0 0 9 9; x_wconf 70'>&#39;b\u200e</span></span></div>
<div class='ocr_page' title='image "b"; ppageno 1'></div></body></html>"""


def script(folder: Path, body: str) -> str:
    path = folder / "fake-tesseract"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_words_and_choices_are_taken_out_of_hocr() -> None:
    parser = _Hocr()
    parser.feed(HOCR)
    raw = parser.page(0)
    assert raw.text == "2& 'b"
    assert raw.characters[0] == (("2", 0.45), ("Z", 0.2))
    assert raw.characters[3] == (("'", 0.7),)
    assert parser.page(1) == Raw() == parser.page(2)
    assert Raw().confidence == 0


def test_a_missing_program_turns_reading_off_and_the_result_says_so() -> None:
    config = TextConfig(tesseract="no-such-tesseract")
    assert load_reader(config) == (None, {"text_reader": "off: no-such-tesseract is not installed"})
    assert load_reader(TextConfig(engine="off")) == (None, {"text_reader": "off"})
    with pytest.raises(
        UsageError, match=r"text\.engine is 'tesseract', but no-such-tesseract is not installed.*apt-get"
    ):
        load_reader(TextConfig(engine="tesseract", tesseract="no-such-tesseract"))


def test_the_specialists_carry_the_reader(tmp_path: Path) -> None:
    fake = script(tmp_path, 'case $1 in --version) echo "tesseract v5.9.1";; *) echo head; echo eng; echo osd;; esac')
    found = load_specialists(load(flags={"text": {"tesseract": fake}, "types": {"engine": "off"}}))
    assert found.reader is not None
    assert found.provenance["text_reader"] == "tesseract 5.9.1"
    assert found.provenance["text_languages"] == ["eng"]
    assert found.provenance["text_languages_not_installed"] == ["rus", "ukr", "ara", "fas"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('echo "tesseract 4.1.1"', "is too old: version 5 or newer"),
        ("echo hello", "of no known version is too old"),
        (
            'case $1 in --version) echo "tesseract 5.3.0";; *) echo head; echo deu;; esac',
            "has none of the languages eng",
        ),
    ],
)
def test_an_unfit_program_is_refused(tmp_path: Path, body: str, says: str) -> None:
    with pytest.raises(MissingProgramError, match=says):
        Tesseract(script(tmp_path, body), ("eng",))


@pytest.mark.parametrize(
    ("body", "says"), [("sleep 60", "did not read within"), ("echo no >&2; exit 3", r"failed with status 3 \(no\)")]
)
def test_a_run_that_hangs_or_fails_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, says: str
) -> None:
    monkeypatch.setattr(tesseract, "SECONDS_TO_START", 0.3)
    monkeypatch.setattr(tesseract, "SECONDS_PER_LINE", 0.0)
    start = 'case $1 in --version) echo "tesseract 5.3.0"; exit;; --list-langs) echo head; echo eng; exit;; esac'
    engine = Tesseract(script(tmp_path, f"{start}\n{body}"), ("eng",))
    with pytest.raises(StallError, match=says):
        engine.read([np.full((20, 40), 255, np.uint8)], "eng")


START = 'case $1 in --version) echo "tesseract 5.3.0"; exit;; --list-langs) echo head; echo eng; exit;; esac'
PAGE = "<div class='ocr_page'><span class='ocrx_word' title='x_wconf {}'>A</span></div>"
LINE = np.full((20, 40), 255, np.uint8)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("", "answered for 0 of 2 pictures and reported no error; run again or install Tesseract again"),
        ("no hOCR at all", "answered for 0 of 2 pictures"),
        (PAGE.format(90), "answered for 1 of 2 pictures"),
        (3 * PAGE.format(90), "answered for 3 of 2 pictures"),
        *(
            (2 * PAGE.format(bad), f"an answer that is not Tesseract's .*'x_wconf {bad}'")
            for bad in ("1.2.3", "500", "-1", "nan", "")
        ),
        (
            PAGE.format(90) + PAGE.format(90).replace("A", "<i class='ocrx_cinfo' title='x_confs 101'>A</i>"),
            "x_confs 101",
        ),
    ],
)
def test_an_answer_that_is_none_is_an_error_and_not_silence(tmp_path: Path, answer: str, says: str) -> None:
    engine = Tesseract(script(tmp_path, f"{START}\nprintf %s {shlex.quote(answer)}"), ("eng",))
    with pytest.raises(StallError, match=says):
        engine.read([LINE, LINE], "eng")


def test_a_program_that_went_away_is_an_error(tmp_path: Path) -> None:
    fake = script(tmp_path, START)
    engine = Tesseract(fake, ("eng",))
    Path(fake).unlink()
    with pytest.raises(
        StallError, match=r"fake-tesseract: cannot be run in the sandbox \(.*not found\).*nothing can be read"
    ):
        engine.read([LINE], "eng")


def test_a_folder_and_a_program_with_strange_words_are_no_tesseract(tmp_path: Path) -> None:
    with pytest.raises(MissingProgramError, match=f"{tmp_path} is no program"):
        Tesseract(str(tmp_path), ("eng",))
    with pytest.raises(MissingProgramError, match="of no known version is too old"):
        Tesseract(script(tmp_path, r"printf '\377\376 5.3.0'"), ("eng",))


@pytest.mark.parametrize("interrupted", [False, True])
def test_nothing_is_left_of_a_run_that_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupted: bool
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    nap = f"8{os.getpid():07d}{int(interrupted)}"  # seconds that no other process sleeps
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setattr(tesseract, "SECONDS_TO_START", 60.0 if interrupted else 1.0)
    monkeypatch.setattr(tesseract, "SECONDS_PER_LINE", 0.0)
    engine = Tesseract(script(tmp_path, f"{START}\nsleep {nap} & wait"), ("eng",))
    ran: list[bool] = []
    watcher = threading.Timer(0.7, lambda: ran.append(is_running(nap)))
    watcher.start()
    if interrupted:
        before = signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, 1.0)
    try:
        with pytest.raises(KeyboardInterrupt if interrupted else StallError):
            engine.read([LINE], "eng")
    finally:
        if interrupted:
            signal.signal(signal.SIGALRM, before)
        watcher.join()
    assert ran == [True]
    assert list(scratch.iterdir()) == []
    end = time.monotonic() + 5
    while is_running(nap) and time.monotonic() < end:
        time.sleep(0.05)
    assert not is_running(nap)


def is_running(word: str) -> bool:
    """Whether some process has this word on its command line."""
    listed = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=True).stdout
    return any(word in line.split() for line in listed.splitlines())


def test_the_pages_of_the_tiff_are_the_pictures() -> None:
    rng = np.random.default_rng(5)
    pictures = [rng.integers(0, 256, (height, width), np.uint8) for height, width in ((7, 5), (48, 301), (1, 1))]
    read, pages = cv2.imdecodemulti(np.frombuffer(as_tiff(pictures), np.uint8), cv2.IMREAD_UNCHANGED)
    assert read
    assert len(pages) == len(pictures)
    assert all(np.array_equal(page, picture) for page, picture in zip(pages, pictures, strict=True))


def test_lines_are_read_in_order_with_alternatives() -> None:
    engine = installed()
    pictures = []
    for text in ("2357", "5140"):
        picture = np.full((64, 170), 255, np.uint8)
        cv2.putText(picture, text, (8, 52), cv2.FONT_HERSHEY_SIMPLEX, 1.9, 0, 4)
        pictures.append(picture)
    first, second = engine.read(pictures, "eng")
    assert (first.text, second.text) == ("2357", "5140")
    assert all(0 < choices[0][1] <= 1 for choices in first.characters)
    assert engine.read([], "eng") == []
    assert engine.read(pictures, "eng") == [first, second]


def installed() -> Tesseract:
    """The installed Tesseract. Its absence is a failure: `make setup` installs it."""
    try:
        return Tesseract("tesseract", ("eng", "rus", "ukr", "ara", "fas"))
    except MissingProgramError as error:
        pytest.fail(f"the tests of reading need Tesseract, which 'make setup' installs: {error}")
