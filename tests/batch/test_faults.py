"""Power loss, full and read-only disks, two runs at once, clocks that jump."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from batch.archives import ROUNDEL, digests, plan_for, roundel
from batch.fakes import small_plan, use_fakes
from roundel import case as cases
from roundel import custody, disk, job, package
from roundel.batch.merge import merge
from roundel.batch.plan import read
from roundel.batch.worker import Worker
from roundel.errors import UsageError
from small_case import SMALL, SOURCE, analyse

MakeClip = Callable[..., Path]


# Power loss


@dataclass
class FileLayer:
    """What a disk would hold if the power went: bytes count once they were flushed, names once they were renamed.

    That is the worst that file systems do: a rename may reach the disk before the bytes of the renamed file.
    """

    flushed: dict[int, bytes] = field(default_factory=dict)
    folders: set[int] = field(default_factory=set)
    look: list[Callable[[], None]] = field(default_factory=list)

    def after_power_loss(self, path: Path) -> bytes:
        return self.flushed.get(path.stat().st_ino, b"")


@pytest.fixture
def layer(monkeypatch: pytest.MonkeyPatch) -> FileLayer:
    """Follows every fsync, and looks at the disk after each of them and after each rename."""
    found = FileLayer()
    fsync, rename, replace = os.fsync, Path.rename, Path.replace

    def following_fsync(descriptor: int) -> None:
        fsync(descriptor)
        path = Path(f"/proc/self/fd/{descriptor}").resolve()
        if path.is_dir():
            found.folders.add(os.fstat(descriptor).st_ino)
        else:
            found.flushed[os.fstat(descriptor).st_ino] = path.read_bytes()
        for look in found.look:
            look()

    def following(move: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
        def moved(self: Path, target: Path) -> Path:
            done = move(self, target)
            found.folders.discard(target.parent.stat().st_ino)
            for look in found.look:
                look()
            return done

        return moved

    monkeypatch.setattr(os, "fsync", following_fsync)
    monkeypatch.setattr(Path, "rename", following(rename))
    monkeypatch.setattr(Path, "replace", following(replace))
    return found


def test_a_package_is_whole_or_absent_whenever_the_power_goes(
    make_clip: MakeClip, tmp_path: Path, layer: FileLayer
) -> None:
    case = tmp_path / "case"
    looked = 0

    def look() -> None:
        nonlocal looked
        for folder in cases.packages(case):
            manifest = layer.after_power_loss(folder / package.MANIFEST).decode()
            named = dict(line.split("  ")[::-1] for line in manifest.splitlines())
            present = dict(package.files(folder))
            assert named.keys() == present.keys()
            for name, path in present.items():
                assert disk_digest(layer.after_power_loss(path)) == named[name], name
            looked += 1

    layer.look.append(look)
    (outcome,) = analyse(case, make_clip("power.mp4", SOURCE, *SMALL))
    assert outcome.package is not None
    assert looked > 3
    for folder in (outcome.package.parent, outcome.package.parent.parent):
        assert folder.stat().st_ino in layer.folders  # the rename itself is on the disk when the run goes on


def disk_digest(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()


def test_the_log_never_names_a_package_that_power_loss_would_take(
    make_clip: MakeClip, tmp_path: Path, layer: FileLayer
) -> None:
    case = tmp_path / "case"

    def look() -> None:
        log = case / custody.FILE
        lines = layer.after_power_loss(log).decode().splitlines() if log.exists() else []
        for line in lines:
            if '"event": "analysed"' in line:
                name = line.partition('"subject": "')[2].partition('"')[0]
                assert (case / name).is_dir()
                assert (case / name).parent.stat().st_ino in layer.folders

    layer.look.append(look)
    analyse(case, make_clip("power.mp4", SOURCE, *SMALL))
    assert any(event.event == cases.ANALYSED for event in custody.read(case))


def test_a_replaced_file_is_the_old_or_the_new_one(tmp_path: Path, layer: FileLayer) -> None:
    path = tmp_path / "file.json"
    disk.replace_text(path, "old")
    layer.look.append(lambda: None if layer.after_power_loss(path) in {b"old", b"new"} else pytest.fail("neither"))
    disk.replace_text(path, "new")
    assert layer.after_power_loss(path) == b"new"
    assert tmp_path.stat().st_ino in layer.folders


# Disks that are full, read-only or gone


def in_own_mount(script: str, **environment: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a script of the shell that may mount things nobody else sees."""
    return subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env={**os.environ, "ROUNDEL_COMMAND": " ".join(ROUNDEL), **{key: str(it) for key, it in environment.items()}},
    )


