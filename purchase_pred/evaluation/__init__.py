"""Evaluation that cannot flatter: metrics beside baselines, as plain documents and tables."""

from purchase_pred.evaluation.baselines import carted_not_bought, most_recent_view
from purchase_pred.evaluation.evaluate import evaluate

__all__ = ["carted_not_bought", "evaluate", "most_recent_view"]
