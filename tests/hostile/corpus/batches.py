"""Plans of an archive: inputs that cannot be, lists in CSV, and plans and outcomes that somebody has changed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from corpus.entry import CASE, Entry, Place
from roundel.batch import plan as plans
from roundel.batch.outcome import outcome_of
from roundel.batch.plan import Item, Plan
from roundel.batch.records import outcome_name
from roundel.config import Config

KIND = "plans of archives"
TIB = 1 << 40
SETTINGS = Config()


def batches(place: Place) -> Iterator[Entry]:
    """What ``roundel batch`` reads: inputs, lists, plans, outcomes."""
    yield from _inputs(place)
    yield from _lists(place)
    yield from _plans(place)
    yield from _outcomes(place)


def _planned(name: str, path: Path, exits: int = 2, says: str = "", **about: object) -> Entry:
    arguments = ("batch", "plan", f"{CASE}/plan", str(path), "--to", f"{CASE}/case")
    return Entry(KIND, name, arguments, exits=frozenset({exits}), says=says, **about)  # type: ignore[arg-type]


def _inputs(place: Place) -> Iterator[Entry]:
    huge = place.folder / "huge"
    huge.mkdir(parents=True)
    for name in ("a.mp4", "b.mp4"):
        with (huge / name).open("wb") as stream:
            stream.truncate(4 * TIB)
    yield _planned("two files of 4 TiB", huge, 0)
    odd = place.folder / "odd"
    odd.mkdir()
    for number, target in enumerate(("/dev/zero", "/dev/zero", "/proc/kcore", "gone.mp4")):
        (odd / f"{number}.mp4").symlink_to(target)
    os.mkfifo(odd / "pipe.mp4")
    yield _planned("links to devices, and a pipe", odd, 2, "no video found")
    yield _planned("a device", Path("/dev/zero"), 0)


def _lists(place: Place) -> Iterator[Entry]:
    many = 1_000_000 if place.full else 10_000
    for name, text, says in (
        ("CSV of noise", os.urandom(100_000), "cannot be read as CSV"),
        ("CSV without a column of paths", b"a,b\n1,2\n", "has no column of paths"),
        ("CSV with a cell of 100 MB", b"path\n" + b"x" * 100 * many + b".mp4\n", "cannot be read as CSV"),
        ("CSV whose quotes never end", b'path\n"' + b"x\n" * many, "cannot be read as CSV"),
        ("CSV with a NUL", b"path\na\0b.mp4\n", ""),
        ("CSV with a password", b"url\nftp://me:secret@host/a.mp4\n", "holds a password"),
        ("CSV with joined addresses", b"url\nzip://a.mp4::file:///etc/x.zip\n", "addresses joined by ::"),
        ("CSV with an archive", b"url\nzip://a.mp4::/etc/x.zip\n", "archives are not read"),
        ("CSV with an unknown protocol", b"url\nevil://a/b.mp4\n", "Protocol not known"),
    ):
        path = place.write(f"lists/{name.replace(' ', '-')}.csv", text)
        yield _planned(name, path, 2 if says else 0, says)


def _plan(place: Place, name: str) -> Plan:
    folder = place.folder / "plans" / name.replace(" ", "-")
    source = str(place.folder / "none.mp4")
    item = Item(plans.item_id(source), source, "none.mp4", None)
    return plans.write(folder, str(place.folder / "cases" / folder.name), SETTINGS, [item])


def _status(name: str, folder: Path, exits: int, says: str = "") -> Entry:
    return Entry(KIND, name, ("batch", "status", str(folder)), exits=frozenset({exits}), says=says)


def _plans(place: Place) -> Iterator[Entry]:
    changed = "was changed since the plan was made"
    for name, file, text, says in (
        ("plan of deep values", plans.PLAN, b"[" * 1_000_000, "the plan cannot be read"),
        ("plan of noise", plans.PLAN, os.urandom(1000), "the plan cannot be read"),
        ("items of deep values", plans.ITEMS, b"[" * 1_000_000, changed),
        ("items of others", plans.ITEMS, b'{"source": "/etc/passwd"}\n', changed),
    ):
        plan = _plan(place, name)
        (plan.folder / file).write_bytes(text)
        yield _status(name, plan.folder, 3, says)
    for name, file in (("plan of 1 TiB", plans.PLAN), ("items of 1 TiB", plans.ITEMS)):
        plan = _plan(place, name)
        with (plan.folder / file).open("r+b") as stream:
            stream.truncate(TIB)
        yield _status(name, plan.folder, 3, "is larger than")
    plan = _plan(place, "plan that is a device")
    (plan.folder / plans.ITEMS).unlink()
    (plan.folder / plans.ITEMS).symlink_to("/dev/zero")
    yield _status("plan that is a device", plan.folder, 3, "is a link, which Roundel never writes")


def _outcomes(place: Place) -> Iterator[Entry]:
    whole = asdict(_plan(place, "any").items[0])
    good = json.loads(outcome_of(Item(**whole), status="done").model_dump_json())
    outside = {**good, "package": "../../../../etc", "manifest_sha256": "sha256:" + "0" * 64}
    for name, text in (
        ("outcome of deep values", b"[" * 1_000_000),
        ("outcome that names another folder", json.dumps(outside).encode()),
        ("outcome of 1 TiB", None),
        ("outcome that is a device", Path("/dev/zero")),
        ("outcome that is a file elsewhere", place.private / "secret.txt"),
        ("outcome that is a pipe", "pipe"),
    ):
        plan = _plan(place, name)
        path = plan.folder / outcome_name(plan.items[0].id)
        path.parent.mkdir(parents=True)
        if isinstance(text, Path):
            path.symlink_to(text)
        elif text == "pipe":
            os.mkfifo(path)
        else:
            with path.open("wb") as stream:
                stream.write(text if isinstance(text, bytes) else b"")
                stream.truncate(len(text) if isinstance(text, bytes) else TIB)
        yield _status(name, plan.folder, 0, "1 left")
