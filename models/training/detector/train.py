"""Step 2: train the detector. Interrupt it at any time; the same command goes on from the last saved step.

    nice python -m training.detector.train models/training/detector.toml

Every step draws its inputs from a generator seeded with the recipe's seed and the number of the step, so an interrupted
run sees the same inputs as one that was not. What is written: ``state.pt`` (to go on), ``best.pt`` (an ultralytics
checkpoint of the averaged weights, made at the end and every few saves), ``log.csv``.
"""

from __future__ import annotations

import argparse
import copy
import csv
import math
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# Large blocks come and go at every step; giving them back to the system each time halves the speed.
os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(1 << 34))
os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(1 << 34))

import cv2
import numpy as np
import torch

from roundel.detect.ultralytics import load_module
from roundel.quiet import hush
from training.detector.augment import Augmenter, Labelled
from training.detector.pictures import CLASSES, read_index
from training.detector.prepare import LOOSE
from training.recipe import SHARED, Recipe, load_recipe

GAINS = SimpleNamespace(box=7.5, cls=0.5, dfl=1.5)  # weights of the three losses, as in ultralytics


def to_batch(made: list[Labelled]) -> dict[str, torch.Tensor]:
    """Inputs of one size as the loss of ultralytics wants them."""
    side = made[0].pixels.shape[0]
    pixels = np.stack([item.pixels for item in made])[..., ::-1].transpose(0, 3, 1, 2)
    images = torch.from_numpy(np.ascontiguousarray(pixels)).float().div_(255)
    boxes = np.concatenate([item.boxes for item in made]) / side
    centred = np.hstack([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]])
    return {
        "img": images.to(memory_format=torch.channels_last),
        "bboxes": torch.from_numpy(np.ascontiguousarray(centred, np.float32)),
        "cls": torch.from_numpy(np.concatenate([item.labels for item in made]).astype(np.float32))[:, None],
        "batch_idx": torch.from_numpy(
            np.repeat(np.arange(len(made)), [len(item.labels) for item in made]).astype(np.float32)
        ),
    }


class Training:
    """Network, average, optimiser and the number of the next step."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe, self.settings = recipe, recipe.settings["train"]
        torch.manual_seed(self.recipe.settings["seed"])
        self.network = _start(self._start_file())
        self.network.requires_grad_(True).to(memory_format=torch.channels_last)
        self.network.args = GAINS
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.optimiser = torch.optim.AdamW(_groups(self.network, self.settings["weight_decay"]), lr=0.0)
        self.step = 0
        self._pool = ThreadPoolExecutor(torch.get_num_threads())

    def _start_file(self) -> Path:
        """``shared:`` names a file of the shared folder, ``recipe:`` the result of an earlier recipe."""
        kind, _, name = self.settings["start"].partition(":")
        return SHARED / name if kind == "shared" else self.recipe.workspace / name / "best.pt"

    @property
    def state_file(self) -> Path:
        """Where the state is kept."""
        return self.recipe.path("state.pt")

    def resume(self) -> None:
        """Go on where an earlier run stopped, if there was one."""
        if self.state_file.is_file():
            state = torch.load(self.state_file, weights_only=True)
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step = state["step"]

    def save(self) -> None:
        """Write the state and the averaged weights; an interruption leaves the earlier files whole."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
        }
        _write(state, self.state_file)
        shipped = copy.deepcopy(self.average).half()
        del shipped.args
        _write({"model": shipped, "ema": None, "train_args": {}, "version": "roundel"}, self.recipe.path("best.pt"))

    def rate(self) -> float:
        """The learning rate of this step: a warm-up, then a half cosine down to a hundredth."""
        total, warm = self.settings["steps"], self.settings["warmup_steps"]
        if self.step < warm:
            return float(self.settings["learning_rate"] * (self.step + 1) / warm)
        done = (self.step - warm) / max(1, total - warm)
        return float(self.settings["learning_rate"] * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2))

    def advance(self, augmenter: Augmenter, criterion: Callable[..., Any]) -> list[float]:
        """One step; returns the three losses per picture."""
        draw = np.random.default_rng([self.recipe.settings["seed"], self.step])
        plain = self.step >= self.settings["steps"] * (1 - self.settings["final_share"])
        side = self.settings["final_px"] if plain else int(draw.choice(self.settings["sizes_px"]))
        numbers = range(self.settings["batch"])
        batch = to_batch(list(self._pool.map(lambda number: self._input(augmenter, side, plain, number), numbers)))
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        self.network.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.settings["precision"] == "bf16"):
            output = self.network(batch["img"])
        output = {
            key: [item.float() for item in value] if isinstance(value, list) else value.float()
            for key, value in output.items()
        }
        loss, parts = criterion(output, batch)
        (loss.sum() / 8).backward()  # of a batch of 32; AdamW is indifferent to the scale, the clipping is not
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 10.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.step += 1
        self._average()
        return [float(part) for part in parts.values()]

    def _input(self, augmenter: Augmenter, side: int, plain: bool, number: int) -> Labelled:
        return augmenter.draw(side, plain, np.random.default_rng([self.recipe.settings["seed"], self.step, number]))

    @torch.no_grad()
    def _average(self) -> None:
        decay = self.settings["ema_decay"] * (1 - math.exp(-self.step / 100))
        fresh = self.network.state_dict()
        for name, value in self.average.state_dict().items():
            if value.dtype.is_floating_point:
                value.mul_(decay).add_(fresh[name], alpha=1 - decay)
            else:
                value.copy_(fresh[name])


