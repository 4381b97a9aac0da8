"""Check whether features use the future: events that no prediction may see are altered, and no feature may change."""

from purchase_pred.leakage.check import check_leakage
from purchase_pred.leakage.report import Example, Leak, LeakageReport, TrialSummary
from purchase_pred.leakage.subject import FeatureFunction

__all__ = ["Example", "FeatureFunction", "Leak", "LeakageReport", "TrialSummary", "check_leakage"]
