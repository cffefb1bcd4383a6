"""The notebooks run from top to bottom on simulated data, draw what they promise, and are kept clean."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from aps_pipeline.warehouse import BuiltWarehouse

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)

PLOTS = {"01_explore_the_warehouse": 3, "02_compare_panels": 3, "03_reconcile_and_see_gaps": 4}


class ThisPython(AsyncKernelManager):
    """Starts kernels of the interpreter that runs the tests, whatever is installed on the machine."""

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"])


def _read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def test_these_are_the_notebooks() -> None:
    assert [path.stem for path in NOTEBOOKS] == list(PLOTS)
    named = (FOLDER / "README.md").read_text("utf-8")
    assert all(f"({path.name})" in named for path in NOTEBOOKS)


@every_notebook
def test_it_runs_and_draws(
    path: Path, sample: BuiltWarehouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("APS_DATA_DIR", str(sample.path.parent))
    notebook = _read(path)
    resources = {"metadata": {"path": str(FOLDER)}}
    NotebookClient(notebook, km=ThisPython(), timeout=120, resources=resources).execute(cleanup_kc=True)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [o for o in outputs if o.output_type == "stream"], "a warning, or forgotten words"
    shown = [output["data"] for output in outputs if "data" in output]
    assert str(sample.path) in shown[0]["text/plain"]
    pictures = [base64.b64decode(data["image/png"]) for data in shown if "image/png" in data]
    assert len(pictures) == PLOTS[path.stem]
    assert all(len(picture) > 2000 for picture in pictures), "an empty frame"


@every_notebook
def test_it_is_kept_without_outputs(path: Path) -> None:
    notebook = _read(path)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None
        assert not cell.metadata
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


def test_they_begin_alike() -> None:
    first = {
        next(cell.source for cell in _read(path).cells if cell.cell_type == "code") for path in NOTEBOOKS
    }
    assert len(first) == 1
