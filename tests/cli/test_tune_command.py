"""Tuning is an extra: it works, and says what to install where it is not there."""

from __future__ import annotations

from pathlib import Path

from installed_command import SMALL, absent, purchase_pred
from purchase_pred_cli.options import Common


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


def test_the_command_that_tuning_names_has_all_the_settings_but_those_that_it_has_found() -> None:
    common = Common(
        workspace=Path("my shop"),
        config=[Path("mine.yaml")],
        assignments=["target.horizon=3d", "train.lightgbm.num_leaves=7", "features.windows=[1d, 7d]"],
    )
    command = common.typed("train", config=[Path("tuned.yaml")], without=["train.lightgbm.num_leaves"])

    assert command == (
        "purchase-pred train -w 'my shop' --config mine.yaml --config tuned.yaml --set target.horizon=3d "
        "--set 'features.windows=[1d, 7d]'"
    )
    assert Common().typed("train") == "purchase-pred train"


def test_features_of_other_settings_are_not_tuned_on(shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "tuned.yaml"
    outcome = purchase_pred("tune", "-w", shop, *SMALL, "--set", "target.level=user", "--output", path)

    assert outcome.code == 2
    assert "was made with target.level user_item, and this command asks for target.level user" in outcome.err
    assert not path.exists()
