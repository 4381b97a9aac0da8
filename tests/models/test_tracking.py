from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING

import pytest
from frames import splits

from purchase_pred.errors import MissingExtraError
from purchase_pred.evaluation import evaluate
from purchase_pred.models import FittedModel, track, train_models
from purchase_pred.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

SPLITS = splits(rows=2_000)
SETTINGS = Settings.model_validate({"train": {"threads": 1, "threshold": {"resamples": 10}}})


@pytest.fixture(scope="module")
def model() -> FittedModel:
    asked = SETTINGS.model_copy(update={"train": SETTINGS.train.model_copy(update={"models": ("logistic",)})})
    return train_models(SPLITS["train"], SPLITS["val"], settings=asked)[0]


def test_without_mlflow_the_message_says_what_to_install(
    model: FittedModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'purchase-pred\[mlflow\]'"):
        track(model, {}, directory=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_run_holds_parameters_metrics_and_the_bundle_with_its_signature(model: FittedModel, tmp_path: Path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own imports warn of its dependencies
        mlflow = pytest.importorskip("mlflow", reason="the extra `mlflow` is not installed")
        document = evaluate(model, SPLITS, settings=SETTINGS)
        run_ids = [track(model, document, directory=tmp_path) for _ in range(2)]
        client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
        run = client.get_run(run_ids[1])
        mlmodel = (tmp_path / "mlflow-artifacts" / run_ids[1] / "artifacts" / "model" / "MLmodel").read_text()
    assert len(set(run_ids)) == 2
    assert run.info.status == "FINISHED"
    assert run.data.params["logistic.inverse_regularisation"] == "0.1"
    assert run.data.params["target.horizon"] == "7d"
    assert run.data.metrics["test.average_precision"] == document["splits"]["test"]["average_precision"]
    assert "baseline.recency.average_precision" in run.data.metrics
    assert "user_item_view_count" in mlmodel
    written = {path.name for path in (tmp_path / "mlflow-artifacts" / run_ids[1]).rglob("*") if path.is_file()}
    assert {"model.json", "calibrator.json", "logistic.json", "metrics.json", "MLmodel"} <= written
