"""Purchase histories of customers by day, and the rival models that use nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.quality.bgnbd import Histories, fit_bgnbd
from benchmarks.quality.gammagamma import Amounts, fit_gamma_gamma
from purchase_pred.models.rows.design_matrix import label_vector
from purchase_pred.schema import PREDICTION_TIME, PRICE, TIMESTAMP, USER_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def histories(rows: pl.DataFrame, purchases: pl.DataFrame, /) -> pl.DataFrame:
    """Return `repeats`, `last` and `age` of each row's user as known before its T, in the order of the rows."""
    at = [_histories_at(moment, purchases) for moment in rows[PREDICTION_TIME].unique().sort()]
    known = rows.select(USER_ID, PREDICTION_TIME).join(
        pl.concat(at), on=[USER_ID, PREDICTION_TIME], how="left", maintain_order="left"
    )
    return known.select("repeats", "last", "age")


def recency_frequency(
    splits: Mapping[str, pl.DataFrame], purchases: pl.DataFrame, /, *, with_age: bool
) -> NDArray[np.float64]:
    """Return test probabilities of a logistic regression on log repeats, log days since the last (and log age)."""
    matrices = {name: _logarithms(histories(splits[name], purchases), with_age) for name in ("train", "test")}
    logistic = make_pipeline(StandardScaler(), LogisticRegression(C=1e6, max_iter=1_000))
    logistic.fit(matrices["train"], label_vector(splits["train"]))
    said: NDArray[np.float64] = logistic.predict_proba(matrices["test"])[:, 1]
    return said


def buy_till_you_die(test: pl.DataFrame, purchases: pl.DataFrame, /, *, days: float) -> NDArray[np.float64]:
    """Return the BG/NBD probability of each row; the model is fitted for each T on all purchases before it."""
    known = histories(test, purchases)
    said = np.empty(test.height)
    for moment in test[PREDICTION_TIME].unique():
        rows = (test[PREDICTION_TIME] == moment).to_numpy()
        here = Histories(*(known[name].to_numpy()[rows] for name in known.columns))
        said[rows] = fit_bgnbd(here).chance_of_purchase(here, days=days)
    return said


def expected_money(test: pl.DataFrame, purchases: pl.DataFrame, /, *, days: float) -> NDArray[np.float64]:
    """Return what each row is expected to spend: BG/NBD's purchases times Gamma-Gamma's amount, fitted for each T.

    `purchases` have ``price``; those of one day are one purchase, and the first day tells nothing of amounts, as in the
    papers.
    """
    known = histories(test, purchases)
    money = amounts(test, purchases)
    said = np.empty(test.height)
    for moment in test[PREDICTION_TIME].unique():
        rows = (test[PREDICTION_TIME] == moment).to_numpy()
        here = Histories(*(known[name].to_numpy()[rows] for name in known.columns))
        paid = Amounts(here.repeats, money[rows])
        amount = fit_gamma_gamma(paid).expected_amount(paid)
        said[rows] = fit_bgnbd(here).expected_purchases(here, days=days) * amount
    return said


def amounts(rows: pl.DataFrame, purchases: pl.DataFrame, /) -> NDArray[np.float64]:
    """Return the mean spent on each day with a purchase but the first, as known before each row's T; 0 without any."""
    day = pl.col(TIMESTAMP).dt.date()
    per_day = purchases.group_by(USER_ID, day.alias("day")).agg(pl.col(PRICE).sum(), pl.col(TIMESTAMP).min())
    repeats = per_day.filter(pl.col("day") > pl.col("day").min().over(USER_ID))
    moments = rows.select(PREDICTION_TIME).unique()
    means = (
        repeats.join(moments, how="cross")
        .filter(pl.col(TIMESTAMP) < pl.col(PREDICTION_TIME))
        .group_by(USER_ID, PREDICTION_TIME)
        .agg(pl.col(PRICE).mean().alias("mean"))
    )
    known = rows.select(USER_ID, PREDICTION_TIME).join(
        means, on=[USER_ID, PREDICTION_TIME], how="left", maintain_order="left"
    )
    return known["mean"].fill_null(0.0).to_numpy()


def _histories_at(moment: object, purchases: pl.DataFrame) -> pl.DataFrame:
    day = pl.col(TIMESTAMP).dt.date()
    now = pl.lit(moment, dtype=purchases.schema[TIMESTAMP])
    return (
        purchases.filter(pl.col(TIMESTAMP) < now)
        .group_by(USER_ID)
        .agg(
            (day.n_unique().cast(pl.Float64) - 1.0).alias("repeats"),
            (day.max() - day.min()).dt.total_days().cast(pl.Float64).alias("last"),
            (now.dt.date() - day.min()).dt.total_days().cast(pl.Float64).alias("age"),
        )
        .with_columns(now.alias(PREDICTION_TIME))
    )


def _logarithms(known: pl.DataFrame, with_age: bool) -> NDArray[np.float64]:  # noqa: FBT001  (a column more or less)
    silence = (pl.col("age") - pl.col("last")).alias("silence")
    columns = known.select("repeats", silence, *(["age"] if with_age else []))
    return np.log1p(columns.to_numpy())
