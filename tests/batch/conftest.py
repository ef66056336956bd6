"""One archive, and what an undisturbed run makes of it, for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch.archives import digests, plan_for, roundel
from make_archive import make


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight clips of a second, two of them broken."""
    folder = tmp_path_factory.mktemp("archive")
    make(folder, clips=8, broken=2, width=160)
    return folder


@pytest.fixture(scope="session")
def undisturbed(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The files that one process makes of the archive."""
    folder = tmp_path_factory.mktemp("undisturbed")
    plan_for(folder / "plan", archive, folder / "case")
    done = roundel("batch", "run", folder / "plan", "--workers", "1", "--quiet")
    assert done.returncode == 1, done.stderr
    return digests(folder / "case")
