"""What a model's figures should be if its probabilities are right: performance before any label is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from purchase_pred.metrics import TOP_PERCENTS, RankedCounts, ranked_counts, top_share

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

ESTIMATED: Final = (
    "prevalence", "average_precision", "log_loss", "brier",
    *(f"{name}_at_{percent}pct" for percent in TOP_PERCENTS for name in ("precision", "recall")),
)  # fmt: skip
"""The metrics that are estimated, by their names in `purchase_pred.metrics.metrics`."""

_DRAWS: Final = 200
_EPSILON: Final = float(np.finfo(np.float64).eps)


def estimated_performance(probabilities: ArrayLike, /) -> dict[str, float | None]:
    """Return the metrics to be expected of probabilities on their own rows, if every one of them is right.

    Each row is a positive with its own probability p, independently: confidence-based performance estimation. Log-loss
    is the mean entropy, the Brier score the mean of p (1 - p), precision and recall at the top come from sums of p. The
    average precision is the sum over rows of p x (1 + the other rows' p that rank no lower) / rows that rank no lower,
    divided by the sum of p; its error shrinks with the expected number of positives.

    It notices that rows have become harder, not that purchases no longer follow the probabilities: only labels show
    that.

    Parameters
    ----------
    probabilities
        One per row, 0 to 1.

    Returns
    -------
    metrics
        `prevalence`, `average_precision`, `log_loss`, `brier`, and precision and recall at 1, 5 and 10 %, by the names
        that `metrics` has for them; None without rows, or where it would be divided by no positive.

    Raises
    ------
    ValueError
        A probability is not within 0 and 1.

    Examples
    --------
    >>> found = estimated_performance([0.9, 0.1, 0.1, 0.1])
    >>> round(found["prevalence"], 3), round(found["average_precision"], 3), round(found["log_loss"], 3)
    (0.3, 0.881, 0.325)
    """
    p = _checked(probabilities)
    if not len(p):
        return dict.fromkeys(ESTIMATED)
    ranked = ranked_counts(p, p)
    entropy = -(p * np.log(np.clip(p, _EPSILON, 1.0)) + (1.0 - p) * np.log(np.clip(1.0 - p, _EPSILON, 1.0)))
    found: dict[str, float | None] = {
        "prevalence": float(p.mean()),
        "average_precision": _expected_average_precision(ranked),
        "log_loss": float(entropy.mean()),
        "brier": float(np.mean(p * (1.0 - p))),
    }
    for percent in TOP_PERCENTS:
        precision, recall = top_share(ranked, percent)
        found |= {f"precision_at_{percent}pct": precision, f"recall_at_{percent}pct": recall if p.any() else None}
    return {name: found[name] for name in ESTIMATED}


def estimated_interval(
    probabilities: ArrayLike, /, *, seed: int = 0, share: float = 0.95
) -> tuple[float, float] | None:
    """Return between which values the average precision would lie if the probabilities are right, in 95 of 100 cases.

    From 200 draws of the labels. Rows of one user are not independent in truth, so the interval is rather too narrow.
    None where fewer than half of the draws have a positive.

    Examples
    --------
    >>> low, high = estimated_interval([0.9, 0.5, 0.1] * 100)
    >>> low < estimated_performance([0.9, 0.5, 0.1] * 100)["average_precision"] < high
    True
    """
    p = -np.sort(-_checked(probabilities))
    if not len(p):
        return None
    last_of_ties = np.flatnonzero(np.append(p[1:] != p[:-1], [True]))
    rows, draw = last_of_ties.astype(np.float64) + 1.0, np.random.default_rng(seed)
    reached = [
        _average_precision(np.cumsum(draw.random(len(p)) < p, dtype=np.float64)[last_of_ties], rows)
        for _ in range(_DRAWS)
    ]
    found = np.array([one for one in reached if one is not None])
    if len(found) < _DRAWS / 2:
        return None
    low, high = np.quantile(found, [(1.0 - share) / 2.0, (1.0 + share) / 2.0])
    return float(low), float(high)


def _checked(probabilities: ArrayLike) -> NDArray[np.float64]:
    p = np.asarray(probabilities, dtype=np.float64)
    wrong = int(np.sum(~((p >= 0.0) & (p <= 1.0))))
    if wrong:
        raise ValueError(f"probabilities must lie within 0 and 1, and {wrong:,} of {len(p):,} do not")
    return p


def _expected_average_precision(ranked: RankedCounts) -> float | None:
    """Return the sum over ties of p (1 + S - p) / N, with S and N of the rows that rank no lower, over the sum of p."""
    total = float(ranked.positives[-1])
    if not total:
        return None
    rows = np.diff(ranked.rows, prepend=0.0)
    share = ranked.scores * rows
    within = share * (1.0 + ranked.positives - ranked.scores) / ranked.rows
    return float(within.sum()) / total


def _average_precision(positives: NDArray[np.float64], rows: NDArray[np.float64]) -> float | None:
    if not positives[-1]:
        return None
    return float(np.sum(np.diff(positives, prepend=0.0) * positives / rows) / positives[-1])
