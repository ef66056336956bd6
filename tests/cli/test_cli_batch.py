"""``roundel batch``: help, what is printed where, exit codes, and each message read aloud."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from batch.fakes import analyse_once, forget_memory, in_process, put, use_fakes
from conftest import FakeDetector
from roundel import case as cases
from roundel import custody, disk, package
from roundel.batch import merge as merging
from roundel.batch import plan as plans
from roundel.batch import run as runs
from roundel.batch.deadline import Deadline
from roundel.batch.outcome import Outcome, outcome_of
from roundel.batch.plan import Item, Plan
from roundel.batch.pool import Shape
from roundel.batch.records import outcomes, record
from roundel.batch.store import open_store
from roundel.batch.worker import Worker
from roundel.cli import batch
from small_case import SETTINGS, analyse, tree_of

Call = Callable[..., Any]
VERBS = ("plan", "run", "status", "merge")


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDetector]:
    monkeypatch.setattr(runs, "run_pool", in_process)
    analyse_once(monkeypatch)
    forget_memory()
    yield use_fakes(monkeypatch)
    forget_memory()


@pytest.fixture
def footage(clip: Path, clip2: Path, tmp_path: Path) -> Path:
    """Two clips, one of them under two names, a broken file, and one that is no video."""
    folder = tmp_path / "footage"
    folder.mkdir()
    shutil.copyfile(clip, folder / "a.mp4")
    (folder / "b broken.mp4").write_bytes(b"no video at all")
    shutil.copyfile(clip2, folder / "c.mp4")
    shutil.copyfile(clip2, folder / "d.mp4")
    (folder / "notes.pdf").touch()
    return folder


@pytest.fixture
def planned(footage: Path, tmp_path: Path, call: Call) -> Path:
    """The folder of a plan over the footage."""
    assert call("batch", "plan", tmp_path / "plan", footage, "--to", tmp_path / "case").code == 0
    return tmp_path / "plan"


def error_of(said: Any) -> str:
    """The error of a call that printed one line and nothing else about it."""
    assert said.err.count("Error: ") == 1, said.err
    assert "Traceback" not in said.err
    (line,) = [line for line in said.err.splitlines() if line.startswith("Error: ")]
    return line.removeprefix("Error: ")


# Help


@pytest.mark.parametrize("verb", VERBS)
def test_help_explains_every_option(verb: str, call: Call) -> None:
    said = call("batch", verb, "--help")
    assert (said.code, said.err) == (0, "")
    assert f"Example: roundel batch {verb} archive.plan" in said.out
    command = get_command(batch.app).commands[verb]  # type: ignore[attr-defined]
    assert {"--json", "--quiet"} <= {option for parameter in command.params for option in parameter.opts}
    for parameter in command.params:
        assert parameter.help.endswith("."), parameter.name
        assert parameter.opts[-1] in said.out or parameter.param_type_name == "argument"


def test_the_verbs_are_listed(call: Call) -> None:
    said = call("batch", "--help")
    assert said.code == 0
    assert all(f" {verb} " in said.out for verb in VERBS)
    assert call("batch").code == 2


# Plan


def test_plan_says_what_it_found_and_what_comes_next(footage: Path, tmp_path: Path, call: Call) -> None:
    said = call("batch", "plan", tmp_path / "a plan", footage, "--to", tmp_path / "case")
    assert said.code == 0
    assert said.out.splitlines() == [
        "4 inputs, 1 of them the same bytes as another.",
        f"Next: roundel batch run '{tmp_path / 'a plan'}'",
    ]
    assert f"passed over: 1 file without a video's name, such as {footage / 'notes.pdf'}" in said.err
    assert cases.is_case(tmp_path / "case")
    again = call("batch", "plan", tmp_path / "a plan", footage, "--to", tmp_path / "case", "--quiet")
    assert (again.code, again.out, again.err) == (0, said.out, "")


def test_plan_as_json(footage: Path, tmp_path: Path, call: Call) -> None:
    said = call("batch", "plan", tmp_path / "plan", footage, "--to", tmp_path / "case", "--shards", "3", "--json")
    found = json.loads(said.out)
    assert (said.code, found["inputs"], found["analysed"]) == (0, 4, 3)
    assert found["passed_over"] == [str(footage / "notes.pdf")]
    assert (found["plan"], found["to"]) == (str(tmp_path / "plan"), str(tmp_path / "case"))
    assert found["id"] == plans.read(tmp_path / "plan").id
    assert Path(found["sbatch"]).is_file()
    assert found["estimate"] is None


def test_plan_with_an_estimate(footage: Path, tmp_path: Path, call: Call) -> None:
    arguments = ("batch", "plan", tmp_path / "plan", footage, "--to", tmp_path / "case", "--estimate", "--sample", "2")
    said = call(*arguments)
    assert said.code == 0
    assert re.search(r"Estimate from 2 inputs \(\d of them failed\), 5 to 95 % of what they allow:", said.out)
    work = r"  work, one video after the other, \d+ threads?: \d+ s \(\d+ s to \d+ s\)\n"
    for line in (work, r"  a run on this machine works on \d+ videos? at once\n", "  results: ", "  video: about "):
        assert re.search(line, said.out), line
    assert said.err.count("sample: ") == 2
    assert cases.packages(tmp_path / "case") == []
    found = json.loads(call(*arguments, "--json").out)["estimate"]
    assert (found["inputs"], found["sampled"]) == (3, 2)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["empty", "--to", "case"], "no video found; give videos, folders, .txt or .csv lists, or addresses such as"),
        (["footage", "--to", "full"], "full: exists and is no case; give a new or empty folder for the case"),
        (["footage", "--to", "footage/a.mp4"], "a.mp4: exists and is no case; give a new or empty folder for the case"),
        (["footage", "--to", "case", "--time-limit", "soon"], "soon: is no time; write it as 4:00:00"),
        (["footage", "--to", "nosuch://x"], "nosuch://x: cannot be opened: Protocol not known: nosuch"),
        (["footage", "--to", "case", "--config", "no.toml"], "no.toml: "),
        (["list.csv", "--to", "case"], "list.csv: has no column of paths; the first line must name one: path, file"),
        (["no.csv", "--to", "case"], "no.csv: cannot be read as CSV: No such file or directory"),
        (["memory://nowhere/x.mp4", "--to", "case"], "memory://nowhere/x.mp4: does not exist; give a file, a folder"),
    ],
)
def test_a_plan_that_cannot_be_made_is_one_line_and_leaves_nothing(
    arguments: list[str], says: str, footage: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").touch()
    (tmp_path / "list.csv").write_text("name\na.mp4\n")
    before = tree_of(tmp_path)
    said = call("batch", "plan", "plan", *arguments)
    assert said.code == 2
    assert says in error_of(said)
    assert tree_of(tmp_path) == before


def test_a_plan_in_the_case_of_its_results_is_refused(footage: Path, tmp_path: Path, call: Call) -> None:
    cases.create(tmp_path / "case", SETTINGS)
    before = tree_of(tmp_path)
    said = call("batch", "plan", tmp_path / "case" / "plan", footage, "--to", tmp_path / "case")
    assert (said.code, error_of(said)) == (
        2,
        f"{tmp_path / 'case' / 'plan'}: lies in the case of its results; give a folder outside of it",
    )
    assert tree_of(tmp_path) == before


def test_another_plan_in_the_folder_is_refused_and_changes_nothing(
    planned: Path, footage: Path, tmp_path: Path, call: Call
) -> None:
    before = tree_of(tmp_path)
    said = call("batch", "plan", planned, footage / "a.mp4", "--to", tmp_path / "case")
    assert (said.code, error_of(said)) == (
        2,
        f"{planned}: holds another plan (other inputs, target or settings); give a new folder",
    )
    assert call("batch", "plan", planned, footage, "--to", tmp_path / "other").code == 2
    assert tree_of(tmp_path) == before


@pytest.mark.parametrize("option", [("--shards", "0"), ("--cpus", "0"), ("--gpus", "-1"), ("--sample", "0"), ("--no",)])
def test_a_number_out_of_range_is_refused(option: Sequence[str], footage: Path, tmp_path: Path, call: Call) -> None:
    said = call("batch", "plan", tmp_path / "plan", footage, "--to", tmp_path / "case", *option)
    assert said.code == 2
    assert option[0] in said.err
    assert not (tmp_path / "plan").exists()


@pytest.mark.parametrize("name", ["new\nline", 'quo"te', "back\\slash", os.fsdecode(b"\xff")])
def test_a_plan_whose_name_would_change_its_script_is_refused(
    name: str, footage: Path, tmp_path: Path, call: Call
) -> None:
    said = call("batch", "plan", tmp_path / name, footage, "--to", tmp_path / "case", "--shards", "2")
    assert said.code == 2
    assert "cannot stand in a SLURM script; give the plan a folder with another name" in error_of(said)
    assert not (tmp_path / name / "batch.sbatch").exists()


def test_the_script_of_a_plan_with_an_odd_name_names_its_folder(footage: Path, tmp_path: Path, call: Call) -> None:
    plan = tmp_path / "50 % of $(it)'s"
    said = call("batch", "plan", plan, footage, "--to", tmp_path / "case", "--shards", "2")
    assert said.code == 0
    assert said.out.splitlines()[-1].startswith("Next: sbatch ")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "roundel").write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    (tmp_path / "bin" / "roundel").chmod(0o755)
    environment = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "SLURM_ARRAY_TASK_ID": "2"}
    done = subprocess.run(["bash", plan / "batch.sbatch"], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == f"batch|run|{plan}|--engine|slurm|--shard|2/2|--time-limit|14280s|"
    assert f'--output="{str(plan).replace("%", "%%")}/slurm-%A_%a.log"' in (plan / "batch.sbatch").read_text()


# Run


def test_run_makes_what_is_missing_and_the_books(planned: Path, footage: Path, tmp_path: Path, call: Call) -> None:
    said = call("batch", "run", planned)
    assert said.code == 1
    assert said.out.splitlines()[0] == "4 inputs: 2 done, 1 failed, 0 left, 1 the same bytes as another"
    assert "  MediaError: 1" in said.out.splitlines()
    (failure,) = [line for line in said.err.splitlines() if "(failed)" in line]
    assert failure.startswith(f"{footage / 'b broken.mp4'} (failed): ")
    assert failure.count("b broken.mp4") == 1
    assert f"Case: {tmp_path / 'case'}. Next: roundel report {tmp_path / 'case'}" in said.err
    assert call("verify", tmp_path / "case").code == 0
    assert call("report", tmp_path / "case").code == 0
    metrics = (planned / "metrics.prom").read_text()
    assert 'state="done"} 2.0' in metrics


def test_a_second_run_does_nothing_again(planned: Path, tmp_path: Path, call: Call, fakes: FakeDetector) -> None:
    call("batch", "run", planned)
    pictures, before = fakes.pictures, tree_of(tmp_path / "case" / "videos")
    said = call("batch", "run", planned)
    assert (said.code, fakes.pictures) == (1, pictures)
    assert tree_of(tmp_path / "case" / "videos") == before


def test_run_ends_with_0_when_all_is_well(footage: Path, tmp_path: Path, call: Call) -> None:
    call("batch", "plan", tmp_path / "plan", footage / "a.mp4", "--to", tmp_path / "case")
    said = call("batch", "run", tmp_path / "plan", "--quiet")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("1 input: 1 done, 0 failed, 0 left\n")


def test_run_as_json(planned: Path, call: Call) -> None:
    said = call("batch", "run", planned, "--json")
    found = json.loads(said.out)
    assert (said.code, said.err) == (1, "")
    assert (found["inputs"], found["done"], found["failed"], found["left"], found["same"]) == (4, 2, 1, 0, 1)
    assert (found["merged"], found["problems"], found["failures"]) == (True, [], {"MediaError": 1})


def test_shards_are_merged_by_hand(planned: Path, tmp_path: Path, call: Call) -> None:
    codes = []
    for shard in ("1/2", "2/2"):
        said = call("batch", "run", planned, "--engine", "slurm", "--shard", shard)
        codes.append(said.code)
        assert f"Next, when all shards have ended: roundel batch merge {planned}" in said.err
        assert (planned / f"metrics-{shard.replace('/', '-of-')}.prom").is_file()
        assert not (tmp_path / "case" / cases.INDEX).exists()
    assert sorted(codes) == [0, 1]
    said = call("batch", "merge", planned)
    assert said.code == 0
    assert said.out == f"{tmp_path / 'case'}: 3 packages, 3 of them new; 7 events added to the custody log.\n"
    assert call("verify", tmp_path / "case").code == 0


def test_a_time_limit_that_is_over_ends_with_130_and_says_what_is_left(planned: Path, call: Call) -> None:
    said = call("batch", "run", planned, "--time-limit", "0s")
    assert said.code == 130
    assert said.out.startswith("4 inputs: 0 done, 0 failed, 3 left, 1 the same bytes as another\n")
    assert "3 inputs left. The same command goes on." in said.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_request_to_stop_finishes_what_is_under_way(
    number: int, planned: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(plan: Plan, items: Sequence[Item], shape: Shape, stop: Callable[[], bool], _: Any) -> Iterator[Outcome]:
        for outcome in in_process(plan, items, shape, stop):
            os.kill(os.getpid(), number)
            yield outcome

    before = {it: signal.getsignal(it) for it in (signal.SIGINT, signal.SIGTERM)}
    with monkeypatch.context() as patch:
        patch.setattr(runs, "run_pool", asked)
        said = call("batch", "run", planned)
    assert said.code == 130
    assert said.err.count("Stopping: what is under way is finished first. Once more to drop it.") == 1
    assert said.out.startswith("4 inputs: 1 done, 0 failed, 2 left")
    assert len(outcomes(open_store(plans.read(planned)))) == 1
    signal.signal(signal.SIGTERM, before[signal.SIGTERM])
    assert signal.getsignal(signal.SIGINT) == before[signal.SIGINT]
    assert call("batch", "run", planned, "-q").code == 1
    assert call("verify", tmp_path / "case").code == 0


def test_a_second_request_drops_what_is_under_way(
    planned: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: Any) -> Iterator[Outcome]:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        yield from ()

    with monkeypatch.context() as patch:
        patch.setattr(runs, "run_pool", asked)
        said = call("batch", "run", planned)
    assert said.code == 130
    assert said.err.splitlines()[-1] == "Dropped. What is finished stays, and the same command goes on."
    assert "Traceback" not in said.err
    assert call("batch", "run", planned, "-q").code == 1


def test_a_run_with_ray_counts_what_it_did_and_not_what_was_on_record_before(
    planned: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last answers may not come through Ray's queue; those of earlier runs are no answers."""
    plan = plans.read(planned)
    store, (first, second, _) = open_store(plan), plan.work
    record(store, outcome_of(first, status="failed", again=True, kind="Killed"))
    record(store, outcome_of(second, status="failed", again=True, kind="Killed"))

    def stopped(*_: Any) -> Iterator[Outcome]:
        Worker(plan).process(first)
        yield from ()

    def begun_again(*_: Any) -> Iterator[Outcome]:
        yield Worker(plan).process(second)
        record(store, outcome_of(second, status="left", tries=1))

    monkeypatch.setattr("roundel.batch.ray_engine.run_ray", stopped)
    said = call("batch", "run", planned, "--engine", "ray")
    assert said.code == 130
    assert said.out.startswith("4 inputs: 1 done, 0 failed, 2 left")
    monkeypatch.setattr("roundel.batch.ray_engine.run_ray", begun_again)
    said = call("batch", "run", planned, "--engine", "ray")
    assert said.out.startswith("4 inputs: 1 done, 1 failed, 1 left")
    assert outcomes(store)[second.id].status == "failed"