@pytest.fixture(scope="module")
def _may_mount() -> None:
    if not shutil.which("unshare") or in_own_mount("mount -t tmpfs none /mnt").returncode:
        pytest.skip("no mounts of one's own here")


@pytest.mark.usefixtures("_may_mount")
def test_a_full_disk_ends_the_run_with_one_line_and_nothing_is_lost(
    archive: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    """A case on a disk of 300 KB; then there is room and the same command goes on."""
    case, kept = tmp_path / "case", tmp_path / "kept"
    case.mkdir()
    plan_for(tmp_path / "plan", archive, case)
    done = in_own_mount(
        """
        mount -t tmpfs -o size=300k none "$CASE"
        $ROUNDEL_COMMAND batch run "$PLAN" --workers 1 --quiet > "$KEPT.out" 2> "$KEPT.err" || echo $? > "$KEPT.code"
        cp -r "$CASE" "$KEPT"
        """,
        CASE=case,
        PLAN=tmp_path / "plan",
        KEPT=kept,
    )
    assert done.returncode == 0, done.stderr
    errors = (tmp_path / "kept.err").read_text()
    assert (tmp_path / "kept.code").read_text().strip() == "2"
    assert errors.count("Error:") == 1
    assert "No space left on device" in errors
    assert "the same command goes on" in errors
    assert "Traceback" not in errors
    made = digests(kept)
    assert all(undisturbed[name] == digest for name, digest in made.items() if ".partial-" not in name)
    shutil.copytree(kept, case, dirs_exist_ok=True)
    assert roundel("batch", "run", tmp_path / "plan", "--quiet").returncode == 1
    assert digests(case) == undisturbed


@pytest.mark.usefixtures("_may_mount")
def test_a_read_only_target_ends_the_run_with_one_line(archive: Path, tmp_path: Path) -> None:
    case = tmp_path / "case"
    plan_for(tmp_path / "plan", archive, case)
    cases.create(case, read(tmp_path / "plan").config)
    done = in_own_mount(
        'mount --bind "$CASE" "$CASE"; mount -o remount,ro,bind "$CASE"; $ROUNDEL_COMMAND batch run "$PLAN" --quiet',
        CASE=case,
        PLAN=tmp_path / "plan",
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("Error:") == 1
    assert "Read-only file system" in done.stderr
    assert "Traceback" not in done.stderr


# Temporary folders


def test_what_a_killed_process_fetched_is_removed_by_the_next_and_what_is_in_use_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    mark = f".{platform.node()}.tmp-"
    others = [tmp_path / name for name in ("roundel-notes", f"roundel-fetch{mark}link", f"roundel-fetch{mark}theirs")]
    others.append(tmp_path / f"roundel-fetch.not-{platform.node()}.tmp-1")
    others[0].mkdir()
    others[3].mkdir()
    (others[3] / disk.IN_USE).touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / disk.IN_USE).touch()
    others[1].symlink_to(tmp_path / "elsewhere")
    others[2].mkdir()
    (others[2] / disk.IN_USE).symlink_to(tmp_path / "elsewhere" / disk.IN_USE)
    script = "import os\nfrom roundel.disk import scratch\n"
    script += "with scratch('fetch') as folder: (folder / 'video.mp4').touch(); os.kill(os.getpid(), 9)"
    with disk.scratch("batch") as used:
        killed = subprocess.run([ROUNDEL[0], "-c", script], check=False, env={**os.environ, "TMPDIR": str(tmp_path)})
        assert killed.returncode == -9
        assert len(list(tmp_path.glob(f"roundel-fetch{mark}*/content/video.mp4"))) == 1
        with disk.scratch("fetch") as mine:
            assert not list(tmp_path.glob(f"roundel-fetch{mark}*/content/video.mp4"))
            assert (used.is_dir(), mine.is_dir()) == (True, True)
        assert not mine.parent.exists()
    assert sorted(tmp_path.iterdir()) == sorted([*others, tmp_path / "elsewhere"])
    assert (tmp_path / "elsewhere" / disk.IN_USE).exists()


# Two at once


@pytest.mark.parametrize("renamed", [False, True])
def test_the_same_bytes_at_the_same_time_in_one_process_are_one_package(
    renamed: bool, make_clip: MakeClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_clip("power.mp4", SOURCE, *SMALL)
    other = Path(shutil.copyfile(clip, tmp_path / ("renamed.mp4" if renamed else "power.mp4")))
    use_fakes(monkeypatch)
    plans = [small_plan(tmp_path / name, tmp_path / "case", path) for name, path in (("a", clip), ("b", other))]
    cases.create(tmp_path / "case", plans[0].config)
    together = threading.Barrier(2, timeout=60)
    real = job.analyze_into

    def at_once(*arguments: Any, **options: Any) -> object:
        together.wait()
        return real(*arguments, **options)

    monkeypatch.setattr(job, "analyze_into", at_once)
    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(lambda plan: Worker(plan).process(plan.items[0]), plans))
    assert [(outcome.status, outcome.message) for outcome in done] == [("done", ""), ("done", "")]
    assert done[0].manifest_sha256 == done[1].manifest_sha256
    assert not list((tmp_path / "case" / "videos").glob("*/.partial-*"))
    for plan in plans:
        assert merge(plan).problems == ()
    assert not list(cases.problems(tmp_path / "case"))


def test_two_runs_on_one_plan_and_an_analysis_beside_a_run_are_refused(archive: Path, tmp_path: Path) -> None:
    plan = plan_for(tmp_path / "plan", archive, tmp_path / "case")
    cases.create(tmp_path / "case", plan.config)
    with disk.locked(plan.folder / "run.lock", "busy"):
        again = roundel("batch", "run", plan.folder)
    assert again.returncode == 2
    assert f"another run works on this plan; wait for it or stop it (process {os.getpid()} on " in again.stderr
    with cases.at_work(tmp_path / "case", shared=True):
        beside = roundel("analyze", archive / "clip-00000.mp4", "--case", tmp_path / "case")
    assert beside.returncode == 2
    assert "another run is at work in this case; wait for it to end, or stop it and run again" in beside.stderr


def test_a_lock_is_gone_with_the_process_that_held_it(tmp_path: Path) -> None:
    script = "import os, sys; from pathlib import Path; from roundel.disk import locked\n"
    script += "with locked(Path(sys.argv[1]), 'busy'): os.kill(os.getpid(), 9)"
    killed = subprocess.run([ROUNDEL[0], "-c", script, str(tmp_path / "lock")], check=False)
    assert killed.returncode == -9
    with disk.locked(tmp_path / "lock", "busy"):
        pass


def test_shards_work_beside_each_other_and_nobody_else_does(tmp_path: Path) -> None:
    case = tmp_path / "case"
    case.mkdir()
    busy = pytest.raises(UsageError, match="another run is at work")
    with cases.at_work(case, shared=True), cases.at_work(case, shared=True), busy, cases.at_work(case):
        pass


# Clocks


def test_a_clock_that_jumps_back_harms_neither_log_nor_outcomes(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import UTC, datetime, tzinfo

    plan = plan_for(tmp_path / "plan", archive, tmp_path / "case")
    cases.create(tmp_path / "case", plan.config)
    years = iter([2030, 2012, 2026, 1999] * 20)

    class Jumping(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Jumping:
            return cls(next(years), 5, 1, tzinfo=tz or UTC)

    monkeypatch.setattr("roundel.batch.worker.datetime", Jumping)
    monkeypatch.setattr("roundel.custody.datetime", Jumping)
    worker = Worker(plan)
    done = [worker.process(item) for item in plan.work[:3]]
    assert all(outcome.work_seconds < 60 for outcome in done)
    assert merge(plan).packages == len({outcome.package for outcome in done} - {None})
    assert not list(cases.problems(tmp_path / "case"))
