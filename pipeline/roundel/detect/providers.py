"""Where ONNX Runtime computes: on the processor, on a CUDA device, or there in an engine that TensorRT has built."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roundel import cuda
from roundel.errors import MissingProgramError, WeightsError
from roundel.quiet import hush

CPU, CUDA, TENSORRT = "CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"
TENSORRT_LIBRARY = "libnvinfer.so.10"
TENSORRT_PACKAGES = "install NVIDIA's libnvinfer10 and libnvonnxparsers10 (docs/gpu.md)"
GPU_BUILD = "pip uninstall onnxruntime, then pip install --require-hashes -r requirements-gpu.lock (docs/gpu.md)"

# Algorithms chosen by rule, not by timing, and float32 that is float32: the same build gives the same digits each time.
CUDA_OPTIONS = {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"}


@dataclass(frozen=True, slots=True)
class Providers:
    """Providers in the order in which they are asked to take a part of the network; a result names the first."""

    chain: tuple[tuple[str, dict[str, str]], ...]

    @property
    def first(self) -> str:
        """The one that has to run the network."""
        return self.chain[0][0]

    @property
    def on_gpu(self) -> bool:
        """Whether that is one of a GPU."""
        return self.first != CPU


PROCESSOR = Providers(((CPU, {}),))
ON_CUDA = Providers(((CUDA, CUDA_OPTIONS), (CPU, {})))


def available() -> tuple[str, ...]:
    """The providers that this build of ONNX Runtime knows; whether their libraries load shows when they are used."""
    hush()
    import onnxruntime

    return tuple(onnxruntime.get_available_providers())


def choose(device: str) -> Providers:
    """The providers for a device: ``cpu``, ``cuda``, or ``auto`` for CUDA where device and build allow it.

    Raises:
        MissingProgramError: if CUDA is asked for and cannot be used, with what to do.
    """
    if device == "cpu":
        return PROCESSOR
    if device == "cuda":
        cuda.driver()
        _require(CUDA)
        return ON_CUDA
    return ON_CUDA if CUDA in available() and cuda.devices() else PROCESSOR


def _require(provider: str) -> None:
    if provider not in available():
        raise MissingProgramError(f"this build of ONNX Runtime has no {provider}: {GPU_BUILD}")


def tensorrt_version() -> str:
    """The version of TensorRT that ONNX Runtime will load.

    Raises:
        MissingProgramError: if there is none, with what to do.
    """
    _require(TENSORRT)
    with contextlib.suppress(ImportError):
        importlib.import_module("tensorrt")  # loads the libraries that pip has installed
    try:
        number = int(ctypes.CDLL(TENSORRT_LIBRARY).getInferLibVersion())
    except OSError as error:
        raise MissingProgramError(
            f"TensorRT is not installed ({TENSORRT_LIBRARY} cannot be loaded): {TENSORRT_PACKAGES}"
        ) from error
    return f"{number // 10000}.{number // 100 % 100}.{number % 100}"


def with_tensorrt(folder: Path, half: bool, input_name: str, batch: int, longest_px: int) -> Providers:
    """TensorRT with CUDA for what it does not know; the engine is built in or loaded from a folder.

    Args:
        folder: of the engine (:mod:`roundel.detect.engine_cache`).
        half: whether float16 may be used where it is faster.
        input_name: the network's input, (n, 3, h, w) with all but the 3 free.
        batch: pictures in each call.
        longest_px: the longest side of a picture; the other one may be as short as 32.
    """

    def shape(height: int, width: int) -> str:
        return f"{input_name}:{batch}x3x{height}x{width}"

    options = {
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(folder),
        "trt_fp16_enable": str(int(half)),
        "trt_profile_min_shapes": shape(32, 32),
        "trt_profile_opt_shapes": shape(max(32, round(longest_px * 9 / 16 / 32) * 32), longest_px),
        "trt_profile_max_shapes": shape(longest_px, longest_px),
    }
    return Providers(((TENSORRT, options), *ON_CUDA.chain))


def open_session(path: Path, providers: Providers, threads: int) -> Any:  # noqa: ANN401
    """An ``onnxruntime.InferenceSession``.

    Raises:
        WeightsError: if ONNX Runtime cannot load the file, or not there.
    """
    hush()
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4  # what goes wrong is raised
    said = ""
    if providers.on_gpu:
        os.environ.setdefault("NVIDIA_TF32_OVERRIDE", "0")
        options.use_deterministic_compute = True
        said = _load_cuda_libraries(onnxruntime)
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=list(providers.chain))
    except Exception as error:
        raise WeightsError(f"{path}: ONNX Runtime cannot load it: {str(error).splitlines()[0][:200]}") from error
    if session.get_providers()[0] != providers.first:
        missing = f" ({said.splitlines()[0][:200]})" if said else ""
        raise MissingProgramError(
            f"{path}: ONNX Runtime cannot use {providers.first}{missing}; the libraries of CUDA that it needs "
            "are missing or of another version: see roundel doctor --gpu, or set detector.device to cpu"
        )
    return session


def _load_cuda_libraries(onnxruntime: Any) -> str:  # noqa: ANN401
    """Load the libraries that pip has installed beside ONNX Runtime; what it prints about those that are missing."""
    said = io.StringIO()
    if hasattr(onnxruntime, "preload_dlls"):
        with contextlib.redirect_stdout(said):
            onnxruntime.preload_dlls()
    return said.getvalue()
