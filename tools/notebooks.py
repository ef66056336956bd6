"""Run the notebooks and write their outputs into them: ``make notebooks``. Names of notebooks run only those.

A notebook is run by this interpreter in a folder of its own, away from the user's settings and galleries. What would
differ from run to run is left out, so that a difference in the repository is a difference in the results.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
NEEDED = ("notebooks", "examples")
SOURCES = ("pipeline", "models")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class ThisInterpreter(AsyncKernelManager):
    """Starts kernels with the Python that runs this, whatever kernels are installed."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """How to start one."""
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="Python 3", language="python")


def run(notebook: Path, scratch: Path) -> NotebookNode:
    """The notebook as it comes out of a run in a copy of what notebooks need, made below ``scratch``.

    Raises:
        nbclient.exceptions.CellExecutionError: if a cell fails.
        RuntimeError: if a cell warns or complains.
    """
    home = scratch / "home"
    home.mkdir()
    for name in NEEDED:
        shutil.copytree(ROOT / name, scratch / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    # Messages go through files: no port is opened. Their names have to be short.
    with tempfile.TemporaryDirectory(prefix="nb-") as sockets:
        manager = ThisInterpreter(transport="ipc", connection_file=str(Path(sockets, "k.json")))
        client = NotebookClient(
            nbformat.read(notebook, as_version=4),
            km=manager,
            timeout=300,
            coalesce_streams=True,
            record_timing=False,
            resources={"metadata": {"path": str(scratch / "notebooks")}},
        )
        folders = {name: str(home) for name in ("ROUNDEL_HOME", "IPYTHONDIR", "MPLCONFIGDIR", "JUPYTER_CONFIG_DIR")}
        code = os.pathsep.join(str(ROOT / source) for source in SOURCES)  # of this checkout, whatever is installed
        environment = {**os.environ, **folders, "PYTHONHASHSEED": "0", "PYTHONPATH": code}
        # On a slow machine matplotlib complains, in a cell, of how long it takes to list the fonts: done beforehand.
        subprocess.run([sys.executable, "-c", "import matplotlib.font_manager"], env=environment, check=True)
        return cleaned(client.execute(cleanup_kc=True, env=environment), notebook)


def cleaned(book: NotebookNode, notebook: Path) -> NotebookNode:
    """Without what a kernel says about itself, and with cells numbered from 1."""
    book.metadata = NotebookNode(METADATA)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, start=1):
        cell.execution_count = number
        cell.metadata = NotebookNode()
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = number
            if output.output_type == "stream" and output.name == "stderr":
                raise RuntimeError(f"{notebook.name}: cell {number} complains: {output.text}")
    return book


def main() -> None:
    """Run what is named, or all, and write them back."""
    chosen = [NOTEBOOKS / f"{Path(name).stem}.ipynb" for name in sys.argv[1:]] or sorted(NOTEBOOKS.glob("*.ipynb"))
    for notebook in chosen:
        with tempfile.TemporaryDirectory(prefix="roundel-notebook-") as scratch:
            nbformat.write(run(notebook, Path(scratch)), notebook)
        print(f"{notebook.name}: {notebook.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
