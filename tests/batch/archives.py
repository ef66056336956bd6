"""Small archives and plans for the tests of batches that start real processes with the real detector."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from roundel.batch import plan as plans
from roundel.batch.plan import Plan
from roundel.batch.sources import collect
from roundel.config import load

FAST = load(None, {"types": {"engine": "off"}, "text": {"engine": "off"}})
"""Without types and writing, which take most of the time."""
ROUNDEL = (sys.executable, "-m", "roundel")


def plan_for(folder: Path, inputs: Path | str, target: Path | str, shards: int = 1) -> Plan:
    """A plan over a folder of clips or an address."""
    return plans.write(
        folder, str(target), FAST, plans.items_of(collect([str(inputs)]).found, FAST.media.max_bytes), shards
    )


def roundel(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [*ROUNDEL, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        timeout=240,
    )


def digests(case: Path) -> dict[str, str]:
    """The hash of every file of every package."""
    return {
        path.relative_to(case).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((case / "videos").rglob("*"))
        if path.is_file()
    }
