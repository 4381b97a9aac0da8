"""Models are listed, put in use, compared and cleared away by command."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from installed_command import purchase_pred

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def own_shop(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the workspace with everything made, whose models may be switched."""
    return shutil.copytree(shop, tmp_path_factory.mktemp("models") / "shop")


def test_models_alone_lists_them_with_figures_and_origin(shop: Path) -> None:
    outcome = purchase_pred("models", "-w", shop, "--json")
    listed = json.loads(outcome.out)

    assert outcome.code == 0, outcome.err
    assert {model["kind"] for model in listed["models"]} == {"logistic", "lightgbm"}
    (taken,) = (model for model in listed["models"] if model["in_use"])
    assert taken["name"] == listed["in_use"]
    manifest = json.loads((shop / "models" / taken["name"] / "manifest.json").read_text())
    metrics = json.loads((shop / "models" / taken["name"] / "metrics.json").read_text())
    assert taken["data_fingerprint"] == manifest["inputs"]["data/features/train_features.parquet"]
    assert taken["average_precision"]["test"] == metrics["splits"]["test"]["average_precision"]
    assert taken["target"] == "the user buys this item within 3 days, asked when a session has ended"
    assert 0 <= taken["age_days"] < 1


def test_the_model_in_use_scores_until_a_rollback(own_shop: Path) -> None:
    def scoring_model() -> str:
        return json.loads(purchase_pred("score", "--top", "1", "-w", own_shop, "--json").out)["model"]

    first = scoring_model()
    other = "logistic" if first.startswith("lightgbm") else "lightgbm"
    assert purchase_pred("models", "use", first, "-w", own_shop).code == 0
    used = purchase_pred("models", "use", other, "-w", own_shop)
    assert used.out.startswith(f"in use: {other}_")
    assert scoring_model().startswith(other)
    back = purchase_pred("models", "rollback", "-w", own_shop, "--json")
    assert json.loads(back.out)["in_use"] == first
    assert scoring_model() == first


def test_a_model_that_cannot_be_loaded_is_not_put_in_use(shop: Path, tmp_path: Path) -> None:
    workspace = shutil.copytree(shop, tmp_path / "shop")
    (folder,) = (workspace / "models").glob("logistic_*/")
    (folder / "calibrator.json").write_text("{}")

    outcome = purchase_pred("models", "use", "logistic", "-w", workspace)
    elsewhere = purchase_pred("models", "use", str(next((shop / "models").glob("lightgbm_*/"))), "-w", workspace)

    assert (outcome.code, elsewhere.code) == (2, 2)
    assert "the file is not the one that model.json describes" in outcome.err
    assert "is no complete model of this workspace" in elsewhere.err
    assert not (workspace / "models/in_use.json").exists()


def test_two_models_are_compared_on_the_rows_of_test(shop: Path) -> None:
    arguments = ("models", "compare", "logistic", "lightgbm", "-w", shop, "--set", "train.threshold.resamples=50")
    outcome = purchase_pred(*arguments, "--top", "3", "--json")
    found = json.loads(outcome.out)

    assert outcome.code == 0, outcome.err
    for place, kind in (("first", "logistic"), ("second", "lightgbm")):
        (folder,) = (shop / "models").glob(f"{kind}_*/")
        metrics = json.loads((folder / "metrics.json").read_text())
        assert found[place] == folder.name
        assert found["rows"] == metrics["splits"]["test"]["rows"]
        for name in ("average_precision", "log_loss"):
            assert found["differences"][name][place] == pytest.approx(metrics["splits"]["test"][name])
        assert found["differences"]["profit"][place] == pytest.approx(metrics["threshold"]["test"]["profit"])
        assert found["thresholds"][place] == metrics["threshold"]["threshold"]
    low, high = found["differences"]["average_precision"]["interval_95"]
    assert low < high
    apart = [abs(row["first"] - row["second"]) for row in found["disagreements"]]
    assert len(apart) == 3
    assert apart == sorted(apart, reverse=True)


def test_a_model_is_not_compared_with_itself(shop: Path) -> None:
    outcome = purchase_pred("models", "compare", "logistic", "logistic", "-w", shop)

    assert outcome.code == 2
    assert "two models are needed to compare" in outcome.err


def test_pruning_says_what_goes_and_a_dry_run_leaves_it(own_shop: Path) -> None:
    before = sorted((own_shop / "models").iterdir())
    planned = purchase_pred("models", "prune", "--keep", "2", "--dry-run", "-w", own_shop)

    assert (planned.code, planned.out) == (0, "nothing to remove\n")
    assert sorted((own_shop / "models").iterdir()) == before
