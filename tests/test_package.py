"""The evidence package: whole or absent, the same bytes for the same input, checkable without Roundel."""

from __future__ import annotations

import gzip
import json
import math
import os
import shutil
import subprocess
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel

from conftest import FakeDetector, loaded
from roundel import case as cases
from roundel import custody, job, package
from roundel.errors import IntegrityError, StallError
from roundel.media.identity import identify
from roundel.record import Analysis
from small_case import OTHER_SOURCE, SETTINGS, SMALL, SOURCE, add_report, analyse, detector, find_two, tree_of

MakeClip = Callable[..., Path]


@pytest.fixture(scope="module")
def clip(make_clip: MakeClip) -> Path:
    return make_clip("package.mp4", SOURCE, *SMALL)


@pytest.fixture(scope="module")
def made(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package with sightings, counts and exhibits; tests copy it before they change it."""
    (outcome,) = analyse(tmp_path_factory.mktemp("made") / "case", clip)
    assert outcome.status == "done", outcome.message
    assert outcome.package is not None
    return outcome.package


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "copy"))


def left(case: Path) -> list[str]:
    return sorted(path.name for path in (case / cases.VIDEOS).glob("*/*"))


class _Broken(FakeDetector):
    """Raises an error at the third call, when pictures and boxes were written already."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(find_two)
        self.error = error

    def _one(self, picture: Any) -> Any:
        if self.pictures > 3:
            raise self.error
        return super()._one(picture)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError()], ids=repr)
def test_an_error_in_the_middle_leaves_neither_package_nor_partial(
    error: BaseException, clip: Path, tmp_path: Path
) -> None:
    with pytest.raises(type(error)):
        analyse(tmp_path / "case", clip, by=_Broken(error))
    assert left(tmp_path / "case") == []
    assert list(cases.problems(tmp_path / "case")) == []


