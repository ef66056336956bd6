"""Taking in weights of the user's own: opened and tried before they are copied, so that a mistake shows at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from roundel.detect import weights as store
from roundel.detect.limits import refuse_hostile
from roundel.detect.weights import Weights
from roundel.detect.yolo import Network, raw_boxes
from roundel.errors import WeightsError

TRIAL_SECONDS = 30.0
TRIAL_SHAPES = ((2, 3, 96, 128), (1, 3, 64, 64))  # analyses send batches and pictures of several sizes
DYNAMIC = "export it again for pictures of any size: model.export(format='onnx', dynamic=True)"


@dataclass(frozen=True, slots=True)
class Admitted:
    """Weights that were added, which of their classes are used as what, and which are ignored."""

    weights: Weights
    used: Mapping[str, str]
    ignored: tuple[str, ...]


def admit(path: Path, classes: str | Path | None, licence: str) -> Admitted:
    """Open a weights file, try it, check the mapping against its classes, and add it to the user's weights.

    Args:
        path: an ``.onnx`` or ``.pt`` file. A checkpoint that asks to run code is refused; none is run.
        classes: a mapping file or the name of a shipped one; ``None`` if the classes are nodes of the class tree.
        licence: what may be done with the weights, in a few words.

    Raises:
        WeightsError: if the file is no network that Roundel can use, with what to do.
        UsageError: if the mapping is wrong or does not fit.
    """
    store.require_file(path)
    refuse_hostile(path)
    network = _open(path)
    _try(network, path)
    added = store.add(path, classes, licence, network.classes)
    nodes = added.map_classes(network.classes)
    used = {name: node for name, node in zip(network.classes, nodes, strict=True) if node is not None}
    return Admitted(added, used, tuple(name for name in network.classes if name not in used))


def _open(path: Path) -> Network:
    if path.suffix == ".onnx":
        from roundel.detect.onnx import OnnxNetwork

        network = OnnxNetwork(path, 1, 1)
        network.limit_seconds = TRIAL_SECONDS
        if network.fixed_shape is not None:
            raise WeightsError(f"{path}: takes only pictures of the shape {network.fixed_shape}; {DYNAMIC}")
        return network
    from roundel.detect.ultralytics import TorchNetwork

    return TorchNetwork(path, 1)


def _try(network: Network, path: Path) -> None:
    """Run the network on empty pictures of the sizes that analyses send."""
    if not network.classes:
        raise WeightsError(
            f"{path}: names no classes; export it again with ultralytics, which writes them into the file"
        )
    for shape in TRIAL_SHAPES:
        try:
            output = network.forward(np.zeros(shape, np.float32))
        except WeightsError:
            raise
        except Exception as error:
            reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
            raise WeightsError(
                f"{path}: cannot be run on pictures of the shape {shape}: {reason}; {DYNAMIC}"
            ) from error
        try:
            raw_boxes(output, len(network.classes))
        except WeightsError as error:
            raise WeightsError(f"{path}: {error}") from error
