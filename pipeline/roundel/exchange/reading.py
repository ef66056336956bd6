"""Reads Roundel's own exchange format: whole, as it was signed, or not at all."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from pydantic import ValidationError

from roundel.errors import IntegrityError
from roundel.exchange.lines import ADAPTER, MOST_LINE_BYTES, AnyLine, End, Header, KeyframeLine, VideoLine, text_of
from roundel.exchange.model import Attested, Contribution, Rows, Video
from roundel.exchange.signing import is_signed_by
from roundel.exchange.source import Found, Source

MOST_VIDEOS = 100_000


def read_own(source: Source) -> Contribution:
    """The fingerprints of a file in Roundel's format; its signature, if it has one, is right.

    Raises:
        UsageError: if it is no such file, or something stands in it that the format does not know.
        IntegrityError: if bytes were changed, removed or added since it was written, or the signature is wrong.
    """
    reader = _Reader(source)
    digest = hashlib.sha256()
    for number, text in source.lines(MOST_LINE_BYTES):
        line = reader.parse(number, text)
        if isinstance(line, End):
            reader.end(number, line, text, f"sha256:{digest.hexdigest()}")
        elif line is not None:
            reader.take(number, line)
        digest.update(text)
    return reader.result()


class _Reader:
    def __init__(self, source: Source) -> None:
        self._source, self._found = source, Found(source.path)
        self._header: Header | None = None
        self._end: End | None = None
        self._video: tuple[VideoLine, Rows] | None = None
        self._videos: dict[str, Video] = {}

    def parse(self, number: int, text: bytes) -> AnyLine | None:
        """The line; ``None`` if it is none, which is noted."""
        if self._end is not None:
            raise self._altered(f"line {number} follows the line that ends it")
        try:
            line = ADAPTER.validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"][1:])
            self._found.add(number, f"{f'{where}: ' if where else ''}{first['msg']}; ask for the file again")
            return None
        if self._header is None and not isinstance(line, Header):
            self._found.add(number, "the first line is not the header; ask for the file again")
            self._found.stop_if_any()
        return line

    def take(self, number: int, line: AnyLine) -> None:
        """Take up a header, video or keyframe."""
        if isinstance(line, Header):
            if self._header is not None:
                self._found.add(number, "there is a second header; each file has one: import them one by one")
            self._header = line
        elif isinstance(line, VideoLine):
            self._close_video()
            if line.sha256 in self._videos:
                self._found.add(number, f"{line.sha256} is there twice; ask for the file again")
            if len(self._videos) >= MOST_VIDEOS:
                self._found.add(number, f"there are more than {MOST_VIDEOS:,} videos; ask for them in parts")
                self._found.stop_if_any()
            self._video = line, Rows()
        elif isinstance(line, KeyframeLine):
            if self._video is None:
                self._found.add(number, "a keyframe stands before any video; ask for the file again")
                return
            for item in line.hashes:
                self._video[1].add(line.seconds, bytes.fromhex(item.hash[4:]), item.quality, item.form)

    def end(self, number: int, line: End, text: bytes, sha256: str) -> None:
        """Take up the last line, which has to agree with all that stands before it."""
        self._close_video()
        self._end = line
        self._found.stop_if_any()
        assert self._header is not None, "the first line is the header, or reading has ended"
        if line.sha256 != sha256 or text != text_of(line):
            raise self._altered("its bytes are not those that its last line names")
        counted = len(self._videos), sum(len(video.hashes) for video in self._videos.values())
        if counted != (line.videos, line.hashes):
            raise self._altered(f"its last line counts {line.videos} videos and {line.hashes} hashes, not {counted}")
        key = self._header.public_key
        if (key is None) != (line.signature is None):
            raise self._altered("it has a key without a signature, or a signature without a key")
        if key is not None and line.signature is not None and not is_signed_by(key, sha256, line.signature):
            raise self._altered("its signature is not that of the key that it names")

    def result(self) -> Contribution:
        """What was read."""
        self._found.stop_if_any()
        if self._header is None or self._end is None:
            raise self._altered("it is cut short: its last line is missing")
        header = self._header
        return Contribution(
            "roundel",
            self._source.sha256,
            tuple(self._videos.values()),
            header.contributor,
            header.created,
            header.tool,
            header.notes,
            header.licence,
            header.public_key,
        )

    def _close_video(self) -> None:
        if self._video is None:
            return
        line, rows = self._video
        self._video = None
        attested = tuple(Attested(**item.model_dump()) for item in line.attested)
        self._videos[line.sha256] = replace(
            rows.video(line.sha256),
            sha256=line.sha256,
            name=line.name,
            duration_seconds=line.duration_seconds,
            width=line.width,
            height=line.height,
            attested=attested,
        )

    def _altered(self, what: str) -> IntegrityError:
        return IntegrityError(f"{self._source.path}: was altered or damaged: {what}; get it again from its contributor")
