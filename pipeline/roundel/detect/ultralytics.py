"""The adapter for ultralytics checkpoints (``.pt``): the only module of the package that imports torch.

Only the network itself is used. Letterboxing, batching and non-maximum suppression are Roundel's own, the same for all
engines, so ultralytics' predictor with its wall-clock limit on suppression never runs, and neither does torchvision.
"""

from __future__ import annotations

import pickletools
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from roundel.errors import MissingProgramError, WeightsError
from roundel.quiet import hush

if TYPE_CHECKING:
    import torch

MINIMUM_TORCH = (2, 10)
KINDS = ("DetectionModel", "SegmentationModel", "WorldModel", "YOLOEModel", "YOLOESegModel")


def load_module(path: Path) -> tuple[torch.nn.Module, tuple[str, ...]]:
    """Load a detection checkpoint without running code from it.

    Returns:
        The network in evaluation mode (float32, CPU) and its class names in order.

    Raises:
        WeightsError: if the file holds anything but known network parts, is no detection model, or torch or
            ultralytics would not refuse such files.
    """
    hush()
    import torch
    from ultralytics.nn import tasks

    version = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])
    if version < MINIMUM_TORCH:
        raise WeightsError(
            f"{path}: torch {torch.__version__} cannot load checkpoints safely; install torch 2.10 or newer"
        )
    # Ultralytics reads its switch once, when it is imported: by whoever comes first.
    if not (getattr(tasks, "SAFE_LOAD", False) and getattr(getattr(tasks, "_SafeLoad", None), "SUPPORTED", False)):
        raise WeightsError(
            f"{path}: not loaded, because ultralytics does not load safely in this process: it is too old, or was "
            "imported before Roundel switched that on. Install ultralytics 8.4 or newer, and set the environment "
            "variable ULTRALYTICS_SAFE_LOAD to 1 before Python starts"
        )
    try:
        module = _load(tasks, path)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror or error})") from error
    except Exception as error:
        raise WeightsError(f"{path}: {_refusal(path, error)}") from error
    if not isinstance(module, tasks.DetectionModel) or type(module).__name__ not in KINDS:
        raise WeightsError(
            f"{path}: holds a {type(module).__name__}, not a detection model; Roundel uses {', '.join(KINDS)}"
        )
    network: Any = module
    _require_prompts(network, path)
    _keep_all_scores(network.model[-1])
    names: dict[int, str] = dict(enumerate(module.names)) if isinstance(module.names, list) else module.names
    return module.float().eval(), tuple(names[index] for index in sorted(names))


def _load(tasks: Any, path: Path) -> Any:  # noqa: ANN401
    """Load through a link with a plain name: ultralytics strips quotes from names and takes some for its own files."""
    load: Any = tasks.load_checkpoint
    with tempfile.TemporaryDirectory(prefix="roundel-weights-") as folder, warnings.catch_warnings():
        if "'" in folder:
            raise OSError(f"the temporary folder {folder} has an apostrophe in its name: set TMPDIR to another one")
        warnings.simplefilter("ignore")
        link = Path(folder) / "weights.pt"
        link.symlink_to(path.resolve())
        return load(str(link), device="cpu")[0]


def _refusal(path: Path, error: Exception) -> str:
    """Why a file could not be loaded, in words of our own: those of the libraries advise what does not help here."""
    wanted = [] if _is_script(path) else list(dict.fromkeys(_asked_for(path)))
    if wanted:
        rest = f" and {len(wanted) - 3} more" if len(wanted) > 3 else ""
        return (
            f"not loaded, because it asks to run code of its own ({', '.join(wanted[:3])[:200]}{rest}); none was run. "
            "Export it to ONNX where it was made."
        )
    if _is_script(path) or (zipfile.is_zipfile(path) and error.__cause__ is None):
        return (
            "holds no detection model of ultralytics; give the .pt file that its training wrote, or export the model "
            "to ONNX where it was made"
        )
    return (
        "not loaded; it is damaged, incomplete or altered, or no checkpoint at all, and nothing of it was run; compare "
        "it with where it came from and fetch it again"
    )


