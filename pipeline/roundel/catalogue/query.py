"""Questions to the catalogue. What rests on tier D alone, or on nothing, is never among the answers to be printed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Protocol

import roundel_models
from roundel import classes as detector
from roundel.catalogue.model import Citation, ClassNode, EquipmentType, Fact, Lookalike, Row, Source, State, Tier
from roundel.catalogue.states import States
from roundel.errors import UsageError

ORIGIN = "design_origin"
PRODUCED = "produced_in"
JOINT = "joint"
CONFLICTING = "conflicting"
TIERS: tuple[Tier, ...] = ("A", "B", "C", "D")
ENOUGH: tuple[Tier, ...] = ("A", "B", "C")
CLOSE = 0.75
MOST_FOUND = 8


class Sourced(Protocol):
    """Anything that cites its sources."""

    @property
    def sources(self) -> tuple[Citation, ...]:
        """The sources."""


def key(text: str) -> str:
    """A designation as it is compared: letters and digits only, small.

    >>> key("MiG-21 bis"), key("M-113")
    ('mig21bis', 'm113')
    """
    return re.sub(r"[\W_]+", "", text.casefold())


class Catalogue:
    """Types, the classes above them, states, sources and rows, all read-only."""

    def __init__(
        self,
        types: Mapping[str, EquipmentType],
        classes: Mapping[str, ClassNode],
        states: Mapping[str, State],
        sources: Mapping[str, Source],
        rows: tuple[Row, ...],
    ) -> None:
        self.types, self.classes = MappingProxyType(dict(types)), MappingProxyType(dict(classes))
        self.states, self.sources, self.rows = MappingProxyType(dict(states)), MappingProxyType(dict(sources)), rows
        self._lineages: dict[str, tuple[str, ...]] = {}
        self._states = States(states)
        self._nameable = roundel_models.types()
        self._tiers: dict[str, Tier] = {code: source.tier for code, source in sources.items()}

    # The tree

    def node_title(self, node: str) -> str:
        """How a type or class is called in a sentence.

        Raises:
            UsageError: if there is no such node.
        """
        if node in self.types:
            return self.types[node].title
        if node in self.classes:
            return self.classes[node].title
        if node in self._nameable:
            return str(self._nameable[node]["title"])
        raise self._no_node(node)

    def _no_node(self, node: str) -> UsageError:
        close = difflib.get_close_matches(node, dict.fromkeys((*self.types, *self.classes, *self._nameable)), 3)
        hint = f"did you mean {', '.join(close)}?" if close else "see roundel catalogue search"
        return UsageError(f"{node!r} is no type or class of the catalogue; {hint}")

    def _parent(self, node: str) -> str | None:
        if node in self.types:
            return self.types[node].parent
        if node in self.classes:
            return self.classes[node].parent
        if node in self._nameable:
            return str(self._nameable[node]["parent"])
        raise self._no_node(node)

    def lineage(self, node: str) -> tuple[str, ...]:
        """A type or class and all above it, deepest first, to the root of the tree.

        Types that can be named from pictures but have no file in the catalogue stand below the family or class that
        ``types.toml`` of the data package gives them.

        Raises:
            UsageError: if there is no such node, or if the nodes go round in a circle.
        """
        if node in self._lineages:
            return self._lineages[node]
        found = [node]
        while (parent := self._parent(found[-1])) is not None:
            if parent in found:
                raise UsageError(f"{node!r} has itself among its parents; see roundel catalogue check")
            found.append(parent)
        return self._lineages.setdefault(node, tuple(found))

    def is_a(self, node: str, ancestor: str) -> bool:
        """Whether a node is the other one or lies below it."""
        return ancestor in self.lineage(node)

    def types_under(self, node: str) -> tuple[str, ...]:
        """The types of the catalogue that are the node or lie below it."""
        return tuple(name for name in self.types if self.is_a(name, node))

    def detector_nodes(self, node: str) -> tuple[str, ...]:
        """The nodes of the detector's tree whose shares add up to the share of a node; empty if it cannot tell it."""
        if node in detector.tree():
            return (node,)
        return self.classes[node].from_detector if node in self.classes else ()

    # Sources

    def tier(self, citations: tuple[Citation, ...]) -> Tier:
        """The best tier among sources; empty if none has one."""
        found = [tier for item in citations if (tier := self._tiers.get(item.code, ""))]
        return min(found, key=TIERS.index, default="")

    def printable(self, item: Sourced) -> bool:
        """Whether a source better than tier D stands behind it."""
        return self.tier(item.sources) in ENOUGH

    def cite(self, citations: tuple[Citation, ...]) -> str:
        """Sources by code and place, as they are printed.

        Their order is that of the file, those of tier D last.
        """
        ordered = sorted(citations, key=lambda item: self._tiers.get(item.code, "") == "D")
        return "; ".join(f"{item.code} {item.locator}".rstrip() for item in ordered)

    # Facts

    def facts(self, type_id: str, prop: str) -> tuple[Fact, ...]:
        """The facts of a property that may be printed; a variant without any has those of its family.

        Raises:
            UsageError: if there is no such type.
        """
        return tuple(fact for fact in self._all(type_id, prop) if self.printable(fact))

    def _all(self, type_id: str, prop: str) -> tuple[Fact, ...]:
        for node in self.lineage(type_id):
            found = tuple(fact for fact in self.types[node].facts if fact.prop == prop) if node in self.types else ()
            if found:
                return found
        return ()

    def design_origins(self, type_id: str) -> tuple[Fact, ...]:
        """The facts that say where a design comes from, if they may be printed.

        Where a design is joint or sources disagree, and one side rests on tier D alone, there are none: the other side
        by itself would mislead.
        """
        every = self._all(type_id, ORIGIN)
        shared = any(fact.scope == JOINT or fact.rank == CONFLICTING for fact in every)
        good = tuple(fact for fact in every if self.printable(fact))
        return () if shared and len(good) < len(every) else good

    def origins(self, type_id: str) -> Mapping[str, float]:
        """The states of a design's origin with shares that add up to 1; empty if none may be printed.

        The partners of a joint design, and the sides where sources disagree, have equal shares: no source weighs them.
        """
        states = dict.fromkeys(fact.value for fact in self.design_origins(type_id))
        return {state: 1 / len(states) for state in states}

    def producers(self, type_id: str) -> tuple[Fact, ...]:
        """Where it was made, and how."""
        return self.facts(type_id, PRODUCED)

    def lookalikes(self, type_id: str) -> tuple[Lookalike, ...]:
        """Types easily taken for it, with the parts that may be printed; a variant has those of its family as well."""
        found: dict[str, Lookalike] = {}
        for node in self.lineage(type_id):
            for item in self.types[node].lookalikes if node in self.types else ():
                features = tuple(feature for feature in item.features if self.printable(feature))
                if item.other not in found and item.other != type_id:
                    found[item.other] = Lookalike(item.other, item.separable, features, item.sources)
        return tuple(found.values())

    # Rows

    def deliveries(self, type_id: str, recipient: str | None = None) -> tuple[Row, ...]:
        """Deliveries of a type, or of types below a node, to a state; to any state if none is given."""
        return tuple(
            row
            for row in self.rows
            if row.relation == "transfer" and recipient in (None, row.recipient) and self._of(row, type_id)
        )

    def captures(self, type_id: str, from_state: str | None = None, by: str | None = None) -> tuple[Row, ...]:
        """Captures of a type, or of types below a node, from a state by a state or group; ``None``: any."""
        return tuple(
            row
            for row in self.rows
            if row.relation == "captured"
            and from_state in (None, row.supplier)
            and by in (None, row.recipient)
            and self._of(row, type_id)
        )

    def holdings(self, type_id: str, holder: str | None = None) -> tuple[Row, ...]:
        """What a state is stated to have held of a type, or of types below a node."""
        return tuple(
            row
            for row in self.rows
            if row.relation == "operator" and holder in (None, row.recipient) and self._of(row, type_id)
        )

    def _of(self, row: Row, node: str) -> bool:
        return bool(row.type) and self.is_a(row.type, node)

    # States

    def state_code(self, text: str) -> str:
        """The code of a state or group given by code, name or alias, in any case.

        Raises:
            UsageError: if there is none, with names that are close.
        """
        return self._states.code(text)

    def state_name(self, code: str, at: date | None = None) -> str:
        """What a state was called on a day, or lately: the Soviet Union is never called Russia.

        Raises:
            UsageError: if the code is unknown.
        """
        return self._states.name(code, at)

    def successors(self, code: str) -> tuple[str, ...]:
        """The states that followed a state."""
        return self._states.successors(code)

    def predecessors(self, code: str) -> tuple[str, ...]:
        """The states that a state followed."""
        return self._states.predecessors(code)

    # Search

    def find(self, text: str) -> list[str]:
        """Types and classes by id or name: equal names, then parts of names; if there are none, close ones."""
        wanted = key(text)
        if not wanted:
            return []
        names = self.names()
        same = [node for name, nodes in names.items() if name == wanted for node in nodes]
        part = [node for name, nodes in names.items() if wanted in name for node in nodes]
        close = [] if same or part else difflib.get_close_matches(wanted, names, MOST_FOUND, CLOSE)
        return list(dict.fromkeys([*same, *part, *(node for name in close for node in names[name])]))

    def names(self) -> dict[str, list[str]]:
        """All names as they are compared, with the types and classes that bear each."""
        found: dict[str, list[str]] = {}
        for node, item in self.types.items():
            every = [node, *(name for names in item.names.values() for name in names), *item.designations]
            for name in dict.fromkeys(map(key, every)):
                found.setdefault(name, []).append(node)
        for node, item_class in self.classes.items():
            for name in dict.fromkeys((key(node), key(item_class.title))):
                found.setdefault(name, []).append(node)
        return found
