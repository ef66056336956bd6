"""A job over many inputs, and the repetition of what it made."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

from conftest import FakeDetector, loaded
from roundel import case as cases
from roundel import custody, job, package, rerun
from roundel.analyze import NO_SPECIALISTS
from roundel.detect import LoadedDetector
from roundel.errors import UsageError
from roundel.sandbox import protections
from roundel.specialists import load_specialists
from roundel.types import VideoIdentity
from small_case import OTHER_SOURCE, SETTINGS, SMALL, SOURCE, analyse, detector, find_two, tree_of
from test_case import change, forge

MakeClip = Callable[..., Path]


@pytest.fixture(scope="module")
def one(make_clip: MakeClip) -> Path:
    return make_clip("job-one.mp4", SOURCE, *SMALL)


@pytest.fixture(scope="module")
def two(make_clip: MakeClip) -> Path:
    return make_clip("job-two.mp4", OTHER_SOURCE, *SMALL)


@pytest.fixture
def case(tmp_path: Path) -> Path:
    return tmp_path / "case"


# Inputs


def test_folders_and_lists_are_expanded_in_order_and_each_file_once(tmp_path: Path) -> None:
    footage = tmp_path / "footage"
    (footage / "deep").mkdir(parents=True)
    for name in ("b.MP4", "a.mov", "deep/c.mkv", "notes.txt", ".hidden.mp4"):
        (footage / name).touch()
    listed = tmp_path / "list.txt"
    listed.write_text(f"\ufeff# footage of May\n\nfootage/b.MP4\r\n  {footage}/z.mp4 \nclip #1.mp4\n", encoding="utf-8")
    found = job.collect([tmp_path / "first.bin", listed, footage, footage])
    expected = ["first.bin", "footage/b.MP4", "footage/z.mp4", "clip #1.mp4", "footage/a.mov", "footage/deep/c.mkv"]
    assert [path.relative_to(tmp_path).as_posix() for path in found.files] == expected
    assert {path.name for path in found.passed_over} == {"notes.txt"}


@pytest.mark.parametrize("content", [b"\xff\xfe\x00"])
def test_a_list_that_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(UsageError, match=r"list\.txt: cannot be read as a list.*one path a line, in UTF-8"):
        job.collect([tmp_path / "list.txt"])


@pytest.mark.parametrize("name", ["x" * 300 + ".mp4", "a\0b.mp4", "missing.txt", "missing.mp4"])
def test_a_path_that_cannot_exist_fails_alone(name: str, one: Path, case: Path) -> None:
    inputs = job.collect([Path(name), one])
    first, second = analyse(case, *inputs.files)
    assert (first.status, first.package, second.status) == ("failed", None, "done")
    assert "\n" not in first.message
    assert list(cases.problems(case)) == []


# Outcomes


def test_a_broken_file_does_not_keep_the_others_from_completion(
    one: Path, two: Path, tmp_path: Path, case: Path
) -> None:
    broken, empty = tmp_path / "broken.mp4", tmp_path / "empty.mp4"
    broken.write_bytes(b"no video" * 100)
    empty.touch()
    inputs = [one, broken, tmp_path / "missing.mp4", empty, tmp_path, two]
    outcomes = analyse(case, *inputs)
    assert [outcome.path for outcome in outcomes] == inputs
    assert [outcome.status for outcome in outcomes] == ["done", "failed", "failed", "failed", "failed", "done"]
    for outcome in outcomes[1:5]:
        assert outcome.path.name in outcome.message
        assert "\n" not in outcome.message
    assert list(cases.problems(case)) == []
    failed = [event for event in custody.read(case) if event.event == "failed"]
    assert [Path(event.subject).name for event in failed] == ["missing.mp4", "empty.mp4", tmp_path.name]


def test_what_is_done_is_skipped_without_asking_the_detector(one: Path, two: Path, tmp_path: Path, case: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    analyse(case, one, broken, two)
    before = tree_of(case)
    again = detector()
    outcomes = analyse(case, one, broken, two, by=again)
    assert [outcome.status for outcome in outcomes] == ["skipped", "failed", "skipped"]
    assert again.pictures == 0
    assert tree_of(case) == before


def test_the_same_bytes_under_two_names_are_analysed_once_and_both_names_are_kept(
    one: Path, tmp_path: Path, case: Path
) -> None:
    other_name = Path(shutil.copyfile(one, tmp_path / "zweiter Name.mov"))
    by = detector()
    first, second = analyse(case, one, other_name, by=by)
    pictures = by.pictures
    assert (first.status, second.status, first.package) == ("done", "skipped", second.package)
    analyse(tmp_path / "single", one, by=(alone := detector()))
    assert pictures == alone.pictures
    assert list(cases.names(case).values()) == [[one.name, other_name.name]]


def test_other_settings_make_another_package_beside_the_first(one: Path, case: Path) -> None:
    analyse(case, one)
    other = SETTINGS.model_copy(update={"tracking": SETTINGS.tracking.model_copy(update={"exemplars": 1})})
    cases.create(case, other)
    (outcome,) = job.run([one], case, other, loaded(detector()))
    assert outcome.status == "done"
    assert len(cases.packages(case)) == 2
    assert len({folder.parent for folder in cases.packages(case)}) == 1
    assert list(cases.problems(case)) == []


def test_a_changed_package_is_not_taken_for_done(one: Path, case: Path) -> None:
    (outcome,) = analyse(case, one)
    assert outcome.package is not None
    (outcome.package / package.README).write_text("changed")
    before = tree_of(case)
    (again,) = analyse(case, one)
    assert again.status == "failed"
    assert f"README.txt: was changed; nothing was analysed; run roundel verify {case}" in again.message
    assert tree_of(case) == before


def test_a_package_changed_together_with_its_manifest_is_not_taken_for_done(one: Path, case: Path) -> None:
    (outcome,) = analyse(case, one)
    assert outcome.package is not None
    change(outcome.package, rewrite_manifest=True)
    (again,) = analyse(case, one)
    assert (again.status, again.analysis) == ("failed", None)
    assert "manifest-sha256.txt: was changed" in again.message


class _Stopping(FakeDetector):
    """Does something at the third picture."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__(find_two)
        self.act = act

    def _one(self, picture: Any) -> Any:
        if self.pictures >= 3:
            self.act()
        return super()._one(picture)


