"""Step 7: write the card from the metrics and a template.

python -m training.types.card models/training/types.toml
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from string import Template
from typing import Any

from training.recipe import PROJECT, Recipe, load_recipe
from training.types.pictures import read_index

TEMPLATE = Path(__file__).with_name("card.md.template")
DASH = "–"


def percent(value: float | None) -> str:
    """A share as a whole percentage.

    >>> percent(0.256), percent(None)
    ('26 %', '–')
    """
    return DASH if value is None else f"{100 * value:.0f} %"


def table(head: list[str], rows: list[list[object]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def splits(content: dict[str, Any]) -> str:
    """The figures of each fold and class."""
    rows: list[list[object]] = []
    for arena in content["calibration"]:
        for fold in content[arena]["folds"]:
            present, absent = fold.get("present") or {}, fold["absent"]
            rows.append(
                [
                    arena,
                    fold["fold"],
                    present.get("pictures", 0),
                    *(percent(present.get(key)) for key in ("top1", "top3", "family_top1", "credible_holds_truth")),
                    present.get("credible_size", DASH),
                    percent((fold.get("variant") or {}).get("family_top1")),
                    f"{absent['pictures']} ({absent['types']})",
                    percent(absent["other_is_likeliest"]),
                    DASH if absent["auroc_of_other"] is None else f"{absent['auroc_of_other']:.2f}",
                    f"{fold['ece']:.3f}",
                ]
            )
    head = ["class", "left out", "present", "top-1", "top-3", "family", "90 % set holds truth", "its size"]
    return table([*head, "variants: family", "absent (types)", "other is likeliest", "AUROC of other", "ECE"], rows)


def naming(content: dict[str, Any]) -> str:
    """How often a name is given and right, by threshold."""
    rows: list[list[object]] = [
        [arena, level, f"{row['threshold']:.1f}", row["pictures"], row["named"], row["right"]]
        for arena in content["calibration"]
        for level in ("type", "family")
        for row in content[arena]["named"][level]
    ]
    return table(["class", "level", "threshold", "left-out pictures", "named", "of these right"], rows)


def sources(recipe: Recipe) -> str:
    """The sources with licences and numbers."""
    pictures = read_index(recipe.path("pictures.jsonl"))
    count = Counter((item.source, item.licence) for item in pictures)
    held = {source: sorted({item.type for item in pictures if item.source == source}) for source, _ in count}
    rows: list[list[object]] = [
        [source, licence, number, ", ".join(held[source]) if len(held[source]) < 12 else f"{len(held[source])} types"]
        for (source, licence), number in sorted(count.items())
    ]
    return table(["source", "licence", "pictures", "types"], rows)


def card(recipe: Recipe) -> str:
    """The text of the card."""
    name = recipe.settings["export"]["name"]
    content = json.loads((PROJECT / "models" / "cards" / f"{name}.metrics.json").read_text(encoding="utf-8"))
    size = content["size"]
    values = {
        "name": name,
        "file": content["network"]["file"],
        "sha256": content["network"]["sha256"],
        "gallery": content["gallery"]["file"],
        "gallery_sha256": content["gallery"]["sha256"],
        "pictures": content["pictures"],
        "boxed": content["boxed"],
        "groups": content["groups"],
        "start_sha256": recipe.settings["network"]["start_sha256"],
        "sources": sources(recipe),
        "splits": splits(content),
        "naming": naming(content),
        "calibration": table(
            ["class", "temperature", "other", "spread evenly", "groups it rests on", "sources"],
            [
                [k, v["temperature"], v["other"], f"{v['uniform']:.2f}", v["groups"], v["sources"]]
                for k, v in content["calibration"].items()
            ],
        ),
        "size": table(
            ["longest side, px", "still right"],
            [[px, percent(v)] for px, v in zip(size["measured_px"], size["still_right"], strict=True)],
        ),
        "imagenet": table(
            ["true class", "pictures", "opinions of at least 0.6", "of these right"],
            [[k, v["pictures"], v["opinions"], v["right"]] for k, v in content["imagenet"].items()],
        ),
        "size_pictures": recipe.settings["calibrate"]["size_pictures"],
        "least_px": size["least_px"],
        "half_px": size["half_px"],
    }
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(values)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    recipe = load_recipe(parser.parse_args().recipe)
    target = PROJECT / "models" / "cards" / f"{recipe.settings['export']['name']}.md"
    target.write_text(card(recipe), encoding="utf-8")
    print(target.name)


if __name__ == "__main__":
    main()
