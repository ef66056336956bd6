"""Five statements about where an object comes from, never one: design, producers, holder, holder before, supplier.

Each stands by itself, with its own source and citations. What a speaker in the footage says is evidence about the
speaker and no input here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from roundel.catalogue.model import Fact, Row
from roundel.claims.model import Evidence, Exhibit, Finding
from roundel.claims.provenance.holders import (
    SettledHolder,
    agreeing_captures,
    citation,
    holder_findings,
    settled_holder,
    when_words,
)
from roundel.claims.provenance.judgement import deliveries_by_type
from roundel.claims.provenance.origins import Clash, TypeEvidence, clash, design_shares
from roundel.claims.provenance.register import Register, row_exhibit, span_of, supplier_name, with_article, years_words
from roundel.claims.provenance.shares import Shares, SupplierSettings, deliveries, shares_by_type
from roundel.words import day_words, listed

FROM_REGISTER = "This comes from the register, not from the video."
TOO_CLOSE = "provenance.types_too_close"
DESIGN = "provenance.design"
PRODUCERS = "provenance.producers"
PRESENT_HOLDER = "provenance.present_holder"
PREVIOUS_HOLDER = "provenance.previous_holder"
SUPPLIER = "provenance.supplier"


@dataclass(frozen=True, slots=True)
class _Case:
    """All that the statements are made from."""

    evidence: TypeEvidence
    findings: tuple[Finding, ...]
    at: date
    register: Register
    settings: SupplierSettings

    def title(self, node: str) -> str:
        return self.register.node_title(node)

    def name(self, code: str) -> str:
        return with_article(self.register.state_name(code, self.at))


def sentences(
    evidence: TypeEvidence,
    findings: Iterable[Finding],
    at: date,
    register: Register,
    settings: SupplierSettings | None = None,
) -> tuple[Evidence, ...]:
    """The statements that can be made about an object filmed on day ``at``, in the order of the module's first line.

    Missing ones are missing because nothing carries them. Types of different design origin within 0.2 of each other:
    one statement says so, and none is made that rests on the type. Types that say no more than the prior: what rests on
    them says that it comes from the register, and has that as its source.

    The statements are neutral; their ``direction`` is "for" by convention.

    Raises:
        UsageError: a finding about a holder without a name, or probabilities that are none.
    """
    case = _Case(evidence, tuple(findings), at, register, settings or SupplierSettings())
    now, before = settled_holder(case.findings, "holder"), settled_holder(case.findings)
    close = clash(evidence.types, register)
    found: list[Evidence] = []
    if close:
        found.append(_marked(case, _too_close(case, close)))
    else:
        found += [_marked(case, one) for one in (*_design(case), *_producers(case))]
    found += _present(case)
    found += _previous(case)
    if not close:
        captures = agreeing_captures(evidence.named(), before, now, at, register)
        found += [_marked(case, one) for one in _captured(case, captures)]
        found += [_marked(case, one) for one in _supplier(case, now, before, captures)]
    return tuple(found)


def _marked(case: _Case, sentence: Evidence) -> Evidence:
    """A statement that rests on the type; it is the register's if the footage adds nothing to the prior."""
    if case.evidence.informative():
        return sentence
    return replace(sentence, text=f"{sentence.text} {FROM_REGISTER}", source="register")


def _too_close(case: _Case, close: Clash) -> Evidence:
    text = (
        f"What is seen is described as {case.title(close.parent)!r} only: types of different design origin are within "
        "0.2 of each other in probability, so no type, design origin, producer or supplier is named."
    )
    numbers: dict[str, float | int | str] = {"gap": round(close.gap, 4), "class": close.parent}
    return Evidence("for", TOO_CLOSE, text, case.evidence.source, exhibits=case.evidence.exhibits, numbers=numbers)


