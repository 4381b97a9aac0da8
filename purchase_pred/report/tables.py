"""The tables that only the report needs: log, splits, prevalence by week, decisions, SHAP values of a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from purchase_pred.evaluation.curves import threshold_curve
from purchase_pred.evaluation.importance import shap_values
from purchase_pred.evaluation.scored import sample_rows
from purchase_pred.models.rows.design_matrix import design_matrix, label_vector
from purchase_pred.models.rows.feature_rows import schema_of
from purchase_pred.schema import (
    ADD_TO_CART,
    EVENT_TYPE,
    ITEM_ID,
    LABEL,
    PREDICTION_TIME,
    PURCHASE,
    SCROLL,
    SESSION_INDEX,
    SPLIT,
    TIMESTAMP,
    USER_ID,
    VIEW,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from purchase_pred.models.fitted import FittedModel
    from purchase_pred.models.rows.feature_rows import FeatureRows
    from purchase_pred.settings.training import ProfitSettings

FUNNEL_STEPS: Final = (VIEW, SCROLL, ADD_TO_CART, PURCHASE)
DECISION_POINTS: Final = 200
"""Thresholds, and daily budgets, that the report lets its reader choose among."""
ROUND_BUDGETS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)
"""Daily budgets that are always in the table, as far as there are so many rows."""
SWARM_ROWS: Final = 250
"""Rows whose SHAP values are drawn one by one."""

_RANK: Final = "rank"
_Z95: Final = 1.959963984540054


def log_table(sessionized: pl.LazyFrame, /) -> pl.LazyFrame:
    """Return in one row what a log holds.

    Returns
    -------
    table
        `events`, `users`, `items`, `sessions`, and of the sessions those with at least one event of each step of the
        funnel: `view`, `scroll`, `add_to_cart`, `purchase` (UInt32); `start` and `end`, the first and last timestamp.

    Examples
    --------
    >>> from datetime import datetime, timezone
    >>> log = pl.LazyFrame(
    ...     {"user_id": [1, 1, 2], "session_index": [1, 1, 1], "item_id": [5, 5, 6],
    ...      "event_type": ["view", "purchase", "view"], "timestamp": [datetime(2024, 8, 1, tzinfo=timezone.utc)] * 3}
    ... )
    >>> log_table(log).select("events", "users", "sessions", "view", "purchase").collect().row(0)
    (3, 2, 2, 2, 1)
    """
    session = pl.struct(USER_ID, SESSION_INDEX)
    steps = {step: session.filter(pl.col(EVENT_TYPE) == step).n_unique() for step in FUNNEL_STEPS}
    counts = {
        "events": pl.len(),
        "users": pl.col(USER_ID).n_unique(),
        "items": pl.col(ITEM_ID).n_unique(),
        "sessions": session.n_unique(),
        **steps,
    }
    return sessionized.select(
        **{name: count.cast(pl.UInt32) for name, count in counts.items()},
        start=pl.col(TIMESTAMP).min(),
        end=pl.col(TIMESTAMP).max(),
    )


def split_table(splits: Mapping[str, FeatureRows], /, *, purged: Mapping[str, int]) -> pl.DataFrame:
    """Return what each split holds: `split`, `rows`, `positives`, `users`, `purged` (null where not known).

    Examples
    --------
    >>> frame = pl.DataFrame({"user_id": [1, 1], "label": [0, 1]}, schema_overrides={"label": pl.UInt8})
    >>> split_table({"train": frame}, purged={"train": 3}).row(0)
    ('train', 2, 1, 1, 3)
    """
    tables = [
        frame.lazy()
        .select(rows=pl.len(), positives=pl.col(LABEL).cast(pl.UInt32).sum(), users=pl.col(USER_ID).n_unique())
        .select(pl.lit(name).alias(SPLIT), pl.all(), pl.lit(purged.get(name), pl.UInt32).alias("purged"))
        for name, frame in splits.items()
    ]
    return pl.concat(tables).with_columns(pl.exclude(SPLIT).cast(pl.UInt32)).collect()


def weekly_prevalence(splits: Mapping[str, FeatureRows], /) -> pl.DataFrame:
    """Return the share of positives of every week, in the order of the splits and of time.

    Returns
    -------
    table
        `split`, `week` (Date, its Monday, UTC; a week that two splits share has a row in each), `rows`, `positives`,
        `prevalence`, and its 95 % interval by Wilson (1927), `low` and `high`.

    Examples
    --------
    >>> from datetime import datetime
    >>> frame = pl.DataFrame(
    ...     {"prediction_time": [datetime(2024, 8, 1), datetime(2024, 8, 2)], "label": [0, 1]},
    ...     schema_overrides={"label": pl.UInt8},
    ... )
    >>> weekly_prevalence({"train": frame}).select("split", "week", "rows", "prevalence").row(0)
    ('train', datetime.date(2024, 7, 29), 2, 0.5)
    """
    tables = [
        frame.lazy()
        .group_by(week=pl.col(PREDICTION_TIME).dt.truncate("1w").dt.date())
        .agg(rows=pl.len(), positives=pl.col(LABEL).cast(pl.UInt32).sum())
        .sort("week")
        .select(pl.lit(name).alias(SPLIT), "week", "rows", "positives")
        for name, frame in splits.items()
    ]
    n, share = pl.col("rows"), pl.col("positives") / pl.col("rows")
    centre = (share + _Z95**2 / (2 * n)) / (1 + _Z95**2 / n)
    half = _Z95 / (1 + _Z95**2 / n) * (share * (1 - share) / n + _Z95**2 / (4 * n**2)).sqrt()
    low, high = (centre - half).clip(0.0, 1.0), (centre + half).clip(0.0, 1.0)
    return pl.concat(tables).with_columns(prevalence=share, low=low, high=high).collect()


def decision_table(
    labels: NDArray[np.uint8],
    probabilities: NDArray[np.float64],
    /,
    *,
    profit: ProfitSettings,
    chosen: Mapping[str, Any],
) -> pl.DataFrame:
    """Return some 200 thresholds to choose among, the strictest first, the chosen one among them.

    Parameters
    ----------
    labels, probabilities
        One per row of test.
    profit
        What one decision of each kind is worth.
    chosen
        `document["threshold"]` of `evaluate`: its `threshold`, and `test` with `acted` and `true_positives`.

    Returns
    -------
    table
        `threshold` (act where the probability is at least that; null: never act), `acted`, `true_positives` (UInt32)
        and `chosen`, exactly once true.
    """
    kept = ("threshold", "acted", "true_positives")
    curve = threshold_curve(labels, probabilities, profit=profit, points=DECISION_POINTS).select(kept)
    own = pl.DataFrame(
        {"threshold": [chosen["threshold"]], **{name: [chosen["test"][name]] for name in kept[1:]}}, schema=curve.schema
    )
    # Another threshold with as many rows is the same decision on these rows.
    others = curve.filter(pl.col("acted") != own["acted"][0]).with_columns(chosen=pl.lit(value=False))
    return pl.concat([others, own.with_columns(chosen=pl.lit(value=True))]).sort("acted")


def budget_table(test: pl.DataFrame, probabilities: NDArray[np.float64], /) -> pl.DataFrame:
    """Return what acting on the k best rows of every UTC day would give, for some 200 values of k.

    Of equal probabilities the row that stands first is taken first.

    Returns
    -------
    table
        The smallest budget first: `per_day` (k), `acted`, `true_positives` (UInt32). The last acts on every row;
        round numbers are among the others.

    Examples
    --------
    >>> from datetime import datetime
    >>> days = [datetime(2024, 8, 1), datetime(2024, 8, 1), datetime(2024, 8, 2)]
    >>> test = pl.DataFrame({"prediction_time": days, "label": [1, 0, 1]}, schema_overrides={"label": pl.UInt8})
    >>> budget_table(test, np.array([0.2, 0.9, 0.5])).rows()
    [(1, 2, 1), (2, 3, 2)]
    """
    day = pl.col(PREDICTION_TIME).dt.date()
    ranks = test.select(
        day.alias("day"), pl.Series("score", -probabilities), pl.Series(LABEL, label_vector(test))
    ).with_columns(pl.col("score").rank("ordinal").over("day").alias(_RANK))
    totals = (
        ranks.group_by(pl.col(_RANK).cast(pl.UInt32).alias("per_day"))
        .agg(acted=pl.len(), true_positives=pl.col(LABEL).cast(pl.UInt32).sum())
        .sort("per_day")
        .with_columns(pl.col("acted", "true_positives").cum_sum().cast(pl.UInt32))
    )
    if totals.height <= DECISION_POINTS:
        return totals
    spread = np.geomspace(1, totals.height, DECISION_POINTS).round().astype(np.int64)
    round_numbers = [budget for budget in ROUND_BUDGETS if budget <= totals.height]
    return totals[np.union1d(spread, round_numbers) - 1]


def swarm_table(model: FittedModel, frame: FeatureRows, /, *, features: Sequence[str], seed: int = 0) -> pl.DataFrame:
    """Return the SHAP values of some rows, one by one, for the features named.

    Parameters
    ----------
    model
        The model.
    frame
        The rows, at most 250 of which are drawn by `seed`.
    features
        The features to return, in that order.

    Returns
    -------
    table
        One row per feature and row of the sample: `feature`, `shap` (log-odds before calibration) and `level`, where
        the value stands among those of the sample, from 0 (lowest) to 1 (highest), ties in their middle; null for
        a missing value and for a category, which has no order.
    """
    sample = sample_rows(frame, rows=SWARM_ROWS, seed=seed) if model.learner.explains else schema_of(frame)
    values, matrix = shap_values(model, sample), design_matrix(sample, model.spec)
    tables = [pl.DataFrame(schema={"feature": pl.String, "shap": pl.Float64, "level": pl.Float64})]
    for name in features:
        position = model.spec.names.index(name)
        unordered = position in model.spec.categorical
        column = np.full(len(matrix), np.nan) if unordered else matrix[:, position]
        drawn = pl.DataFrame({"shap": values[:, position], "level": _levels(column)})
        tables.append(drawn.select(pl.lit(name).alias("feature"), "shap", "level"))
    return pl.concat(tables)


def _levels(column: NDArray[np.floating]) -> pl.Series:
    values = pl.Series(column.astype(np.float64)).fill_nan(None)
    ranks = values.rank("average").cast(pl.Float64)
    return (ranks - 1.0) / max(values.len() - values.null_count() - 1, 1)
