"""A small part of the hostile corpus, run as a user would run it. ``check.py`` runs all of it.

Without strace the exit code, the words, the time, the memory and files left in temporary folders are judged all the
same; what is opened elsewhere, written elsewhere or sent is then not seen, and the tests of the trap are skipped.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from corpus import make
from corpus.entry import Entry
from judge import run, run_together

ALONE = {
    "links": ("folder of links", "pipe", "link to /dev/zero"),
    "lists": ("1 TiB of nothing", "a NUL in a name"),
    "claims": ("bomb", "80,000 keys", "findings outside", "html and escapes"),
    "settings": ("nested 50,000 deep", "pipe", "endless waiting"),
    "networks": ("data in passwd (2), onnx", "truncated, onnx"),
    "packages": ("manifest leads out: verify", "boxes are a pipe: report", "a link to a folder: report"),
    "logs": ("log is a pipe: report", "names that lead out: verify", "head is a link: analyze"),
    "fingerprints": ("10 GB in 10 MB", "key that is no point", "auto-archiver, deep cells"),
    "matches": (
        "scripts everywhere",
        "pictures of 30,000 x 30,000",
        "a contribution that is said to be trusted: match again",
    ),
}
TOGETHER = ("truncated", "scripts", "references", "boxes")
EVERY = 9
"""Of the videos that are analysed in one call, each so manieth is taken."""
PATIENCE = 20.0
"""The machine may be busy with other tests: what hangs takes longer than that in any case."""

Corpus = Callable[[str], list[Entry]]


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    made: dict[str, list[Entry]] = {}

    def entries(maker: str) -> list[Entry]:
        if maker not in made:
            made[maker] = make(tmp_path_factory.mktemp("hostile") / maker, 1, [maker], full=False)
        return made[maker]

    return entries


def _tree(entry: Entry) -> Path:
    """The folder of the corpus that an entry belongs to."""
    places = (Path(argument) for argument in entry.arguments if argument.startswith("/"))
    return next(path for place in places for path in place.parents if (path / "private").is_dir())


@pytest.mark.parametrize(("maker", "name"), [(maker, name) for maker, names in ALONE.items() for name in names])
def test_one_clear_line_within_limits_and_nothing_touched(corpus: Corpus, maker: str, name: str) -> None:
    [entry] = [entry for entry in corpus(maker) if entry.name == name]
    [verdict] = run([entry], _tree(entry), PATIENCE)
    assert verdict.wrong == [], verdict.told


def test_videos_in_one_call_each_have_their_line(tmp_path: Path) -> None:
    entries = make(tmp_path / "tree", 1, TOGETHER, full=False)
    chosen = [entry for entry in entries if entry.together][::EVERY]
    assert len({entry.kind for entry in chosen}) >= len(TOGETHER)
    verdicts = list(run_together(chosen, tmp_path / "tree", PATIENCE))
    assert len(verdicts) == len(chosen)
    assert {verdict.entry.name: verdict.wrong for verdict in verdicts if verdict.wrong} == {}


def test_the_corpus_is_the_same_each_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make(tmp_path / name, 7, ["boxes"], full=False)
    one, two = (
        {path.name: path.read_bytes() for path in sorted((tmp_path / name / "boxes").iterdir())}
        for name in ("one", "two")
    )
    assert one == two
    assert len(one) > 10
