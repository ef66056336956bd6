"""The verbs ``fingerprints export``, ``import`` and ``key``: hashes between investigators, no pictures."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roundel.cli.output import (
    CaseArgument,
    JsonOption,
    QuietOption,
    fail,
    messages,
    number,
    print_json,
    results,
    say,
    visible,
)
from roundel.errors import EXIT_OK

if TYPE_CHECKING:
    from roundel.exchange.model import Format
    from roundel.exchange.store import Received

app = typer.Typer(
    name="fingerprints",
    help="Exchange fingerprints: hashes and times of pictures, never footage.",
    no_args_is_help=True,
)


class Formats(StrEnum):
    """Formats of files of fingerprints."""

    AUTO = "auto"
    ROUNDEL = "roundel"
    VPDQ = "vpdq"
    AUTO_ARCHIVER = "auto-archiver"


FORMATS: dict[Formats, Format] = {
    Formats.ROUNDEL: "roundel",
    Formats.VPDQ: "vpdq",
    Formats.AUTO_ARCHIVER: "auto-archiver",
}


@app.command("export")
def export(
    case: CaseArgument,
    out: Annotated[Path, typer.Option("--out", help="New file; compressed if its name ends in .gz.")],
    contributor: Annotated[str, typer.Option(help="Who gives these fingerprints; stands in the file.")],
    key: Annotated[
        Path | None, typer.Option("--key", help="Private key that signs the file (roundel fingerprints key).")
    ] = None,
    dates: Annotated[
        Path | None, typer.Option(help="File of findings with attested dates of the videos (YAML or CSV).")
    ] = None,
    names: Annotated[
        bool, typer.Option("--names", help="Write a file name of each video; names may reveal sources.")
    ] = False,
    video: Annotated[
        list[str] | None, typer.Option(help="Only this video: a file name, or the first digits of its SHA-256.")
    ] = None,
    licence: Annotated[str | None, typer.Option(help="Terms that stand in the file.")] = None,
    notes: Annotated[str | None, typer.Option(help="A note that stands in the file.")] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Write the fingerprints of a case for others: hashes, qualities, times and sizes, never footage.

    Example: **roundel fingerprints export raqqa --out raqqa.jsonl.gz --contributor "A. Name" --key me.pem**
    """
    from roundel import case as cases
    from roundel.exchange.dates import read_dates
    from roundel.exchange.signing import read_key
    from roundel.exchange.writing import Wanted, known_videos
    from roundel.exchange.writing import export as write

    cases.require(case)
    signer = None if key is None else read_key(key)
    attested = {} if dates is None else read_dates(dates, known_videos(case))
    wanted = Wanted(contributor, tuple(video or ()), names, attested, licence, notes)
    done = write(case, out, wanted, signer)
    if signer is None:
        messages.print("[bold yellow]Not signed:[/] whoever gets this file cannot tell who wrote it; sign with --key.")
    for sha256 in done.without_fingerprints:
        fail(f"{sha256}: left out, no fingerprints are kept of it; analyse the video again")
    if as_json:
        print_json(
            {
                "file": str(out),
                "sha256": done.sha256,
                "videos": done.videos,
                "hashes": done.hashes,
                "dated": done.dated,
                "public_key": done.public_key,
                "without_fingerprints": list(done.without_fingerprints),
            }
        )
        return EXIT_OK
    dated = f", {number(done.dated, 'video')} with attested dates" if dates is not None else ""
    signed = f"signed with {done.public_key}" if done.public_key else "not signed"
    results.print(f"{visible(str(out))}: {number(done.videos, 'video')}, {done.hashes} hashes{dated}, {signed}")
    say(f"{done.sha256} is the hash of the file. Whoever has a video can tell from it that you have it, too.", quiet)
    return EXIT_OK


@app.command("import")
def import_(
    file: Annotated[list[Path], typer.Argument(help="Files of fingerprints.", show_default=False)],
    case: Annotated[Path, typer.Option("--case", help="Folder of the case that keeps them.")],
    form: Annotated[Formats, typer.Option("--format", help="Format of the files; auto looks at them.")] = Formats.AUTO,
    trust: Annotated[
        list[str] | None, typer.Option(help="Public key of somebody you trust (ed25519:…); may be given several times.")
    ] = None,
    untrusted: Annotated[
        bool,
        typer.Option("--untrusted", help="Also take files without a signature of a trusted key; they stay marked."),
    ] = False,
    contributor: Annotated[
        str | None, typer.Option(help="Who gave you files that do not say it themselves (vPDQ, auto-archiver).")
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Keep fingerprints that others have contributed in a case, as they were received; all files or none.

    Example: **roundel fingerprints import theirs.jsonl.gz --case raqqa --trust ed25519:5f0c…**
    """
    from roundel.exchange.signing import parse_public
    from roundel.exchange.store import Terms, import_files
    from roundel.words import shorten
    from roundel.words import visible as plain

    keys = tuple(parse_public(text) for text in trust or ())
    given = None if contributor is None else shorten(plain(contributor))
    terms = Terms(keys, untrusted, given, FORMATS.get(form))
    received = import_files(case, file, terms)
    if as_json:
        print_json({"imported": [_told(item) for item in received]})
        return EXIT_OK
    for item in received:
        results.print(_line(item))
    return EXIT_OK


@app.command("key")
def key(
    out: Annotated[Path, typer.Option("--out", help="New file for the private key; only you can read it.")],
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Make a key that signs your exports, and print the public half, which others trust.

    Example: **roundel fingerprints key --out me.pem**
    """
    from roundel.exchange.signing import make_key

    made = make_key(out)
    if as_json:
        print_json({"file": str(out), "public_key": made.public})
    else:
        results.print(made.public)
        say(f"{out}: the private key. Keep it to yourself and keep a copy; it has no passphrase.", quiet)
        say("Give the line above to others in person or by a way that nobody else can write to.", quiet)
    return EXIT_OK


def _line(item: Received) -> str:
    known = item.contribution
    who = visible(item.contributor or "nobody named")
    trust = {
        "trusted": f"signed with {known.public_key}, which you trust",
        "unknown key": f"signed with {known.public_key}, a key that you do not name as trusted",
        "unsigned": "not signed: anybody may have written it",
    }[item.trust]
    padded = f", {known.padded} of them had lost leading zeros, which were put back" if known.padded else ""
    what = f"{number(len(known.videos), 'video')}, {known.hashes} hashes{padded}"
    return f"{'imported' if item.is_new else 'there already'}: {visible(item.name)}: {what}, from {who}; {trust}"


def _told(item: Received) -> dict[str, Any]:
    known = item.contribution
    return {
        "place": item.place,
        "name": item.name,
        "is_new": item.is_new,
        "format": known.format,
        "sha256": known.sha256,
        "contributor": item.contributor,
        "trust": item.trust,
        "public_key": known.public_key,
        "videos": len(known.videos),
        "hashes": known.hashes,
        "padded": known.padded,
    }
