"""A file that is replaced is replaced whole, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from purchase_pred.pipeline.engine.publish import written_whole
from purchase_pred.pipeline.engine.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_keeps_its_content_until_the_new_one_is_whole(tmp_path: Path):
    path = tmp_path / "scores.csv"
    path.write_text("old")
    with written_whole(path) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def write_half(path: Path) -> None:
    with written_whole(path) as partial:
        partial.write_text("ne")
        raise OSError("no space")


def test_of_a_file_that_could_not_be_written_nothing_is_left(tmp_path: Path):
    path = tmp_path / "scores.csv"
    path.write_text("old")
    with pytest.raises(OSError, match="no space"):
        write_half(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_within_a_model_is_made_beside_its_folder_where_the_next_run_clears_up(tmp_path: Path):
    workspace = Workspace(tmp_path)
    folder = workspace.path("models/logistic_20240801_120000")
    folder.mkdir(parents=True)
    with written_whole(folder / "metrics.json", within=folder) as partial:
        partial.write_text("{}")
        assert list(folder.iterdir()) == []
        assert workspace.leftovers() == [partial]
    assert list(folder.iterdir()) == [folder / "metrics.json"]
    assert workspace.leftovers() == []
