"""Step 2: train the head: one for each fold, and the one that is shipped on all pictures.

    nice python -m training.types.train models/training/types.toml [FOLD …]

A cosine classifier with a margin (Wang et al. 2018, arXiv:1801.09414) over the types of one kind: aircraft never
compete with tanks. Half of the loss is among the types that the picture's own source holds, where knowing the source
helps nothing. The classifier is thrown away; the gallery takes its place.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from training.recipe import Recipe, load_recipe
from training.types.folds import Fold, make_folds
from training.types.network import Head
from training.types.pictures import TypePicture, read_index

ALL = "all"
BARRED = -1e4


def folds_of(recipe: Recipe, pictures: Sequence[TypePicture]) -> list[Fold]:
    """The folds of the recipe."""
    settings = recipe.settings["folds"]
    return make_folds(pictures, settings["sources"], settings["absent_families"], settings["absent_variants"])


def competitors(pictures: Sequence[TypePicture], types: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Two masks (pictures, types): the types of the picture's kind, and those that its source holds."""
    kinds = {item.type: item.kind for item in pictures}
    held = {(item.source, item.type) for item in pictures}
    same_kind = [[kinds[name] == item.kind for name in types] for item in pictures]
    same_source = [[(item.source, name) in held for name in types] for item in pictures]
    return torch.tensor(same_kind), torch.tensor(same_source)


class Classifier(torch.nn.Module):
    """A cosine classifier with an additive margin: it exists for training only."""

    def __init__(self, embedding: int, types: int, scale: float, margin: float, smoothing: float) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(types, embedding) * 0.05)
        self.scale, self.margin, self.smoothing = scale, margin, smoothing

    def forward(self, vectors: Tensor, labels: Tensor, allowed: Tensor) -> Tensor:
        """The mean loss of unit vectors (n, d) among the ``allowed`` types (n, types)."""
        cosine = vectors @ functional.normalize(self.weight, dim=1).T
        cosine = cosine - self.margin * functional.one_hot(labels, cosine.shape[1])
        logits = (self.scale * cosine).masked_fill(~allowed, BARRED)
        chance = functional.log_softmax(logits, dim=1)
        right = -chance.gather(1, labels[:, None])[:, 0]
        spread = -(chance * allowed).sum(1) / allowed.sum(1)
        return ((1 - self.smoothing) * right + self.smoothing * spread).mean()


def train_head(
    recipe: Recipe, pictures: Sequence[TypePicture], known: Sequence[int], features: NDArray[np.float32]
) -> Head:
    """Train on the pictures ``known``; ``features``: (views, pictures, 6080)."""
    settings = recipe.settings["train"]
    torch.manual_seed(settings["seed"])
    draw = np.random.default_rng(settings["seed"])
    head = Head(recipe.settings["network"]["embedding"], settings["dropout"])
    chosen, indices = [pictures[index] for index in known], np.asarray(known)
    head.mean.copy_(torch.from_numpy(features[0, indices].mean(axis=0)))
    head.spread.copy_(torch.from_numpy(features[0, indices].std(axis=0) + 1e-4))
    standard = head.standardise(torch.from_numpy(features[:, indices]))
    types = sorted({item.type for item in chosen})
    labels = torch.tensor([types.index(item.type) for item in chosen])
    masks = competitors(chosen, types)
    classifier = Classifier(
        head.project.out_features, len(types), *(settings[k] for k in ("scale", "margin", "smoothing"))
    )
    optimiser = torch.optim.AdamW(
        [
            {"params": head.project.parameters(), "weight_decay": settings["weight_decay"]},
            {"params": classifier.parameters(), "weight_decay": 0.01},
        ],
        lr=settings["learning_rate"],
    )
    steps = settings["epochs"] * (len(chosen) // settings["batch"])
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings["learning_rate"], steps)
    share = settings["within_source"]
    for _ in range(settings["epochs"]):
        order = draw.permutation(len(chosen))
        for start in range(0, len(order) - settings["batch"] + 1, settings["batch"]):
            picked = torch.from_numpy(order[start : start + settings["batch"]])
            view = torch.from_numpy(draw.integers(0, len(standard), len(picked)))
            given = standard[view, picked]
            vectors = head(given + settings["noise"] * torch.randn_like(given))
            among_all, among_source = (classifier(vectors, labels[picked], mask[picked]) for mask in masks)
            optimiser.zero_grad(set_to_none=True)
            ((1 - share) * among_all + share * among_source).backward()
            optimiser.step()
            rate.step()
    return head.eval()


@torch.no_grad()
def vectors_of(head: Head, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit vectors (n, d) as the program makes them, from features (2, n, 6080) of crops and their mirror images."""
    straight, mirrored = (head(head.standardise(torch.from_numpy(np.asarray(view)))).numpy() for view in features)
    mean = straight + mirrored
    return np.asarray(mean / np.linalg.norm(mean, axis=1, keepdims=True), np.float32)


def train(recipe: Recipe, names: Sequence[str]) -> None:
    """Train and keep the heads of the named folds, and the vectors of all pictures by each."""
    pictures = read_index(recipe.path("pictures.jsonl"))
    features = np.load(recipe.path("features.npy"))
    known = {fold.name: fold.known for fold in folds_of(recipe, pictures)} | {ALL: tuple(range(len(pictures)))}
    for name in names or known:
        began = time.monotonic()
        head = train_head(recipe, pictures, known[name], features)
        torch.save(head.state_dict(), recipe.path(f"head-{name}.pt"))
        np.save(recipe.path(f"vectors-{name}.npy"), vectors_of(head, features[:2]))
        print(f"{name}: {len(known[name])} pictures, {time.monotonic() - began:.0f} s", flush=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("fold", nargs="*")
    arguments = parser.parse_args()
    train(load_recipe(arguments.recipe), arguments.fold)


if __name__ == "__main__":
    main()
