"""What claims need to know of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from roundel.catalogue import Catalogue
from roundel.errors import UsageError


class Names(Protocol):
    """The names that a claim may use: nodes of the catalogue's tree, and states."""

    def is_node(self, node: str, /) -> bool:
        """Whether this is the id of a class, family or variant."""
        ...

    def nodes(self) -> Iterable[str]:
        """The ids of all nodes."""
        ...

    def find(self, text: str, /) -> list[str]:
        """Ids of the nodes whose id or name is like the text, nearest first."""
        ...

    def state_code(self, text: str, /) -> str:
        """The code of a state or group given by its name or code.

        Raises:
            UsageError: if none is called that; it names a similar one.
        """
        ...

    def node_title(self, node: str, /) -> str:
        """How a node is called in a sentence."""
        ...

    def state_name(self, code: str, /) -> str:
        """How a state or group is called in a sentence."""
        ...


class CatalogueNames:
    """The names of a catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def is_node(self, node: str, /) -> bool:
        """Whether the node has a place in the tree."""
        try:
            self._catalogue.lineage(node)
        except UsageError:
            return False
        return True

    def nodes(self) -> Iterable[str]:
        """The ids of types and classes."""
        return [*self._catalogue.types, *self._catalogue.classes]

    def find(self, text: str, /) -> list[str]:
        """Ids by any name."""
        return self._catalogue.find(text)

    def state_code(self, text: str, /) -> str:
        """The code of a state or group."""
        return self._catalogue.state_code(text)

    def node_title(self, node: str, /) -> str:
        """The usual English name."""
        return self._catalogue.node_title(node)

    def state_name(self, code: str, /) -> str:
        """The latest name."""
        return self._catalogue.state_name(code)
