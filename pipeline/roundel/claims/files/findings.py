"""Findings of people, from YAML or a table (CSV)."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, get_args

from roundel.claims.files import grammar
from roundel.claims.files.csv_lines import parse_table
from roundel.claims.files.fields import Fields, as_mapping, as_text, many, via, wrong
from roundel.claims.files.names import Names
from roundel.claims.files.problems import MOST_PROBLEMS, FileProblemsError, Place, Problem, Problems
from roundel.claims.files.source_text import open_text
from roundel.claims.files.terms import VERSION_LINE, Ids, actor_of, days_reader, node_of, optional_text, times, version
from roundel.claims.files.yaml_lines import Items, Mapping, Node, Text, parse
from roundel.claims.model import Basis, DateSpan, Finding, FindingKind, Quantifier
from roundel.errors import UsageError

KEYS: Final = (
    "id", "kind", "who", "found", "basis", "source", "note", "video", "tracks", "from", "to", "of", "count", "types",
    "part", "serial", "place", "when", "actor", "reference",
)  # fmt: skip
LISTS: Final = ("tracks", "of")
MAPPINGS: Final = ("types",)
ACTORS: Final[tuple[FindingKind, ...]] = ("holder", "previous_holder", "manufacture", "supply")
NEEDS: Final[MappingType[FindingKind, tuple[tuple[str, ...], ...]]] = {
    "sighting": (("of",),),
    "type": (("types", "of"),),
    "confirmation": (("tracks", "of"),),
    "rejection": (("tracks", "of"),),
    "serial": (("serial",),),
    "part": (("part",), ("of",)),
    "place": (("place",),),
    "date": (("when",),),
    **dict.fromkeys(ACTORS, (("actor",),)),
    "published": (("when",),),
    "earlier_copy": (("when",), ("reference",)),
    "mirrored": (),
    "edited": (),
}
"""What each kind of finding has to say: of each group, at least one key."""
ONLY_FOR: Final[MappingType[str, tuple[FindingKind, ...]]] = {
    "count": ("sighting",),
    "types": ("type",),
    "part": ("part",),
    "actor": ACTORS,
    "reference": ("earlier_copy", "serial"),
}
"""Keys that mean nothing for other kinds."""
REST: Final = ("other", "unknown")
TOLERANCE: Final = 0.001
EXAMPLES: Final = {
    "id": "id: f1", "kind": "kind: sighting", "who": "who: your name", "found": "found: 2024-05-01",
    "basis": "basis: seen", "source": 'source: "the publication or document"', "of": "of: mig-21",
    "types": "types: {mig-21: 0.86, other: 0.14}", "tracks": "tracks: [t1]", "serial": 'serial: "2357"',
    "part": "part: nose intake", "place": "place: the place", "when": "when: 2014-08-24", "actor": "actor: Syria",
    "reference": "reference: the other copy's address",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that was read. ``sha256``: of its bytes, as ``sha256:<64 hex>``."""

    path: Path
    sha256: str