def test_a_damaged_package_is_said_by_run_status_and_merge(planned: Path, tmp_path: Path, call: Call) -> None:
    call("batch", "run", planned)
    hurt = cases.packages(tmp_path / "case")[0]
    (hurt / package.README).write_text("changed")
    said = call("batch", "merge", planned)
    assert said.code == 3
    line = f"{hurt / package.README}: was changed; it was not taken up. Move the package away and run the plan again"
    assert said.out.splitlines()[0] == line
    assert said.out.splitlines()[1].endswith(": 2 packages, 0 of them new; 0 events added to the custody log.")
    found = json.loads(call("batch", "merge", planned, "--json").out)
    assert (found["problems"], found["packages"]) == ([line], 2)
    said = call("batch", "run", planned)
    assert said.code == 1
    assert "nothing was analysed; move the package out of the case and run again" in said.err
    assert "1 of the failed may succeed when the plan is run again" in call("batch", "status", planned).out
    shutil.rmtree(hurt)
    call("batch", "run", planned)
    assert call("batch", "merge", planned).code == 0
    assert call("verify", tmp_path / "case").code == 0


def test_a_package_that_was_damaged_during_a_run_ends_it_with_3(
    planned: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hurting(plan: Plan, items: Sequence[Item], shape: Shape, stop: Callable[[], bool], _: Any) -> Iterator[Outcome]:
        yield from in_process(plan, items, shape, stop)
        (cases.packages(tmp_path / "case")[0] / package.README).write_text("changed")

    monkeypatch.setattr(runs, "run_pool", hurting)
    said = call("batch", "run", planned)
    assert said.code == 3
    assert "README.txt: was changed; it was not taken up" in said.out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--engine", "slurm"), "--engine slurm works on one shard: give --shard, such as 1/8"),
        (("--shard", "3/2"), "--shard 3/2: give a number and how many there are, such as 1/8 … 8/8"),
        (("--time-limit", "x"), "x: is no time; write it as 4:00:00 (hours, minutes, seconds), 1-12:00:00 or 3h50m"),
        (("--gpus-per-worker", "1"), "--gpus-per-worker shares out the GPUs of a Ray cluster: add --engine ray"),
        (
            ("--engine", "ray", "--gpus-per-worker", "1.5"),
            "--gpus-per-worker 1.5: Ray shares out whole GPUs, or a part",
        ),
    ],
)
def test_an_option_that_makes_no_sense_is_one_line(
    options: Sequence[str], says: str, planned: Path, tmp_path: Path, call: Call
) -> None:
    before = tree_of(tmp_path)
    said = call("batch", "run", planned, *options)
    assert said.code == 2
    assert error_of(said).startswith(says)
    assert tree_of(tmp_path) == before


