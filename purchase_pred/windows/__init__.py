"""The point-in-time engine: declared aggregates over irregular events, exactly as known at a moment."""

from purchase_pred.windows.aggregates import (
    Aggregate,
    count,
    decayed_count,
    hours_since_first,
    hours_since_last,
    last,
    maximum,
    mean,
    minimum,
    n_unique,
    total,
)
from purchase_pred.windows.engine import window_features

__all__ = [
    "Aggregate",
    "count",
    "decayed_count",
    "hours_since_first",
    "hours_since_last",
    "last",
    "maximum",
    "mean",
    "minimum",
    "n_unique",
    "total",
    "window_features",
]
