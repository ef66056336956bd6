"""Repeat analyses and compare them with their packages, byte for byte."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from roundel import case as cases
from roundel import custody, job, package
from roundel.config import Config, load
from roundel.detect import load_detector
from roundel.detect.weights import registered
from roundel.errors import IntegrityError, RoundelError, UsageError
from roundel.media.identity import sha256_of
from roundel.record import Analysis
from roundel.specialists import load_specialists
from roundel.types import VideoIdentity
from roundel.words import shorten

GALLERIES = frozenset({"identifier_galleries", "identifier_added"})
"""What a result says about the galleries of types it was made with."""


CHOSEN_HERE = (("media", "ffmpeg"), ("media", "ffprobe"), ("text", "tesseract"), ("detector", "model"))
"""Settings that name a program or weights. A case may come from a stranger: it does not choose what is run here."""

MOST_SAID = 120
"""Characters of a setting that are printed when it differs."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """What came of repeating one analysis. ``details`` say what differs, or why it was not repeated."""

    package: Path
    status: Literal["same", "different", "not repeated"]
    details: list[str]


def rerun_case(case: Path, videos: Sequence[Path], scratch: Path) -> Iterator[Repetition]:
    """Repeat every analysis of a case.

    Args:
        case: the case.
        videos: where videos lie now, if they are not where they were received.
        scratch: an empty folder for the repeated packages.
    """
    places: dict[str, list[Path]] = {}
    for event in custody.read(case):
        if event.event == "received":
            places.setdefault(event.subject, []).append(Path(str(event.details.get("path", ""))))
    for video in videos:
        if video.is_file():
            places.setdefault(sha256_of(video), []).insert(0, video)
    for folder in cases.packages(case):
        try:
            yield _repeat(folder, case, places, scratch)
        except IntegrityError as error:
            yield Repetition(folder, "different", [str(error)])
        except RoundelError as error:
            yield Repetition(folder, "not repeated", [str(error)])
        shutil.rmtree(scratch / folder.name, ignore_errors=True)


def _repeat(folder: Path, case: Path, places: dict[str, list[Path]], scratch: Path) -> Repetition:
    recorded = package.read_analysis(folder)
    sha256 = recorded.video.sha256
    identity = VideoIdentity(sha256, recorded.video.size_bytes, tuple(recorded.video.names))
    named = package.analysis_id(identity, recorded.provenance)
    if (folder.parent.name, folder.name) != (sha256.removeprefix("sha256:"), named):
        raise IntegrityError(f"{folder}: the analysis in it does not belong into a folder of this name: it was changed")
    video = next((path for path in places.get(sha256, []) if _is_video(path, identity)), None)
    if video is None:
        raise UsageError(
            f"{folder}: the video {shorten(', '.join(recorded.video.names))} is not where it was; "
            "give its place with --video PATH"
        )
    try:
        config = Config.from_values(recorded.provenance["config"])
    except (ValidationError, KeyError, AttributeError) as error:
        raise UsageError(
            f"{folder}: was made with settings of another version; results can only be compared with the same one"
        ) from error
    _require_own_choice(folder, config)
    loaded = load_detector(config.detector)
    specialists = load_specialists(config, case)
    made_with = job.provenance(config, loaded, specialists)
    if job.CLAIMS in recorded.provenance:  # what became of claims is repeated by `roundel claims check`
        made_with[job.CLAIMS] = recorded.provenance[job.CLAIMS]
    if made_with != recorded.provenance:
        raise UsageError(f"{folder}: {_difference(recorded, made_with)}")
    writer = package.PackageWriter(scratch / folder.name)
    job.analyze_into(
        writer,
        video,
        identity,
        config,
        loaded,
        made_with,
        specialists=specialists,
        assess=lambda _: list(recorded.claims),
    )
    before, after = dict(package.files(folder)), dict(package.files(scratch / folder.name))
    differing = [
        f"{folder / name}: the repeated analysis gives something else"
        for name in sorted(before.keys() | after.keys())
        if name not in before or name not in after or before[name].read_bytes() != after[name].read_bytes()
    ]
    return Repetition(folder, "different" if differing else "same", differing)


def _is_video(path: Path, identity: VideoIdentity) -> bool:
    """Whether the video lies there. A file of another size is not read: the case chose the path."""
    try:
        return path.is_file() and path.stat().st_size == identity.size_bytes and sha256_of(path) == identity.sha256
    except OSError:
        return False


def _require_own_choice(folder: Path, config: Config) -> None:
    """Refuse to run a program or to load weights only because a package names them."""
    own, usual = load(), Config.from_values({name: {} for name in Config.model_fields})
    for section, key in CHOSEN_HERE:
        wanted, *known = (getattr(getattr(settings, section), key) for settings in (config, own, usual))
        if wanted not in known and not (key == "model" and wanted in registered()):
            variable = f"ROUNDEL_{section}__{key}".upper()
            raise UsageError(
                f"{folder}: was made with {section}.{key} = {shorten(wanted, MOST_SAID)}, and a case does not choose "
                f"what is run here; if you trust that file, set {variable} to it and repeat"
            )


def _difference(recorded: Analysis, made_with: dict[str, object]) -> str:
    keys = sorted({*recorded.provenance, *made_with})
    differing = [key for key in keys if recorded.provenance.get(key) != made_with.get(key)]
    said = []
    if not GALLERIES.isdisjoint(differing):
        said.append(
            "the gallery of types, the user's or the case's, has changed since; to repeat this analysis, put the "
            "gallery back as it was; to use the new one, analyse the video again"
        )
    others = [
        f"{key} {shorten(str(recorded.provenance.get(key)), MOST_SAID)}" for key in differing if key not in GALLERIES
    ]
    if others:
        said.append(f"was made with {', '.join(others)}; results can only be compared with the same versions")
    return "; ".join(said)
