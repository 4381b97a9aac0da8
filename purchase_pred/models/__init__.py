"""Models: one design matrix, three learners, calibrated probabilities, bundles without pickle."""

from purchase_pred.models.bundle import load_model, save_bundle, save_pickle
from purchase_pred.models.estimator import from_estimator
from purchase_pred.models.fitted import FittedModel
from purchase_pred.models.rows.categories import unseen_categories
from purchase_pred.models.rows.design_matrix import design_matrix, feature_spec
from purchase_pred.models.rows.spec import FeatureSpec
from purchase_pred.models.tracking import track
from purchase_pred.models.training import best_model, train_models
from purchase_pred.models.tuning import TuningResult, tune

__all__ = [
    "FeatureSpec",
    "FittedModel",
    "TuningResult",
    "best_model",
    "design_matrix",
    "feature_spec",
    "from_estimator",
    "load_model",
    "save_bundle",
    "save_pickle",
    "track",
    "train_models",
    "tune",
    "unseen_categories",
]