def _is_script(path: Path) -> bool:
    """Whether a file is a TorchScript archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any("/code/" in name for name in archive.namelist())
    except (OSError, ValueError, zipfile.BadZipFile):
        return False


def _asked_for(path: Path) -> Iterator[str]:
    """The functions and classes that a file names and that safe loading does not know. The file is not executed."""
    import torch

    try:
        yield from torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except Exception:  # no archive, or a damaged one: perhaps a bare pickle
        texts: list[str] = []
        with path.open("rb") as file:
            try:
                for code, value, _ in pickletools.genops(file):
                    if code.name in {"GLOBAL", "INST"}:
                        yield str(value).replace(" ", ".")
                    elif code.name == "STACK_GLOBAL":
                        yield ".".join(texts[-2:])
                        return  # further names may be abbreviated: one is enough
                    elif isinstance(value, str):
                        texts.append(value)
            except Exception:  # not a pickle, or damaged
                return


def _require_prompts(module: Any, path: Path) -> None:  # noqa: ANN401
    """Whether a model that finds what it is told to find has been told.

    Raises:
        WeightsError: if not, with how to do that where there is a text encoder.
    """
    head, classes = module.model[-1], len(module.names)
    kind = type(module).__name__
    if kind.startswith("YOLOE"):
        ready = getattr(head, "lrpc", None) is not None or bool(getattr(head, "is_fused", False))
        prompts = getattr(module, "pe", None)
    elif kind == "WorldModel":
        # Encoded prompts have length 1; the random ones of a model that was never told anything do not.
        prompts = module.txt_feats
        ready = False
        if abs(float(prompts.float().norm(dim=-1).mean()) - 1) > 0.05:
            prompts = None
    else:
        return
    if not ready and (prompts is None or prompts.shape[1] != classes):
        raise WeightsError(
            f"{path}: holds a {kind} whose prompts are not set. That needs ultralytics' text encoder (the package clip "
            "and its weights), which Roundel neither ships nor downloads. Where you have it: "
            "model.set_classes(['tank', 'helicopter']); model.save('with-prompts.pt'); then add that file. "
            "See docs/weights.md"
        )


def _keep_all_scores(head: Any) -> None:  # noqa: ANN401
    """Let an end-to-end head give the scores of all classes: its other branch does, and suppression is Roundel's own.

    Where that branch was removed, only the best class of each box is known.
    """
    if getattr(head, "end2end", False) and getattr(head, "cv2", None) is not None:
        head.end2end = False


def cuda_build() -> str | None:
    """The CUDA version that torch was built with; ``None`` for a build without."""
    hush()
    import torch

    return torch.version.cuda


def cuda_available() -> bool:
    """Whether torch can use a CUDA device."""
    hush()
    import torch

    return bool(torch.cuda.is_available())


class TorchNetwork:
    """A checkpoint run by torch, on the processor or a CUDA device."""

    engine = "ultralytics"

    def __init__(self, path: Path, threads: int, device: str = "cpu", half: bool = False) -> None:
        """Load a file for one call at a time with ``threads`` threads on ``cpu`` or ``cuda``, there perhaps in float16.

        Raises:
            WeightsError: if the file is refused; see :func:`load_module`.
            MissingProgramError: if there is no CUDA and it is asked for.
        """
        module, self.classes = load_module(path)
        import torch
        import ultralytics

        if device == "cuda":
            if not torch.cuda.is_available():
                raise MissingProgramError(
                    f"torch {torch.__version__} finds no CUDA device: a CUDA build and a driver are needed, see "
                    "roundel doctor --gpu"
                )
            # Algorithms chosen by rule, not by timing, and float32 that is float32.
            torch.backends.cudnn.benchmark = False
            torch.backends.cudnn.deterministic = True
            torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        self._torch, self._device = torch, device
        self._type = torch.float16 if half else torch.float32
        torch.set_num_threads(threads)
        self._module = module.to(device=device, dtype=self._type)
        segments = "Seg" in type(module).__name__  # SegmentationModel, YOLOESegModel
        self._channels = 4 + len(self.classes) if segments else None
        self.precision = "fp16" if half else "fp32"
        self.version = f"{ultralytics.__version__} torch {torch.__version__} {device}"

    def forward(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the network: (n, 3, h, w) RGB in 0..1 to (n, 4 + classes, anchors)."""
        with self._torch.inference_mode():
            output: Any = self._module(self._torch.from_numpy(batch).to(device=self._device, dtype=self._type))
        while isinstance(output, (tuple, list)):
            output = output[0]
        array = np.asarray(output.float().cpu().numpy(), np.float32)
        return array[:, : self._channels] if self._channels else array
