"""What several modules speak of is stated in one of them."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

import purchase_pred
from purchase_pred.arithmetic import run_starts
from purchase_pred.likeness import did_you_mean
from purchase_pred.names import LEVELS, MODELS, SPLITS
from purchase_pred.schema import EVENT_ORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(purchase_pred.__file__).parent
TREES = {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in sorted(ROOT.rglob("*.py"))}
COLUMNS = {"USER_ID": "user_id", "TIMESTAMP": "timestamp", "EVENT_ID": "event_id"}


def lists(tree: ast.Module) -> Iterator[tuple[object, ...]]:
    """Yield the tuples and lists of constants, and of columns by the names they have in the schema."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Tuple | ast.List):
            yield tuple(
                one.value if isinstance(one, ast.Constant) else COLUMNS.get(getattr(one, "id", "")) for one in node.elts
            )


@pytest.mark.parametrize(
    ("names", "place"),
    [(SPLITS, "names.py"), (LEVELS, "names.py"), (MODELS, "names.py"), (EVENT_ORDER, "schema.py")],
    ids=["splits", "levels", "learners", "order of events"],
)
def test_names_are_listed_once(names: tuple[str, ...], place: str) -> None:
    assert [path for path, tree in TREES.items() for found in lists(tree) if found == names] == [place]


def called(name: str) -> Callable[[ast.Module], bool]:
    return lambda tree: any(getattr(node, "attr", "") == name for node in ast.walk(tree))


def test_only_one_module_tells_where_a_run_starts() -> None:
    asking = [path for path, tree in TREES.items() if called("ne_missing")(tree) and called("shift")(tree)]
    assert asking == ["arithmetic.py", "windows/decay.py"]  # decay: blocks that follow each other in time


def test_only_one_module_looks_for_names_alike() -> None:
    importing = [
        path
        for path, tree in TREES.items()
        if any(isinstance(node, ast.ImportFrom) and node.module == "difflib" for node in ast.walk(tree))
    ]
    assert importing == ["likeness.py"]


def test_a_first_row_without_a_value_starts_a_run() -> None:
    frame = pl.DataFrame({"user_id": [None, 7, 7], "session_index": [1, 1, 2]})
    assert frame.select(run_starts("user_id", "session_index")).to_series().to_list() == [True, True, True]
    assert frame.clear().select(run_starts("user_id")).is_empty()


@pytest.mark.parametrize(
    ("name", "names", "meant"),
    [
        ("EVENT TIME", ["user_id", "event_time"], ", did you mean 'event_time'?"),
        ("rees-46", ["otto", "rees46"], ", did you mean 'rees46'?"),
        ("*", ["-", "view"], ""),
        ("", ["view"], ""),
        ("view", [], ""),
    ],
)
def test_the_nearest_name_is_told_by_its_letters(name: str, names: list[str], meant: str) -> None:
    assert did_you_mean(name, names) == meant
