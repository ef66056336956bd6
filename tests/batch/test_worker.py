"""What a worker makes of one input: an outcome in every case, and a package that is the one of ``roundel analyze``."""

from __future__ import annotations

import errno
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import pytest

from batch.fakes import forget_memory, put, small_plan, use_fakes, work
from conftest import FakeDetector, loaded
from roundel import case as cases
from roundel import job, package
from roundel.batch import sources
from roundel.batch import worker as workers
from roundel.batch.merge import merge
from roundel.batch.outcome import KILLED, MOST_TRIES, Outcome, outcome_of
from roundel.batch.plan import Item, Plan
from roundel.batch.records import agree_on, outcome_name, outcomes, record, recorded, take_back
from roundel.batch.run import missing
from roundel.batch.store import LocalStore, RemoteStore, TargetError, open_store
from roundel.batch.worker import Worker, facts_for_worker, plan_from
from roundel.errors import IntegrityError, UsageError
from small_case import OTHER_SOURCE, SETTINGS, SMALL, SOURCE, analyse, detector, find_two, tree_of

MakeClip = Callable[..., Path]


@pytest.fixture(scope="module")
def clip(make_clip: MakeClip) -> Path:
    return make_clip("worker-one.mp4", SOURCE, *SMALL)


@pytest.fixture(scope="module")
def clip2(make_clip: MakeClip) -> Path:
    return make_clip("worker-two.mp4", OTHER_SOURCE, *SMALL)


@pytest.fixture(autouse=True)
def memory() -> Iterator[None]:
    forget_memory()
    yield
    forget_memory()


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeDetector:
    return use_fakes(monkeypatch)


def plan_of(tmp_path: Path, *inputs: Path | str, target: Path | str | None = None, name: str = "plan") -> Plan:
    return small_plan(tmp_path / name, target or tmp_path / "case", *inputs)


def one(plan: Plan) -> Outcome:
    (outcome,) = work(plan)
    assert outcomes(open_store(plan)) == {outcome.id: outcome}, "what is returned is on record"
    assert "\n" not in outcome.message
    return outcome


# Outcomes


def test_a_good_video_gives_a_package_and_an_outcome_that_names_it(clip: Path, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, clip)
    outcome = one(plan)
    assert (outcome.status, outcome.again, outcome.kind, outcome.message) == ("done", False, None, "")
    assert (outcome.id, outcome.source, outcome.name) == (plan.items[0].id, str(clip), clip.name)
    assert outcome.package is not None
    folder = tmp_path / "case" / outcome.package
    assert package.problems(folder) == []
    assert outcome.manifest_sha256 == package.manifest_sha256(folder)
    assert outcome.package_bytes == sum(len(content) for name, content in tree_of(folder).items()) - len(
        (folder / package.MANIFEST).read_bytes()
    )
    assert outcome.video_sha256 == package.read_analysis(folder).video.sha256
    assert outcome.video_seconds == pytest.approx(1.0, abs=0.1)
    assert 0 < outcome.work_seconds < 60
    assert outcome.worker.endswith(f":{os.getpid()}")
    assert outcome.ended_at.endswith("+00:00")


def test_packages_are_those_of_analyze_byte_for_byte(clip: Path, clip2: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video" * 100)
    odd = Path(shutil.copyfile(clip2, tmp_path / os.fsdecode(b"two\n%d \xff.mp4")))
    analyse(tmp_path / "single", clip, broken, odd)
    work(plan_of(tmp_path, odd, broken, clip))
    assert tree_of(tmp_path / "case" / "videos") == tree_of(tmp_path / "single" / "videos")
    assert len(cases.packages(tmp_path / "case")) == 3


def test_a_broken_video_gives_a_package_that_says_why(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video" * 100)
    outcome = one(plan_of(tmp_path, broken))
    assert (outcome.status, outcome.again, outcome.kind) == ("failed", False, "MediaError")
    assert outcome.message.startswith("broken.mp4: ")
    assert outcome.package is not None
    assert package.problems(tmp_path / "case" / outcome.package) == []


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (Path.touch, "is empty (0 bytes)"),
        (lambda path: None, "does not exist"),
        (os.mkfifo, "is a folder, pipe or device"),
        (lambda path: path.symlink_to("/dev/zero"), "is a folder, pipe or device"),
        (Path.mkdir, "is a folder, pipe or device"),
        (lambda path: path.symlink_to(path.parent / "nothing"), "does not exist"),
        (lambda path: path.symlink_to(path), "does not exist"),
    ],
)
def test_what_is_no_file_with_bytes_fails_at_once_without_a_package(
    make: Callable[[Path], object], says: str, tmp_path: Path
) -> None:
    path = tmp_path / "input.mp4"
    (tmp_path / "list.txt").write_text(f"{path}\n")
    plan = plan_of(tmp_path, tmp_path / "list.txt")
    if not plan.items:
        pytest.fail("the list was not read")
    make(path)
    outcome = one(plan)
    assert (outcome.status, outcome.package, outcome.kind) == ("failed", None, "MediaError")
    assert outcome.message.startswith(f"{path}: {says}")
    assert cases.packages(tmp_path / "case") == []


