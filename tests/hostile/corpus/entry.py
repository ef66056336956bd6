"""What an entry of the hostile corpus is, and what its makers get."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
DEMO = REPOSITORY / "pipeline" / "roundel" / "demo" / "clip.mp4"
CASE = "{case}"
"""Stands for a fresh folder in the arguments of a command."""
TREE = "{tree}"
"""Stands for the folder of the corpus."""
SECONDS, MEMORY_MIB = 60.0, 1536


@dataclass(frozen=True)
class Entry:
    """One thing that a stranger may send, and the command that a user would give it to.

    Args:
        kind: the row of the table that it belongs to.
        name: what it is, once in its kind.
        arguments: of ``roundel``; ``{case}`` stands for a fresh folder.
        exits: the exit codes that are right.
        says: a phrase that the user must be told; empty: none is asked for.
        lines: the most lines of errors; mistakes in files that people write are listed one by one.
        settings: environment variables.
        seconds: the longest time, on an idle machine.
        memory_mib: the most memory of the program and its children together.
        may_read: what else it may read, besides what its arguments name.
        together: it may be analysed in one call with others of its kind.
    """

    kind: str
    name: str
    arguments: tuple[str, ...]
    exits: frozenset[int] = frozenset({1, 2})
    says: str = ""
    lines: int = 1
    settings: dict[str, str] = field(default_factory=dict)
    seconds: float = SECONDS
    memory_mib: int = MEMORY_MIB
    may_read: tuple[Path, ...] = ()
    together: bool = False


@dataclass(frozen=True)
class Place:
    """Where makers put their files. ``private`` holds files that no entry may lead to; ``full``: the slow ones, too."""

    folder: Path
    private: Path
    clips: Path
    full: bool
    draw: random.Random

    def write(self, name: str, content: bytes | str) -> Path:
        """A new file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def clip(self, name: str, *options: str) -> Path:
        """A clip of two seconds made by ffmpeg, once; options go before its name."""
        path = self.clips / name
        if not path.exists():
            source = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=12:duration=2", "-bitexact"]
            ffmpeg(*source, *options, str(path))
        return path

    def demo(self, name: str, *options: str) -> Path:
        """Two seconds of the demo clip in another container, made once."""
        path = self.clips / name
        if not path.exists():
            ffmpeg("-i", str(DEMO), "-t", "2", "-vf", "scale=320:180", "-r", "12", "-bitexact", *options, str(path))
        return path


Maker = Callable[[Place], Iterator[Entry]]


def ffmpeg(*arguments: str) -> None:
    """Run ffmpeg to make something."""
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *arguments], check=True)


def analyze(kind: str, name: str, path: Path, *options: str, **about: object) -> Entry:
    """An entry that is analysed as a video."""
    return Entry(kind, name, ("analyze", str(path), "--case", CASE, *options), **about)  # type: ignore[arg-type]
