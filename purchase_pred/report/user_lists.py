"""The report's table of how well the lists of single users are ordered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purchase_pred.evaluation.baselines import RECENCY, attention_name
from purchase_pred.evaluation.user_ranking import CUTOFFS, RANKING, USERS, ranking_table
from purchase_pred.report.markup import table
from purchase_pred.report.words import heading, number, percent

if TYPE_CHECKING:
    from purchase_pred.report.data import ReportData


def user_ranking_table(data: ReportData, /) -> str:
    """Return the table of hit rate, recall and NDCG per user; nothing where the model was not judged so."""
    document = data.document
    if not document.get(RANKING):
        return ""
    attention = attention_name(document["target"])
    found = ranking_table([document]).to_dicts()
    rows = [
        (
            heading(attention if row["name"] == RECENCY else row["name"]),
            *(percent(row[f"{name}_at_{k}"]) for name in ("hit_rate", "recall") for k in CUTOFFS),
            *(number(row[f"ndcg_at_{k}"]) for k in CUTOFFS),
        )
        for row in found
    ]
    return table(
        ("Within each user", *(f"{name} at {k}" for name in ("Hit rate", "Recall", "NDCG") for k in CUTOFFS)),
        rows,
        caption=(
            f"The rows of each of the {document[RANKING][USERS]:,} users with a purchase in test, put in order: how "
            "often there is one among the first k, what share of them is there, and how high up"
        ),
        kinds={len(rows) - 1: "own"},
    )
