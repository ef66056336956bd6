"""Near hashes: all of them, as counting bit by bit finds them, but for stopped ones."""

from __future__ import annotations

import numpy as np
import pytest

from moving_scenes import edited, footage, pan
from roundel.fingerprint.pdq import distance
from roundel.matching.candidates import LEAST_QUALITY, HashIndex
from roundel.matching.footage import Footage


def expected(query: Footage, reference: Footage, radius: int) -> set[tuple[int, int, int, int, int, bool]]:
    return {
        (q, f, r, g, distance(bits, there.bits), flip)
        for q, keyframe in enumerate(query.keyframes)
        for f, item in enumerate(keyframe.fingerprints)
        for flip, bits in ((False, item.bits), (True, item.mirrored_bits))
        for r, other in enumerate(reference.keyframes)
        for g, there in enumerate(other.fingerprints)
        if distance(bits, there.bits) <= radius and min(item.quality, there.quality) >= LEAST_QUALITY
    }


@pytest.mark.parametrize("radius", [0, 31, 100])
def test_all_near_hashes_are_found_and_no_others(radius: int) -> None:
    pictures = pan(1, 2)
    query = footage("query", edited(pictures, np.fliplr) + pan(7, 1))
    references = [footage("one", pictures), footage("two", pan(2, 2)), footage("nothing", [])]
    found = HashIndex(references).search(query, radius)
    for number, reference in enumerate(references):
        hits = found.get(number)
        columns = (
            [] if hits is None else [getattr(hits, name).tolist() for name in
            ("query", "query_form", "reference", "reference_form", "distance", "mirrored")]
        )  # fmt: skip
        assert set(zip(*columns, strict=True)) == expected(query, reference, radius)
    assert found[0].mirrored.any()


def test_black_pictures_are_not_looked_for() -> None:
    black = footage("black", [np.full((180, 320), 16, np.uint8)] * 20)
    assert HashIndex([black]).search(black) == {}
    assert HashIndex([]).search(black) == {}


def test_pictures_near_a_stopped_one_are_left_out_and_the_others_are_not() -> None:
    card = [pan(99, 0.1)[0]] * 10
    videos = [footage(f"video {seed}", card + pan(seed, 4), cuts=(10,)) for seed in (1, 2)]
    bits = b"".join(item.bits for item in videos[0].keyframes[0].fingerprints)
    stop = np.frombuffer(bits, np.uint8).reshape(-1, 32)
    assert set(HashIndex(videos).search(videos[0], 31)) == {0, 1}
    found = HashIndex(videos, stop).search(videos[0], 31)
    assert set(found) == {0}
    assert found[0].query.min() == sum(keyframe.seconds < 1 for keyframe in videos[0].keyframes)
