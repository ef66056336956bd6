"""Run the hostile corpus and write the table of docs/hostile.md.

    PYTHONPATH=pipeline:models:tests python tests/hostile/check.py [--makers scripts links …] [--write]

Needs strace, ffmpeg and about 4 GiB of disk (files of 1 TiB are sparse). Ends with 1 if anything was wrong, which it
prints; ``--write`` writes the table.
"""

from __future__ import annotations

import argparse
import pickle
import platform
import re
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from corpus import MAKERS, make
from corpus.entry import REPOSITORY
from judge import Verdict, run
from trap import can_trace

from roundel.words import shorten

PAGE = REPOSITORY / "docs" / "hostile.md"
COLUMNS = (
    "kind",
    "entries",
    "exit codes",
    "longest, s",
    "most memory, MiB",
    "written outside",
    "network",
    "read elsewhere",
    "against any rule",
    "what the user is told, for example",
)
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--makers", nargs="+", choices=MAKERS, default=[], metavar="MAKER")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="leave out what takes minutes")
    parser.add_argument("--only", default="", help="only entries whose name holds this")
    parser.add_argument("--patience", type=float, default=3.0, help="times that a busy machine may take longer")
    parser.add_argument("--write", action="store_true", help="write the table into docs/hostile.md")
    parser.add_argument("--keep", type=Path, help="folder for the verdicts: makers that are in it are not run again")
    given = parser.parse_args()
    if not can_trace():
        sys.exit("strace is not installed, or may not trace here; on Debian or Ubuntu: sudo apt-get install strace")
    day = time.strftime("%Y-%m-%d")
    verdicts = [verdict for maker in given.makers or MAKERS for verdict in _verdicts(maker, given)]
    wrong = [verdict for verdict in verdicts if verdict.wrong]
    print(f"{len(verdicts)} entries, {len(wrong)} with something wrong")
    if given.write:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{table(verdicts, day)}{END}{rest.partition(END)[2]}", encoding="utf-8")
    sys.exit(bool(wrong))


def _verdicts(maker: str, given: argparse.Namespace) -> list[Verdict]:
    """What comes of the entries of one maker, said as it comes; kept, and taken from there, if that is asked for."""
    kept = given.keep / f"{maker}.pickle" if given.keep else None
    if kept is not None and kept.exists():
        return pickle.loads(kept.read_bytes())  # noqa: S301
    found = []
    with tempfile.TemporaryDirectory(prefix="corpus-") as name:
        tree = Path(name).resolve()
        entries = [entry for entry in make(tree, given.seed, [maker], not given.quick) if given.only in entry.name]
        for verdict in run(entries, tree, given.patience):
            found.append(verdict)
            _say(verdict)
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(pickle.dumps(found))
    return found


def _say(verdict: Verdict) -> None:
    entry = verdict.entry
    print(
        f"{entry.kind}: {entry.name}: {verdict.code}, {verdict.seconds:.1f} s, {verdict.peak_mib:.0f} MiB", flush=True
    )
    for text in verdict.wrong:
        print(f"    WRONG {text}", flush=True)


def table(verdicts: list[Verdict], day: str) -> str:
    """The table, one row for each kind."""
    kinds = list(dict.fromkeys(verdict.entry.kind for verdict in verdicts))
    lines = [
        f"Measured on {day} by `python tests/hostile/check.py` with {platform.system()} on {platform.machine()}.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|---" * len(COLUMNS) + "|",
    ]
    for kind in kinds:
        own = [verdict for verdict in verdicts if verdict.entry.kind == kind]
        codes = Counter(verdict.code for verdict in own)
        exits = ", ".join(f"{code}: {times}" for code, times in sorted(codes.items(), key=str))
        told = Counter(_placeless(verdict.told) for verdict in own if verdict.code).most_common(1)
        cells = (
            kind, len(own), exits, f"{max(v.seconds for v in own):.1f}", f"{max(v.peak_mib for v in own):.0f}",
            sum(bool(v.outside) for v in own), sum(bool(v.network) for v in own), sum(bool(v.foreign) for v in own),
            sum(bool(v.wrong) for v in own), told[0][0] if told else "",
        )  # fmt: skip
        lines.append(f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def _placeless(told: str) -> str:
    """A message without the folder that the corpus lay in, and no longer than a page bears."""
    return shorten(re.sub(r"/\S*?/corpus-\w+/", "", told))


if __name__ == "__main__":
    main()