def _start(path: Path) -> torch.nn.Module:
    """A whole checkpoint with the classes of the data, or bare tensors of a YOLOv5n body that get a fresh head."""
    if "backbone" not in path.name:
        network, names = load_module(path)
        if names != CLASSES:
            raise SystemExit(f"{path}: has other classes than the data: {', '.join(names)}")
        return network
    hush()
    from ultralytics.nn.tasks import DetectionModel

    network = DetectionModel("yolov5n.yaml", nc=len(CLASSES), verbose=False)
    network.names = dict(enumerate(CLASSES))
    tensors = {name: tensor.float() for name, tensor in torch.load(path, weights_only=True).items()}
    missing = network.load_state_dict(tensors, strict=False)
    if missing.unexpected_keys or any(not key.startswith("model.24.") for key in missing.missing_keys):
        raise SystemExit(f"{path}: does not fit the body of YOLOv5n")
    return network


def _groups(network: torch.nn.Module, decay: float) -> list[dict[str, Any]]:
    """Weights of convolutions decay; biases and normalisation do not."""
    parameters = [item for item in network.parameters() if item.requires_grad]
    return [
        {"params": [item for item in parameters if item.ndim > 1], "weight_decay": decay},
        {"params": [item for item in parameters if item.ndim <= 1], "weight_decay": 0.0},
    ]


def _write(content: dict[str, Any], target: Path) -> None:
    partial = target.with_suffix(".partial")
    torch.save(content, partial)
    partial.replace(target)


def train(recipe: Recipe) -> None:
    """Train to the step at which the recipe ends; its rate falls towards ``steps``, which may lie later."""
    hush()  # before ultralytics, or its checkpoints are refused
    from ultralytics.utils.loss import v8DetectionLoss

    cv2.setNumThreads(1)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    training = Training(recipe)
    training.resume()
    pictures = [item for item in read_index(recipe.path("pictures.jsonl")) if item.split == "train"]
    augmenter = Augmenter(pictures, recipe.settings["augment"], [LOOSE])
    criterion = v8DetectionLoss(training.network)
    with recipe.path("log.csv").open("a", encoding="utf-8", newline="") as file:
        log = csv.writer(file)
        since, sums = time.monotonic(), np.zeros(3)
        every = 50
        while training.step < training.settings["end"]:
            sums += training.advance(augmenter, criterion)
            if training.step % every == 0:
                rate = every * training.settings["batch"] / (time.monotonic() - since)
                row = [
                    training.step,
                    *(round(value / every, 4) for value in sums),
                    f"{training.rate():.2e}",
                    f"{rate:.1f}",
                ]
                log.writerow(row)
                file.flush()
                print("step {} box {} class {} distribution {} rate {} pictures/s {}".format(*row), flush=True)
                since, sums = time.monotonic(), np.zeros(3)
            if training.step % training.settings["save_every"] == 0:
                training.save()
    training.save()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    train(load_recipe(parser.parse_args().recipe))


if __name__ == "__main__":
    main()
