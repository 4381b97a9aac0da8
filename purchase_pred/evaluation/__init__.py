"""Evaluation that cannot flatter: metrics beside baselines, as plain documents and tables."""

from purchase_pred.evaluation.baselines import attention_rule, cart_rule, carted_not_bought, most_recent_view
from purchase_pred.evaluation.calibration_table import calibration_table, reliability_table
from purchase_pred.evaluation.cohorts import cohort_table
from purchase_pred.evaluation.comparison import comparison_table
from purchase_pred.evaluation.curves import earliness_table, score_histogram, threshold_curve
from purchase_pred.evaluation.drift import AdversarialValidation, adversarial_validation
from purchase_pred.evaluation.evaluate import evaluate
from purchase_pred.evaluation.explain import Contribution, Explanation, explain
from purchase_pred.evaluation.importance import feature_importance, shap_values
from purchase_pred.evaluation.red_flags import (
    data_red_flags,
    model_red_flags,
    red_flags,
    shared_users,
    single_feature_auc,
)
from purchase_pred.evaluation.scored import ScoredSplit, sample_rows, scored_splits

__all__ = [
    "AdversarialValidation",
    "Contribution",
    "Explanation",
    "ScoredSplit",
    "adversarial_validation",
    "attention_rule",
    "calibration_table",
    "cart_rule",
    "carted_not_bought",
    "cohort_table",
    "comparison_table",
    "data_red_flags",
    "earliness_table",
    "evaluate",
    "explain",
    "feature_importance",
    "model_red_flags",
    "most_recent_view",
    "red_flags",
    "reliability_table",
    "sample_rows",
    "score_histogram",
    "scored_splits",
    "shap_values",
    "shared_users",
    "single_feature_auc",
    "threshold_curve",
]