class Acting(FakeDetector):
    """Does something at the third picture."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__(find_two)
        self.act, self.acted = act, False

    def _one(self, picture: Any) -> Any:
        if self.pictures >= 3 and not self.acted:
            self.acted = True
            self.act()
        return super()._one(picture)


def fail_with(error: BaseException) -> Callable[[], object]:
    def act() -> None:
        raise error

    return act


@pytest.mark.parametrize(
    ("act", "again", "says"),
    [(Path.unlink, False, "does not exist"), (lambda path: path.write_bytes(b"other"), True, "changed while")],
    ids=["vanishes", "changes"],
)
def test_a_video_that_goes_away_or_changes_meanwhile_leaves_nothing(
    act: Callable[[Path], object],
    again: bool,
    says: str,
    clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    video = Path(shutil.copyfile(clip, tmp_path / "video.mp4"))
    use_fakes(monkeypatch, Acting(lambda: act(video)))
    outcome = one(plan_of(tmp_path, video))
    assert (outcome.status, outcome.package, outcome.again) == ("failed", None, again)
    assert outcome.message.startswith(f"{video}: {says}")
    assert not list((tmp_path / "case" / "videos").glob("*/*"))


def test_a_video_that_was_changed_since_the_plan_is_not_taken_for_the_planned_one(clip: Path, tmp_path: Path) -> None:
    first = Path(shutil.copyfile(clip, tmp_path / "first.mp4"))
    second = Path(shutil.copyfile(clip, tmp_path / "second.mp4"))
    plan = plan_of(tmp_path, first, second)
    first.write_bytes(b"x" * clip.stat().st_size)
    outcome = one(plan)
    assert (outcome.status, outcome.package) == ("failed", None)
    assert outcome.message == f"{first}: was changed since the plan was made; make a new plan"


def test_unexpected_errors_are_data(clip: Path, clip2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fakes(monkeypatch, Acting(fail_with(ValueError("a bug,\nand another"))))
    plan = plan_of(tmp_path, clip, clip2)
    first, second = work(plan)
    assert (first.status, first.kind, first.again, first.package) == ("failed", "ValueError", True, None)
    assert first.message.startswith(f"{clip}: unexpected ValueError: a bug,")
    assert first.message.endswith("Please report this with the file.")
    assert "\n" not in first.message
    assert second.status == "done"
    assert not list((tmp_path / "case" / "videos").glob("*/.partial-*"))


def test_want_of_memory_says_what_to_do(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fakes(monkeypatch, Acting(fail_with(MemoryError())))
    outcome = one(plan_of(tmp_path, clip))
    assert (outcome.kind, outcome.again) == ("MemoryError", True)
    assert outcome.message == f"{clip}: there was not enough memory; run it with fewer workers"


def test_a_request_to_end_is_no_outcome(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fakes(monkeypatch, Acting(fail_with(KeyboardInterrupt())))
    plan = plan_of(tmp_path, clip)
    with pytest.raises(KeyboardInterrupt):
        work(plan)
    (found,) = outcomes(open_store(plan)).values()
    assert (found.status, found.tries, found.package) == ("left", 1, None)
    assert not list((tmp_path / "case" / "videos").glob("*/*"))


# Tries


def test_what_ended_its_process_three_times_is_given_up_once_and_tried_again_after_that(
    clip: Path, tmp_path: Path, fake: FakeDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(tmp_path, clip)
    worker, store, item = Worker(plan), open_store(plan), plan.items[0]
    for number in range(1, MOST_TRIES + 1):
        end_while_it_works(worker, item, monkeypatch)
        begun = recorded(store, item.id)
        assert (begun.status, begun.tries, begun.ended_its_process) == ("left", number, True)
    given_up = worker.process(item)
    assert (given_up.status, given_up.kind, given_up.again, fake.pictures) == ("failed", KILLED, True, 0)
    assert given_up.message == (
        f"{clip}: was begun 3 times and did not come to an end; is there enough memory and time?"
    )
    assert recorded(store, item.id) == given_up
    done = worker.process(item)
    assert (done.status, done.tries, done.ended_its_process) == ("done", 0, False)


def test_what_was_dropped_by_request_was_no_try(clip: Path, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, clip)
    store, item = open_store(plan), plan.items[0]
    take_back(store, item.id, "a")
    assert outcomes(store) == {}
    record(store, outcome_of(item, status="left", tries=2, run="a"))
    take_back(store, item.id, "b")
    assert recorded(store, item.id).tries == 2, "that run had not begun it"
    for left in (1, 0, 0):
        take_back(store, item.id, "a")
        assert recorded(store, item.id).tries == left
    done = one(plan)
    take_back(store, item.id, done.run)
    assert recorded(store, item.id) == done


def test_a_package_whose_process_ended_right_after_it_keeps_what_is_known_of_its_making(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(tmp_path, clip)
    worker, item = Worker(plan), plan.items[0]
    weak, strong = ({"no network": state} for state in (False, True))
    monkeypatch.setattr(workers, "kept_from", lambda _: strong)
    end_while_it_works(worker, item, monkeypatch, "identify")
    monkeypatch.setattr(workers, "kept_from", lambda _: weak)
    end_while_it_works(worker, item, monkeypatch, "_outcome")
    assert len(cases.packages(tmp_path / "case")) == 1
    monkeypatch.setattr(workers, "kept_from", lambda _: strong)
    end_while_it_works(worker, item, monkeypatch, "identify")
    record(open_store(plan), recorded(open_store(plan), item.id).model_copy(update={"tries": 1}))
    assert worker.process(item).notes == {cases.PROTECTIONS: weak}
    assert worker.process(item).notes == {cases.PROTECTIONS: weak}
    for _ in range(MOST_TRIES):
        end_while_it_works(worker, item, monkeypatch)
    assert worker.process(item).kind == KILLED
    assert worker.process(item).notes == {cases.PROTECTIONS: weak}, "those of whoever made it, not of who gave it up"
    other = plan_of(tmp_path, clip, name="other")
    end_while_it_works(Worker(other), item, monkeypatch, "identify")
    assert Worker(other).process(item).notes == {}, "this plan does not know who made it"


def test_a_package_is_made_by_the_process_that_finished_it(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(tmp_path, clip)
    worker, item = Worker(plan), plan.items[0]
    monkeypatch.setattr(workers, "kept_from", lambda _: {"no network": False})
    end_while_it_works(worker, item, monkeypatch, "analyze_into")
    monkeypatch.setattr(workers, "kept_from", lambda _: {"no network": True})
    assert worker.process(item).notes == {cases.PROTECTIONS: {"no network": True}}


@pytest.mark.parametrize("kind", ["pipe", "link", "huge", "noise"])
def test_what_lies_in_the_place_of_an_outcome_is_replaced(kind: str, clip: Path, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, clip)
    path = plan.folder / outcome_name(plan.items[0].id)
    path.parent.mkdir(parents=True)
    (tmp_path / "other").write_text("{}")
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(tmp_path / "other")
    else:
        path.write_bytes(b"x")
        os.truncate(path, 1 << 40 if kind == "huge" else 1)
    done = one(plan)
    assert (done.status, outcomes(open_store(plan))) == ("done", {done.id: done})
    assert (tmp_path / "other").read_text() == "{}"


def test_what_came_to_its_end_in_a_run_is_not_done_again_in_it(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray gives an actor all the items of a block again when its process has ended."""
    plan = plan_of(tmp_path, clip, tmp_path / "gone.mp4")
    first, second = plan.items
    for _ in range(MOST_TRIES):
        end_while_it_works(Worker(plan, run="a"), first, monkeypatch)
    worker = Worker(plan, run="a")
    ended = [worker.process(item) for item in (first, second)]
    assert [(outcome.kind, outcome.run) for outcome in ended] == [(KILLED, "a"), ("MediaError", "a")]
    monkeypatch.setattr(workers, "identify", pytest.fail)
    assert [Worker(plan, run="a").process(item) for item in (first, second)] == ended
    monkeypatch.undo()
    use_fakes(monkeypatch)
    assert Worker(plan, run="b").process(first).status == "done"


