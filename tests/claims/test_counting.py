"""At least how many different objects: what proves two, what proves one, and what counts no longer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims.scenes import ONE, TWO, both, film, found, jets, saw, scene
from roundel.claims.counting import Bound, confirmed_serials, confirmed_types, lower_bound, most, plain
from roundel.claims.model import Finding, Scope
from roundel.claims.scene import Footage, Sighting
from roundel.claims.witnesses import without

MIG, J7 = {"mig-21": 0.95, "other": 0.05}, {"j-7": 0.95, "other": 0.05}


def aircraft(sighting: Sighting) -> float:
    return sighting.chances.get("aircraft", 0.0)


def bound(*parts: Footage | Finding | tuple[Finding, ...]) -> Bound:
    return lower_bound(scene(*parts).view(Scope()), aircraft)


def upper(*parts: Footage | Finding | tuple[Finding, ...]) -> int:
    return most(scene(*parts).view(Scope()), aircraft, 0.1)


def apart(count: int = 2) -> Footage:
    """Sightings of combat aircraft one after the other."""
    return film(*(saw(f"t{n + 1}", "combat_aircraft", span=(10.0 * n, 10.0 * n + 5)) for n in range(count)))


def test_side_by_side_is_two_and_one_after_the_other_may_be_one() -> None:
    assert len(bound(jets(2))) == 2
    assert len(bound(apart(2))) == 1
    assert (upper(jets(2)), upper(apart(2))) == (2, 2)


def test_the_proof_is_the_frame_that_shows_them() -> None:
    proof = bound(jets(3)).exhibits
    assert {(item.video, item.seconds, item.file) for item in proof} == {(ONE, 5.0, "frame.png")}


def test_pairs_in_different_frames_do_not_add_up() -> None:
    chain = film(*(saw(f"t{n}", "combat_aircraft") for n in (1, 2, 3)), together=[("t1", "t2"), ("t2", "t3")])
    assert len(bound(chain)) == 2, "t1 and t3 may be one"
    ring = film(
        *(saw(f"t{n}", "combat_aircraft") for n in (1, 2, 3)), together=[("t1", "t2"), ("t2", "t3"), ("t1", "t3")]
    )
    assert len(bound(ring)) == 3, "each pair is seen, so all three differ"


def test_other_objects_in_the_frame_do_not_count() -> None:
    assert len(bound(film(saw("t1", "combat_aircraft"), saw("t2", "civil_vehicle"), together=[("t1", "t2")]))) == 1
    assert len(bound(film(saw("t1", "combat_aircraft", 0.5)))) == 0, "no better than even"
    assert len(bound(film(replace(saw("t1", "combat_aircraft"), solid=False)))) == 0, "too brief to prove anything"


def test_different_serials_that_two_people_read_are_two() -> None:
    assert (
        len(bound(apart(), both("serial", tracks="t1", serial="2357"), both("serial", tracks="t2", serial="2360"))) == 2
    )


@pytest.mark.parametrize(
    "serials",
    [
        (found("serial", "Ana", tracks="t1", serial="2357"), found("serial", "Ana", tracks="t2", serial="2360")),
        (*both("serial", tracks="t1", serial="2357"), found("serial", "Ana", tracks="t2", serial="2360")),
        (
            *both("serial", tracks="t1", serial="2357"),
            found("serial", "Ana", tracks="t2", serial="2360"),
            found("serial", "Ben", tracks="t2", serial="2368"),
        ),
        (
            *both("serial", tracks="t1", serial="2357", source="a list"),
            *both("serial", tracks="t2", serial="2360", source="a list"),
        ),
        (
            *both("serial", tracks="t1", serial="2357"),
            found("serial", "Ana Berg", tracks="t2", serial="2360"),
            found("serial", "ana berg", tracks="t2", serial="2360"),
        ),
    ],
    ids=["one person", "one person for one of them", "readers disagree", "reports", "one person in two spellings"],
)
def test_serials_that_are_not_confirmed_prove_nothing(serials: tuple[Finding, ...]) -> None:
    assert len(bound(apart(), serials)) == 1


def test_the_same_serial_is_one_object() -> None:
    same = (both("serial", tracks="t1", serial="No. 2357"), both("serial", tracks="t2", serial="no 2357"))
    assert len(bound(apart(), *same)) == 1
    assert upper(apart(), *same) == 1
    assert upper(apart(3), *same) == 2
    assert plain("No. 2357") == plain("no 2357")


def test_the_same_serial_carries_proofs_over() -> None:
    """t1 and t3 are one aircraft, t3 is seen beside t2: t1 and t2 are two, even if t3 is left out."""
    footage = film(
        saw("t1", "combat_aircraft"), saw("t2", "combat_aircraft"), saw("t3", "combat_aircraft"),
        saw("t4", "combat_aircraft"), together=[("t3", "t2"), ("t1", "t4"), ("t4", "t2")],
    )  # fmt: skip
    same = (*both("serial", tracks="t1", serial="2357"), *both("serial", tracks="t3", serial="2357"))
    assert len(bound(footage)) == 2
    assert len(bound(footage, same)) == 3


def test_types_that_exclude_each_other_are_two() -> None:
    assert len(bound(apart(), both("type", tracks="t1", types=MIG), both("type", tracks="t2", types=J7))) == 2
    assert len(bound(apart(), both("type", tracks="t1", types=MIG), both("type", tracks="t2", types=MIG))) == 1
    assert len(bound(apart(), both("type", tracks="t1", types=MIG), found("type", "Ana", tracks="t2", types=J7))) == 1
    weak = {"j-7": 0.6, "mig-21": 0.4}
    assert len(bound(apart(), both("type", tracks="t1", types=MIG), both("type", tracks="t2", types=weak))) == 1
    reported = both("type", tracks="t2", types=J7, source="a paper")
    assert len(bound(apart(), both("type", tracks="t1", types=MIG), reported)) == 1


def test_a_variant_and_its_family_may_be_one() -> None:
    tanks = film(saw("t1", "combat_aircraft"), saw("t2", "combat_aircraft"))
    family, variant = {"t-54-55": 1.0}, {"t-55": 1.0}
    assert len(bound(tanks, both("type", tracks="t1", types=family), both("type", tracks="t2", types=variant))) == 1


def test_people_who_disagree_confirm_nothing() -> None:
    view = scene(
        apart(), both("serial", tracks="t1", serial="2357"), found("serial", "Cem", tracks="t1", serial="2367"),
        both("type", tracks="t1", types=MIG), found("type", "Cem", tracks="t1", types=J7),
    ).view(Scope())  # fmt: skip
    assert confirmed_serials(view) == {}
    assert confirmed_types(view) == {}


def test_a_rejected_sighting_counts_no_longer() -> None:
    view = scene(jets(3)).view(Scope())
    rejected = without(view, {"Ana": [(ONE, "t2")]})
    assert len(lower_bound(view, aircraft)) == 3
    assert [one.track for one in lower_bound(rejected, aircraft).group] == ["t1", "t3"]
    assert most(rejected, aircraft, 0.1) == 2


def test_tracks_of_the_same_name_in_two_videos_are_not_mixed_up() -> None:
    other = film(saw("t1", "combat_aircraft"), saw("t2", "combat_aircraft"), sha256=TWO, name="two.mp4")
    both_videos = (apart(), other)
    assert len(bound(*both_videos, both("serial", video="one.mp4", tracks="t1", serial="1"),
                     both("serial", video="two.mp4", tracks="t1", serial="2"))) == 2  # fmt: skip
    assert len(bound(*both_videos, both("serial", video="one.mp4", tracks="t1", serial="1"),
                     both("serial", video="one.mp4", tracks="t1", serial="1"))) == 1  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_the_bound_is_the_largest_set_of_which_each_two_are_proven_apart(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 6))
    names = [f"t{number}" for number in range(count)]
    pairs = [(one, other) for index, one in enumerate(names) for other in names[index + 1 :]]
    shown = data.draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    largest = max(
        len(chosen)
        for chosen in _subsets(names)
        if all((one, other) in shown for one, other in pairs if one in chosen and other in chosen)
    )
    footage = film(*(saw(name, "combat_aircraft") for name in names), together=shown)
    assert len(bound(footage)) == largest


def _subsets(names: list[str]) -> list[set[str]]:
    found_: list[set[str]] = [set()]
    for name in names:
        found_ += [chosen | {name} for chosen in found_]
    return found_


@given(st.lists(st.floats(0.51, 1), min_size=1, max_size=5), st.integers(0, 6))
def test_more_objects_are_never_more_probable(chances: list[float], least: int) -> None:
    names = tuple(f"t{number}" for number in range(len(chances)))
    footage = film(*map(lambda name, p: saw(name, "combat_aircraft", p), names, chances), together=[names])
    found_ = bound(footage)
    assert found_.tail(least + 1) <= found_.tail(least) + 1e-12