@pytest.mark.parametrize("verb", ["run", "status", "merge"])
def test_no_plan_and_a_changed_plan_are_one_line(verb: str, planned: Path, tmp_path: Path, call: Call) -> None:
    said = call("batch", verb, tmp_path / "nowhere")
    assert (said.code, error_of(said)) == (
        2,
        f"{tmp_path / 'nowhere'}: is no plan (it has no plan.json); make one with: "
        f"roundel batch plan {tmp_path / 'nowhere'} VIDEOS…",
    )
    path = planned / plans.ITEMS
    path.write_text(path.read_text().replace("a.mp4", "x.mp4"))
    said = call("batch", verb, planned)
    assert (said.code, error_of(said)) == (
        3,
        f"{planned}: plan.json or items.jsonl was changed since the plan was made; make a new plan",
    )


@pytest.mark.parametrize("verb", ["run", "merge"])
def test_a_case_that_was_moved_is_one_line(verb: str, planned: Path, tmp_path: Path, call: Call) -> None:
    call("batch", "run", planned, "-q")
    shutil.move(tmp_path / "case", tmp_path / "elsewhere")
    said = call("batch", verb, planned)
    assert (said.code, error_of(said)) == (
        2,
        f"{tmp_path / 'case'}: the case of this plan is gone with its results; move it back, or make a new plan",
    )
    assert not (tmp_path / "case").exists()


