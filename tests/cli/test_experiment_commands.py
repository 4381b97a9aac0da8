"""Tuning and tracking are extras: they work where they are installed, and say what to install where they are not."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
from installed_command import SMALL, purchase_pred

if TYPE_CHECKING:
    from pathlib import Path

OPTUNA = find_spec("optuna") is not None
MLFLOW = find_spec("mlflow") is not None


@pytest.mark.skipif(OPTUNA, reason="Optuna is installed")
def test_tuning_without_its_extra_says_what_to_install(shop: Path, tmp_path: Path) -> None:
    outcome = purchase_pred("tune", "-w", shop, *SMALL, "--output", tmp_path / "tuned.yaml")

    assert outcome.code == 2
    assert outcome.err == "error: tuning needs Optuna, which is not installed: pip install 'purchase-pred[tune]'\n"


@pytest.mark.skipif(MLFLOW, reason="MLflow is installed")
def test_tracking_without_its_extra_says_so_before_anything_is_trained(tmp_path: Path) -> None:
    outcome = purchase_pred("train", "--track", "mlflow", "-w", tmp_path)

    assert outcome.code == 2
    assert outcome.err == "error: --track mlflow needs MLflow: pip install 'purchase-pred[mlflow]'\n"


def test_a_file_that_is_there_is_not_replaced_by_tuning(shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "tuned.yaml"
    path.write_text("mine")
    outcome = purchase_pred("tune", "-w", shop, *SMALL, "--output", path)

    assert outcome.code == 2
    assert "is there already; --force replaces it" in outcome.err
    assert path.read_text() == "mine"


@pytest.mark.skipif(not OPTUNA, reason="needs the extra: tune")
def test_what_tuning_finds_is_a_file_that_config_takes(shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "tuned.yaml"
    tuned = purchase_pred("tune", "--trials", "2", "--folds", "2", "-w", shop, *SMALL, "--output", path)

    assert tuned.code == 0, tuned.err
    assert purchase_pred("config", "show", "-c", path).code == 0


@pytest.mark.skipif(not MLFLOW, reason="needs the extra: mlflow")
def test_a_trained_model_is_recorded_in_the_workspace(shop: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "shop"
    shutil.copytree(shop, workspace)
    outcome = purchase_pred("train", "--force", "--model", "logistic", "--track", "mlflow", "-w", workspace, *SMALL)

    assert outcome.code == 0, outcome.err
    assert "is recorded as run" in outcome.err
    assert (workspace / "mlflow/mlflow.db").is_file()


@pytest.mark.skipif(not MLFLOW, reason="needs the extra: mlflow")
def test_what_is_up_to_date_is_not_recorded_and_that_is_said(shop: Path) -> None:
    outcome = purchase_pred("train", "--model", "logistic", "--track", "mlflow", "-w", shop, *SMALL)

    assert outcome.code == 0, outcome.err
    assert "nothing was trained, so nothing is recorded; --force trains again" in outcome.err
