"""``roundel models``."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import roundel_models
from detect.networks import exported

Call = Callable[..., Any]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return exported(tmp_path / "my [bold]tanks.onnx", ("Tank", "uav"))


def tanks(file: Path) -> Path:
    """A mapping for the weights of these tests."""
    mapping = file.with_suffix(".yaml")
    mapping.write_text("Tank: armoured_vehicle\n")
    return mapping


def test_added_weights_are_listed_and_checked(file: Path, home: Path, call: Call) -> None:
    mapping = file.with_suffix(".toml")
    mapping.write_text('[classes]\nTank = "armoured_vehicle"\n')
    said = call("models", "add", file, "--classes", mapping, "--licence", "own work")
    assert (said.code, said.out) == (0, "")
    assert "armoured_vehicle: Tank\nignored: uav\nAdded my [bold]tanks (sha256:" in said.err
    assert f"--model {file.stem}" in said.err
    said = call("models", "list")
    assert said.code == 0
    assert "hardware-v1  shipped, " in said.out
    assert f"{file.stem}  added, own work, sha256:" in said.out
    found = json.loads(call("models", "list", "--json").out)
    assert found[file.stem]["path"] == str(home / "models" / file.name)
    said = call("models", "verify")
    assert (said.code, said.out) == (
        0,
        "2 weights files, the type network and its gallery unchanged since registration.\n",
    )


def test_json_of_added_weights_names_them_and_their_classes(tmp_path: Path, call: Call) -> None:
    file = exported(tmp_path / "coco.onnx", ("truck", "zebra"))
    found = json.loads(call("models", "add", file, "--classes", "coco", "--json").out)
    assert (found["name"], found["used"], found["ignored"]) == ("coco", {"truck": "civil_vehicle"}, ["zebra"])


def test_weights_that_are_no_network_are_not_added(tmp_path: Path, home: Path, call: Call) -> None:
    file = tmp_path / "none.onnx"
    file.write_bytes(b"weights")
    said = call("models", "add", file)
    assert (said.code, said.out, len(said.err.splitlines())) == (2, "", 1)
    assert "none.onnx: ONNX Runtime cannot load it" in said.err
    assert not (home / "models").exists()


def test_altered_weights_end_with_3_and_are_not_used(
    file: Path, home: Path, clip: Path, tmp_path: Path, call: Call
) -> None:
    call("models", "add", file, "--classes", tanks(file))
    os.truncate(home / "models" / file.name, 2)
    said = call("models", "verify")
    assert said.code == 3
    assert "Do not use it; install Roundel again or add the weights again." in said.out
    found = json.loads(call("models", "verify", "--json").out)
    assert (found["ok"], list(found["problems"])) == (False, [file.stem])
    said = call("analyze", clip, "--case", tmp_path / "case", "--model", file.stem)
    assert (said.code, "is not the one registered" in said.err) == (2, True)
    assert not (tmp_path / "case").exists()


def test_a_damaged_card_is_told_by_verify_and_leaves_the_others_usable(home: Path, call: Call) -> None:
    (home / "models").mkdir(parents=True)
    (home / "models" / "x.toml").write_text('file = "../../x"\nsha256 = 1\nlicence = 7\n')
    said = call("models", "verify")
    assert said.code == 3
    assert "x.toml: is not as 'roundel models add' wrote it (sha256 is no text); remove it and add" in said.out
    said = call("models", "list")
    assert said.code == 0
    assert "hardware-v1  shipped" in said.out
    assert "x  damaged, unknown licence" in said.out


def test_a_wrong_mapping_and_a_taken_name_end_with_2(file: Path, call: Call) -> None:
    mapping = file.with_suffix(".toml")
    mapping.write_text('[classes]\nTank = "zebra"\n')
    said = call("models", "add", file, "--classes", mapping)
    assert (said.code, said.out) == (2, "")
    assert "'zebra' is no node of the class tree; nodes are: object, equipment" in said.err
    said = call("models", "add", file)
    assert (said.code, f"{file.name}: its classes are not in the class tree (Tank)" in said.err) == (2, True)
    mapping.write_text('[classes]\nTank = "armoured_vehicle"\n')
    assert call("models", "add", file, "--classes", mapping).code == 0
    mapping.write_text('[classes]\nTank = "vehicle"\n')
    assert call("models", "add", file, "--classes", mapping).code == 0, "the same bytes, with another mapping"
    exported(file, ("Tank", "uav", "other"))
    said = call("models", "add", file, "--classes", mapping)
    assert (said.code, "are registered already; rename the file" in said.err) == (2, True)
    said = call("models", "add", file.with_name("nowhere.onnx"))
    assert (said.code, "nowhere.onnx: does not exist; give an .onnx or .pt file" in said.err) == (2, True)


def test_weights_that_are_no_network_end_with_2_and_no_traceback(
    file: Path, clip: Path, tmp_path: Path, call: Call
) -> None:
    file.write_bytes(b"weights")
    said = call("analyze", clip, "--case", tmp_path / "case", "--model", file)
    assert (said.code, said.out) == (2, "")
    assert file.name in said.err
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize("table", ["network", "gallery"])
def test_an_altered_type_network_or_gallery_is_found(
    table: str, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    identify = {name: dict(entry) for name, entry in roundel_models.identify().items()}
    identify[table]["sha256"] = "sha256:" + "0" * 64
    name = Path(identify[table]["file"]).name
    listed = json.loads(call("models", "list", "--json").out)
    assert listed[name]["use"] == f"type {table}"
    assert f"{name}  type {table}, shipped, " in call("models", "list").out
    monkeypatch.setattr(roundel_models, "identify", lambda: identify)
    said = call("models", "verify", "--json")
    assert (said.code, list(json.loads(said.out)["problems"])) == (3, [name])
    found = json.loads(call("doctor", "--json").out)
    checks = {check["name"]: check for check in found["checks"]}
    assert (found["ok"], checks["types"]["ok"]) == (False, False)
    assert "is not the file that was registered" in checks["types"]["found"]
