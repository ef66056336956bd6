"""Many readings, one consensus."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from roundel.text.fuse import Look, distance, fuse, group, same_place
from roundel.text.tesseract import Raw

PLACE = (0.1, 0.1, 0.2, 0.2)


def raw(text: str, weight: float = 0.9) -> Raw:
    return Raw(tuple(((letter, weight),) for letter in text))


def looks(*texts: str, weight: float = 0.9) -> list[Look]:
    return [Look(view, PLACE, "eng", raw(text, weight)) for view, text in enumerate(texts)]


def test_the_majority_wins_and_the_others_become_alternatives() -> None:
    found = fuse(looks("226", "226", "276", "22"))
    assert found is not None
    assert (found.text, found.support, found.looks) == ("226", (0, 1), 4)
    assert found.characters[1] == (("2", 0.675), ("7", 0.225))
    assert found.characters[2][0] == ("6", 0.675)
    assert found.weakest == 0.675
    assert found.confidence == 0.75


def test_a_missing_or_an_additional_character_is_aligned() -> None:
    found = fuse(looks("T-72B3", "T72B3", "T-72BB3", "T-72B3"))
    assert found is not None
    assert found.text == "T-72B3"
    assert found.support == (0, 3)


def test_signs_at_the_ends_are_dirt() -> None:
    found = fuse(looks(".226:", "226+", "=226"))
    assert found is not None
    assert (found.text, found.support) == ("226", (0, 1, 2))


def test_nothing_read_is_no_consensus_and_looks_without_a_reading_count_against_one() -> None:
    assert fuse(looks("", "..", "-")) is None
    found = fuse(looks("226", "", "", ""))
    assert found is not None
    assert found.confidence == 0.225


@given(st.lists(st.text("0123ABБ-", max_size=6), max_size=6))
def test_any_readings_give_a_consensus_with_sound_weights(texts: list[str]) -> None:
    found = fuse(looks(*texts))
    if found is not None:
        assert 0 <= found.weakest <= found.confidence <= 1
        assert len(found.characters) == len(found.text)
        for choices in found.characters:
            assert [weight for _, weight in choices] == sorted((weight for _, weight in choices), reverse=True)


@given(st.text("ab1", max_size=5), st.text("ab1", max_size=5))
def test_distance_is_a_distance(one: str, other: str) -> None:
    assert distance(one, other) == distance(other, one)
    assert (distance(one, other) == 0) == (one == other)
    assert distance(one, other) <= max(len(one), len(other))


def test_places_are_grouped_by_overlap() -> None:
    moved = (0.12, 0.11, 0.22, 0.21)
    far = (0.5, 0.1, 0.6, 0.2)
    assert same_place(PLACE, moved)
    assert not same_place(PLACE, far)
    assert group([(PLACE, 1), (far, 2), (moved, 3)]) == [[1, 3], [2]]
