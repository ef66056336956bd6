"""The notebooks run, and give what is committed in them."""

from __future__ import annotations

import base64
import re
import sys
from pathlib import Path
from typing import Any

import cv2
import nbformat
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from notebooks import NOTEBOOKS, run  # noqa: E402

BOOKS = sorted(NOTEBOOKS.glob("*.ipynb"))
MOST_BYTES = 1_500_000
MOST_PIXELS = 900
PNG = "image/png"


def code_cells(book: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in book.cells if cell.cell_type == "code"]


def said(cell: nbformat.NotebookNode) -> list[Any]:
    """The outputs of a cell as text; of a picture only that there is one: its bytes depend on versions and fonts."""
    found: list[Any] = []
    for output in cell.outputs:
        assert output.output_type in {"stream", "display_data", "execute_result"}
        texts = {"stdout": output.text} if output.output_type == "stream" else dict(output.data)
        found.append({kind: "a picture" if kind == PNG else text for kind, text in texts.items()})
    return found


def pictures(cell: nbformat.NotebookNode) -> list[np.ndarray]:
    data = [output.data[PNG] for output in cell.outputs if PNG in output.get("data", {})]
    return [cv2.imdecode(np.frombuffer(base64.b64decode(one), np.uint8), cv2.IMREAD_COLOR) for one in data]


def test_all_notebooks_are_there() -> None:
    assert [book.stem for book in BOOKS] == ["first_video", "recycled_footage", "tabqa_2014"]


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_it_runs_and_says_what_is_committed(path: Path, tmp_path: Path) -> None:
    committed, now = nbformat.read(path, as_version=4), run(path, tmp_path)
    advice = f"cell {{}} of {path.name} says something else than what is committed: look at it, then 'make notebooks'"
    for number, (before, after) in enumerate(zip(code_cells(committed), code_cells(now), strict=True), start=1):
        assert said(after) == said(before), advice.format(number)
    for picture in (picture for cell in code_cells(now) for picture in pictures(cell)):
        assert picture is not None
        assert picture.std() > 10, "the picture is blank"


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_what_is_committed_is_whole_and_names_no_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.encode()) < MOST_BYTES
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    assert [cell.execution_count for cell in code_cells(book)] == list(range(1, len(code_cells(book)) + 1))
    shown = str([said(cell) for cell in code_cells(book)])
    assert not re.findall(r"/(?:tmp|home|root|Users|work|private|var)/|0x[0-9a-f]{6,}|\d\d:\d\d:\d\d", shown)
    assert set(book.metadata) == {"kernelspec", "language_info"}


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_every_picture_fits_the_page_and_is_described(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    for place, cell in enumerate(cells):
        for picture in pictures(cell) if cell.cell_type == "code" else ():
            assert picture.shape[1] <= MOST_PIXELS
            assert cells[place + 1].source.startswith("*Picture: "), f"cell {place} has no description"
