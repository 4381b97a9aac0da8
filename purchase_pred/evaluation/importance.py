"""What a model builds on: importance by gain and by exact SHAP values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from purchase_pred.evaluation.scored import sample_rows
from purchase_pred.models.rows.design_matrix import design_matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from purchase_pred.models.fitted import FittedModel


def shap_values(model: FittedModel, frame: pl.DataFrame, /) -> NDArray[np.float64]:
    """Return the exact SHAP values of each row, shape (rows, features), in log-odds before calibration.

    The boosters' own TreeSHAP; for logistic regression the coefficient times the distance from the mean.
    """
    if frame.is_empty():
        return np.empty((0, len(model.spec.features)))
    return model.learner.contributions(design_matrix(frame, model.spec))[:, :-1]


def feature_importance(model: FittedModel, frame: pl.DataFrame, /, *, seed: int = 0) -> pl.DataFrame:
    """Return the importance of every feature, the largest mean absolute SHAP value first, ties by name.

    Parameters
    ----------
    model
        The model.
    frame
        The rows on which SHAP values are averaged; at most 5,000 of them, drawn by `seed`.

    Returns
    -------
    table
        `feature`, `gain` (total gain of its splits; of logistic regression the size of its coefficient),
        `gain_share`, `mean_absolute_shap` (log-odds) and `shap_share`. Shares add up to 1; all of it is 0 for a model
        that gives no contributions.
    """
    explained = sample_rows(frame, seed=seed) if model.learner.explains else frame.clear()
    values = np.abs(shap_values(model, explained))
    table = pl.DataFrame(
        {
            "feature": list(model.spec.names),
            "gain": model.learner.gains(),
            "mean_absolute_shap": values.mean(axis=0) if len(values) else np.zeros(values.shape[1]),
        }
    )
    return table.select(
        "feature",
        "gain",
        _share("gain").alias("gain_share"),
        "mean_absolute_shap",
        _share("mean_absolute_shap").alias("shap_share"),
    ).sort("mean_absolute_shap", "feature", descending=[True, False])


def _share(name: str) -> pl.Expr:
    total = pl.col(name).sum()
    return pl.when(total > 0).then(pl.col(name) / total).otherwise(0.0)
