"""``roundel analyze``: outcomes, exit codes, what is printed where, and interruption."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import FakeDetector
from roundel import case as cases
from roundel import custody, package
from roundel import detect as seam
from small_case import find_two, tree_of

Call = Callable[..., Any]
ROUNDEL = Path(sys.executable).with_name("roundel")


def real(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """The installed program in a process of its own."""
    return subprocess.run([ROUNDEL, *arguments], capture_output=True, text=True, timeout=60, check=False, **options)


@pytest.fixture
def footage(clip: Path, clip2: Path, tmp_path: Path) -> Path:
    """A folder with a broken file between two good ones, and one that is no video."""
    folder = tmp_path / "footage"
    folder.mkdir()
    shutil.copyfile(clip, folder / "a.mp4")
    (folder / "b broken.mp4").write_bytes(b"no video at all")
    shutil.copyfile(clip2, folder / "c.mp4")
    (folder / "notes.pdf").touch()
    return folder


@pytest.mark.parametrize("as_list", [False, True])
def test_a_broken_file_among_others_ends_with_1_and_the_others_are_complete(
    as_list: bool, footage: Path, tmp_path: Path, call: Call, fake: FakeDetector
) -> None:
    given = footage
    if as_list:
        given = tmp_path / "list.txt"
        given.write_text("footage/c.mp4\nfootage/b broken.mp4\nfootage/a.mp4\n")
    said = call("analyze", given, "--case", tmp_path / "case")
    assert said.code == 1
    names = [line.split(" (")[0] for line in said.out.splitlines()]
    assert names == (["c.mp4", "b broken.mp4", "a.mp4"] if as_list else ["a.mp4", "b broken.mp4", "c.mp4"])
    assert [("(done)" in line, "(failed)" in line) for line in said.out.splitlines()] == [
        (True, False),
        (False, True),
        (True, False),
    ]
    assert "1 of 3 videos failed; the others are complete." in said.err
    assert ("passed over: 1 file without" in said.err) is not as_list
    assert "Traceback" not in said.err
    assert call("verify", tmp_path / "case").code == 0


def test_a_second_run_skips_what_is_done(footage: Path, tmp_path: Path, call: Call, fake: FakeDetector) -> None:
    call("analyze", footage / "a.mp4", footage / "c.mp4", "--case", tmp_path / "case")
    pictures, before = fake.pictures, tree_of(tmp_path / "case")
    started = time.monotonic()
    said = call("analyze", footage / "a.mp4", footage / "c.mp4", "--case", tmp_path / "case")
    assert time.monotonic() - started < 2
    assert (said.code, fake.pictures) == (0, pictures)
    assert said.out.count("(skipped)") == 2
    assert tree_of(tmp_path / "case") == before


def test_json_goes_to_standard_output_and_everything_else_to_standard_error(
    footage: Path, tmp_path: Path, call: Call, fake: FakeDetector
) -> None:
    said = call("analyze", footage, tmp_path / "missing.mp4", "--case", tmp_path / "case", "--json")
    found = json.loads(said.out)
    assert said.code == 1
    assert [video["status"] for video in found["videos"]] == ["done", "failed", "done", "failed"]
    first, broken, _, missing = found["videos"]
    assert Path(first["package"], package.ANALYSIS).is_file()
    assert first["counts"]["helicopter"]["lower"] == 1
    assert (missing["package"], missing["counts"]) == (None, {})
    assert "b broken.mp4" in broken["message"]
    assert "notes.pdf" in said.err


def test_quiet_leaves_only_results_and_errors(footage: Path, tmp_path: Path, call: Call, fake: FakeDetector) -> None:
    said = call("analyze", footage, "--case", tmp_path / "case", "--quiet")
    assert said.err == ""
    assert len(said.out.splitlines()) == 3
    assert call("analyze", tmp_path / "missing", "--case", tmp_path / "footage", "-q").err.startswith("Error: ")


NAMES = [
    "\x1b[31mred\x1b[2J.mp4",
    "two\nError: forged line.mp4",
    "[bold]no markup[reset].mp4",
    ":warning: :bomb:.mp4",
    "\u202efdp.mp4",
    "tail\\",
    "\r\x08\x7f.mp4",
    os.fsdecode(b"\xff.mp4"),
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_hostile_name_is_shown_on_one_line_as_it_is(
    name: str, clip: Path, tmp_path: Path, call: Call, fake: FakeDetector
) -> None:
    video = Path(shutil.copyfile(clip, tmp_path / name))
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in name)
    for _ in ("done", "skipped"):
        said = call("analyze", video, "--case", tmp_path / "case")
        assert said.code == 0, said.err
        (line,) = said.out.splitlines()
        assert line.startswith(f"{shown} ("), line
        assert all(char.isprintable() or char == "\n" for char in said.out + said.err)
    video.write_bytes(b"no video")
    said = call("analyze", video, tmp_path / f"missing {name}", "--case", tmp_path / "case")
    assert len(said.out.splitlines()) == 2
    assert all(char.isprintable() or char == "\n" for char in said.out + said.err)
    found = json.loads(call("analyze", video, "--case", tmp_path / "case", "--json").out)
    assert found["videos"][0]["path"] == str(video)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--engine", "abacus"], "detector.engine: Input should be 'auto', 'onnx', 'openvino' or 'ultralytics'"),
        (["--engine", "ultralytics"], "--engine ultralytics cannot run it"),
        (["--model", "nope"], "nope: no such weights. Known names: hardware-v1; or give the path"),
        (["--tiles", "many"], "detector.tiles: Input should be 'auto', 'on' or 'off'"),
        (["--config", "wrong.toml"], "wrong.toml: detector.scores: there is no such setting; settings here are: model"),
        (["--config", "missing.toml"], "missing.toml: cannot be read as a TOML configuration: No such file"),
        *(
            (["--sample-fps", value], f"--sample-fps {value}: give a number of frames a second above 0, or 'all'")
            for value in ("0", "-1", "abc", "nan", "inf", "")
        ),
    ],
)
def test_a_wrong_option_ends_with_2_and_what_is_right_and_makes_nothing(
    arguments: list[str], says: str, clip: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("wrong.toml").write_text("[detector]\nscores = 0.2\n")
    said = call("analyze", clip, "--case", "case", *arguments)
    assert (said.code, said.out) == (2, "")
    assert says in said.err
    assert said.err.startswith("Error: ")
    assert len(said.err.splitlines()) == 1
    assert not Path("case").exists()


def test_no_video_ends_with_2_and_says_what_to_give(tmp_path: Path, call: Call) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "a.pdf").touch()
    said = call("analyze", tmp_path / "empty", "--case", tmp_path / "case")
    assert (said.code, said.out) == (2, "")
    assert f"{tmp_path / 'empty'}: no video found; give videos, folders of videos, or .txt lists" in said.err
    said = call("analyze", tmp_path / "papers", "--case", tmp_path / "case")
    assert "no video found (1 file without a video's name); give videos" in said.err


@pytest.mark.parametrize(("arguments", "says"), [(["x.mp4"], "'--case'"), (["--case", "x"], "'VIDEO|DIR|LIST…")])
def test_a_missing_argument_ends_with_2_and_points_to_the_help(arguments: list[str], says: str, call: Call) -> None:
    said = call("analyze", *arguments)
    assert (said.code, said.out) == (2, "")
    assert says in said.err
    assert "roundel analyze --help" in said.err


def test_a_case_in_an_impossible_place_is_one_clear_line(
    clip: Path, tmp_path: Path, call: Call, fake: FakeDetector
) -> None:
    (tmp_path / "file").touch()
    for place, says in ((tmp_path / "file", "exists and is no case"), (tmp_path / "file" / "case", "Not a directory")):
        said = call("analyze", clip, "--case", place)
        assert (said.code, said.out) == (2, "")
        assert str(place) in said.err
        assert says in said.err
        assert len(said.err.splitlines()) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_case_that_may_not_be_written_is_one_clear_line(clip: Path, tmp_path: Path, call: Call) -> None:
    tmp_path.chmod(0o555)
    said = call("analyze", clip, "--case", tmp_path / "case")
    assert (said.code, "Permission denied" in said.err, len(said.err.splitlines())) == (2, True, 1)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), OSError(30, "Read-only file system", "f")])
def test_a_disk_that_refuses_is_one_clear_line_and_what_is_finished_stays(
    error: OSError,
    clip: Path,
    clip2: Path,
    tmp_path: Path,
    call: Call,
    fake: FakeDetector,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case, real_manifest = tmp_path / "case", package.PackageWriter.commit
    done = []

    def commit(self: package.PackageWriter, analysis: Any) -> str:
        if done:
            raise error
        done.append(1)
        return real_manifest(self, analysis)

    with monkeypatch.context() as patch:
        patch.setattr(package.PackageWriter, "commit", commit)
        said = call("analyze", clip, clip2, "--case", case)
    assert said.code == 2
    assert len(said.out.splitlines()) == 1
    place = error.filename or str(case)
    assert f"Error: {place}: {error.strerror}; 1 of 2 videos finished and kept." in said.err
    assert len(said.err.splitlines()) == 1
    assert call("verify", case).code == 0
    assert call("analyze", clip, clip2, "--case", case).code == 0


def test_a_real_limit_on_file_size_is_one_clear_line(clip: Path, tmp_path: Path) -> None:
    case = tmp_path / "case"
    limited = ["bash", "-c", 'ulimit -f 4; exec "$@"', "-", str(ROUNDEL), "analyze", str(clip), "--case", str(case)]
    done = subprocess.run(limited, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("Error: ")
    assert "File too large" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert cases.packages(case) == []
    assert list(cases.problems(case)) == []


def test_an_interruption_keeps_what_is_finished(
    clip: Path, clip2: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(FakeDetector):
        def detect(self, pictures: Any) -> Any:
            if self.pictures > 12:
                raise KeyboardInterrupt
            return super().detect(pictures)

    from conftest import loaded

    monkeypatch.setattr(seam, "load_detector", lambda _: loaded(Interrupted(find_two)))
    said = call("analyze", clip, clip2, "--case", tmp_path / "case", "--json")
    assert said.code == 130
    assert [video["status"] for video in json.loads(said.out)["videos"]] == ["done"]
    assert "Interrupted: 1 of 2 videos finished and kept. The same command goes on." in said.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_a_real_process_keeps_what_is_finished(
    clip: Path, clip2: Path, make_clip: Callable[..., Path], tmp_path: Path, number: signal.Signals
) -> None:
    longer = make_clip("longer.mp4", "testsrc2=size=640x360:rate=20", "-t", "9", "-pix_fmt", "yuv420p")
    case = tmp_path / "case"
    arguments = ["analyze", clip, longer, clip2, "--case", case, "--sample-fps", "6"]
    with subprocess.Popen(
        [ROUNDEL, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - a background shell ignores it
    ) as child:
        end = time.monotonic() + 40
        while not (len(cases.packages(case)) == 1 and list(case.glob(f"videos/*/{package.PARTIAL}*"))):
            assert time.monotonic() < end
            assert child.poll() is None
            time.sleep(0.02)
        time.sleep(0.3)
        child.send_signal(number)
        out, err = child.communicate(timeout=30)
    assert child.returncode == 130, err
    assert [line.split(" (")[0] for line in out.splitlines()] == [clip.name]
    assert "Interrupted: 1 of 3 videos finished and kept" in err
    assert "Traceback" not in err
    assert list(case.glob(f"videos/*/{package.PARTIAL}*")) == []
    assert list(cases.problems(case)) == []
    again = real(*arguments)
    assert again.returncode == 0, again.stderr
    assert [("(skipped)" in line) for line in again.stdout.splitlines()] == [True, False, False]
    assert list(cases.problems(case)) == []


def test_a_killed_run_is_cleaned_up_by_the_next(clip: Path, tmp_path: Path, call: Call, fake: FakeDetector) -> None:
    call("analyze", clip, "--case", tmp_path / "case")
    folder = cases.packages(tmp_path / "case")[0]
    shutil.copytree(folder, folder.parent / f"{package.PARTIAL}0123456789abcdef-1")
    assert call("verify", tmp_path / "case").code == 3
    assert call("analyze", clip, "--case", tmp_path / "case").code == 0
    assert call("verify", tmp_path / "case").code == 0


def test_of_two_runs_on_one_case_at_the_same_time_one_is_told_to_wait(clip: Path, clip2: Path, tmp_path: Path) -> None:
    arguments = [ROUNDEL, "analyze", clip, clip2, "--case", tmp_path / "case"]
    children = [subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in "ab"]
    ends = sorted((child.returncode, err) for child in children for _, err in [child.communicate(timeout=60)])
    assert [code for code, _ in ends] in ([0, 2], [0, 0]), ends  # the second may come when the first has ended
    if ends[1][0] == 2:
        assert "another run is at work in this case; wait for it to end, or stop it and run again" in ends[1][1]
    assert len(cases.packages(tmp_path / "case")) == 2
    assert list(cases.problems(tmp_path / "case")) == []
    assert list(custody.read(tmp_path / "case"))
