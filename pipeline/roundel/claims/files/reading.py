"""Claim files: a statement in the words of the grammar, as an investigator writes it by hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, get_args

from roundel.claims.files import grammar
from roundel.claims.files.fields import Fields, as_mapping, as_text, many, via, wrong
from roundel.claims.files.findings import FindingReader, SourceFile
from roundel.claims.files.names import Names
from roundel.claims.files.problems import FileProblemsError, Place, Problems, did_you_mean, quoted
from roundel.claims.files.source_text import open_text
from roundel.claims.files.terms import (
    VERSION_LINE,
    Ids,
    actor_of,
    days_reader,
    node_of,
    optional_text,
    state_of,
    times,
    version,
)
from roundel.claims.files.yaml_lines import Items, Mapping, Node, Text, parse
from roundel.claims.model import (
    Claim,
    CoverageStatement,
    DateSpan,
    Finding,
    Quantifier,
    RecallStatement,
    Relation,
    RelationKind,
    Scope,
    Subject,
)
from roundel.disk import lies_within
from roundel.errors import UsageError

FILE_KEYS: Final = ("schema_version", "title", "about", "findings", "claims")
CLAIM_KEYS: Final = (
    "id", "text", "by", "said", "source", "quantifier", "subject", "relation", "scope", "coverage", "recall",
)  # fmt: skip
SUBJECT_KEYS: Final = ("any_of", "design_origin", "marking")
SCOPE_KEYS: Final = ("videos", "from", "to", "place", "filmed")
COVERAGE_KEYS: Final = ("text", "who")
RECALL_KEYS: Final = ("found", "objects", "source")
ALONE: Final[tuple[RelationKind, ...]] = ("visible", "continuous")
ACTORS: Final[tuple[RelationKind, ...]] = ("operated_by", "supplied_by", "manufactured_in")
REFERENCES: Final[tuple[RelationKind, ...]] = ("same_individual_as", "same_footage_as")
RELATION_EXAMPLES: Final[dict[RelationKind, str]] = {
    "visible": "relation: visible",
    "continuous": "relation: continuous",
    "operated_by": "relation: {operated_by: Syria}",
    "supplied_by": "relation: {supplied_by: Russia, when: 2014}",
    "manufactured_in": "relation: {manufactured_in: Poland}",
    "same_individual_as": 'relation: {same_individual_as: "2357"}',
    "same_footage_as": "relation: {same_footage_as: clip.mp4}",
    "first_published_by": "relation: {first_published_by: 2014-08-31}",
}
RELATIONS: Final[tuple[RelationKind, ...]] = get_args(RelationKind)
START: Final = f"start with {VERSION_LINE}, then claims: and a list"


@dataclass(frozen=True, slots=True)
class ClaimFile:
    """What a claim file says. ``files``: the files of findings read with it; ``sha256``: of the claim file itself."""

    path: Path
    sha256: str
    claims: tuple[Claim, ...]
    findings: tuple[Finding, ...]
    files: tuple[SourceFile, ...]
    title: str = ""
    about: str = ""
    """What a reader must know first, in the words of whoever wrote the file."""


def read_claims(path: Path, catalogue: Names, more_findings: Iterable[Path] = ()) -> ClaimFile:
    """Read a claim file and the findings that it names.

    Args:
        path: The claim file. Findings files that it names lie in its folder or below.
        catalogue: The nodes and states that claims may name.
        more_findings: Further files of findings.

    Raises:
        UsageError: if a file cannot be opened; as FileProblemsError with every problem of all files and its place.
    """
    text, sha256 = open_text(path, "a claim file")
    return read_claim_text(text, path, sha256, catalogue, more_findings)


def read_claim_text(
    text: str, path: Path, sha256: str, catalogue: Names, more_findings: Iterable[Path] = ()
) -> ClaimFile:
    """Like ``read_claims`` for a text that stands, or will stand, in the file."""
    problems = Problems()
    reader = _ClaimReader(catalogue, problems)
    findings = FindingReader(catalogue, problems)
    read = reader.file(parse(text, path, problems), path, findings)
    files, found = read.files, read.findings
    for extra in more_findings:
        source, more = findings.file(extra)
        files, found = (*files, source), (*found, *more)
    problems.stop_if_any()
    return replace(read, sha256=sha256, findings=found, files=files)


class _ClaimReader:
    def __init__(self, names: Names, problems: Problems) -> None:
        self._names, self._problems, self._ids = names, problems, Ids(problems)

    def file(self, node: Node, path: Path, findings: FindingReader) -> ClaimFile:
        """What the file says; findings that stand in it come before those of other files."""
        if isinstance(node, Text) and node.empty:
            raise wrong(Place(path, 1, 1), f"the file is empty; {START}")
        if not isinstance(node, Mapping):
            raise wrong(node.place, f"this is not how a claim file starts; {START}")
        fields = Fields(node, FILE_KEYS, "a claim file", self._problems)
        fields.need("schema_version", via(version), "", VERSION_LINE)
        claims = fields.need("claims", self._claims, (), "claims: and below it a list, each claim with a hyphen")
        inner, files, found = fields.get("findings", lambda value: self._findings(value, path, findings), ((), (), ()))
        title = optional_text(fields, "title")
        about = optional_text(fields, "about")
        return ClaimFile(path, "", claims, (*inner, *found), files, title, about)

    def _findings(
        self, node: Node, path: Path, reader: FindingReader
    ) -> tuple[tuple[Finding, ...], tuple[SourceFile, ...], tuple[Finding, ...]]:
        parts = node.items if isinstance(node, Items) else (node,)
        if not parts:
            raise wrong(node.place, "the list of findings is empty; write a file name, or delete the key")
        inner = reader.findings(tuple(part for part in parts if isinstance(part, Mapping)))
        files: list[SourceFile] = []
        found: list[Finding] = []
        for part in (part for part in parts if not isinstance(part, Mapping)):
            try:
                source, more = reader.file(_beside(path, as_text(part)))
            except FileProblemsError as error:
                self._problems.found.extend(error.problems)
            except UsageError as error:
                self._problems.add(part.place, str(error))
            else:
                files.append(source)
                found.extend(more)
        return inner, tuple(files), tuple(found)

    def _claims(self, node: Node) -> tuple[Claim, ...]:
        if not isinstance(node, Items) or not node.items:
            raise wrong(node.place, "there is no list of claims; start each claim with a hyphen, as - id: two-aircraft")
        found: list[Claim] = []
        for item in node.items:
            if self._problems.full:
                break
            try:
                found.append(self._claim(as_mapping(item, "the keys of a claim: id, text, by, subject …")))
            except FileProblemsError as error:
                self._problems.found.extend(error.problems)
        return tuple(found)

    def _claim(self, node: Mapping) -> Claim:
        fields = Fields(node, CLAIM_KEYS, "a claim", self._problems)
        said = fields.get("said", self._days, None)
        coverage = fields.get("coverage", self._coverage, None)
        recall = fields.get("recall", self._recall, None)
        return Claim(
            id=fields.need("id", self._ids.read, "", "id: two-aircraft"),
            text=fields.need("text", as_text, "", 'text: "the statement as it was made"'),
            by=fields.need("by", as_text, "", "by: who said it"),
            quantifier=fields.get("quantifier", via(grammar.quantifier), Quantifier("some")),
            subject=fields.need("subject", self._subject, Subject(()), "subject: aircraft"),
            relation=fields.get("relation", self._relation, Relation("visible")),
            scope=fields.get("scope", self._scope, Scope()),
            said=said,
            source=optional_text(fields, "source"),
            coverage=coverage,
            recall=recall,
            line=node.place.line,
        )

    def _subject(self, node: Node) -> Subject:
        read = many(via(self._node))
        if not isinstance(node, Mapping):
            return Subject(read(node))
        fields = Fields(node, SUBJECT_KEYS, "a subject", self._problems)
        nodes = fields.need("any_of", read, (), "any_of: [aircraft]")
        return Subject(
            nodes,
            fields.get("design_origin", via(self._state), None),
            fields.get("marking", as_text, "") or None,
        )

    def _relation(self, node: Node) -> Relation:
        if isinstance(node, Text):
            word = as_text(node)
            kind = self._relation_kind(word, node.place)
            if kind not in ALONE:
                raise wrong(node.place, f"{kind} has to say more; write {RELATION_EXAMPLES[kind]}")
            return Relation(kind)
        example = RELATION_EXAMPLES["supplied_by"]
        mapping = as_mapping(node, example)
        keys = [key for key in mapping.entries if key != "when"]
        kinds = [self._relation_kind(key, mapping.entries[key].place) for key in keys]
        if len(kinds) != 1:
            raise wrong(node.place, f"a claim has one relation; make a claim for each, as {example}")
        kind, entry = kinds[0], mapping.entries[keys[0]]
        if kind in ALONE:
            raise wrong(entry.place, f"{kind} stands alone; write {RELATION_EXAMPLES[kind]}")
        fields = Fields(mapping, (kind, "when"), "a relation", self._problems)
        when = fields.get("when", self._days, None)
        if fields.has("when") and kind != "supplied_by":
            fields.complain(f"when belongs to supplied_by, not to {kind}; for the time of filming use scope", "when")
        if kind in REFERENCES:
            return Relation(kind, reference=as_text(entry.value))
        if kind in ACTORS:
            return Relation(kind, actor=via(self._actor)(entry.value), when=when)
        return Relation(kind, when=DateSpan(None, via(grammar.day)(entry.value)))

    def _relation_kind(self, word: str, place: Place) -> RelationKind:
        for kind in RELATIONS:
            if word == kind:
                return kind
        first = word.split(maxsplit=1)[0] if word.split() else word
        for kind in RELATIONS:
            if first == kind:
                raise wrong(place, f"{quoted(word)} needs brackets and a colon; write {RELATION_EXAMPLES[kind]}")
        raise wrong(place, f"{quoted(word)} is no relation; {did_you_mean(word, RELATIONS)}")

    def _scope(self, node: Node) -> Scope:
        fields = Fields(as_mapping(node, "scope: {videos: [clip.mp4]}"), SCOPE_KEYS, "a scope", self._problems)
        start, end = times(fields)
        when = fields.get("filmed", self._days, None)
        return Scope(fields.get("videos", many(as_text), ()), start, end, optional_text(fields, "place") or None, when)

    def _coverage(self, node: Node) -> CoverageStatement:
        example = 'coverage: {text: "The film shows the whole apron.", who: "name"}'
        fields = Fields(as_mapping(node, example), COVERAGE_KEYS, "coverage", self._problems)
        return CoverageStatement(
            fields.need("text", as_text, "", 'text: "what the film shows the whole of"'),
            fields.need("who", as_text, "", "who: the person who states it"),
        )

    def _recall(self, node: Node) -> RecallStatement:
        example = 'recall: {found: 45, objects: 50, source: "the test"}'
        fields = Fields(as_mapping(node, example), RECALL_KEYS, "recall", self._problems)
        found = fields.need("found", via(grammar.whole_number), 0, "found: 45")
        objects = fields.need("objects", via(grammar.whole_number), 0, "objects: 50")
        if fields.has("objects") and objects == 0:
            fields.complain("a test with no objects says nothing; write how many there really were", "objects")
        elif found > objects and fields.has("objects"):
            fields.complain(f"{found} found of {objects} objects cannot be; found is the smaller number", "found")
        return RecallStatement(found, objects, fields.need("source", as_text, "", 'source: "which test"'))

    def _node(self, text: str) -> str:
        return node_of(self._names, text)

    def _state(self, text: str) -> str:
        return state_of(self._names, text)

    def _actor(self, text: str) -> str:
        return actor_of(self._names, text)

    def _days(self, node: Node) -> DateSpan:
        return days_reader(self._problems, node)


def _beside(path: Path, name: str) -> Path:
    """The file of findings that a claim file names.

    Raises:
        UsageError: if it does not lie in the folder of the claim file or below it: whoever wrote that file does not
            choose which other files are read.
    """
    if not name.isprintable() or not lies_within(path.parent / name, path.parent):
        raise UsageError(f"{quoted(name)} does not lie beside the claim file; give it with --findings")
    return path.parent / name
