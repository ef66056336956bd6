"""One function for each reader of strangers' files: bytes in, and nothing but a RoundelError may come out.

A target gets the bytes and a scratch folder that is its own. ``run.py`` calls it with inputs that it makes up, guided
by coverage; ``test_corpus.py`` with those that were kept. A new reader is one more entry in ``TARGETS``.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from forgery import chained, forged_case
from roundel import case as cases
from roundel import config, custody, package
from roundel.catalogue import checking, load, reading, sipri
from roundel.claims.files.names import CatalogueNames
from roundel.claims.files.reading import read_claims
from roundel.detect.mapping import read_mapping
from roundel.errors import RoundelError
from roundel.exchange.candidates import hash_candidates
from roundel.exchange.source import open_source
from roundel.exchange.store import read
from roundel.identify import gallery
from roundel.media.probe import media_info
from roundel.report import render_case

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "models" / "roundel_models" / "catalogue"
GOOD = ROOT / "tests" / "claims" / "good"
CORPUS = Path(__file__).parent / "corpus"
CLAIM = b'schema_version: "1"\nfindings: %s\nclaims:\n  - id: a\n    text: t\n    by: b\n    subject: aircraft\n'


@dataclass(frozen=True)
class Target:
    """A reader. ``seeds`` are good inputs to start from; ``is_json``: inputs are changed as trees, not as bytes."""

    read: Callable[[bytes, Path], object]
    seeds: Callable[[], Iterator[bytes]]
    is_json: bool = False


def _probe(data: bytes, folder: Path) -> object:
    return media_info(data, folder / "clip.mp4", config.MediaConfig())


def _probe_seeds() -> Iterator[bytes]:
    stream = {
        "index": 0, "codec_name": "h264", "codec_type": "video", "width": 854, "height": 480, "pix_fmt": "yuv420p",
        "sample_aspect_ratio": "1:1", "color_range": "tv", "color_space": "bt709", "color_transfer": "smpte2084",
        "color_primaries": "bt709", "field_order": "tt", "r_frame_rate": "25/1", "avg_frame_rate": "30000/1001",
        "time_base": "1/12800", "start_time": "0.000000", "duration": "21.800000", "nb_frames": "545",
        "disposition": {"default": 1, "attached_pic": 0}, "tags": {"DURATION": "00:00:21.800000000"},
        "side_data_list": [{"rotation": -90}],
    }  # fmt: skip
    for kind in ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "mpegts"):
        container = {"format_name": kind, "duration": "21.800000", "start_time": "1.400000"}
        yield json.dumps({"streams": [stream, {"index": 1, "codec_type": "audio"}], "format": container}).encode()


def _claims(data: bytes, folder: Path) -> object:
    file = folder / "claims.yaml"
    file.write_bytes(data)
    return read_claims(file, CatalogueNames(load()))


def _findings(name: str) -> Callable[[bytes, Path], object]:
    def read(data: bytes, folder: Path) -> object:
        file = folder / "claims.yaml"
        file.write_bytes(CLAIM % name.encode())
        (folder / name).write_bytes(data)
        return read_claims(file, CatalogueNames(load()))

    return read


def _claim_files() -> Iterator[bytes]:
    """Claim files as they are, and without the findings files that they name, which do not lie beside them here."""
    for path in (GOOD / "full.yaml", ROOT / "examples" / "tabqa_2014" / "claims.yaml"):
        yield path.read_bytes()
        yield re.sub(rb"(?m)^findings:.*\n", b"", path.read_bytes())


def _files(*paths: Path) -> Callable[[], Iterator[bytes]]:
    return lambda: (path.read_bytes() for path in paths)


def _export(data: bytes, folder: Path) -> object:
    file, rows = folder / "export.csv", folder / "sipri.csv"
    file.write_bytes(data)
    rows.unlink(missing_ok=True)
    sipri.write(sipri.read_export(file, load()), file.name, rows, folder / "NOTICE.md")
    return reading.read_rows(rows, "sipri.csv")  # what was written has to be readable again


def _export_seeds() -> Iterator[bytes]:
    import catalogue_exports

    return (text.encode() for text in (catalogue_exports.OLD, catalogue_exports.NEW))


def _head(path: Path, lines: int) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines(keepends=True)[:lines]


def _catalogue(name: str) -> Callable[[bytes, Path], object]:
    """A catalogue with one file of a stranger's: its check has to say what is wrong in it."""

    def read(data: bytes, folder: Path) -> object:
        place = folder / "catalogue"
        if not place.is_dir():
            place.mkdir()
            shutil.copyfile(CATALOGUE / "classes.toml", place / "classes.toml")
            for own, lines in (("states.toml", 40), ("sources.csv", 12), ("holdings.csv", 1)):
                (place / own).write_text("".join(_head(CATALOGUE / own, lines)), encoding="utf-8")
            (place / "types").mkdir()
            (place / "transfers").mkdir()
        (place / name).write_bytes(data)
        found = list(checking.problems(place))
        return load(place) if not found or name.startswith("types") else None

    return read


