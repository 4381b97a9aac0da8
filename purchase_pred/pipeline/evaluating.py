"""The evaluation of a saved model on the feature files of the workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purchase_pred.evaluation import evaluate
from purchase_pred.models import load_bundle
from purchase_pred.pipeline.training import read_splits

if TYPE_CHECKING:
    from pathlib import Path

    from purchase_pred.pipeline.workspace import Workspace
    from purchase_pred.settings import Settings


def evaluate_saved(workspace: Workspace, settings: Settings, /, *, model: Path) -> dict[str, Any]:
    """Return the document of `metrics.json` of a saved model, computed anew on the splits as they are.

    Raises
    ------
    InputError
        A feature file is missing, or the model cannot be loaded or takes other features.
    """
    return evaluate(load_bundle(model), read_splits(workspace), settings=settings)
