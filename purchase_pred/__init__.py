"""Purchase prediction from clickstreams: point-in-time features as pure functions on LazyFrames."""

from purchase_pred.anchors import calendar_anchors, in_session_anchors, session_close_anchors
from purchase_pred.features import build_features
from purchase_pred.labels import label_purchases
from purchase_pred.leakage import check_leakage
from purchase_pred.prediction_rows import prediction_rows
from purchase_pred.schema import EVENT_TYPES
from purchase_pred.sessions import session_table, sessionize, sessionize_by_intent
from purchase_pred.splits import temporal_split
from purchase_pred.windows import (
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
    window_features,
)

__all__ = [
    "EVENT_TYPES",
    "build_features",
    "calendar_anchors",
    "check_leakage",
    "count",
    "decayed_count",
    "hours_since_first",
    "hours_since_last",
    "in_session_anchors",
    "label_purchases",
    "last",
    "maximum",
    "mean",
    "minimum",
    "n_unique",
    "prediction_rows",
    "session_close_anchors",
    "session_table",
    "sessionize",
    "sessionize_by_intent",
    "temporal_split",
    "total",
    "window_features",
]
