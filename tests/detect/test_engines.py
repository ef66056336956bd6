"""The engines agree, weights are checked, and every step keeps all class scores."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

import roundel_models
from detect.networks import checkpoint
from roundel import cuda
from roundel.classes import tree
from roundel.config import DetectorConfig
from roundel.detect import load_detector, providers
from roundel.detect.batching import SharedNetwork
from roundel.detect.nms import iou
from roundel.detect.onnx import OnnxNetwork
from roundel.detect.slicing import input_size
from roundel.detect.yolo import YoloDetector
from roundel.errors import MissingProgramError, UsageError, WeightsError
from roundel.types import Detections
from training.detector.export import export

CUTOUTS = Path(__file__).parents[2] / "tools" / "cutouts"


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """Two vehicles on plain ground."""
    scene = np.full((480, 854, 3), (110, 150, 160), np.uint8)
    scene[:200] = (220, 200, 180)
    for name, left, width in (("bradley.png", 60, 330), ("stryker.png", 470, 330)):
        cutout = cv2.imread(str(CUTOUTS / name), cv2.IMREAD_UNCHANGED)
        cutout = cv2.resize(
            cutout, (width, round(cutout.shape[0] * width / cutout.shape[1])), interpolation=cv2.INTER_AREA
        )
        height = cutout.shape[0]
        alpha = cutout[..., 3:].astype(np.float32) / 255
        place = scene[420 - height : 420, left : left + width]
        place[:] = (alpha * cutout[..., :3] + (1 - alpha) * place).astype(np.uint8)
    return scene


def found_by(engine: str, picture: np.ndarray, model: str = "hardware-v1", **settings) -> Detections:
    config = DetectorConfig(model=model, engine=engine, **settings)
    return load_detector(config).detector.detect([picture])[0]


def agree(one: Detections, other: Detections) -> None:
    """Same boxes: IoU at least 0.95, all class scores within 0.01, in the same order."""
    assert len(one) == len(other) > 0
    assert np.diag(iou(one.xyxy, other.xyxy)).min() >= 0.95
    assert np.abs(one.scores - other.scores).max() <= 0.01


@pytest.mark.parametrize("tiles", ["off", "on"])
def test_openvino_and_onnx_runtime_agree(picture: np.ndarray, tiles: str) -> None:
    agree(found_by("onnx", picture, tiles=tiles), found_by("openvino", picture, tiles=tiles))


@pytest.mark.shared_data
def test_a_checkpoint_in_torch_agrees_with_its_exports(picture: np.ndarray, shared: Path, tmp_path: Path) -> None:
    checkpoint, full, half = shared / "models" / "bootstrap" / "best.pt", tmp_path / "full.onnx", tmp_path / "half.onnx"
    export(checkpoint, full)
    export(checkpoint, half, half=True)
    in_torch = found_by("ultralytics", picture, model=str(checkpoint))
    agree(found_by("onnx", picture, model=str(full)), in_torch)
    rough = found_by("onnx", picture, model=str(half))
    assert len(rough) == len(in_torch)
    assert np.abs(rough.score - in_torch.score).max() < 0.02
    assert np.abs(rough.xyxy - in_torch.xyxy).max() < 4


def test_two_vehicles_are_two_armoured_vehicles(picture: np.ndarray) -> None:
    found = found_by("auto", picture)
    strong = found.select(found.score >= 0.4)
    names = load_detector(DetectorConfig()).detector.classes
    assert [names[label] for label in strong.label] == ["armoured_vehicle"] * 2


def test_a_picture_alone_and_in_a_batch_gives_the_same_boxes(picture: np.ndarray) -> None:
    detector = load_detector(DetectorConfig(batch=4)).detector
    small = cv2.resize(picture, (320, 240))
    alone = [detector.detect([item])[0] for item in (picture, small)]
    together = detector.detect([picture, small, picture])
    agree(alone[0], together[0])
    agree(alone[0], together[2])


def test_boxes_are_the_same_bytes_with_any_number_of_threads(picture: np.ndarray) -> None:
    path, config = roundel_models.weights(DetectorConfig().model), DetectorConfig(batch=3)
    pictures = [picture, picture[:, ::-1].copy(), cv2.resize(picture, (640, 480)), picture[::-1].copy()]
    by_threads = [YoloDetector(OnnxNetwork(path, 1, threads), config).detect(pictures) for threads in (1, 2, 4)]
    assert sum(map(len, by_threads[0])) >= 4
    for other in by_threads[1:]:
        for one, same in zip(by_threads[0], other, strict=True):
            assert one.xyxy.tobytes() == same.xyxy.tobytes()
            assert one.scores.tobytes() == same.scores.tobytes()


def test_threads_given_to_a_worker_limit_the_engine_and_do_not_enter_the_result() -> None:
    one, all_of_them = load_detector(DetectorConfig(), threads=1), load_detector(DetectorConfig())
    assert one.calls == 1
    assert one.provenance == all_of_them.provenance


def test_nothing_is_found_on_an_empty_picture() -> None:
    assert len(found_by("auto", np.full((240, 320, 3), 128, np.uint8))) == 0


def test_all_class_scores_are_kept() -> None:
    class TwoClasses:
        engine, precision, version, classes = "fake", "none", "0", ("uav", "bird")

        def forward(self, batch: np.ndarray) -> np.ndarray:
            return np.array([[[50.0], [50.0], [20.0], [20.0], [0.6], [0.55]]] * len(batch), np.float32)

    found = YoloDetector(TwoClasses(), DetectorConfig()).detect([np.zeros((416, 416, 3), np.uint8)])[0]
    assert found.xyxy.tolist() == [[40, 40, 60, 60]]
    assert np.allclose(found.scores, [[0.6, 0.55]])


class Fixed:
    """A network that always gives the same output: columns of centre x, y, width, height and scores."""

    engine, precision, version = "fake", "none", "0"

    def __init__(self, classes: tuple[str, ...], output: list) -> None:
        self.classes, self._output = classes, np.array([output], np.float32)

    def forward(self, batch: np.ndarray) -> np.ndarray:
        return np.repeat(self._output, len(batch), axis=0)


EMPTY = np.zeros((416, 416, 3), np.uint8)


def test_an_ignored_class_never_becomes_a_box_and_two_names_of_one_node_are_one_class() -> None:
    boxes = [[50.0, 200.0, 300.0], [50.0, 200.0, 300.0], [20.0] * 3, [20.0] * 3]
    scores = [[0.2, 0.9, 0.1], [0.95, 0.1, 0.1], [0.6, 0.3, 0.1], [0.1, 0.5, 0.9]]
    network = Fixed(("Tank", "Kite", "Plane", "APC"), [*boxes, *scores])
    nodes = ("armoured_vehicle", None, "aircraft", "armoured_vehicle")
    detector = YoloDetector(network, DetectorConfig(), nodes)
    assert detector.classes == ("armoured_vehicle", "aircraft")
    found = detector.detect([EMPTY])[0]
    assert found.scores.shape == (3, 2)
    assert np.allclose(sorted(found.scores.tolist()), [[0.2, 0.6], [0.9, 0.1], [0.9, 0.3]])
    only_planes = YoloDetector(network, DetectorConfig(), (None, None, "aircraft", None)).detect([EMPTY])[0]
    assert np.allclose(sorted(only_planes.scores[:, 0]), [0.3, 0.6]), "0.1 is below the threshold, whatever a tank gets"


def test_an_end_to_end_output_is_understood() -> None:
    rows = [[40.0, 40, 60, 60, 0.8, 1], [100, 100, 140, 180, 0.5, 0], [0, 0, 0, 0, 0, 0]]
    found = YoloDetector(Fixed(("uav", "bird"), rows), DetectorConfig()).detect([EMPTY])[0]
    assert found.xyxy.tolist() == [[40, 40, 60, 60], [100, 100, 140, 180]]
    assert np.allclose(found.scores, [[0, 0.8], [0.5, 0]])


def test_an_output_of_another_form_is_an_error() -> None:
    with pytest.raises(
        WeightsError, match=r"output of shape \(1, 3, 7\) for 2 classes, where \(pictures, 6, anchors\)"
    ):
        YoloDetector(Fixed(("uav", "bird"), [[0.0] * 7] * 3), DetectorConfig()).detect([EMPTY])


def test_shipped_weights_have_the_recorded_hash_and_classes_of_the_tree() -> None:
    for name, entry in roundel_models.registry().items():
        assert roundel_models.weights(name).is_file()
        assert set(entry["classes"]) <= tree().keys()
        assert set(entry["shown_as"].values()) <= tree().keys()


@pytest.mark.parametrize("name", sorted(roundel_models.registry()))
def test_altered_weights_are_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytearray(roundel_models.weights(name).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "weights").mkdir()
    (tmp_path / roundel_models.registry()[name]["file"]).write_bytes(data)
    monkeypatch.setattr(roundel_models, "ROOT", tmp_path)
    with pytest.raises(WeightsError, match="is not the one registered"):
        load_detector(DetectorConfig(model=name))


@pytest.mark.parametrize(("engine", "suffix"), [("ultralytics", ".onnx"), ("onnx", ".pt"), ("openvino", ".pt")])
def test_an_engine_that_cannot_run_a_file_says_so(engine: str, suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"weights{suffix}"
    file.write_bytes(b"x")
    with pytest.raises(UsageError, match="engine"):
        load_detector(DetectorConfig(model=str(file), engine=engine))


@pytest.mark.parametrize("engine", ["onnx", "openvino"])
def test_a_damaged_export_is_refused_in_one_line(engine: str, tmp_path: Path) -> None:
    file = tmp_path / "broken.onnx"
    file.write_bytes(b"this is no network")
    with pytest.raises(WeightsError, match="cannot load it") as caught:
        load_detector(DetectorConfig(model=str(file), engine=engine))
    assert "\n" not in str(caught.value)


@pytest.fixture
def one_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a GPU and a build of ONNX Runtime that could use it, if only its libraries were there."""
    monkeypatch.setattr(cuda, "driver", lambda: cuda.Driver("13.0", (cuda.Device("NVIDIA One", "9.0", 2**36),)))
    monkeypatch.setattr(providers, "available", lambda: (providers.TENSORRT, providers.CUDA, providers.CPU))


