"""Footage that other cases hold: found, kept, checked; and what dates say of it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from conftest import ffmpeg, loaded
from recycled_footage import IN_NEW, IN_OLD, Recycled, copied, recycled
from roundel import case as cases
from roundel import custody, job, notes, package
from roundel.claims.dates import read_dates
from roundel.cli.match import match
from roundel.config import load
from roundel.errors import IntegrityError, UsageError
from roundel.record import AttestedDate, MatchedVideo, dates_json
from roundel.recycled.dates import direction
from roundel.recycled.find import Found, Reference, SameFile
from roundel.recycled.keep import Keeper, kept
from roundel.recycled.objects import followed
from roundel.recycled.run import match_case, match_file
from roundel.recycled.sources import CaseVideos, from_file
from small_case import SMALL, SOURCE, analyse, detector, tree_of

OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Recycled:
    return recycled(tmp_path_factory.mktemp("recycled"))


@pytest.fixture
def made(once: Recycled, tmp_path: Path) -> Recycled:
    return copied(once, tmp_path)


def make_small(folder: Path) -> Path:
    ffmpeg("-f", "lavfi", "-i", SOURCE, "-bitexact", *SMALL, folder / "small.mp4")
    return folder / "small.mp4"


def find(made: Recycled, against: Path | None = None) -> list[Found | SameFile]:
    return list(match_case(CaseVideos(made.case), [Reference(against or made.archive)]))


def only(found: list[Found | SameFile]) -> Found:
    (one,) = found
    assert isinstance(one, Found)
    return one


def test_a_mirrored_part_under_a_headline_is_found_in_another_case_and_kept(made: Recycled) -> None:
    found = only(find(made)).matches
    assert (found.query.names, found.query.case) == (["new.mp4"], "case")
    assert (found.reference.names, found.reference.case) == (["old.mp4"], "archive")
    (match,) = found.matches
    assert match.query == pytest.approx(IN_NEW, abs=0.3)
    assert match.reference.range == pytest.approx(IN_OLD, abs=0.3)
    assert match.mirrored
    assert match.edits == ["mirrored", "overlay below"]
    assert len(match.pairs) == match.verified_pairs >= 2
    assert max(pair.inliers for pair in match.pairs) == match.inliers
    (held,) = kept(made.case)
    assert held.matches == found
    assert {path.name for path in held.folder.iterdir()} == {
        "match.json", "match.schema.json", "manifest-sha256.txt", match.overlay, match.beside,
    }  # fmt: skip
    assert package.problems(held.folder) == []
    assert list(cases.problems(made.case)) == []


def test_a_second_run_finds_the_same_and_changes_nothing(made: Recycled) -> None:
    first = find(made)
    before = tree_of(made.case)
    again = find(made)
    assert [item.matches for item in again if isinstance(item, Found)] == [only(first).matches]
    assert tree_of(made.case) == before


def test_the_same_bytes_are_kept_whoever_made_them(made: Recycled) -> None:
    find(made)
    (folder,) = cases.matches(made.case)
    before = tree_of(folder)
    (noted,) = [event for event in custody.read(made.case) if event.event == cases.MATCHED]
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    find(made)
    assert tree_of(folder) == before
    assert [event.details for event in custody.read(made.case) if event.event == cases.MATCHED] == [noted.details] * 2


@pytest.mark.parametrize(
    ("name", "said"),
    [("match.json", "was changed"), ("overlay-1.png", "was changed"), ("extra.txt", "was added")],
)
def test_a_changed_or_added_file_of_a_match_is_found(made: Recycled, name: str, said: str) -> None:
    find(made)
    (folder,) = cases.matches(made.case)
    path = folder / name
    path.write_bytes((path.read_bytes() if path.exists() else b"") + b" ")
    assert list(cases.problems(made.case)) == [f"{path}: {said}"]
    with pytest.raises(IntegrityError, match=name):
        kept(made.case)
    with pytest.raises(IntegrityError, match=name):
        find(made)


def test_missing_foreign_and_rewritten_matches_are_found(made: Recycled) -> None:
    find(made)
    (folder,) = cases.matches(made.case)
    (folder / "beside-1.png").unlink()
    assert list(cases.problems(made.case)) == [f"{folder / 'beside-1.png'}: is missing"]
    package.write_manifest(folder)
    assert list(cases.problems(made.case)) == [f"{folder / package.MANIFEST}: was changed"]
    stranger = folder.with_name("0" * 16)
    folder.rename(stranger)
    found = list(cases.problems(made.case))
    assert f"{made.case}/matches/{folder.name}: the match is missing" in found
    assert any(text.startswith(f"{stranger}: the custody log does not mention this match") for text in found)
    (made.case / "matches" / "note.txt").write_text("x")
    assert f"{made.case / 'matches' / 'note.txt'}: was added" in list(cases.problems(made.case))


def test_what_an_interrupted_run_left_is_named_and_removed(made: Recycled) -> None:
    partial = made.case / "matches" / f"{package.PARTIAL}x"
    partial.mkdir(parents=True)
    assert any("interrupted" in text for text in cases.problems(made.case))
    Keeper(made.case)
    assert list(cases.problems(made.case)) == []


def test_a_loose_video_is_found_and_nothing_is_kept(made: Recycled) -> None:
    reference = Reference(made.archive)
    found = only(list(match_file(from_file(made.new, load().media), [reference])))
    assert found.matches.matches[0].query == pytest.approx(IN_NEW, abs=0.3)
    assert found.matches.query.case == found.matches.query.package == ""
    assert set(found.pictures) == {"overlay-1.png", "beside-1.png"}
    assert list(match_file(from_file(made.strange, load().media), [reference])) == []
    assert not (made.archive / cases.MATCHES).exists()


def test_within_a_case_each_two_videos_are_compared_once_and_none_with_itself(made: Recycled) -> None:
    analyse(made.case, made.old)
    found = only(find(made, made.case)).matches
    assert found.query.names == ["old.mp4"]  # it came later
    assert found.reference.names == ["new.mp4"]


def test_the_same_file_in_another_case_is_said_to_be_the_same(made: Recycled) -> None:
    analyse(made.archive, made.new)
    found = find(made)
    (same,) = [item for item in found if isinstance(item, SameFile)]
    assert same.query.sha256 == same.reference.sha256
    assert same.reference.case == "archive"
    assert [item.matches.reference.names for item in found if isinstance(item, Found)] == [["old.mp4"]]


def test_of_two_analyses_of_one_video_the_later_counts(made: Recycled) -> None:
    first = only(find(made)).matches
    other = load(None, {"sampling": {"base_fps": 1.0}})
    cases.create(made.archive, other)
    (done,) = job.run([made.old], made.archive, other, loaded(detector()))
    found = only(find(made)).matches
    assert done.package is not None
    assert found.reference.package == done.package.relative_to(made.archive).as_posix() != first.reference.package
    assert len(cases.matches(made.case)) == 2
    assert [item.matches for item in kept(made.case)] == [found]


def test_changed_evidence_is_not_compared(made: Recycled) -> None:
    (package_of_old,) = [
        path for path in cases.packages(made.archive) if "old.mp4" in (path / "analysis.json").read_text("utf-8")
    ]
    (package_of_old / "stills.zip").write_bytes(b"x")
    with pytest.raises(IntegrityError, match=r"stills\.zip: was changed"):
        find(made)


def test_a_package_that_the_log_does_not_mention_is_left_out_and_named(made: Recycled) -> None:
    packages = cases.packages(made.archive)
    added = packages[0].with_name("f" * 16)
    packages[0].rename(added)
    reference = Reference(made.archive)
    assert any(str(added) in text for text in reference.not_compared)


def test_the_tracks_of_a_package_are_read_without_graphics_and_brief_ones(tmp_path: Path) -> None:
    (done,) = analyse(tmp_path / "small", make_small(tmp_path))
    assert done.package is not None
    assert done.analysis is not None
    read = followed(done.package)
    assert read is not None
    assert read.size == (160, 120)
    tracks = {track.id: track for track in done.analysis.tracks if not track.burnt_in}
    rows = dict(read.paths.within(0.0, 10.0))
    assert rows.keys() == tracks.keys()
    assert all(len(rows[name]) == track.frames for name, track in tracks.items())


def video(sha256: str, name: str) -> MatchedVideo:
    return MatchedVideo(sha256=sha256, names=[name], case="", package="", manifest_sha256=None)


def attested(sha256: str, first: str | None, last: str | None, says: str = "published") -> AttestedDate:
    return AttestedDate(
        video=sha256, says=says, first=first, last=last, who="B. Reporter", found="2024-05-03", basis="reported",
        source="web archive 123", note="",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("dates", "earlier"),
    [
        ([], None),
        ([attested(OLD, "2013-05-02", "2013-05-02")], None),
        ([attested(NEW, "2020-01-01", "2020-01-31")], None),
        ([attested(OLD, "2013-05-02", "2013-05-02"), attested(NEW, "2020-01-01", "2020-01-31")], "reference"),
        ([attested(NEW, "2013-05-02", "2013-05-02"), attested(OLD, "2020-01-01", "2020-01-31")], "query"),
        ([attested(OLD, "2013-05-02", "2020-01-15"), attested(NEW, "2020-01-01", "2020-01-31")], None),
        ([attested(OLD, None, "2013-12-31"), attested(NEW, "2020-01-01", None)], "reference"),
        ([attested(OLD, "2013-01-01", None), attested(NEW, "2020-01-01", "2020-01-01")], None),
        ([attested(OLD, None, "2013-12-31"), attested(NEW, None, "2020-01-01")], None),
        (
            [
                attested(OLD, "2013-05-02", "2013-05-02"),
                attested(NEW, "2020-01-01", "2020-01-31"),
                attested(NEW, "2012-01-01", "2012-01-31"),
            ],
            "query",
        ),
    ],
)
def test_only_dates_that_do_not_overlap_give_a_direction(dates: list[AttestedDate], earlier: str | None) -> None:
    found = direction(video(NEW, "new.mp4"), video(OLD, "old.mp4"), dates)
    assert (found.earlier if found is not None else None) == earlier
    if found is not None:
        (sentence,) = found.sentences
        first, second = ("old.mp4", "new.mp4") if earlier == "reference" else ("new.mp4", "old.mp4")
        assert sentence.startswith(f"{first}, and so this footage, had been published ")
        assert f"first attested publication of {second}" in sentence
        assert "attested by B. Reporter: web archive 123" in sentence


def test_a_day_of_filming_after_the_footage_was_public_is_doubted_without_a_direction() -> None:
    dates = [attested(OLD, "2013-05-01", "2013-05-31"), attested(NEW, "2020-01-01", "2020-01-01", "filmed")]
    found = direction(video(NEW, "new.mp4"), video(OLD, "old.mp4"), dates)
    assert found is not None
    assert found.earlier is None
    assert "had been published by 2013-05-31" in found.sentences[0]
    assert "one of the two is wrong" in found.sentences[0]


def test_dates_are_read_from_findings_and_kept_apart_from_the_matches(made: Recycled, tmp_path: Path) -> None:
    find(made)
    before = tree_of(made.case / "matches")
    file = tmp_path / "dates.csv"
    file.write_text(
        "id,kind,who,found,basis,source,video,when,reference\n"
        "d1,published,B. Reporter,2024-05-03,reported,web archive 123,old.mp4,2013-05,\n"
        "d2,earlier_copy,C. Clerk,2024-05-03,document,register 7,,2012-03-04,old.mp4\n"
        "d3,published,D. Desk,2024-05-03,reported,a page,nowhere.mp4,2013,\n"
    )
    read = read_dates(file, lambda name: [OLD] if name == "old.mp4" else [])
    assert read.unused == 1
    assert [(item.last, item.who) for item in read.dates.dates] == [
        ("2012-03-04", "C. Clerk"), ("2013-05-31", "B. Reporter"),
    ]  # fmt: skip
    assert date.fromisoformat(read.dates.dates[1].first or "") == date(2013, 5, 1)
    path = notes.keep_dates(made.case, "dates", dates_json(read.dates), {})
    events = list(custody.read(made.case))
    notes.keep_dates(made.case, "dates", dates_json(read.dates), {})
    assert list(custody.read(made.case)) == events
    assert tree_of(made.case / "matches") == before
    assert notes.read_dates(made.case) == [read.dates]
    assert list(cases.problems(made.case)) == []
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": "9"}))
    assert list(cases.problems(made.case)) == [f"{path}: was changed"]
    with pytest.raises(IntegrityError, match="was changed"):
        notes.read_dates(made.case)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("d1,published,B,2024-05-03,reported,a page,,2013,", "a date needs video"),
        ("d1,published,B,2024-05-03,seen,,old.mp4,2013,", "a date needs source"),
        ("d1,published,B,2024-05-03,reported,a page,two.mp4,2013,", "is the name of 2 videos"),
        ("d1,published,B,2024-05-03,reported,a page,old.mp4,tomorrow,", "is no date"),
        ("d1,published,B,2024-05-03,reported,a page,old.mp4,,", "needs when"),
    ],
)
def test_a_bad_row_of_dates_is_named_by_its_line(tmp_path: Path, row: str, said: str) -> None:
    file = tmp_path / "dates.csv"
    file.write_text(f"id,kind,who,found,basis,source,video,when,reference\n{row}\n")
    with pytest.raises(UsageError, match=said) as error:
        read_dates(file, lambda name: [OLD, NEW] if name == "two.mp4" else [OLD])
    assert all(line.startswith(f"{file}:2:") for line in error.value.lines())


def test_what_is_wrong_with_a_file_of_dates_is_said_before_the_work(made: Recycled, tmp_path: Path) -> None:
    file = tmp_path / "dates.csv"
    file.write_text("id,kind,who,found,basis,source,video,when\nd1,published,B,2024-05-03,seen,,old.mp4,2013\n")
    with pytest.raises(UsageError, match="a date needs source"):
        match([made.case], [made.archive], dates=file)
    assert not cases.matches(made.case)
