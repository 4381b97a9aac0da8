"""Models: one design matrix, three learners, calibrated probabilities, bundles without pickle."""

from purchase_pred.models.bundle import load_bundle, save_bundle, save_pickle
from purchase_pred.models.design_matrix import FeatureSpec, design_matrix, feature_spec
from purchase_pred.models.fitted import FittedModel
from purchase_pred.models.training import best_model, train_models

__all__ = [
    "FeatureSpec",
    "FittedModel",
    "best_model",
    "design_matrix",
    "feature_spec",
    "load_bundle",
    "save_bundle",
    "save_pickle",
    "train_models",
]
