"""Run entries of the hostile corpus as a user would, and say what was wrong."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from corpus.entry import CASE, REPOSITORY, Entry
from trap import Observed, watch

RUN = "import sys; from roundel.cli import main; sys.argv[0] = 'roundel'; main()"
LONGEST_LINE = 1500
SYSTEM = (
    "/usr", "/lib", "/bin", "/sbin", "/proc/", "/sys/", "/etc/ld.so", "/etc/localtime", "/etc/OpenCL", "/dev/null",
    "/dev/urandom", "/dev/random", "/dev/shm/", "/etc/locale.alias", "/etc/ssl/openssl.cnf",  # noqa: S108
    # Tesseract is linked with libcurl and that with libldap, which looks up the name of this machine when it starts.
    "/etc/nsswitch.conf", "/etc/host.conf", "/etc/hosts", "/etc/resolv.conf", "/etc/ldap/ldap.conf",
)  # fmt: skip
"""What programs and libraries read whatever they are given."""
PROGRAMS = frozenset(
    {
        "ffmpeg",
        "ffprobe",
        "tesseract",
        "unshare",
        "true",
        "ldconfig",
        "ldconfig.real",
        "uname",
        "lscpu",
        "ld-linux-x86-64.so.2",
    }
)
WRITTEN = ("/dev/null", "/proc/", "/dev/shm/", "/dev/tty")  # noqa: S108
LIVELY = ("<script", "<iframe", "<object", "\x1b", "\u202e")
"""What must not stand in a report, in small letters."""
PASSED = re.compile(
    r"^(Case: |passed over: |\d+ of \d+ videos? failed|[0-9a-f]{12}…/|Nothing was repeated|No footage was examined"
    r"|\d+ claims? assessed)"
)


@dataclass
class Verdict:
    """What became of an entry. ``wrong``: what should not have been; empty if all was right."""

    entry: Entry
    code: int | None
    seconds: float
    peak_mib: float
    told: str
    traced: bool
    outside: list[str] = field(default_factory=list)
    network: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def run(entries: Sequence[Entry], tree: Path, patience: float = 3.0) -> Iterator[Verdict]:
    """Run entries, those that may go together in calls of up to 25.

    Args:
        entries: what to run.
        tree: the folder of the corpus.
        patience: a busy machine takes so many times longer.
    """
    alone = [entry for entry in entries if not entry.together]
    batches: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.together:
            batches.setdefault(entry.kind, []).append(entry)
    for kind in batches.values():
        for start in range(0, len(kind), 25):
            yield from run_together(kind[start : start + 25], tree, patience)
    for entry in alone:
        yield _run_alone(entry, tree, patience)


def _observe(entry: Entry, scratch: Path, limit: float, arguments: Sequence[str]) -> Observed:
    for name in ("home", "tmp", "work"):
        (scratch / name).mkdir()
    kept = {key: os.environ[key] for key in ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH") if key in os.environ}
    own = {
        "HOME": str(scratch / "home"), "TMPDIR": str(scratch / "tmp"), "ROUNDEL_HOME": str(scratch / "home"),
        "USER": "hostile", "ROUNDEL_ACTOR": "hostile", "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "100000",
    }  # fmt: skip
    command = [sys.executable, "-c", RUN, *arguments]
    return watch(command, {**kept, **own, **entry.settings}, scratch / "work", limit)


def _run_alone(entry: Entry, tree: Path, patience: float) -> Verdict:
    with tempfile.TemporaryDirectory(prefix="hostile-") as name:
        scratch = Path(name).resolve()
        arguments = [part.replace(CASE, str(scratch / "case")) for part in entry.arguments]
        seen = _observe(entry, scratch, entry.seconds * patience, arguments)
        verdict = _judged(entry, seen, scratch, tree, arguments)
        verdict.wrong += _said_wrong(entry, seen)
        _clean(scratch)
    return verdict


def run_together(entries: Sequence[Entry], tree: Path, patience: float) -> Iterator[Verdict]:
    """One call for several videos: each has a line of its own, and what is wrong with the call is wrong with all."""
    with tempfile.TemporaryDirectory(prefix="hostile-") as name:
        scratch = Path(name).resolve()
        paths = [entry.arguments[1] for entry in entries]
        arguments = ["analyze", *paths, "--case", str(scratch / "case")]
        limit = sum(min(entry.seconds, 20) for entry in entries) * patience
        seen = _observe(entries[0], scratch, limit, arguments)
        whole = _judged(entries[0], seen, scratch, tree, arguments)
        marks = [line for line in seen.lines if re.search(r" \((done|failed|skipped)\): ", line[1])]
        whole.wrong += _lines_wrong(seen)
        if len(marks) != len(entries):
            whole.wrong.append(f"{len(marks)} outcomes of {len(entries)} files: {seen.errors[-300:]}")
        before = 0.0
        for entry, (at, line) in zip(entries, [*marks, *[(seen.seconds, "")] * len(entries)], strict=False):
            code = 0 if re.search(r" \((done|skipped)\): ", line) else 1
            verdict = Verdict(entry, code, at - before, whole.peak_mib, line.partition("): ")[2], whole.traced)
            verdict.outside, verdict.network, verdict.foreign = whole.outside, whole.network, whole.foreign
            verdict.wrong = [*whole.wrong]
            if code not in entry.exits:
                verdict.wrong.append(f"ended with {code}")
            before = at
            yield verdict
        _clean(scratch)


def _judged(entry: Entry, seen: Observed, scratch: Path, tree: Path, arguments: Sequence[str]) -> Verdict:
    given = [Path(part) for part in arguments if part.startswith("/")]
    own = [path for path in given if any(os.path.lexists(path / name) for name in ("custody.head", "custody.jsonl"))]
    said = [line for line in (*seen.errors.splitlines(), *seen.output.splitlines()) if line.strip()]
    told = next((line for line in said if line.startswith("Error: ") or "(failed): " in line), "".join(said[-1:]))
    verdict = Verdict(entry, seen.code, seen.seconds, seen.peak_bytes / 2**20, told, seen.traced)
    verdict.outside = sorted(path for path in seen.changed if not _within(path, (*own, scratch), WRITTEN))
    home = sorted(path for path in (scratch / "home").rglob("*") if path.is_file())
    left = sorted(
        path
        for path in (scratch / "tmp").rglob("*")
        if not path.relative_to(scratch / "tmp").parts[0].startswith("roundel-ultralytics-")
    )
    verdict.outside += [str(path) for path in (*home, *left) if entry.arguments[0] not in ("models", "gallery")]
    verdict.network = sorted(seen.network)
    may = (
        scratch,
        sys.prefix,
        sys.base_prefix,
        REPOSITORY,
        *sys.path,
        *given,
        *entry.may_read,
        *map(os.path.realpath, given),
    )
    places = [place for place in may if Path(place) != tree and Path(place) not in tree.parents]
    verdict.foreign = sorted(path for path in seen.read if not _within(path, places, SYSTEM))
    strangers = sorted(path for path in seen.programs if not _known(path))
    for what, found in (
        ("wrote outside", verdict.outside), ("network", verdict.network), ("read", verdict.foreign), ("ran", strangers)
    ):  # fmt: skip
        verdict.wrong += [f"{what}: {', '.join(found[:4])}"] if found else []
    if seen.code is None:
        verdict.wrong.append(f"did not end within {seen.seconds:.0f} s")
    if verdict.peak_mib > entry.memory_mib:
        verdict.wrong.append(f"took {verdict.peak_mib:.0f} MiB, more than {entry.memory_mib}")
    return verdict


def _known(arguments: str) -> bool:
    """Whether a program is one of Roundel's own; a shell only as the sandbox starts it, to set limits."""
    program = arguments.partition(", ")[0].strip('"')
    if Path(program).name == "sh":
        return 'exec \\"$@\\"' in arguments
    return Path(program).name in PROGRAMS or program.startswith((sys.prefix, sys.base_prefix))


