"""The report's table of several horizons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from purchase_pred.report.markup import table
from purchase_pred.report.words import duration, number, percent

if TYPE_CHECKING:
    from purchase_pred.report.data import ReportData

_FIGURES: Final = ("PR-AUC", "ROC-AUC", "Log-loss", "ECE")


def horizon_table(data: ReportData, /) -> str:
    """Return the table of the figures of each horizon; nothing for a model of one."""
    rows = [
        (
            duration(name), number(row["positives"]), percent(row["prevalence"]), percent(row["mean_probability"]),
            number(row["average_precision"]), number(row["roc_auc"]), number(row["log_loss"], 4), percent(row["ece"]),
        )
        for name, row in data.document.get("horizons", {}).items()
    ]  # fmt: skip
    if not rows:
        return ""
    words, ceiling = data.words, data.document["ceiling"]
    drawn = f". The ceiling is that of the longest, {duration(data.document['target']['horizon'])}" if ceiling else ""
    return table(
        (
            "Within",
            words.many.capitalize(),
            f"Share that {words.it}",
            "Predicted",
            "PR-AUC",
            "ROC-AUC",
            "Log-loss",
            "ECE",
        ),
        rows,
        caption=f"Each horizon on test; the probabilities of a row never fall from a shorter to a longer one{drawn}",
    )
