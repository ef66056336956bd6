"""What investigators exchange: fingerprints, and cases with matches, dates and contributions in them."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from corpus.cases import seed
from corpus.entry import Entry, Place
from corpus.photos import png
from corpus.texts import TABLES, YAML, empty_case, plain, special
from forgery import ANALYSIS_ID, Event, forged_case, manifest, write_log
from roundel import case as cases
from roundel import custody, notes, package
from roundel.exchange.lines import NAME
from roundel.record import MATCHES_VERSION
from roundel.recycled.keep import MATCH

KIND, SENT = "fingerprints of others", "matches of a sent case"
EVIL = "</script><script>alert(1)</script>{{7*7}}\x1b[2J\u202e" + "x" * 300
REFUSED, TAKEN = frozenset({2, 3}), frozenset({0})
ZEROS, KEY = "sha256:" + "0" * 64, "ed25519:" + "a" * 64
MATCH_ID = "fedcba9876543210"
VPDQ = f"0,100,{'ab' * 32},0.0\n"
KEYFRAME = {
    "kind": "keyframe",
    "seconds": 0.5,
    "hashes": [{"form": "whole", "hash": f"pdq:{'ab' * 32}", "quality": 90}],
}
VIDEO = {"kind": "video", "sha256": ZEROS}
HEADER = {
    "kind": "header", "format": NAME, "version": 1, "algorithm": "pdq", "forms": "pdq-forms-1", "contributor": "x",
    "created": "2026-01-02T03:04:05Z", "tool": "x",
}  # fmt: skip


def fingerprints(place: Place) -> Iterator[Entry]:
    """Files of fingerprints: our format, vPDQ's and auto-archiver's."""
    many = 1_000_000 if place.full else 1000
    videos = ({**VIDEO, "sha256": f"sha256:{number:064x}"} for number in range(many // 5))
    files: dict[str, tuple[frozenset[int], bytes]] = {
        "deep": (REFUSED, b"[" * many),
        "header of deep values": (REFUSED, _text({**HEADER, "notes": "@"}).replace(b'"@"', b"[" * many)),
        "line of 100 MB": (REFUSED, _text({**HEADER, "contributor": "x" * 100 * many})),
        "escapes and scripts": (REFUSED, _ended({**HEADER, "contributor": EVIL})),
        "key without a signature": (REFUSED, _ended({**HEADER, "public_key": KEY})),
        "signature of nobody": (REFUSED, _ended({**HEADER, "public_key": KEY}, signature="ed25519:" + "0" * 128)),
        "key that is no point": (
            REFUSED, _ended({**HEADER, "public_key": "ed25519:" + "f" * 64}, signature="ed25519:" + "f" * 128)
        ),
        "number of 5,000 digits": (REFUSED, _text(HEADER) + _text({**VIDEO, "width": 7}).replace(b"7", b"9" * 5000)),
        "times of 1e308": (REFUSED, _ended(HEADER, VIDEO, {**KEYFRAME, "seconds": 1e308})),
        "times that are no number": (REFUSED, _text(HEADER) + _text(VIDEO) + _text(KEYFRAME).replace(b"0.5", b"NaN")),
        "200,000 videos": (REFUSED, _ended(HEADER, *videos)),
        "the same video again": (REFUSED, _ended(HEADER, VIDEO, VIDEO)),
        "counts that lie": (REFUSED, _ended(HEADER, VIDEO, KEYFRAME, hashes=10**9)),
        "cut off": (REFUSED, _ended(HEADER, VIDEO, KEYFRAME)[:-30]),
        "half a compressed file": (REFUSED, gzip.compress(_ended(HEADER, VIDEO, KEYFRAME))[:-20]),
        "10 GB in 10 MB": (REFUSED, gzip.compress(_text(HEADER)) + _zeros(10**4 * many)),
        "10 GB of lines in 10 MB": (REFUSED, gzip.compress(_text(HEADER)) + _zeros(10**4 * many, b"\n")),
        "compressed twice": (REFUSED, gzip.compress(gzip.compress(_ended(HEADER, VIDEO, KEYFRAME)))),
        "1,000,000 hashes of vPDQ": (TAKEN, VPDQ.encode() * many),
        "wrong hashes of vPDQ": (REFUSED, VPDQ.replace("ab", "a").encode() * many),
        "vPDQ with a frame of 5,000 digits": (REFUSED, VPDQ.encode() + b"9" * 3000 + VPDQ.encode()),
        "auto-archiver, deep": (REFUSED, b'{"media": ' * (many // 10)),
        "auto-archiver, deep cells": (REFUSED, b"status,metadata,media\nx,x,\"" + b"[" * many + b'"\n'),
        "auto-archiver, code in a cell": (
            REFUSED, b"status,metadata,media\nx,x,\"[__import__('os').system('id')]\"\n"
        ),
        "auto-archiver, number of 5,000 digits": (
            REFUSED, b'{"media": [{"properties": {"pdq_hash": ' + b"9" * 5000 + b"}}]}"
        ),
        "auto-archiver, names that lead out": (
            TAKEN, json.dumps({"media": [{"filename": "../../x", "properties": {"pdq_hash": "a" * 64}}]}).encode()
        ),
        "a pickle": (REFUSED, b"\x80\x04cos\nsystem\n(X\x02\0\0\0idtR."),
        "binary": (REFUSED, bytes(range(256)) * 100),
        "nothing": (REFUSED, b""),
    }  # fmt: skip
    case = str(empty_case(place))

    def arguments(path: Path) -> tuple[str, ...]:
        return ("fingerprints", "import", str(path), "--case", case, "--untrusted")

    for name, (exits, content) in files.items():
        path = place.write(plain(name), content)
        yield Entry(KIND, name, arguments(path), exits=exits, lines=25)
    yield from special(place, KIND, "fingerprints.jsonl", arguments)
    clip = str(place.clip("dated.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p"))
    for name, content in (("bomb.yaml", YAML["bomb"]), ("100,000 wrong rows.csv", TABLES["100,000 wrong rows"])):
        path = place.write(plain(name), content)
        dated = ("match", clip, "--against", case, "--dates", str(path), "--quiet")
        yield Entry(KIND, f"dates, {name}", dated, exits=frozenset({2}), lines=101)


def matches(place: Place) -> Iterator[Entry]:
    """Matches, dates and contributions that agree with manifest and log, and lie."""
    sha = seed()["video"]["sha256"]
    good = _matches(sha)
    inside = {**good, "reference": good["query"]}
    forms: dict[str, Any] = {
        "good": good,
        "scripts everywhere": _replaced(inside, "NAME", EVIL),
        "pictures that lead out": _with(inside, overlay="../../../private/secret.png", beside="/etc/passwd"),
        "times of 2^53 seconds": _with(inside, query=[-(2.0**53), 2.0**53], at_seconds=[2.0**53, -(2.0**53)]),
        "times the wrong way round": _with(inside, query=[9.0, 1.0]),
        "a map of zeros": _with(inside, transform=[[0.0] * 3] * 3),
        "a map of 1e308": _with(inside, transform=[[1e308] * 3] * 3),
        "no part at all": {**good, "matches": []},
        "100,000 parts": {**inside, "matches": good["matches"] * (100_000 if place.full else 100)},
        "tracks that are not there": _with(inside, same_objects=[["t99999", "t99998"]] * 1000),
        "a package elsewhere": _replaced(good, good["query"]["package"], "videos/../../private"),
        "a form that is not known": {**good, "schema_version": "9" * 5000},
        "no form": {},
    }
    texts = {name: json.dumps(form).encode() for name, form in forms.items()}
    texts |= {"deep": b"[" * 1_000_000, "100 MB": texts["good"].replace(b'"NAME"', b'"' + b"x" * 100_000_000 + b'"')}
    texts["no numbers"] = texts["good"].replace(b'"slack_seconds": 0.0', b'"slack_seconds": NaN')
    pictures = {
        "pictures of 30,000 x 30,000": {"overlay-1.png": png(30_000, 30_000), "beside-1.png": png(30_000, 30_000)},
        "pictures that are none": {"overlay-1.png": b"<script>alert(1)</script>", "beside-1.png": b""},
    }
    sent = {name: (text, {}) for name, text in texts.items()}
    sent |= {name: (json.dumps(inside).encode(), files) for name, files in pictures.items()}
    for number, (name, (text, files)) in enumerate(sent.items()):
        case = forged_case(place.folder / f"m{number}", json.dumps(seed()).encode(), sha)
        _add_match(case, sha, {MATCH: text, **files})
        exits = frozenset({0}) if name == "good" else frozenset({0, 3})
        yield Entry(SENT, name, ("report", str(case)), exits=exits)
    dates = json.dumps({"schema_version": "1", "file": 7, "dates": [{}]}).encode()
    contributed = _ended(HEADER, {**VIDEO, "name": "x" * 300}, KEYFRAME)
    other: Mapping[str, tuple[str, str, bytes, dict[str, Any]]] = {
        "dates without sense": (notes.DATED, f"{notes.DATES}/x.json", dates, {}),
        "dates nested deep": (notes.DATED, f"{notes.DATES}/x.json", b"[" * 1_000_000, {}),
        "a contribution that nobody vouches for": (
            notes.IMPORTED, f"{notes.CONTRIBUTED}/{'0' * 64}.jsonl", contributed, {"trust": EVIL, "format": EVIL}
        ),
        "a contribution that is said to be trusted": (
            notes.IMPORTED, f"{notes.CONTRIBUTED}/{'0' * 64}.jsonl", contributed,
            {"trust": "trusted", "format": "roundel", "name": EVIL, "contributor": EVIL, "public_key": KEY},
        ),
        "a contribution of zeros": (
            notes.IMPORTED, f"{notes.CONTRIBUTED}/{'0' * 64}.jsonl.gz", _zeros(10**9 if place.full else 10**6),
            {"trust": "unsigned", "format": "roundel"},
        ),
    }  # fmt: skip
    for number, (name, (event, inner, content, details)) in enumerate(other.items()):
        case = forged_case(place.folder / f"o{number}", json.dumps(seed()).encode(), sha)
        (case / inner).parent.mkdir()
        (case / inner).write_bytes(content)
        _noted(case, (event, inner, {"sha256": f"sha256:{hashlib.sha256(content).hexdigest()}", **details}))
        yield Entry(SENT, name, ("report", str(case)), exits=frozenset({0, 3}))
        again = ("match", str(case), "--against", str(case), "--quiet")
        yield Entry(SENT, f"{name}: match again", again, exits=frozenset({0, 2, 3}), lines=45)


def _matches(sha: str) -> dict[str, Any]:
    """What a case keeps of a video of which another case has a part."""
    unit = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    pair = {"seconds": [1.0, 1.0], "frames": [25, 25], "forms": ["whole", "whole"], "distance": 0, "inliers": 100}
    part = {
        "query": [0.5, 1.5], "reference": {"sha256": ZEROS, "range": [0.5, 1.5]}, "mirrored": False, "method": "NAME",
        "inliers": 100, "verified_pairs": 1, "speed": 1.0, "slack_seconds": 0.0, "edits": ["NAME"],
        "at_seconds": [1.0, 1.0], "transform": unit, "overlay": "overlay-1.png", "beside": "beside-1.png",
        "same_objects": [], "pairs": [{**pair, "compared": 64, "agreement": 1.0, "transform": unit}],
    }  # fmt: skip
    query = {"sha256": sha, "names": ["NAME"], "case": "NAME", "manifest_sha256": ZEROS}
    own = f"{cases.VIDEOS}/{sha.removeprefix('sha256:')}/{ANALYSIS_ID}"
    other = {**query, "sha256": ZEROS, "package": f"{cases.VIDEOS}/{'0' * 64}/{ANALYSIS_ID}"}
    return {
        "schema_version": MATCHES_VERSION, "id": MATCH_ID, "query": {**query, "package": own}, "reference": other,
        "made_with": {}, "matches": [part],
    }  # fmt: skip


def _with(form: dict[str, Any], **values: Any) -> dict[str, Any]:
    return {**form, "matches": [{**part, **values} for part in form["matches"]]}


def _replaced(form: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    return json.loads(json.dumps(form).replace(json.dumps(old), json.dumps(new)))


def _add_match(case: Path, sha: str, contents: Mapping[str, bytes]) -> None:
    name = f"{cases.MATCHES}/{MATCH_ID}"
    (case / name).mkdir(parents=True)
    listed = manifest(contents)
    for file, data in (*contents.items(), (package.MANIFEST, listed)):
        (case / name / file).write_bytes(data)
    digest = f"sha256:{hashlib.sha256(listed).hexdigest()}"
    found = {"manifest_sha256": digest, "match_sha256": ZEROS, "query": sha, "reference": ZEROS}
    _noted(case, (cases.MATCHED, name, found))


def _noted(case: Path, event: Event) -> None:
    """Add an event to a log."""
    before = [(item.event, item.subject, dict(item.details)) for item in custody.read(case)]
    write_log(case, [*before, event])


def _text(line: Mapping[str, Any]) -> bytes:
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def _ended(*lines: Mapping[str, Any], hashes: int | None = None, signature: str | None = None) -> bytes:
    """A whole file: its last line agrees with the others unless it is told to lie."""
    text = b"".join(map(_text, lines))
    kinds = [line["kind"] for line in lines]
    end: dict[str, Any] = {"kind": "end", "videos": kinds.count("video")}
    end |= {"hashes": kinds.count("keyframe") if hashes is None else hashes}
    end["sha256"] = f"sha256:{hashlib.sha256(text).hexdigest()}"
    return text + _text(end if signature is None else {**end, "signature": signature})


def _zeros(size: int, what: bytes = b"\0") -> bytes:
    """So many bytes of nothing, compressed."""
    part = 10**6
    return gzip.compress(what * part) * (size // part)
