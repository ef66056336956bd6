"""The report's list of footage that other videos show, too: of another case, of several matches, and of none."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import loaded
from recycled_footage import Recycled, copied, recycled
from roundel import case as cases
from roundel import job
from roundel.errors import IntegrityError
from roundel.record import AttestedDate, AttestedDates, ClaimSource, dates_json
from roundel.recycled.find import Found, Reference
from roundel.recycled.keep import Kept, kept
from roundel.recycled.run import match_case
from roundel.recycled.sources import CaseVideos
from roundel.report import elsewhere
from roundel.report.model import read_case
from roundel.report.render import render_case
from small_case import SETTINGS, analyse, detector


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Recycled:
    return recycled(tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture
def made(once: Recycled, tmp_path: Path) -> Recycled:
    return copied(once, tmp_path)


def find(made: Recycled, against: Path) -> list[Found]:
    found = match_case(CaseVideos(made.case), [Reference(against)])
    return [item for item in found if isinstance(item, Found)]


def shared(case: Path) -> dict[str, elsewhere.Elsewhere]:
    return {video.name: video.elsewhere for video in read_case(case).videos}


def test_without_matches_nothing_is_said_of_any(made: Recycled) -> None:
    page = render_case(made.case).read_text(encoding="utf-8")
    assert "Also in other videos" not in page
    assert "must not be added up</li>" not in page


def test_a_video_of_another_case_is_called_by_its_case_and_gets_no_picture(made: Recycled) -> None:
    (found,) = find(made, made.archive)
    shown = shared(made.case)
    (told,) = shown["new.mp4"].told
    assert told.view.heading.endswith(" of archive/old.mp4 shows, mirrored")
    assert told.view.overlay.file == f"matches/{found.matches.id}/overlay-1.png"
    assert shown["strange.mp4"].total == 0
    page = render_case(made.case).read_text(encoding="utf-8")
    section = page[page.index('-elsewhere" tabindex') :].partition("<h3>")[0]
    assert section.count("This picture cannot be shown.") == 2
    assert "data:image" not in section


def test_a_package_of_the_same_name_in_another_case_is_not_taken_for_ours(made: Recycled, tmp_path: Path) -> None:
    analyse(made.case, made.old)
    archive = tmp_path / "elsewhere"
    cases.create(archive, SETTINGS)
    settings = SETTINGS.model_copy(update={"sampling": SETTINGS.sampling.model_copy(update={"base_fps": 3.0})})
    list(job.run([made.old], archive, settings, loaded(detector())))
    find(made, archive)
    (told,) = shared(made.case)["new.mp4"].told
    assert "elsewhere/old.mp4" in told.view.heading
    assert told.view.overlay.picture is None


def test_both_videos_of_a_case_tell_of_it_and_one_has_the_pictures(made: Recycled) -> None:
    analyse(made.case, made.old)
    find(made, made.case)
    shown = shared(made.case)
    (told,) = shown["new.mp4"].told + shown["old.mp4"].told
    assert told.view.overlay.picture is not None
    assert told.view.beside.picture is not None
    (line,) = shown["new.mp4"].lines + shown["old.mp4"].lines
    assert line.anchor == told.view.anchor
    assert line.text == told.view.heading
    assert told.dates == ("Which of the two was public first is not known: no date is attested that tells.",)


def test_of_many_matches_the_first_have_pictures_and_the_others_a_line(
    made: Recycled, monkeypatch: pytest.MonkeyPatch
) -> None:
    find(made, made.archive)
    (one,) = kept(made.case)
    many = one.matches.model_copy(update={"matches": one.matches.matches * 60})
    monkeypatch.setattr(elsewhere, "kept", lambda _: [Kept(one.folder, many)])
    shown = shared(made.case)["new.mp4"]
    assert (len(shown.told), len(shown.lines), shown.left_out) == (6, 40, 14)
    assert len({told.view.anchor for told in shown.told}) == 6
    assert shown.lines[0].text.endswith(f": matches/{one.matches.id}/overlay-1.png")
    page = render_case(made.case).read_text(encoding="utf-8")
    assert "14 more are in the folder matches of the case." in page


def test_a_date_that_people_attest_stands_with_the_match(made: Recycled) -> None:
    (found,) = find(made, made.archive)
    days = {found.matches.reference.sha256: "2013-05-01", found.matches.query.sha256: "2020-01-01"}
    dates = [
        AttestedDate(video=video, says="published", first=day, last=day, who="B. Reporter", found="2024-05-03",
                     basis="seen", source="a page", note="")
        for video, day in days.items()
    ]  # fmt: skip
    file = ClaimSource(name="dates.csv", sha256="sha256:" + "0" * 64, text="")
    cases.keep_dates(made.case, "dates", dates_json(AttestedDates(schema_version="1", file=file, dates=dates)), {})
    (told,) = shared(made.case)["new.mp4"].told
    (said,) = told.dates
    assert said.startswith("Dates are findings of people, not of the program: archive/old.mp4, and so this footage,")


def test_no_report_is_made_of_a_changed_match(made: Recycled) -> None:
    (found,) = find(made, made.archive)
    with (made.case / "matches" / found.matches.id / "overlay-1.png").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(IntegrityError, match=r"overlay-1\.png: was changed"):
        render_case(made.case)