def test_an_unexpected_error_fails_one_video_and_is_noted(clip: Path, tmp_path: Path) -> None:
    (outcome,) = analyse(tmp_path / "case", clip, by=_Broken(RuntimeError("broken")))
    assert (outcome.status, outcome.package) == ("failed", None)
    assert "unexpected RuntimeError: broken" in outcome.message
    assert left(tmp_path / "case") == []
    assert list(cases.problems(tmp_path / "case")) == []


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("schema_json", KeyboardInterrupt()),
        ("sha256_of", OSError(28, "No space left on device")),
        ("flush", KeyboardInterrupt()),
    ],
)
def test_an_error_during_the_commit_leaves_neither_package_nor_partial(
    step: str, error: BaseException, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(package, step, fail)
    with pytest.raises(type(error)):
        analyse(tmp_path / "case", clip)
    assert left(tmp_path / "case") == []


def test_a_full_disk_while_boxes_are_written_leaves_no_partial(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(gzip.GzipFile):
        def close(self) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(package.gzip, "GzipFile", Full)
    with pytest.raises(OSError, match="No space"):
        analyse(tmp_path / "case", clip)
    assert left(tmp_path / "case") == []


def test_nothing_is_under_the_final_name_while_the_analysis_runs(clip: Path, tmp_path: Path) -> None:
    seen = set()

    class Watching(FakeDetector):
        def _one(self, picture: Any) -> Any:
            seen.update(name.split("-")[0] for name in left(tmp_path / "case"))
            return super()._one(picture)

    analyse(tmp_path / "case", clip, by=Watching(find_two))
    assert seen == {".partial"}


def test_the_package_does_not_depend_on_place_time_or_file_name(clip: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "another folder" / "Ünnamed copy.mp4"
    elsewhere.parent.mkdir()
    shutil.copyfile(clip, elsewhere)
    os.utime(elsewhere, (1, 1))
    (one,), (two,) = analyse(tmp_path / "one", clip), analyse(tmp_path / "two" / "deep", elsewhere)
    assert one.package is not None
    assert two.package is not None
    assert one.package.name == two.package.name
    first, second = tree_of(one.package), tree_of(two.package)
    assert first.keys() == second.keys()
    apart = {name for name in first if first[name] != second[name]}
    assert apart == {"analysis.json", "manifest-sha256.txt"}
    assert first["analysis.json"].replace(clip.name.encode(), elsewhere.name.encode()) == second["analysis.json"]


def test_the_package_of_the_same_file_is_the_same_byte_for_byte(made: Path, clip: Path, tmp_path: Path) -> None:
    (outcome,) = analyse(tmp_path / "case", clip)
    assert outcome.package is not None
    assert tree_of(outcome.package) == tree_of(made)


def test_a_damaged_video_gives_the_same_package_wherever_it_lies(clip: Path, tmp_path: Path) -> None:
    whole = clip.read_bytes()
    broken = bytearray(whole)
    middle = whole.index(b"mdat") + 3000
    broken[middle : middle + 4000] = bytes(4000)
    packages = []
    for folder in ("a", "a much longer name of a folder"):
        (tmp_path / folder).mkdir()
        video = tmp_path / folder / "damaged.mp4"
        video.write_bytes(broken)
        (outcome,) = analyse(tmp_path / folder / "case", video)
        assert outcome.package is not None
        packages.append(tree_of(outcome.package))
    assert packages[0] == packages[1]
    assert json.loads(packages[0]["analysis.json"])["coverage"]["decoder_errors"] > 0
    assert str(tmp_path).encode() not in b"".join(packages[0].values())


def test_the_package_of_an_unreadable_file_names_no_folder(tmp_path: Path) -> None:
    video = tmp_path / "text.mp4"
    video.write_text("no video at all")
    (outcome,) = analyse(tmp_path / "case", video)
    assert outcome.status == "failed"
    assert outcome.package is not None
    assert str(tmp_path).encode() not in b"".join(tree_of(outcome.package).values())
    assert package.read_analysis(outcome.package).failure is not None


def test_sha256sum_accepts_the_manifest(made: Path) -> None:
    done = subprocess.run(
        ["sha256sum", "--strict", "-c", package.MANIFEST], cwd=made, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(tree_of(made)) - 1


def test_files_are_on_the_disk_before_the_rename_and_the_folder_after_it(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    real_sync, real_rename = os.fsync, Path.rename

    def sync(descriptor: int) -> None:
        happened.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real_sync(descriptor)

    def rename(self: Path, target: Path) -> Path:
        happened.append("rename")
        return real_rename(self, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "rename", rename)
    (outcome,) = analyse(tmp_path / "case", clip)
    target = outcome.package
    assert target is not None
    middle = happened.index("rename")
    before = {Path(name) for name in happened[:middle]}
    partial = next(path for path in before if path.name.startswith(package.PARTIAL))
    expected = {partial / path.relative_to(target) for path in target.rglob("*")}
    assert expected <= before
    after = happened[middle + 1 :]
    assert after.index(str(target.parent)) < after.index(str(tmp_path / "case" / custody.FILE))


def test_the_boxes_are_compressed_without_time_or_name(made: Path) -> None:
    raw = (made / package.DETECTIONS).read_bytes()
    assert raw[:4] == b"\x1f\x8b\x08\x00"  # no flags: no file name
    assert raw[4:8] == bytes(4)


def test_detection_lines_have_the_fields_of_the_contract(made: Path) -> None:
    lines = [json.loads(line) for line in gzip.decompress((made / package.DETECTIONS).read_bytes()).splitlines()]
    analysis = package.read_analysis(made)
    assert analysis.coverage is not None
    assert len(lines) == analysis.coverage.analysed_frames
    assert [line["seconds"] for line in lines] == sorted({line["seconds"] for line in lines})
    text = (made / package.README).read_text()
    for line in lines:
        assert {"seconds", "pts", "time_base", "shot", "boxes"} <= line.keys()
        assert all(key in text for key in line), "README.txt explains every field"
        numerator, denominator = map(int, line["time_base"].split("/"))
        assert line["seconds"] == pytest.approx(line["pts"] * numerator / denominator, abs=1e-6)
        for box in line["boxes"]:
            assert {"xyxy", "class", "score", "track"} <= box.keys()
            assert all(key in text for key in box)
            assert len(box["scores"]) == len(analysis.classes)


CONTRACT: dict[str, dict[str, Any]] = {
    "": {
        "schema_version": str, "video": dict, "media": dict, "coverage": dict, "provenance": dict, "shots": list,
        "tracks": list, "counts": dict, "claims": list, "matches": list, "failure": type(None),
    },
    "video": {"sha256": str, "size_bytes": int, "names": list},
    "media": {
        "width": int, "height": int, "rotation": int, "duration_seconds_from_header": float,
        "duration_seconds_from_content": float, "variable_frame_rate": bool, "warnings": list,
    },
    "coverage": {"decoded_seconds": float, "analysed_frames": int, "missing_seconds": list},
    "provenance": {
        "tool_version": str, "weights_sha256": str, "weights_name": str, "engine": str, "precision": str,
        "config_sha256": str, "ffmpeg_version": str,
    },
    "shots.0": {"index": int, "start_seconds": float, "end_seconds": float, "transition_in": str},
    "tracks.0": {
        "id": str, "shot": int, "class": str, "score": float, "start_seconds": float, "end_seconds": float,
        "posterior": dict, "exemplars": list, "readings": list,
    },
    "counts.helicopter": {"lower": int, "estimate": int, "interval": list, "upper": int, "proof": list},
    "counts.helicopter.proof.0": {"seconds": float, "tracks": list, "exhibit": str},
}  # fmt: skip


@pytest.mark.parametrize("place", CONTRACT)
def test_analysis_json_has_the_fields_of_the_contract(place: str, made: Path) -> None:
    found: Any = json.loads((made / package.ANALYSIS).read_text())
    for key in filter(None, place.split(".")):
        found = found[int(key)] if key.isdigit() else found[key]
    for name, kind in CONTRACT[place].items():
        assert type(found[name]) is kind, (place, name)


def test_every_exhibit_is_a_picture_derived_from_the_video(made: Path) -> None:
    analysis = package.read_analysis(made)
    listed = {exhibit.file for exhibit in analysis.exhibits}
    assert listed == {name for name in tree_of(made) if name.startswith("exhibits/")}
    assert listed, "the small case has exhibits"
    assert {exhibit.derived_from for exhibit in analysis.exhibits} == {analysis.video.sha256}
    assert all((made / name).read_bytes().startswith(b"\x89PNG") for name in listed)


def test_numbers_are_finite_and_json_is_strict(made: Path) -> None:
    def refuse(text: str) -> None:
        raise AssertionError(text)

    json.loads((made / package.ANALYSIS).read_text(), parse_constant=refuse)
    analysis = package.read_analysis(made)
    for value in (math.nan, math.inf):
        with pytest.raises(ValueError, match="finite"):
            Analysis.model_validate(
                analysis.model_copy(update={"tracks": [analysis.tracks[0].model_copy(update={"score": value})]})
                .model_dump(by_alias=True)
            )  # fmt: skip


def parts(kind: Any) -> Iterator[type[BaseModel]]:
    """All models within a type."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
        for field in kind.model_fields.values():
            yield from parts(field.annotation)
    elif typing.get_origin(kind) in {list, dict, types.UnionType, typing.Union, typing.Annotated, tuple}:
        for inner in typing.get_args(kind):
            yield from parts(inner)


def test_the_schema_in_the_package_describes_every_field(made: Path) -> None:
    schema = json.loads((made / package.SCHEMA).read_text())
    described = {"Analysis": schema, **schema["$defs"]}
    assert described.keys() == {part.__name__ for part in parts(Analysis)}
    for name, part in described.items():
        assert part["description"], name
        assert part["additionalProperties"] is False
        for field, facts in part["properties"].items():
            assert facts.get("description"), f"{name}.{field} has no description"


def test_the_facts_survive_reading_and_writing(made: Path) -> None:
    from roundel.record import to_json

    text = (made / package.ANALYSIS).read_text(encoding="utf-8")
    assert to_json(Analysis.model_validate_json(text)) == text


def test_an_untouched_package_has_no_problems(copy: Path) -> None:
    assert package.problems(copy) == []


def _as_link(path: Path) -> None:
    """Put a link to an identical copy in the place of a file or folder."""
    moved = path.parent.parent / f"moved-{path.name}"
    path.rename(moved)
    path.symlink_to(moved)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda p: (p / "README.txt").unlink(), "README.txt: is missing"),
        (lambda p: (p / "exhibits" / "x.png").write_bytes(b""), "x.png: was added"),
        (lambda p: (p / "exhibits" / "x").symlink_to("/etc"), "x: was added"),
        (lambda p: (p / "manifest-sha256.txt").unlink(), "manifest-sha256.txt: is missing"),
        (lambda p: (p / "manifest-sha256.txt").write_text("nothing\n"), "line 1 is no manifest line"),
        (lambda p: _as_link(p / "analysis.json"), "analysis.json: was changed"),
        (lambda p: _as_link(p / "exhibits"), "exhibits: was added"),
        (_as_link, "is a link"),
    ],
)
def test_a_changed_package_is_named(change: Callable[[Path], object], says: str, copy: Path) -> None:
    change(copy)
    assert any(says in problem for problem in package.problems(copy)), package.problems(copy)


def test_facts_that_cannot_be_read_are_an_integrity_failure(copy: Path) -> None:
    (copy / package.ANALYSIS).write_text("{}")
    with pytest.raises(IntegrityError, match=r"analysis\.json: cannot be read"):
        package.read_analysis(copy)


def test_the_name_of_an_analysis_changes_with_all_that_determines_it(clip: Path) -> None:
    identity = identify(clip)
    made_with = job.provenance(SETTINGS, loaded(detector()))
    names = {package.analysis_id(identity, made_with)}
    for key in made_with:
        names.add(package.analysis_id(identity, {**made_with, key: "another"}))
    names.add(package.analysis_id(replace(identity, sha256="sha256:" + "1" * 64), made_with))
    assert len(names) == len(made_with) + 2
    assert package.analysis_id(replace(identity, names=("b.mp4",)), made_with) in names


def _writer(target: Path) -> package.PackageWriter:
    writer = package.PackageWriter(target)
    writer.picture("t00001-1.png", np.zeros((4, 4, 3), np.uint8))
    return writer


def test_what_another_run_writes_at_this_moment_is_not_removed(tmp_path: Path) -> None:
    writer = _writer(tmp_path / "video" / "analysis")
    package.remove_left_overs(tmp_path)
    assert len(list((tmp_path / "video").iterdir())) == 1
    writer.discard()
    assert list((tmp_path / "video").iterdir()) == []


def test_what_an_interrupted_run_left_is_removed(copy: Path, tmp_path: Path) -> None:
    copy.rename(copy.parent / f"{package.PARTIAL}x-1")
    package.remove_left_overs(tmp_path.parent)
    assert list(tmp_path.iterdir()) == []


def test_two_runs_that_write_the_same_package_both_end_well(copy: Path) -> None:
    analysis = package.read_analysis(copy)
    bare = analysis.model_copy(update={"exhibits": []})
    first, second = _writer(copy.parent / "v" / "a"), _writer(copy.parent / "v" / "a2")
    second.target = first.target
    assert first.commit(bare) == second.commit(bare)
    assert left_names(first.target.parent) == ["a"]
    third = _writer(copy.parent / "v" / "a3")
    third.target = first.target
    with pytest.raises(StallError, match="differs from this one"):
        third.commit(bare.model_copy(update={"brief_tracks": 99}))


def left_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith(package.PARTIAL))


def test_the_video_is_only_read(make_clip: MakeClip, tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    folder.mkdir()
    video = Path(shutil.copyfile(make_clip("other.mp4", OTHER_SOURCE, *SMALL), folder / "original.mp4"))
    video.chmod(0o444)
    folder.chmod(0o555)
    before = (video.read_bytes(), video.stat().st_mtime_ns, video.stat().st_ino, sorted(folder.iterdir()))
    (outcome,) = analyse(tmp_path / "case", video)
    add_report(tmp_path / "case")
    list(cases.problems(tmp_path / "case"))
    assert outcome.status == "done"
    assert (video.read_bytes(), video.stat().st_mtime_ns, video.stat().st_ino, sorted(folder.iterdir())) == before
    folder.chmod(0o755)