def _design(case: _Case) -> tuple[Evidence, ...]:
    shares, rest = design_shares(case.evidence.types, case.register)
    if not shares:
        return ()
    states = listed([f"of a design from {case.name(code)} {_percent(share)}" for code, share in shares.items()])
    types = listed([f"{case.title(name)} {_percent(chance)}" for name, chance in case.evidence.named().items()])
    text = (
        f"Summed over the types that it may be{_weighed(case)} ({types}), the object is {states}; not determined: "
        f"{_percent(rest)}. "
        "A design does not show who built, held or supplied the object."
    )
    numbers: dict[str, float | int | str] = {code: round(share, 4) for code, share in shares.items()}
    numbers["undetermined"] = round(rest, 4)
    facts = tuple(
        Exhibit(f"{case.title(name)} designed in {case.name(fact.value)}: {case.register.cite(fact.sources)}")
        for name in case.evidence.named()
        for fact in case.register.design_origins(name)
    )
    exhibits = (*case.evidence.exhibits, *facts)
    return (Evidence("for", DESIGN, text, case.evidence.source, exhibits=exhibits, numbers=numbers),)


def _weighed(case: _Case) -> str:
    return ", as people weighed them and nobody measured" if case.evidence.source == "finding" else ""


def _producers(case: _Case) -> tuple[Evidence, ...]:
    lists, exhibits = [], []
    for name in case.evidence.named():
        facts = _printable(case, name)
        states = dict.fromkeys(_producer(case, fact) for fact in facts)
        lists.append(f"{case.title(name)}: {', '.join(states) or 'no producer with a usable source'}")
        exhibits += [_fact_exhibit(case, name, fact) for fact in facts]
    if not lists:
        return ()
    text = (
        f"According to the catalogue, built in (the list may be incomplete): {'; '.join(lists)}. "
        "Where this object was built cannot be told from its type."
    )
    return (Evidence("for", PRODUCERS, text, "catalogue", exhibits=tuple(exhibits)),)


def _printable(case: _Case, name: str) -> list[Fact]:
    facts = [fact for fact in case.register.producers(name) if case.register.printable(fact)]
    return sorted(facts, key=lambda fact: (fact.how not in {"", "original"}, fact.value, fact.how, repr(fact)))


def _producer(case: _Case, fact: Fact) -> str:
    how = "" if fact.how in {"", "original"} else f" ({fact.how.replace('_', ' ')})"
    return f"{case.name(fact.value)}{how}"


def _fact_exhibit(case: _Case, name: str, fact: Fact) -> Exhibit:
    cited = case.register.cite(fact.sources)
    return Exhibit(f"{case.title(name)} built in {_producer(case, fact)}: {cited}")


def _present(case: _Case) -> list[Evidence]:
    found = holder_findings(case.findings, "holder")
    return [_holder(case, one, found, PRESENT_HOLDER, "was then held by", "the holder") for one in found]


def _previous(case: _Case) -> list[Evidence]:
    found = holder_findings(case.findings, "previous_holder")
    return [_holder(case, one, found, PREVIOUS_HOLDER, "had been held by", "the holder before") for one in found]


def _holder(case: _Case, one: Finding, all_of_them: tuple[Finding, ...], rule: str, verb: str, what: str) -> Evidence:
    when = f", {when_words(one.when)}" if one.when else ""
    cited = citation(one) or "no source given"
    origin = (
        ""
        if one.basis == "seen"
        else f" That it means the object shown is assumed. This comes from {_BASIS[one.basis]}, not from the video."
    )
    others = sorted({case.name(other.actor or "") for other in all_of_them if other.actor != one.actor})
    dispute = f" Other findings name {listed(others)} as {what}; this is not settled." if others else ""
    text = (
        f"According to {one.who} ({day_words(one.found)}), the object {verb} {case.name(one.actor or '')}{when} "
        f"[{cited}].{origin}{dispute}"
    )
    exhibit = Exhibit(f"Finding {one.id}: {cited}", video=one.video, seconds=one.start_seconds)
    return Evidence(
        "for", rule, text, "finding", exhibits=(exhibit,), numbers={"finding": one.id, "actor": one.actor or ""}
    )


