"""Assessed claims on a terminal: the verdict first, then for and against, then what is stated of provenance."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from roundel.cli.output import visible
from roundel.record import ClaimRecord, EvidenceRecord

MOST = 4
_MARKS = {"video": "video", "file": "file", "finding": "people", "register": "register", "catalogue": "catalogue"}


def show_claims(claims: Sequence[ClaimRecord], write: Callable[[str], None]) -> None:
    """Print claims one after the other; statements that several claims share are printed once."""
    said: tuple[str, ...] = ()
    for number, claim in enumerate(claims):
        if number:
            write("")
        write(f"[bold]{visible(claim.id)}[/] ({claim.level}): [bold]{claim.verdict.replace('_', ' ')}[/]")
        write(f"  “{visible(claim.text)}” ({visible(claim.by)})")
        write(f"  {visible(claim.words)}")
        _evidence("for", claim.for_, write)
        _evidence("against", claim.against, write)
        for text in claim.alternatives[:MOST]:
            write(f"  or else: {visible(text)}")
        for text in claim.not_addressed[:MOST]:
            if text not in claim.words:
                write(f"  open: {visible(text)}")
        statements = tuple(item.text for item in claim.sentences)
        if statements and statements != said:
            for item in claim.sentences:
                write(f"  statement ({_MARKS[item.source]}): {visible(item.text)}")
            said = statements


def _evidence(title: str, items: Sequence[EvidenceRecord], write: Callable[[str], None]) -> None:
    for item in items[:MOST]:
        strength = f" ({item.words}, ratio {item.ratio:,.0f})" if item.ratio else ""
        about = f", on {visible(item.about)}" if item.about else ""
        write(f"  {title} ({_MARKS[item.source]}{about}): {visible(item.text)}{strength}")
    if len(items) > MOST:
        write(f"  {title}: {len(items) - MOST} more")
