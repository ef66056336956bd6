"""Remake requirements.lock, requirements-cuda.lock and requirements-gpu.lock from pyproject.toml: ``make lock``.

They pin versions and hashes for every platform at once (markers choose), and name no host. Pins that still fit
are kept; ``make lock UPGRADE=1`` moves everything to the newest versions.

Two facts about torch shape this script. On Linux the package index offers a torch that declares several gigabytes of
CUDA libraries as dependencies; they go to a file of their own, which tools/setup.sh installs only next to such a
torch. And the CPU build of the same version ("2.13.0+cpu", not on the package index, but many machines are given it
by their pip configuration) satisfies the same pin, so its hashes are listed beside the others.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
CUDA_LOCK = ROOT / "requirements-cuda.lock"
GPU_LOCK = ROOT / "requirements-gpu.lock"

# The build of ONNX Runtime for NVIDIA GPUs, which takes the place of onnxruntime and has the same import name.
GPU_BUILD = "onnxruntime-gpu[cuda,cudnn]"

# torchvision is declared by ultralytics and has to match torch; Roundel never imports it (it loads only beside the
# CUDA build).
PINS = ("torch==2.13.0", "torchvision==0.28.0")

# The project's official CPU wheels of that torch. The first was computed here (`pip hash`); the others are as several
# independent public lock files state them. A new torch needs new ones: the script stops until they are replaced.
TORCH_CPU_WHEELS = {
    "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64": (
        "6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b"
    ),
    "torch-2.13.0+cpu-cp312-cp312-manylinux_2_28_x86_64": (
        "4ca4a9394b0c771238a4f73590fdbbc4debad85ed0fa63d026ae1b085da7d6e2"
    ),
    "torch-2.13.0+cpu-cp313-cp313-manylinux_2_28_x86_64": (
        "3fbf9c9d1f3c10c2d59d04aca426dee9ccc6ceb32d255c61e93acc3b4f75fae6"
    ),
    "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_aarch64": (
        "84453b69508ec79902f899c5ed9495acb9e2bbe9fda5f1d5d6f19e3c3842e1a7"
    ),
    "torch-2.13.0+cpu-cp312-cp312-manylinux_2_28_aarch64": (
        "6f307c2c32d764ffc6ff6893b801fad6d4752f3e67966cb8abf1843427c02604"
    ),
    "torch-2.13.0+cpu-cp313-cp313-manylinux_2_28_aarch64": (
        "0b8f7d0423027ae8b90c7977c627f3379f325363a08224dffad9b4b2d684a83d"
    ),
}

COMPILE = shlex.split(
    "--no-config pip compile --universal --python-version 3.11 --only-binary :all: --generate-hashes "
    "--annotation-style line --no-header --no-emit-index-url --no-emit-find-links --quiet"
)

HEADER = "# {what}\n# Made by `make lock` (tools/lock.py) from pyproject.toml; do not edit.\n"


def uv_environment() -> dict[str, str]:
    """The environment for uv, which reads none of pip's configuration: hand it pip's index and certificate.

    They stay in the environment of the child and are written to no file.
    """
    environment = dict(os.environ)
    for setting, variable in (("index-url", "UV_DEFAULT_INDEX"), ("cert", "SSL_CERT_FILE")):
        for scope in ("global", ":env:"):
            asked = subprocess.run(
                [sys.executable, "-m", "pip", "config", "get", f"{scope}.{setting}"],
                capture_output=True,
                text=True,
                check=False,
            )
            if asked.returncode == 0:
                environment.setdefault(variable, asked.stdout.strip())
    return environment


def resolve(*, upgrade: bool) -> str:
    """Everything in one requirements text, with ``# via`` notes; the old locks say which pins to keep."""
    kept = "" if upgrade else pins_of(*(lock.read_text() for lock in (LOCK, CUDA_LOCK) if lock.exists()))
    return compiled("pyproject.toml", "--group", "dev", constraints="\n".join(PINS), kept=kept)


