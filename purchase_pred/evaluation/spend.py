"""Expected spend judged by money: errors, deciles of predicted against realised money, and the money captured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from purchase_pred.evaluation.scored import ScoredSplit
    from purchase_pred.models.fitted import FittedModel

SPEND: Final = "spend"
DECILES: Final = 10
TOP_PERCENTS: Final = (1, 5, 10)
MEAN_AMOUNT: Final = "mean_amount"
"""The rule to beat: the probability times what buyers of the training rows spent on average."""


def spend_document(model: FittedModel, splits: Mapping[str, ScoredSplit], /) -> dict[str, Any] | None:
    """Return how good the expected spend of a model is on validation and test, and of the rule `mean_amount` on test.

    Returns
    -------
    document
        `val`, `test` and `mean_amount`: what `spend_metrics` returns, and of `val` and `test` also `deciles`, the rows
        of `decile_table`. None for a model without amounts.
    """
    if model.amounts is None:
        return None
    document: dict[str, Any] = {}
    for name in ("val", "test"):
        realised, said = spend_of(model, splits[name])
        document[name] = {**spend_metrics(realised, said), "deciles": decile_table(realised, said).to_dicts()}
    test = splits["test"]
    known = ~np.isnan(test.values)
    by_mean = test.probabilities(model)[known] * model.amounts.mean
    realised = test.values[known]
    return {**document, MEAN_AMOUNT: spend_metrics(realised, by_mean)}


def spend_of(model: FittedModel, split: ScoredSplit, /) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return realised and expected spend of the rows whose spend is known."""
    values = split.values
    known = ~np.isnan(values)
    return values[known], (split.probabilities(model) * split.amounts[model.name])[known]


def spend_metrics(realised: ArrayLike, expected: ArrayLike, /) -> dict[str, Any]:
    """Return the metrics of an expected spend, ready for JSON: numbers, or None where one is not defined.

    Parameters
    ----------
    realised
        What was spent on each row; 0 where nothing was bought.
    expected
        What was expected.

    Returns
    -------
    metrics
        `rows`, `realised` and `expected` (sums), `expected_over_realised`, `mean_absolute_error`,
        `root_mean_squared_error`, and the share of all money that the best rows hold, `captured_at_1pct`, `_5pct` and
        `_10pct` (rounded up to whole rows; of rows with equal expectations the mean counts).

    Examples
    --------
    >>> found = spend_metrics([0.0, 30.0, 0.0, 10.0], [1.0, 20.0, 1.0, 8.0])
    >>> found["expected_over_realised"], found["mean_absolute_error"], found["captured_at_10pct"]
    (0.75, 3.5, 0.75)
    """
    spent, said = np.asarray(realised, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    total = float(spent.sum())
    curve = money_curve(spent, said)
    found: dict[str, Any] = {
        "rows": len(spent),
        "realised": total,
        "expected": float(said.sum()),
        "expected_over_realised": float(said.sum() / total) if total else None,
        "mean_absolute_error": float(np.abs(said - spent).mean()) if len(spent) else None,
        "root_mean_squared_error": float(np.sqrt(np.mean((said - spent) ** 2))) if len(spent) else None,
    }
    for percent in TOP_PERCENTS:
        taken = -(-len(spent) * percent // 100)
        share = np.interp(taken, [0.0, *curve["acted"]], [0.0, *curve["money"]]) / total if total else None
        found[f"captured_at_{percent}pct"] = None if share is None else float(share)
    return found


def decile_table(realised: ArrayLike, expected: ArrayLike, /, *, groups: int = DECILES) -> pl.DataFrame:
    """Return expected and realised money of ten groups of equally many rows, the lowest expectation first.

    Returns
    -------
    table
        `rows` (UInt32), `expected` and `realised` (Float64, means per row). Equal expectations are told apart by their
        place; without rows there are no groups.

    Examples
    --------
    >>> decile_table([0.0, 0.0, 4.0, 8.0], [1.0, 2.0, 3.0, 6.0], groups=2).rows()
    [(2, 1.5, 0.0), (2, 4.5, 6.0)]
    """
    spent, said = np.asarray(realised, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    parts = [part for part in np.array_split(np.argsort(said, kind="stable"), groups) if len(part)]
    rows = [(len(part), float(said[part].mean()), float(spent[part].mean())) for part in parts]
    return pl.DataFrame(rows, schema={"rows": pl.UInt32, "expected": pl.Float64, "realised": pl.Float64}, orient="row")


def money_curve(realised: ArrayLike, scores: ArrayLike, /, *, points: int | None = None) -> pl.DataFrame:
    """Return the money on the rows of at least each distinct score, the highest score first.

    Returns
    -------
    table
        `acted` (rows, UInt32), `money` (Float64), `share` of the rows and `captured`, the share of the money (null
        without any); of `points` rows at most, spread evenly over the rows acted on.

    Examples
    --------
    >>> money_curve([1.0, 0.0, 3.0], [0.5, 0.5, 0.9]).select("acted", "captured").rows()
    [(1, 0.75), (3, 1.0)]
    """
    spent, score = np.asarray(realised, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], [True] * (len(ranked) > 0)))
    if points is not None and len(last) > points:
        last = last[np.unique(np.linspace(0, len(last) - 1, points).astype(np.intp))]
    money = np.cumsum(spent[order])[last]
    total = float(spent.sum())
    return pl.DataFrame({"acted": (last + 1).astype(np.uint32), "money": money}).with_columns(
        share=pl.col("acted") / max(1, len(spent)),
        captured=(pl.col("money") / (total or None)).cast(pl.Float64),
    )