def test_what_a_worker_that_was_given_up_says_replaces_no_result_of_the_run(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray gives an item to another actor if it cannot reach the machine of the first, which goes on."""
    plan = plan_of(tmp_path, clip)
    item, ended = plan.items[0], list[Outcome]()
    real = workers.identify

    def identify_late(*arguments: Any) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(workers, "identify", real)
            ended.append(Worker(plan, run="a").process(item))
        shutil.rmtree(tmp_path / "case" / str(ended[0].package))  # it does not see it yet
        monkeypatch.setattr(package, "PackageWriter", pytest.fail)
        return real(*arguments)

    monkeypatch.setattr(workers, "identify", identify_late)
    late = Worker(plan, run="a").process(item)
    assert [late] == ended
    assert recorded(open_store(plan), item.id) == late


def test_a_package_under_another_name_says_nothing_of_who_made_it(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This plan began the video, and another one finished it under the name that it has there."""
    renamed = Path(shutil.copyfile(clip, tmp_path / "renamed.mp4"))
    plan, other = plan_of(tmp_path, clip), plan_of(tmp_path, renamed, name="other")
    end_while_it_works(Worker(plan), plan.items[0], monkeypatch, "analyze_into")
    assert recorded(open_store(plan), plan.items[0].id).notes
    assert one(other).notes
    assert one(plan).notes == {}


class End(BaseException):
    """The process is killed."""


def end_while_it_works(worker: Worker, item: Item, monkeypatch: pytest.MonkeyPatch, at: str = "identify") -> None:
    """Process an item in a process that is killed in the middle."""

    def end(*_: Any, **__: Any) -> None:
        raise End

    with monkeypatch.context() as patch:
        patch.setattr(job if at == "analyze_into" else workers, at, end)
        with pytest.raises(End):
            worker.process(item)


# Packages that are there already


def test_a_package_that_is_there_already_is_taken(clip: Path, tmp_path: Path, fake: FakeDetector) -> None:
    analyse(tmp_path / "case", clip)
    before = tree_of(tmp_path / "case")
    outcome = one(plan_of(tmp_path, clip))
    assert (outcome.status, fake.pictures) == ("done", 0)
    assert tree_of(tmp_path / "case") == before


def test_a_package_that_says_why_a_video_failed_is_taken(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video" * 100)
    plan = plan_of(tmp_path, broken)
    first, second = one(plan), one(plan)
    assert (second.status, second.kind, second.message) == (first.status, first.kind, first.message)


@pytest.mark.parametrize("name", [package.README, package.ANALYSIS, package.MANIFEST])
def test_a_damaged_package_that_is_there_already_is_not_overwritten_and_is_named(
    name: str, clip: Path, tmp_path: Path, fake: FakeDetector
) -> None:
    (made,) = analyse(tmp_path / "case", clip)
    assert made.package is not None
    (made.package / name).write_text("damaged")
    before = tree_of(tmp_path / "case")
    outcome = one(plan_of(tmp_path, clip))
    assert (outcome.status, outcome.package, outcome.again, fake.pictures) == ("failed", None, True, 0)
    assert str(made.package / name) in outcome.message or name == package.MANIFEST
    assert str(made.package) in outcome.message
    assert "nothing was analysed; move the package out of the case and run again" in outcome.message
    assert tree_of(tmp_path / "case") == before
    shutil.move(made.package, tmp_path / "moved")
    assert one(plan_of(tmp_path, clip)).status == "done"


def test_a_folder_without_a_manifest_in_the_place_of_a_package_is_named(clip: Path, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, clip)
    done = one(plan)
    assert done.package is not None
    shutil.rmtree(tmp_path / "case" / done.package)
    (tmp_path / "case" / done.package).mkdir()
    outcome = one(plan)
    assert (outcome.status, outcome.package) == ("failed", None)
    assert "manifest-sha256.txt: is missing" in outcome.message


# Addresses


@pytest.mark.parametrize("cut", [1, 2, 40])
def test_nothing_of_the_temporary_copy_enters_a_package_or_a_message(cut: int, clip: Path, tmp_path: Path) -> None:
    content = clip.read_bytes()[: clip.stat().st_size // cut]
    local = tmp_path / "odd name ä.mp4"
    local.write_bytes(content)
    plan = plan_of(tmp_path, put("memory://archive/odd name ä.mp4", content))
    outcome = one(plan)
    analyse(tmp_path / "single", local)
    assert tree_of(tmp_path / "case" / "videos") == tree_of(tmp_path / "single" / "videos")
    for content in (*tree_of(tmp_path / "case").values(), outcome.model_dump_json().encode()):
        assert b"roundel-fetch" not in content
        assert str(tmp_path).encode() not in content


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (None, "is empty (0 bytes)"),
        (lambda: None, "there was not enough memory"),
        (lambda: None, "unexpected"),
        (lambda: None, "the program"),
    ],
)
def test_a_failure_names_the_address_and_is_the_same_each_time(
    act: Callable[[], object] | None, says: str, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("memory://archive/a.mp4", clip.read_bytes() if act else b"")
    if act:

        def failing(_: Any, path: Path, *__: Any, **___: Any) -> None:
            raise {
                "there was not enough memory": MemoryError(),
                "unexpected": ValueError(f"of {path}"),
                "the program": workers.StallError(f"{path}: the program was killed"),
            }[says]

        monkeypatch.setattr(job, "analyze_into", failing)
    plan = plan_of(tmp_path, "memory://archive")
    first, second = one(plan), one(plan)
    assert first.message.startswith(f"memory:///archive/a.mp4: {says}")
    assert first.message == second.message
    assert "roundel-fetch" not in first.message


def test_an_address_that_is_gone_fails_and_one_that_is_out_of_reach_may_be_tried_again(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("memory://archive/a.mp4", clip.read_bytes())
    plan = plan_of(tmp_path, "memory://archive")
    forget_memory()
    outcome = one(plan)
    assert (outcome.again, outcome.message) == (
        False,
        "memory:///archive/a.mp4: does not exist; give a video file",
    )

    def away(*_: Any, **__: Any) -> None:
        raise ConnectionError("no route to host")

    monkeypatch.setattr(fsspec.filesystem("memory"), "open", away)
    outcome = one(plan)
    assert (outcome.again, outcome.message) == (
        True,
        "memory:///archive/a.mp4: cannot be fetched: no route to host",
    )


def test_results_at_an_address_are_the_same_as_in_a_case(clip: Path, clip2: Path, tmp_path: Path) -> None:
    analyse(tmp_path / "case", clip, clip2)
    done = work(plan_of(tmp_path, clip, clip2, target="memory://results/2014/"))
    files = fsspec.filesystem("memory")
    found = {
        name.removeprefix("/results/2014/videos/"): files.cat_file(name) for name in files.find("/results/2014/videos")
    }
    assert [outcome.status for outcome in done] == ["done", "done"]
    assert found == tree_of(tmp_path / "case" / "videos")


def test_the_same_bytes_under_another_name_in_another_plan_are_taken_from_the_address(
    clip: Path, tmp_path: Path, fake: FakeDetector
) -> None:
    first = one(plan_of(tmp_path, clip, target="memory://results"))
    pictures = fake.pictures
    renamed = Path(shutil.copyfile(clip, tmp_path / "renamed.mp4"))
    second = one(plan_of(tmp_path, renamed, target="memory://results", name="plan2"))
    assert (second.status, second.package, second.manifest_sha256) == ("done", first.package, first.manifest_sha256)
    assert fake.pictures == pictures


def broken_copies(tmp_path: Path) -> tuple[Path, Path]:
    first = tmp_path / "a.mp4"
    first.write_bytes(b"no video" * 100)
    return first, Path(shutil.copyfile(first, tmp_path / "b.mp4"))


@pytest.mark.parametrize("is_broken", [False, True])
@pytest.mark.parametrize("says", [FileExistsError, OSError, None])
@pytest.mark.parametrize("parts", [0, 1, 2, 5])
def test_the_same_bytes_under_two_names_at_the_same_time_are_one_package_at_an_address(
    parts: int, says: type[OSError] | None, is_broken: bool, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One begins to upload its package after the other has uploaded some files of its own, and ends before it.

    Servers say in several ways that an object is there already; some do not know the question and replace it.
    """
    renamed = Path(shutil.copyfile(clip, tmp_path / "renamed.mp4"))
    first, second = broken_copies(tmp_path) if is_broken else (clip, renamed)
    plans = [plan_of(tmp_path, path, target="memory://results", name=f"plan-{path.name}") for path in (first, second)]
    files, uploaded, between = fsspec.filesystem("memory"), list[str](), list[Outcome]()
    memory = files.pipe_file

    def real(place: str, content: bytes, mode: str = "overwrite") -> None:
        if says is not None and mode == "create" and files.exists(place):
            raise says(errno.EINVAL, "PreconditionFailed")
        memory(place, content)

    monkeypatch.setattr(files, "pipe_file", real)

    def upload(place: str, *content: Any, **options: Any) -> None:
        real(place, *content, **options)
        if "/videos/" in place:
            uploaded.append(place)
        if len(uploaded) == parts:
            monkeypatch.setattr(files, "pipe_file", real)
            between.append(one(plans[1]))

    kept = RemoteStore.keep

    def keep(store: RemoteStore, folder: Path, name: str) -> None:
        monkeypatch.setattr(RemoteStore, "keep", kept)
        if parts:
            monkeypatch.setattr(files, "pipe_file", upload)
        else:
            between.append(one(plans[1]))
        kept(store, folder, name)

    monkeypatch.setattr(RemoteStore, "keep", keep)
    outcome = one(plans[0])
    assert len(between) == 1
    for plan in plans:
        again = one(plan)
        assert (again.package, again.manifest_sha256) == (outcome.package, outcome.manifest_sha256)
        assert missing(plan, open_store(plan)) == ()
    merged = merge(plans[0], tmp_path / "merged")
    assert (merged.packages, merged.problems) == (1, ())
    (folder,) = cases.packages(tmp_path / "merged")
    names = [(first if parts else second).name]
    assert package.read_analysis(folder).video.names in ([names] if says else [names, [second.name]])


@pytest.mark.parametrize("part", [b"", b'{"half', None])
def test_what_a_broken_connection_left_of_a_package_at_an_address_is_completed(
    part: bytes, clip: Path, tmp_path: Path
) -> None:
    plan = plan_of(tmp_path, clip, target="memory://results")
    done = one(plan)
    before = {name: content_at(name) for name in fsspec.filesystem("memory").find(f"/results/{done.package}")}
    if part is None:  # of a machine that computes otherwise
        facts = json.loads(content_at(f"/results/{done.package}/{package.ANALYSIS}"))
        part = json.dumps({**facts, "brief_tracks": 7}).encode()
    put(f"memory://results/{done.package}/{package.ANALYSIS}", part)
    fsspec.filesystem("memory").rm_file(f"/results/{done.package}/{package.MANIFEST}")
    assert one(plan).manifest_sha256 == done.manifest_sha256
    assert {name: content_at(name) for name in before} == before


def content_at(name: str) -> bytes:
    content: bytes = fsspec.filesystem("memory").cat_file(name)
    return content


def test_a_package_that_lacks_its_facts_is_completed_under_its_own_name_alone(clip: Path, tmp_path: Path) -> None:
    renamed = Path(shutil.copyfile(clip, tmp_path / "renamed.mp4"))
    first, second = (
        plan_of(tmp_path, path, target="memory://results", name=f"plan-{path.name}") for path in (clip, renamed)
    )
    done = one(first)
    place = f"/results/{done.package}/{package.ANALYSIS}"
    fsspec.filesystem("memory").rm_file(place)
    outcome = one(second)
    assert (outcome.status, outcome.package) == ("failed", None)
    assert outcome.message.endswith("holds another package; move it away and run again")
    assert not fsspec.filesystem("memory").exists(place)
    assert [one(plan).manifest_sha256 for plan in (first, second)] == [done.manifest_sha256] * 2


def test_facts_that_differ_in_more_than_the_name_are_an_alarm(clip: Path, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, clip, target="memory://results")
    done = one(plan)
    place, files = f"memory://results/{done.package}", fsspec.filesystem("memory")
    facts = json.loads(content_at(f"/results/{done.package}/{package.ANALYSIS}"))
    files.rm_file(f"/results/{done.package}/{package.README}")
    for change in ({"video": {**facts["video"], "names": ["b.mp4"], "size_bytes": 1}}, {"brief_tracks": 7}):
        put(f"{place}/{package.ANALYSIS}", json.dumps({**facts, **change}).encode())
        outcome = one(plan)
        assert (outcome.status, outcome.package, outcome.again) == ("failed", None, True)
        assert outcome.message == f"{place}: holds another package; move it away and run again"


def test_a_damaged_package_at_an_address_is_not_overwritten_and_is_named(
    clip: Path, tmp_path: Path, fake: FakeDetector
) -> None:
    plan = plan_of(tmp_path, clip, target="memory://results")
    done, pictures = one(plan), fake.pictures
    put(f"memory://results/{done.package}/{package.README}", b"damaged")
    outcome = one(plan)
    assert (outcome.status, outcome.package, outcome.again) == ("failed", None, True)
    assert f"memory://results/{done.package}: " in outcome.message
    assert "README.txt: was changed" in outcome.message
    assert fake.pictures == pictures
    assert fsspec.filesystem("memory").cat_file(f"/results/{done.package}/{package.README}") == b"damaged"


# Targets that take nothing


def test_a_full_disk_ends_the_worker_with_what_to_do(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(tmp_path, clip)
    error = OSError(errno.ENOSPC, "No space left on device", "somewhere")
    use_fakes(monkeypatch, Acting(fail_with(error)))
    with pytest.raises(TargetError, match=r"^somewhere: No space left on device; what is finished stays\. Make room"):
        work(plan)
    assert not list((tmp_path / "case" / "videos").glob("*/*"))


def test_no_room_for_what_is_fetched_ends_the_worker(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(tmp_path, put("memory://archive/a.mp4", clip.read_bytes()))

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sources, "_copy", full)
    with pytest.raises(TargetError, match=r"roundel-fetch\.[^:]*: No space left on device; what is finished stays"):
        work(plan)


def test_an_outcome_that_cannot_be_kept_ends_the_worker(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker(plan := plan_of(tmp_path, clip))
    (plan.folder / "outcomes").write_text("in the way")
    with pytest.raises(TargetError, match="the same command goes on"):
        worker.process(plan.items[0])


def test_versions_that_cannot_be_kept_end_the_worker_before_it_begins(clip: Path, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, clip)
    shutil.rmtree(plan.folder)
    plan.folder.write_text("in the way")
    with pytest.raises(TargetError, match=r"plan.*the same command goes on"):
        Worker(plan)


def test_an_address_out_of_reach_ends_the_worker(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(plan := plan_of(tmp_path, clip, target="memory://results"))

    def away(*_: Any, **__: Any) -> None:
        raise ConnectionError("no route to host")

    monkeypatch.setattr(fsspec.filesystem("memory"), "pipe_file", away)
    with pytest.raises(TargetError, match=r"memory://results: cannot be reached: no route to host; what is finished"):
        worker.process(plan.items[0])


# Versions


def test_other_versions_than_those_of_the_first_worker_are_refused_by_name(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(tmp_path, clip)
    Worker(plan)
    Worker(plan)
    other = replace(
        loaded(detector()), provenance={**loaded(detector()).provenance, "engine": "cuda", "extra": "x" * 99}
    )
    monkeypatch.setattr(workers, "load_detector", lambda *_: other)
    with pytest.raises(UsageError) as caught:
        Worker(plan)
    message = str(caught.value)
    assert message.startswith(
        f"{plan.target}: this plan was begun with other versions (engine: fake there, cuda here; "
    )
    assert "extra: None there, xxx" in message
    assert "use the same versions and the same kind of machine, or make a new plan" in message
    assert "\n" not in message
    assert len(message) < 500


@pytest.mark.parametrize("target", [None, "memory://results"])
def test_workers_that_start_at_the_same_time_agree_on_the_versions_of_one(
    target: str | None, clip: Path, tmp_path: Path
) -> None:
    plan = plan_of(tmp_path, clip, target=target)
    for number in range(30):
        store = open_store(replace(plan, folder=tmp_path / f"p{number}", id=f"{number}"))
        start, refused = threading.Barrier(8), []

        def begin(version: int) -> None:
            start.wait()  # noqa: B023
            try:
                agree_on(store, {"version": version % 2})  # noqa: B023
            except UsageError:
                refused.append(version % 2)  # noqa: B023

        threads = [threading.Thread(target=begin, args=(version,)) for version in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(refused) in ([0] * 4, [1] * 4)


def test_damaged_versions_are_named(clip: Path, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, clip)
    for text in ("", "[1]", "nothing", "\0" * 100):
        (plan.folder / "made-with.json").write_text(text)
        with pytest.raises(IntegrityError, match=r"made-with\.json of this plan is damaged; make a new plan"):
            Worker(plan)


# What is on record


@pytest.mark.parametrize("content", [b"", b"{}", b"nothing", b"\xff\xfe", b"\0" * 500, b"[" * 100_000])
def test_an_outcome_that_cannot_be_read_counts_as_none(content: bytes, clip: Path, tmp_path: Path) -> None:
    for target in (tmp_path / "case", "memory://results"):
        plan = plan_of(tmp_path, clip, target=target, name=f"plan-{str(target)[-4:]}")
        store = open_store(plan)
        if isinstance(store, LocalStore):
            (plan.folder / "outcomes" / "ab").mkdir(parents=True)
            (plan.folder / "outcomes" / "ab" / "abcd.json").write_bytes(content)
            (plan.folder / "outcomes" / "ab" / ".abce.json.partial-1").write_bytes(content)
        else:
            put(f"memory://results/batch/{plan.id}/outcomes/ab/abcd.json", content)
        assert outcomes(store) == {}


@pytest.mark.parametrize("name", ["../../elsewhere", "/etc", "videos/x/y", "", "videos/" + "0" * 64 + "/../../.."])
def test_an_outcome_that_leads_out_of_the_case_counts_as_none(name: str, clip: Path, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, clip)
    good = outcome_of(plan.items[0], status="done", package=f"videos/{'0' * 64}/{'1' * 16}")
    record(open_store(plan), good)
    assert outcomes(open_store(plan)) == {good.id: good}
    path = plan.folder / outcome_name(good.id)
    path.write_text(json.dumps({**json.loads(path.read_text()), "package": name}))
    assert outcomes(open_store(plan)) == {}


def test_many_who_put_the_same_outcome_on_record_do_not_disturb_each_other(clip: Path, tmp_path: Path) -> None:
    """Shards of different counts overlap."""
    plan = plan_of(tmp_path, clip)
    outcome, errors = outcome_of(plan.items[0], status="done"), []

    def put_on_record() -> None:
        try:
            for _ in range(50):
                record(open_store(plan), outcome)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=put_on_record) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert outcomes(open_store(plan)) == {outcome.id: outcome}
    assert len(list((plan.folder / "outcomes").rglob("*.*"))) == 1, "nothing is left beside it"


def test_a_worker_elsewhere_needs_only_facts(clip: Path, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, clip)
    facts = json.loads(json.dumps(facts_for_worker(plan)))
    again = plan_from(facts)
    assert (again.id, again.target, again.config, again.folder) == (plan.id, plan.target, plan.config, plan.folder)
    assert Worker(again).process(plan.items[0]).status == "done"
    assert set(outcomes(open_store(plan))) == {plan.items[0].id}
    assert again.config == SETTINGS
