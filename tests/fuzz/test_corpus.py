"""What fuzzing has kept is read again: each input in a result or a RoundelError, and none takes long."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest
from targets import CORPUS, TARGETS, kept

from roundel.errors import RoundelError

SECONDS_EACH = 5.0
MOST_BYTES = 1_000_000


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_but_a_clear_error_comes_of_what_was_kept(name: str, tmp_path: Path) -> None:
    target = TARGETS[name]
    inputs = [*target.seeds(), *kept(name)]
    assert inputs
    for data in inputs:
        began = time.monotonic()
        with contextlib.suppress(RoundelError):
            target.read(data, tmp_path)
        assert time.monotonic() - began < SECONDS_EACH, data[:200]


@pytest.mark.parametrize("name", TARGETS)
def test_a_good_input_is_read_to_its_end(name: str, tmp_path: Path) -> None:
    """A target that refused everything would find nothing."""
    good = 0
    for data in TARGETS[name].seeds():
        with contextlib.suppress(RoundelError):
            TARGETS[name].read(data, tmp_path)
            good += 1
    assert good


def test_the_kept_inputs_are_small_and_of_known_targets() -> None:
    assert {path.name for path in CORPUS.iterdir()} <= {f"{name}.zip" for name in TARGETS}
    assert sum(path.stat().st_size for path in CORPUS.iterdir()) < MOST_BYTES
