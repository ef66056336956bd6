"""Images, compose file and cluster file: what can be checked of them without building or starting anything."""

from __future__ import annotations

import fnmatch
import json
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def instructions(text: str) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile in order, continued lines joined and comments left out."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    words = [line.split(maxsplit=1) for line in joined.splitlines() if line.strip()]
    return [(word.upper(), rest.strip()) for word, rest in words]


STEPS = instructions((DEPLOY / "Dockerfile").read_text(encoding="utf-8"))


def arguments(word: str) -> list[str]:
    return [rest for found, rest in STEPS if found == word]


def test_both_stages_stand_on_a_base_that_is_pinned_by_a_tag() -> None:
    assert STEPS[0][0] == "ARG", "the base is an argument of the build"
    bases = [
        STEPS[0][1].partition("=")[2],
        *(service["build"].get("args", {}).get("BASE") for service in SERVICES.values()),
    ]
    assert len(set(filter(None, bases))) == 2
    for base in filter(None, bases):
        name, _, tag = base.partition(":")
        assert re.search(r"\d+\.\d+", tag), f"{base}: no version"
        assert "." not in name.split("/")[0], f"{base}: names a registry"
    assert [rest.split()[0] for rest in arguments("FROM")] == ["${BASE}", "${BASE}"]


def test_the_image_runs_as_an_ordinary_user_after_a_check_of_the_installation() -> None:
    last = len(STEPS) - 1 - [word for word, _ in reversed(STEPS)].index("FROM")
    final = STEPS[last:]
    user = next(index for index, (word, _) in enumerate(final) if word == "USER")
    assert final[user][1] not in ("root", "0")
    after = final[user:]
    assert ("RUN", '["roundel", "doctor"]') in after
    assert ("ENTRYPOINT", '["roundel"]') in after
    assert not any(word == "USER" for word, _ in after[1:])


def test_packages_of_the_system_leave_no_lists_behind_and_bring_nothing_unasked() -> None:
    installs = [rest for rest in arguments("RUN") if "apt-get install" in rest]
    assert len(installs) == 2
    for rest in installs:
        assert "--no-install-recommends" in rest
        assert "rm -rf /var/lib/apt/lists" in rest


def test_what_is_copied_exists_and_is_not_ignored() -> None:
    rules = [
        line for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] not in ("#", "")
    ]
    copied = [source for rest in arguments("COPY") if "--from" not in rest for source in rest.split()[:-1]]
    assert {"requirements.lock", "requirements-cuda.lock", "requirements-gpu.lock", "pipeline", "models"} <= set(copied)
    for source in copied:
        assert (ROOT / source).exists(), source
        kept = [not rule.startswith("!") for rule in rules if fnmatch.fnmatch(source, rule.lstrip("!"))]
        assert kept[-1] is False, f"{source} is left out by Dockerfile.dockerignore"


def test_no_secret_is_written_into_a_layer() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert "type=secret,id=pip" in text
    settings = " ".join(arguments("ARG") + arguments("ENV")).lower()
    assert not re.search(r"token|password|secret|index_url|_key", settings)


def test_everything_is_installed_from_the_locks_with_hashes() -> None:
    script = (DEPLOY / "install.sh").read_text(encoding="utf-8")
    assert subprocess.run(["sh", "-n", DEPLOY / "install.sh"], check=False).returncode == 0
    assert "install --no-deps --require-hashes --only-binary :all:" in script
    plain = [
        line for line in script.splitlines() if re.search(r"\bpip install\b", line) and "require-hashes" not in line
    ]
    assert plain == ["pip install --no-deps --no-build-isolation ."]
    locks = set(re.findall(r"requirements[\w-]*\.lock", script))
    assert locks == {path.name for path in ROOT.glob("requirements*.lock")}


def test_an_accelerator_of_another_name_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", DEPLOY / "install.sh", tmp_path / "env", "tpu"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (2, "install: tpu is neither cpu nor cuda\n")
    assert not (tmp_path / "env").exists()


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_do_little_but_read_footage_and_write_the_case(name: str) -> None:
    service = SERVICES[name]
    assert service["network_mode"] == "none"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["user"] != "0:0"
    assert not {"privileged", "cap_add", "ports", "env_file", "devices"} & service.keys()
    binds = {volume["target"]: volume for volume in service["volumes"] if volume["type"] == "bind"}
    assert binds.keys() == {"/footage", "/case"}
    assert binds["/footage"]["read_only"] is True
    assert all("?" in volume["source"] for volume in binds.values()), "a folder that is not named is an error"
    used = {volume["source"] for volume in service["volumes"] if volume["type"] == "volume"}
    assert used == set(COMPOSE["volumes"])


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_built_from_the_dockerfile_with_arguments_that_it_has(name: str) -> None:
    build = SERVICES[name]["build"]
    context = (DEPLOY / build["context"]).resolve()
    assert (context / build["dockerfile"]).is_file()
    known = {rest.partition("=")[0] for rest in arguments("ARG")}
    assert set(build.get("args", {})) <= known


def test_only_one_service_has_a_gpu_and_it_does_not_fall_back() -> None:
    with_gpu = {name for name, service in SERVICES.items() if "deploy" in service}
    assert with_gpu == {"roundel-gpu"}
    assert SERVICES["roundel-gpu"]["environment"] == {"ROUNDEL_DETECTOR__DEVICE": "cuda"}
    (device,) = SERVICES["roundel-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert {"gpu", "video"} <= set(device["capabilities"])


def test_the_ray_cluster_is_one_that_ray_accepts_and_reports_nothing() -> None:
    found = find_spec("ray")
    if found is None or found.origin is None:
        pytest.skip("Ray is not installed")
    cluster = yaml.safe_load((DEPLOY / "ray-cluster.yaml").read_text(encoding="utf-8"))
    schema = json.loads((Path(found.origin).parent / "autoscaler" / "ray-schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(cluster, schema)
    starts = [
        line for key in ("head", "worker") for line in cluster[f"{key}_start_ray_commands"] if "ray start" in line
    ]
    assert len(starts) == 2
    (entrypoint,) = (it for it in cluster["docker"]["run_options"] if it.startswith("--entrypoint="))
    given = [entrypoint.removeprefix("--entrypoint="), "bash", "-c", "echo runs"]  # Ray's command for the image is bash
    assert subprocess.run(given, capture_output=True, check=False).stdout == b"runs\n"
    target = re.search(r"deploy/install\.sh (/\S+)", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    assert target
    assert all(f"{target[1]}/bin/ray start" in line for line in starts), "a login shell has a PATH of its own"
    assert all("RAY_USAGE_STATS_ENABLED=0" in line and "--object-store-memory=" in line for line in starts)
    assert cluster["docker"]["image"] == SERVICES["roundel-gpu"]["image"]
