"""Purchase prediction from clickstreams: point-in-time features as pure functions on LazyFrames.

From a log to a decision: `read_log`, `sessionize`, `prediction_rows`, `build_features`, `train_models`, `evaluate`,
`write_report`, `explain`; `load_workspace` opens what the command line has made. Learners are imported when a function
first needs them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from purchase_pred.anchors import in_session_anchors, session_close_anchors
from purchase_pred.calendar_points import calendar_anchors
from purchase_pred.errors import (
    BundleError,
    ConfigError,
    EmptyLogError,
    GateError,
    InputError,
    MissingExtraError,
    PurchasePredError,
    SchemaError,
    UnsupportedTargetError,
    WorkspaceError,
)
from purchase_pred.features import build_features, describe_features, feature_groups
from purchase_pred.features.group import Derived, FeatureGroup
from purchase_pred.labels import label_churn, label_purchases
from purchase_pred.leakage import check_leakage
from purchase_pred.prediction_rows import prediction_rows
from purchase_pred.schema import EVENT_TYPES
from purchase_pred.sessions import session_table, sessionize, sessionize_by_intent
from purchase_pred.settings import Settings
from purchase_pred.settings.features import FeatureSettings
from purchase_pred.settings.loading import load_settings
from purchase_pred.splits import temporal_split
from purchase_pred.windows import (
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
    window_features,
)

if TYPE_CHECKING:
    from purchase_pred.evaluation import evaluate, explain
    from purchase_pred.ingest import read_log
    from purchase_pred.models import (
        design_matrix,
        feature_spec,
        from_estimator,
        load_model,
        train_models,
        unseen_categories,
    )
    from purchase_pred.monitoring import check_days, estimated_performance, population_stability
    from purchase_pred.pipeline.finished import load_workspace
    from purchase_pred.pipeline.report_files import write_report

_LATER = {
    "check_days": "purchase_pred.monitoring",
    "design_matrix": "purchase_pred.models",
    "estimated_performance": "purchase_pred.monitoring",
    "evaluate": "purchase_pred.evaluation",
    "explain": "purchase_pred.evaluation",
    "feature_spec": "purchase_pred.models",
    "from_estimator": "purchase_pred.models",
    "load_model": "purchase_pred.models",
    "load_workspace": "purchase_pred.pipeline.finished",
    "population_stability": "purchase_pred.monitoring",
    "read_log": "purchase_pred.ingest",
    "train_models": "purchase_pred.models",
    "unseen_categories": "purchase_pred.models",
    "write_report": "purchase_pred.pipeline.report_files",
}
"""What brings the learners along, by the module it is imported from when it is first asked for."""

__all__ = [
    "EVENT_TYPES",
    "Aggregate",
    "BundleError",
    "ConfigError",
    "Derived",
    "EmptyLogError",
    "FeatureGroup",
    "FeatureSettings",
    "GateError",
    "InputError",
    "MissingExtraError",
    "PurchasePredError",
    "SchemaError",
    "Settings",
    "UnsupportedTargetError",
    "WorkspaceError",
    "build_features",
    "calendar_anchors",
    "check_days",
    "check_leakage",
    "count",
    "decayed_count",
    "describe_features",
    "design_matrix",
    "estimated_performance",
    "evaluate",
    "explain",
    "feature_groups",
    "feature_spec",
    "from_estimator",
    "hours_since_first",
    "hours_since_last",
    "in_session_anchors",
    "label_churn",
    "label_purchases",
    "last",
    "load_model",
    "load_settings",
    "load_workspace",
    "maximum",
    "mean",
    "minimum",
    "n_unique",
    "population_stability",
    "prediction_rows",
    "read_log",
    "session_close_anchors",
    "session_table",
    "sessionize",
    "sessionize_by_intent",
    "temporal_split",
    "total",
    "train_models",
    "unseen_categories",
    "window_features",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