# At the same time


def test_two_runs_on_a_plan_are_refused(planned: Path, call: Call) -> None:
    with runs.claimed(plans.read(planned), None, Deadline(), pytest.fail):
        said = call("batch", "run", planned)
        assert said.code == 2
        assert error_of(said).startswith(
            f"{planned}: another run works on this plan; wait for it or stop it (process {os.getpid()} on "
        )
        assert call("batch", "run", planned, "--shard", "1/2").code == 2
        assert call("batch", "status", planned).code == 0
    with runs.claimed(plans.read(planned), "1/2", Deadline(), pytest.fail):
        assert "a shard of this plan is at work; wait for it or stop it" in error_of(call("batch", "run", planned))
        assert call("batch", "run", planned, "--shard", "2/2", "-q").code in {0, 1}
        assert "another run works on shard 1/2; wait" in error_of(call("batch", "run", planned, "--shard", "1/2"))


def test_an_analysis_beside_a_batch_is_refused_and_changes_nothing(
    planned: Path, footage: Path, tmp_path: Path, call: Call, fake: FakeDetector
) -> None:
    with runs.claimed(plans.read(planned), None, Deadline(), pytest.fail):
        before = tree_of(tmp_path / "case")
        said = call("analyze", footage / "a.mp4", "--case", tmp_path / "case", "--sample-fps", "5")
        assert said.code == 2
        assert error_of(said).startswith(
            f"{tmp_path / 'case'}: another run is at work in this case; wait for it to end, or stop it and run again"
        )
        assert (tree_of(tmp_path / "case"), fake.pictures) == (before, 0)


