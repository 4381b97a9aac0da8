"""A file that is replaced is replaced whole, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from stages_of_text import MODEL, MODEL_STAGE, reasons, run

from purchase_pred.pipeline.engine import publish
from purchase_pred.pipeline.engine.manifest import read_manifest
from purchase_pred.pipeline.engine.publish import written_whole
from purchase_pred.pipeline.engine.workspace import Workspace
from purchase_pred.pipeline.model_files import replace_in_model

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


PICKLE, REPORT = f"{MODEL}.pkl", f"{MODEL}/report.html"


def test_what_is_attached_to_a_model_is_published_with_it_and_named_in_its_manifest(tmp_path: Path):
    workspace = Workspace(tmp_path)
    run(workspace, MODEL_STAGE)
    manifest = read_manifest(workspace.path(MODEL))
    assert manifest is not None
    assert list(manifest.attachments) == [PICKLE, REPORT]
    assert workspace.path(PICKLE).read_text() == "pickle"
    assert run(workspace, MODEL_STAGE) == []


def test_a_model_that_is_not_published_leaves_no_pickle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def no_space(*_: object) -> None:
        raise OSError("no space")

    workspace = Workspace(tmp_path)
    monkeypatch.setattr(publish, "write_manifest", no_space)
    with pytest.raises(OSError, match="no space"):
        run(workspace, MODEL_STAGE)
    assert list(workspace.path("models").iterdir()) == []


@pytest.mark.parametrize("name", [PICKLE, REPORT])
def test_a_model_whose_report_or_pickle_is_gone_or_edited_is_stale_and_made_again(tmp_path: Path, name: str):
    workspace = Workspace(tmp_path)
    run(workspace, MODEL_STAGE)
    workspace.path(name).unlink()
    assert reasons(workspace, MODEL_STAGE) == [f"stale: {name} is missing"]
    workspace.path(name).write_text("edited")
    assert reasons(workspace, MODEL_STAGE) == [f"stale: {name} was changed by something else"]
    assert run(workspace, MODEL_STAGE) == []


def test_a_report_that_is_drawn_anew_is_the_report_of_the_model(tmp_path: Path):
    workspace = Workspace(tmp_path)
    run(workspace, MODEL_STAGE)
    workspace.path(REPORT).unlink()
    replace_in_model(workspace, workspace.path(MODEL), "report.html", "<p>better</p>")
    assert workspace.path(REPORT).read_text() == "<p>better</p>"
    assert run(workspace, MODEL_STAGE) == []


def test_a_pickle_whose_model_is_gone_goes_with_the_next_run_and_no_other_file_does(tmp_path: Path):
    workspace = Workspace(tmp_path)
    run(workspace, MODEL_STAGE)
    orphan, mine = (workspace.path(f"models/{name}") for name in ("xgboost_20240801_120000.pkl", "mine.pkl"))
    orphan.touch()
    mine.touch()
    run(workspace, MODEL_STAGE)
    assert [path.exists() for path in (orphan, mine, workspace.path(PICKLE))] == [False, True, True]


def test_writers_of_the_same_file_do_not_write_into_each_others(tmp_path: Path):
    path = tmp_path / "00001.parquet"
    with written_whole(path, writer="taken for dead") as first, written_whole(path, writer="its heir") as second:
        first.write_text("the same")
        second.write_text("the same")
        assert first != second
    assert path.read_text() == "the same"
    assert list(tmp_path.iterdir()) == [path]
