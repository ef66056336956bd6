"""Maps between frames: from parts to wholes and back, and where the reference lies in the query."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roundel.fingerprint.forms import Region
from roundel.matching.geometry import WHOLE, apart, between_frames, mirrored, moved, out_of, visible


@st.composite
def regions(draw: st.DrawFn) -> Region:
    left, top = draw(st.floats(0, 0.6)), draw(st.floats(0, 0.6))
    return left, top, draw(st.floats(left + 0.1, 1)), draw(st.floats(top + 0.1, 1))


@given(regions())
def test_the_mirror_of_the_mirror_is_the_region(region: Region) -> None:
    assert mirrored(mirrored(region)) == pytest.approx(region)


@given(regions(), regions())
def test_a_region_goes_where_the_other_is(query: Region, reference: Region) -> None:
    transform = between_frames(np.eye(3), query, reference, is_mirrored=False)
    corners = np.array([[query[0], query[1]], [query[2], query[3]]])
    assert moved(corners, transform) == pytest.approx(np.array([[*reference[:2]], [*reference[2:]]]), abs=1e-6)
    assert apart(transform, transform) == 0


@given(regions())
def test_a_whole_reference_in_a_region_is_seen_there(region: Region) -> None:
    assert visible(between_frames(np.eye(3), region, WHOLE, is_mirrored=False)) == pytest.approx(region, abs=1e-6)
    flipped = between_frames(np.eye(3), mirrored(region), WHOLE, is_mirrored=True)
    assert visible(flipped) == pytest.approx(region, abs=1e-6)
    assert np.linalg.det(flipped[:2, :2]) < 0


@given(regions())
def test_an_inner_part_of_the_reference_fills_the_query(region: Region) -> None:
    assert visible(between_frames(np.eye(3), WHOLE, region, is_mirrored=False)) == pytest.approx(WHOLE)
    assert moved(np.array([[0.0, 0.0], [1.0, 1.0]]), out_of(region)) == pytest.approx(
        np.array([region[:2], region[2:]])
    )


def test_maps_are_compared_where_the_reference_is_shown() -> None:
    corner = between_frames(np.eye(3), (0.0, 0.0, 0.2, 0.2), WHOLE, is_mirrored=False)
    other = between_frames(np.eye(3), (0.0, 0.0, 0.21, 0.2), WHOLE, is_mirrored=False)
    assert apart(corner, other) == pytest.approx(0.05, abs=0.01)  # far away from it they differ five times as much
