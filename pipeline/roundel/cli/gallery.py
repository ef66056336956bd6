"""Verbs on galleries of types: ``gallery add``, ``gallery remove`` and ``gallery list``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roundel.cli.output import JsonOption, QuietOption, fail, number, print_json, results, say, visible
from roundel.errors import EXIT_OK, EXIT_SOME_FAILED, UsageError

if TYPE_CHECKING:
    from roundel.identify.adding import Confusion, Outcome
    from roundel.identify.gallery import Gallery, TypeNode

app = typer.Typer(help="Add photos of types that can then be named, and list what is known.", no_args_is_help=True)

WRONG = ("refused", "unreadable")
WAITING = "Another roundel is changing this gallery; waiting."

CaseOption = Annotated[
    Path | None, typer.Option("--case", help="Keep them in this case instead of in your own gallery.")
]


@app.command("add")
def add_type(
    type_id: Annotated[
        str, typer.Argument(metavar="TYPE", help="Type, such as mig-23; small letters.", show_default=False)
    ],
    photos: Annotated[list[Path], typer.Argument(help="Photos that show it.", show_default=False)],
    title: Annotated[str | None, typer.Option(help="How reports call a new type.")] = None,
    parent: Annotated[str | None, typer.Option(help="Family or class of a new type, such as combat_aircraft.")] = None,
    source: Annotated[str, typer.Option(help="Where the photos come from.")] = "not stated",
    licence: Annotated[str, typer.Option(help="What may be done with the photos.")] = "not stated",
    whole: Annotated[bool, typer.Option("--whole", help="Take the whole picture; look for no object in it.")] = False,
    case: CaseOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Add photos of a type. The next analysis can name it. The photos are not copied: hash, source and vector are kept.

    Example: **roundel gallery add mig-23 one.jpg two.jpg three.jpg --title MiG-23 --parent combat_aircraft**
    """
    from roundel.identify import gallery as galleries

    for text in (source, licence):
        if not text.isprintable() or not 0 < len(text) <= galleries.MOST_TEXT:
            raise UsageError(f"--source and --licence take up to {galleries.MOST_TEXT} printable characters")
    folder = _folder(case)

    def show(outcome: Outcome) -> None:
        if outcome.status in WRONG:
            fail(outcome.message)
        elif not as_json:
            say(outcome.message, quiet)

    with galleries.alone(folder, lambda: say(WAITING, quiet)):
        outcomes, found = _add(folder, case, (type_id, title, parent), (source, licence), photos, whole, show)
    _report(outcomes, found, type_id, folder, as_json, quiet)
    return EXIT_SOME_FAILED if any(outcome.status in WRONG for outcome in outcomes) else EXIT_OK


def _add(
    folder: Path,
    case: Path | None,
    kind: tuple[str, str | None, str | None],
    origin: tuple[str, str],
    photos: list[Path],
    whole: bool,
    show: Callable[[Outcome], None],
) -> tuple[list[Outcome], Confusion | None]:
    """Add photos of a type (name, title, parent) to the gallery in a folder; no confusion if none was added.

    Refusals are shown as they come, what was added only once it is written.
    """
    from roundel import specialists
    from roundel.config import load
    from roundel.detect import load_detector
    from roundel.identify import adding
    from roundel.identify import gallery as galleries

    type_id, title, parent = kind
    opened = specialists.open_galleries(case)
    own, types = opened.own, {**opened.types, **adding.new_type(type_id, title, parent, opened.types)}
    finder = None if whole else load_detector(load().detector).detector
    node = galleries.class_of(type_id, types)
    adder = adding.Adding(type_id, node, origin, opened.owner, opened.all, finder, opened.embedder)
    outcomes = []
    for outcome in adder.photos(photos):
        outcomes.append(outcome)
        if outcome.photo is None:
            show(outcome)
    fresh = tuple(outcome.photo for outcome in outcomes if outcome.photo is not None)
    if not fresh:
        return outcomes, None
    kept = {**own.types, **galleries.needed_types(type_id, types)}
    galleries.write(galleries.Gallery(own.network_sha256, kept, (*own.photos, *fresh)), folder / galleries.FILE)
    _log(case, folder / galleries.FILE, {"type": type_id, "photos": len(fresh)})
    for outcome in outcomes:
        if outcome.photo is not None:
            show(outcome)
    everything = {(photo.type, photo.sha256): photo for photo in (*opened.merged.photos, *fresh)}
    merged = galleries.Gallery(own.network_sha256, {}, tuple(everything.values()))
    return outcomes, adding.confusion(type_id, merged, types)


