"""The verb ``search``: sightings that look like a picture, and words that were read or that files came with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from roundel import words
from roundel.cli.cases import PageOption, PagePreviewsOption, Previews
from roundel.cli.output import JsonOption, QuietOption, fail, messages, number, print_json, results, say, visible
from roundel.errors import EXIT_OK, UsageError

if TYPE_CHECKING:
    from roundel.search.likeness import OnCase, Ranked
    from roundel.search.model import Alike, Filters, Found, Place
    from roundel.search.query import Query


def search(
    case: Annotated[list[Path], typer.Option("--case", help="Folder of a case; may be given several times.")],
    image: Annotated[
        Path | None, typer.Option("--image", help="Picture of an object: sightings that look like it.")
    ] = None,
    text: Annotated[
        str | None,
        typer.Option("--text", help="Words read in pictures, or of file names; ? is one character, * any number."),
    ] = None,
    node: Annotated[
        str | None, typer.Option("--class", help="Only sightings of this class, such as armoured_vehicle.")
    ] = None,
    since: Annotated[float | None, typer.Option("--from", help="Only from this second of a video on.")] = None,
    until: Annotated[float | None, typer.Option("--to", help="Only up to this second of a video.")] = None,
    limit: Annotated[int, typer.Option(help="Most results.")] = 20,
    whole: Annotated[
        bool, typer.Option("--whole", help="Compare the whole picture; look for no object in it.")
    ] = False,
    page: PageOption = None,
    previews: PagePreviewsOption = Previews.VEILED,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Find sightings that look like a picture, or words read in the footage of cases. Nothing leaves this machine.

    Example: **roundel search --image turret.jpg --case raqqa --page turret.html**
    """
    from roundel.report.search import check_page
    from roundel.search.model import Filters

    if (image is None) == (text is None):
        raise UsageError("give either --image FILE or --text WORDS")
    if whole and image is None:
        raise UsageError("--whole: belongs to --image")
    if page is not None:
        check_page(page)
    folders = list({folder.absolute(): folder for folder in case}.values())
    filters = Filters(node, since, until, limit)
    if image is not None:
        _by_picture(image, whole, folders, filters, page, previews, as_json, quiet)
    else:
        assert text is not None
        _by_words(text, folders, filters, page, previews, as_json, quiet)
    return EXIT_OK


def _by_picture(
    image: Path,
    whole: bool,
    folders: list[Path],
    filters: Filters,
    page: Path | None,
    previews: Previews,
    as_json: bool,
    quiet: bool,
) -> None:
    from roundel.case import require
    from roundel.config import load
    from roundel.detect import load_detector
    from roundel.identify import shipped_embedder, shipped_embedder_name
    from roundel.report.search import picture_page, write_page
    from roundel.search.likeness import MEASURED, alike
    from roundel.search.model import CAUTION
    from roundel.search.query import read_query
    from roundel.search.vectors import Network

    for folder in folders:
        require(folder)
    query = read_query(image, None if whole else load_detector(load().detector).detector)
    hint = "; --whole compares the whole picture" if query.box is not None else ""
    say(f"{image.name}: {query.how}{hint}.", quiet)
    with _progress(quiet) as on_case:
        ranked = alike(folders, query.picture, Network(shipped_embedder_name(), shipped_embedder()), filters, on_case)
    for path in ranked.unreadable:
        fail(f"{path}: is no picture that can be decoded, so it was not compared; run roundel verify")
    if page is not None:
        write_page(picture_page(query, ranked, folders, filters), page, previews.value)
    if as_json:
        print_json({**_ranked(query, ranked, page), "left_out": _left_out(folders)})
        return
    for number_, hit in enumerate(ranked.hits, start=1):
        results.print(f"{number_:3d}  {hit.similarity:.3f}  {visible(_alike_line(hit))}")
    compared = f"{number(ranked.pictures, 'picture')} of {number(ranked.sightings, 'sighting')}"
    results.print(f"Compared: {compared}. {CAUTION}")
    say(MEASURED, quiet)
    _left_out(folders)
    _tell_page(page)


