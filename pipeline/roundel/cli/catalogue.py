"""Verbs on the equipment catalogue: ``catalogue show``, ``search``, ``check`` and ``import``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roundel.cli.output import JsonOption, QuietOption, fail, number, print_json, results, say, visible
from roundel.errors import EXIT_OK, EXIT_SOME_FAILED, EXIT_USAGE

if TYPE_CHECKING:
    from roundel.catalogue import Catalogue
    from roundel.catalogue.sipri import Export

app = typer.Typer(help="Facts about types of equipment, each with its source.", no_args_is_help=True)

MOST_LISTED = 20  # designations that are listed; --json lists all
VIEWS = {"any": "from any side", "close": "close by", "top": "from above"}
SEPARABLE = {
    "usually": "usually separable in video",
    "close_view_only": "separable in a close view only",
    "no": "not separable in video",
    "unknown": "whether they can be separated in video is not known",
}
TITLES = {"wikidata": "Wikidata", "icao_8643": "ICAO 8643", "mil_std_2525d": "MIL-STD-2525D", "unroca": "UNROCA"}

CaseOption = Annotated[Path | None, typer.Option("--case", help="Use the deliveries imported into this case as well.")]


def _loaded(case: Path | None) -> Catalogue:
    from roundel import case as cases
    from roundel.catalogue import load

    return load(imported=cases.imported_rows(cases.require(case)) if case is not None else ())


@app.command("show")
def show(
    node: Annotated[str, typer.Argument(metavar="ID", help="Type or class, such as mig-21.", show_default=False)],
    recipient: Annotated[str | None, typer.Option(help="Deliveries to this state only: name or code.")] = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Print what is known of a type, with the source of each fact. What has no good source is left out.

    Example: **roundel catalogue show mig-21**
    """
    from roundel.catalogue.profile import profile

    catalogue = _loaded(case)
    found = profile(catalogue, node.casefold(), catalogue.state_code(recipient) if recipient else None)
    if as_json:
        print_json(found)
    else:
        for line in _lines(found):
            results.print(visible(line))
    return EXIT_OK


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    """A profile as text."""
    yield f"{found['title']} ({found['id']})"
    for item in found["names"]:
        where = "also called" if item["in"] == "en" else f"in {item['in']}"
        if others := [name for name in item["names"] if name != found["title"]]:
            yield f"  {where}: {', '.join(others)}"
    yield from (f"  NATO name: {_fact(item)}" for item in found["nato_name"])
    yield f"  class: {' < '.join(item['title'] for item in found['lineage'])}"
    if found["kind"] == "type":
        yield from _facts("design origin", found["design_origin"], basis=True)
    yield from _facts("designer or maker", found["designer"], basis=True)
    yield from (f"  {item['what'].replace('_', ' ')}: {_fact(item)}" for item in found["dates"])
    yield from _facts("made in", found["produced_in"])
    yield from _facts("derived from", found["derived_from"], basis=True)
    for item in found["identifiers"]:
        shared = f"; also that of {', '.join(item['shared_with'])}" if item["shared_with"] else ""
        yield f"  {TITLES[item['what']]}: {item['value']}{shared} [{item['sources']}]"
    if found["types"]:
        yield f"  types: {', '.join(found['types'])}"
    yield from _rows(found)
    yield from _lookalikes(found["lookalikes"])
    if found["kind"] == "type":
        yield from _look_at(found)
    if found["sources"]:
        yield "Sources"
        yield from (f"  {code}: {text}" for code, text in found["sources"].items())


def _facts(title: str, facts: Iterable[Mapping[str, Any]], *, basis: bool = False) -> Iterator[str]:
    """Facts of one kind; those that are missing are said to be."""
    items = list(facts)
    for item in items:
        yield f"  {title}: {_fact(item, basis=basis)}"
    if not items and title == "design origin":
        yield f"  {title}: not given, since no source better than tier D states it"


def _fact(item: Mapping[str, Any], *, basis: bool = False) -> str:
    notes = [*item["notes"], *([item["basis"]] if basis else [])]
    said = f" ({', '.join(notes)})" if notes else ""
    return f"{item.get('title', item['value'])}{said} [{item['sources']}]"


def _rows(found: Mapping[str, Any]) -> Iterator[str]:
    """Deliveries, captures and holdings."""
    if found["deliveries"]:
        yield "Deliveries that the catalogue has; there may be others"
        if found["notice"]:
            yield f"  {found['notice']}"
    for row in found["deliveries"]:
        yield f"  {row['years']}, to {row['recipient']}: {row['number']} {row['designation']} from {_tail(row)}"
    for title, verb in (("captures", "captured"), ("holdings", "held")):
        for row in found[title]:
            by = f"by {row['recipient']}" + (f" from {row['supplier']}" if row["supplier"] else "")
            yield f"  {verb} {row['years']} {by}: {row['number']}: {_tail({**row, 'supplier': row['designation']})}"


def _tail(row: Mapping[str, Any]) -> str:
    """The supplier with what the source adds."""
    notes = [row["condition"], *row["notes"], "the source is unsure" if row["hedged"] else ""]
    said = ", ".join(note for note in notes if note and note != "captured")
    return f"{row['supplier']}{f' ({said})' if said else ''} [{row['sources']}]"


