"""Inputs and results in a bucket, against a real S3 server on this machine."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batch.archives import digests, plan_for, roundel
from roundel import case as cases
from roundel.batch.merge import merge
from roundel.batch.plan import Plan
from roundel.batch.records import outcomes
from roundel.batch.run import missing
from roundel.batch.store import RemoteStore
from roundel.batch.worker import Worker
from roundel.errors import RoundelError

s3fs = pytest.importorskip("s3fs")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of an S3 server."""
    from moto.server import ThreadedMotoServer

    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    yield "http://{}:{}".format(*running.get_host_and_port())
    running.stop()


@pytest.fixture
def bucket(server: str, archive: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A file system whose bucket ``seized`` holds the archive; settings as a user gives them, in the environment."""
    for key, value in (
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL_S3", server),
    ):
        monkeypatch.setenv(key, value)
    s3fs.S3FileSystem.clear_instance_cache()
    files = s3fs.S3FileSystem()
    for name in ("seized", "results"):
        if files.exists(name):
            files.rm(name, recursive=True)
        files.mkdir(name)
    for path in archive.iterdir():
        files.pipe_file(f"seized/2014/{path.name}", path.read_bytes())
    files.pipe_file("seized/2014/readme.txt", b"no video")
    yield files
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def done(bucket: Any, tmp_path: Path) -> Plan:
    """A plan whose inputs and results lie in the bucket, worked through in this process."""
    plan = plan_for(tmp_path / "plan", "s3://seized/2014", "s3://results/raqqa")
    assert len(plan.items) == 8
    worker = Worker(plan, 1)
    for item in plan.work:
        worker.process(item)
    return plan


def test_a_run_from_bucket_to_bucket_gives_the_same_packages(
    bucket: Any,
    undisturbed: dict[str, str],
    tmp_path: Path,
) -> None:
    planned = roundel(
        "batch", "plan", tmp_path / "plan", "s3://seized/2014", "--to", "s3://results/raqqa", "--config", fast(tmp_path)
    )
    assert planned.returncode == 0, planned.stderr
    assert "1 file without a video's name, such as seized/2014/readme.txt" in planned.stderr
    run = roundel("batch", "run", tmp_path / "plan", "--workers", "2")
    assert run.returncode == 1, run.stderr
    assert "8 inputs: 6 done, 2 failed, 0 left" in run.stdout
    merged = roundel("batch", "merge", tmp_path / "plan", "--case", tmp_path / "case", "--json")
    assert json.loads(merged.stdout)["packages"] == len({name.split("/")[1] for name in undisturbed})
    assert digests(tmp_path / "case") == undisturbed
    assert roundel("verify", tmp_path / "case").returncode == 0


def fast(folder: Path) -> Path:
    path = folder / "fast.toml"
    path.write_text("[types]\nengine = 'off'\n[text]\nengine = 'off'\n")
    return path


def test_nothing_is_missing_afterwards_and_a_merge_again_adds_nothing(done: Plan, tmp_path: Path) -> None:
    known = outcomes(RemoteStore(done))
    assert all(known[item.id].package is None for item in missing(done, RemoteStore(done)))
    merge(done, tmp_path / "case")
    again = merge(done, tmp_path / "case")
    assert (again.new_packages, again.events, again.problems) == (0, 0, ())
    assert not list(cases.problems(tmp_path / "case"))


def test_a_package_without_its_manifest_or_a_file_is_missing(done: Plan, bucket: Any) -> None:
    store = RemoteStore(done)
    before = {item.id for item in missing(done, store)}
    manifests = sorted(bucket.glob("results/raqqa/videos/*/*/manifest-sha256.txt"))
    bucket.rm_file(manifests[0])
    pictures = sorted(bucket.glob("results/raqqa/videos/*/*/exhibits/*"))
    other = next(path for path in pictures if not path.startswith(manifests[0].rpartition("/")[0]))
    bucket.rm_file(other)
    lost = {item.id for item in missing(done, store)} - before
    assert len(lost) == 2
    worker = Worker(done, 1)
    for item in missing(done, store):
        worker.process(item)
    assert {item.id for item in missing(done, store)} == before


def test_a_changed_object_is_not_taken_up(done: Plan, bucket: Any, tmp_path: Path) -> None:
    changed = sorted(bucket.glob("results/raqqa/videos/*/*/analysis.json"))[0]
    bucket.pipe_file(changed, b"{}")
    merged = merge(done, tmp_path / "case")
    assert len(merged.problems) == 1
    assert "is not as it was written: analysis.json: was changed; it was not taken up" in merged.problems[0]
    assert not list(cases.problems(tmp_path / "case"))


def test_another_package_in_the_place_of_one_is_never_replaced(done: Plan, bucket: Any) -> None:
    manifest = sorted(bucket.glob("results/raqqa/videos/*/*/manifest-sha256.txt"))[0]
    bucket.pipe_file(manifest, b"0" * 64 + b"  analysis.json\n")
    found = [Worker(done, 1).process(item) for item in missing(done, RemoteStore(done))]
    messages = [outcome.message for outcome in found if "another package" in outcome.message]
    assert len(messages) == 1
    assert messages[0].endswith("holds another package; move it away and run again")
    assert bucket.cat_file(manifest).startswith(b"0000")


def test_the_same_bytes_under_two_names_are_one_package_whose_name_came_first(bucket: Any, tmp_path: Path) -> None:
    """The server decides: the second finds the facts of the first there, whose other files never came."""
    bucket.copy("seized/2014/clip-00000.mp4", "seized/2014/other/renamed.mp4")
    plans = [
        plan_for(tmp_path / name, f"s3://seized/2014/{name}", "s3://results/raqqa")
        for name in ("clip-00000.mp4", "other/renamed.mp4")
    ]
    first = Worker(plans[0], 1).process(plans[0].items[0])
    for path in bucket.find(f"results/raqqa/{first.package}"):
        if not path.endswith("analysis.json"):
            bucket.rm_file(path)
    second = Worker(plans[1], 1).process(plans[1].items[0])
    assert (second.status, second.package, second.manifest_sha256) == ("done", first.package, first.manifest_sha256)
    assert (bool(first.notes), second.notes) == (True, {})
    assert merge(plans[1], tmp_path / "case").problems == ()


def test_a_name_that_leads_out_of_the_case_is_refused(done: Plan, bucket: Any, tmp_path: Path) -> None:
    store = RemoteStore(done)
    name = sorted(bucket.glob("results/raqqa/videos/*/*"))[0].removeprefix("results/raqqa/")
    store._names = lambda _: {"../../../../out.txt"}  # type: ignore[method-assign]
    with pytest.raises(RoundelError, match="holds a file outside of itself"):
        store.fetch(name, tmp_path / "case")
    assert not (tmp_path / "out.txt").exists()


def test_a_server_that_is_away_is_one_clear_line(done: Plan, tmp_path: Path) -> None:
    run = roundel("batch", "status", done.folder, AWS_ENDPOINT_URL_S3="http://127.0.0.1:9", AWS_MAX_ATTEMPTS="1")
    assert run.returncode == 2
    assert re.search(r"Error: s3://results/raqqa: cannot be reached: .*; the same command goes on", run.stderr)
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("place", ["a[1]", "what?", "all*", "two  spaces"])
def test_the_name_of_a_place_is_no_pattern(place: str, bucket: Any, tmp_path: Path) -> None:
    plan = plan_for(tmp_path / "plan", "s3://seized/2014/clip-00000.mp4", f"s3://results/{place}/2014")
    outcome = Worker(plan, 1).process(plan.items[0])
    assert outcomes(RemoteStore(plan)) == {outcome.id: outcome}
    assert missing(plan, RemoteStore(plan)) == ()
    assert merge(plan, tmp_path / "case").packages == 1


def test_what_lies_in_the_bucket_is_enough_for_a_node_without_the_plan(done: Plan, tmp_path: Path) -> None:
    """Ray nodes get address and settings, nothing else."""
    shutil.rmtree(done.folder)
    assert Worker(done, 1).process(done.work[0]).id == done.work[0].id
