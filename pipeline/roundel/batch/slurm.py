"""SLURM: an array job whose tasks each work on one shard."""

from __future__ import annotations

import math
import shlex
from pathlib import Path

from roundel.batch.plan import Plan
from roundel.disk import replace_text
from roundel.errors import UsageError

SBATCH = "batch.sbatch"
WARNING_SECONDS = 120
"""How long before the limit SLURM says that it is about to end a task."""


def write_sbatch(plan: Plan, time_limit_seconds: float, cpus: int, gpus: int) -> Path:
    """Write the array job of a plan. It may be submitted again until nothing is left: what is done is skipped.

    Args:
        plan: the plan, on a file system that all nodes see.
        time_limit_seconds: of each task.
        cpus: processors of each task.
        gpus: GPUs of each task.

    Raises:
        UsageError: if the name of the plan's folder cannot stand in a script.
    """
    folder = plan.folder.absolute()
    if not str(folder).isprintable() or {'"', "\\"} & set(str(folder)):
        raise UsageError(f"{folder}: cannot stand in a SLURM script; give the plan a folder with another name")
    minutes = max(1, math.ceil(time_limit_seconds / 60))
    works_seconds = max(60, int(time_limit_seconds) - WARNING_SECONDS)
    lines = [
        "#!/usr/bin/env bash",
        f"#SBATCH --job-name=roundel-{plan.id[:8]}",
        f"#SBATCH --array=1-{plan.shards}",
        "#SBATCH --ntasks=1",
        f"#SBATCH --cpus-per-task={cpus}",
        *([f"#SBATCH --gpus-per-task={gpus}"] if gpus else []),
        f"#SBATCH --time={minutes}",
        f"#SBATCH --signal=B:TERM@{WARNING_SECONDS}",
        f'#SBATCH --output="{str(folder).replace("%", "%%")}/slurm-%A_%a.log"',
        "#SBATCH --open-mode=append",
        "",
        "# Submit again what has not ended in time: what is done is skipped. When all tasks have ended:",
        f"#   roundel batch merge {shlex.quote(str(folder))}",
        "",
        "# exec: the signal goes to this process, which then finishes what is under way.",
        f"exec roundel batch run {shlex.quote(str(folder))} --engine slurm \\",
        f'  --shard "$SLURM_ARRAY_TASK_ID/{plan.shards}" --time-limit {works_seconds}s',
    ]
    path = plan.folder / SBATCH
    replace_text(path, "\n".join(lines) + "\n")
    return path
