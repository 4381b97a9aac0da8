"""Tracking: a trained model, its settings and its figures as a run of MLflow, without a server."""

from __future__ import annotations

import importlib
import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from purchase_pred.errors import MissingExtraError
from purchase_pred.models.bundle import save_bundle

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from purchase_pred.models.fitted import FittedModel
    from purchase_pred.models.rows.spec import FeatureSpec

EXPERIMENT: Final = "purchase_pred"
STORE_FILE: Final = "mlflow.db"
ARTIFACTS_FOLDER: Final = "mlflow-artifacts"

_ARTIFACT_PATH: Final = "model"
_USED: Final = ("mlflow.models.signature", "mlflow.store.tracking.sqlalchemy_store")
"""What is used beside MLflow itself; it needs pandas and SQLAlchemy, which mlflow-skinny comes without."""


def track(
    model: FittedModel,
    document: Mapping[str, Any],
    /,
    *,
    directory: Path,
    tracking_uri: str | None = None,
    experiment: str = EXPERIMENT,
) -> str:
    """Record a model as one MLflow run: parameters, metrics, the bundle with its signature.

    Parameters
    ----------
    model
        The model.
    document
        What `evaluate` returned for it.
    directory
        Where the local store lies: `mlflow.db` (SQLite) and `mlflow-artifacts/`. No server is needed;
        ``mlflow ui --backend-store-uri sqlite:///DIRECTORY/mlflow.db`` shows it.
    tracking_uri
        Another store, such as that of a server; `directory` is then not used.
    experiment
        Name of the experiment, made if it is not there.

    Returns
    -------
    run_id
        The run's identifier. Parameters are the settings (`xgboost.max_depth`) and the target (`target.horizon`);
        metrics are those of each split (`test.average_precision`), baseline (`baseline.recency.average_precision`)
        and the training (`rounds`); artefacts are the files of the bundle, `metrics.json` and `MLmodel`, which holds
        the signature.

    Raises
    ------
    MissingExtraError
        MLflow is not installed, or not whole.
    """
    mlflow = import_mlflow()
    client = mlflow.MlflowClient(tracking_uri=tracking_uri or f"sqlite:///{directory.resolve() / STORE_FILE}")
    artifacts = None if tracking_uri else (directory.resolve() / ARTIFACTS_FOLDER).as_uri()
    found = client.get_experiment_by_name(experiment)
    experiment_id = found.experiment_id if found else client.create_experiment(experiment, artifacts)
    run_id = str(client.create_run(experiment_id, run_name=model.name, tags={"kind": model.kind}).info.run_id)
    for name, value in _flat({model.kind: model.settings[model.kind], "target": model.target}):
        client.log_param(run_id, name, value)
    for name, value in _flat(_figures(model, document)):
        if isinstance(value, int | float):
            client.log_metric(run_id, name, value)
    _log_artifacts(mlflow, client, run_id, model, document)
    client.set_terminated(run_id)
    return run_id


def import_mlflow() -> Any:
    """Return MLflow, with all of it that `track` uses.

    Raises
    ------
    MissingExtraError
        MLflow is not installed, or not whole.
    """
    try:
        mlflow = importlib.import_module("mlflow")
        for name in _USED:
            importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError(
            f"tracking needs MLflow, which is not installed ({error}): pip install 'purchase-pred[mlflow]'"
        ) from error
    # It reports every table it creates in a new store; a run of ours has a log of its own.
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    return mlflow


def _figures(model: FittedModel, document: Mapping[str, Any]) -> dict[str, Any]:
    figures = {**document["splits"], "baseline": document["baselines"], "rounds": model.training["rounds"]}
    return figures if document["ceiling"] is None else figures | {"ceiling": document["ceiling"]}


def _log_artifacts(mlflow: Any, client: Any, run_id: str, model: FittedModel, document: Mapping[str, Any]) -> None:
    signature = _signature(model.spec)
    with tempfile.TemporaryDirectory() as folder:
        save_bundle(model, Path(folder))
        description = mlflow.models.Model(artifact_path=_ARTIFACT_PATH, run_id=run_id, signature=signature)
        description.save(str(Path(folder) / "MLmodel"))
        client.log_artifacts(run_id, folder, _ARTIFACT_PATH)
    client.log_dict(run_id, dict(document), "metrics.json")


def _signature(spec: FeatureSpec) -> Any:
    types = importlib.import_module("mlflow.types.schema")
    signatures = importlib.import_module("mlflow.models.signature")
    kinds = types.DataType
    inputs = [
        types.ColSpec(kinds.double if feature.categories is None else kinds.string, feature.name, required=False)
        for feature in spec.features
    ]
    return signatures.ModelSignature(
        inputs=types.Schema(inputs), outputs=types.Schema([types.ColSpec(kinds.double, "probability")])
    )


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
