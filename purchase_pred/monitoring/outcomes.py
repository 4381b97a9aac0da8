"""Predictions beside what came of them: by period and by week, estimated where labels are not known yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from purchase_pred.metrics import metrics
from purchase_pred.monitoring.estimates import ESTIMATED, estimated_interval, estimated_performance
from purchase_pred.schema import LABEL, PREDICTION_TIME, USER_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

PROBABILITY: Final = "probability"
PERIOD: Final = "period"

_Z95: Final = 1.959963984540054


def performance_table(periods: Mapping[str, pl.DataFrame], /) -> pl.DataFrame:
    """Return the estimated metrics of several sets of predictions, and the realised ones of rows with a label.

    Parameters
    ----------
    periods
        Name to rows with ``probability`` and ``label`` (null where it is not known yet).

    Returns
    -------
    table
        One row per period and metric: ``period``, ``metric``, ``rows``, ``labelled`` (rows with a label; Int64),
        ``estimated`` (of all rows), ``low`` and ``high`` (95 % interval of what would be realised if the probabilities
        are right; of the average precision alone), ``realised`` (of the rows with a label).

    Examples
    --------
    >>> rows = pl.DataFrame({"probability": [0.5, 0.1], "label": pl.Series([1, None], dtype=pl.UInt8)})
    >>> performance_table({"new": rows}).select("metric", "labelled", "estimated", "realised").row(0)
    ('prevalence', 1, 0.3, 1.0)
    """
    floats = dict.fromkeys(("estimated", "low", "high", "realised"), pl.Float64)
    schema = {PERIOD: pl.String, "metric": pl.String, "rows": pl.Int64, "labelled": pl.Int64, **floats}
    return pl.DataFrame([row for name, rows in periods.items() for row in _metrics(name, rows)], schema=schema)


def calibration_over_time(rows: pl.DataFrame, /, *, every: str = "1w") -> pl.DataFrame:
    """Hold the purchases of each week (UTC, from Monday) against their probabilities.

    The interval of the share of positives is 1.96 standard errors wide to both sides, clustered by user: rows of one
    user count as one observation, since they share the purchase that decides about them.

    Parameters
    ----------
    rows
        ``user_id``, ``prediction_time``, ``probability`` and ``label`` (null where it is not known yet).
    every
        Length of the periods.

    Returns
    -------
    table
        One row per week, sorted: ``week`` (Date), ``rows``, ``labelled`` (UInt32); of the rows with a label
        ``predicted`` (mean probability), ``realised`` (share of positives), ``low``, ``high`` (its interval) and
        ``average_precision``; ``estimated`` (average precision of all rows if the probabilities are right). Null where
        nothing is labelled.
    """
    weeks = rows.with_columns(week=pl.col(PREDICTION_TIME).dt.truncate(every).dt.date())
    found = [_week(week, part) for (week,), part in sorted(weeks.group_by("week"), key=lambda one: one[0])]
    floats = dict.fromkeys(("predicted", "realised", "low", "high", "average_precision", "estimated"), pl.Float64)
    return pl.DataFrame(found, schema={"week": pl.Date, "rows": pl.UInt32, "labelled": pl.UInt32, **floats})


def excess_of_purchases(rows: pl.DataFrame, /) -> tuple[float | None, float | None]:
    """Return purchases over the sum of their probabilities, and by how many standard errors, clustered by user.

    Rows without a label are left out. None where nothing is expected or nothing varies.

    Examples
    --------
    >>> rows = pl.DataFrame({"user_id": [1, 2, 3], "probability": [0.5, 0.5, 0.5], "label": [1, 1, 1]})
    >>> tuple(round(value, 3) for value in excess_of_purchases(rows))
    (2.0, 1.732)
    """
    known = rows.drop_nulls(LABEL)
    expected = float(known[PROBABILITY].sum())
    error = _clustered_error(known)
    over = float(known[LABEL].sum()) - expected
    return (float(known[LABEL].sum()) / expected if expected else None, over / error if error else None)


def _metrics(name: str, rows: pl.DataFrame) -> list[dict[str, Any]]:
    known = rows.drop_nulls(LABEL)
    estimated = estimated_performance(rows[PROBABILITY])
    realised = metrics(known[LABEL], known[PROBABILITY])
    low, high = estimated_interval(rows[PROBABILITY]) or (None, None)
    return [
        {
            PERIOD: name,
            "metric": metric,
            "rows": rows.height,
            "labelled": known.height,
            "estimated": estimated[metric],
            "low": low if metric == "average_precision" else None,
            "high": high if metric == "average_precision" else None,
            "realised": realised.get(metric),
        }
        for metric in ESTIMATED
    ]


def _week(week: Any, rows: pl.DataFrame) -> dict[str, Any]:
    known = rows.drop_nulls(LABEL)
    found: dict[str, Any] = {"week": week, "rows": rows.height, "labelled": known.height}
    found["estimated"] = estimated_performance(rows[PROBABILITY])["average_precision"]
    if known.is_empty():
        return found
    realised, half = float(known[LABEL].mean()), _Z95 * _clustered_error(known) / known.height  # type: ignore[arg-type]
    return found | {
        "predicted": known[PROBABILITY].mean(),
        "realised": realised,
        "low": max(0.0, realised - half),
        "high": min(1.0, realised + half),
        "average_precision": metrics(known[LABEL], known[PROBABILITY])["average_precision"],
    }


def _clustered_error(known: pl.DataFrame) -> float:
    """Return the standard error of the sum of labels less probabilities, in which a user is one observation."""
    off = known.select(USER_ID, off=pl.col(LABEL).cast(pl.Float64) - pl.col(PROBABILITY))
    return float(np.sqrt(np.sum(off.group_by(USER_ID).agg(pl.col("off").sum())["off"].to_numpy() ** 2)))
