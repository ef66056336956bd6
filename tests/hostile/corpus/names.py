"""Names, links, devices and folders."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from corpus.entry import CASE, Entry, Place, analyze

NAMES = {
    "newline": "a\nError: forged line.mp4",
    "carriage return": "a\rb.mp4",
    "escape": "a\x1b[2J\x1b]0;x\x07.mp4",
    "dash": "-i.mp4",
    "percent": "frame%d%s%n.mp4",
    "colon": "http:evil:file.mp4",
    "pipe": "pipe:0.mp4",
    "concat": "concat:a|b.mp4",
    "emoji": "🛩️🇸🇾 кадр.mp4",
    "bidi": "\u202egpj.mp4",
    "255 bytes": "ä" * 125 + "x.mp4",
    "not UTF-8": os.fsdecode(b"caf\xe9\xff.mp4"),
    "html": "<script>alert(1)<\u2215script>.mp4",
    "markup": "[bold red]x[.mp4",
    "template": "{{7*7}}.mp4",
    "shell": "$(touch pwned);`touch pwned`.mp4",
    "glob": "*[a-z]?{1,2}.mp4",
    "space": " .mp4",
    "dots": "...mp4",
}


def names(place: Place) -> Iterator[Entry]:
    """A good clip under names that mean something to somebody, analysed by itself and with its folder."""
    clip = place.clip("name.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p")
    for name, text in NAMES.items():
        target = place.folder / name.replace(" ", "-") / text
        target.parent.mkdir(parents=True)
        shutil.copyfile(clip, target)
        yield analyze("hostile names", name, target, exits=frozenset({0}))
    everything = place.folder / "all"
    everything.mkdir()
    for number, text in enumerate(NAMES.values()):
        (everything / text).write_bytes(clip.read_bytes() + bytes(number + 1))
    yield analyze("hostile names", "folder of all", everything, exits=frozenset({0}), seconds=120)
    folder = place.folder / "folder\nError: forged" / "x"
    folder.mkdir(parents=True)
    shutil.copyfile(clip, folder / "clip.mp4")
    yield analyze("hostile names", "folder with a newline", folder, exits=frozenset({0}))
    yield analyze("hostile names", "too long", place.folder / ("x" * 300 + ".mp4"), exits=frozenset({1, 2}))
    yield Entry(
        "hostile names", "case with a newline", ("analyze", str(clip), "--case", f"{CASE}/a\nError: b"),
        exits=frozenset({0}),
    )  # fmt: skip


def links(place: Place) -> Iterator[Entry]:
    """Links, pipes, sockets and devices: given by themselves, and lying in a folder."""
    kind = "links and devices"
    good = place.clip("link.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p")
    secret = place.private / "secret.mp4"
    place.folder.mkdir(parents=True, exist_ok=True)
    for name, target in {"passwd": "/etc/passwd", "zero": "/dev/zero", "random": "/dev/urandom", "tty": "/dev/tty",
                         "nowhere": "gone.mp4", "itself": "itself.mp4", "proc": "/proc/self/mem",
                         "stdin": "/dev/stdin"}.items():  # fmt: skip
        path = place.folder / f"{name}.mp4"
        path.symlink_to(target)
        reads = (Path("/etc/passwd"),) if name == "passwd" else ()
        yield analyze(kind, f"link to {target}", path, exits=frozenset({1, 2}), may_read=reads)
    os.mkfifo(place.folder / "fifo.mp4")
    yield analyze(kind, "pipe", place.folder / "fifo.mp4")
    with socket.socket(socket.AF_UNIX) as made:
        here = os.open(place.folder, os.O_RDONLY)
        made.bind(f"/proc/self/fd/{here}/socket.mp4")  # the path itself may be too long for a socket
        os.close(here)
    yield analyze(kind, "socket", place.folder / "socket.mp4")
    for device in ("/dev/zero", "/dev/full", "/dev/stdin", "/proc/kcore", "/sys/kernel/profiling", "/"):
        path = Path(device)
        if path.exists() and device != "/":
            yield analyze(kind, device, path)
    yield from _folders(place, kind, good, secret)


def _folders(place: Place, kind: str, good: object, secret: object) -> Iterator[Entry]:
    folder = place.folder / "folder"
    (folder / "deep").mkdir(parents=True)
    shutil.copyfile(str(good), folder / "good.mp4")
    for name, target in {"passwd": "/etc/passwd", "secret": str(secret), "relative": "../../../private/secret.mp4",
                         "zero": "/dev/zero", "nowhere": "nowhere", "inside": "good.mp4"}.items():  # fmt: skip
        (folder / f"{name}.mp4").symlink_to(target)
    (folder / "up").symlink_to("..")
    (folder / "deep" / "loop").symlink_to("../deep")
    (folder / "private").symlink_to(place.private)
    os.mkfifo(folder / "pipe.mp4")
    yield analyze(kind, "folder of links", folder, exits=frozenset({0}), says="link")
    bare = place.folder / "bare"
    bare.mkdir()
    (bare / "secret.mp4").symlink_to(str(secret))
    yield analyze(kind, "folder with nothing but a link out of it", bare, exits=frozenset({2}), says="no video found")
    deep = place.folder / "deep"
    deep.mkdir()
    inner = deep
    for _ in range(15):
        inner = inner / ("d" * 200)
        inner.mkdir()
    yield analyze(kind, "folder 15 levels deep", deep, exits=frozenset({2}))


def lists(place: Place) -> Iterator[Entry]:
    """Lists of paths."""
    kind = "lists of paths"
    place.folder.mkdir(parents=True, exist_ok=True)
    for name, text in {
        "binary": os.urandom(5000),
        "a NUL in a name": b"a\0b.mp4\n",
        "a name of 5,000 letters": b"x" * 5000 + b".mp4\n",
        "itself": b"itself.txt\n",
        "devices": b"/dev/zero\n/dev/stdin\n/proc/self/mem\n",
        "200 names that are not there": b"".join(b"no-%d.mp4\n" % number for number in range(200)),
        "separators": "a\u2028b\x85c\x0bd.mp4\n".encode(),
    }.items():
        path = place.write(f"{name.replace(' ', '-').replace(',', '')}.txt", text)
        yield analyze(kind, name, path, lines=201)
    with (place.folder / "sparse.txt").open("wb") as stream:
        stream.truncate(2**40)
    yield analyze(kind, "1 TiB of nothing", place.folder / "sparse.txt", exits=frozenset({2}))
    os.mkfifo(place.folder / "fifo.txt")
    yield analyze(kind, "pipe", place.folder / "fifo.txt")
