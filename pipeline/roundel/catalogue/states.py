"""States by code, name or alias, and the name that a state had on a given day."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import date

from roundel.catalogue.model import State
from roundel.errors import UsageError

GROUP = "group:"
"""Begins the code of a party that is no state."""
UNLISTED = "unlisted:"
"""Begins the code of a state that the catalogue does not know; its name follows."""


def key(text: str) -> str:
    """A name as it is compared: small letters, single spaces.

    >>> key(" Soviet  Union ")
    'soviet union'
    """
    return " ".join(text.casefold().split())


class States:
    """The states and groups of a catalogue."""

    def __init__(self, states: Mapping[str, State]) -> None:
        self._states = states
        self._codes = {key(name): code for code, state in states.items() for name, _, _ in state.names}
        self._codes |= {key(alias): code for code, state in states.items() for alias in state.aliases}
        self._codes |= {key(code): code for code in states}

    def code(self, text: str) -> str:
        """The code of a state given by code, name or alias.

        Raises:
            UsageError: if there is none, with names that are close.
        """
        found = self._codes.get(key(text))
        if found is not None:
            return found
        close = difflib.get_close_matches(key(text), self._codes, 3)
        codes = dict.fromkeys(self._codes[name] for name in close)
        hint = ", ".join(f"{self.name(code)} ({code})" for code in codes)
        meant = f"did you mean {hint}?" if hint else "give a code of ISO 3166, such as SY, or group:name"
        raise UsageError(f"{text!r} is no state or group that the catalogue knows; {meant}")

    def name(self, code: str, at: date | None = None) -> str:
        """What a state was called on a day, or lately; outside of its time the nearest of its names.

        Raises:
            UsageError: if the code is unknown.
        """
        if code.startswith(UNLISTED):
            return code.removeprefix(UNLISTED)
        state = self._states.get(code)
        if state is None:
            if code.startswith(GROUP):
                return code.removeprefix(GROUP).replace("-", " ")
            raise UsageError(f"{code!r} is no code of a state that the catalogue knows; see states.toml")
        names = state.names
        if at is not None:
            past = [name for name in names if name[1] is None or name[1] <= at]
            return (past[-1] if past else names[0])[0]
        return names[-1][0]

    def successors(self, code: str) -> tuple[str, ...]:
        """The states that followed."""
        return self._states[code].successors if code in self._states else ()

    def predecessors(self, code: str) -> tuple[str, ...]:
        """The states that a state followed."""
        return tuple(before for before, state in self._states.items() if code in state.successors)
