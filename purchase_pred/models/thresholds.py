"""Thresholds: chosen on validation by profit, capacity or precision, applied once to test, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from purchase_pred.metrics import RankedCounts, ranked_counts
from purchase_pred.models.rows.design_matrix import label_vector
from purchase_pred.schema import PREDICTION_TIME, USER_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl
    from numpy.typing import NDArray

    from purchase_pred.settings.training import ProfitSettings, ThresholdSettings, TrainSettings

_CHUNK: Final = 4_000_000
_INTERVAL: Final = (0.025, 0.975)


def threshold_report(
    val: pl.DataFrame,
    val_probabilities: NDArray[np.float64],
    test: pl.DataFrame,
    test_probabilities: NDArray[np.float64],
    /,
    *,
    settings: TrainSettings,
) -> dict[str, Any]:
    """Choose the threshold on validation, apply it to both splits, and say how sure the figures on test are.

    Returns
    -------
    report
        `rule`, `threshold` (act where the probability is at least that; None: never act), `val` and `test` with
        rows, acted, acted_per_day, true_positives, precision, recall and profit, and `test_intervals_95`: the last
        three each as [low, high] by bootstrap over users.
    """
    rule = settings.threshold
    threshold = choose_threshold(label_vector(val), val_probabilities, days=_days(val), settings=rule)
    return {
        "rule": rule.rule,
        "threshold": threshold,
        "val": _figures(val, val_probabilities, threshold, rule.profit),
        "test": _figures(test, test_probabilities, threshold, rule.profit),
        "test_intervals_95": bootstrap_intervals(
            test, test_probabilities, threshold, settings=rule, seed=settings.random_seed
        ),
    }


def choose_threshold(
    labels: NDArray[np.uint8], probabilities: NDArray[np.float64], /, *, days: int, settings: ThresholdSettings
) -> float | None:
    """Return the probability from which on to act, or None for never.

    - ``profit``: the threshold of the greatest total profit; of equals the highest; None if acting never pays.
    - ``capacity``: the lowest threshold at which at most `per_day` rows a day are acted on, on the average over the
      UTC days of validation; tied rows enter together or not at all.
    - ``precision``: the lowest threshold whose precision is at least `min_precision`; None if there is none.

    Examples
    --------
    >>> from purchase_pred.settings.training import ThresholdSettings
    >>> floor = ThresholdSettings(rule="precision", min_precision=0.5)
    >>> p = np.array([0.9, 0.6, 0.3, 0.1])
    >>> choose_threshold(np.array([1, 0, 0, 0], dtype=np.uint8), p, days=1, settings=floor)
    0.6
    """
    ranked = ranked_counts(labels, probabilities)
    if not len(ranked.rows):
        return None
    if settings.rule == "profit":
        return _most_profitable(ranked, settings.profit)
    if settings.rule == "capacity":
        allowed = ranked.rows <= settings.per_day * days
    else:
        allowed = ranked.positives / ranked.rows >= settings.min_precision
    return float(ranked.scores[allowed][-1]) if allowed.any() else None


def bootstrap_intervals(
    frame: pl.DataFrame,
    probabilities: NDArray[np.float64],
    threshold: float | None,
    /,
    *,
    settings: ThresholdSettings,
    seed: int,
) -> dict[str, list[float] | None]:
    """Return 95 % percentile intervals of precision, recall and profit over resamples of whole users.

    A user's rows are not independent of each other; users are. None where a figure is not defined in any resample.
    """
    names = ("precision", "recall", "profit")
    if not settings.resamples or frame.is_empty():
        return dict.fromkeys(names)
    table = _user_counts(frame, probabilities, threshold)
    users = len(table)
    weights = drawn_users(users, settings.resamples, chunk=max(1, _CHUNK // users), seed=seed)
    figures = _ratios(np.concatenate([drawn @ table for drawn in weights]), settings.profit)
    return {name: _interval(figures[name]) for name in names}


def drawn_users(users: int, resamples: int, /, *, chunk: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Yield how often each user was drawn in each resample, shape (resamples, users), at most `chunk` at a time."""
    rng = np.random.default_rng(seed)
    for start in range(0, resamples, chunk):
        times = min(chunk, resamples - start)
        drawn = rng.integers(0, users, size=(times, users)) + users * np.arange(times)[:, None]
        yield np.bincount(drawn.ravel(), minlength=times * users).reshape(times, users).astype(np.float64)


def _most_profitable(ranked: RankedCounts, profit: ProfitSettings) -> float | None:
    true_positives, acted = ranked.positives, ranked.rows
    outcomes = np.column_stack(
        [true_positives, acted - true_positives, acted[-1] - acted - (true_positives[-1] - true_positives),
         true_positives[-1] - true_positives]
    )  # fmt: skip
    totals = outcomes @ _worth(profit)
    never = profit.true_negative * (acted[-1] - true_positives[-1]) + profit.false_negative * true_positives[-1]
    best = int(np.argmax(totals))
    return float(ranked.scores[best]) if totals[best] > never else None


def _user_counts(
    frame: pl.DataFrame, probabilities: NDArray[np.float64], threshold: float | None
) -> NDArray[np.float64]:
    """Return true positives, false positives, true negatives, false negatives of each user, in order of user_id."""
    acted = _acted(probabilities, threshold)
    label = label_vector(frame).astype(np.bool_)
    users = frame[USER_ID].rank("dense").to_numpy() - 1
    outcomes = (label & acted, ~label & acted, ~label & ~acted, label & ~acted)
    return np.column_stack([np.bincount(users, weights=outcome) for outcome in outcomes])


def _figures(
    frame: pl.DataFrame, probabilities: NDArray[np.float64], threshold: float | None, profit: ProfitSettings
) -> dict[str, Any]:
    acted = _acted(probabilities, threshold)
    label = label_vector(frame).astype(np.bool_)
    found = int((label & acted).sum())
    outcomes = (found, int(acted.sum()) - found, int((~label & ~acted).sum()), int((label & ~acted).sum()))
    counts = np.array([outcomes], dtype=np.float64)
    figures = {name: float(values[0]) for name, values in _ratios(counts, profit).items()}
    return {
        "rows": frame.height,
        "acted": int(acted.sum()),
        "acted_per_day": float(acted.sum()) / max(1, _days(frame)),
        "true_positives": found,
        **{name: None if np.isnan(value) else value for name, value in figures.items()},
    }


def _ratios(counts: NDArray[np.float64], profit: ProfitSettings) -> dict[str, NDArray[np.float64]]:
    true_positives, false_positives, _, false_negatives = counts.T
    with np.errstate(invalid="ignore"):
        return {
            "precision": true_positives / (true_positives + false_positives),
            "recall": true_positives / (true_positives + false_negatives),
            "profit": counts @ _worth(profit),
        }


def _worth(profit: ProfitSettings) -> NDArray[np.float64]:
    return np.array([profit.true_positive, profit.false_positive, profit.true_negative, profit.false_negative])


def _acted(probabilities: NDArray[np.float64], threshold: float | None) -> NDArray[np.bool_]:
    return np.zeros(len(probabilities), dtype=np.bool_) if threshold is None else probabilities >= threshold


def _days(frame: pl.DataFrame) -> int:
    return frame[PREDICTION_TIME].dt.date().n_unique()


def _interval(values: NDArray[np.float64]) -> list[float] | None:
    defined = values[~np.isnan(values)]
    return [float(bound) for bound in np.quantile(defined, _INTERVAL)] if len(defined) else None
