"""Weights of the user's own: opened and tried before they are added, never executed, and what is unfit is said."""

from __future__ import annotations

import pickle
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
        with pytest.raises(WeightsError, match="asks to run code of its own"):
            admit(file, "coco", "x")
    assert not mark.exists()
    assert not home.exists()
    torch.load(zipped, weights_only=False)
    assert mark.exists(), "the trap works where nothing guards against it"


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
