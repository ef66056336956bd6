"""From a designation of the SIPRI trade register to a type of the catalogue."""

from __future__ import annotations

import re
from dataclasses import dataclass

from roundel.catalogue.query import Catalogue, key

CALIBRE = re.compile(r"\s\d+(\.\d+)?\s?mm\b.*$")
ENDS_IN_NUMBER = re.compile(r".*\d$")

KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"engine|turbo|radar|sonar|eo system|torpedo|\bbomb\b|depth charge|anti-tank|air-to-air|portable", ()),
    (r"ship missile|surface-to-surface|ssm", ("missile_system",)),
    (r"\bsam\b|sams|abm", ("air_defence", "spaag")),
    (r"helicopter", ("helicopter",)),
    (r"\buav\b|loitering|drone", ("uav",)),
    (r"aircraft", ("fixed_wing",)),
    (r"mrl", ("mlrs",)),
    (r"aa gun|anti-aircraft gun", ("spaag", "towed_aa_gun")),
    (r"self-propelled", ("sp_artillery", "mlrs")),
    (r"towed gun|howitzer", ("towed_artillery",)),
    (r"\btank\b", ("tank",)),
    (
        r"apc|apv|ifv|fighting vehicle|armoured car|reconnaissance",
        ("apc", "ifv", "mrap", "recon_vehicle", "light_vehicle"),
    ),
    (r"ship|boat|corvette|frigate|minesweeper|craft", ("warship",)),
)
"""Words of the register's description, and where a type has to stand in the tree for each; the first word counts."""


@dataclass(frozen=True, slots=True)
class Match:
    """A type, or none (empty), and whether it was found by the stem of the designation, which people should check."""

    type: str = ""
    by_stem: bool = False


class Matcher:
    """Finds types by names, alternative names and known designations; NATO names are left out.

    The register uses some of the same words for other things: "Fagot" is an anti-tank missile there, not the MiG-15.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._names: dict[str, set[str]] = {}
        for node, item in catalogue.types.items():
            own = (name for body, names in item.names.items() if body != "nato" for name in names)
            for name in (node, *own, *item.designations):
                self._names.setdefault(key(name), set()).add(node)

    def match(self, designation: str, description: str) -> Match:
        """The type of a designation: by the whole of it, or by its stem (``MiG-21`` of ``MiG-21SMT``).

        A type that contradicts the register's description, such as a tank that is called an APC, is none.
        """
        bare = CALIBRE.sub("", designation.strip()).rstrip(" -")
        whole = self._only(self._names.get(key(designation), set()) | self._names.get(key(bare), set()))
        if whole:
            return Match(whole) if self._fits(whole, description) else Match()
        stems = {self._stem(part) for part in bare.split("/")}
        found = stems.pop() if len(stems) == 1 else ""
        return Match(found, by_stem=True) if found and self._fits(found, description) else Match()

    def _stem(self, part: str) -> str:
        """The type of one of the parts that strokes separate: its first word, or the beginning of that word."""
        words = part.split()
        if not words:
            return ""
        word = key(words[0])
        if exact := self._only(self._names.get(word, set())):
            return exact
        for end in range(len(word) - 1, 1, -1):
            stem = word[:end]
            if ENDS_IN_NUMBER.match(stem) and word[end].isalpha() and stem in self._names:
                return self._only(self._names[stem])
        return ""

    def _only(self, found: set[str]) -> str:
        return next(iter(found)) if len(found) == 1 else ""

    def _fits(self, type_id: str, description: str) -> bool:
        for words, nodes in KINDS:
            if re.search(words, description.casefold()):
                return any(self._catalogue.is_a(type_id, node) for node in nodes)
        return True
