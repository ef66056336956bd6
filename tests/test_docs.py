"""The documents say what the program does."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from roundel.cli import app
from roundel.detect.slicing import LARGE_FRAME

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob("models/cards/*.md"),
    *ROOT.glob("pipeline/**/*.md"),
]
COMMANDS = sorted(set(re.findall(r"^(roundel .*?)(?:  +#.*)?$", README, re.MULTILINE)))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_readme_exists_with_its_options(command: str) -> None:
    words = shlex.split(command)[1:]
    verb = words[:2] if words[0] in ("batch", "catalogue", "claims", "fingerprints", "gallery", "models") else words[:1]
    help_text = CliRunner().invoke(app, [*verb, "--help"], env={"COLUMNS": "200"}).output
    assert "Usage" in help_text
    for option in (word for word in words if word.startswith("--")):
        assert option in help_text


def test_options_in_the_table_exist() -> None:
    help_text = CliRunner().invoke(app, ["analyze", "--help"], env={"COLUMNS": "200"}).output
    options = set(re.findall(r"^\| `(--[a-z-]+)", README, re.MULTILINE))
    assert len(options) >= 5
    assert all(option in help_text for option in options)


def test_the_readme_shows_what_the_demo_prints(tmp_path: Path) -> None:
    command = [Path(sys.executable).parent / "roundel", "demo", "--case", tmp_path / "roundel-demo", "--quiet"]
    printed = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout
    places = ("  Overlay: ", "Report: ")
    for line in printed.splitlines():
        if line.startswith(places):
            assert Path(line.partition(": ")[2]).is_file()
        else:
            assert f"{line}\n" in README
    assert [place for place in places if f"\n{place}" not in printed] == []


def test_the_readme_shows_what_the_founding_case_prints() -> None:
    file = ROOT / "examples" / "tabqa_2014" / "claims.yaml"
    printed = CliRunner().invoke(app, ["claims", "check", str(file), "--quiet"], env={"COLUMNS": "1000"}).output
    shown = README.partition("$ roundel claims check examples/tabqa_2014/claims.yaml\n")[2].partition("```")[0]
    assert shown
    assert printed.startswith(shown)


def test_the_size_from_which_frames_are_tiled_is_the_one_in_the_readme() -> None:
    assert f"frames of {int(LARGE_FRAME * 416)} pixels and more" in README


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_to_files_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target


def test_every_benchmark_and_tool_that_a_document_names_exists() -> None:
    for document in DOCUMENTS:
        for path in re.findall(
            r"`?(?:python |bash )?((?:benchmarks|tools|models/training|tests)/[\w/.-]+\.(?:py|sh))",
            document.read_text("utf-8"),
        ):
            assert (ROOT / path).is_file(), f"{document}: {path}"


def test_the_tests_that_the_threat_model_names_exist() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+)`", text)
    assert len(named) > 20
    sources = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/*.py"))
    assert [name for name in named if f"def {name}(" not in sources] == []
    files = re.findall(r"`([a-z]+/test_\w+\.py)`", text)
    assert files
    assert [file for file in files if not (ROOT / "tests" / file).is_file()] == []


def test_no_placeholder_is_left() -> None:
    assert not [document for document in DOCUMENTS if "@@" in document.read_text(encoding="utf-8")]


def test_every_shipped_weights_file_has_a_card_with_its_hash() -> None:
    import roundel_models

    for name, entry in roundel_models.registry().items():
        card = (ROOT / "models" / "cards" / f"{name}.md").read_text(encoding="utf-8")
        assert entry["sha256"].removeprefix("sha256:") in card
        assert all(label in card for label in entry["classes"])


def test_no_card_shows_an_object_in_place_of_a_figure() -> None:
    for card in (ROOT / "models" / "cards").glob("*.md"):
        text = card.read_text(encoding="utf-8")
        assert " object at 0x" not in text
        assert "nan" not in re.findall(r"[\w.]+", text)
