"""Verbs on weights: ``models list``, ``models add`` and ``models verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import roundel_models
from roundel.cli.output import JsonOption, QuietOption, number, print_json, results, say, visible
from roundel.detect import weights
from roundel.detect.admission import admit
from roundel.errors import EXIT_INTEGRITY, EXIT_OK, WeightsError

MOST_NAMES = 20  # ignored classes that are listed; --json lists all

app = typer.Typer(help="List, add and check weights.", no_args_is_help=True)


@app.command("list")
def list_models(as_json: JsonOption = False, quiet: QuietOption = False) -> int:
    """List the weights that can be given to --model.

    Example: **roundel models list**
    """
    found = weights.registered()
    if as_json:
        print_json(
            {
                name: {"path": str(item.path), "sha256": item.sha256, "licence": item.licence, "origin": item.origin}
                for name, item in found.items()
            }
        )
    else:
        for name, item in found.items():
            results.print(f"[bold]{visible(name)}[/]  {item.origin}, {visible(item.licence)}, {item.sha256}")
            results.print(f"  {visible(str(item.path))}")
    return EXIT_OK


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
    """Compare all weights with their recorded hashes.

    Example: **roundel models verify**
    """
    problems = {}
    for name, item in weights.registered().items():
        try:
            weights.check(item)
        except WeightsError as error:
            problems[name] = str(error)
    if as_json:
        print_json({"ok": not problems, "problems": problems})
    else:
        for text in problems.values():
            results.print(visible(text))
        if not problems:
            results.print(f"{number(len(weights.registered()), 'weights file')} unchanged since registration.")
    return EXIT_INTEGRITY if problems else EXIT_OK