_BASIS = {"reported": "a report", "document": "a document"}


def _captured(case: _Case, rows: tuple[Row, ...]) -> tuple[Evidence, ...]:
    if not rows:
        return ()
    first = rows[0]
    firm = [row for row in rows if not row.hedged]
    types = listed(sorted({case.title(row.type) for row in firm or rows}))
    years = years_words(span_of(firm or rows, case.at.year))
    doubt = "" if firm else ", though its source is unsure of it"
    text = (
        f"The register records that {case.name(first.recipient)} captured {types} from {case.name(first.supplier)} "
        f"({years}){doubt}. That these records mean this object follows from its type only, and does not settle who "
        "held it before."
    )
    exhibits = tuple(row_exhibit(case.register, row, case.at) for row in rows)
    numbers: dict[str, float | int | str] = {"actor": first.supplier, "rows": len(rows)}
    return (Evidence("for", PREVIOUS_HOLDER, text, "register", exhibits=exhibits, numbers=numbers),)


def _supplier(
    case: _Case, now: SettledHolder | None, before: SettledHolder | None, captures: tuple[Row, ...]
) -> tuple[Evidence, ...]:
    """Only with a previous holder that is set by evidence other than the type."""
    if before is None or not case.evidence.named():
        return ()
    rows = deliveries_by_type(case.evidence.named(), before.actor, case.at, case.register)
    every = deliveries(row for group in rows.values() for row in group)
    shares = shares_by_type(case.evidence.types, rows, case.at, case.settings)
    cited = "; ".join(sorted({citation(one) for one in before.findings}))
    holder = case.name(before.actor)
    given = f"Given that {holder} held it before [{cited}], deliveries to {holder} up to {case.at.year}"
    text = (
        f"{given} suggest as supplier: {_suppliers(case, shares, every)}. {_chain(case, now, before, captures, cited)} "
        "The shares are reckoned from numbers delivered for types like this; they do not trace this object."
    )
    exhibits = (
        *(Exhibit(f"Finding {one.id}: {citation(one)}", video=one.video) for one in before.findings),
        *(row_exhibit(case.register, row, case.at) for row in every),
    )
    return (Evidence("for", SUPPLIER, text, "register", exhibits=exhibits, numbers=_supplier_numbers(shares, before)),)


def _suppliers(case: _Case, shares: Shares, rows: tuple[Row, ...]) -> str:
    named = [
        f"{supplier_name(case.register, code, rows, case.at)} {span.words()}" for code, span in shares.suppliers.items()
    ]
    nobody = ["nobody, for these types are not in the register"]
    return "; ".join([*(named or nobody), f"not in the register: {shares.unlisted.at_most()}"])


def _supplier_numbers(shares: Shares, before: SettledHolder) -> dict[str, float | int | str]:
    numbers: dict[str, float | int | str] = {"previous_holder": before.actor}
    for code, span in (*shares.suppliers.items(), ("unlisted", shares.unlisted)):
        numbers |= {f"{code}.low": round(span.low, 4), f"{code}.high": round(span.high, 4)}
    return numbers


def _chain(case: _Case, now: SettledHolder | None, before: SettledHolder, captures: tuple[Row, ...], cited: str) -> str:
    """A capture is one link more; the supplier stays who it was."""
    if now is None or now.actor == before.actor:
        return f"The way, as far as it is known: a supplier → {case.name(before.actor)} [{cited}]."
    firm = any(not row.hedged for row in captures)
    link = "captured" if firm else "passed on, it is not documented how"
    now_cited = "; ".join(sorted({citation(one) for one in now.findings}))
    return (
        f"The way, as far as it is known: a supplier → {case.name(before.actor)} [{cited}] → {link} → "
        f"{case.name(now.actor)} [{now_cited}]. The last link changes the holder, not the supplier."
    )


def _percent(share: float) -> str:
    """A share in whole percent, never rounded to nothing."""
    whole = round(100 * share)
    return f"{whole} %" if whole or not share else "less than 1 %"
