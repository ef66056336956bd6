"""Contributions in a case: each file as it was received, and in the log what it is and how far it is trusted."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from roundel import case as cases
from roundel import custody, notes
from roundel.disk import remove_partials
from roundel.errors import IntegrityError, UsageError
from roundel.exchange.auto_archiver import read_auto_archiver
from roundel.exchange.lines import NAME
from roundel.exchange.model import FORMATS, TRUSTS, Contribution, Format, Trust
from roundel.exchange.reading import read_own
from roundel.exchange.source import Source, open_source
from roundel.exchange.vpdq import LOOKS_LIKE, read_vpdq
from roundel.exchange.writing import new_file
from roundel.media.identity import sha256_of
from roundel.words import shorten, visible

_OWN: Final = re.compile(rb'\s*\{\s*"kind"\s*:\s*"header"\s*,\s*"format"\s*:\s*"' + NAME.encode())
_TABLE: Final = re.compile(rb"\s*[{\[]|[^\r\n]*(?:media|perceptual hashes|pdq_hash)", re.IGNORECASE)
_MOST_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Received:
    """A contribution and how it came: ``trust`` says whose word it is, ``place`` where it lies in the case.

    ``contributor`` is who gave it: as the file says, or for files that say nothing, as the user did. ``is_new`` is
    false for what the case held before.
    """

    contribution: Contribution
    trust: Trust
    name: str
    contributor: str | None
    place: str
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """What a user accepts: the ``trusted`` public keys, and with ``untrusted`` files without or with other keys.

    ``contributor`` says who gave files that do not say it themselves.
    """

    trusted: Collection[str] = ()
    untrusted: bool = False
    contributor: str | None = None
    format: Format | None = None


def read(source: Source, name: str, format: Format | None = None) -> Contribution:
    """The fingerprints of a file; without a format the file is looked at to find out.

    Raises:
        UsageError: if the file is of no known format, or cannot be used.
        IntegrityError: if its signature or its hash is wrong.
    """
    known = format or _format_of(source)
    if known == "roundel":
        return read_own(source)
    return read_vpdq(source, name) if known == "vpdq" else read_auto_archiver(source)


def import_files(case: Path, paths: Sequence[Path], terms: Terms) -> list[Received]:
    """Read all files, and if nothing is wrong with any, keep them in the case and note that in its custody log.

    What the case holds already is not noted again, unless its trust has grown or its file had to be restored.

    Raises:
        UsageError: if a file cannot be used, or is not signed by a trusted key and that is not accepted.
        IntegrityError: if a file was altered since it was signed, or the case was.
    """
    cases.require(case)
    known = notes.noted_imports(case)
    read_files = [_receive(path, terms, known) for path in paths]
    added = []
    for source, received in read_files:
        target = case / received.place
        before = known.get(received.place)
        is_kept = target.is_file() and sha256_of(target) == source.sha256
        if is_kept and before is not None and before.details.get("trust") == received.trust:
            added.append(received)
            continue
        if not is_kept:
            target.parent.mkdir(exist_ok=True)
            remove_partials(target)
            target.unlink(missing_ok=True)  # its name is the hash of what it should be, and is not
            with new_file(target) as stream:
                stream.write(source.data)
        known[received.place] = custody.append(case, notes.IMPORTED, received.place, _details(received))
        added.append(replace(received, is_new=before is None))
    return added


def contributions(case: Path) -> list[Received]:
    """All contributions of a case, by their place.

    Raises:
        IntegrityError: if one is not as it was received.
    """
    found = []
    for place, event in sorted(notes.imported(case).items()):
        said = event.details
        trust, form, name = said.get("trust"), said.get("format"), str(said.get("name", ""))
        if trust not in TRUSTS or form not in FORMATS:
            raise IntegrityError(f"{case / custody.FILE}: says nothing usable of {place}; restore it from a copy")
        contribution = read(open_source(case / place, follow=False), name, form)
        if (contribution.public_key is None) != (trust == "unsigned"):
            raise IntegrityError(f"{case / custody.FILE}: calls {place} {trust}, and it is not; import it again")
        found.append(Received(contribution, trust, name, said.get("contributor"), place))
    return found


def _receive(path: Path, terms: Terms, known: dict[str, custody.Event]) -> tuple[Source, Received]:
    source = open_source(path)
    name = shorten(visible(path.name), _MOST_NAME)
    contribution = read(source, name, terms.format)
    key = contribution.public_key
    trust: Trust = "unsigned" if key is None else "trusted" if key in terms.trusted else "unknown key"
    place = f"{notes.CONTRIBUTED}/{source.sha256.partition(':')[2]}.{_suffix(source, contribution)}"
    if trust == "unknown key" and place in known and known[place].details.get("trust") == "trusted":
        trust = "trusted"
    if trust != "trusted" and not terms.untrusted and place not in known:
        how = "is not signed" if key is None else f"is signed with {key}, which you do not name as trusted"
        raise UsageError(
            f"{path}: {how}: anybody may have written it; compare the key with its owner and give it with --trust, or "
            "accept the file with --untrusted, and it stays marked"
        )
    return source, Received(contribution, trust, name, contribution.contributor or terms.contributor, place)


def _details(received: Received) -> dict[str, Any]:
    contribution = received.contribution
    return {
        "sha256": contribution.sha256,
        "format": contribution.format,
        "name": received.name,
        "contributor": received.contributor,
        "trust": received.trust,
        "public_key": contribution.public_key,
        "videos": len(contribution.videos),
        "hashes": contribution.hashes,
        "padded": contribution.padded,
    }


def _suffix(source: Source, contribution: Contribution) -> str:
    if contribution.format == "roundel":
        return "jsonl.gz" if source.is_compressed else "jsonl"
    if contribution.format == "vpdq":
        return "vpdq.txt.gz" if source.is_compressed else "vpdq.txt"
    return "auto-archiver.json" if source.beginning(64).lstrip()[:1] in (b"{", b"[") else "auto-archiver.csv"


def _format_of(source: Source) -> Format:
    start = source.beginning().removeprefix(b"\xef\xbb\xbf")
    if _OWN.match(start):
        return "roundel"
    if LOOKS_LIKE.match(start):
        return "vpdq"
    if _TABLE.match(start):
        return "auto-archiver"
    raise UsageError(
        f"{source.path}: is no file of fingerprints that is known; give one that roundel fingerprints export, vPDQ or "
        f"auto-archiver has written, or name its --format ({', '.join(FORMATS)})"
    )
