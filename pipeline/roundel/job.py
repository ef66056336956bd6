"""A job: many inputs into one case. What is done is skipped, what fails is recorded, and the others go on."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from roundel import __version__, custody, package
from roundel import case as cases
from roundel.analyze import NO_SPECIALISTS, Progress, analyze_video
from roundel.catalogue import load
from roundel.claims.files.reading import ClaimFile
from roundel.claims.publish import records
from roundel.claims.scene import Scene, footage_of
from roundel.config import Config
from roundel.detect import LoadedDetector
from roundel.disk import lies_within, read_bounded
from roundel.errors import MediaError, RoundelError, StallError, UsageError
from roundel.fingerprint.keyframes import VERSION as FINGERPRINTS
from roundel.media.identity import identify
from roundel.media.nvdec import decoder_name, kept_from
from roundel.media.process import ffmpeg_version
from roundel.record import Analysis, ClaimRecord, to_record
from roundel.specialists import Specialists
from roundel.types import Failure, VideoIdentity, VideoResult

VIDEO_SUFFIXES = frozenset(
    f".{suffix}"
    for line in (
        "3g2 3gp avi divx dv f4v flv gif h264 hevc ivf m2ts m2v m4v mkv mov mp4 mpeg mpg",
        "mts mxf nut obu ogg ogv rm rmvb ts vob webm wmv",
    )
    for suffix in line.split()
)
MOST_LIST_BYTES = 64 * 1024**2
LIST_SUFFIXES = frozenset({".txt", ".lst", ".list"})
LIBRARIES = ("ffmpeg-python", "networkx", "numpy", "pydantic", "scipy", "supervision", "trackers")
OPENCV_DISTRIBUTIONS = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
"""The builds of OpenCV, of which there has to be one."""

CLAIMS = "claims"
"""Key of the hashes of the claim file and the findings files that a package's claims were read from."""