def resolve_gpu(known: list[str], *, upgrade: bool) -> list[str]:
    """The entries that the GPU build needs besides those of the other two files, whose pins it has to agree with."""
    kept = GPU_LOCK.read_text() if GPU_LOCK.exists() and not upgrade else ""
    with tempfile.TemporaryDirectory() as scratch:
        wanted = Path(scratch, "wanted.txt")
        wanted.write_text(f"{GPU_BUILD} ; sys_platform == 'linux' and platform_machine == 'x86_64'\n")
        text = compiled(str(wanted), constraints=pins_of(*known), kept=pins_of(kept))
    text = re.sub(r"-r \S*wanted\.txt", "tools/lock.py", text)
    return [entry for entry in entries(text) if entry.partition("==")[0] not in names(set(known))]


def pins_of(*texts: str) -> str:
    """The requirement lines of locks without their hashes, which uv would keep and not ask for again."""
    return "".join(f"{line.rstrip()}\n" for text in texts for line in re.findall(r"^[a-z][^\\\n]*", text, re.MULTILINE))


def compiled(*sources: str, constraints: str, kept: str) -> str:
    """What uv makes of requirements: a requirements text with hashes and ``# via`` notes."""
    with tempfile.TemporaryDirectory() as scratch:
        pins, output = Path(scratch, "pins.txt"), Path(scratch, "all.lock")
        pins.write_text(constraints + "\n")
        output.write_text(kept)
        subprocess.run(
            [sys.executable, "-m", "uv", *COMPILE, *sources, "--constraints", str(pins), "--output-file", str(output)],
            cwd=ROOT,
            env=uv_environment(),
            check=True,
        )
        # uv names the constraints file among the reasons: leave that path out.
        return re.sub(r"(, )?-c \S*pins\.txt(, )?", lambda m: ", " if m[1] and m[2] else "", output.read_text())


def entries(text: str) -> list[str]:
    """The entries of a requirements text: a requirement line with the indented lines that follow it."""
    return re.findall(r"^\S.*\n(?:[ \t].*\n)*", text, flags=re.MULTILINE)


def split(text: str) -> tuple[list[str], list[str]]:
    """Part the entries that only a CUDA torch needs (for Linux, asked for by nothing but torch and each other)."""
    asked_by: dict[str, set[str]] = {}
    for entry in entries(text):
        reasons = re.search(r"# via (.+)", entry)
        assert reasons, f"no '# via' note in: {entry}"
        for_linux = "sys_platform == 'linux'" in entry.splitlines()[0]
        asked_by[entry] = set(reasons[1].split(", ")) if for_linux else {"another platform too"}
    companions: set[str] = set()
    while found := {e for e, reasons in asked_by.items() if reasons <= {"torch"} | names(companions)} - companions:
        companions |= found
    return [e for e in asked_by if e not in companions], [e for e in asked_by if e in companions]


def names(some: set[str]) -> set[str]:
    """The distribution names of entries."""
    return {entry.partition("==")[0] for entry in some}


def accept_cpu_build(entry: str) -> str:
    """Add the CPU wheels' hashes to the entry of torch."""
    version = entry.split(maxsplit=1)[0].removeprefix("torch==")
    stale = [wheel for wheel in TORCH_CPU_WHEELS if not wheel.startswith(f"torch-{version}+cpu-")]
    assert not stale, f"torch is now {version}: put its CPU wheels' hashes into TORCH_CPU_WHEELS"
    first, rest = entry.split("\n", 1)
    return "\n".join([first, *(f"    --hash=sha256:{digest} \\" for digest in TORCH_CPU_WHEELS.values()), rest])


def main() -> None:
    """Resolve, split, write."""
    core, cuda = split(resolve(upgrade="--upgrade" in sys.argv[1:]))
    core = [accept_cpu_build(entry) if entry.startswith("torch==") else entry for entry in core]
    LOCK.write_text(HEADER.format(what="Everything that Roundel and its tests import.") + "".join(core))
    CUDA_LOCK.write_text(
        HEADER.format(what="What a CUDA build of torch needs besides; a CPU build (+cpu) needs none of it.")
        + "".join(cuda)
    )
    gpu = resolve_gpu([*core, *cuda], upgrade="--upgrade" in sys.argv[1:])
    GPU_LOCK.write_text(
        HEADER.format(what="ONNX Runtime for NVIDIA GPUs, in place of onnxruntime; needs requirements-cuda.lock, too.")
        + "".join(gpu)
    )
    for lock, found in ((LOCK, core), (CUDA_LOCK, cuda), (GPU_LOCK, gpu)):
        print(f"{lock.name}: {len(found)} entries")


if __name__ == "__main__":
    main()