@app.command("remove")
def remove_photos(
    type_id: Annotated[str, typer.Argument(metavar="TYPE", help="Type, such as mig-23.", show_default=False)],
    hashes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SHA256]...",
            help="Hashes of photos, or their first digits; none: the whole type.",
            show_default=False,
        ),
    ] = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Remove photos of a type, or a whole type, from your own gallery or a case's. What is shipped stays.

    Example: **roundel gallery remove mig-23**
    """
    from roundel.identify import adding
    from roundel.identify import gallery as galleries

    folder = _folder(case)
    file = folder / galleries.FILE
    if not file.is_file():
        raise UsageError(f"{file}: is no gallery, so there is nothing to remove; see roundel gallery list")
    with galleries.alone(folder, lambda: say(WAITING, quiet)):
        left, gone = adding.without(galleries.read(file), type_id, hashes or [])
        galleries.write(left, file)
        _log(case, file, {"type": type_id, "removed": list(gone)})
    photos_left = sum(photo.type == type_id for photo in left.photos)
    if as_json:
        print_json({"type": type_id, "gallery": str(folder), "removed": list(gone), "photos_left": photos_left})
    else:
        say(f"{type_id}: {number(len(gone), 'photo')} removed from {folder}; {photos_left} left there.", quiet)
    return EXIT_OK


def _folder(case: Path | None) -> Path:
    from roundel import specialists
    from roundel.case import require

    return specialists.user_gallery() if case is None else specialists.case_gallery(require(case))


def _log(case: Path | None, file: Path, details: dict[str, object]) -> None:
    if case is not None:
        from roundel import case as cases

        cases.note_gallery(case, file, details)


def _rows(outcomes: list[Outcome]) -> list[dict[str, Any]]:
    return [
        {
            "path": str(item.path),
            "status": item.status,
            "sha256": item.sha256,
            "object_found": item.boxed,
            "message": item.message,
        }
        for item in outcomes
    ]


def _report(
    outcomes: list[Outcome], found: Confusion | None, type_id: str, folder: Path, as_json: bool, quiet: bool
) -> None:
    from roundel.identify.adding import FEW

    judged = None if found is None or found.photos < 2 else found
    if as_json:
        print_json(
            {
                "type": type_id,
                "gallery": str(folder),
                "photos": _rows(outcomes),
                "leave_one_out": judged
                and {
                    "photos": judged.photos,
                    "own_type_nearest": judged.own_nearest,
                    "taken_for": dict(judged.others),
                },
                "too_few": None if found is None else found.photos < FEW,
            }
        )
        return
    if found is None:
        say(f"No photo was added to {folder}.", quiet)
        return
    say(f"{type_id}: {number(found.photos, 'photo')} in all, in {folder}. The next analysis uses them.", quiet)
    if judged is None:
        say("Whether the photos are told from other types can be judged from two photos on.", quiet)
    else:
        taken = ", ".join(f"{name} ({times})" for name, times in judged.others)
        say(
            f"Each photo judged by the others: {judged.own_nearest} of {judged.photos} are nearest to {type_id}"
            + (f"; taken for: {taken}." if taken else "."),
            quiet,
        )
    if found.photos < FEW:
        say(f"Warning: fewer than {FEW} photos are too few to name {type_id} alone; add more.", quiet)


@app.command("list")
def list_types(case: CaseOption = None, as_json: JsonOption = False, quiet: QuietOption = False) -> int:
    """List the types that can be named, with the number of photos and their sources.

    Example: **roundel gallery list --case CASE**
    """
    from roundel import specialists

    _folder(case)
    opened = specialists.open_galleries(case)
    found = _described(opened.merged, opened.types)
    if as_json:
        print_json(found)
    else:
        for name, entry in found.items():
            sources = ", ".join(f"{visible(source)} {times}" for source, times in entry["sources"].items())
            photos = number(entry["photos"], "photo")
            results.print(
                f"[bold]{visible(name)}[/]  {visible(entry['title'])}, {entry['parent']}: {photos} ({sources})"
            )
    return EXIT_OK


def _described(everything: Gallery, types: Mapping[str, TypeNode]) -> dict[str, dict[str, Any]]:
    names = sorted({photo.type for photo in everything.photos})
    return {
        name: {
            "title": types[name].title,
            "parent": types[name].parent,
            "photos": sum(photo.type == name for photo in everything.photos),
            "sources": dict(sorted(Counter(photo.source for photo in everything.photos if photo.type == name).items())),
        }
        for name in names
    }
