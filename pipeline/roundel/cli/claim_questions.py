"""The questions of ``claims new``: one at a time, in plain English, asked again until the answer can be used."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeVar, get_args

from roundel.claims.files import grammar
from roundel.claims.files.names import Names
from roundel.claims.files.problems import nearest, quoted
from roundel.claims.files.reading import ACTORS, REFERENCES
from roundel.claims.files.terms import actor_of, identifier, state_of
from roundel.claims.model import (
    Claim,
    CoverageStatement,
    Quantifier,
    RecallStatement,
    Relation,
    RelationKind,
    Scope,
    Subject,
)
from roundel.cli.output import messages, say, visible
from roundel.errors import UsageError

T = TypeVar("T")
MOST_FOUND: Final = 9
RELATIONS: Final[dict[RelationKind, str]] = {
    "visible": "it can be seen in the footage",
    "operated_by": "somebody holds or uses it",
    "supplied_by": "somebody supplied it",
    "manufactured_in": "it was built in a certain country",
    "same_individual_as": "it is one particular machine, known by its serial",
    "first_published_by": "the footage had been published by a certain day",
    "same_footage_as": "the footage is the same as another video",
    "continuous": "the footage runs without a cut",
}
WHY: Final = (
    "This claim says that there is no more than what is counted. Footage shows what is there, not what is missing: the "
    "rest may stand outside the picture, or the detector may have overlooked it. So two statements are needed, one by "
    "a person that the footage shows the whole of it (coverage), and one on how much the detector finds in a test on "
    "such footage (recall). Without both, the claim cannot be assessed. Both can be added to the file later."
)


class _Questions:
    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet

    def explain(self, text: str) -> None:
        say(text, self._quiet)

    def section(self, title: str) -> None:
        """What the next questions are about."""
        if not self._quiet:
            messages.print(f"\n[bold]{visible(title)}[/]")

    def answer(self, question: str) -> str:
        """What is typed, without blanks around it."""
        while True:
            typed = messages.input(f"{visible(question)} ").strip()
            try:
                typed.encode("utf-8")
            except UnicodeEncodeError:
                messages.print("That is no readable text; type it again.")
            else:
                return typed

    def need(self, question: str, convert: Callable[[str], T]) -> T:
        """An answer that can be used."""
        while True:
            typed = self.answer(question)
            try:
                if not typed:
                    raise UsageError("an answer is needed here")
                return convert(typed)
            except UsageError as error:
                messages.print(visible(f"  {error}"))

    def may(self, question: str, convert: Callable[[str], T]) -> T | None:
        """An answer that can be used, or nothing."""
        while typed := self.answer(question if "Enter:" in question else f"{question} (Enter: leave out)"):
            try:
                return convert(typed)
            except UsageError as error:
                messages.print(visible(f"  {error}"))
        return None

    def yes(self, question: str) -> bool:
        """Whether the answer is yes; Enter means no."""
        while (typed := self.answer(f"{question} (y/N)").casefold()) not in ("", "n", "no", "y", "yes"):
            messages.print("  Type y or n.")
        return typed.startswith("y")


def ask_for_claim(names: Names, used: tuple[str, ...], quiet: bool) -> Claim:
    """Ask for a whole claim.

    Args:
        names: The catalogue.
        used: Ids that are taken.
        quiet: Whether to leave out the explanations.

    Raises:
        EOFError: if the input ends.
    """
    ask = _Questions(quiet)
    ask.section("The statement")
    text = ask.need("What was said, word for word?", str)
    by = ask.need("Who said it?", str)
    said = ask.may("When was it said, as 2014-09-02, 2014-09 or 2014?", grammar.days)
    source = ask.may("Where is it reported?", str) or ""
    ask.section("What it says, taken apart")
    how_many = _quantifier(ask)
    subject = _subject(ask, names)
    relation = _relation(ask, names)
    ask.section("The footage")
    scope = _scope(ask)
    coverage, recall = _whole(ask) if how_many.kind in grammar.WHOLE else (None, None)
    return Claim(
        id=_id(ask, text, used),
        text=text,
        by=by,
        quantifier=how_many,
        subject=subject,
        relation=relation,
        scope=scope,
        said=said,
        source=source,
        coverage=coverage,
        recall=recall,
    )


def _quantifier(ask: _Questions) -> Quantifier:
    known = ", ".join(grammar.QUANTIFIERS)
    return ask.may(f"How many? {known}. Enter: some.", grammar.quantifier) or Quantifier("some")


def _subject(ask: _Questions, names: Names) -> Subject:
    ask.explain("Type a few letters of a name; what the catalogue has is listed with numbers.")
    nodes = [_node(ask, names, "Of what? As aircraft, or MiG-21:", needed=True)]
    while node := _node(ask, names, "Or of what else? (Enter: nothing else)", needed=False):
        if node not in nodes:
            nodes.append(node)
    origin = ask.may("Does the claim name the country whose design it is?", lambda typed: state_of(names, typed))
    return Subject(tuple(nodes), origin, ask.may("Does it name a serial or marking?", str))


def _node(ask: _Questions, names: Names, question: str, needed: bool) -> str:
    """A node of the catalogue, found by its id, or by words and then a number; empty if none is needed."""
    found: list[str] = []
    while True:
        typed = ask.answer("Number, or other words:" if found else question)
        if names.is_node(typed):
            return typed
        if re.fullmatch("[0-9]", typed) and 1 <= int(typed) <= len(found):
            return found[int(typed) - 1]
        if not typed and not found and not needed:
            return ""
        if not typed:
            messages.print("  An answer is needed here.")
            continue
        found = [node for node in names.find(typed) if names.is_node(node)][:MOST_FOUND]
        found = found or [node for node in (nearest(typed, names.nodes()),) if node]
        if not found:
            messages.print(visible(f"  The catalogue has nothing like {quoted(typed)}; try another word."))
        for number, node in enumerate(found, 1):
            messages.print(visible(f"  {number}  {names.node_title(node)} ({node})"))


def _relation(ask: _Questions, names: Names) -> Relation:
    kinds = get_args(RelationKind)
    listed = tuple(RELATIONS)
    for number, kind in enumerate(listed, 1):
        messages.print(visible(f"  {number}  {RELATIONS[kind]} ({kind})"))

    def choose(typed: str) -> RelationKind:
        if typed in kinds:
            return typed  # type: ignore[return-value]
        if re.fullmatch("[0-9]", typed) and 1 <= int(typed) <= len(listed):
            return listed[int(typed) - 1]
        raise UsageError(f"type a number from 1 to {len(listed)}")

    kind = ask.may("What is said of it? Number; Enter: that it can be seen.", choose) or "visible"
    if kind in ACTORS:
        who = ask.need("Which state, or group:name?", lambda typed: actor_of(names, typed))
        when = ask.may("When was it supplied?", grammar.days) if kind == "supplied_by" else None
        return Relation(kind, actor=who, when=when)
    if kind in REFERENCES:
        what = "Which serial or track?" if kind == "same_individual_as" else "Which video, by file name or hash?"
        return Relation(kind, reference=ask.need(what, str))
    if kind == "first_published_by":
        return Relation(kind, when=grammar.ordered(None, ask.need("By which day, as 2014-08-31?", grammar.day)))
    return Relation(kind)


def _scope(ask: _Questions) -> Scope:
    videos = ask.may("Which videos, by file name, separated by commas? Enter: all of the case.", _names_of_videos) or ()
    start = end = None
    if videos:
        start = ask.may("Only from a certain time on, as 0:10?", grammar.seconds)

        def after(typed: str) -> float:
            time = grammar.seconds(typed)
            if start is not None and time <= start:
                raise UsageError("that is not after the start")
            return time

        end = ask.may("Only to a certain time, as 0:21.5?", after)
    place = ask.may("Does the claim say where it was filmed?", str)
    return Scope(videos, start, end, place, ask.may("Does it say when it was filmed?", grammar.days))


def _names_of_videos(typed: str) -> tuple[str, ...]:
    videos = tuple(part.strip() for part in typed.split(",") if part.strip())
    if not videos:
        raise UsageError("type at least one file name")
    return videos


def _whole(ask: _Questions) -> tuple[CoverageStatement | None, RecallStatement | None]:
    ask.section("What is not shown")
    ask.explain(WHY)
    coverage = recall = None
    if ask.yes("Can somebody state that the footage shows the whole of it?"):
        text = ask.need("What does it show the whole of? In a sentence:", str)
        coverage = CoverageStatement(text, ask.need("Who states it?", str))
    if ask.yes("Is there a test on such footage?"):
        objects = ask.need("How many objects were there in the test?", _some)

        def at_most_all(typed: str) -> int:
            found = grammar.whole_number(typed)
            if found > objects:
                raise UsageError(f"not more than the {objects} objects can have been found")
            return found

        found = ask.need("How many of them were found?", at_most_all)
        recall = RecallStatement(found, objects, ask.need("Which test was it?", str))
    return coverage, recall


def _some(typed: str) -> int:
    objects = grammar.whole_number(typed)
    if objects == 0:
        raise UsageError("a test with no objects says nothing")
    return objects


def _id(ask: _Questions, text: str, used: tuple[str, ...]) -> str:
    words = re.findall("[a-z0-9]+", text.casefold())
    stem = "-".join(words[:4])[:40].strip("-") or "claim"
    proposed = next(name for name in (stem, *(f"{stem}-{n}" for n in range(2, len(used) + 3))) if name not in used)

    def free(typed: str) -> str:
        if typed in used:
            raise UsageError(f"{quoted(typed)} is taken; choose another")
        return identifier(typed)

    return ask.may(f"A short name for the claim? Enter: {proposed}.", free) or proposed
