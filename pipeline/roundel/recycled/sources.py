"""The videos that are compared: of a case as its custody log knows them, or a file that is in no case."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from roundel import case as cases
from roundel import custody, package
from roundel.config import MediaConfig
from roundel.errors import IntegrityError, MediaError
from roundel.fingerprint.storage import FINGERPRINTS, STILLS, StillReader, read_keyframes
from roundel.matching.footage import Footage, from_video
from roundel.media.identity import identify, sha256_of
from roundel.record import MatchedVideo

COMPARED = (FINGERPRINTS, STILLS, package.ANALYSIS, package.DETECTIONS)
"""The files of a package that a match rests on."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One video with its footage, whose name is the hash of the video. ``folder``: its package, if it has one."""

    video: MatchedVideo
    footage: Footage
    folder: Path | None = None

    @property
    def sha256(self) -> str:
        """Hash of the video."""
        return self.video.sha256


class CaseVideos:
    """The videos of a case, each by its latest analysis, in the order in which they came into it.

    ``by_video`` has the package of each by the hash of the video. ``left_out`` are packages that do not agree with the
    custody log, or that it does not mention.
    """

    def __init__(self, case: Path) -> None:
        """Read the custody log of a case.

        Raises:
            UsageError: if the folder is no case.
            IntegrityError: if the log is damaged, or links are in the case.
        """
        self.case = cases.require(case)
        self.name = case.resolve().name
        self._noted = cases.logged(case)
        self._order: dict[str, int] = {}
        for event in custody.read(case):
            if event.event == "received":
                self._order.setdefault(event.subject, event.seq)
        self._names = cases.names(case)
        present = {path.relative_to(case).as_posix(): path for path in cases.packages(case)}
        agreed = {name for name, path in present.items() if self._agrees(name, path)}
        self.left_out = tuple(sorted(present.keys() - agreed))
        newest: dict[str, str] = {}
        for name in sorted(agreed, key=lambda name: self._noted[name].seq):
            newest[_video_of(name)] = name
        self.by_video = {video: newest[video] for video in sorted(newest, key=lambda item: (self.received(item), item))}
        self.packages = tuple(self.by_video.values())

    def _agrees(self, name: str, path: Path) -> bool:
        manifest = path / package.MANIFEST
        return name in self._noted and manifest.is_file() and cases.agrees(path, self._noted[name])

    def received(self, sha256: str) -> int:
        """The number of the event by which a video first came into the case."""
        return self._order.get(sha256, -1)

    def names(self, sha256: str) -> tuple[str, ...]:
        """The names under which a video was received."""
        return tuple(self._names.get(sha256, ()))

    def described(self, name: str) -> MatchedVideo:
        """What a match says of a package of this case."""
        sha256 = _video_of(name)
        return MatchedVideo(
            sha256=sha256,
            names=list(self.names(sha256)) or [sha256],
            case=self.name,
            package=name,
            manifest_sha256=package.manifest_sha256(self.case / name),
        )

    def has_fingerprints(self, name: str) -> bool:
        """Whether a package holds anything to compare; packages of early versions do not."""
        return (self.case / name / FINGERPRINTS).is_file()

    @contextmanager
    def opened(self, name: str) -> Iterator[Source]:
        """A video by its package, as long as the pictures are needed.

        Raises:
            IntegrityError: if what is compared of it is not as it was written.
        """
        folder = self.case / name
        for file in COMPARED:
            if not package.agrees(folder, file):
                check = f"roundel verify {shlex.quote(str(self.case))}"
                raise IntegrityError(
                    f"{folder / file}: was changed; nothing is compared with changed evidence: {check}"
                )
        with StillReader(folder) as stills:
            footage = Footage(_video_of(name), read_keyframes(folder), stills)
            yield Source(self.described(name), footage, folder)


def from_file(path: Path, config: MediaConfig) -> Source:
    """A video file that is in no case; its pictures are held in memory.

    Raises:
        MediaError: if it cannot be read as video, or changed meanwhile.
    """
    identity = identify(path, config.max_bytes)
    footage = from_video(path, config, identity.sha256)
    if sha256_of(path) != identity.sha256:
        raise MediaError(f"{path}: changed while it was read; copy it to a place where nobody writes to it")
    names = [name.encode("utf-8", "backslashreplace").decode() for name in identity.names]
    video = MatchedVideo(sha256=identity.sha256, names=names, case="", package="", manifest_sha256=None)
    return Source(video, footage)


def _video_of(package_name: str) -> str:
    """The hash of the video of a package, which is the name of the folder that it lies in."""
    return f"sha256:{package_name.split('/')[-2]}"