def test_without_a_gpu_the_processor_is_taken_unless_a_gpu_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "LIBRARY", "libno-such-driver.so.1")
    for device in ("auto", "cpu"):
        made_with = load_detector(DetectorConfig(device=device)).provenance
        assert str(made_with["engine_version"]).endswith(" CPUExecutionProvider")
        assert "gpu" not in made_with
    with pytest.raises(MissingProgramError, match="there is no NVIDIA driver here"):
        load_detector(DetectorConfig(device="cuda"))
    with pytest.raises(MissingProgramError, match="there is no NVIDIA driver here"):
        load_detector(DetectorConfig(engine="tensorrt"))


@pytest.mark.parametrize("device", ["auto", "cuda"])
@pytest.mark.usefixtures("one_gpu")
def test_a_gpu_that_onnx_runtime_cannot_use_after_all_is_an_error_and_no_silent_fallback(device: str) -> None:
    """The build in use has no CUDA, so it falls back by itself, as it does where a library of CUDA is missing."""
    import onnxruntime

    if providers.CUDA in onnxruntime.get_available_providers():
        pytest.skip("ONNX Runtime has CUDA here")
    with pytest.raises(MissingProgramError, match=r"cannot use CUDAExecutionProvider.*set detector.device to cpu"):
        load_detector(DetectorConfig(device=device))