def test_a_batch_beside_an_analysis_is_refused(planned: Path, tmp_path: Path, call: Call) -> None:
    with cases.at_work(tmp_path / "case"):
        said = call("batch", "run", planned)
        assert said.code == 2
        assert "another run is at work in this case; wait for it to end, or stop it" in error_of(said)
        assert call("batch", "merge", planned).code == 0


def test_a_merge_beside_a_merge_is_refused_and_a_run_waits_for_it(
    planned: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    with disk.locked(tmp_path / "case" / cases.MERGE_LOCK):
        said = call("batch", "merge", planned)
        assert said.code == 2
        assert "another merge is at work in this case; wait for it (process" in error_of(said)
    real, waited = merging.locked, []

    def locked(path: Path, *rest: Any, waits: bool = False, **named: Any) -> Any:
        waited.append(waits)
        return real(path, *rest, waits=waits, **named)

    monkeypatch.setattr(merging, "locked", locked)
    assert call("batch", "run", planned, "-q").code == 1
    assert waited == [True]


def test_a_batch_goes_on_with_a_case_of_analyze(planned: Path, footage: Path, tmp_path: Path, call: Call) -> None:
    analyse(tmp_path / "case", footage / "a.mp4")
    assert call("batch", "run", planned, "-q").code == 1
    assert sum(event.event == cases.ANALYSED for event in custody.read(tmp_path / "case")) == 3
    assert call("verify", tmp_path / "case").code == 0


# Status and merge


def test_status_before_during_and_after(planned: Path, call: Call) -> None:
    said = call("batch", "status", planned)
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        "4 inputs: 0 done, 0 failed, 3 left, 1 the same bytes as another",
        "  0 s of video, 0 s of work, 0 KiB of results",
    ]
    call("batch", "run", planned, "--shard", "1/2", "-q")
    parts = [json.loads(call("batch", "status", planned, "--shard", f"{n}/2", "--json").out) for n in (1, 2)]
    assert parts[0]["left"] == 0
    assert sum(part["left"] for part in parts) == json.loads(call("batch", "status", planned, "--json").out)["left"]
    call("batch", "run", planned, "-q")
    assert call("batch", "status", planned, "--watch").out.startswith("4 inputs: 2 done, 1 failed, 0 left")
    assert call("batch", "status", planned, "--shard", "5/2").code == 2
    said = call("batch", "status", planned, "--watch", "--json")
    assert (said.code, error_of(said)) == (2, "--watch is for people: leave it out, or --json")


