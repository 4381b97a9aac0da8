"""The shell completes splits, models of the workspace and keys of settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from installed_command import purchase_pred

if TYPE_CHECKING:
    from pathlib import Path


def offered(typed: str, cwd: Path) -> list[str]:
    outcome = purchase_pred(
        cwd=cwd, _PURCHASE_PRED_COMPLETE="complete_bash", COMP_WORDS=typed, COMP_CWORD=str(typed.count(" "))
    )
    return outcome.out.split()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    for name in ("logistic_20240101_000000", "xgboost_20240102_000000"):
        (tmp_path / "models" / name).mkdir(parents=True)
        (tmp_path / "models" / name / "model.json").touch()
    (tmp_path / "models" / "no_model").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("purchase-pred features --split t", ["train", "test"]),
        ("purchase-pred models use x", ["xgboost_20240102_000000", "xgboost"]),
        ("purchase-pred score --model log", ["logistic_20240101_000000", "logistic"]),
        ("purchase-pred train --set target.hori", ["target.horizon=", "target.horizons="]),
    ],
)
def test_what_is_being_typed_is_completed(workspace: Path, typed: str, found: list[str]) -> None:
    assert offered(typed, workspace) == found


def test_models_of_the_workspace_that_was_named_are_offered(
    workspace: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert offered(f"purchase-pred explain -w {workspace} --model xg", elsewhere) == [
        "xgboost_20240102_000000",
        "xgboost",
    ]
