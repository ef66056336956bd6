"""What claims need to know of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol


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
        """The code of a state given by its name or code.

        Raises:
            UsageError: if no state is called that; it names a similar one.
        """
        ...
