"""The feature dictionary: groups of declared aggregates and ratios, and the function that adds them to anchors."""

from purchase_pred.features.build import build_features, tables_of_days
from purchase_pred.features.daily import item_days
from purchase_pred.features.describe import describe_features
from purchase_pred.features.dictionary import feature_groups
from purchase_pred.features.group import Derived, FeatureGroup

__all__ = [
    "Derived",
    "FeatureGroup",
    "build_features",
    "describe_features",
    "feature_groups",
    "item_days",
    "tables_of_days",
]
