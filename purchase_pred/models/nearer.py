"""Shorter horizons that never contradict the longest: what share of its purchases comes as early as that.

Of a row that buys within a horizon, a booster tells how likely the purchase comes within the next shorter one. Products
of the probability and of these shares fall with the horizon, whatever any of the boosters says.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl

from purchase_pred.durations import duration_name
from purchase_pred.errors import UnsupportedTargetError
from purchase_pred.schema import LABEL, LABEL_TIME, PREDICTION_TIME

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from purchase_pred.models.fitted import FittedModel
    from purchase_pred.models.rows.feature_rows import FeatureRows
    from purchase_pred.settings import Settings


def fit_nearer(
    train: FeatureRows,
    val: FeatureRows,
    /,
    *,
    settings: Settings,
    fit: Callable[..., list[FittedModel]],
    memory: int | None = None,
) -> tuple[FittedModel, ...]:
    """Fit the models of the shorter horizons of `target.horizons`, the longest first.

    Each is LightGBM, trained by `fit` (which is `train_models`) on the rows that buy within the next longer horizon:
    fitted on `train`, stopped and calibrated on `val`.

    Parameters
    ----------
    train, val
        Feature frames with ``label_time``.
    settings, memory
        As for `train_models`.
    fit
        How a model is trained.

    Raises
    ------
    UnsupportedTargetError
        Of the purchases within a horizon all or none come within the next shorter one.
    """
    target = settings.target
    shorter = [horizon for horizon in target.horizons if horizon < target.horizon]
    found = []
    for longer, horizon in pairwise([target.horizon, *reversed(shorter)]):
        own = target.model_copy(update={"horizon": horizon, "horizons": (), "value": None})
        chosen = settings.train.model_copy(update={"models": ("lightgbm",), "refit": False})
        parts = [_that_buy(rows, within=longer, by=horizon) for rows in (train, val)]
        asked = settings.model_copy(update={"target": own, "train": chosen})
        try:
            found += fit(*parts, settings=asked, memory=memory)
        except UnsupportedTargetError as error:
            raise UnsupportedTargetError(
                f"target.horizons: of the rows that buy within {duration_name(longer)} some must buy within "
                f"{duration_name(horizon)} and some later, in train and in val: leave {duration_name(horizon)} out "
                f"({error})"
            ) from error
    return tuple(found)


def comes_within(horizon: timedelta, /) -> pl.Expr:
    """Return whether the purchase comes within a horizon, by ``label_time``."""
    return (pl.col(LABEL_TIME) < pl.col(PREDICTION_TIME) + horizon).fill_null(value=False)


def _that_buy(rows: FeatureRows, *, within: timedelta, by: timedelta) -> pl.LazyFrame:
    """Return the rows that buy within a horizon, with the label whether by an earlier one."""
    bought = rows.lazy().filter(comes_within(within))
    return bought.with_columns(comes_within(by).cast(pl.UInt8).alias(LABEL))
