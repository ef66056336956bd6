"""Made scenes to hold claims against: footage with known sightings, findings of people, and the shipped catalogue."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from roundel.calibration import OperatingPoint
from roundel.catalogue import Catalogue, load
from roundel.claims.assess import assess
from roundel.claims.files.grammar import days, quantifier
from roundel.claims.files.names import CatalogueNames
from roundel.claims.files.reading import ClaimFile, read_claim_text, read_claims
from roundel.claims.model import Assessment, Attested, Claim, Copy, Exhibit, Finding, FindingKind
from roundel.claims.scene import Footage, Scene, Sighting, Together
from roundel.classes import lineage, tree
from roundel.record import ReadingRecord

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "tabqa_2014"
ONE, TWO = (f"sha256:{letter * 64}" for letter in "ab")
CLIPS = 300
MIG_21 = {"mig-21": 0.92, "j-7": 0.03, "other": 0.05}
J_7 = {"j-7": 0.92, "mig-21": 0.03, "other": 0.05}
EITHER = {"mig-21": 0.55, "j-7": 0.42, "other": 0.03}
_NUMBERS = itertools.count(1)


@cache
def catalogue() -> Catalogue:
    """The shipped catalogue, read once."""
    return load()


def points(clips: int = CLIPS, false_alarms: int = 0) -> dict[str, tuple[OperatingPoint, ...]]:
    """A validation of every class of the detector: 90 of 100 found, and so many clips without the class."""
    return {name: (OperatingPoint(0.5, 90, 100, false_alarms, clips),) for name in tree()}


def saw(
    track: str,
    named: str,
    probability: float = 0.99,
    types: Mapping[str, float] | None = None,
    *,
    video: str = ONE,
    span: tuple[float, float] = (0.0, 10.0),
    read: str = "",
    calibrated: bool = True,
) -> Sighting:
    """A sighting: of a class of the detector, with that probability of it and of all classes above it."""
    reading = ReadingRecord(
        text=read, script="Zyyy", confidence=0.9, alternatives=[], views=2, seconds=span[0], xyxy=[0, 0, 9, 9],
        serial_like=True,
    )  # fmt: skip
    return Sighting(
        video=video,
        track=track,
        named=named,
        chances=dict.fromkeys(lineage(named), probability),
        types=types or {},
        calibrated=calibrated,
        solid=True,
        start_seconds=span[0],
        end_seconds=span[1],
        exhibit=Exhibit(track, video, span[0], f"{track}.png"),
        readings=(reading,) if read else (),
    )


def film(
    *sightings: Sighting,
    together: Sequence[tuple[str, ...]] = (),
    at: float = 5.0,
    sha256: str = ONE,
    name: str = "one.mp4",
    **other: Any,
) -> Footage:
    """A minute of footage. ``together``: tracks that one frame shows side by side, at the second ``at``."""
    made = Footage(
        sha256=sha256,
        names=(name,),
        start_seconds=0.0,
        end_seconds=60.0,
        missing=(),
        cuts=(),
        sightings=tuple(replace(one, video=sha256, exhibit=replace(one.exhibit, video=sha256)) for one in sightings),
        together=tuple(Together(at, frozenset(tracks), "frame.png") for tracks in together),
        brief=0,
        points=points(),
        type_sources=30,
    )
    return replace(made, **other)


def jets(count: int, probability: float = 0.99, types: Mapping[str, float] | None = None, **other: Any) -> Footage:
    """So many combat aircraft side by side: t1, t2 …"""
    names = tuple(f"t{number + 1}" for number in range(count))
    return film(*(saw(name, "combat_aircraft", probability, types) for name in names), together=[names], **other)


def copy_of(seconds: tuple[float, float], public: str | None = None, *, whole_picture: bool = True) -> Copy:
    """Another video that shows a part of the footage, public at a time in the words of the files."""
    when = Attested(days(public), "Ana", "a web archive") if public else None
    return Copy("sha256:" + "c" * 64, "archive/old.mp4", seconds, whole_picture, 6, "matches/0/overlay-1.png", when)


def found(kind: FindingKind, who: str, /, **fields: Any) -> Finding:
    """A finding; ``when`` and ``count`` in the words of the files, basis "seen" unless a source is given."""
    fields["when"] = days(fields["when"]) if "when" in fields else None
    fields["count"] = quantifier(fields.pop("count", "at least 1")) if kind == "sighting" else None
    for key in ("tracks", "nodes"):
        value = fields.get(key, ())
        fields[key] = (value,) if isinstance(value, str) else value
    basis = fields.pop("basis", "reported" if fields.get("source") else "seen")
    return Finding(f"f{next(_NUMBERS):05d}", kind, who, date(2024, 5, 1), basis, **fields)


def both(kind: FindingKind, /, **fields: Any) -> tuple[Finding, Finding]:
    """The same finding of two people."""
    return found(kind, "Ana", **fields), found(kind, "Ben", **fields)


def scene(*parts: Footage | Finding | tuple[Finding, ...]) -> Scene:
    """A scene of footage and findings, in the order given."""
    findings = [item for part in parts if not isinstance(part, Footage) for item in _flat(part)]
    return Scene(catalogue(), tuple(part for part in parts if isinstance(part, Footage)), tuple(findings))


def _flat(part: Finding | tuple[Finding, ...]) -> tuple[Finding, ...]:
    return part if isinstance(part, tuple) else (part,)


def claim(text: str, name: str = "row") -> Claim:
    """A claim from the keys of the grammar, written on one line."""
    whole = f'schema_version: "1"\nclaims:\n  - {{id: {name}, text: said, by: a speaker, {text}}}\n'
    return read_claim_text(whole, Path("table.yaml"), "", CatalogueNames(catalogue())).claims[0]


def held(text: str, *parts: Footage | Finding | tuple[Finding, ...]) -> Assessment:
    """A claim held against a scene of these parts."""
    return assess(claim(text), scene(*parts))


@cache
def example() -> ClaimFile:
    """The worked example as it is shipped."""
    return read_claims(EXAMPLE / "claims.yaml", CatalogueNames(catalogue()))


def example_scene(**swapped: Mapping[str, float]) -> Scene:
    """The findings of the worked example; ``types``: other types than those that were found, counts follow them."""
    findings = example().findings
    if types := swapped.get("types"):
        best = max(types, key=lambda name: types[name])
        findings = tuple(
            replace(item, types=types)
            if item.kind == "type"
            else replace(item, nodes=(best,))
            if item.kind == "sighting"
            else item
            for item in findings
        )
    return Scene(catalogue(), (), findings)


def rules_of(assessment: Assessment) -> set[str]:
    """The rules of all evidence and steps."""
    evidence = (*assessment.supporting, *assessment.opposing, *assessment.sentences)
    return {item.rule for item in evidence} | {step.rule for step in assessment.derivation}
