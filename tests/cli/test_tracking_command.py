"""Tracking is an extra: it works where it is installed, and says what to install where it is not."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
from installed_command import SMALL, absent, purchase_pred

if TYPE_CHECKING:
    from pathlib import Path

tracked = pytest.mark.skipif(find_spec("mlflow") is None, reason="needs the extra: mlflow")


def test_tracking_without_its_extra_says_so_before_anything_is_trained(tmp_path: Path) -> None:
    outcome = purchase_pred("train", "--track", "mlflow", "-w", tmp_path / "shop", **absent("mlflow", tmp_path))

    assert outcome.code == 2
    assert outcome.err == (
        "error: tracking needs MLflow, which is not installed (mlflow is not there): "
        "pip install 'purchase-pred[mlflow]'\n"
    )
    assert not (tmp_path / "shop").exists()


@tracked
def test_a_trained_model_is_recorded_in_the_workspace(shop: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "shop"
    shutil.copytree(shop, workspace)
    outcome = purchase_pred("train", "--force", "--model", "logistic", "--track", "mlflow", "-w", workspace, *SMALL)

    assert outcome.code == 0, outcome.err
    assert "is recorded as run" in outcome.err
    assert (workspace / "mlflow/mlflow.db").is_file()


@tracked
def test_what_is_up_to_date_is_not_recorded_and_that_is_said(shop: Path) -> None:
    outcome = purchase_pred("train", "--model", "logistic", "--track", "mlflow", "-w", shop, *SMALL)

    assert outcome.code == 0, outcome.err
    assert "nothing was trained, so nothing is recorded; --force trains again" in outcome.err
