"""Cases that somebody has sent, forged so that their hashes and their chain agree."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from corpus.entry import REPOSITORY, Entry, Place
from corpus.photos import png
from forgery import forged_case, write_log
from roundel import case as cases
from roundel import custody, package

SEED = REPOSITORY / "tests" / "fuzz" / "seeds" / "report.json"
MOST_LINES = 45
Change = Callable[[Path, Path], object]


def seed() -> dict[str, Any]:
    return json.loads(SEED.read_bytes())


def _forged(folder: Path, facts: dict[str, Any], more: dict[str, bytes] | None = None, detections: bytes = b"") -> Path:
    return forged_case(folder, json.dumps(facts).encode(), facts["video"]["sha256"], detections, more)


def packages(place: Place) -> Iterator[Entry]:
    """Packages whose files are not what they should be."""
    kind = "packages of a sent case"
    secret = place.private / "secret.txt"

    def manifest_of(text: str | bytes) -> Change:
        return lambda _, pack: (pack / package.MANIFEST).write_bytes(text if isinstance(text, bytes) else text.encode())

    def replaced(name: str, by: Callable[[Path], object]) -> Change:
        def change(_: Path, pack: Path) -> None:
            (pack / name).unlink()
            by(pack / name)

        return change

    digest, many = "0" * 64, 1_000_000 if place.full else 1000
    changes: dict[str, Change] = {
        "manifest leads out": manifest_of(f"{digest}  ../../../../private/secret.txt\n{digest}  {secret}\n"),
        "manifest of 1,000,000 lines": manifest_of("".join(f"{digest}  f{n}\n" for n in range(many))),
        "manifest of one line of 100 MB": manifest_of(f"{digest}  " + "x" * 100 * many + "\n"),
        "manifest of binary": manifest_of(os.urandom(10_000)),
        "manifest is a pipe": replaced(package.MANIFEST, os.mkfifo),
        "manifest is a link": replaced(package.MANIFEST, lambda path: path.symlink_to(secret)),
        "facts are a pipe": replaced(package.ANALYSIS, os.mkfifo),
        "facts are a link": replaced(package.ANALYSIS, lambda path: path.symlink_to(secret)),
        "facts are a folder": replaced(package.ANALYSIS, Path.mkdir),
        "boxes are a pipe": replaced(package.DETECTIONS, os.mkfifo),
        "boxes are 1 TiB": replaced(package.DETECTIONS, _sparse),
        "a link to a folder": lambda _, pack: (pack / "exhibits").symlink_to(place.private),
        "a link to itself": lambda _, pack: (pack / "exhibits").symlink_to("exhibits"),
        "20,000 files more": lambda _, pack: [(pack / f"f{n}").touch() for n in range(many // 50)],
        "names of nothing but line breaks": lambda _, pack: (pack / "\n\n").touch(),
    }
    for number, (name, change) in enumerate(changes.items()):
        case = _forged(place.folder / f"p{number}", seed())
        change(case, next((case / "videos").glob("*/*")))
        for verb in ("verify", "report"):
            exits = frozenset({3}) if verb == "report" or name != "" else frozenset({0})
            yield Entry(kind, f"{name}: {verb}", (verb, str(case)), exits=exits, lines=MOST_LINES)


def logs(place: Place) -> Iterator[Entry]:
    """Custody logs."""
    kind = "logs of a sent case"
    sha, many = "sha256:" + "0" * 64, 1_000_000 if place.full else 1000

    def log_of(text: bytes) -> Change:
        return lambda case, _: (case / custody.FILE).write_bytes(text)

    def linked(name: str) -> Change:
        def change(case: Path, _: Path) -> None:
            (case / name).unlink()
            (case / name).symlink_to(place.private / "secret.txt")

        return change

    def events(*made: tuple[str, str, dict[str, Any]]) -> Change:
        return lambda case, _: write_log(case, made)

    changes: dict[str, Change] = {
        "deep": log_of(b"[" * many + b"\n"),
        "one line of 100 MB": log_of(b'{"seq": "' + b"x" * 100 * many + b'"}\n'),
        "1,000,000 line breaks": log_of(b"\n" * many),
        "numbers": log_of(b'{"seq": ' + b"9" * 5000 + b"}\n"),
        "binary": log_of(os.urandom(10_000)),
        "log is a link": linked(custody.FILE),
        "head is a link": linked(custody.HEAD),
        "log is a pipe": lambda case, _: ((case / custody.FILE).unlink(), os.mkfifo(case / custody.FILE)),
        "head is a pipe": lambda case, _: ((case / custody.HEAD).unlink(), os.mkfifo(case / custody.HEAD)),
        "log is 1 TiB": lambda case, _: _sparse(case / custody.FILE),
        "names that lead out": events(
            ("received", sha, {"name": "../../x", "path": "/etc/passwd"}),
            ("analysed", "../../../private/secret.txt", {"manifest_sha256": sha}),
            ("claims", "../private/secret.json", {"sha256": sha}),
            ("claims", "/etc/passwd", {"sha256": sha}),
        ),
        "names that are no names": events(
            ("claims", "claims/" + "9" * 5000, {"sha256": sha}), ("analysed", "\0", {}), ("received", "x", {})
        ),
        "100,000 events": events(*(("failed", f"/{n}.mp4", {"message": "x"}) for n in range(many // 10))),
    }
    for number, (name, change) in enumerate(changes.items()):
        case = _forged(place.folder / f"l{number}", seed())
        change(case, next((case / "videos").glob("*/*")))
        for verb in ("verify", "report"):
            yield Entry(kind, f"{name}: {verb}", (verb, str(case)), exits=frozenset({0, 2, 3}), lines=MOST_LINES)
    clip = str(place.clip("case.mp4", "-c:v", "mpeg4"))
    for name, verb in (("log is a pipe", "analyze"), ("log is 1 TiB", "analyze"), ("head is a link", "analyze")):
        case = place.folder / f"l{list(changes).index(name)}"
        yield Entry(kind, f"{name}: {verb}", (verb, clip, "--case", str(case)), exits=frozenset({1, 2, 3}))


def facts(place: Place) -> Iterator[Entry]:
    """Packages that agree with everything and lie."""
    kind = "facts of a sent case"
    evil = "</script><script>alert(1)</script>{{7*7}}\x1b[2J\u202e" + "x" * 300
    lying = json.loads(json.dumps(seed()).replace("clip.mp4", json.dumps(evil)[1:-1]))
    lying["media"]["codec"] = lying["media"]["format_name"] = evil
    lying["media"]["warnings"] = [evil] * 50
    lying["coverage"]["decoder_messages"] = [evil * 100] * 20
    for track in lying["tracks"]:
        for reading in track["readings"]:
            reading["text"] = evil
    yield _reported(kind, "scripts everywhere", _forged(place.folder / "scripts", lying))
    outside = json.loads(json.dumps(seed()).replace("exhibits/", "exhibits/../../../../../../private/"))
    yield _reported(kind, "pictures that lead out", _forged(place.folder / "outside", outside))
    link = _forged(place.folder / "linked", seed())
    exhibits = next((link / "videos").glob("*/*")) / "exhibits"
    exhibits.symlink_to(place.private)
    yield _reported(kind, "exhibits are a link", link, exits=frozenset({3}))
    names = {view["file"] for track in seed()["tracks"] for view in track["views"]}
    bombs = dict.fromkeys(names, png(30_000, 30_000))
    yield _reported(kind, "pictures of 30,000 x 30,000", _forged(place.folder / "bombs", seed(), bombs))
    line = b'{"seconds": 1.72, "boxes": [' + b'{"xyxy": [0,0,1,1], "class": "person"},' * 400_000
    yield _reported(
        kind,
        "boxes of 300 MB in 1 MB",
        _forged(place.folder / "boxes", seed(), detections=line * 20),
        frozenset({3}),
    )
    good = b'{"seconds": 1.72, "boxes": [{"xyxy": [0,0,1,1], "class": "person"}]}\n'
    yield _reported(
        kind, "3,000,000 lines of boxes", _forged(place.folder / "lines", seed(), detections=good * 3_000_000),
        frozenset({0, 3}),
    )  # fmt: skip
    many = seed()
    many["tracks"] *= 3000
    many["shots"] *= 3000
    yield _reported(kind, "12,000 sightings, 20,000 shots", _forged(place.folder / "many", many), frozenset({0, 3}))
    extreme = json.loads(json.dumps(seed()).replace("21.8", "9007199254740991").replace("1.72", "-9007199254740991"))
    yield _reported(kind, "times of 2^53 seconds", _forged(place.folder / "extreme", extreme), frozenset({0, 3}))
    deep = _forged(place.folder / "deep", seed())
    _rewrite(deep, b"[" * 1_000_000)
    yield _reported(kind, "facts nested 1,000,000 deep", deep, frozenset({3}))
    sparse = seed()
    sparse["provenance"]["x"] = "y" * 60_000_000
    yield _reported(kind, "facts of 60 MB", _forged(place.folder / "large", sparse), frozenset({0, 3}))
    yield from _repeated(place, kind)


def _repeated(place: Place, kind: str) -> Iterator[Entry]:
    """Analyses that are to be repeated: what they were made with is a stranger's word."""
    clip = place.clip("case.mp4", "-c:v", "mpeg4")
    from roundel.media.identity import sha256_of
    from roundel.package import analysis_id
    from roundel.types import VideoIdentity

    pwned = place.private / "pwned"
    evil = place.write("evil.sh", f"#!/bin/sh\ntouch '{pwned}'\necho ffmpeg version 5.1\n")
    evil.chmod(0o755)
    settings = {
        "ffmpeg": ("media", "ffmpeg", str(evil)),
        "ffprobe": ("media", "ffprobe", str(evil)),
        "tesseract": ("text", "tesseract", str(evil)),
        "weights": ("detector", "model", str(place.private / "secret.onnx")),
        "checkpoint": ("detector", "model", str(place.private / "secret.pt")),
    }
    for name, (section, key, value) in settings.items():
        data = seed()
        identity = VideoIdentity(sha256_of(clip), clip.stat().st_size, (clip.name,))
        data["video"] = {"sha256": identity.sha256, "size_bytes": identity.size_bytes, "names": [clip.name]}
        data["provenance"]["config"][section][key] = value
        data["exhibits"] = []
        case = place.folder / f"repeat-{name}"
        forged_case(case, json.dumps(data).encode(), identity.sha256)
        pack = next((case / "videos").glob("*/*"))
        target = pack.with_name(analysis_id(identity, data["provenance"]))
        pack.rename(target)
        digest = sha256_of(target / package.MANIFEST)
        where = target.relative_to(case).as_posix()
        received = {"name": clip.name, "path": str(clip), "size_bytes": identity.size_bytes}
        details = {"manifest_sha256": digest, "video": identity.sha256}
        write_log(case, [("received", identity.sha256, received), (cases.ANALYSED, where, details)])
        arguments = ("verify", str(case), "--rerun")
        yield Entry(kind, f"repeat with its own {name}", arguments, exits=frozenset({1}), lines=6, may_read=(clip,))
    case = forged_case(place.folder / "repeat-elsewhere", json.dumps(seed()).encode(), seed()["video"]["sha256"])
    secret = {"name": "x", "path": str(place.private / "secret.txt"), "size_bytes": 1}
    entry = cases.logged(case)
    [(where, event)] = entry.items()
    write_log(
        case, [("received", seed()["video"]["sha256"], secret), (cases.ANALYSED, where, event.details)]
    )  # fmt: skip
    yield Entry(kind, "repeat from a private file", ("verify", str(case), "--rerun"), exits=frozenset({1, 3}), lines=6)


def _reported(kind: str, name: str, case: Path, exits: frozenset[int] = frozenset({0})) -> Entry:
    return Entry(kind, name, ("report", str(case)), exits=exits)


def _rewrite(case: Path, content: bytes) -> None:
    """Other facts in a forged package, with manifest and log that agree."""
    pack = next((case / "videos").glob("*/*"))
    video = f"sha256:{pack.parent.name}"
    shutil.rmtree(case)
    forged_case(case, content, video)


def _sparse(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(2**40)
