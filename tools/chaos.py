"""Kill processes of a batch until it is done, and compare what it has made with an undisturbed run.

    python tools/chaos.py --archive archive --scratch scratch --seeds 10 [--engine ray]

Every few seconds one process is chosen at random: a worker, an ffmpeg, the run itself, and with Ray one of Ray's own.
An ffmpeg gets SIGTERM half of the time, as when a machine stops.
After a killed run the same command is given again. At the end nothing may be lost, twice or different.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

ROUNDEL = (sys.executable, "-m", "roundel")
FAST = "[types]\nengine = 'off'\n[text]\nengine = 'off'\n"
EVERY_SECONDS = {"local": (2.0, 7.0), "ray": (4.0, 12.0)}
"""Between two kills. A Ray cluster needs some ten seconds to start, in which nothing gets done."""
DRIVER = "Ray's driver"
MEDIA_PROGRAMS = ("ffmpeg", "ffprobe")
RAY_PROCESSES = ("raylet", "gcs_server", "ray::MapWorker")


@dataclass(slots=True)
class Disturbed:
    """What happened to one batch."""

    seed: int
    runs: int = 0
    killed: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


def descendants(pid: int) -> dict[int, str]:
    """All processes below one, with their command lines."""
    parents: dict[int, list[int]] = {}
    names: dict[int, str] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            stat = (folder / "stat").read_text()
            names[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(folder.name))
    found, queue = {}, [pid]
    while queue:
        for child in parents.get(queue.pop(), ()):
            found[child] = names[child]
            queue.append(child)
    return found


def kind_of(command: str, engine: str) -> str:
    """What a process of a batch is. With Ray the run's own child talks to the cluster, and its actors do the work."""
    for name in (*RAY_PROCESSES, *MEDIA_PROGRAMS):
        if name in command:
            return name
    if "spawn_main" in command:
        return "worker" if engine == "local" else DRIVER
    return "other"


def choose(run: int, random: Random, engine: str) -> tuple[int, str]:
    """A process to kill: mostly those that do the work."""
    below = [(pid, kind_of(command, engine)) for pid, command in descendants(run).items()]
    weights = {"worker": 6.0, "ray::MapWorker": 6.0, "ffmpeg": 2.0, "ffprobe": 2.0}
    weights |= {DRIVER: 1.0, "raylet": 0.5, "gcs_server": 0.5}
    candidates = [(pid, kind) for pid, kind in below if kind in weights]
    by_kind = Counter(kind for _, kind in candidates)
    candidates.append((run, "the run itself"))
    chosen = random.choices(candidates, [weights.get(kind, 1.0) / by_kind.get(kind, 1) for _, kind in candidates])
    return chosen[0]


def disturb(
    run: subprocess.Popen[bytes], report: Disturbed, random: Random, over: threading.Event, engine: str
) -> None:
    """Kill one process every few seconds until the run is over."""
    while not over.wait(random.uniform(*EVERY_SECONDS[engine])):
        pid, kind = choose(run.pid, random, engine)
        number = random.choice((signal.SIGKILL, signal.SIGTERM)) if kind in MEDIA_PROGRAMS else signal.SIGKILL
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
        report.killed[kind] += 1


def work_through(plan: Path, engine: str, report: Disturbed, most_runs: int = 500) -> None:
    """Give the same command again until it ends by itself with nothing left."""
    random = Random(report.seed)
    while report.runs < most_runs:
        report.runs += 1
        with (plan / "chaos.log").open("ab") as log:
            command = [*ROUNDEL, "batch", "run", str(plan), "--engine", engine, "--workers", "2", "--quiet"]
            run = subprocess.Popen(command, stdout=log, stderr=log)
        over = threading.Event()
        killer = threading.Thread(target=disturb, args=(run, report, random, over, engine))
        killer.start()
        code = run.wait()
        over.set()
        killer.join()
        if code in {0, 1}:
            status = json.loads(subprocess.check_output([*ROUNDEL, "batch", "status", str(plan), "--json"]))
            if not status["left"] and not status["again"]:
                return
    report.wrong.append(f"not done after {most_runs} runs")