@pytest.mark.parametrize("act", [Path.unlink, lambda path: path.write_bytes(b"other bytes")], ids=["gone", "changed"])
def test_a_video_that_goes_away_or_changes_meanwhile_fails_alone(
    act: Callable[[Path], object], one: Path, two: Path, tmp_path: Path, case: Path
) -> None:
    video = Path(shutil.copyfile(one, tmp_path / "video.mp4"))
    by = _Stopping(lambda: video.exists() and act(video))
    outcomes = analyse(case, video, two, by=by)
    assert [outcome.status for outcome in outcomes] == ["failed", "done"]
    assert outcomes[0].package is None
    assert "video.mp4" in outcomes[0].message
    assert list(cases.problems(case)) == []


def test_a_stop_between_package_and_log_is_repaired_by_the_next_run(
    one: Path, case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = custody.append

    def stop(folder: Path, event: str, *rest: Any) -> Any:
        if event == cases.ANALYSED:
            raise KeyboardInterrupt
        return real(folder, event, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(custody, "append", stop)
        with pytest.raises(KeyboardInterrupt):
            analyse(case, one)
    assert len(cases.packages(case)) == 1
    assert any("does not mention this package" in problem for problem in cases.problems(case))
    (outcome,) = analyse(case, one)
    assert outcome.status == "done"
    assert list(cases.problems(case)) == []


def test_a_foreign_package_in_the_place_of_an_analysis_is_not_vouched_for(
    one: Path, tmp_path: Path, case: Path
) -> None:
    (made,) = analyse(tmp_path / "made", one)
    assert made.package is not None
    change(made.package, rewrite_manifest=True)
    cases.create(case, SETTINGS)
    shutil.copytree(tmp_path / "made" / cases.VIDEOS, case / cases.VIDEOS, dirs_exist_ok=True)
    (outcome,) = analyse(case, one)
    assert outcome.status == "failed"
    assert "differs from this one" in outcome.message
    assert any("does not mention this package" in problem for problem in cases.problems(case))


@pytest.mark.parametrize(
    "name", [b"\xff\xfe.mp4", b"new\nline.mp4", b"\x1b[31m.mp4", "\u202efdp.mp4".encode(), b"-i.mp4", b"%03d.mp4"]
)
def test_any_file_name_is_analysed_and_recorded(name: bytes, one: Path, tmp_path: Path, case: Path) -> None:
    video = Path(shutil.copyfile(one, tmp_path / os.fsdecode(name)))
    (outcome,) = analyse(case, video)
    assert outcome.status == "done", outcome.message
    assert outcome.analysis is not None
    assert outcome.analysis.video.names == [name.decode("utf-8", "backslashreplace")]
    assert [status.status for status in analyse(case, video)] == ["skipped"]
    received = next(event for event in custody.read(case) if event.event == "received")
    assert Path(received.details["path"]) == video
    assert list(cases.problems(case)) == []


def test_settings_name_everything_that_determines_a_result() -> None:
    made_with = job.provenance(SETTINGS, loaded(detector()))
    assert made_with["config_sha256"] == SETTINGS.sha256
    assert {"tool_version", "weights_sha256", "engine", "precision", "ffmpeg_version", "libraries"} <= made_with.keys()
    assert json.loads(json.dumps(made_with)) == made_with


def test_an_analysis_runs_with_any_build_of_opencv_and_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def other_build(name: str) -> str:
        if name == "opencv-python":
            raise PackageNotFoundError(name)
        return "5.0" if name.startswith("opencv") else version(name)

    monkeypatch.setattr(job, "version", other_build)
    names = job.provenance(SETTINGS, loaded(detector()))["libraries"]
    assert "opencv-python" not in names
    assert names["opencv-python-headless"] == "5.0"


def test_the_log_says_what_the_decoder_was_kept_from_and_packages_do_not_depend_on_it(
    one: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weak = {"limits": True, "no_network": False}
    analyse(tmp_path / "a", one)
    monkeypatch.setattr(job, "kept_from", lambda _: weak)
    analyse(tmp_path / "b", one)
    said = []
    for case in (tmp_path / "a", tmp_path / "b"):
        (event,) = cases.logged(case).values()
        said.append(event.details[cases.PROTECTIONS])
    assert said == [protections(), weak]
    assert tree_of(tmp_path / "a" / cases.VIDEOS) == tree_of(tmp_path / "b" / cases.VIDEOS)


# Repetition


@pytest.fixture
def same_detector(monkeypatch: pytest.MonkeyPatch) -> FakeDetector:
    by = detector()
    monkeypatch.setattr(rerun, "load_detector", lambda _: loaded(by))
    monkeypatch.setattr(rerun, "load_specialists", lambda *_: NO_SPECIALISTS)
    return by


@pytest.fixture
def done(one: Path, tmp_path: Path, case: Path, same_detector: FakeDetector) -> tuple[Path, Path]:
    """A case and the only video in it."""
    video = Path(shutil.copyfile(one, tmp_path / "video.mp4"))
    analyse(case, video)
    return case, video


def repeat(case: Path, *videos: Path) -> rerun.Repetition:
    scratch = case.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    (found,) = rerun.rerun_case(case, videos, scratch)
    assert list(scratch.iterdir()) == [], "nothing is left behind"
    return found


def test_a_repetition_gives_the_same_bytes(done: tuple[Path, Path], same_detector: FakeDetector) -> None:
    before = tree_of(done[0])
    assert repeat(done[0]).status == "same"
    assert same_detector.pictures > 0
    assert tree_of(done[0]) == before


def test_a_forged_package_is_found_by_a_repetition(done: tuple[Path, Path]) -> None:
    forge(done[0])
    assert list(cases.problems(done[0])) == []
    found = repeat(done[0])
    assert found.status == "different"
    assert ["analysis.json" in detail for detail in found.details] == [True]


@pytest.mark.parametrize(
    ("old", "new"),
    [("sha256:", "sha256:0"), ('"names": [', '"names": [3,'), ('"tool_version": "', '"tool_version": "9'), ("{", "[")],
)
def test_facts_that_do_not_fit_their_place_are_found_by_a_repetition(
    done: tuple[Path, Path], old: str, new: str
) -> None:
    facts = cases.packages(done[0])[0] / package.ANALYSIS
    facts.write_text(facts.read_text().replace(old, new, 1))
    assert repeat(done[0]).status == "different"


def test_a_detector_that_sees_something_else_gives_something_else(
    done: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rerun, "load_detector", lambda _: loaded(FakeDetector(lambda _: [])))
    found = repeat(done[0])
    assert found.status == "different"
    assert any("detections.jsonl.gz" in detail for detail in found.details)


def test_a_video_that_was_moved_is_asked_for_and_found(done: tuple[Path, Path], two: Path, tmp_path: Path) -> None:
    case, video = done
    moved = video.rename(tmp_path / "moved.mp4")
    found = repeat(case)
    assert found.status == "not repeated"
    assert "video.mp4 is not where it was; give its place with --video PATH" in found.details[0]
    assert repeat(case, two).status == "not repeated"
    assert repeat(case, tmp_path / "missing", two, moved).status == "same"


def test_another_file_in_the_place_of_the_video_is_not_taken_for_it(done: tuple[Path, Path], two: Path) -> None:
    shutil.copyfile(two, done[1])
    assert repeat(done[0]).status == "not repeated"


@pytest.mark.parametrize("key", ["weights_sha256", "engine", "weights_name"])
def test_other_weights_or_engines_are_not_compared(
    key: str, done: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def other(_: object) -> LoadedDetector:
        usual = loaded(detector())
        return replace(usual, provenance={**usual.provenance, key: "another"})

    monkeypatch.setattr(rerun, "load_detector", other)
    found = repeat(done[0])
    assert found.status == "not repeated"
    assert f"was made with {key}" in found.details[0]


@pytest.mark.parametrize(
    ("section", "key"), [("media", "ffmpeg"), ("media", "ffprobe"), ("text", "tesseract"), ("detector", "model")]
)
def test_a_case_of_a_stranger_does_not_choose_what_is_run(
    section: str, key: str, done: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark, evil = tmp_path / "mark", tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\necho ran > {mark}\n")
    evil.chmod(0o755)
    (folder,) = cases.packages(done[0])
    facts = json.loads((folder / package.ANALYSIS).read_text())
    facts["provenance"]["config"][section][key] = str(evil)
    identity = VideoIdentity(facts["video"]["sha256"], facts["video"]["size_bytes"], tuple(facts["video"]["names"]))
    (folder / package.ANALYSIS).write_text(json.dumps(facts))
    folder.rename(folder.with_name(package.analysis_id(identity, facts["provenance"])))
    monkeypatch.setattr(rerun, "load_specialists", load_specialists)
    found = repeat(done[0])
    assert found.status == "not repeated"
    assert f"set ROUNDEL_{section.upper()}__{key.upper()} to it and repeat" in found.details[0]
    assert not mark.exists()
    if key == "tesseract":
        monkeypatch.setenv("ROUNDEL_TEXT__TESSERACT", str(evil))
        assert repeat(done[0]).status == "not repeated"
        assert mark.exists(), "the user's own choice is followed"


def test_recorded_settings_are_repeated_whatever_the_environment_says(
    done: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROUNDEL_SAMPLING__BASE_FPS", "1")
    assert repeat(done[0]).status == "same"


def test_a_failure_is_repeated_too(tmp_path: Path, case: Path, same_detector: FakeDetector) -> None:
    video = tmp_path / "text.mp4"
    video.write_text("no video")
    analyse(case, video)
    assert repeat(case).status == "same"


def test_progress_is_told(one: Path, case: Path) -> None:
    told: list[tuple[Path, float, float | None]] = []

    def start(path: Path) -> Callable[[float, float | None], None]:
        return lambda seconds, total: told.append((path, seconds, total))

    cases.create(case, SETTINGS)
    list(job.run([one], case, SETTINGS, loaded(detector()), start))
    assert {path for path, _, _ in told} == {one}
    seconds = [at for _, at, _ in told]
    assert seconds == sorted(seconds)
    assert all(total == pytest.approx(1.0, abs=0.1) for _, _, total in told)


def test_outcomes_come_one_by_one(one: Path, two: Path, case: Path) -> None:
    cases.create(case, SETTINGS)
    outcomes: Iterator[job.Outcome] = job.run([one, two], case, SETTINGS, loaded(detector()))
    assert next(outcomes).path == one
    assert len(cases.packages(case)) == 1
    assert list(cases.problems(case)) == []
