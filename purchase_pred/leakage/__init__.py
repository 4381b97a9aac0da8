"""Whether features know the future: the log is altered where no prediction may look, and no value may move."""

from purchase_pred.leakage.check import check_leakage
from purchase_pred.leakage.report import Example, Leak, LeakageReport, TrialSummary
from purchase_pred.leakage.subject import FeatureFunction

__all__ = ["Example", "FeatureFunction", "Leak", "LeakageReport", "TrialSummary", "check_leakage"]
