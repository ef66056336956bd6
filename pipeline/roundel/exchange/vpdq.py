"""Reads the text files of vPDQ, Meta's hashes of videos: one file a video, one line a frame.

A line is the number of the frame, its quality from 0 to 100, the PDQ hash in 64 hexadecimal digits and the time in
seconds, with commas between them, as the tools of ThreatExchange write and read it (vpdq, io/vpdqio.cpp). Nothing in
the file says which video it is, who made it or when; its own name is all there is.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from roundel.exchange.model import Contribution, Rows
from roundel.exchange.source import Found, Source

MOST_LINE_BYTES: Final = 4096
MOST_SECONDS: Final = 1e7
LOOKS_LIKE: Final = re.compile(rb"\s*[0-9]{1,9} *, *[0-9]{1,3} *, *[0-9a-fA-F]{16,64} *,")
_WHOLE = re.compile(r"[0-9]{1,9}")
_HASH = re.compile(r"[0-9a-fA-F]{64}")
_SECONDS = re.compile(r"[0-9]{1,7}(\.[0-9]{1,20})?(e[+-]?[0-9]{1,3})?")


def read_vpdq(source: Source, name: str) -> Contribution:
    """The fingerprints of one video.

    Args:
        source: the file.
        name: what to call the video, such as the name of the file as it was received.

    Raises:
        FileProblemsError: naming the lines that cannot be what they should be.
    """
    found, rows = Found(source.path), Rows()
    number = 0
    for number, line in source.lines(MOST_LINE_BYTES):
        text = line.decode("utf-8-sig" if number == 1 else "utf-8", "replace").strip()
        if not text:
            continue
        wrong = _problem(text)
        if wrong:
            found.add(number, wrong)
            continue
        _, quality, bits, seconds = (part.strip() for part in text.split(","))
        rows.add(float(seconds), bytes.fromhex(bits), int(quality))
    if not len(rows):
        found.stop_if_any()
        found.add(max(1, number), "there is no hash in the file; give one that vPDQ has written")
    found.stop_if_any()
    return Contribution("vpdq", source.sha256, (replace(rows.video(name), name=name),))


def _problem(text: str) -> str | None:
    """What is wrong with a line, and what to do."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 4:
        return (
            f"{len(parts)} values stand here instead of 4: frame,quality,hash,seconds; hash the video again with vPDQ"
        )
    frame, quality, bits, seconds = parts
    if not _HASH.fullmatch(bits):
        return (
            f"the hash has {len(bits)} characters; a PDQ hash has 64 hexadecimal digits. A program may have cut it: "
            "hash the video again with vPDQ"
        )
    if not _WHOLE.fullmatch(frame) or not _WHOLE.fullmatch(quality) or int(quality) > 100:
        return "the frame has to be a number, and the quality one from 0 to 100; hash the video again with vPDQ"
    if not _SECONDS.fullmatch(seconds) or float(seconds) > MOST_SECONDS:
        return "the time has to be in seconds, such as 12.345; hash the video again with vPDQ"
    return None
