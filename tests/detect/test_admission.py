"""Weights of the user's own: opened and tried before they are added, never executed, and what is unfit is said."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from detect.networks import checkpoint, exported
from roundel.config import DetectorConfig
from roundel.detect import load_detector
from roundel.detect.admission import admit
from roundel.errors import UsageError, WeightsError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ROUNDEL_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "models"


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "mapping.yaml"
    path.write_text("Tank: armoured_vehicle\nKite: ignore\n")
    return path


def test_a_checkpoint_is_added_with_its_used_and_ignored_classes(tmp_path: Path, mapping: Path) -> None:
    found = admit(checkpoint(tmp_path / "own.pt"), mapping, "own work")
    assert (found.used, found.ignored) == ({"Tank": "armoured_vehicle"}, ("Kite",))
    loaded = load_detector(DetectorConfig(model="own", score=0.001))
    assert loaded.detector.classes == ("armoured_vehicle",)
    assert loaded.provenance["classes_mapped"] == {"Tank": "armoured_vehicle"}
    assert loaded.provenance["classes_ignored"] == ["Kite"]
    boxes = loaded.detector.detect([np.full((240, 320, 3), 90, np.uint8)])[0]
    assert boxes.scores.shape == (len(boxes), 1)


def test_an_export_is_added_and_a_shipped_mapping_may_name_more_than_it_has(tmp_path: Path) -> None:
    found = admit(exported(tmp_path / "own.onnx", ("truck", "zebra", "bus")), "coco", "own work")
    assert found.used == {"truck": "civil_vehicle", "bus": "civil_vehicle"}
    assert found.ignored == ("zebra",)
    assert load_detector(DetectorConfig(model="own")).detector.classes == ("civil_vehicle",)


def test_a_model_that_segments_is_used_for_its_boxes(tmp_path: Path, mapping: Path) -> None:
    found = admit(checkpoint(tmp_path / "seg.pt", "yolo11-seg.yaml"), mapping, "own work")
    assert found.used == {"Tank": "armoured_vehicle"}
    assert admit(exported(tmp_path / "segments.onnx", channels=38, task="segment"), mapping, "x").ignored == ("Kite",)


def test_an_end_to_end_model_gives_the_scores_of_all_classes(tmp_path: Path, mapping: Path) -> None:
    from roundel.detect.ultralytics import TorchNetwork

    file = checkpoint(tmp_path / "e2e.pt", "yolo26.yaml")
    assert TorchNetwork(file, 1).forward(np.zeros((1, 3, 64, 64), np.float32)).shape[:2] == (1, 6)
    assert admit(file, mapping, "own work").ignored == ("Kite",)


def test_a_promptable_model_needs_its_prompts_set(tmp_path: Path, mapping: Path, home: Path) -> None:
    with pytest.raises(WeightsError, match=r"prompts are not set.*text encoder.*set_classes.*docs/weights\.md"):
        admit(checkpoint(tmp_path / "world.pt", "yolov8-worldv2.yaml"), mapping, "x")
    assert not home.exists()
    prompts = torch.nn.functional.normalize(torch.randn(1, 2, 512), dim=-1)
    told = checkpoint(tmp_path / "told.pt", "yolov8-worldv2.yaml", txt_feats=prompts)
    assert admit(told, mapping, "x").used == {"Tank": "armoured_vehicle"}


@pytest.mark.parametrize(("config", "says"), [("yolo11-pose.yaml", "PoseModel"), ("yolo11-obb.yaml", "OBBModel")])
def test_a_model_of_another_kind_is_refused(tmp_path: Path, home: Path, config: str, says: str) -> None:
    with pytest.raises(WeightsError, match=f"holds a {says}, not a detection model"):
        admit(checkpoint(tmp_path / "own.pt", config), None, "x")
    assert not home.exists()


class Payload:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., object], tuple[Path]]:
        return Path.touch, (self.mark,)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_checkpoint_that_asks_to_run_code_is_refused_and_not_run(tmp_path: Path, home: Path) -> None:
    mark = tmp_path / "mark"
    bad, zipped = tmp_path / "bad.pt", tmp_path / "zipped.pt"
    bad.write_bytes(pickle.dumps({"model": Payload(mark)}))
    torch.save({"model": Payload(mark)}, zipped)
    for file in (bad, zipped):
        with pytest.raises(WeightsError, match=r"asks to run code of its own \(pathlib.*none was run"):
            admit(file, "coco", "x")
    assert not mark.exists()
    assert not home.exists()
    torch.load(zipped, weights_only=False)
    assert mark.exists(), "the trap works where nothing guards against it"


LOAD = """
import sys, pathlib
import ultralytics.nn.tasks
from roundel.detect.ultralytics import load_module
load_module(pathlib.Path(sys.argv[1]))
"""


def test_a_checkpoint_is_refused_where_ultralytics_was_imported_unsafely(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    torch.save({"model": Payload(mark)}, tmp_path / "bad.pt")
    clean = {key: value for key, value in os.environ.items() if key != "ULTRALYTICS_SAFE_LOAD"}
    said = subprocess.run(
        [sys.executable, "-c", LOAD, tmp_path / "bad.pt"],
        env={**clean, "YOLO_CONFIG_DIR": str(tmp_path), "YOLO_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "WeightsError" in said.stderr
    assert "ultralytics does not load safely in this process" in said.stderr
    assert not mark.exists()


@pytest.mark.filterwarnings("ignore:.*torch.jit.*deprecated")
def test_what_is_wrong_with_a_checkpoint_is_said_in_our_own_words(tmp_path: Path, home: Path) -> None:
    whole = checkpoint(tmp_path / "whole.pt").read_bytes()
    files: dict[str, bytes | object] = {
        "empty": b"",
        "half": whole[: len(whole) // 2],
        "text": b"hello world, no pickle",
        "picture": b"\x89PNG\r\n\x1a\n" + bytes(50),
        "state": {"weight": torch.zeros(2)},
        "list": [1],
    }
    for name, content in files.items():
        file = tmp_path / f"{name}.pt"
        if isinstance(content, bytes):
            file.write_bytes(content)
        else:
            torch.save(content, file)
    torch.save({"model": torch.nn.Linear(2, 2)}, tmp_path / "linear.pt")
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "script.pt")
    damaged = "not loaded; it is damaged, incomplete or altered, or no checkpoint at all"
    for name, says in {
        **dict.fromkeys(("empty", "half", "text", "picture"), damaged),
        **dict.fromkeys(("state", "list", "script"), "holds no detection model of ultralytics"),
        "linear": "holds a Linear, not a detection model",
    }.items():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(WeightsError, match=rf"{name}\.pt: {says}") as caught:
                admit(tmp_path / f"{name}.pt", None, "x")
        assert "yolo predict" not in str(caught.value)
    assert not home.exists()


def test_a_checkpoint_may_have_any_name(tmp_path: Path, mapping: Path) -> None:
    folder = tmp_path / "bob's folder"
    folder.mkdir()
    for name in ("bob's.pt", "yolov5n.pt"):
        assert admit(checkpoint(folder / name), mapping, "own work").used == {"Tank": "armoured_vehicle"}
    assert load_detector(DetectorConfig(model="bob's")).detector.classes == ("armoured_vehicle",)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (
            {"shape": (1, 3, 640, 640)},
            r"takes only pictures of the shape \(1, 3, 640, 640\); export it again.*dynamic=True",
        ),
        ({"shape": (1, 3, "h", "w")}, r"takes only pictures of the shape \(1, 3, 'h', 'w'\)"),
        ({"channels": 9}, r"output of shape \(2, 9, 12\) for 2 classes"),
        ({"names": None, "channels": 6}, "names no classes"),
        ({"task": "obb"}, "is made for the task 'obb'"),
    ],
)
def test_an_export_that_cannot_be_used_is_refused(tmp_path: Path, home: Path, made: dict, says: str) -> None:
    with pytest.raises(WeightsError, match=says):
        admit(exported(tmp_path / "own.onnx", **made), None, "x")
    assert not home.exists()


def test_a_mapping_that_does_not_fit_is_refused(tmp_path: Path, home: Path) -> None:
    mapping = tmp_path / "m.yaml"
    mapping.write_text("Tnak: armoured_vehicle\n")
    file = exported(tmp_path / "own.onnx")
    with pytest.raises(UsageError, match=r"'Tnak' is no class of own\.onnx \(did you mean 'Tank'\?\)"):
        admit(file, mapping, "x")
    with pytest.raises(WeightsError, match=r"not in the class tree \(Kite, Tank\)"):
        admit(file, None, "x")
    file.write_bytes(b"no network")
    with pytest.raises(WeightsError, match="ONNX Runtime cannot load it"):
        admit(file, None, "x")
    assert not home.exists()
