"""Several horizons judged, each by the label of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from purchase_pred.durations import parse_duration
from purchase_pred.metrics import metrics
from purchase_pred.models.nearer import comes_within

if TYPE_CHECKING:
    from purchase_pred.models.fitted import FittedModel
    from purchase_pred.models.rows.feature_rows import FeatureRows


def horizon_metrics(model: FittedModel, features: FeatureRows, times: pl.DataFrame, /) -> dict[str, dict[str, Any]]:
    """Return the metrics of each horizon, the shortest first, by its name.

    Parameters
    ----------
    model
        A model of several horizons.
    features
        The feature rows.
    times
        Their ``prediction_time`` and ``label_time``.
    """
    found = {}
    for name, probabilities in model.predict_horizons(features).items():
        labels = times.select(comes_within(parse_duration(name)).cast(pl.UInt8)).to_series().to_numpy()
        found[name] = {**metrics(labels, probabilities), "mean_probability": float(probabilities.mean())}
    return found
