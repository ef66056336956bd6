"""How the index of fingerprints grows: time to build and to search, memory and bytes on disk, by hours of footage.

    python benchmarks/recycled_scale.py [--hours 10 100 1000] [--work FOLDER] [--plot docs/images/recycled_scale.png]

Real clips are put among synthetic videos (recycled_material.py says how those are made), and a minute of edited copies
of the clips is searched, by both methods. Each step runs in a process of its own; peak memory is that of the process,
mapped pages of files included. The smallest archive is made of packages, whose fingerprints the index reads; the others
go into the index directly. Results are kept in the work folder, so an interrupted run goes on where it stopped. 1,000
hours take about 6 GB of disk.

Then all edited copies are searched in the smallest archive: which of their sources does each method find?
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import recycled_material as synthetic
from copies_material import DEMO, EDITS, SOURCES, footage, make_copies

from roundel import package
from roundel.archive.index import FOLDER, renew
from roundel.archive.keeper import SEGMENT_ROWS, Keeper
from roundel.archive.search import Method, open_index
from roundel.archive.segment import Entry
from roundel.archive.state import read_parts, writing
from roundel.archive.words import WORDS
from roundel.fingerprint.storage import FINGERPRINTS, line_of
from roundel.matching.candidates import RADIUS, Hits, Table, tabulate
from roundel.matching.footage import Footage
from roundel.types import FrameRef, Timestamp

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
CLIPS = SOURCES["tune"]
OTHERS = ("mtlb", "base_from_air", "V_HELICOPTER_012", "V_HELICOPTER_030", "V_DRONE_016", "V_BIRD_010")
MINUTE = (
    ("convoy_from_air", "lower third"),
    ("lav", "crop 10 %"),
    ("portrait_tank", "mirror"),
    ("V_AIRPLANE_010", "logo"),
    ("lav", "letterbox"),
    ("convoy_from_air", "upright, blurred bars"),
)
RUNS = 3


class Material:
    """The clips, their copies and the synthetic videos; what is made is kept in the work folder."""

    def __init__(self, work: Path, shared: Path) -> None:
        media = shared / "media" / "real"
        self.work, cache = work, work / "footage"
        self.clips = {name: footage(media / f"{name}.mp4", name, cache) for name in (*CLIPS, *OTHERS)}
        self.clips["demo"] = footage(DEMO, "demo", cache)
        made = make_copies([media / f"{name}.mp4" for name in CLIPS], work / "copies", tuple(EDITS))
        self.copies = {
            (copy.source.removesuffix(".mp4"), copy.edit): footage(work / "copies" / copy.file, copy.file, cache)
            for copy in made
        }
        kept = work / "photographs.npy"
        self.pool = synthetic.pool(shared / "data" / "types.tar.xz", self.clips.values(), kept)

    def minute(self) -> Footage:
        """Copies one after the other, a minute of them."""
        keyframes, at = [], 0.0
        for name in MINUTE:
            part = self.copies[name].keyframes
            for item in part:
                ref = FrameRef(len(keyframes), Timestamp(round(1000 * (at + item.seconds)), Fraction(1, 1000)))
                keyframes.append(replace(item, ref=ref))
            at += part[-1].seconds + 0.2
        return Footage("minute", tuple(keyframes), self.copies[MINUTE[0]].still)

    def videos(self, hours: float) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """Names, seconds and hashes of so many hours of synthetic videos."""
        rng, left, number = np.random.default_rng(6), 3600 * hours, 0
        while left > 0:
            seconds, hashes = self.pool.video(rng)
            yield f"videos/{number:064}/synthetic", seconds, hashes
            left -= float(seconds[-1])
            number += 1


def build(material: Material, hours: float, as_packages: bool) -> dict[str, Any]:
    case = material.work / f"case-{hours:g}"
    shutil.rmtree(case, ignore_errors=True)
    (case / FOLDER).mkdir(parents=True)
    started, busy = time.perf_counter(), time.process_time()
    if as_packages:
        for name, seconds, hashes in material.videos(hours):
            _put(case / name, synthetic.keyframes(seconds, hashes))
        for name, clip in material.clips.items():
            _put(case / f"videos/{name}/real", clip.keyframes)
        started, busy = time.perf_counter(), time.process_time()
        renew(case)
    else:
        with writing(case / FOLDER):
            Keeper(case / FOLDER, [], SEGMENT_ROWS).add(_tables(material, hours))
    took = {"build_seconds": time.perf_counter() - started, "build_cpu_seconds": time.process_time() - busy}
    parts = read_parts(case / FOLDER)
    size = sum(size for part in parts for size, _ in part.files.values())
    videos = sum(len(part.entries) for part in parts)
    facts = {"hashes": sum(part.rows for part in parts), "videos": videos, "segments": len(parts), "bytes": size}
    return {**facts, **took, "packages": as_packages, "build_peak_bytes": _peak()}


def _tables(material: Material, hours: float) -> Iterator[tuple[Entry, Table]]:
    for name, clip in material.clips.items():
        table = tabulate([clip], mirrors=False)
        yield Entry(f"videos/{name}/real", "none", len(table.hashes)), table
    for name, _, hashes in material.videos(hours):
        table = synthetic.table(hashes)
        yield Entry(name, "none", len(table.hashes)), table


def _put(folder: Path, keyframes: Any) -> None:
    folder.mkdir(parents=True)
    with gzip.open(folder / FINGERPRINTS, "wt", compresslevel=1) as stream:
        stream.writelines(json.dumps(line_of(item)) + "\n" for item in keyframes)
    digest = hashlib.sha256((folder / FINGERPRINTS).read_bytes()).hexdigest()
    (folder / package.MANIFEST).write_text(f"{digest}  {FINGERPRINTS}\n")


def query(material: Material, hours: float, method: Method) -> dict[str, Any]:
    case, asked = material.work / f"case-{hours:g}", material.minute()
    wall, cpu, found = [], [], {}
    for _ in range(RUNS):
        started, busy = time.perf_counter(), time.process_time()
        found = dict(open_index(case).search(asked, RADIUS, method))
        wall.append(time.perf_counter() - started)
        cpu.append(time.process_time() - busy)
    sources = {f"videos/{name}/real" for name, _ in MINUTE}
    return {
        "seconds": wall,
        "cpu_seconds": cpu,
        "peak_bytes": _peak(),
        "query_hashes": len(tabulate([asked], mirrors=True).hashes),
        "query_seconds": asked.keyframes[-1].seconds,
        "sources": len(sources),
        "sources_found": len(sources & found.keys()),
        "others_found": len(found.keys() - sources),
        "pairs_with_others": sum(len(hits) for name, hits in found.items() if name not in sources),
    }


def _peak() -> int:
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def recall(material: Material, hours: float) -> dict[str, Any]:
    """For each edit: copies whose source each method finds; and the share of pairs with a common word by distance."""
    index = open_index(material.work / f"case-{hours:g}")
    edits: dict[str, list[tuple[bool, bool, int]]] = {}
    pairs: Counter[int] = Counter()
    common: Counter[int] = Counter()
    for (source, edit), copy in material.copies.items():
        name = f"videos/{source}/real"
        exact, words = dict(index.search(copy)), dict(index.search(copy, RADIUS, "words"))
        nearest = int(exact[name].distance.min()) if name in exact else 256
        edits.setdefault(edit, []).append((name in exact, name in words, nearest))
        if name in exact:
            for distance, shared in _pairs(copy, material.clips[source], exact[name]):
                pairs[distance // 8] += 1
                common[distance // 8] += shared
    table = {f"{8 * part}-{8 * part + 7}": [pairs[part], common[part] / pairs[part]] for part in sorted(pairs)}
    return {"edits": edits, "pairs": table}


def _pairs(copy: Footage, clip: Footage, hits: Hits) -> Iterator[tuple[int, bool]]:
    for place in range(len(hits)):
        one = copy.keyframes[hits.query[place]].fingerprints[hits.query_form[place]]
        other = clip.keyframes[hits.reference[place]].fingerprints[hits.reference_form[place]]
        mine = np.frombuffer(one.mirrored_bits if hits.mirrored[place] else one.bits, np.uint16)
        assert len(mine) == WORDS
        yield int(hits.distance[place]), bool((mine == np.frombuffer(other.bits, np.uint16)).any())


def plot(results: dict[float, dict[str, Any]], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    hours = sorted(results)
    far = np.array([*hours, 100_000.0])
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    lines = (
        (left, "build", lambda known: known["build"]["build_cpu_seconds"]),
        (left, "search, exact", lambda known: statistics.median(known["exact"]["cpu_seconds"])),
        (left, "search, words", lambda known: statistics.median(known["words"]["cpu_seconds"])),
        (right, "index on disk", lambda known: known["build"]["bytes"] / 2**30),
        (right, "memory, build", lambda known: known["build"]["build_peak_bytes"] / 2**30),
        (right, "memory, exact", lambda known: known["exact"]["peak_bytes"] / 2**30),
        (right, "memory, words", lambda known: known["words"]["peak_bytes"] / 2**30),
    )
    for axes, label, value in lines:
        values = [value(results[item]) for item in hours]
        (drawn,) = axes.plot(hours, values, "o-", label=label)
        if not label.startswith("memory"):
            axes.plot(far[-2:], [values[-1], values[-1] * far[-1] / far[-2]], ":", color=drawn.get_color())
    for axes, unit in ((left, "seconds of one core"), (right, "GiB")):
        axes.set(xscale="log", yscale="log", xlabel="hours of footage (dotted: extrapolated)", ylabel=unit)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def show(results: dict[float, dict[str, Any]], found: dict[str, Any]) -> None:
    for hours, known in sorted(results.items()):
        made = known["build"]
        print(
            f"{hours:g} h: {made['hashes']:,} hashes of {made['videos']:,} videos in {made['segments']} segments, "
            f"{made['bytes'] / 1e9:.2f} GB; built in {made['build_seconds']:.1f} s "
            f"({made['build_cpu_seconds']:.1f} s CPU, peak {made['build_peak_bytes'] / 1e9:.2f} GB)"
            f"{' from packages' if made['packages'] else ''}"
        )
        for method in ("exact", "words"):
            took = known[method]
            print(
                f"    {method}: {statistics.median(took['seconds']):.2f} s "
                f"({statistics.median(took['cpu_seconds']):.2f} s CPU), peak {took['peak_bytes'] / 1e9:.2f} GB; "
                f"{took['query_hashes']} hashes of {took['query_seconds']:.0f} s; {took['sources_found']} of "
                f"{took['sources']} sources, {took['others_found']} other videos with {took['pairs_with_others']} pairs"
            )
    print("\nedit: copies whose source is found by exact and by words; nearest hashes in bits")
    for edit, rows in found["edits"].items():
        exact, words = sum(row[0] for row in rows), sum(row[1] for row in rows)
        print(f"    {edit:24} {exact}/{len(rows)}  {words}/{len(rows)}  {sorted(row[2] for row in rows)}")
    print("\nbits apart: pairs of a copy and its source, and the share with a common word")
    for part, (count, share) in found["pairs"].items():
        print(f"    {part:>6}: {count:8,} {share:7.1%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--work", type=Path, default=Path("recycled-scale"))
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--remove", action="store_true", help="remove each archive but the smallest after its searches")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    smallest = min(given.hours)
    if given.step:
        material, (step, _, hours) = Material(given.work, given.shared), given.step.partition(" ")
        if step == "build":
            made = build(material, float(hours), float(hours) == smallest)
        else:
            made = recall(material, float(hours)) if step == "recall" else query(material, float(hours), step)
        print(json.dumps(made))
        return
    results = {}
    for hours in sorted(given.hours):
        results[hours] = {step: _kept(given, step, hours) for step in ("build", "exact", "words")}
        if given.remove and hours != smallest:
            shutil.rmtree(given.work / f"case-{hours:g}", ignore_errors=True)
    show(results, _kept(given, "recall", smallest))
    if given.plot:
        plot(results, given.plot)


def _kept(given: argparse.Namespace, step: str, hours: float) -> Any:
    path = given.work / f"{step}-{hours:g}.json"
    if not path.exists():
        command = [sys.executable, __file__, "--step", f"{step} {hours:g}", "--work", str(given.work)]
        command += ["--shared", str(given.shared), "--hours", *map(str, given.hours)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        path.write_text(done.stdout)
    return json.loads(path.read_text())


if __name__ == "__main__":
    main()
