"""Near hashes: all of them, as counting bit by bit finds them; the stop list."""

from __future__ import annotations

import numpy as np
import pytest

from moving_scenes import edited, footage, pan
from roundel.fingerprint.pdq import distance
from roundel.matching.candidates import LEAST_QUALITY, HashIndex
from roundel.matching.footage import Footage
from roundel.matching.stoplist import stop_list


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


def test_a_title_card_of_many_videos_is_learned_and_left_out_but_a_copy_is_not() -> None:
    card = [pan(99, 0.1)[0]] * 10
    archive = [footage(f"video {seed}", card + pan(seed, 5), cuts=(10,)) for seed in range(6)]
    archive.append(footage("a copy of video 0", card + pan(0, 5), cuts=(10,)))
    entries = stop_list(archive, least_videos=4)
    assert len(entries) == 1
    assert entries[0].videos >= 5
    assert entries[0].seconds <= 1
    bits = [entry.bits for entry in entries]
    before, after = HashIndex(archive), HashIndex(archive, bits)
    assert set(before.search(archive[0], 31)) == set(range(7))
    assert set(after.search(archive[0], 31)) == {0, 6}
    assert stop_list(archive, least_videos=8) == ()
