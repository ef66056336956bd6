"""Who held the object, by what people found: the present holder, the one before, and captures that agree with both."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from roundel.catalogue.model import Row
from roundel.claims.model import DateSpan, Finding, FindingKind
from roundel.claims.provenance.register import Register, rows_of
from roundel.claims.provenance.shares import share_before
from roundel.errors import UsageError
from roundel.words import day_words


@dataclass(frozen=True, slots=True)
class SettledHolder:
    """A holder on which all findings agree, and those findings."""

    actor: str
    findings: tuple[Finding, ...]


def holder_findings(findings: Iterable[Finding], kind: FindingKind) -> tuple[Finding, ...]:
    """The findings of one kind, each once, in an order of their own.

    Raises:
        UsageError: a finding about a holder that names nobody.
    """
    found = sorted({one.id: one for one in findings if one.kind == kind}.values(), key=lambda one: one.id)
    for one in found:
        if not one.actor:
            raise UsageError(f"Finding {one.id} (line {one.line}): a {kind} needs an actor; add it or take it out.")
    return tuple(found)


def settled_holder(findings: Iterable[Finding], kind: FindingKind = "previous_holder") -> SettledHolder | None:
    """The holder on whom all findings of a kind agree, each with its citation; ``None`` without one or if they differ.

    This is what "set by evidence other than type" means: rows of the catalogue are found by type and settle nothing.
    """
    found = tuple(one for one in holder_findings(findings, kind) if citation(one))
    actors = {one.actor for one in found}
    return SettledHolder(actors.pop() or "", found) if len(actors) == 1 else None


def citation(finding: Finding) -> str:
    """Where a finding comes from; empty if it says nothing that could be looked up."""
    if finding.source:
        return finding.source
    return f"seen in the footage by {finding.who}" if finding.basis == "seen" else ""


def agreeing_captures(
    types: Iterable[str], before: SettledHolder | None, now: SettledHolder | None, at: date, register: Register
) -> tuple[Row, ...]:
    """Cited captures by the present holder up to a day; from the previous one, if that is settled.

    Without a settled previous holder, only captures that all name the same state agree.
    """
    if now is None:
        return ()
    giver, taker = before.actor if before else None, now.actor

    def find(node: str) -> Iterable[Row]:
        return register.captures(node, giver, taker)

    found = {
        row
        for name in types
        for row in rows_of(register, name, find)
        if row.sources and row.recipient == taker and share_before(row, at, doubtful=True) > 0
    }
    states = {before.actor} if before else {row.supplier for row in found}
    if len(states) != 1:
        return ()
    return tuple(sorted((row for row in found if row.supplier in states), key=lambda row: (row.id, repr(row))))


def when_words(span: DateSpan | None) -> str:
    """A span of days in words.

    >>> when_words(DateSpan(date(2014, 8, 24), None)), when_words(None)
    ('since 24 August 2014', 'at a time that is not given')
    """
    first, last = (span.first, span.last) if span else (None, None)
    if first and last:
        return f"on {day_words(first)}" if first == last else f"between {day_words(first)} and {day_words(last)}"
    if first:
        return f"since {day_words(first)}"
    return f"until {day_words(last)}" if last else "at a time that is not given"
