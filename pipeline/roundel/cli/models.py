"""Verbs on weights: ``models list``, ``models add`` and ``models verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import roundel_models
from roundel.cli.output import JsonOption, QuietOption, number, print_json, results, say, visible
from roundel.detect import weights
from roundel.detect.admission import admit
from roundel.errors import EXIT_INTEGRITY, EXIT_OK, WeightsError
from roundel.identify import shipped_file

MOST_NAMES = 20  # ignored classes that are listed; --json lists all
TYPE_FILES = ("network", "gallery")

app = typer.Typer(help="List, add and check weights.", no_args_is_help=True)


@app.command("list")
def list_models(as_json: JsonOption = False, quiet: QuietOption = False) -> int:
    """List the weights that can be given to --model, and the files that types are told by.

    Example: **roundel models list**
    """
    found = {
        name: {
            "path": str(item.path),
            "sha256": item.sha256,
            "licence": item.licence,
            "origin": item.origin,
            "use": "detector",
        }
        for name, item in weights.registered().items()
    }
    found |= _type_files()
    if as_json:
        print_json(found)
    else:
        for name, item in found.items():
            use = "" if item["use"] == "detector" else f"{item['use']}, "
            licence = visible(item["licence"] or "licence of each photo: in the file")
            results.print(f"[bold]{visible(name)}[/]  {use}{item['origin']}, {licence}, {item['sha256']}")
            results.print(f"  {visible(item['path'])}")
    return EXIT_OK


def _type_files() -> dict[str, dict[str, Any]]:
    """The shipped type network and gallery, as they are listed."""
    data = roundel_models.identify()
    return {
        Path(data[table]["file"]).name: {
            "path": str(roundel_models.ROOT / data[table]["file"]),
            "sha256": data[table]["sha256"],
            "licence": data[table].get("licence"),
            "origin": "shipped",
            "use": f"type {table}",
        }
        for table in TYPE_FILES
    }


@app.command("add")
def add_model(
    file: Annotated[Path, typer.Argument(help="Weights: .onnx or .pt.", show_default=False)],
    classes: Annotated[
        str | None,
        typer.Option(
            help="YAML or TOML file that maps the weights' classes to the class tree, or a shipped mapping: "
            f"{', '.join(roundel_models.mappings())}.",
            show_default=False,
        ),
    ] = None,
    licence: Annotated[str, typer.Option(help="What may be done with the weights.")] = "not stated",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Register weights of your own. They are copied, hashed and checked every time they are loaded.

    Example: **roundel models add tanks.pt --classes tanks.yaml**

    The mapping: lines such as Tank: armoured_vehicle; classes that it leaves out, or maps to ignore, are never boxes.
    """
    admitted = admit(file, classes, licence)
    added = admitted.weights
    if as_json:
        print_json(
            {
                "name": added.name,
                "path": str(added.path),
                "sha256": added.sha256,
                "used": dict(admitted.used),
                "ignored": list(admitted.ignored),
            }
        )
    else:
        by_node: dict[str, list[str]] = {}
        for name, node in admitted.used.items():
            by_node.setdefault(node, []).append(name)
        for node, names in by_node.items():
            say(f"{node}: {', '.join(names)}", quiet)
        if admitted.ignored:
            rest = len(admitted.ignored) - MOST_NAMES
            listed = ", ".join(admitted.ignored[:MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")
            say(f"ignored: {listed}", quiet)
        say(
            f"Added {added.name} ({added.sha256}). Use it with: roundel analyze VIDEO --case CASE --model {added.name}",
            quiet,
        )
    return EXIT_OK


@app.command("verify")
def verify_models(as_json: JsonOption = False, quiet: QuietOption = False) -> int:
    """Compare all weights, the type network and its gallery with their recorded hashes.

    Example: **roundel models verify**
    """
    problems = {}
    for name, item in weights.registered().items():
        try:
            weights.check(item)
        except WeightsError as error:
            problems[name] = str(error)
    for table in TYPE_FILES:
        try:
            shipped_file(table)
        except WeightsError as error:
            problems[Path(roundel_models.identify()[table]["file"]).name] = str(error)
    if as_json:
        print_json({"ok": not problems, "problems": problems})
    else:
        for text in problems.values():
            results.print(visible(text))
        if not problems:
            files = number(len(weights.registered()), "weights file")
            results.print(f"{files}, the type network and its gallery unchanged since registration.")
    return EXIT_INTEGRITY if problems else EXIT_OK
