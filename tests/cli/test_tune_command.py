"""Tuning is an extra: it works, and says what to install where it is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from installed_command import SMALL, absent, purchase_pred

if TYPE_CHECKING:
    from pathlib import Path


def test_tuning_without_its_extra_says_what_to_install(shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "tuned.yaml"
    outcome = purchase_pred("tune", "-w", shop, *SMALL, "--output", path, **absent("optuna", tmp_path))

    assert outcome.code == 2
    assert outcome.err == "error: tuning needs Optuna, which is not installed: pip install 'purchase-pred[tune]'\n"
    assert not path.exists()


def test_a_file_that_is_there_is_not_replaced_by_tuning(shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "tuned.yaml"
    path.write_text("mine")
    outcome = purchase_pred("tune", "-w", shop, *SMALL, "--output", path)

    assert outcome.code == 2
    assert "is there already; --force replaces it" in outcome.err
    assert path.read_text() == "mine"


def test_what_tuning_finds_is_a_file_that_config_takes(shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "tuned.yaml"
    tuned = purchase_pred("tune", "--trials", "2", "--folds", "2", "-w", shop, *SMALL, "--output", path)

    assert tuned.code == 0, tuned.err
    assert purchase_pred("config", "show", "-c", path).code == 0
    assert "on later folds, which chose nothing, " in tuned.out
    assert "trial 2 of 2: mean PR-AUC" in (shop / "pipeline.log").read_text()
