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


def test_two_tracks_seen_apart_in_enough_frames_are_two_objects() -> None:
    frames = [[seen("a", 0), seen("b", 200)]] * CONFIG.min_frames
    assert prove(*frames[:-1]).distinct() == set()
    assert prove(*frames).distinct() == {("a", "b")}


def test_only_the_frame_that_completes_a_proof_is_kept() -> None:
    proof = ShotProof(CONFIG)
    kept = [proof.add(number / 10, [seen("a", 0), seen("b", 200)]) for number in range(5)]
    assert kept == [False, False, True, False, False]


@pytest.mark.parametrize(
    ("pair", "why"),
    [
        ([seen("a", 0), seen("b", 60)], "two boxes on one object overlap"),
        ([seen("a", 0), seen("b", 200, score=0.3)], "one of them is too weak to be sure that it is there"),
        ([seen("a", 0, look=1), seen("b", 200, look=1)], "one is a copy of the other"),
        ([seen("a", 0, look=1), seen("b", 200, look=texture(1)[:, ::-1])], "one is a mirrored copy of the other"),
    ],
)
def test_no_proof(pair: list[Seen], why: str) -> None:
    assert prove(*[pair] * 10).distinct() == set(), why


def test_a_copy_seen_once_spoils_the_pair_for_the_whole_shot() -> None:
    good, bad = [seen("a", 0), seen("b", 200)], [seen("a", 0, look=1), seen("b", 200, look=1)]
    assert prove(*[good] * 5, bad).distinct() == set()


def test_a_seam_between_two_boxes_is_no_proof() -> None:
    frames = [[seen("a", 0), seen("b", 200)]] * 5
    assert prove(*frames, separated=[("a", "b")]).distinct() == set()


def test_likeness_is_high_for_a_slightly_shifted_and_scaled_copy_and_low_for_others() -> None:
    scene = texture(5, (120, 160))
    one, shifted = scene[10:70, 10:100], scene[12:74, 8:101]
    assert likeness(appearance(one), appearance(shifted)) > CONFIG.max_likeness
    others = [likeness(appearance(texture(a)), appearance(texture(b))) for a, b in itertools.combinations(range(12), 2)]
    assert max(others) < CONFIG.max_likeness


def evidence(tracks: str, *pairs: str, solid: str | None = None) -> ShotEvidence:
    found = frozenset((pair[0], pair[1]) for pair in pairs)
    boxes = dict.fromkeys(tracks, (0.0, 0.0, 1.0, 1.0))
    frames = {
        float(index): KeptFrame(frozenset({pair}), boxes, f"f{index}") for index, pair in enumerate(sorted(found))
    }
    return ShotEvidence(found, frozenset(tracks if solid is None else solid), frames)


def test_the_lower_bound_is_the_largest_group_of_pairwise_different_tracks() -> None:
    shot = evidence("abcd", "ab", "bc", "ac", "cd")
    found = count("abcd", [shot], 100)
    assert found.lower == 3
    assert {track for proof in found.proof for track in proof.tracks} == set("abc")
    shown = {pair for proof in found.proof for pair in itertools.combinations(proof.tracks, 2)}
    assert shown >= {("a", "b"), ("b", "c"), ("a", "c")}


def test_numbers_of_different_shots_are_not_added() -> None:
    found = count("abcd", [evidence("ab", "ab"), evidence("cd", "cd")], 100)
    assert (found.lower, found.upper) == (2, 4)


def test_a_chain_of_pairs_proves_two_not_three() -> None:
    assert count("abc", [evidence("abc", "ab", "bc")], 100).lower == 2


def test_one_solid_track_proves_one_object_and_a_flimsy_one_none() -> None:
    assert count("a", [evidence("a")], 100).lower == 1
    assert count("a", [evidence("a", solid="")], 100).lower == 0


def test_tracks_of_another_class_do_not_count() -> None:
    assert count("ab", [evidence("abc", "ab", "bc", "ac")], 100).lower == 2


graphs = st.integers(1, 7).flatmap(
    lambda n: st.tuples(st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=15))
)


@given(graphs)
def test_lower_estimate_and_upper_are_in_order_and_the_lower_bound_is_exact(graph: tuple) -> None:
    size, edges = graph
    names = "abcdefg"[:size]
    pairs = {"".join(sorted((names[a], names[b]))) for a, b in edges if a != b}
    found = count(names, [evidence(names, *pairs)], 60)
    groups = (group for length in range(size, 0, -1) for group in itertools.combinations(names, length))
    truth = next(len(group) for group in groups if all("".join(p) in pairs for p in itertools.combinations(group, 2)))
    assert found.lower == truth
    assert found.lower <= found.interval[0] <= found.estimate <= found.interval[1] <= found.upper == size


def test_the_estimate_is_the_same_every_time() -> None:
    assert count("abcdef", [evidence("abcdef", "ab")], 200) == count("abcdef", [evidence("abcdef", "ab")], 200)
