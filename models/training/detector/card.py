"""Step 7: write the card of the shipped detector from the measured figures.

    python -m training.detector.card models/training/detector.toml

Every number comes from ``models/cards/NAME.*.json``, the registry or the index of pictures; the words are in
``card.md.j2``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import jinja2

import roundel_models
from training.detector.evaluate import CARDS, table
from training.detector.pictures import read_index
from training.recipe import SHARED, Recipe, load_recipe

FIRST = "hardware-v0"
BASE = Path(__file__).parents[1] / "detector-base.toml"
CLEAR = Path(__file__).parents[1] / "detector-clear.toml"
LICENCES = {
    "GryllsGYS": ("GryllsGYS/Drone-detection-dataset", "CC0"),
    "missiles": ("JirathiwatSun/missile-detection-static-main", "CC BY 4.0"),
    "gopichand": ("gopichand7202/ship_dataset2", "CC BY 4.0"),
    "burakkurt": ("burakkurt07 aircraft set", "Apache-2.0"),
    "DynBnt": ("DynBnt/DeepLearningFighterJets", "none stated"),
    "obulka26": ("obulka26/tank-detector", "mixed, unclear per picture"),
    "drawn streets": ("streets drawn by detector/streets.py", "AGPL-3.0-or-later"),
    "adapt:uav_samuel": ("uav_samuel, half", "none stated"),
    "adapt:ships_typesofships": ("ships_typesofships, half", "CC BY 4.0"),
}
# AP50 as stated with the training data for models whose weights are not part of it.
STATED = {
    "armour, 85 leak-free pictures": ("–", "0.82"),
    "fixed wing": ("0.75", "0.43"),
    "drones": ("0.26", "0.48 as any aircraft"),
    "any ship": ("0.30", "–"),
}


def _json(name: str) -> dict[str, Any]:
    path = CARDS / name
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def _ap50(metrics: dict[str, Any], title: str) -> str:
    row = metrics["cross_source"].get(title) if metrics else None
    return f"{row['ap50'][0]:.3f}" if row else "–"


def _clear_training() -> str:
    settings = load_recipe(CLEAR).settings["train"]
    return f"{settings['end']} steps of {settings['batch']} pictures from the COCO tensors"


def _clear_rows(metrics: dict[str, Any], clear: dict[str, Any]) -> list[dict[str, str]]:
    titles = ("fixed wing", "drones", "any ship", "warship", "armour, 85 leak-free pictures")
    rows = [{"title": title, "full": _ap50(metrics, title), "cleared": _ap50(clear, title)} for title in titles]
    both = [f"{item['in_source']['test']['armoured_vehicle']['ap50'][0]:.3f}" for item in (metrics, clear)]
    return [*rows, {"title": "armour, test pictures of obulka26", "full": both[0], "cleared": both[1]}]


def context(recipe: Recipe) -> dict[str, Any]:
    """What the template shows."""
    name = recipe.settings["export"]["name"]
    metrics, first = _json(f"{name}.metrics.json"), _json(f"{FIRST}.metrics.json")
    clear = _json(f"{name}-clear.metrics.json")
    pictures = read_index(recipe.path("pictures.jsonl"))
    trained = [item for item in pictures if item.split == "train"]
    base = load_recipe(BASE).settings["train"]
    start = SHARED / base["start"].removeprefix("shared:")
    entry = roundel_models.registry()[name]
    titles = list(metrics["cross_source"])
    return {
        "name": name,
        "entry": entry,
        "bytes": (roundel_models.ROOT / entry["file"]).stat().st_size,
        "start_sha256": hashlib.sha256(start.read_bytes()).hexdigest(),
        "steps": recipe.settings["train"]["end"],
        "base_steps": base["end"],
        "batch": base["batch"],
        "seed": recipe.settings["seed"],
        "pictures": Counter(item.split for item in pictures),
        "sources": [
            {"source": LICENCES[source][0], "licence": LICENCES[source][1], "pictures": count}
            for source, count in Counter(item.source for item in trained).most_common()
        ],
        "unclear": sum(not item.clear_licence for item in trained),
        "metrics": metrics,
        "tables": table(metrics),
        "rivals": [
            {
                "title": title,
                "now": _ap50(metrics, title),
                "first": _ap50(first, title),
                "coco": STATED.get(title, ("–", "–"))[0],
                "student": STATED.get(title, ("–", "–"))[1],
            }
            for title in titles
        ],
        "other_suppression": ", ".join(
            f"{value:.3f} on {title}" for title, value in metrics["ap50_suppressed_by_class"].items()
        ),
        "calibration": _json(f"{name}.calibration.json"),
        "int8": _json(f"{name}.int8.json"),
        "clear": clear,
        "clear_training": _clear_training(),
        "clear_rows": _clear_rows(metrics, clear) if clear else [],
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    recipe = load_recipe(parser.parse_args().recipe)
    environment = jinja2.Environment(  # noqa: S701 - Markdown, not HTML; nothing in it comes from outside
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    target = CARDS / f"{recipe.settings['export']['name']}.md"
    target.write_text(environment.get_template("card.md.j2").render(context(recipe)), encoding="utf-8")
    print(target)


if __name__ == "__main__":
    main()
