"""Cohorts: for whom, for what and when a model is good, and where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from purchase_pred.metrics import metrics
from purchase_pred.models.rows.design_matrix import label_vector
from purchase_pred.schema import ITEM_ID, PERSONA, PREDICTION_TIME, USER_ID

if TYPE_CHECKING:
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
    grouped = test.select(**_cohort_columns(test, train, users)).with_row_index(_ROW)
    rows: list[dict[str, Any]] = []
    for cohort in grouped.columns[1:]:
        parts = grouped.group_by(pl.col(cohort).alias("value")).agg(_ROW).sort("value")
        for value, members in parts.iter_rows():
            found = metrics(labels[members], probabilities[members])
            mean = float(probabilities[members].mean())
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


def _cohort_columns(
    test: pl.DataFrame, train: FeatureRows, users: pl.DataFrame | None
) -> dict[str, pl.Expr | pl.Series]:
    columns: dict[str, pl.Expr | pl.Series] = {"all": pl.repeat("all", pl.len())}
    if USER_ID in test.columns:
        columns["user"] = _known(test, train, USER_ID, known="returning", unknown="new")
    if ITEM_ID in test.columns:
        columns["item"] = _known(test, train, ITEM_ID, known="known", unknown="cold")
    if users is not None and PERSONA in users.columns and USER_ID in test.columns:
        personas = users.select(USER_ID, _text(pl.col(PERSONA)).alias(PERSONA)).unique(USER_ID)
        joined = test.select(USER_ID).join(personas, on=USER_ID, how="left", maintain_order="left")
        columns["persona"] = joined[PERSONA].fill_null("unknown")
    if _ITEM_CATEGORY in test.columns:
        columns["category"] = _text(pl.col(_ITEM_CATEGORY))
    columns["week"] = _text(pl.col(PREDICTION_TIME).dt.truncate("1w").dt.date())
    return columns


def _known(test: pl.DataFrame, train: FeatureRows, key: str, *, known: str, unknown: str) -> pl.Series:
    seen = test[key].is_in(train.lazy().select(pl.col(key).unique()).collect()[key].implode())
    return pl.select(pl.when(seen).then(pl.lit(known)).otherwise(pl.lit(unknown)).alias(key)).to_series()


def _text(column: pl.Expr) -> pl.Expr:
    return column.cast(pl.String).fill_null("unknown")