def digests(case: Path) -> dict[str, str]:
    """The hash of every file below the packages."""
    found = {}
    for path in sorted((case / "videos").rglob("*")):
        if path.is_file():
            found[path.relative_to(case).as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def examine(plan: Path, case: Path, expected: dict[str, str], report: Disturbed) -> None:
    """Compare with the undisturbed run; look for what is lost or twice."""
    made = digests(case)
    report.wrong += [f"lost: {name}" for name in sorted(expected.keys() - made.keys())]
    report.wrong += [f"left over: {name}" for name in sorted(made.keys() - expected.keys())]
    report.wrong += [f"different: {name}" for name in expected if name in made and made[name] != expected[name]]
    items = [json.loads(line)["id"] for line in (plan / "items.jsonl").read_text().splitlines()]
    outcomes = sorted(path.stem for path in (plan / "outcomes").rglob("*.json"))
    if outcomes != sorted(items):
        report.wrong.append(f"{len(items)} items, {len(outcomes)} outcomes")
    events = [json.loads(line) for line in (case / "custody.jsonl").read_text().splitlines()]
    for kind in ("received", "analysed"):
        twice = [key for key, count in Counter(_key(e) for e in events if e["event"] == kind).items() if count > 1]
        report.wrong += [f"{kind} twice: {key}" for key in twice]
    analysed = {event["subject"] for event in events if event["event"] == "analysed"}
    packages = {"/".join(name.split("/")[:3]) for name in expected}
    report.wrong += [f"not in the log: {name}" for name in sorted(packages ^ analysed)]
    checked = subprocess.run([*ROUNDEL, "verify", str(case)], capture_output=True, text=True, check=False)
    if checked.returncode:
        report.wrong.append(f"verify: {checked.stdout.splitlines()[:1]}")


def _key(event: dict[str, object]) -> str:
    details = event["details"]
    assert isinstance(details, dict)
    return f"{event['subject']} {details.get('path', '')}"


def plan_for(archive: Path, scratch: Path, name: str) -> tuple[Path, Path]:
    """A new plan and its case."""
    plan, case, settings = scratch / f"plan-{name}", scratch / f"case-{name}", scratch / "fast.toml"
    settings.write_text(FAST)
    for old in (plan, case):
        shutil.rmtree(old, ignore_errors=True)
    command = ["batch", "plan", str(plan), str(archive), "--to", str(case), "--config", str(settings), "--quiet"]
    subprocess.run([*ROUNDEL, *command], check=True, stdout=subprocess.DEVNULL)
    return plan, case


def chaos(archive: Path, scratch: Path, seeds: range, engine: str) -> list[Disturbed]:
    """Disturb one batch for each seed; prints a line for each."""
    scratch.mkdir(parents=True, exist_ok=True)
    plan, case = plan_for(archive, scratch, "undisturbed")
    subprocess.run([*ROUNDEL, "batch", "run", str(plan), "--quiet"], check=False, stdout=subprocess.DEVNULL)
    expected, reports = digests(case), []
    for seed in seeds:
        report, since = Disturbed(seed), time.monotonic()
        plan, case = plan_for(archive, scratch, f"{engine}-{seed}")
        work_through(plan, engine, report)
        examine(plan, case, expected, report)
        report.seconds = time.monotonic() - since
        killed = ", ".join(f"{count} × {kind}" for kind, count in sorted(report.killed.items()))
        verdict = "; ".join(report.wrong[:5]) or "nothing lost, twice or different"
        print(
            f"{engine}, seed {seed}: {report.runs} runs, {report.seconds:.0f} s, killed {killed}: {verdict}", flush=True
        )
        if not report.wrong:
            shutil.rmtree(plan)
            shutil.rmtree(case)
        reports.append(report)
    return reports


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archive", type=Path, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--engine", choices=("local", "ray"), default="local")
    wanted = parser.parse_args()
    seeds = range(wanted.first, wanted.first + wanted.seeds)
    reports = chaos(wanted.archive, wanted.scratch, seeds, wanted.engine)
    return 1 if any(report.wrong for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
