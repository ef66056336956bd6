"""SLURM without a cluster: the array job is a script that the shell understands, and shards are run by hand."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

from batch.archives import ROUNDEL, digests, plan_for, roundel
from roundel.batch.merge import merge
from roundel.batch.plan import Plan, read
from roundel.batch.slurm import write_sbatch


def sbatch_lines(plan: Plan, seconds: float = 4 * 3600, gpus: int = 0) -> list[str]:
    return write_sbatch(plan, seconds, cpus=8, gpus=gpus).read_text().splitlines()


def dump(case: Path) -> list[str]:
    with sqlite3.connect(case / "index.sqlite") as index:
        return list(index.iterdump())


def test_the_array_job_says_what_slurm_needs_to_know(archive: Path, tmp_path: Path) -> None:
    lines = sbatch_lines(plan_for(tmp_path / "a plan", archive, tmp_path / "case", shards=3), gpus=1)
    for wanted in (
        "#SBATCH --array=1-3",
        "#SBATCH --cpus-per-task=8",
        "#SBATCH --gpus-per-task=1",
        "#SBATCH --time=240",
        "#SBATCH --signal=B:TERM@120",
    ):
        assert wanted in lines
    assert subprocess.run(["bash", "-n", tmp_path / "a plan" / "batch.sbatch"], check=False).returncode == 0


def test_three_shards_by_hand_merge_to_the_same_packages_and_index(
    archive: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    """The script itself is run three times, as SLURM would run it, in another order."""
    plan = plan_for(tmp_path / "plan", archive, tmp_path / "shards" / "case", shards=3)
    script = write_sbatch(plan, 3600, cpus=1, gpus=0)
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "roundel").write_text(f'#!/bin/sh\nexec {" ".join(ROUNDEL)} "$@"\n')
    (tools / "roundel").chmod(0o755)
    codes = []
    for task in ("3", "1", "2"):
        environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "SLURM_ARRAY_TASK_ID": task}
        done = subprocess.run(["bash", script], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode in {0, 1}, done.stderr
        codes.append(done.returncode)
    assert max(codes) == 1
    merge(plan)
    assert digests(tmp_path / "shards" / "case") == undisturbed
    whole = plan_for(tmp_path / "whole", archive, tmp_path / "one" / "case")
    assert roundel("batch", "run", whole.folder, "--quiet").returncode == 1
    assert dump(tmp_path / "shards" / "case") == dump(tmp_path / "one" / "case")
    assert roundel("verify", tmp_path / "shards" / "case").returncode == 0


def test_a_task_that_is_told_to_end_stops_cleanly_and_goes_on_when_submitted_again(
    archive: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    plan = plan_for(tmp_path / "plan", archive, tmp_path / "case", shards=1)
    command = [*ROUNDEL, "batch", "run", str(plan.folder), "--engine", "slurm", "--shard", "1/1", "--workers", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as task:
        until = time.monotonic() + 60
        while not list((plan.folder / "outcomes").rglob("*.json")) and time.monotonic() < until:
            time.sleep(0.05)
        task.send_signal(signal.SIGTERM)
        _, err = task.communicate(timeout=60)
    assert task.returncode == 130, err
    assert not list((tmp_path / "case" / "videos").glob("*/.partial-*"))
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
    assert digests(tmp_path / "case") == undisturbed


def test_a_shard_needs_to_be_named_and_to_exist(archive: Path, tmp_path: Path) -> None:
    plan_for(tmp_path / "plan", archive, tmp_path / "case", shards=2)
    nameless = roundel("batch", "run", tmp_path / "plan", "--engine", "slurm")
    assert (nameless.returncode, "give --shard, such as 1/8" in nameless.stderr) == (2, True)
    beyond = roundel("batch", "run", tmp_path / "plan", "--engine", "slurm", "--shard", "3/2")
    assert (beyond.returncode, "give a number and how many there are" in beyond.stderr) == (2, True)


def test_plan_writes_the_array_job_for_several_shards(archive: Path, tmp_path: Path) -> None:
    made = roundel("batch", "plan", tmp_path / "plan", archive, "--to", tmp_path / "case", "--shards", "3", "--json")
    facts = json.loads(made.stdout)
    assert Path(facts["sbatch"]).read_text().startswith("#!/usr/bin/env bash\n#SBATCH --job-name=roundel-")
    assert read(tmp_path / "plan").shards == 3
