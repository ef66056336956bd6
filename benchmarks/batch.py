"""Throughput, memory and growth of ``roundel batch``, and what Ray costs beside local processes.

    python benchmarks/batch.py --scratch scratch                 # all of it; about half an hour on two cores
    python benchmarks/batch.py --scratch scratch --plot docs/images/batch.png   # draw what was measured

Clips are a second long (tools/make_archive.py), one in twenty is broken; without types and writing, so that what is
measured is the batch, not the models. Memory is the proportional share (PSS) of all processes, summed, up to four times
a second: a look at the dozen processes of Ray takes 0.1 s, so one part in fifty of the time goes into looking. Results
are kept in SCRATCH/batch.jsonl: what is there is not measured again.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from chaos import descendants, plan_for
from make_archive import make

ROUNDEL = (sys.executable, "-m", "roundel")
SIZES = (10, 30, 100, 300, 1000)
PROCESSES = (1, 2)
RAY_CLIPS = 500
RAY_ROUNDS = 3
LOOK_SECONDS = 0.25
LOOK_SHARE = 50


def memory_of(pid: int) -> int:
    """Bytes of a process and all below it, pages in common counted once."""
    total = 0
    for child in (pid, *descendants(pid)):
        with contextlib.suppress(OSError, IndexError):
            for line in Path(f"/proc/{child}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


def run(archive: Path, scratch: Path, engine: str, processes: int) -> dict[str, float]:
    """One batch from nothing to the merged case: seconds, peak bytes, and how many inputs are done."""
    plan, case = plan_for(archive, scratch, "measured")
    since, peak = time.monotonic(), 0
    command = [*ROUNDEL, "batch", "run", str(plan), "--engine", engine, "--workers", str(processes), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        over = threading.Event()

        def watch() -> None:
            nonlocal peak
            pause = LOOK_SECONDS
            while not over.wait(pause):
                began = time.monotonic()
                peak = max(peak, memory_of(process.pid))
                pause = max(LOOK_SECONDS, LOOK_SHARE * (time.monotonic() - began))

        watcher = threading.Thread(target=watch)
        watcher.start()
        assert process.stdout is not None
        status = json.loads(process.stdout.read())
        process.wait()
        over.set()
        watcher.join()
    seconds = time.monotonic() - since
    assert not status["left"], status
    for old in (plan, case):
        shutil.rmtree(old)
    return {"seconds": round(seconds, 2), "peak_bytes": peak, "done": status["done"], "failed": status["failed"]}


def measure(scratch: Path, sizes: tuple[int, ...]) -> list[dict[str, Any]]:
    """All measurements, those of earlier calls included. Ray and local take turns, so that both meet the same noise."""
    kept = scratch / "batch.jsonl"
    results = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    wanted = [("local", processes, size, 0) for size in sizes for processes in PROCESSES]
    wanted += [(engine, 2, RAY_CLIPS, number + 1) for number in range(RAY_ROUNDS) for engine in ("local", "ray")]
    for engine, processes, size, turn in wanted:
        key = {"engine": engine, "processes": processes, "clips": size, "turn": turn}
        if any(key.items() <= result.items() for result in results):
            continue
        archive = scratch / f"archive-{size}"
        make(archive, size, size // 20)
        result = {**key, **run(archive, scratch, engine, processes)}
        results.append(result)
        with kept.open("a") as stream:
            stream.write(json.dumps(result) + "\n")
        print(line_of(result), flush=True)
    return results


def line_of(result: dict[str, Any]) -> str:
    """A measurement in words."""
    rate = result["clips"] / result["seconds"]
    return (
        f"{result['engine']:5} {result['processes']} processes, {result['clips']:4} clips: {result['seconds']:6.1f} s, "
        f"{rate:5.2f} clips a second, peak {result['peak_bytes'] / 1024**2:5.0f} MiB"
    )


def ray_overhead(results: list[dict[str, Any]]) -> list[float]:
    """Seconds with Ray over seconds with local processes, for each turn."""
    seconds = {(it["engine"], it["turn"]): it["seconds"] for it in results if it["turn"]}
    return [seconds["ray", turn] / seconds["local", turn] for turn in range(1, RAY_ROUNDS + 1)]


def plot(results: list[dict[str, Any]], out: Path) -> None:
    """Throughput and memory over the size of the archive."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for processes, style in zip(PROCESSES, ("o--", "s-"), strict=True):
        rows = sorted(
            (it for it in results if it["engine"] == "local" and it["processes"] == processes and not it["turn"]),
            key=lambda it: it["clips"],
        )
        sizes = [it["clips"] for it in rows]
        label = f"{processes} process{'es' * (processes > 1)}"
        left.plot(sizes, [it["clips"] / it["seconds"] for it in rows], style, label=label)
        right.plot(sizes, [it["peak_bytes"] / 1024**2 for it in rows], style, label=label)
    for axes, title in ((left, "clips a second"), (right, "peak memory of all processes, MiB")):
        axes.set_xscale("log")
        axes.set_xlabel("clips in the archive")
        axes.set_title(title)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend()
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--most", type=int, default=SIZES[-1], help="clips of the largest archive")
    parser.add_argument("--plot", type=Path)
    wanted = parser.parse_args()
    wanted.scratch.mkdir(parents=True, exist_ok=True)
    results = measure(wanted.scratch, tuple(size for size in SIZES if size <= wanted.most))
    for result in results:
        print(line_of(result))
    ratios = ray_overhead(results)
    turns = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(f"Ray over local, {RAY_CLIPS} clips: {statistics.median(ratios):.2f}, median of the turns {turns}")
    if wanted.plot:
        plot(results, wanted.plot)
        print(wanted.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