Status = Literal["done", "skipped", "failed"]
Assess = Callable[[Analysis], list[ClaimRecord]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one video. ``analysis`` is missing where there is no package; ``message`` says why."""

    path: Path
    status: Status
    package: Path | None
    analysis: Analysis | None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The files of a job, in order, and what was passed over in given folders.

    ``passed_over`` has no video's name; ``links`` are links that lead out of the folder or nowhere, and what is neither
    file nor folder: whoever has made a folder does not choose which other files are read.
    """

    files: tuple[Path, ...]
    passed_over: tuple[Path, ...]
    links: tuple[Path, ...] = ()


def collect(arguments: Iterable[Path]) -> Inputs:
    """Expand videos, folders (searched for video names, hidden files left out) and lists (one path a line).

    Raises:
        UsageError: if a list cannot be read.
    """
    files: dict[Path, None] = {}
    passed_over: list[Path] = []
    links: list[Path] = []
    for argument in arguments:
        if _is_folder(argument):
            for path in _inside(argument):
                if _leads_out(path, argument):
                    links.append(path)
                elif path.suffix.lower() in VIDEO_SUFFIXES or path.is_dir():
                    files[path] = None
                else:
                    passed_over.append(path)
        elif argument.suffix.lower() in LIST_SUFFIXES and _is_file(argument):
            files.update(dict.fromkeys(argument.parent / line for line in read_list(argument)))
        else:
            files[argument] = None
    return Inputs(tuple(files), tuple(passed_over), tuple(links))


def _inside(folder: Path) -> list[Path]:
    """What lies below a folder without hidden files: no folders but links and those that may not be read; sorted."""
    found: list[Path] = []

    def note(error: OSError) -> None:
        found.append(Path(str(error.filename)))

    for place, folders, names in os.walk(folder, onerror=note):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found.extend(Path(place, name) for name in names if not name.startswith("."))
        found.extend(Path(place, name) for name in folders if Path(place, name).is_symlink())
    return sorted(found)


def _leads_out(path: Path, folder: Path) -> bool:
    """Whether what was found in a folder is no file of it: a link to elsewhere or to a folder, a pipe or a device."""
    if not path.is_symlink():
        return not (path.is_file() or path.is_dir())
    return not path.is_file() or not lies_within(path, folder)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # such as a name that is too long: identify() says what is wrong
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def read_list(path: Path) -> Iterator[str]:
    """The entries of a list, one a line, without comments.

    Raises:
        UsageError: if it cannot be read.
    """
    try:
        lines = read_bounded(path, MOST_LIST_BYTES).decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(
            f"{path}: cannot be read as a list of paths ({reason}); write one path a line, in UTF-8"
        ) from error
    for line in lines:
        if line.strip() and not line.startswith("#"):
            yield line.strip()


def _builds_of_opencv() -> Iterator[str]:
    for name in OPENCV_DISTRIBUTIONS:
        with contextlib.suppress(PackageNotFoundError):
            version(name)
            yield name


def provenance(config: Config, loaded: LoadedDetector, specialists: Specialists = NO_SPECIALISTS) -> dict[str, object]:
    """Everything that determines a result, besides the video: it names the analysis and is written into it.

    Raises:
        MissingProgramError: if decoding on a GPU is asked for and cannot be had.
    """
    return {
        "tool_version": __version__,
        **loaded.provenance,
        **specialists.provenance,
        "config_sha256": config.sha256,
        "config": config.model_dump(mode="json"),
        "decoder": decoder_name(config.media),
        "ffmpeg_version": ffmpeg_version(config.media.ffmpeg),
        "tracker": "ByteTrack",
        "fingerprints": FINGERPRINTS,
        "libraries": {name: version(name) for name in sorted((*LIBRARIES, *_builds_of_opencv()))},
        "python_version": platform.python_version(),
        "machine": platform.machine(),
    }


@dataclass(frozen=True, slots=True)
class _Job:
    case: Path
    config: Config
    loaded: LoadedDetector
    specialists: Specialists
    made_with: dict[str, object]
    noted: dict[str, custody.Event]
    """The packages that the custody log mentions, by their place in the case."""
    assess: Assess | None = None

    def event_of(self, name: str) -> custody.Event | None:
        """The event of a package, also if another run wrote it meanwhile."""
        if name not in self.noted:
            self.noted.update(cases.logged(self.case))
        return self.noted.get(name)


def run(
    inputs: Iterable[Path],
    case: Path,
    config: Config,
    loaded: LoadedDetector,
    progress: Callable[[Path], Progress] | None = None,
    specialists: Specialists = NO_SPECIALISTS,
    claims: ClaimFile | None = None,
) -> Iterator[Outcome]:
    """Analyse the inputs one after the other; yields the outcome of each. The same bytes are analysed once.

    ``claims`` are held against each video by itself, and the package holds what came of it.

    Raises:
        UsageError: if another run is at work in the case.
    """
    with cases.at_work(case):
        package.remove_left_overs(case / cases.VIDEOS)
        made_with = provenance(config, loaded, specialists)
        assess = None
        if claims is not None:
            made_with[CLAIMS] = [claims.sha256, *(item.sha256 for item in claims.files)]
            assess = partial(_assessed, claims)
        job = _Job(case, config, loaded, specialists, made_with, cases.logged(case), assess)
        received = (event for event in custody.read(case) if event.event == "received")
        known = {(event.subject, event.details.get("path")) for event in received}
        for path in inputs:
            yield _take(job, path, known, progress)


def _take(
    job: _Job, path: Path, known: set[tuple[str, object]], progress: Callable[[Path], Progress] | None
) -> Outcome:
    try:
        identity = identify(path, job.config.media.max_bytes)
    except MediaError as error:
        custody.append(job.case, "failed", str(path), {"kind": type(error).__name__, "message": str(error)})
        return Outcome(path, "failed", None, None, str(error))
    identity = replace(identity, names=tuple(map(readable, identity.names)))
    if (identity.sha256, str(path.absolute())) not in known:
        details = {"name": path.name, "path": str(path.absolute()), "size_bytes": identity.size_bytes}
        custody.append(job.case, "received", identity.sha256, details)
    return _analyze_one(job, path, identity, progress)


def readable(name: str) -> str:
    """A file name as text: bytes that are none are shown as escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _analyze_one(
    job: _Job, path: Path, identity: VideoIdentity, progress: Callable[[Path], Progress] | None
) -> Outcome:
    target = package.location(job.case, identity.sha256, package.analysis_id(identity, job.made_with))
    name = target.relative_to(job.case).as_posix()
    if target.is_dir() and (event := job.event_of(name)):
        return _done_before(path, target, event, job.case)
    writer, show = package.PackageWriter(target), progress(path) if progress else None
    try:
        analysis, manifest_sha256 = analyze_into(
            writer, path, identity, job.config, job.loaded, job.made_with, show, job.specialists, job.assess
        )
    except MediaError as error:
        return _note_failure(job, path, identity, type(error).__name__, str(error))
    except (RoundelError, OSError, MemoryError):
        raise
    except Exception as error:
        message = (
            f"{path}: unexpected {type(error).__name__}: {error}. The others go on. Please report this with the file."
        )
        return _note_failure(job, path, identity, type(error).__name__, message)
    kept = kept_from(job.config.media)
    details = {"manifest_sha256": manifest_sha256, "video": identity.sha256, cases.PROTECTIONS: kept}
    custody.append(job.case, cases.ANALYSED, name, details)
    message = analysis.failure.message if analysis.failure else ""
    return Outcome(path, "failed" if analysis.failure else "done", target, analysis, message)


def _note_failure(job: _Job, path: Path, identity: VideoIdentity, kind: str, message: str) -> Outcome:
    custody.append(job.case, "failed", identity.sha256, {"kind": kind, "message": message})
    return Outcome(path, "failed", None, None, message)


def _done_before(path: Path, target: Path, event: custody.Event, case: Path) -> Outcome:
    broken = package.problems(target)
    if not broken and not cases.agrees(target, event):
        broken = [f"{target / package.MANIFEST}: was changed"]
    if broken:
        return Outcome(path, "failed", target, None, f"{broken[0]}; nothing was analysed; run roundel verify {case}")
    analysis = package.read_analysis(target)
    if analysis.failure is not None:
        return Outcome(path, "failed", target, analysis, analysis.failure.message)
    return Outcome(path, "skipped", target, analysis, "done before")


def analyze_into(
    writer: package.PackageWriter,
    path: Path,
    identity: VideoIdentity,
    config: Config,
    loaded: LoadedDetector,
    made_with: dict[str, object],
    progress: Progress | None = None,
    specialists: Specialists = NO_SPECIALISTS,
    assess: Assess | None = None,
) -> tuple[Analysis, str]:
    """Analyse a video into a package. A file that cannot be read gives a package that says so.

    ``assess`` gives the claims that the package holds, from the facts.

    Returns:
        The facts and the hash of the manifest.

    Raises:
        MediaError: if the machine was in the way or the file changed or went away; nothing is kept then, and another
            try may succeed.
    """
    try:
        try:
            result = analyze_video(
                path,
                identity,
                config,
                loaded,
                writer,
                made_with,
                progress,
                specialists,
                writer.keyframe,
                partial(writer.footage, identity.sha256),
            )
        except StallError:
            raise
        except MediaError as error:
            failure = Failure(type(error).__name__, str(error).replace(str(path), identity.names[0]))
            result = VideoResult(identity, None, None, 0, made_with, failure=failure)
        _check_unchanged(path, identity)
        analysis = to_record(result, loaded.detector.classes)
        if assess is not None:
            analysis = analysis.model_copy(update={"claims": assess(analysis)})
        return analysis, writer.commit(analysis)
    except BaseException:
        writer.discard()
        raise


def _assessed(claims: ClaimFile, analysis: Analysis) -> list[ClaimRecord]:
    return records(claims.claims, Scene(load(), (footage_of(analysis),), claims.findings))


def _check_unchanged(path: Path, identity: VideoIdentity) -> None:
    if identify(path).sha256 != identity.sha256:
        raise StallError(
            f"{path}: changed while it was analysed; copy it to a place where nobody writes to it and run again"
        )