def test_a_damaged_log_ends_run_and_merge_with_3(planned: Path, tmp_path: Path, call: Call) -> None:
    call("batch", "run", planned, "-q")
    log = tmp_path / "case" / custody.FILE
    log.write_bytes(log.read_bytes().replace(b"received", b"receivex", 1))
    for verb in ("run", "merge"):
        said = call("batch", verb, planned)
        assert said.code == 3
        assert "the chain breaks at line" in error_of(said)


def test_results_at_an_address_need_a_case(footage: Path, tmp_path: Path, call: Call) -> None:
    put("memory://seized/x.mp4", (footage / "a.mp4").read_bytes())
    plan = tmp_path / "plan"
    assert call("batch", "plan", plan, "memory://seized", footage, "--to", "memory://results/x").code == 0
    said = call("batch", "run", plan)
    assert said.code == 1
    assert f"Next: roundel batch merge {plan} --case CASE" in said.err
    said = call("batch", "merge", plan)
    assert (said.code, error_of(said)) == (
        2,
        "memory://results/x: give the local case that takes the results, with --case",
    )
    assert call("batch", "merge", plan, "--case", tmp_path / "case").code == 0
    assert call("verify", tmp_path / "case").code == 0
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").touch()
    said = call("batch", "merge", plan, "--case", tmp_path / "full")
    assert (said.code, "full: exists and is no case" in error_of(said)) == (2, True)


NAMES = ["\x1b[31mred\x1b[2J.mp4", "two\nError: forged.mp4", "[bold]no markup.mp4", os.fsdecode(b"\xff.mp4")]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_hostile_name_is_shown_on_one_line_as_it_is(name: str, tmp_path: Path, call: Call) -> None:
    video = tmp_path / name
    video.write_bytes(b"no video at all")
    plan = tmp_path / "plan"
    assert call("batch", "plan", plan, video, "--to", tmp_path / "case").code == 0
    said = call("batch", "run", plan)
    assert said.code == 1
    (line,) = [line for line in said.err.splitlines() if "(failed): " in line]
    assert "\x1b" not in said.err + said.out
    assert not [line for line in said.err.splitlines() if line.startswith("Error: ")]
    assert line.startswith(f"{tmp_path}/")
    assert call("verify", tmp_path / "case").code == 0
    assert call("report", tmp_path / "case").code == 0