def _within(path: str, folders: Sequence[Path | str], prefixes: Sequence[str]) -> bool:
    if path.startswith(tuple(prefixes)) or not path.startswith("/"):
        return True  # what has no path is a pipe or a socket
    return any(path == str(place) or path.startswith(f"{place}/") for place in folders if str(place))


def _said_wrong(entry: Entry, seen: Observed) -> Iterator[str]:
    """What is wrong with the exit code and the words of a call for one entry."""
    if seen.code is not None and seen.code not in entry.exits:
        yield f"ended with {seen.code}, not with {sorted(entry.exits)}"
    yield from _lines_wrong(seen)
    errors = [line for line in seen.errors.splitlines() if line.startswith("Error: ")]
    failures = [line for line in seen.output.splitlines() if "(failed): " in line]
    verdicts = seen.output.splitlines() if entry.arguments[0] == "verify" else []
    if seen.code in (1, 2, 3) and not (errors or failures or verdicts):
        yield "says nothing of what is wrong"
    if len(errors) + len(failures) + len(verdicts) > entry.lines:
        yield f"{len(errors) + len(failures) + len(verdicts)} lines, more than {entry.lines}"
    if entry.arguments[0] == "report" and seen.code == 0:
        page = Path(entry.arguments[1], "report", "index.html").read_text(encoding="utf-8").casefold()
        yield from (f"the page holds {word!r}" for word in LIVELY if word in page)
    if entry.says and entry.says not in seen.errors + seen.output:
        yield f"does not say {entry.says!r}"


def _lines_wrong(seen: Observed) -> Iterator[str]:
    everything = seen.errors + seen.output
    for word in ("Traceback", "unexpected ", "Warning:", "core dumped"):
        if word in everything:
            at = everything.index(word)
            yield f"says {everything[at : at + 300]!r}"
    for line in seen.errors.splitlines():
        if not line.startswith("Error: ") and not PASSED.match(line):
            yield f"stray line: {line[:200]!r}"
            break
    for line in everything.splitlines():
        if len(line) > LONGEST_LINE:
            yield f"a line of {len(line)} characters: {line[:100]!r}"
            break
    if odd := next((char for char in everything if not char.isprintable() and char != "\n"), ""):
        yield f"prints {odd!r}"


def _clean(scratch: Path) -> None:
    for path in scratch.iterdir():
        shutil.rmtree(path, ignore_errors=True)