def _package(data: bytes, folder: Path) -> object:
    """A package whose manifest is a stranger's."""
    place = folder / "package"
    (place / "exhibits").mkdir(parents=True, exist_ok=True)
    for name in ("analysis.json", "exhibits/a.png"):
        (place / name).write_bytes(b"x")
    (place / package.MANIFEST).write_bytes(data)
    return package.problems(place)


def _package_seeds() -> Iterator[bytes]:
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"  # of "x"
    yield f"{digest}  analysis.json\n{digest}  exhibits/a.png\n".encode()
    yield f"{digest}  ../../secret\n{digest}  /etc/hostname\n".encode()


def _log(data: bytes, folder: Path) -> object:
    """A custody log and its head, which stands in the last line."""
    log, _, head = data.rpartition(b"\n---\n")
    (folder / custody.FILE).write_bytes(log)
    (folder / custody.HEAD).write_bytes(head)
    (folder / cases.VIDEOS).mkdir(exist_ok=True)
    problems = list(cases.problems(folder))
    return problems, custody.append(folder, "note", "fuzz")


def _events(data: bytes, folder: Path) -> object:
    """The events of a forged log, as the readers of a case take them up."""
    try:
        events = [(str(event), str(subject), dict(details)) for event, subject, details in json.loads(data)]
        log, head = chained(events)
    except (ValueError, TypeError, RecursionError):
        return None
    (folder / custody.FILE).write_bytes(log)
    (folder / custody.HEAD).write_bytes(head)
    (folder / cases.VIDEOS).mkdir(exist_ok=True)
    found = list(cases.problems(folder))
    if (folder / cases.REPORT).is_dir():
        shutil.rmtree(folder / cases.REPORT)
    return found, cases.names(folder), cases.logged(folder), render_case(folder)


def _events_seeds() -> Iterator[bytes]:
    sha = "sha256:" + "0" * 64
    yield json.dumps(
        [
            ["configured", "roundel.toml", {"sha256": sha, "config_sha256": sha}],
            ["received", sha, {"name": "clip.mp4", "path": "/clip.mp4", "size_bytes": 1}],
            ["analysed", f"videos/{'0' * 64}/0123456789abcdef", {"manifest_sha256": sha, "video": sha}],
            ["failed", "/x.mp4", {"kind": "MediaError", "message": "is no video"}],
            ["claims", "claims/a.json", {"sha256": sha, "verdicts": {"a": "weakens"}}],
            ["catalogue", "catalogue/sipri.csv", {"sha256": sha, "rows": 1}],
        ]
    ).encode()


def _log_seeds() -> Iterator[bytes]:
    for seed in _events_seeds():
        log, head = chained(json.loads(seed))
        yield log + b"\n---\n" + head


def _report(data: bytes, folder: Path) -> object:
    """The page of a case whose only package was forged from the facts to the log."""
    shutil.rmtree(folder / "case", ignore_errors=True)
    (folder / package.ANALYSIS).write_bytes(data)
    analysis = package.read_analysis(folder)
    return render_case(forged_case(folder / "case", data, analysis.video.sha256))


def _config(name: str) -> Callable[[bytes, Path], object]:
    def read(data: bytes, folder: Path) -> object:
        (folder / name).write_bytes(data)
        return config.load(folder / name) if name == "settings.toml" else read_mapping(folder / name)

    return read


def _gallery(data: bytes, folder: Path) -> object:
    return gallery.parse(data, folder / "gallery.json")