class FindingReader:
    """Reads findings from nodes; ids are unique over all that one reader reads."""

    def __init__(self, names: Names, problems: Problems) -> None:
        self._names, self._problems, self._ids = names, problems, Ids(problems)
        self._read: set[Path] = set()

    def file(self, path: Path) -> tuple[SourceFile, tuple[Finding, ...]]:
        """Read a file: ``.csv``, ``.yaml``, ``.yml`` or ``.json``. What is wrong in it is noted.

        Raises:
            UsageError: if it cannot be opened, or was read before.
        """
        suffix = path.suffix.lower()
        if suffix not in (".csv", ".yaml", ".yml", ".json"):
            raise UsageError(f"{path}: is neither .yaml nor .csv; save the findings as one of these")
        if path.resolve() in self._read:
            raise UsageError(f"{path}: is named twice; name each file of findings once")
        text, sha256 = open_text(path, "a file of findings")
        self._read.add(path.resolve())
        try:
            if suffix == ".csv":
                rows: tuple[Node, ...] = parse_table(text, path, KEYS, LISTS, MAPPINGS, self._problems)
            else:
                rows = self._rows(parse(text, path, self._problems))
            if not rows:
                raise wrong(Place(path, 1, 1), "there are no findings in it; write at least one, or leave the file out")
        except FileProblemsError as error:
            self._problems.found.extend(error.problems)
            rows = ()
        return SourceFile(path, sha256), self.findings(rows)

    def _rows(self, node: Node) -> tuple[Node, ...]:
        if isinstance(node, Mapping):
            fields = Fields(node, ("schema_version", "findings"), "a file of findings", self._problems)
            fields.get("schema_version", via(version), "")
            inner = node.entries.get("findings")
            if inner is None:
                raise wrong(node.place, f"findings is missing; write {VERSION_LINE}, then findings: and a list")
            node = inner.value
        if isinstance(node, Text) and node.empty:
            return ()
        if not isinstance(node, Items):
            raise wrong(node.place, "a list of findings has to stand here; start each one with a hyphen")
        return node.items

    def findings(self, nodes: tuple[Node, ...]) -> tuple[Finding, ...]:
        """The findings that can be read; what is wrong with the others is noted."""
        found: list[Finding] = []
        for node in nodes:
            if self._problems.full:
                break
            try:
                finding = self.finding(as_mapping(node, "the keys of a finding: id, kind, who, found, basis …"))
            except FileProblemsError as error:
                self._problems.found.extend(error.problems)
            else:
                found.append(finding)
        return tuple(found)

    def finding(self, node: Mapping) -> Finding:
        """One finding; what is wrong with it is noted."""
        fields = Fields(node, KEYS, "a finding", self._problems)
        found_id = fields.need("id", self._ids.read, "", EXAMPLES["id"])
        kind = fields.need("kind", via(_kind), None, EXAMPLES["kind"])
        basis = fields.need("basis", via(_basis), None, EXAMPLES["basis"])
        if kind is not None:
            self._fits(fields, kind)
        if basis in ("reported", "document") and not fields.has("source"):
            fields.complain(f"a finding that is {basis}, not seen, needs source; write {EXAMPLES['source']}")
        start, end = times(fields)
        nodes = fields.get("of", many(via(self._node)), ())
        return Finding(
            id=found_id,
            kind=kind or "sighting",
            who=fields.need("who", as_text, "", EXAMPLES["who"]),
            found=fields.need("found", via(grammar.day), date.min, EXAMPLES["found"]),
            basis=basis or "seen",
            source=optional_text(fields, "source"),
            note=optional_text(fields, "note"),
            video=optional_text(fields, "video"),
            tracks=fields.get("tracks", many(as_text), ()),
            start_seconds=start,
            end_seconds=end,
            nodes=nodes,
            count=fields.get("count", via(_count), Quantifier("at_least", 1) if kind == "sighting" else None),
            types=self._types(fields, kind, nodes),
            part=optional_text(fields, "part"),
            serial=optional_text(fields, "serial"),
            place=optional_text(fields, "place"),
            when=fields.get("when", self._days, None),
            actor=fields.get("actor", via(self._actor), None),
            reference=optional_text(fields, "reference"),
            line=node.place.line,
        )

    def _fits(self, fields: Fields, kind: FindingKind) -> None:
        for group in NEEDS[kind]:
            if not any(fields.has(key) for key in group):
                write = " or ".join(EXAMPLES[key] for key in group)
                fields.complain(f"a finding of the kind {kind} needs {' or '.join(group)}; write {write}")
        for key, kinds in ONLY_FOR.items():
            if fields.has(key) and kind not in kinds:
                fields.complain(
                    f"{key} means nothing in a finding of the kind {kind}, only in {', '.join(kinds)}; "
                    "delete it or say it in note",
                    key,
                )

    def _types(self, fields: Fields, kind: FindingKind | None, nodes: tuple[str, ...]) -> dict[str, float] | None:
        if kind != "type":
            return None
        if fields.has("types"):
            if fields.has("of"):
                fields.complain("a finding of the kind type has types or of, not both; delete one", "of")
            return fields.get("types", self._shares, {})
        if len(nodes) > 1:
            fields.complain("of names several types; write how likely each is, as " + EXAMPLES["types"], "of")
        return dict.fromkeys(nodes[:1], 1.0)

    def _shares(self, node: Node) -> dict[str, float]:
        mapping = as_mapping(node, EXAMPLES["types"])
        shares: dict[str, float] = {}
        problems: list[Problem] = []
        for name, entry in mapping.entries.items():
            try:
                key = Text(entry.place, name)
                shares[name if name in REST else via(self._node)(key)] = via(grammar.probability)(entry.value)
            except FileProblemsError as error:
                problems.extend(error.problems)
            if len(problems) >= MOST_PROBLEMS:
                break
        if problems:
            raise FileProblemsError(problems)
        total = sum(shares.values())
        if abs(total - 1) > TOLERANCE + 1e-9:
            raise wrong(node.place, f"the probabilities add up to {total:.4g}, not to 1; put what is left under other")
        return shares

    def _node(self, text: str) -> str:
        return node_of(self._names, text)

    def _actor(self, text: str) -> str:
        return actor_of(self._names, text)

    def _days(self, node: Node) -> DateSpan:
        return days_reader(self._problems, node)


def _kind(text: str) -> FindingKind:
    return grammar.one_of(text, get_args(FindingKind), "kind of finding")  # type: ignore[return-value]


def _basis(text: str) -> Basis:
    return grammar.one_of(text, get_args(Basis), "basis of a finding")  # type: ignore[return-value]


def _count(text: str) -> Quantifier:
    count = grammar.quantifier(text)
    if count.kind == "all":
        raise UsageError("a count of what was seen cannot be all; write a number, as at least 3")
    return count


def read_findings(path: Path, names: Names) -> tuple[SourceFile, tuple[Finding, ...]]:
    """Read one file of findings.

    Raises:
        UsageError: if it cannot be opened; as FileProblemsError with every problem and its place.
    """
    problems = Problems()
    read = FindingReader(names, problems).file(path)
    problems.stop_if_any()
    return read
