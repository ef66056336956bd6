"""The adapter for ultralytics checkpoints (``.pt``): the only module of the package that imports torch.

Only the network itself is used. Letterboxing, batching and non-maximum suppression are Roundel's own, the same for all
engines, so ultralytics' predictor with its wall-clock limit on suppression never runs, and neither does torchvision.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from roundel.errors import WeightsError
from roundel.quiet import hush

if TYPE_CHECKING:
    import torch

MINIMUM_TORCH = (2, 10)


def load_module(path: Path) -> tuple[torch.nn.Module, tuple[str, ...]]:
    """Load a detection checkpoint without running code from it.

    Returns:
        The network in evaluation mode (float32, CPU) and its class names in order.

    Raises:
        WeightsError: if the file holds anything but known network parts, is no detection model, or torch is too old to
            refuse such files.
    """
    hush()
    import torch
    from ultralytics.nn import tasks

    version = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])
    if version < MINIMUM_TORCH:
        raise WeightsError(
            f"{path}: torch {torch.__version__} cannot load checkpoints safely; install torch 2.10 or newer"
        )
    try:
        load: Any = tasks.load_checkpoint
        module, _ = load(str(path.resolve()), device="cpu")
    except Exception as error:
        raise WeightsError(
            f"{path}: not loaded, because it is no ultralytics checkpoint or asks to run code of its own "
            f"({type(error).__name__}: {str(error).splitlines()[0][:200]}). Export it to ONNX where it was made."
        ) from error
    if not isinstance(module, tasks.DetectionModel):
        raise WeightsError(f"{path}: holds a {type(module).__name__}, not a detection model")
    names: dict[int, str] = module.names
    return module.float().eval(), tuple(names[index] for index in sorted(names))


def cuda_available() -> bool:
    """Whether torch can use a CUDA device."""
    hush()
    import torch

    return bool(torch.cuda.is_available())


class TorchNetwork:
    """A checkpoint run by torch, on CUDA where there is a device."""

    engine = "ultralytics"

    def __init__(self, path: Path, threads: int) -> None:
        """Load a file for one call at a time with ``threads`` threads."""
        module, self.classes = load_module(path)
        import torch
        import ultralytics

        self._torch = torch
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        torch.set_num_threads(threads)
        self._module = module.to(self._device)
        self.precision = "fp32"
        self.version = f"{ultralytics.__version__} torch {torch.__version__} {self._device}"

    def forward(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the network: (n, 3, h, w) RGB in 0..1 to (n, 4 + classes, anchors)."""
        with self._torch.inference_mode():
            output: Any = self._module(self._torch.from_numpy(batch).to(self._device))
        tensor = output[0] if isinstance(output, (tuple, list)) else output
        return np.asarray(tensor.float().cpu().numpy(), np.float32)
