"""Curves over the threshold, and over the events seen: precision, recall, lift, gain, profit, earliness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from purchase_pred.metrics import metrics, ranked_counts
from purchase_pred.models.rows.design_matrix import label_vector
from purchase_pred.schema import LABEL

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from purchase_pred.settings.training import ProfitSettings

EVENTS_SEEN: Final = "session_events"
_EARLINESS_STARTS: Final = (1, 2, 3, 4, 5, 7, 10, 15, 20, 30)


def threshold_curve(
    labels: ArrayLike, scores: ArrayLike, /, *, profit: ProfitSettings, points: int | None = 400
) -> pl.DataFrame:
    """Return what acting from each threshold on would give: the PR, ROC, lift, gain and profit curves in one table.

    Parameters
    ----------
    labels, scores
        One per row; higher scores mean more likely.
    profit
        What one decision of each kind is worth.
    points
        Rows of the table at most, spread evenly over the logarithm of the rows acted on, the first and the last
        included; None: every distinct score.

    Returns
    -------
    table
        Highest threshold first: `threshold` (act where the score is at least that), `acted` and `true_positives`
        (UInt32), `share` of rows acted on, `precision`, `recall` (also the cumulative gain; null without positives),
        `false_positive_rate` (null without negatives), `lift` (null without positives), `profit`.
    """
    ranked = ranked_counts(labels, scores)
    kept = _spread(ranked.rows, points)
    rows, positives = float(ranked.rows.max(initial=0.0)), float(ranked.positives.max(initial=0.0))
    negatives = rows - positives
    acted, found = pl.col("acted"), pl.col("true_positives")
    false_positives, missed = acted - found, positives - found
    return (
        pl.DataFrame(
            {"threshold": ranked.scores[kept], "acted": ranked.rows[kept], "true_positives": ranked.positives[kept]}
        )
        .with_columns(
            share=acted / rows,
            precision=found / acted,
            recall=found / (positives or None),
            false_positive_rate=false_positives / (negatives or None),
            lift=found / acted * rows / (positives or None),
            profit=found * profit.true_positive
            + false_positives * profit.false_positive
            + missed * profit.false_negative
            + (negatives - false_positives) * profit.true_negative,
        )
        .with_columns(acted.cast(pl.UInt32), found.cast(pl.UInt32))
        .cast({"recall": pl.Float64, "false_positive_rate": pl.Float64, "lift": pl.Float64})
    )


def earliness_table(features: pl.DataFrame, probabilities: NDArray[np.float64], /) -> pl.DataFrame | None:
    """Return how good predictions are by the number of the session's events seen so far.

    Returns
    -------
    table
        Fewest events first: `events_from`, `events_to` (UInt32, both included; null: open), `rows`, `positives`,
        `prevalence`, `average_precision`, `roc_auc` (null where not defined). Empty groups are left out. None when
        the frame has no column `session_events`.
    """
    if EVENTS_SEEN not in features.columns:
        return None
    labels, seen = label_vector(features), features[EVENTS_SEEN].fill_null(0).to_numpy()
    group = np.searchsorted(_EARLINESS_STARTS, seen, side="right") - 1
    kept = ("rows", "positives", "prevalence", "average_precision", "roc_auc")
    rows = []
    for index, start in enumerate(_EARLINESS_STARTS):
        members = group == index
        if members.any():
            found = metrics(labels[members], probabilities[members])
            end = _EARLINESS_STARTS[index + 1] - 1 if index + 1 < len(_EARLINESS_STARTS) else None
            rows.append({"events_from": start, "events_to": end, **{name: found[name] for name in kept}})
    counts = dict.fromkeys(("events_from", "events_to", "rows", "positives"), pl.UInt32)
    return pl.DataFrame(rows, schema={**counts, **dict.fromkeys(kept[2:], pl.Float64)})


def score_histogram(labels: ArrayLike, probabilities: ArrayLike, /, *, bins: int = 40) -> pl.DataFrame:
    """Return the rows of each class by log-odds of their score: `log_odds_from`, `log_odds_to`, `label`, `rows`.

    Probabilities are so often close to 0 that only their log-odds show a shape.
    """
    p = np.clip(np.asarray(probabilities, dtype=np.float64), 1e-12, 1.0 - 1e-12)
    z = np.log(p / (1.0 - p))
    truth = np.asarray(labels)
    edges = np.histogram_bin_edges(z, bins=bins)
    return pl.concat(
        pl.DataFrame(
            {
                "log_odds_from": edges[:-1],
                "log_odds_to": edges[1:],
                LABEL: np.full(bins, label, dtype=np.uint8),
                "rows": np.histogram(z[truth == label], bins=edges)[0].astype(np.uint32),
            }
        )
        for label in (0, 1)
    )


def _spread(rows: NDArray[np.float64], points: int | None) -> NDArray[np.intp]:
    if points is None or len(rows) <= points:
        return np.arange(len(rows))
    wanted = np.geomspace(rows[0], rows[-1], points)
    return np.unique(np.minimum(np.searchsorted(rows, wanted), len(rows) - 1))