def _lookalikes(found: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    items = list(found)
    if items:
        yield "Easily taken for it"
    for item in items:
        source = f" [{item['sources']}]" if item["sources"] else ""
        yield f"  {item['title']} ({item['id']}): {item['note'] or SEPARABLE[item['separable_in_video']]}{source}"
        for part in item["features"]:
            view = VIEWS.get(part["view"], f"from the {part['view']}")
            faked = f"; beware: {part['faked_or_lost']}" if part["faked_or_lost"] else ""
            shows = f"here {part['this']}, there {part['other']}{faked}"
            yield f"    {part['part']}, seen {view}: {shows} [{part['sources']}]"


def _look_at(found: Mapping[str, Any]) -> Iterator[str]:
    yield "What to look at"
    for clue in found["look_at"]:
        yield f"  {clue['part']}: {clue['text']} [{clue['sources']}]"
    for item in found["lookalikes"]:
        for part in item["features"]:
            yield f"  {part['part']}: tells it from {item['title']}"
    if not found["look_at"] and not any(item["features"] for item in found["lookalikes"]):
        yield "  no part by which it can be told is sourced"


@app.command("search")
def search(
    text: Annotated[str, typer.Argument(help="Name, NATO name or id, or a part of it.", show_default=False)],
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Find types and classes by any of their names.

    Example: **roundel catalogue search fishbed**
    """
    catalogue = _loaded(None)
    found = [
        {
            "id": node,
            "title": catalogue.node_title(node),
            "class": [catalogue.node_title(above) for above in catalogue.lineage(node)[1:2]],
        }
        for node in catalogue.find(text)
    ]
    if as_json:
        print_json(found)
    else:
        for item in found:
            results.print(
                f"[bold]{visible(str(item['id']))}[/]  {visible(str(item['title']))}, {', '.join(item['class'])}"
            )
        if not found:
            say(f"Nothing in the catalogue is called {text!r}.", quiet)
    return EXIT_OK


@app.command("check")
def check(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of a catalogue; none: the shipped one.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Check the files of a catalogue: every fact sourced, every reference found, every pair on both sides.

    Example: **roundel catalogue check**
    """
    from roundel.catalogue import checking, reading
    from roundel.catalogue.loading import SHIPPED

    place = folder or SHIPPED
    found = list(checking.problems(place))
    if as_json:
        print_json({"ok": not found, "problems": found, "types": len(reading.type_files(place))})
    else:
        for line in found:
            results.print(visible(line))
        if found:
            fail(f"{number(len(found), 'problem')} in {place}; correct the files and check again")
        else:
            results.print(f"{number(len(reading.type_files(place)), 'type')}: no problem found.")
    return EXIT_USAGE if found else EXIT_OK


@app.command("import")
def import_rows(
    file: Annotated[
        Path, typer.Argument(help="Your own export of the SIPRI trade register (CSV).", show_default=False)
    ],
    case: Annotated[Path, typer.Option("--case", help="Case that is to hold the deliveries.", show_default=False)],
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Read deliveries from your own export of the SIPRI trade register into a case. Claims in that case can use them.

    Example: **roundel catalogue import trade-register.csv --case raqqa**

    Both layouts of the export are understood. Rows replace those of the same deals from earlier imports. Designations
    that match no type are kept and listed.
    """
    from roundel import case as cases
    from roundel.catalogue import load, sipri

    cases.imported_rows(cases.require(case))
    export = sipri.read_export(file, load())
    target = case / cases.CATALOGUE_ROWS
    total = sipri.write(export, file.name, target, case / cases.CATALOGUE_NOTICE)
    cases.note_import(
        case, {"file": file.name, "file_sha256": export.sha256, "layout": export.layout, "rows": len(export.rows)}
    )
    if as_json:
        print_json(_imported(export, target, total))
    else:
        for line in _summary(export, target, total):
            say(line, quiet)
    for line in export.unreadable:
        fail(line)
    return EXIT_SOME_FAILED if export.unreadable else EXIT_OK


def _imported(export: Export, target: Path, total: int) -> dict[str, Any]:
    return {
        "rows": len(export.rows),
        "matched": sum(bool(row.type) for row in export.rows),
        "total": total,
        "file": str(target),
        "layout": export.layout,
        "encoding": export.encoding,
        "export_sha256": export.sha256,
        "by_stem": export.by_stem,
        "unmatched": export.unmatched,
        "unlisted_states": export.unlisted,
        "unreadable": export.unreadable,
    }


def _summary(export: Export, target: Path, total: int) -> Iterator[str]:
    matched = sum(bool(row.type) for row in export.rows)
    yield (
        f"{number(len(export.rows), 'delivery').replace('deliverys', 'deliveries')} read ({export.layout} layout, "
        f"{export.encoding}), {matched} of types that the catalogue has; {total} in {target}."
    )
    if export.by_stem:
        pairs = [f"{designation} as {type_id}" for designation, type_id in export.by_stem.items()]
        yield f"By the stem of the designation, which you should check: {_some(pairs)}"
    if export.unmatched:
        yield f"Kept without a type: {_some(list(export.unmatched))}"
    if export.unlisted:
        yield f"Kept under a name that is no state of the catalogue: {_some(list(export.unlisted))}"
    yield "(c) SIPRI; fair use only: see the notice beside the file."


def _some(items: list[str]) -> str:
    rest = len(items) - MOST_LISTED
    return ", ".join(items[:MOST_LISTED]) + (f" and {rest} more (--json lists all)" if rest > 0 else "")
