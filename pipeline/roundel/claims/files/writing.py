"""A claim as text: one line for people, and the YAML that ``reading`` reads back to the same claim."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from roundel.claims.files.grammar import days_words, quantifier_words
from roundel.claims.files.names import Names
from roundel.claims.files.problems import Problems
from roundel.claims.files.terms import VERSION_LINE
from roundel.claims.files.yaml_lines import Items, Mapping, parse
from roundel.claims.model import Claim, DateSpan, Relation, Scope
from roundel.errors import UsageError

_SAFE: Final = re.compile(r"[a-z][a-z0-9_-]*")
_WORDS: Final = {"yes", "no", "on", "off", "true", "false", "null", "y", "n"}
HEAD: Final = f"""\
# A claim file of Roundel. Check it with: roundel claims check FILE
# Lines that start with # are comments. The keys are explained in docs/claims.md; `roundel claims schema` prints them
# for editors.
{VERSION_LINE}

claims:
"""


def describe_claim(claim: Claim, names: Names) -> str:
    """A claim in one line."""
    subject = " or ".join(map(names.node_title, claim.subject.nodes))
    if claim.subject.design_origin:
        subject += f" (design origin: {names.state_name(claim.subject.design_origin)})"
    if claim.subject.marking:
        subject += f' marked "{claim.subject.marking}"'
    said = f" ({days_words(claim.said)})" if claim.said else ""
    where = f"; in {', '.join(claim.scope.videos)}" if claim.scope.videos else ""
    relation = _relation_words(claim.relation, names)
    return f"{claim.id}: {quantifier_words(claim.quantifier)} {subject}, {relation}{where}; said by {claim.by}{said}"


def _relation_words(relation: Relation, names: Names) -> str:
    what = names.state_name(relation.actor) if relation.actor else relation.reference or ""
    when = f" ({days_words(relation.when)})" if relation.when else ""
    if relation.kind == "first_published_by" and relation.when:
        return f"first published by {relation.when.last}"
    return f"{relation.kind.replace('_', ' ')} {what}{when}".rstrip()


def plain(text: str) -> str:
    r"""A text as a YAML value: bare if it is a simple word, else in double quotes with escapes.

    >>> print(plain("mig-21"), plain('2357'), plain('a "b"\u0085'))
    mig-21 "2357" "a \"b\"\u0085"
    """
    if _SAFE.fullmatch(text) and text not in _WORDS:
        return text
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def claim_lines(claim: Claim) -> Iterator[str]:
    """The lines of a claim in a list, with comments, without the list's indent."""
    yield f"- id: {plain(claim.id)}"
    yield f"  text: {plain(claim.text)}  # the statement as it was made"
    yield f"  by: {plain(claim.by)}"
    if claim.said:
        yield f"  said: {_days(claim.said)}"
    if claim.source:
        yield f"  source: {plain(claim.source)}  # where the statement is reported"
    yield f"  quantifier: {quantifier_words(claim.quantifier)}"
    yield f"  subject: {_subject(claim)}"
    yield f"  relation: {_relation(claim.relation)}"
    if claim.scope != Scope():
        yield "  scope:"
        yield from _scope(claim.scope)
    if claim.coverage:
        yield "  coverage:  # a person's statement that the footage shows the whole of it"
        yield f"    text: {plain(claim.coverage.text)}"
        yield f"    who: {plain(claim.coverage.who)}"
    if claim.recall:
        yield "  recall:  # of so many objects in a test on such footage, so many were found"
        yield f"    found: {claim.recall.found}"
        yield f"    objects: {claim.recall.objects}"
        yield f"    source: {plain(claim.recall.source)}"


def _subject(claim: Claim) -> str:
    subject = claim.subject
    nodes = f"[{', '.join(map(plain, subject.nodes))}]" if len(subject.nodes) > 1 else plain(subject.nodes[0])
    if not (subject.design_origin or subject.marking):
        return nodes
    more = [
        f"{key}: {plain(value)}"
        for key, value in (("design_origin", subject.design_origin), ("marking", subject.marking))
        if value
    ]
    return f"{{{', '.join([f'any_of: {nodes}', *more])}}}"


def _relation(relation: Relation) -> str:
    if relation.kind == "first_published_by" and relation.when:
        return f"{{first_published_by: {relation.when.last}}}"
    what = relation.actor or relation.reference
    if what is None:
        return relation.kind
    when = f", when: {_days(relation.when)}" if relation.when else ""
    return f"{{{relation.kind}: {plain(what)}{when}}}"


def _scope(scope: Scope) -> Iterator[str]:
    if scope.videos:
        yield f"    videos: [{', '.join(map(plain, scope.videos))}]"
    for key, time in (("from", scope.start_seconds), ("to", scope.end_seconds)):
        if time is not None:
            yield f"    {key}: {f'{time:.6f}'.rstrip('0').rstrip('.')}  # seconds"
    if scope.place:
        yield f"    place: {plain(scope.place)}"
    if scope.when:
        yield f"    filmed: {_days(scope.when)}"


def _days(span: DateSpan) -> str:
    text = days_words(span)
    if " " not in text:
        return text
    parts = [f"{key}: {value}" for key, value in (("first", span.first), ("last", span.last)) if value]
    return f"{{{', '.join(parts)}}}"


def new_file(claim: Claim) -> str:
    """The text of a claim file with one claim."""
    return HEAD + "".join(f"  {line}\n" for line in claim_lines(claim))


def with_claim(text: str, path: Path, claim: Claim) -> str:
    """The text of a claim file with a claim added at the end of its list; every other line stays as it is.

    Raises:
        UsageError: if the list is written in square brackets, where nothing can be added by lines.
    """
    root = parse(text, path, Problems())
    entries = root.entries if isinstance(root, Mapping) else {}
    claims = entries["claims"].value if "claims" in entries else None
    if not isinstance(root, Mapping) or root.flow or not isinstance(claims, Items) or claims.flow or not claims.items:
        raise UsageError(f"{path}: its claims are not a list with hyphens, one claim below the other; write them so")
    lines = text.splitlines(keepends=True)
    after = [entry.place.line for entry in entries.values() if entry.place.line > claims.place.line]
    at = min(after) - 1 if after else _end(lines)
    while at > claims.place.line and (not lines[at - 1].strip() or lines[at - 1].startswith("#")) and after:
        at -= 1
    newline = "\r\n" if lines[0].endswith("\r\n") else "\n"
    before = "".join(lines[:at])
    indent = " " * (claims.place.column - 1)
    added = "".join(f"{indent}{line}{newline}" for line in claim_lines(claim))
    return before + newline * (not before.endswith("\n")) + newline + added + "".join(lines[at:])


def _end(lines: list[str]) -> int:
    """Index after the last line of the document."""
    last = next((number for number, line in enumerate(lines) if line.rstrip() == "..."), len(lines))
    while last and not lines[last - 1].strip():
        last -= 1
    return last
