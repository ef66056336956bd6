"""A catalogue of a few names for tests of claims."""

from __future__ import annotations

from collections.abc import Iterable

from roundel.claims.files.problems import did_you_mean
from roundel.errors import UsageError

TITLES = {
    "equipment": "equipment",
    "aircraft": "aircraft",
    "combat_aircraft": "combat aircraft",
    "armoured_vehicle": "armoured vehicle",
    "mig-21": "MiG-21",
    "mig-23": "MiG-23",
    "su-17": "Su-17/22",
    "l-39": "L-39 Albatros",
}
STATES = {"Russia": "RU", "Soviet Union": "SUHH", "Syria": "SY", "Poland": "PL", "Libya": "LY"}


class SmallNames:
    """Eight nodes and five states."""

    def is_node(self, node: str) -> bool:
        return node in TITLES

    def nodes(self) -> Iterable[str]:
        return TITLES

    def find(self, text: str) -> list[str]:
        word = text.casefold()
        return [node for node, title in TITLES.items() if word in node or word in title.casefold()]

    def state_code(self, text: str) -> str:
        if text in STATES.values():
            return text
        if text not in STATES:
            raise UsageError(f'"{text}" is no state that the catalogue knows; {did_you_mean(text, STATES)}')
        return STATES[text]

    def node_title(self, node: str) -> str:
        return TITLES[node]

    def state_name(self, code: str) -> str:
        return {code: name for name, code in STATES.items()}.get(code, code.removeprefix("group:"))
