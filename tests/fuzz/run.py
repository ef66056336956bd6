"""Fuzz one reader of strangers' files, guided by coverage; inputs that reach something new are kept.

    pip install atheris
    PYTHONPATH=tests python tests/fuzz/run.py TARGET --seconds 900 --work FOLDER
    PYTHONPATH=tests python tests/fuzz/run.py TARGET --minimise --work FOLDER

The first form goes on from what FOLDER and the kept corpus hold; whatever ends in anything but a RoundelError is
written to FOLDER/TARGET-found-… and ends the run. The second makes the kept corpus anew: the fewest inputs that reach
what all of them do. Atheris runs on Linux only and is not among the dependencies. Options after ``--`` go to libFuzzer.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["roundel", "yaml", "tomllib"]):
    from targets import TARGETS, keep, kept
from roundel.errors import RoundelError

MOST_BYTES = 32 * 1024
INNER = "ROUNDEL_FUZZ_MERGES"
"""Environment variable with the arguments of a run that minimises, for the process that libFuzzer starts in it."""
SLOW_SECONDS = 20
MOST_MIB = 2048
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 2**31, 2**63, -(2**63), 10**400, 1e308, -1e308, 5e-324, 0.1, "", "x", "1/0", "NaN", "-inf",
    "9" * 500, "9" * 5000 + ":0:0", "\x00", "\ud800", "\u202e", "../../x", "/etc/passwd", "<script>", "{{7*7}}", "%s%n",
    "sha256:" + "0" * 64, [], {}, [[]], [None], {"": None}, [0.0, 0.0], [5, 1],
)  # fmt: skip


def _places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """All places in a tree, as (holder, key)."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        found.append((value, key))
        _places(value[key], found)
    return found


def mutate_tree(data: bytes, most_bytes: int, seed: int) -> bytes:
    """Change, drop, double or exchange a few places of a JSON text; sometimes bytes, as any other text."""
    draw = random.Random(seed)
    try:
        tree = {"": json.loads(data)}
    except (ValueError, RecursionError):
        return bytes(atheris.Mutate(data, most_bytes))
    if draw.random() < 0.1:
        return bytes(atheris.Mutate(data, most_bytes))
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        places = _places(tree, [])
        holder, key = draw.choice(places)
        kind = draw.random()
        if kind < 0.5:
            holder[key] = copy.deepcopy(draw.choice(ODD))
        elif kind < 0.6 and isinstance(holder[key], float):
            holder[key] = holder[key] * draw.choice((-1, 0.5, 2, 1000))
        elif kind < 0.7:
            other, name = draw.choice(places)
            holder[key] = copy.deepcopy(other[name])
        elif kind < 0.8 and isinstance(holder, list):
            holder.insert(key, copy.deepcopy(holder[key]))
        elif kind < 0.9 and (isinstance(holder, list) or key != ""):
            del holder[key]
        elif isinstance(holder, dict) and key != "":
            holder[draw.choice(("", "x", "id", "\ud800", "9" * 99))] = holder.pop(key)
    try:
        changed = json.dumps(tree[""]).encode()
    except (ValueError, RecursionError):
        return data
    return changed if len(changed) <= most_bytes else data


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--work", type=Path, required=True, help="folder for inputs that were found")
    parser.add_argument("--minimise", action="store_true", help="make the kept corpus anew")
    again = os.environ.get(INNER)
    given, options = parser.parse_known_args(again.split("\n") if again else None)
    target, grown, fewest = TARGETS[given.target], given.work / given.target, given.work / f"{given.target}-fewest"
    if not again:
        shutil.rmtree(fewest, ignore_errors=True)
        for folder in (grown, fewest):
            folder.mkdir(parents=True, exist_ok=True)
        for number, data in enumerate([*target.seeds(), *kept(given.target)]):
            (grown / f"known-{number}").write_bytes(data)
    if given.minimise and not again:
        os.environ[INNER] = "\n".join(sys.argv[1:])  # libFuzzer calls the program again, with options of its own
        subprocess.run([sys.executable, __file__, "-merge=1", str(fewest), str(grown)], check=True)
        print(keep(given.target, [path.read_bytes() for path in fewest.iterdir()]))
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as scratch:  # noqa: S108

        def one(data: bytes) -> None:
            with contextlib.suppress(RoundelError):
                target.read(data, Path(scratch))

        command = [
            f"{sys.executable} {__file__}",
            f"-timeout={SLOW_SECONDS}",
            f"-rss_limit_mb={MOST_MIB}",
            f"-max_len={MOST_BYTES}",
        ]
        command += [f"-artifact_prefix={given.work / given.target}-found-", *(part for part in options if part != "--")]
        if again:
            command += sys.argv[1:]
        else:
            command += [f"-max_total_time={given.seconds}", str(grown)]
        if target.is_json:
            atheris.Setup(command, one, custom_mutator=mutate_tree)
        else:
            atheris.Setup(command, one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