def test_a_build_of_onnx_runtime_without_cuda_is_named_with_what_to_do(
    one_gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "available", lambda: (providers.CPU,))
    with pytest.raises(MissingProgramError, match=r"no CUDAExecutionProvider: .*requirements-gpu.lock"):
        load_detector(DetectorConfig(device="cuda"))
    with pytest.raises(MissingProgramError, match=r"no TensorrtExecutionProvider: .*requirements-gpu.lock"):
        load_detector(DetectorConfig(engine="tensorrt"))
    assert str(load_detector(DetectorConfig()).provenance["engine_version"]).endswith(" CPUExecutionProvider")


@pytest.mark.usefixtures("one_gpu")
def test_without_tensorrt_its_engine_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "TENSORRT_LIBRARY", "libno-such-library.so.10")
    with pytest.raises(MissingProgramError, match="TensorRT is not installed"):
        load_detector(DetectorConfig(engine="tensorrt"))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"engine": "tensorrt", "device": "cpu"}, "tensorrt needs a GPU"),
        ({"engine": "openvino", "device": "cuda"}, "openvino runs on the processor"),
        ({"engine": "onnx", "precision": "fp16"}, "set detector.engine to tensorrt"),
        ({"engine": "openvino", "precision": "fp16"}, "set detector.engine to tensorrt"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(settings: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load_detector(DetectorConfig(**settings))


@pytest.mark.shared_data
def test_half_precision_in_torch_needs_a_gpu(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "LIBRARY", "libno-such-driver.so.1")
    model = str(shared / "models" / "bootstrap" / "best.pt")
    with pytest.raises(UsageError, match="fp16 needs a GPU"):
        load_detector(DetectorConfig(model=model, precision="fp16"))


def test_tensorrt_gets_shapes_for_every_picture_that_fits(tmp_path: Path) -> None:
    (name, options), *rest = providers.with_tensorrt(tmp_path, True, "images", 8, 416).chain
    assert name == providers.TENSORRT
    assert [other for other, _ in rest] == [providers.CUDA, providers.CPU]
    assert options["trt_profile_min_shapes"] == "images:8x3x32x32"
    assert options["trt_profile_opt_shapes"] == "images:8x3x224x416"
    assert options["trt_profile_max_shapes"] == "images:8x3x416x416"
    assert options["trt_fp16_enable"] == "1"
    assert options["trt_engine_cache_path"] == str(tmp_path)
    for width, height in ((1920, 1080), (1080, 1920), (1000, 10), (500, 500), (624, 624)):
        assert all(32 <= side <= 416 for side in input_size(width, height, 416))


# What a GPU may change: float32 in other sums; float16 with about three digits, so that edges near 416 move by 0.25.
SCORES, PIXELS = {"auto": 1e-3, "fp16": 0.02}, {"auto": 0.05, "fp16": 4.0}
ON_GPU = [("onnx", "auto"), ("tensorrt", "auto"), ("tensorrt", "fp16")]


def require_engine(engine: str) -> None:
    """Skip where an optional library is missing; what there is on a machine says ``roundel doctor --gpu``."""
    if providers.CUDA not in providers.available():
        pytest.skip("ONNX Runtime has no CUDA here")
    if engine == "tensorrt":
        try:
            providers.tensorrt_version()
        except MissingProgramError as error:
            pytest.skip(str(error))


@pytest.mark.gpu
@pytest.mark.parametrize(("engine", "precision"), ON_GPU)
def test_a_gpu_finds_the_boxes_of_the_processor(
    picture: np.ndarray, engine: str, precision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_engine(engine)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    loaded = load_detector(DetectorConfig(engine=engine, device="cuda", precision=precision))
    assert loaded.provenance["gpu"] == cuda.driver().devices[0].name
    assert loaded.provenance["precision"] == ("fp16" if precision == "fp16" else "fp32")
    expected, found = found_by("onnx", picture, device="cpu"), loaded.detector.detect([picture])[0]
    assert len(found) == len(expected) > 0
    assert np.abs(found.scores - expected.scores).max() <= SCORES[precision]
    assert np.abs(found.xyxy - expected.xyxy).max() <= PIXELS[precision]


@pytest.mark.gpu
@pytest.mark.parametrize(("engine", "precision"), ON_GPU)
def test_on_a_gpu_boxes_do_not_depend_on_what_else_is_under_way(
    picture: np.ndarray, engine: str, precision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_engine(engine)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    config = DetectorConfig(engine=engine, device="cuda", precision=precision)
    detector = load_detector(config).detector
    scenes = [np.roll(picture, 16 * n, axis=1) for n in range(24)]
    alone = [detector.detect([scene])[0] for scene in scenes]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda scene: detector.detect([scene])[0], scenes))
    again = load_detector(config).detector.detect(scenes)
    assert sum(map(len, alone)) >= len(scenes)
    for one, *others in zip(alone, together, again, strict=True):
        for other in others:
            assert one.xyxy.tobytes() == other.xyxy.tobytes()
            assert one.scores.tobytes() == other.scores.tobytes()


@pytest.mark.gpu
@pytest.mark.parametrize("half", [False, True])
def test_torch_on_a_gpu_gives_the_scores_of_the_processor_whatever_else_is_in_the_batch(
    tmp_path: Path, half: bool
) -> None:
    from roundel.detect.ultralytics import TorchNetwork, cuda_available

    if not cuda_available():
        pytest.skip("torch has no CUDA here")
    path = checkpoint(tmp_path / "random.pt")
    pictures = np.random.default_rng(0).random((24, 3, 256, 416), np.float32)
    expected = TorchNetwork(path, 1).forward(pictures)
    network = TorchNetwork(path, 1, "cuda", half)
    assert network.precision == ("fp16" if half else "fp32")
    shared = SharedNetwork(network, 8, filled=True)
    with ThreadPoolExecutor(8) as pool:
        together = np.concatenate(list(pool.map(shared.forward, np.split(pictures, 24))))
    alone = np.concatenate([shared.forward(picture[None]) for picture in pictures])
    assert together.tobytes() == alone.tobytes()
    assert np.abs(alone[:, 4:] - expected[:, 4:]).max() <= SCORES["fp16" if half else "auto"]
    assert np.abs(alone[:, :4] - expected[:, :4]).max() <= PIXELS["fp16" if half else "auto"]


@pytest.mark.gpu
def test_a_tensorrt_engine_is_built_once_and_named_in_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_engine("tensorrt")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    config = DetectorConfig(engine="tensorrt", precision="fp16")
    first = load_detector(config).provenance["tensorrt_engine_sha256"]
    built = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.engine")}
    assert built
    assert load_detector(config).provenance["tensorrt_engine_sha256"] == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.engine")} == built
    load_detector(DetectorConfig(engine="tensorrt", precision="fp16", batch=4))
    assert len(list(tmp_path.rglob("*.engine"))) == 2 * len(built)
