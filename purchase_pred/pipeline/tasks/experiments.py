"""Experiments on a workspace: settings searched on its training rows, trained models recorded elsewhere."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import numpy as np

from purchase_pred.errors import ConfigError
from purchase_pred.execution.memory import PROGRAM_BYTES, memory_limit
from purchase_pred.models import load_model, track, tune
from purchase_pred.models.rows.feature_rows import count_of, take_rows
from purchase_pred.models.rows.room import most_rows
from purchase_pred.models.rows.row_keys import row_draws
from purchase_pred.models.tracking import import_mlflow
from purchase_pred.pipeline.engine.publish import written_whole
from purchase_pred.pipeline.feature_files import read_split
from purchase_pred.pipeline.model_files import read_metrics

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import polars as pl

    from purchase_pred.models import TuningResult
    from purchase_pred.models.tuning import TuningStep
    from purchase_pred.names import ModelName
    from purchase_pred.pipeline.engine.stage import Observer, StageReport
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings

TRACKING_FOLDER: Final = "mlflow"

_LOGGER: Final = logging.getLogger(__name__)


def tune_model(
    workspace: Workspace, settings: Settings, /, *, kind: ModelName, trials: int, folds: int, observer: Observer
) -> TuningResult:
    """Search the settings of one learner on the training rows of a workspace; see `purchase_pred.models.tune`.

    Raises
    ------
    InputError
        There is no feature file of train, or too little in it for the folds.
    ConfigError
        The file was made with other settings.
    MissingExtraError
        Optuna is not installed.
    """

    def tell(step: TuningStep) -> None:
        _LOGGER.info("trial %d of %d: mean PR-AUC %.4f, best %.4f", step.trial, step.trials, step.score, step.best)
        coming = f"trial {step.trial + 1} of {trials}" if step.trial < trials else "the best beside the start"
        observer.stage_starts("tune", (f"{coming}; best mean PR-AUC so far {step.best:.4f}",))

    observer.stage_starts("tune", (f"trial 1 of {trials}",))
    train = _rows_that_fit(read_split(workspace, settings, "train"), settings, kind)
    return tune(train, kind=kind, settings=settings, trials=trials, folds=folds, on_step=tell)


def _rows_that_fit(train: pl.LazyFrame, settings: Settings, kind: ModelName) -> pl.DataFrame:
    """Return the training rows, or as many as the learner has room for beside them, drawn by their keys."""
    rows, columns = count_of(train), len(train.collect_schema())
    most = most_rows(kind, columns, memory_limit(settings.execution) - PROGRAM_BYTES) // 2
    if rows <= most:
        return train.collect()
    _LOGGER.info("searched on %s of %s rows: more do not fit the memory", f"{most:,}", f"{rows:,}")
    return take_rows(train, np.flatnonzero(row_draws(train) < most / rows))


def check_tuned(path: Path, /, *, force: bool) -> None:
    """Raise, before hours of search, if the file to be written is there already and `force` was not given.

    Raises
    ------
    ConfigError
        The file is there.
    """
    if path.exists() and not force:
        raise ConfigError(f"{path} is there already; --force replaces it, --output names another")


def write_tuned(found: TuningResult, path: Path, /) -> None:
    """Write the best settings as a file that `--config` takes; it appears whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as partial:
        partial.write_text(found.yaml, encoding="utf-8")


def check_tracker() -> None:
    """Raise, before anything is trained, if models cannot be recorded.

    Raises
    ------
    MissingExtraError
        MLflow is not installed, or not whole.
    """
    import_mlflow()


def track_models(workspace: Workspace, reports: Sequence[StageReport], /) -> Iterator[tuple[str, str]]:
    """Record each model that a run has trained in the workspace's own store, and yield its folder and run.

    ``mlflow ui --backend-store-uri sqlite:///WORKSPACE/mlflow/mlflow.db`` shows them.
    """
    store = workspace.path(TRACKING_FOLDER)
    store.mkdir(parents=True, exist_ok=True)
    for output in (output for report in reports for output in report.outputs if report.stage == "train"):
        folder = workspace.path(output)
        yield output, track(load_model(folder), read_metrics(folder), directory=store)
