"""The evaluation of a saved model on the feature files of the workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purchase_pred.errors import PurchasePredError
from purchase_pred.evaluation import evaluate, scored_splits
from purchase_pred.metrics import metrics
from purchase_pred.models import load_model
from purchase_pred.models.rows.design_matrix import label_vector
from purchase_pred.pipeline.engine.fingerprint import REPORT_NAME
from purchase_pred.pipeline.feature_files import read_splits
from purchase_pred.pipeline.model_files import fresh_metrics, fresh_model, known_ceiling, note_ceiling, replace_in_model
from purchase_pred.pipeline.report_files import report_source
from purchase_pred.pipeline.tasks.ceiling import true_probabilities
from purchase_pred.report.data import report_data
from purchase_pred.report.page import render_report
from purchase_pred.settings.carried import adopted_settings

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings
    from purchase_pred.settings.loading import ResolvedSettings


def evaluate_saved(
    workspace: Workspace, resolved: ResolvedSettings, /, *, model: Path, report: bool = False, oracle: bool = False
) -> dict[str, Any]:
    """Return the document of `metrics.json` of a saved model, computed anew on the splits as they are.

    With `report`, the model's `report.html` is drawn anew from the same figures. `metrics.json` stays as it was, but
    for its `ceiling`, the upper bound computed from the simulator's hidden state: `oracle` fills it, later
    evaluations keep it while all other figures are the same, and a report of other figures takes it away.

    The settings that rows and features depend on are the model's own.

    Raises
    ------
    ConfigError
        The settings give another value than the model was trained with, or the feature files were made with another.
    InputError
        A feature file is missing, or the model cannot be loaded or takes other features, or there is no truth to ask.
    UnsupportedTargetError
        The truth has no answer for the target.
    """
    fitted = load_model(model)
    settings = adopted_settings(resolved, fitted.feature_settings, owner=str(model))
    splits = read_splits(workspace, settings, asker=str(model))
    baseline = fresh_model(workspace, settings, "logistic")
    logistic = load_model(baseline) if baseline else None
    scored = scored_splits([fitted], {name: splits[name] for name in ("train", "val")})
    scored |= scored_splits([fitted, *([logistic] if logistic else [])], {"test": splits["test"]})
    test = scored["test"].rows
    truth = true_probabilities(workspace, settings, test) if oracle else None
    document = evaluate(fitted, scored, settings=settings, logistic=logistic, truth=truth)
    if not oracle:
        document |= {"ceiling": known_ceiling(model, document)}
        truth = _truth_behind(document["ceiling"], workspace, settings, test) if report else None
    if oracle or report:
        note_ceiling(workspace, model, document)
    if report:
        source, rivals = report_source(workspace, settings), fresh_metrics(workspace, settings)
        shown = report_data(
            fitted,
            scored,
            document,
            source=source,
            settings=settings,
            rivals=rivals,
            logistic=logistic,
            truth=truth,
        )
        replace_in_model(workspace, model, REPORT_NAME, render_report(shown))
    return document


def _truth_behind(
    ceiling: dict[str, Any] | None, workspace: Workspace, settings: Settings, test: pl.DataFrame
) -> NDArray[np.float64] | None:
    """Return the probabilities that a ceiling was computed from; None where there is none, or they cannot be had."""
    if ceiling is None:
        return None
    try:
        truth = true_probabilities(workspace, settings, test)
    except PurchasePredError:
        return None
    return truth if metrics(label_vector(test), truth) == ceiling else None
