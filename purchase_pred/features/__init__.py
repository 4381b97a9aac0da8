"""The feature dictionary: groups of declared aggregates and ratios, and the function that adds them to anchors."""

from purchase_pred.features.build import build_features

__all__ = ["build_features"]
