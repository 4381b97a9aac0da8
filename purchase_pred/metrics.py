"""Metrics of scores and probabilities under extreme imbalance, exact in the presence of ties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

TOP_PERCENTS: Final = (1, 5, 10)
"""The shares of rows, in percent, at which precision, recall and lift are reported."""

ECE_BINS: Final = 20
"""Equal-mass bins of the expected calibration error."""

_EPSILON: Final = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class RankedCounts:
    """Rows and positives at each distinct score, from the highest score down."""

    scores: NDArray[np.float64]
    rows: NDArray[np.float64]
    """Rows with at least that score."""
    positives: NDArray[np.float64]
    """Positives with at least that score."""


def ranked_counts(labels: ArrayLike, scores: ArrayLike, /) -> RankedCounts:
    """Return how many rows and positives have at least each distinct score, highest score first."""
    score = np.asarray(scores)
    truth = np.asarray(labels)
    order = np.argsort(-score)
    ranked = score[order]
    last_of_ties = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], [True] * (len(ranked) > 0)))
    positives = np.cumsum(truth[order], dtype=np.float64)
    return RankedCounts(
        scores=ranked[last_of_ties].astype(np.float64),
        rows=last_of_ties.astype(np.float64) + 1.0,
        positives=positives[last_of_ties],
    )


def average_precision(labels: ArrayLike, scores: ArrayLike, /) -> float:
    """Return the average precision: the sum of precision times the step in recall over the distinct scores.

    Tied rows enter together, so their order does not matter. NaN when there are no positives.

    Examples
    --------
    >>> average_precision([1, 0, 1], [0.9, 0.8, 0.7]).__round__(3)
    0.833
    """
    return _average_precision(ranked_counts(labels, scores))


def log_loss(labels: ArrayLike, probabilities: ArrayLike, /) -> float:
    """Return the mean negative log-likelihood in nats; probabilities are kept 2.2e-16 away from 0 and 1."""
    truth = np.asarray(labels, dtype=np.float64)
    p = np.clip(np.asarray(probabilities, dtype=np.float64), _EPSILON, 1.0 - _EPSILON)
    return float(-np.mean(truth * np.log(p) + (1.0 - truth) * np.log1p(-p)))


def calibration_bins(
    labels: ArrayLike, probabilities: ArrayLike, /, *, bins: int = ECE_BINS
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return rows, mean probability and share of positives of equal-mass bins, lowest probabilities first.

    The edges are the quantiles of the probabilities; equal probabilities never part, so bins may be fewer and not
    quite equal.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    edges = np.quantile(p, np.arange(1, bins) / bins, method="inverted_cdf")
    position = np.searchsorted(edges, p, side="left")
    rows = np.bincount(position, minlength=bins)
    filled = rows > 0
    predicted = np.bincount(position, weights=p, minlength=bins)[filled] / rows[filled]
    observed = np.bincount(position, weights=np.asarray(labels), minlength=bins)[filled] / rows[filled]
    return rows[filled].astype(np.int64), predicted, observed


def expected_calibration_error(labels: ArrayLike, probabilities: ArrayLike, /, *, bins: int = ECE_BINS) -> float:
    """Return the mean gap between predicted and observed share over equal-mass bins, weighted by rows."""
    rows, predicted, observed = calibration_bins(labels, probabilities, bins=bins)
    return float(np.sum(rows * np.abs(predicted - observed)) / rows.sum())


def top_share(ranked: RankedCounts, percent: int, /) -> tuple[float, float]:
    """Return expected precision and recall of the best `percent` % of rows (rounded up to whole rows).

    Where the cut falls among tied rows, they are taken at random: the expectation over that draw is returned.
    Recall is NaN when there are no positives.
    """
    total_rows, total_positives = ranked.rows[-1], ranked.positives[-1]
    taken = float(-(-int(total_rows) * percent // 100))
    # Between two distinct scores the expected number of positives grows linearly with the rows taken.
    found = float(np.interp(taken, np.append(0.0, ranked.rows), np.append(0.0, ranked.positives)))
    return found / taken, found / total_positives if total_positives else float("nan")


def metrics(labels: ArrayLike, scores: ArrayLike, /, *, probabilities: bool = True) -> dict[str, Any]:
    """Return the metrics of one set of rows, ready for JSON: numbers, or None where one is not defined.

    Parameters
    ----------
    labels
        0 or 1 per row.
    scores
        Higher means more likely; must not be NaN. -inf is allowed when they are no probabilities.
    probabilities
        Whether the scores are probabilities. If not, `log_loss`, `brier` and `ece` are None: a rule makes no
        statement that they could measure.

    Returns
    -------
    metrics
        rows, positives, prevalence, average_precision, roc_auc, log_loss, brier, ece (20 equal-mass bins) and
        precision, recall and lift at 1, 5 and 10 % (rounded up to whole rows; ties by expectation). Without
        positives, everything that would divide by them is None; without rows, everything but the counts.

    Examples
    --------
    >>> found = metrics([1, 0, 0, 0], [0.9, 0.1, 0.1, 0.1])
    >>> found["average_precision"], found["roc_auc"], found["lift_at_10pct"]
    (1.0, 1.0, 4.0)
    """
    truth = np.asarray(labels)
    score = np.asarray(scores)
    rows, positives = len(truth), int(truth.sum())
    found: dict[str, Any] = {"rows": rows, "positives": positives, "prevalence": positives / rows if rows else None}
    ranked = ranked_counts(truth, score)
    found["average_precision"] = _average_precision(ranked) if rows else None
    found["roc_auc"] = _roc_auc(ranked) if rows else None
    proper = probabilities and rows > 0
    found["log_loss"] = log_loss(truth, score) if proper else None
    found["brier"] = float(np.mean((score - truth) ** 2)) if proper else None
    found["ece"] = expected_calibration_error(truth, score) if proper else None
    for percent in TOP_PERCENTS:
        precision, recall = top_share(ranked, percent) if rows else (None, None)
        found[f"precision_at_{percent}pct"] = precision
        found[f"recall_at_{percent}pct"] = recall
        found[f"lift_at_{percent}pct"] = precision / (positives / rows) if precision is not None and positives else None
    return {name: None if value is None or np.isnan(value) else value for name, value in found.items()}


def _average_precision(ranked: RankedCounts) -> float:
    if not len(ranked.rows) or not ranked.positives[-1]:
        return float("nan")
    steps = np.diff(ranked.positives, prepend=0.0)
    return float(np.sum(steps * ranked.positives / ranked.rows) / ranked.positives[-1])


def _roc_auc(ranked: RankedCounts) -> float:
    positives = np.append(0.0, ranked.positives)
    negatives = np.append(0.0, ranked.rows - ranked.positives)
    if not positives[-1] or not negatives[-1]:
        return float("nan")
    # Tied rows form one straight step: a pair that ties counts one half.
    area = np.sum(np.diff(negatives) * (positives[1:] + positives[:-1])) / 2.0
    return float(area / (positives[-1] * negatives[-1]))
