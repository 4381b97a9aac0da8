"""The evaluation of a saved model on the feature files of the workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purchase_pred.evaluation import evaluate
from purchase_pred.models import load_bundle
from purchase_pred.pipeline.model_store import fresh_metrics, fresh_model, note_ceiling
from purchase_pred.pipeline.oracle import true_probabilities
from purchase_pred.pipeline.reporting import report_page, report_source, write_report
from purchase_pred.pipeline.training import read_splits

if TYPE_CHECKING:
    from pathlib import Path

    from purchase_pred.pipeline.workspace import Workspace
    from purchase_pred.settings import Settings


def evaluate_saved(
    workspace: Workspace, settings: Settings, /, *, model: Path, report: bool = False, oracle: bool = False
) -> dict[str, Any]:
    """Return the document of `metrics.json` of a saved model, computed anew on the splits as they are.

    With `report`, the model's `report.html` is drawn anew from the same figures. `metrics.json` stays as it
    was, but that with `oracle` its `ceiling` is filled: what would be reached by whoever reads the minds of the users.

    Raises
    ------
    InputError
        A feature file is missing, or the model cannot be loaded or takes other features, or there is no truth to ask.
    UnsupportedTargetError
        The truth has no answer for the target.
    """
    fitted, splits = load_bundle(model), read_splits(workspace)
    baseline = fresh_model(workspace, settings, "logistic")
    logistic = load_bundle(baseline) if baseline else None
    truth = true_probabilities(workspace, settings, splits["test"]) if oracle else None
    document = evaluate(fitted, splits, settings=settings, logistic=logistic, truth=truth)
    if oracle:
        with workspace.locked():
            note_ceiling(model, document)
    if report:
        source, rivals = report_source(workspace, settings), fresh_metrics(workspace, settings)
        page = report_page(fitted, splits, document, source=source, settings=settings, rivals=rivals, logistic=logistic)
        write_report(page, model)
    return document
