"""Watching a log and a model at work: pure functions that hold new data against what was known before."""

from purchase_pred.monitoring.estimates import estimated_interval, estimated_performance
from purchase_pred.monitoring.event_checks import DaysChecked, check_days
from purchase_pred.monitoring.outcomes import calibration_over_time, performance_table
from purchase_pred.monitoring.row_checks import RowsChecked, check_rows
from purchase_pred.monitoring.stability import population_stability

__all__ = [
    "DaysChecked",
    "RowsChecked",
    "calibration_over_time",
    "check_days",
    "check_rows",
    "estimated_interval",
    "estimated_performance",
    "performance_table",
    "population_stability",
]
