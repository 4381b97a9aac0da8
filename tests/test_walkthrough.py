"""The notebook of the examples runs from its first cell to its last, and ends in a decision."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import polars as pl

NOTEBOOK = Path(__file__).parents[1] / "examples" / "walkthrough.ipynb"


def run(cells: list[str]) -> dict[str, object]:
    """Run cells one after another in one namespace; the last expression of a cell is evaluated as a notebook does."""
    namespace: dict[str, object] = {}
    for number, source in enumerate(cells, 1):
        exec(compile(ast.parse(source), f"<cell {number}>", "exec"), namespace)  # noqa: S102  (our own notebook)
    return namespace


def test_the_walkthrough_runs_and_ends_in_a_decision(capsys):
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in cells), "clear the outputs"
    assert len(notebook["cells"]) <= 30
    told = run(["".join(cell["source"]) for cell in cells])
    assert told["likely"]["probability"].is_sorted(descending=True)
    assert {document["model"] for document in told["documents"]} == {
        "logistic", "lightgbm", "HistGradientBoostingClassifier"
    }  # fmt: skip
    page = told["page"].read_text(encoding="utf-8")
    assert "HistGradientBoostingClassifier" in page
    assert "a probability of" in capsys.readouterr().out
    assert isinstance(told["splits"]["test"], pl.DataFrame)
