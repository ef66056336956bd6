"""Counting: what proves that two tracks are two objects, and what does not."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roundel.config import CountingConfig
from roundel.count import KeptFrame, Seen, ShotEvidence, ShotProof, appearance, count, likeness

CONFIG = CountingConfig()


def texture(seed: int, size: tuple[int, int] = (60, 90)) -> np.ndarray:
    """A picture of something, different for every seed."""
    noise = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    return cv2.resize(noise, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)


def seen(track: str, left: float, score: float = 0.9, look: int | np.ndarray | None = None) -> Seen:
    crop = look if isinstance(look, np.ndarray) else texture(ord(track[-1]) if look is None else look)
    return Seen(track, np.array([left, 0, left + 90, 60], np.float32), score, appearance(crop))


def prove(*frames: list[Seen], separated: tuple = ()) -> ShotProof:
    proof = ShotProof(CONFIG)
    for number, items in enumerate(frames):
        proof.add(number / 10, items, separated)
    return proof


def distinct(proof: ShotProof) -> set[tuple[str, str]]:
    return {pair for kept in proof.groups for pair in kept.pairs} - proof.copies


def test_two_tracks_seen_apart_in_enough_frames_are_two_objects() -> None:
    frames = [[seen("a", 0), seen("b", 200)]] * CONFIG.min_frames
    assert distinct(prove(*frames[:-1])) == set()
    assert distinct(prove(*frames)) == {("a", "b")}


def test_only_the_frame_that_completes_a_proof_is_kept() -> None:
    proof = ShotProof(CONFIG)
    kept = [proof.add(number / 10, [seen("a", 0), seen("b", 200)]) is not None for number in range(5)]
    assert kept == [False, False, True, False, False]


def test_a_few_weak_frames_in_between_do_not_spoil_a_proof() -> None:
    strong, weak = [seen("a", 0), seen("b", 200)], [seen("a", 0), seen("b", 200, score=0.3)]
    assert distinct(prove(strong, weak, strong, weak, weak, strong)) == {("a", "b")}
    assert distinct(prove(strong, *[weak] * 8, strong, *[weak] * 8, strong)) == set()


def test_a_track_that_jumps_to_another_object_does_not_make_a_third() -> None:
    frames = (
        [[seen("a", 0), seen("b", 400)]] * 4
        + [[seen("a", 0), seen("c", 200)]] * 5
        + [[seen("b", 0), seen("c", 200)]] * 4
    )
    proof = prove(*frames)
    assert count("abc", [ShotEvidence(tuple(proof.groups), frozenset("abc"))], 60).lower == 2


@pytest.mark.parametrize(
    ("pair", "why"),
    [
        ([seen("a", 0), seen("b", 60)], "two boxes on one object overlap"),
        ([seen("a", 0), seen("b", 200, score=0.3)], "one of them is too weak to be sure that it is there"),
        ([seen("a", 0, look=1), seen("b", 200, look=1)], "one is a copy of the other"),
        ([seen("a", 0, look=1), seen("b", 200, look=texture(1)[:, ::-1])], "one is a mirrored copy of the other"),
        ([seen("a", 0, look=1), seen("b", 200, look=texture(1)[::-1])], "one is the other upside down, as in water"),
    ],
)
def test_no_proof(pair: list[Seen], why: str) -> None:
    assert distinct(prove(*[pair] * 10)) == set(), why


def test_a_copy_seen_once_spoils_the_pair_for_the_whole_shot() -> None:
    good, bad = [seen("a", 0), seen("b", 200)], [seen("a", 0, look=1), seen("b", 200, look=1)]
    assert distinct(prove(*[good] * 5, bad)) == set()


def test_a_seam_between_two_boxes_is_no_proof() -> None:
    frames = [[seen("a", 0), seen("b", 200)]] * 5
    assert distinct(prove(*frames, separated=[("a", "b")])) == set()


def test_likeness_is_high_for_a_slightly_shifted_and_scaled_copy_and_low_for_others() -> None:
    scene = texture(5, (120, 160))
    one, shifted = scene[10:70, 10:100], scene[12:74, 8:101]
    assert likeness(appearance(one), appearance(shifted)) > CONFIG.max_likeness
    others = [likeness(appearance(texture(a)), appearance(texture(b))) for a, b in itertools.combinations(range(12), 2)]
    assert max(others) < CONFIG.max_likeness


def evidence(tracks: str, *groups: str, solid: str | None = None) -> ShotEvidence:
    """A shot in which the tracks of each group were seen together."""
    boxes = dict.fromkeys(tracks, (0.0, 0.0, 1.0, 1.0))
    kept = [
        KeptFrame(frozenset(itertools.combinations(sorted(group), 2)), float(index), boxes, f"f{index}")
        for index, group in enumerate(groups)
    ]
    return ShotEvidence(tuple(kept), frozenset(tracks if solid is None else solid))


def test_the_lower_bound_is_the_largest_group_seen_together_and_one_frame_shows_it() -> None:
    found = count("abcd", [evidence("abcd", "ab", "bcd", "ad")], 100)
    assert found.lower == 3
    assert [(proof.tracks, proof.exhibit) for proof in found.proof] == [(("b", "c", "d"), "f1")]


def test_numbers_of_different_shots_are_not_added() -> None:
    found = count("abcd", [evidence("ab", "ab"), evidence("cd", "cd")], 100)
    assert (found.lower, found.upper) == (2, 4)


def test_pairs_at_different_times_prove_two_not_three() -> None:
    assert count("abc", [evidence("abc", "ab", "bc", "ac")], 100).lower == 2


def test_one_solid_track_proves_one_object_and_a_flimsy_one_none() -> None:
    assert count("a", [evidence("a")], 100).lower == 1
    found = count("a", [evidence("a", solid="")], 100)
    assert (found.lower, found.interval[0]) == (0, 0)


def test_tracks_of_another_class_do_not_count() -> None:
    assert count("ab", [evidence("abc", "abc")], 100).lower == 2


groups = st.lists(st.sets(st.sampled_from("abcdefg"), min_size=2), max_size=6)


@given(groups, st.sets(st.sampled_from("abcdefg"), min_size=1))
def test_lower_estimate_and_upper_are_in_order_and_the_lower_bound_is_exact(together: list, tracks: set) -> None:
    found = count(sorted(tracks), [evidence("abcdefg", *("".join(group) for group in together))], 60)
    assert found.lower == max([1, *(len(group & tracks) for group in together)])
    assert found.lower <= found.interval[0] <= found.estimate <= found.interval[1] <= found.upper == len(tracks)


def test_counting_hundreds_of_tracks_stays_quick() -> None:
    tracks = [f"t{number}" for number in range(600)]
    assert count(tracks, [evidence("ab", "ab")], 400).upper == 600


def test_the_estimate_is_the_same_every_time() -> None:
    assert count("abcdef", [evidence("abcdef", "ab")], 200) == count("abcdef", [evidence("abcdef", "ab")], 200)
