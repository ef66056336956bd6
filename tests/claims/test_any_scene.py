"""Whatever is known and whatever is claimed: what must hold of every assessment."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from claims.scenes import TWO, catalogue, claim, film, found, saw
from claims.table_rows import WHOLE
from roundel.claims.assess import assess
from roundel.claims.ladder import LIMITS
from roundel.claims.model import Finding, Level, Verdict
from roundel.claims.parts import at_best
from roundel.claims.scene import Footage, Scene

TRACKS = ("t1", "t2", "t3")
TYPES = (
    {}, {"mig-21": 0.95, "other": 0.05}, {"j-7": 0.95, "unknown": 0.05}, {"mig-21": 0.5, "j-7": 0.5}, {"l-39": 1.0},
    {"jf-17": 1.0}, {"f-22": 0.9, "combat_aircraft": 0.9, "other": 0.1}, {"nobody-knows-it": 1.0}, {"t-55": 1.0},
)  # fmt: skip
NOT_FOUND = {"nobody-knows-it", "combat_aircraft"}
FOUND_TYPES = tuple(types for types in TYPES if types and not NOT_FOUND & set(types))
WHO = ("Ana", "ana", "Ben", "Cem")
QUANTIFIERS = (
    "some", "no", "all", "at least 1", "at least 2", "exactly 1", "exactly 2", "at most 1", "at most 2",
    "between 1 and 2",
)  # fmt: skip
SUBJECTS = (
    "object", "equipment", "aircraft", "combat_aircraft", "armoured_vehicle", "mig-21", "t-55", "f-22", "[mig-21, j-7]",
    "{any_of: aircraft, design_origin: Soviet Union}", "{any_of: aircraft, design_origin: China}",
    "{any_of: aircraft, marking: '2357'}", "{any_of: mig-21, marking: '2357'}",
)  # fmt: skip
RELATIONS = (
    "visible", "continuous", "{operated_by: Syria}", "{supplied_by: Russia}", "{supplied_by: Soviet Union, when: 1974}",
    "{manufactured_in: China}", "{same_individual_as: t2}", "{same_individual_as: '2357'}",
    "{first_published_by: 2014-08-31}", "{same_footage_as: two.mp4}",
)  # fmt: skip
SCOPES = ("", ", scope: {videos: one.mp4}", ", scope: {from: 5, to: 20}", ", scope: {place: Tabqa, filmed: 2014-08-31}")


@st.composite
def footage(draw: st.DrawFn, sha256: str, name: str) -> Footage:
    sightings = [
        saw(
            track,
            draw(st.sampled_from(["combat_aircraft", "armoured_vehicle", "civil_vehicle", "other_aircraft"])),
            draw(st.sampled_from([0.3, 0.6, 0.9, 0.99])),
            draw(st.sampled_from(TYPES)),
            span=draw(st.sampled_from([(0.0, 8.0), (10.0, 30.0)])),
            read=draw(st.sampled_from(["", "2357"])),
            calibrated=draw(st.booleans()),
        )
        for track in draw(st.lists(st.sampled_from(TRACKS), unique=True))
    ]
    together = draw(st.lists(st.sampled_from([("t1", "t2"), ("t2", "t3"), TRACKS]), max_size=2))
    return film(*sightings, together=together, sha256=sha256, name=name, cuts=draw(st.sampled_from([(), (9.0,)])))


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    kind = draw(
        st.sampled_from(
            ["sighting", "type", "confirmation", "rejection", "serial", "place", "date", "holder", "previous_holder",
             "manufacture", "supply", "published", "earlier_copy", "mirrored", "edited"]
        )
    )  # fmt: skip
    node = draw(st.sampled_from(["aircraft", "mig-21", "l-39", "armoured_vehicle", "civil_vehicle"]))
    fields = {
        "sighting": {"nodes": node, "count": draw(st.sampled_from(["at least 2", "exactly 1", "no", "at most 1"]))},
        "type": {"types": draw(st.sampled_from(FOUND_TYPES))},
        "confirmation": {"nodes": node},
        "rejection": {"nodes": node},
        "serial": {"serial": draw(st.sampled_from(["2357", "2360"]))},
        "place": {"place": draw(st.sampled_from(["Tabqa", "Hama"]))},
        "date": {"when": draw(st.sampled_from(["2014-08-31", "2013"]))},
        "published": {"when": "2014-08-31"},
        "earlier_copy": {"when": draw(st.sampled_from(["2013", "2015"])), "reference": "an upload"},
    }.get(kind, {"actor": draw(st.sampled_from(["SY", "RU", "SUHH"]))} if kind not in {"mirrored", "edited"} else {})
    tracks = (
        draw(st.lists(st.sampled_from(TRACKS), max_size=2, unique=True))
        if "nodes" in fields or kind in {"type", "serial"}
        else ()
    )
    basis = draw(st.sampled_from(["seen", "seen", "reported", "document"]))
    return found(
        kind, draw(st.sampled_from(WHO)), tracks=tuple(tracks), video=draw(st.sampled_from(["", "one.mp4", "two.mp4"])),
        basis=basis, source="" if basis == "seen" else "a paper", **fields,
    )  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(footage("sha256:" + "a" * 64, "one.mp4"), footage(TWO, "two.mp4"), st.lists(findings(), max_size=6), st.data())
def test_what_always_holds(one: Footage, two: Footage, told: list[Finding], data: st.DataObject) -> None:
    stated = data.draw(st.sampled_from(["", f", {WHOLE}"]))
    said = claim(
        f"quantifier: {data.draw(st.sampled_from(QUANTIFIERS))}, subject: {data.draw(st.sampled_from(SUBJECTS))}, "
        f"relation: {data.draw(st.sampled_from(RELATIONS))}{data.draw(st.sampled_from(SCOPES))}{stated}"
    )
    whole = Scene(catalogue(), (one, two), tuple(told))
    result = assess(said, whole)
    people = {item.who.casefold() for item in told if item.basis == "seen"}
    limits = said.quantifier.kind in {"exactly", "at_most", "between", "no", "all"}
    assert at_best(result.verdict, LIMITS[result.level]) == result.verdict
    assert result.alternatives
    assert all(result.alternatives)
    assert result.verdict is not Verdict.SHOWS or (len(people) >= 2 and not limits)
    assert result.verdict not in {Verdict.SHOWS, Verdict.SUPPORTS} or result.supporting
    assert result.verdict not in {Verdict.WEAKENS, Verdict.CONTRADICTS} or result.opposing
    if limits and result.verdict in {Verdict.SHOWS, Verdict.SUPPORTS}:
        assert stated, "a number was limited although nobody states coverage and recall"
    assert assess(said, replace(whole, footage=(two, one), findings=tuple(told[::-1]))) == result
    blind = assess(said, whole.without_image())
    assert not [item for item in (*blind.supporting, *blind.opposing, *blind.sentences) if item.source == "video"]


def test_every_rung_has_a_limit() -> None:
    assert set(LIMITS) == set(Level)
