"""What a page of claims is made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from roundel.catalogue.model import Source
from roundel.record import ClaimRecord
from roundel.report.pictures import Picture

Pictures = Callable[[str, str], Picture | None]
"""The picture of an exhibit, by the hash of its video and its file within the package; ``None`` if there is none."""


def no_pictures(video: str, file: str) -> Picture | None:
    """A lookup where there are no pictures."""
    return None


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that claims or findings came from; ``what``: "Claim file" or "Findings"."""

    what: str
    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ExaminedVideo:
    """A video that was looked at. ``coverage``: how much of it, in words.

    ``package``: its folder as seen from the page, so that exhibits can be linked; empty if the page lies elsewhere.
    ``analysed``: whether the program could look at it at all.
    """

    name: str
    sha256: str
    coverage: str
    package: str = ""
    analysed: bool = True


@dataclass(frozen=True, slots=True)
class ClaimsSheet:
    """All that a page of claims is made from.

    Attributes:
        title: of the page.
        records: the claims in the order of their file.
        files: where claims and findings came from.
        videos: what was examined; none if no footage was.
        model: which detector looked at it; empty without footage.
        validation: how the detector was tested; empty if it was not.
        made: program, version and, if it is to be stated, time.
        sources: the catalogue's sources by code.
        notices: what must be printed with the page; that of the register is added where it is cited.
        pictures: finds the picture of an exhibit.
        about: an introduction by the author of the claim file; an empty line starts a paragraph.
    """

    title: str
    records: tuple[ClaimRecord, ...]
    files: tuple[InputFile, ...]
    videos: tuple[ExaminedVideo, ...]
    model: str
    validation: str
    made: str
    sources: Mapping[str, Source]
    notices: tuple[str, ...] = ()
    pictures: Pictures = no_pictures
    about: str = ""

    @property
    def seen(self) -> tuple[ExaminedVideo, ...]:
        """The videos that the program looked at."""
        return tuple(video for video in self.videos if video.analysed)