def _gallery_seeds() -> Iterator[bytes]:
    photo = {
        "sha256": "sha256:" + "1" * 64, "type": "x-1", "source": "s", "licence": "l", "boxed": True,
        "vector": "ADwAPAA8ADw=",
    }  # fmt: skip
    types = {"x-1": {"parent": "combat_aircraft", "title": "X-1", "level": "type"}}
    data = {"format": gallery.FORMAT, "network_sha256": "sha256:" + "2" * 64, "types": types, "photos": [photo]}
    yield json.dumps(data).encode()


def _exchange(data: bytes, folder: Path) -> object:
    """A file of fingerprints in each format, and the search in what it holds."""
    import small_archive
    import small_exchange

    (folder / "given").write_bytes(data)
    source = open_source(folder / "given")
    try:
        found = read(source, "given")
    except RoundelError:  # whatever the hashes of its end say, its lines are read
        body = data[: data.rfind(b'{"kind":"end"')] if b'{"kind":"end"' in data else data
        end = small_exchange.closed([]).replace(
            hashlib.sha256().hexdigest().encode(), hashlib.sha256(body).hexdigest().encode()
        )
        (folder / "given").write_bytes(body + end)
        found = read(open_source(folder / "given"), "given", "roundel")
    query = small_archive.footage("query", small_archive.keyframes(np.random.default_rng(1), 8))
    return found, list(hash_candidates(query, found.videos, least_pairs=1))


def _exchange_seeds() -> Iterator[bytes]:
    import small_exchange

    yield small_exchange.closed(small_exchange.lines(videos=2, keyframes=2))
    yield f"0,100,{'5a' * 32},0.000\n30,99,{'a5' * 32},1.001\n".encode()
    yield small_exchange.json_of(small_exchange.archived("5a5a"))
    yield b"status,metadata,media\n" + f'a,{{}},"{[small_exchange.archived()]}"\n'.encode()
    yield f'link,perceptual hashes\nx,"{"5a" * 32},5a"\n'.encode()


def kept(name: str) -> list[bytes]:
    """The inputs that fuzzing has kept for a target: ``corpus/NAME.zip``."""
    file = CORPUS / f"{name}.zip"
    if not file.is_file():
        return []
    with zipfile.ZipFile(file) as archive:
        return [archive.read(entry) for entry in archive.namelist()]


def keep(name: str, inputs: Iterable[bytes]) -> Path:
    """Write the inputs that are kept for a target; the same inputs give the same file."""
    CORPUS.mkdir(exist_ok=True)
    named = {hashlib.sha256(data).hexdigest()[:16]: data for data in inputs}
    with zipfile.ZipFile(CORPUS / f"{name}.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for entry in sorted(named):
            archive.writestr(zipfile.ZipInfo(entry, (1980, 1, 1, 0, 0, 0)), named[entry], zipfile.ZIP_DEFLATED, 9)
    return CORPUS / f"{name}.zip"


TARGETS = {
    "probe": Target(_probe, _probe_seeds, is_json=True),
    "claims": Target(_claims, _claim_files),
    "findings-yaml": Target(_findings("findings.yaml"), _files(GOOD / "findings.yaml")),
    "findings-csv": Target(_findings("findings.csv"), _files(GOOD / "findings.csv")),
    "export": Target(_export, _export_seeds),
    "type": Target(_catalogue("types/t-72.json"), _files(CATALOGUE / "types" / "t-72.json"), is_json=True),
    "states": Target(_catalogue("states.toml"), lambda: iter(["".join(_head(CATALOGUE / "states.toml", 40)).encode()])),
    "rows": Target(
        _catalogue("transfers/rows.csv"), lambda: iter(["".join(_head(CATALOGUE / "holdings.csv", 8)).encode()])
    ),
    "manifest": Target(_package, _package_seeds),
    "custody": Target(_log, _log_seeds),
    "events": Target(_events, _events_seeds, is_json=True),
    "report": Target(_report, _files(Path(__file__).parent / "seeds" / "report.json"), is_json=True),
    "settings": Target(_config("settings.toml"), lambda: iter([config.Config().to_toml().encode()])),
    "mapping-yaml": Target(_config("m.yaml"), _files(ROOT / "models" / "roundel_models" / "mappings" / "coco.yaml")),
    "mapping-toml": Target(_config("m.toml"), lambda: iter([b'[classes]\nTank = "armoured_vehicle"\n[shown_as]\n'])),
    "exchange": Target(_exchange, _exchange_seeds),
    "gallery": Target(_gallery, _gallery_seeds, is_json=True),
}
