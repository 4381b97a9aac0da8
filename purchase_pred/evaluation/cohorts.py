"""Cohorts: for whom, for what and when a model is good, and where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from purchase_pred.metrics import metrics
from purchase_pred.models.rows.design_matrix import label_vector
from purchase_pred.schema import ITEM_ID, PERSONA, PREDICTION_TIME, USER_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from purchase_pred.models.rows.feature_rows import FeatureRows

COHORTS: Final = ("all", "user", "item", "persona", "category", "week")
_ITEM_CATEGORY: Final = "item_category"
_ROW: Final = "row"


def cohort_table(
    test: pl.DataFrame,
    probabilities: NDArray[np.float64],
    /,
    *,
    train: FeatureRows,
    users: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the metrics of every cohort of the rows of test.

    Parameters
    ----------
    test, probabilities
        Feature frame and the prediction for each of its rows.
    train
        The training rows, in memory or lazy: who and what is not in them is new.
    users
        Users with `persona`; none or without that column: no personas.

    Returns
    -------
    table
        One row per cohort: `cohort` and `value`, in the order all; user (new, returning: with a row in train); item
        (cold, known: with a row in train); persona; category; week (its Monday, UTC); values sorted, a null one as
        `"unknown"`. Then `mean_probability` and the metrics of `purchase_pred.metrics.metrics`, null where not
        defined. A cohort whose column is absent has no row.
    """
    labels = label_vector(test)
    rows: list[dict[str, Any]] = []
    for cohort, values in _cohorts(test, train, users):
        parts = values.to_frame("value").with_row_index(_ROW).group_by("value").agg(_ROW).sort("value")
        for value, members in zip(parts["value"], parts[_ROW], strict=True):
            own = members.to_numpy()
            found = metrics(labels[own], probabilities[own])
            mean = float(probabilities[own].mean())
            rows.append({"cohort": cohort, "value": value, "mean_probability": mean, **found})
    counts = dict.fromkeys(("rows", "positives"), pl.UInt32)
    others = (name for name in metrics([], []) if name not in counts)
    return pl.DataFrame(
        rows,
        schema={
            "cohort": pl.String, "value": pl.String, "mean_probability": pl.Float64, **counts,
            **dict.fromkeys(others, pl.Float64),
        },
    )  # fmt: skip


def _cohorts(test: pl.DataFrame, train: FeatureRows, users: pl.DataFrame | None) -> Iterator[tuple[str, pl.Series]]:
    """Yield each cohort with the value of each row, one after the other: of many rows they take much memory."""
    yield "all", pl.repeat("all", test.height, eager=True)
    if USER_ID in test.columns:
        yield "user", _known(test, train, USER_ID, known="returning", unknown="new")
    if ITEM_ID in test.columns:
        yield "item", _known(test, train, ITEM_ID, known="known", unknown="cold")
    if users is not None and PERSONA in users.columns and USER_ID in test.columns:
        personas = users.select(USER_ID, _text(pl.col(PERSONA)).alias(PERSONA)).unique(USER_ID)
        joined = test.select(USER_ID).join(personas, on=USER_ID, how="left", maintain_order="left")
        yield "persona", joined[PERSONA].fill_null("unknown")
    if _ITEM_CATEGORY in test.columns:
        yield "category", test.select(_text(pl.col(_ITEM_CATEGORY))).to_series()
    yield "week", test.select(_text(pl.col(PREDICTION_TIME).dt.truncate("1w").dt.date())).to_series()


def _known(test: pl.DataFrame, train: FeatureRows, key: str, *, known: str, unknown: str) -> pl.Series:
    seen = test[key].is_in(train.lazy().select(pl.col(key).unique()).collect()[key].implode())
    return pl.select(pl.when(seen).then(pl.lit(known)).otherwise(pl.lit(unknown)).alias(key)).to_series()


def _text(column: pl.Expr) -> pl.Expr:
    return column.cast(pl.String).fill_null("unknown")