def _by_words(
    text: str,
    folders: list[Path],
    filters: Filters,
    page: Path | None,
    previews: Previews,
    as_json: bool,
    quiet: bool,
) -> None:
    from roundel.report.search import words_page, write_page
    from roundel.search.writing import find

    found = find(folders, text, filters)
    if page is not None:
        write_page(words_page(text, found, folders, filters), page, previews.value)
    if as_json:
        told = {"text": text, "hits": [_found(item) for item in found], "page": str(page) if page else None}
        print_json({**told, "left_out": _left_out(folders)})
        return
    for item in found:
        shown = "".join(f"[bold]{visible(part)}[/]" if matches else visible(part) for part, matches in item.excerpt)
        where = f"  {words.clock(item.seconds)}" if item.seconds is not None else ""
        picture = f"  {visible(item.file)}" if item.file else ""
        how = "" if item.how == "exact" else f" ({item.how})"
        results.print(f"{item.kind}{how}: {shown}{where}  {visible(_names(item.place))}{picture}")
    if not found:
        results.print("Nothing was found. Most writing in footage is not read, so that is no proof.")
    _left_out(folders)
    _tell_page(page)


def _left_out(folders: list[Path]) -> list[str]:
    """Say what was not searched."""
    from roundel.search.places import left_out

    found = left_out(folders)
    for path in found:
        fail(
            f"{path}: was not searched, since it is not as the custody log says; run roundel verify, or merge the batch"
        )
    return [str(path) for path in found]


def _tell_page(page: Path | None) -> None:
    if page is not None:
        results.print(f"Page: {visible(str(page))}")


@contextmanager
def _progress(quiet: bool) -> Iterator[OnCase]:
    """Tells how far the pictures of a case are that are looked at for the first time."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=messages, disable=quiet or not messages.is_terminal, transient=True) as bars:

        def on_case(case: Path) -> Any:  # noqa: ANN401
            task = bars.add_task(f"{visible(case.name)}: pictures seen for the first time", total=None, visible=False)
            told = False

            def update(done: int, total: int) -> None:
                nonlocal told
                if not told and not messages.is_terminal:
                    say(f"{case}: {number(total, 'picture')} of sightings are looked at for the first time.", quiet)
                told = True
                bars.update(task, completed=done, total=total, visible=True)

            return update

        yield on_case


def _names(place: Place) -> str:
    return words.shorten(words.some(place.names, 2), 120)


def _alike_line(hit: Alike) -> str:
    from roundel.report.findings import label

    track = next(item for item in hit.place.analysis.tracks if item.id == hit.track)
    when = words.time_range(track.start_seconds, track.end_seconds)
    return f"{label(track.class_)}  {when}  {_names(hit.place)}  {hit.place.package}/{hit.file}"


def _where(place: Place) -> dict[str, Any]:
    return {
        "case": str(place.case),
        "package": place.package,
        "video": place.analysis.video.sha256,
        "names": list(place.names),
    }


def _sighting(place: Place, name: str) -> dict[str, Any]:
    track = next(item for item in place.analysis.tracks if item.id == name)
    return {
        "id": track.id,
        "class": track.class_,
        "probability": track.posterior.get(track.class_) if track.posterior_calibrated else None,
        "start_seconds": track.start_seconds,
        "end_seconds": track.end_seconds,
        "burnt_in": track.burnt_in,
    }


def _ranked(query: Query, ranked: Ranked, page: Path | None) -> dict[str, Any]:
    from roundel.identify import shipped_embedder_name
    from roundel.search.model import CAUTION

    return {
        "image": {
            "path": str(query.path),
            "sha256": query.sha256,
            "object_box": list(query.box) if query.box else None,
            "compared": query.how,
        },
        "network": shipped_embedder_name(),
        "sightings": ranked.sightings,
        "pictures": ranked.pictures,
        "vectors_made": ranked.made,
        "unreadable": [str(path) for path in ranked.unreadable],
        "hits": [
            {
                **_where(hit.place),
                "sighting": _sighting(hit.place, hit.track),
                "similarity": round(hit.similarity, 4),
                "exhibit": hit.file,
                "seconds": hit.seconds,
            }
            for hit in ranked.hits
        ],
        "caution": CAUTION,
        "page": str(page) if page else None,
    }


def _found(item: Found) -> dict[str, Any]:
    return {
        **_where(item.place),
        "kind": item.kind,
        "how": item.how,
        "text": item.text,
        "excerpt": "".join(part for part, _ in item.excerpt),
        "seconds": item.seconds,
        "sighting": _sighting(item.place, item.track) if item.track else None,
        "exhibit": item.file,
    }
